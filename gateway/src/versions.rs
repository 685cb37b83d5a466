//! Two versions of a data type: whether the later one admits more or less, point by point. Pure; what cannot be told is said.

use std::collections::BTreeSet;

use agreements::{
    DataType, DocumentFormat, Documents, JsonText, Method, Operation, Parameter, PathTemplate, Payload,
    Presence, Repeats,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use crate::payload::Change;
use crate::payload::compare;

/// One point in which two versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// Where: `operations.lookup.response.schema`.
    pub field: String,
    /// Which way.
    pub change: Change,
    /// What stood there, where that can be said shortly.
    pub before: String,
    /// What stands there now.
    pub after: String,
}

/// What a new version of a data type changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Differences {
    /// All points together.
    pub change: Change,
    /// Each of them.
    pub points: Vec<Difference>,
}

/// What `after` changes against `before`.
pub fn differences(before: &DataType, after: &DataType) -> Differences {
    let mut points = Points(Vec::new());
    // Protected as more, it passes under fewer agreements.
    let category = |of: &DataType| (of.category, said(&of.category));
    let ((was, was_said), (is, is_said)) = (category(before), category(after));
    points.ordered("category", is.cmp(&was).reverse(), &was_said, &is_said);
    points.other("personal", &said(&before.personal), &said(&after.personal), Change::Both);
    for gone in before.operations.iter().filter(|one| found(after, one).is_none()) {
        points.add(&at(gone, ""), Change::Narrower, "there", "");
    }
    for operation in &after.operations {
        match found(before, operation) {
            None => points.add(&at(operation, ""), Change::Wider, "", "there"),
            Some(earlier) => of_operation(earlier, operation, &mut points),
        }
    }
    let change = points.0.iter().fold(Change::Same, |all, one| all.and(one.change));
    Differences { change, points: points.0 }
}

fn found<'d>(data_type: &'d DataType, operation: &Operation) -> Option<&'d Operation> {
    data_type.operations.iter().find(|one| one.id == operation.id)
}

fn at(operation: &Operation, part: &str) -> String {
    format!("operations.{}{part}", operation.id)
}

fn of_operation(was: &Operation, now: &Operation, points: &mut Points) {
    // Taken apart, so that no part is forgotten: its code is the same, the logical part is a title, a sample is no bound.
    let Operation {
        id: _,
        method,
        path,
        places,
        query,
        subject,
        request,
        response,
        logical_part: _,
        sample: _,
        repeats,
    } = now;
    let place = |method: Method, path: &PathTemplate| format!("{} {}", method.as_str(), path.as_str());
    points.other(&at(now, ""), &place(was.method, &was.path), &place(*method, path), Change::Both);
    for name in was.places.keys().chain(places.keys().filter(|name| !was.places.contains_key(*name))) {
        let field = at(now, &format!(".places.{name}"));
        points.bounded(&field, was.places.get(name), places.get(name));
    }
    of_query(&was.query, query, &|part: &str| at(now, &format!(".query{part}")), points);
    // Who must be named, and where: a request that names nobody is refused.
    let change = match (&was.subject, subject) {
        (None, Some(_)) => Change::Narrower,
        (Some(_), None) => Change::Wider,
        _ => Change::Both,
    };
    points.other(&at(now, ".subject"), &said(&was.subject), &said(subject), change);
    let (before, after) = (was.repeats.unwrap_or_default(), repeats.unwrap_or_default());
    let Repeats { key, provider } = after;
    points.required(&at(now, ".repeats.key"), before.key, key);
    points.other(&at(now, ".repeats.provider"), &said(&before.provider), &said(&provider), Change::Both);
    for (side, was, is) in [("request", &was.request, request), ("response", &was.response, response)] {
        let field = |part: &str| at(now, &format!(".{side}{part}"));
        match (was, is) {
            (None, None) => {}
            (None, Some(_)) => points.add(&field(""), Change::Both, "", "there"),
            (Some(_), None) => points.add(&field(""), Change::Both, "there", ""),
            (Some(was), Some(is)) => of_payload(was, is, &field, points),
        }
    }
}

fn of_query(was: &[Parameter], now: &[Parameter], field: &impl Fn(&str) -> String, points: &mut Points) {
    for gone in was.iter().filter(|one| !now.iter().any(|other| other.name == one.name)) {
        let change = if gone.presence == Presence::Required { Change::Both } else { Change::Narrower };
        points.add(&field(""), change, &gone.name, "");
    }
    for Parameter { name, presence, schema } in now {
        let place = field(&format!(".{name}"));
        match was.iter().find(|one| one.name == *name) {
            Some(earlier) => {
                points.required(&place, earlier.presence, *presence);
                points.bounded(&field(&format!(".{name}.schema")), earlier.schema.as_ref(), schema.as_ref());
            }
            None => {
                let change = if *presence == Presence::Required { Change::Both } else { Change::Wider };
                points.add(&place, change, "", &said(presence));
            }
        }
    }
}

fn of_payload(was: &Payload, is: &Payload, field: &impl Fn(&str) -> String, points: &mut Points) {
    let Payload { media_type, schema, max_bytes, documents } = is;
    points.other(&field(".media_type"), &was.media_type, media_type, Change::Both);
    points.ordered(
        &field(".max_bytes"),
        max_bytes.cmp(&was.max_bytes),
        &was.max_bytes.to_string(),
        &max_bytes.to_string(),
    );
    if was.schema != *schema {
        let change = if was.schema.is_null() || schema.is_null() {
            Change::Both
        } else {
            compare(&was.schema.value(), &schema.value())
        };
        points.add(&field(".schema"), change, "", "");
    }
    match (&was.documents, documents) {
        (None, None) => {}
        (Some(was), Some(is)) => {
            let Documents { formats, max_file_bytes, max_files, scan } = is;
            let all = |all: &[DocumentFormat]| -> BTreeSet<String> {
                all.iter().map(ToString::to_string).collect()
            };
            let (before, after) = (all(&was.formats), all(formats));
            for new in after.difference(&before) {
                points.add(&field(".documents.formats"), Change::Wider, "", new);
            }
            for gone in before.difference(&after) {
                points.add(&field(".documents.formats"), Change::Narrower, gone, "");
            }
            for (part, was, is) in [
                (".documents.max_file_bytes", was.max_file_bytes, *max_file_bytes),
                (".documents.max_files", u64::from(was.max_files), u64::from(*max_files)),
            ] {
                points.ordered(&field(part), is.cmp(&was), &was.to_string(), &is.to_string());
            }
            points.required(&field(".documents.scan"), was.scan, *scan);
        }
        _ => points.add(&field(".documents"), Change::Both, "", ""),
    }
}

struct Points(Vec<Difference>);

impl Points {
    fn add(&mut self, field: &str, change: Change, before: &str, after: &str) {
        // What is said to be the same, and is only written otherwise, is no difference.
        if change != Change::Same {
            let (field, before, after) = (field.to_owned(), before.to_owned(), after.to_owned());
            self.0.push(Difference { field, change, before, after });
        }
    }

    fn other(&mut self, field: &str, before: &str, after: &str, change: Change) {
        if before != after {
            self.add(field, change, before, after);
        }
    }

    /// What is required admits less.
    fn required(&mut self, field: &str, was: Presence, is: Presence) {
        let change = if is == Presence::Required { Change::Narrower } else { Change::Wider };
        self.other(field, &said(&was), &said(&is), change);
    }

    /// What a schema bounds, and without one nothing does.
    fn bounded(&mut self, field: &str, was: Option<&JsonText>, is: Option<&JsonText>) {
        match (was, is) {
            (None, None) => {}
            (None, Some(_)) => self.add(field, Change::Narrower, "", "there"),
            (Some(_), None) => self.add(field, Change::Wider, "there", ""),
            (Some(was), Some(is)) if was == is => {}
            (Some(was), Some(is)) => self.add(field, compare(&was.value(), &is.value()), "", ""),
        }
    }

    /// Greater admits more.
    fn ordered(&mut self, field: &str, order: std::cmp::Ordering, before: &str, after: &str) {
        let change = match order {
            std::cmp::Ordering::Less => Change::Narrower,
            std::cmp::Ordering::Equal => Change::Same,
            std::cmp::Ordering::Greater => Change::Wider,
        };
        self.add(field, change, before, after);
    }
}

fn said(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn address() -> Value {
        json!({
            "id": "address", "version": 1, "provider": "register", "title": "Address", "category": "restricted",
            "operations": [
                { "id": "lookup", "method": "GET", "path": "/addresses/{code}", "query": [{ "name": "lang" }],
                  "response": { "schema": { "type": "string", "maxLength": 9 }, "max_bytes": 100 }, "logical_part": "all" },
                { "id": "send", "method": "POST", "path": "/", "logical_part": "all",
                  "request": { "media_type": "*/*", "documents": { "formats": ["pdf"], "max_file_bytes": 10 } } },
            ],
        })
    }

    /// C3, B4: and the way back is the other way.
    #[test]
    fn each_part_of_a_data_type_is_told_wider_narrower_or_both() {
        let of = |value: &Value| serde_json::from_value::<DataType>(value.clone()).unwrap();
        let first = address();
        for (pointer, value, field, change) in [
            ("/title", json!("Otherwise"), "", Change::Same),
            ("/category", json!("public"), "category", Change::Wider),
            ("/personal", json!({ "collection_purpose": "delivery" }), "personal", Change::Both),
            ("/operations/0/path", json!("/other/{code}"), "operations.lookup", Change::Both),
            ("/operations/0/query", json!([]), "operations.lookup.query", Change::Narrower),
            (
                "/operations/0/query",
                json!([{ "name": "lang", "presence": "required" }]),
                "operations.lookup.query.lang",
                Change::Narrower,
            ),
            (
                "/operations/0/query",
                json!([{ "name": "lang", "schema": { "type": "string", "maxLength": 2 } }]),
                "operations.lookup.query.lang.schema",
                Change::Narrower,
            ),
            (
                "/operations/0/places",
                json!({ "code": { "type": "string", "pattern": "^[0-9]+$" } }),
                "operations.lookup.places.code",
                Change::Narrower,
            ),
            (
                "/operations/1/request/documents/scan",
                json!("required"),
                "operations.send.request.documents.scan",
                Change::Narrower,
            ),
            (
                "/operations/1/repeats",
                json!({ "key": "required" }),
                "operations.send.repeats.key",
                Change::Narrower,
            ),
            (
                "/operations/1/repeats",
                json!({ "provider": "honoured" }),
                "operations.send.repeats.provider",
                Change::Both,
            ),
            ("/operations/1/logical_part", json!("otherwise"), "", Change::Same),
            (
                "/operations/0/subject",
                json!({ "path": "code" }),
                "operations.lookup.subject",
                Change::Narrower,
            ),
            (
                "/operations/0/response/max_bytes",
                json!(99),
                "operations.lookup.response.max_bytes",
                Change::Narrower,
            ),
            (
                "/operations/0/response/schema",
                json!({ "type": "string", "maxLength": 10 }),
                "operations.lookup.response.schema",
                Change::Wider,
            ),
            (
                "/operations/0/response/schema",
                json!({ "maxLength": 9, "type": ["string"] }),
                "",
                Change::Same,
            ),
            (
                "/operations/1/request/documents/formats",
                json!(["pdf", "zip"]),
                "operations.send.request.documents.formats",
                Change::Wider,
            ),
            (
                "/operations/1/request/documents/max_file_bytes",
                json!(9),
                "operations.send.request.documents.max_file_bytes",
                Change::Narrower,
            ),
        ] {
            let mut second = first.clone();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            second.pointer_mut(parent).unwrap()[member] = value;
            let told = differences(&of(&first), &of(&second));
            assert_eq!(told.change, change, "{pointer}: {told:?}");
            assert_eq!(told.points.first().map_or("", |point| &point.field), field, "{pointer}");
            let back = match change {
                Change::Wider => Change::Narrower,
                Change::Narrower => Change::Wider,
                same => same,
            };
            assert_eq!(differences(&of(&second), &of(&first)).change, back, "{pointer}, back");
        }
        let mut fewer = first.clone();
        fewer["operations"].as_array_mut().unwrap().pop();
        assert_eq!(differences(&of(&first), &of(&fewer)).change, Change::Narrower);
        assert_eq!(differences(&of(&fewer), &of(&first)).change, Change::Wider);
        fewer["category"] = "public".into();
        assert_eq!(differences(&of(&first), &of(&fewer)).change, Change::Both);
    }
}
