//! What is exchanged: a record of 1 KiB, a submission of 4 KiB, a receipt, and the schemas that a gateway
//! validates them against.

use serde_json::{Value, json};

/// Returns the answer to a GET: one person's record, [`RECORD_BYTES`] long.
pub fn record() -> String {
    let record = |note: String| {
        json!({
            "id": "900101300123", "familyName": "Ахметов", "givenName": "Данияр", "born": "1990-01-01",
            "body": "committee-of-statistics", "position": "chief-expert", "grade": "C-4",
            "appointed": "2019-09-02", "active": true,
            "training": (1..=COURSES).map(|n| json!({
                "course": format!("course-{n}"), "hours": 36 + n, "finished": format!("2025-{n:02}-15"),
            })).collect::<Vec<_>>(),
            "note": note,
        })
    };
    padded(record, RECORD_BYTES)
}

/// Returns the body of a POST: a batch of task reminders, [`SUBMISSION_BYTES`] long.
pub fn submission() -> String {
    let submission = |note: String| {
        json!({
            "sent": "2026-11-02T09:00:00+05:00",
            "tasks": (1..=TASKS).map(|n| json!({
                "number": format!("2026-{n:04}"), "document": format!("resolution-{}", 700 + n),
                "controller": "chancellery", "executor": format!("department-{n}"),
                "due": format!("2026-12-{n:02}"), "daysLeft": 40 + n, "state": "in-progress",
                "coExecutors": ["finance", "justice"], "urgent": n % 4 == 0,
            })).collect::<Vec<_>>(),
            "note": note,
        })
    };
    padded(submission, SUBMISSION_BYTES)
}

/// Returns the answer to a POST.
pub fn receipt() -> String {
    json!({ "accepted": true, "count": TASKS }).to_string()
}

/// Returns a PDF, [`DOCUMENT_BYTES`] long, which does not pack.
pub fn document() -> Vec<u8> {
    let (begin, end) = (b"%PDF-1.7\n1 0 obj\nstream\n", b"\nendstream\nendobj\nstartxref\n0\n%%EOF\n");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(DOCUMENT_BYTES + 8);
    bytes.extend_from_slice(begin);
    while bytes.len() < DOCUMENT_BYTES - end.len() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(DOCUMENT_BYTES - end.len());
    bytes.extend_from_slice(end);
    bytes
}

/// Returns the JSON Schema of [`record`].
pub fn record_schema() -> Value {
    json!({
        "$schema": DRAFT, "type": "object", "additionalProperties": false,
        "required": ["id", "familyName", "givenName", "born", "body", "position", "training"],
        "properties": {
            "id": { "type": "string", "pattern": "^[0-9]{12}$" },
            "familyName": { "type": "string", "maxLength": 100 },
            "givenName": { "type": "string", "maxLength": 100 },
            "born": { "type": "string", "format": "date" },
            "body": { "type": "string", "maxLength": 100 },
            "position": { "type": "string", "maxLength": 100 },
            "grade": { "type": "string", "pattern": "^[A-E]-[0-9]$" },
            "appointed": { "type": "string", "format": "date" },
            "active": { "type": "boolean" },
            "training": { "type": "array", "maxItems": 50, "items": {
                "type": "object", "additionalProperties": false, "required": ["course", "hours"],
                "properties": {
                    "course": { "type": "string" },
                    "hours": { "type": "integer", "minimum": 1 },
                    "finished": { "type": "string", "format": "date" },
                },
            } },
            "note": { "type": "string", "maxLength": 2000 },
        },
    })
}

/// Returns the JSON Schema of [`submission`].
pub fn submission_schema() -> Value {
    json!({
        "$schema": DRAFT, "type": "object", "additionalProperties": false, "required": ["sent", "tasks"],
        "properties": {
            "sent": { "type": "string", "format": "date-time" },
            "tasks": { "type": "array", "minItems": 1, "maxItems": 100, "items": {
                "type": "object", "additionalProperties": false,
                "required": ["number", "document", "controller", "executor", "due", "daysLeft", "state"],
                "properties": {
                    "number": { "type": "string", "pattern": "^[0-9]{4}-[0-9]{4}$" },
                    "document": { "type": "string", "maxLength": 100 },
                    "controller": { "type": "string", "maxLength": 100 },
                    "executor": { "type": "string", "maxLength": 100 },
                    "due": { "type": "string", "format": "date" },
                    "daysLeft": { "type": "integer", "minimum": -3650, "maximum": 3650 },
                    "state": { "enum": ["new", "in-progress", "done", "overdue"] },
                    "coExecutors": { "type": "array", "maxItems": 20, "items": { "type": "string" } },
                    "urgent": { "type": "boolean" },
                },
            } },
            "note": { "type": "string", "maxLength": 4000 },
        },
    })
}

/// Returns the JSON Schema of [`receipt`].
pub fn receipt_schema() -> Value {
    json!({
        "$schema": DRAFT, "type": "object", "additionalProperties": false, "required": ["accepted"],
        "properties": { "accepted": { "type": "boolean" }, "count": { "type": "integer", "minimum": 0 } },
    })
}

/// Fills the note until the document has exactly `bytes`.
fn padded(document: impl Fn(String) -> Value, bytes: usize) -> String {
    let bare = document(String::new()).to_string().len();
    let missing =
        bytes.checked_sub(bare).expect("the documents above are shorter than what they are filled to");
    document("x".repeat(missing)).to_string()
}

/// Length of [`record`].
pub const RECORD_BYTES: usize = 1024;
/// Length of [`submission`].
pub const SUBMISSION_BYTES: usize = 4096;
/// Length of [`document`].
pub const DOCUMENT_BYTES: usize = 60 << 20;
const COURSES: u32 = 12;
const TASKS: u32 = 18;
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_their_sizes_and_are_mostly_structure() {
        for (document, bytes) in [(record(), RECORD_BYTES), (submission(), SUBMISSION_BYTES)] {
            assert_eq!(document.len(), bytes);
            let value: Value = serde_json::from_str(&document).unwrap();
            let padding = value["note"].as_str().unwrap().len();
            assert!(padding < bytes / 8, "{padding} bytes of padding parse too cheaply");
        }
    }

    #[test]
    fn each_document_fits_its_own_schema_only() {
        let pairs =
            [(record(), record_schema()), (submission(), submission_schema()), (receipt(), receipt_schema())];
        for (at, (document, _)) in pairs.iter().enumerate() {
            for (of, (_, schema)) in pairs.iter().enumerate() {
                let value = serde_json::from_str(document).unwrap();
                assert_eq!(jsonschema::is_valid(schema, &value), at == of, "document {at}, schema {of}");
            }
        }
    }
}
