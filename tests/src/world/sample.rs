//! Systems, data types and agreements that worlds are made of.

pub mod drafts;
pub mod people;

use std::net::SocketAddr;

use agreements::{
    Act, ActId, AgreementNumber, BasisKind, Bin, BoundCertificate, Conformity, DataType, Document,
    DocumentKind, Endpoint, ListedUser, OfficialUse, Ownership, Phase, Significance, SystemCard, SystemId,
    UserId, Users,
};
use certs::authority::IssuedPem;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// BIN of the consumer's holder.
pub const MINISTRY: &str = "000140000011";
/// BIN of the provider's holder.
pub const AGENCY: &str = "000140000022";
/// BIN of the regulator.
pub const REGULATOR: &str = "000140000033";
/// BIN of the organisation that runs the gateway.
pub const OPERATOR: &str = "000140000044";

/// The system that asks.
pub const PORTAL: &str = "portal";
/// The system that answers.
pub const REGISTER: &str = "address-register";

/// The target of the plainest call.
pub const LOOKUP: &str = "/address-register/address/addresses/7";
/// Where corrections are posted.
pub const ADDRESSES: &str = "/address-register/address/addresses";

/// An agreement by its number: `address-lookup`, `person-records` with personal data, or `documents`.
///
/// # Panics
/// If there is no such sample.
pub fn agreement(number: &str) -> Value {
    match number {
        "address-lookup" => address_lookup(),
        "person-records" => person_records(),
        "documents" => documents(),
        other => panic!("no sample agreement {other}"),
    }
}

fn address_lookup() -> Value {
    json!({
        "number": "address-lookup", "version": 1, "consumer": PORTAL, "provider": REGISTER,
        "data": [{
            "data_type": "address", "version": 1,
            "operations": ["lookup", "search", "correct", "replace", "remove", "peek"],
            "fields": ["/code", "/address", "/rooms/*/number", "/items"],
        }],
        "access_period": { "from": "2026-03-02", "until": "2099-12-31" },
        "purposes": [{ "code": "delivery", "text": "Delivery of answers" }],
        "basis": [{ "act": "hr-order", "version": "2003-07-08", "clause": "16" }],
        "accounting": { "retention_years": 3, "text": "By the gateway" },
        "recovery": { "within_hours": 4, "text": "Ask again" },
        "protection": {
            "category": "public", "rate": { "per_second": 100_000, "burst": 100_000 }, "text": "The gateway's",
        },
        "attachments": papers(),
    })
}

fn person_records() -> Value {
    json!({
        "number": "person-records", "version": 1, "consumer": PORTAL, "provider": REGISTER,
        "data": [{ "data_type": "person", "version": 1, "operations": ["record"], "fields": ["/name"] }],
        "access_period": { "from": "2026-03-02", "until": "2099-12-31" },
        "purposes": [{
            "code": "staffing", "text": "Filling of vacancies", "collection_purpose": "civil-service",
        }],
        "basis": [{ "act": "hr-exchange", "version": "2003-07-08", "clause": "8.2" }],
        "accounting": {
            "answer_after": "completed", "case": "required", "retention_years": 5, "text": "Each side keeps a journal",
        },
        "recovery": { "within_hours": 24, "text": "The exchange is repeated" },
        "protection": {
            "category": "confidential", "users": "listed-and-trained",
            "rate": { "per_second": 100_000, "burst": 100_000 }, "text": "Dedicated network segment",
        },
        "personal_data": {
            "collection_purpose": "civil-service",
            "fields": [{ "field": "/name", "approved_list_item": "4.1" }],
        },
        "attachments": papers(),
    })
}

/// What systems of samples have to show, under the signatures.
fn papers() -> Value {
    json!([{ "title": "Attestations and quality certificates", "sha256": paper() }])
}

fn documents() -> Value {
    let mut text = address_lookup();
    text["number"] = "documents".into();
    text["data"] = json!([{
        "data_type": "document", "version": 1,
        "operations": ["send", "keep", "read", "submit", "exchange", "store", "fetch"], "fields": ["/document", "/code", "/address"],
    }]);
    text
}

/// What the register publishes.
pub fn data_types() -> Vec<DataType> {
    vec![address(), person(), unusable(), document()]
}

/// Most bytes of one of the register's documents.
pub const DOCUMENT_BYTES: usize = 300_000;

/// Where its documents are.
pub const DOCUMENTS: &str = "/address-register/document/documents";
/// One of them.
pub const DOCUMENT: &str = "/address-register/document/documents/7";
/// One as large as the acts allow.
pub const LARGE: &str = "/address-register/document/large/7";
/// Where one goes to come back as another.
pub const CONVERTED: &str = "/address-register/document/converted";
/// Where drafts go, with their card.
pub const DRAFTS: &str = "/address-register/document/drafts";

fn document() -> DataType {
    let formats: Vec<String> = agreements::DocumentFormat::ALL.iter().map(ToString::to_string).collect();
    let of = |formats: &Value| json!({ "formats": formats, "max_file_bytes": DOCUMENT_BYTES });
    let any = json!({ "media_type": "*/*", "documents": of(&json!(formats)), "max_bytes": DOCUMENT_BYTES });
    let large = json!({
        "media_type": "*/*", "max_bytes": 60 << 20,
        "documents": { "formats": ["pdf", "docx"], "max_file_bytes": 60 << 20 },
    });
    let item = json!({
        "schema": { "type": "object", "properties": { "code": { "type": "string" } } },
    });
    let mut several = of(&json!(["pdf", "docx", "zip"]));
    several["max_files"] = 2.into();
    let card = json!({
        "type": "object", "required": ["title"], "additionalProperties": false,
        "properties": { "title": { "type": "string", "maxLength": 100 } },
    });
    let form = json!({
        "media_type": "multipart/form-data", "schema": card, "documents": several, "max_bytes": 3 * DOCUMENT_BYTES,
    });
    from_json(json!({
        "id": "document", "version": 1, "provider": REGISTER, "title": "Document", "category": "public",
        "operations": [
            { "id": "send", "method": "POST", "path": "/documents", "request": any, "response": item,
              "logical_part": "documents" },
            { "id": "keep", "method": "PUT", "path": "/documents/{code}", "request": any, "logical_part": "documents" },
            { "id": "read", "method": "GET", "path": "/documents/{code}", "response": any,
              "logical_part": "documents" },
            { "id": "submit", "method": "POST", "path": "/drafts", "request": form, "response": item,
              "logical_part": "drafts" },
            { "id": "store", "method": "PUT", "path": "/large/{code}", "request": large, "logical_part": "documents" },
            { "id": "fetch", "method": "GET", "path": "/large/{code}", "response": large,
              "logical_part": "documents" },
            { "id": "exchange", "method": "POST", "path": "/converted", "request": any, "response": any,
              "logical_part": "documents" },
        ],
    }))
}

fn address() -> DataType {
    let item = json!({
        "type": "object", "required": ["code", "address"],
        "properties": {
            "code": { "type": "string" }, "address": { "type": "string" }, "internal": { "type": "string" },
            "rooms": { "type": "array", "items": {
                "type": "object",
                "properties": { "number": { "type": "integer" }, "owner": { "type": "string" } },
            } },
        },
    });
    let correction = json!({
        "type": "object", "required": ["code", "address"], "additionalProperties": false,
        "properties": { "code": { "type": "string" }, "address": { "type": "string" } },
    });
    let items = json!({ "type": "object", "properties": { "items": { "type": "array", "items": item } } });
    from_json(json!({
        "id": "address", "version": 1, "provider": REGISTER, "title": "Address", "category": "public",
        "operations": [
            { "id": "lookup", "method": "GET", "path": "/addresses/{code}", "query": [{ "name": "lang" }],
              "response": { "schema": item, "max_bytes": 32_768 }, "logical_part": "addresses" },
            { "id": "peek", "method": "HEAD", "path": "/addresses/{code}",
              "response": { "schema": item, "max_bytes": 32_768 }, "logical_part": "addresses" },
            { "id": "search", "method": "GET", "path": "/addresses",
              "query": [{ "name": "text", "presence": "required" },
                        { "name": "page", "schema": { "type": "integer", "minimum": 1 } }],
              "response": { "schema": items }, "logical_part": "addresses" },
            { "id": "correct", "method": "POST", "path": "/addresses",
              "request": { "schema": correction, "max_bytes": 4096 }, "response": { "schema": item },
              "logical_part": "addresses" },
            { "id": "replace", "method": "PUT", "path": "/addresses/{code}",
              "request": { "schema": correction, "max_bytes": 8_388_608 }, "response": { "schema": item },
              "logical_part": "addresses" },
            { "id": "remove", "method": "DELETE", "path": "/addresses/{code}", "logical_part": "addresses" },
            { "id": "export", "method": "GET", "path": "/export", "response": { "schema": items },
              "logical_part": "addresses" },
        ],
    }))
}

fn person() -> DataType {
    from_json(json!({
        "id": "person", "version": 1, "provider": REGISTER, "title": "Person", "category": "confidential",
        "personal": { "collection_purpose": "civil-service" },
        "operations": [{
            "id": "record", "method": "GET", "path": "/persons/{iin}", "subject": { "path": "iin" },
            "response": { "schema": { "type": "object", "required": ["name"] } }, "logical_part": "persons",
        }],
    }))
}

/// Published with a schema that is none: nothing of it can be checked.
fn unusable() -> DataType {
    from_json(json!({
        "id": "unusable", "version": 1, "provider": REGISTER, "title": "Unusable", "category": "public",
        "operations": [{
            "id": "read", "method": "GET", "path": "/", "logical_part": "all",
            "response": { "schema": { "$ref": "https://schemas.example/elsewhere.json" } },
        }],
    }))
}

/// A data type that a readiness check can sample: one operation needs nothing, one declares a sample, one changes data.
pub fn streets() -> DataType {
    let street = json!({
        "type": "object", "required": ["code", "name"],
        "properties": { "code": { "type": "string" }, "name": { "type": "string" } },
    });
    let streets = json!({
        "type": "object", "required": ["items"], "properties": { "items": { "type": "array", "items": street } },
    });
    from_json(json!({
        "id": "streets", "version": 1, "provider": REGISTER, "title": "Streets", "category": "public",
        "operations": [
            { "id": "list", "method": "GET", "path": "/streets", "response": { "schema": streets },
              "logical_part": "streets" },
            { "id": "find", "method": "GET", "path": "/streets/{code}", "query": [{ "name": "lang" }],
              "response": { "schema": street }, "logical_part": "streets",
              "sample": { "path": { "code": "sample 1" }, "query": { "lang": "kk" } } },
            { "id": "rename", "method": "POST", "path": "/streets",
              "request": { "schema": street }, "response": { "schema": street }, "logical_part": "streets" },
        ],
    }))
}

/// An agreement on [`streets`], in full.
pub fn streets_agreement() -> Value {
    let mut text = address_lookup();
    text["number"] = "streets".into();
    text["data"] = json!([{
        "data_type": "streets", "version": 1, "operations": ["list", "find", "rename"],
        "fields": ["/items/*/code", "/items/*/name", "/code", "/name"],
    }]);
    text
}

/// A street as the register answers with it.
pub fn street() -> Value {
    json!({ "code": "1", "name": "Mangilik El" })
}

/// A system's application, complete.
pub fn card(id: &str, holder: &str, endpoint: Option<SocketAddr>) -> SystemCard {
    let kinds = [
        DocumentKind::Description,
        DocumentKind::TrialAct,
        DocumentKind::TechnicalDocumentation,
        DocumentKind::ProductionAct,
    ];
    let document = |kind| Document { kind, sha256: paper(), title: format!("{kind:?}") };
    SystemCard {
        id: system(id),
        name: id.into(),
        holder: bin(holder),
        owner: bin(holder),
        ownership: Ownership::State,
        phase: Phase::Production,
        significance: Significance::Ordinary,
        openness: agreements::Openness::Open,
        region: None,
        networks: vec![from_json(json!("127.0.0.0/8"))],
        endpoint: endpoint.map(|address| Endpoint {
            address: address.to_string(),
            server_name: "localhost".into(),
            base_path: "/api".into(),
        }),
        responsible: "An employee".into(),
        documents: kinds.map(document).into(),
    }
}

/// The text of each document that samples name; the depositary of every world keeps it.
pub const PAPER: &[u8] = b"A paper";

/// Its digest.
pub fn paper() -> String {
    certs::fingerprint(PAPER).to_string()
}

/// A certificate as the registry binds it.
pub fn bound(issued: &IssuedPem) -> BoundCertificate {
    let IssuedPem { fingerprint, serial, not_after, .. } = issued;
    BoundCertificate { fingerprint: *fingerprint, serial: serial.clone(), not_after: *not_after }
}

/// A conformity document that is valid from `from` to `until`.
pub fn conformity(of: &str, from: &str, until: &str) -> Conformity {
    Conformity {
        number: format!("No {of}"),
        issuer: "Accredited body".into(),
        valid_from: date(from),
        valid_until: date(until),
        document: Some(paper()),
        scope: String::new(),
        suspended: None,
        withdrawn: None,
    }
}

/// The act that all samples stand on.
pub fn act() -> Act {
    Act {
        id: from_json::<ActId>(json!("hr-order")),
        title: "Order on personnel records".into(),
        version: "2003-07-08".into(),
        in_force_from: date("2003-08-01"),
        in_force_until: None,
        agreements_until: None,
        successor: None,
        kind: Some(BasisKind::Act),
        sector: None,
        ratified: None,
        official_use: OfficialUse::Unsaid,
        officials: Users::Any,
    }
}

/// The act that personal data of officials passes by: only to officials who were trained for it.
pub fn personnel_act() -> Act {
    Act {
        id: from_json::<ActId>(json!("hr-exchange")),
        title: "Order on exchanges of personnel records".into(),
        officials: Users::ListedAndTrained,
        ..act()
    }
}

/// An official on an approved list.
pub fn listed(id: &str, training_certificate: Option<&str>) -> ListedUser {
    ListedUser {
        id: UserId::new(id).expect("a sample user has a good name"),
        name: id.to_uppercase(),
        duty: "Personnel".into(),
        training_certificate: training_certificate.map(|number| {
            from_json(json!({ "number": number, "issued": "2020-01-01", "valid_until": "2099-12-31" }))
        }),
    }
}

/// An address as the register answers with it: with what the agreement releases and what it does not.
pub fn address_record() -> Value {
    json!({
        "code": "7", "address": "Astana, Mangilik El 55", "internal": "secret remark",
        "rooms": [{ "number": 1, "owner": "A. Person" }, { "number": 2, "owner": "B. Person" }],
    })
}

/// A correction that fits its schema.
pub fn correction() -> Value {
    json!({ "code": "7", "address": "Astana, Mangilik El 57" })
}

/// A system's code.
///
/// # Panics
/// If it is none.
pub fn system(id: &str) -> SystemId {
    SystemId::new(id).expect("a sample system has a good code")
}

/// An agreement's number.
///
/// # Panics
/// If it is none.
pub fn number(number: &str) -> AgreementNumber {
    AgreementNumber::new(number).expect("a sample agreement has a good number")
}

/// A BIN.
///
/// # Panics
/// If it is none.
pub fn bin(digits: &str) -> Bin {
    Bin::new(digits).expect("a sample BIN has twelve digits")
}

/// A day.
///
/// # Panics
/// If it is none.
pub fn date(day: &str) -> Date {
    day.parse().expect("a sample date is a date")
}

fn from_json<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a sample is well-formed")
}
