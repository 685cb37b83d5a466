//! Data types that carry documents: what may be published.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::{Command, CommandError, DataType, Payload};
use serde_json::{Value, json};
use support::*;

/// C4
#[test]
fn documents_are_published_by_themselves_or_beside_a_card_within_the_bounds_of_the_acts() {
    let alone = json!({
        "media_type": "*/*", "max_bytes": 60 << 20,
        "documents": { "formats": ["pdf", "docx", "zip"], "max_file_bytes": 60 << 20 },
    });
    let beside = json!({
        "media_type": "multipart/form-data", "max_bytes": 62 << 20, "schema": { "type": "object" },
        "documents": { "formats": ["pdf"], "max_file_bytes": 20_000_000, "max_files": 3 },
    });
    for (payload, at, to, why) in [
        (&alone, "/documents/formats", json!([]), "the formats of its documents are some, each named once"),
        (
            &alone,
            "/documents/formats",
            json!(["pdf", "pdf"]),
            "the formats of its documents are some, each named once",
        ),
        (
            &alone,
            "/documents/max_files",
            json!(2),
            "beside a card are 1 to 64 files, and a document by itself is one",
        ),
        (
            &beside,
            "/documents/max_files",
            json!(65),
            "beside a card are 1 to 64 files, and a document by itself is one",
        ),
        (
            &beside,
            "/documents/max_files",
            json!(0),
            "beside a card are 1 to 64 files, and a document by itself is one",
        ),
        (
            &alone,
            "/documents/max_file_bytes",
            json!((60 << 20) + 1),
            "one document has 1 to 62914560 bytes (60 MiB)",
        ),
        (&alone, "/documents/max_file_bytes", json!(0), "one document has 1 to 62914560 bytes (60 MiB)"),
        (
            &alone,
            "/max_bytes",
            json!((60 << 20) - 1),
            "max_bytes is that of the body: no less than max_file_bytes, and 512 MiB at most",
        ),
        (
            &alone,
            "/media_type",
            json!("application/json"),
            "documents are */*, multipart/form-data or multipart/related",
        ),
        (&alone, "/schema", json!({}), "a card needs a schema, and a document by itself has none"),
        (&beside, "/schema", Value::Null, "a card needs a schema, and a document by itself has none"),
        (&json!({}), "/schema", Value::Null, "JSON needs a schema"),
    ] {
        let mut changed = payload.clone();
        set(&mut changed, at, to);
        let error = World::registered().refused(
            officer(AGENCY),
            publishing(|one| {
                one.operations[0].request = Some(payload_of(&changed));
            }),
        );
        assert_eq!(error, CommandError::DataType("record".into(), format!("operation orders: {why}")));
    }
    World::registered().must(
        officer(AGENCY),
        publishing(|one| {
            one.operations[0].request = Some(payload_of(&beside));
            one.operations[0].response = Some(payload_of(&alone));
        }),
    );
    let error = World::registered().refused(
        officer(AGENCY),
        publishing(|one| {
            one.operations[0].response = Some(payload_of(&beside));
        }),
    );
    let why = "operation orders: an answer is JSON or one document, not both";
    assert_eq!(error, CommandError::DataType("record".into(), why.into()));
}

/// What was published before documents were is read as it was, and written as it was.
#[test]
fn payload_of_json_reads_and_writes_as_before() {
    let text = json!({ "media_type": "application/json", "schema": { "type": "object" }, "max_bytes": 4096 });
    let payload = payload_of(&text);
    assert_eq!(payload.documents, None);
    assert_eq!(serde_json::to_value(&payload).unwrap(), text);
}

fn publishing(change: impl FnOnce(&mut DataType)) -> Command {
    let mut data_type = DataType { version: 2, ..record() };
    change(&mut data_type);
    Command::PublishDataType { data_type }
}

fn payload_of(text: &Value) -> Payload {
    serde_json::from_value(text.clone()).unwrap()
}

fn set(text: &mut Value, at: &str, to: Value) {
    let (above, name) = at.rsplit_once('/').unwrap();
    text.pointer_mut(above).unwrap()[name] = to;
}
