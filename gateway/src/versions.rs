//! Two versions of a data type: whether the later one admits more or less, point by point. Pure; what cannot be told is said.

use std::collections::BTreeSet;

use agreements::{DataType, Operation, Payload, Presence};
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

fn of_operation(was: &Operation, is: &Operation, points: &mut Points) {
    let place = |of: &Operation| format!("{} {}", of.method.as_str(), of.path.as_str());
    points.other(&at(is, ""), &place(was), &place(is), Change::Both);
    for gone in was.query.iter().filter(|one| !is.query.iter().any(|other| other.name == one.name)) {
        let change = if gone.presence == Presence::Required { Change::Both } else { Change::Narrower };
        points.add(&at(is, ".query"), change, &gone.name, "");
    }
    for parameter in &is.query {
        let earlier = was.query.iter().find(|one| one.name == parameter.name);
        let change = match (earlier.map(|one| one.presence), parameter.presence) {
            (None, Presence::Optional) | (Some(Presence::Required), Presence::Optional) => Change::Wider,
            (None, Presence::Required) => Change::Both,
            (Some(Presence::Optional), Presence::Required) => Change::Narrower,
            (Some(_), _) => continue,
        };
        let before = earlier.map_or_else(String::new, |one| said(&one.presence));
        points.add(
            &at(is, &format!(".query.{}", parameter.name)),
            change,
            &before,
            &said(&parameter.presence),
        );
    }
    // Who must be named, and where: a request that names nobody is refused.
    let change = match (&was.subject, &is.subject) {
        (None, Some(_)) => Change::Narrower,
        (Some(_), None) => Change::Wider,
        _ => Change::Both,
    };
    points.other(&at(is, ".subject"), &said(&was.subject), &said(&is.subject), change);
    for (side, was, is_now) in
        [("request", &was.request, &is.request), ("response", &was.response, &is.response)]
    {
        let field = |part: &str| at(is, &format!(".{side}{part}"));
        match (was, is_now) {
            (None, None) => {}
            (None, Some(_)) => points.add(&field(""), Change::Both, "", "there"),
            (Some(_), None) => points.add(&field(""), Change::Both, "there", ""),
            (Some(was), Some(is)) => of_payload(was, is, &field, points),
        }
    }
}

fn of_payload(was: &Payload, is: &Payload, field: &impl Fn(&str) -> String, points: &mut Points) {
    points.other(&field(".media_type"), &was.media_type, &is.media_type, Change::Both);
    points.ordered(
        &field(".max_bytes"),
        is.max_bytes.cmp(&was.max_bytes),
        &was.max_bytes.to_string(),
        &is.max_bytes.to_string(),
    );
    if was.schema != is.schema {
        let change = if was.schema.is_null() || is.schema.is_null() {
            Change::Both
        } else {
            compare(&was.schema.value(), &is.schema.value())
        };
        points.add(&field(".schema"), change, "", "");
    }
    match (&was.documents, &is.documents) {
        (None, None) => {}
        (Some(was), Some(is)) => {
            let formats = |all: &[agreements::DocumentFormat]| -> BTreeSet<String> {
                all.iter().map(ToString::to_string).collect()
            };
            let (before, after) = (formats(&was.formats), formats(&is.formats));
            for new in after.difference(&before) {
                points.add(&field(".documents.formats"), Change::Wider, "", new);
            }
            for gone in before.difference(&after) {
                points.add(&field(".documents.formats"), Change::Narrower, gone, "");
            }
            for (part, was, is) in [
                (".documents.max_file_bytes", was.max_file_bytes, is.max_file_bytes),
                (".documents.max_files", u64::from(was.max_files), u64::from(is.max_files)),
            ] {
                points.ordered(&field(part), is.cmp(&was), &was.to_string(), &is.to_string());
            }
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
