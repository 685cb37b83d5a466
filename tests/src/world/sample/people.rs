//! A data type about persons, who are named in every place where they can be, and an agreement on it.

use agreements::DataType;
use serde_json::{Value, json};

use super::{REGISTER, address_lookup, from_json};
use crate::world::Ask;

/// One person, named in the path.
pub const PERSON: &str = "/address-register/people/people/860101300126";
/// Persons, named in the request's body.
pub const QUERIES: &str = "/address-register/people/queries";
/// Persons whom only the response names.
pub const UNIT: &str = "/address-register/people/units/7";

/// The official who asks.
pub const OFFICIAL: &str = "a.serik";

/// Who is asked about, and somebody else.
pub const IIN: &str = "860101300126";
/// The somebody else.
pub const OTHER_IIN: &str = "900515400331";

/// The identification number of whoever has this name.
pub fn iin_of(name: &str) -> String {
    let number = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 1_000_000);
    format!("860101{number:06}")
}

/// Asks in the official's name.
pub fn asks(method: &str, target: &str) -> Ask {
    Ask::new(method, target).header("Kelisim-User", OFFICIAL)
}

/// The same, for one of the targets.
pub fn get(target: &str) -> Ask {
    asks("GET", target)
}

/// The same, with what is asked.
pub fn post(target: &str, body: &Value) -> Ask {
    Ask::post(target, body).header("Kelisim-User", OFFICIAL)
}

/// Persons and where they live.
pub fn people() -> DataType {
    let person = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "iin": {}, "name": { "type": "string" }, "phone": { "type": "string" },
        },
    });
    let people = json!({
        "type": "object", "properties": { "people": { "type": "array", "items": person } },
    });
    // Whether what stands in them is an identifier, the schema leaves open.
    let query = json!({
        "type": "object", "properties": { "iins": { "type": "array" }, "of": { "type": "object" } },
    });
    from_json(json!({
        "id": "people", "version": 1, "provider": REGISTER, "title": "People", "category": "personal",
        "personal": { "collection_purpose": "civil-service" },
        "operations": [
            { "id": "one", "method": "GET", "path": "/people/{iin}", "subject": { "path": "iin" },
              "response": { "schema": person }, "logical_part": "people" },
            { "id": "find", "method": "GET", "path": "/people", "query": [{ "name": "iin" }],
              "subject": { "query": "iin" }, "response": { "schema": person }, "logical_part": "people" },
            { "id": "ask", "method": "POST", "path": "/queries", "subject": { "body": "/iins/*" },
              "request": { "schema": query }, "response": { "schema": people }, "logical_part": "people" },
            { "id": "unit", "method": "GET", "path": "/units/{unit}", "subject": { "response": "/people/*/iin" },
              "response": { "schema": people }, "logical_part": "units" },
        ],
    }))
}

/// An agreement on [`people`], in full; [`OFFICIAL`] has to be listed.
pub fn people_agreement() -> Value {
    let mut text = address_lookup();
    text["number"] = "people".into();
    text["data"] = json!([{
        "data_type": "people", "version": 1, "operations": ["one", "find", "ask", "unit"],
        "fields": ["/name", "/people/*/name"],
    }]);
    text["purposes"] =
        json!([{ "code": "delivery", "text": "Delivery of answers", "collection_purpose": "civil-service" }]);
    text["protection"]["category"] = "personal".into();
    text["protection"]["users"] = "listed".into();
    text["personal_data"] = json!({
        "collection_purpose": "civil-service",
        "fields": [
            { "field": "/name", "approved_list_item": "4.1" },
            { "field": "/people/*/name", "approved_list_item": "4.1" },
        ],
    });
    text
}

/// A person as the register answers with them.
pub fn person_record(iin: &str) -> Value {
    json!({ "iin": iin, "name": "A. Person", "phone": "+7 701 000 00 00" })
}
