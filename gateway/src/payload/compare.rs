//! What a schema admits, against what another one does.

use jsonschema::PatternOptions;
use jsonschema::canonical::{self, Containment};
use serde_json::Value;

use super::schema::{Limits, Schema};
use super::survey::Refuse;

/// How what is admitted changed. Only what was proven is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The same is admitted.
    Same,
    /// More is.
    Wider,
    /// Less is.
    Narrower,
    /// Some more, and some less.
    Both,
    /// It could not be told.
    CannotTell,
}

impl Change {
    /// Both changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::CannotTell, _) | (_, Self::CannotTell) => Self::CannotTell,
            (Self::Same, change) | (change, Self::Same) => change,
            (Self::Wider, Self::Wider) => Self::Wider,
            (Self::Narrower, Self::Narrower) => Self::Narrower,
            _ => Self::Both,
        }
    }
}

/// How what `after` admits differs from what `before` does.
pub fn compare(before: &Value, after: &Value) -> Change {
    if before == after {
        return Change::Same;
    }
    let covers = || {
        let (before, after) = (canonical(before)?, canonical(after)?);
        Some((after.covers(&before).ok()?, before.covers(&after).ok()?))
    };
    match covers() {
        Some((Containment::Yes, Containment::Yes)) => Change::Same,
        Some((Containment::Yes, Containment::No)) => Change::Wider,
        Some((Containment::No, Containment::Yes)) => Change::Narrower,
        Some((Containment::No, Containment::No)) => Change::Both,
        Some((Containment::Unknown, _) | (_, Containment::Unknown)) | None => Change::CannotTell,
    }
}

/// What a schema admits, in a form that can be compared; `None` unless the path would use it.
fn canonical(schema: &Value) -> Option<canonical::CanonicalSchema> {
    Schema::compile(schema, Limits::default()).ok()?;
    let read = canonical::options()
        .with_retriever(Refuse)
        .with_draft(super::schema::draft(schema).ok()?)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .canonicalize(schema);
    read.ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// C3
    #[test]
    fn a_schema_that_admits_more_or_less_is_told_and_what_cannot_be_told_is_not_guessed() {
        let person = json!({
            "type": "object", "required": ["iin"],
            "properties": { "iin": { "type": "string", "maxLength": 12 }, "age": { "type": "integer" } },
        });
        let with = |pointer: &str, value: Value| {
            let mut changed = person.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            changed
        };
        for (after, change, back) in [
            (person.clone(), Change::Same, Change::Same),
            (with("/properties/iin/maxLength", json!(14)), Change::Wider, Change::Narrower),
            (with("/required", json!([])), Change::Wider, Change::Narrower),
            (
                with("/properties/age", json!({ "type": ["integer", "null"] })),
                Change::Wider,
                Change::Narrower,
            ),
            (with("/properties/age", json!({ "type": "string" })), Change::Both, Change::Both),
            (
                with(
                    "/properties",
                    json!({ "age": { "type": "integer" }, "iin": { "maxLength": 12, "type": "string" } }),
                ),
                Change::Same,
                Change::Same,
            ),
        ] {
            assert_eq!(compare(&person, &after), change, "{after}");
            assert_eq!(compare(&after, &person), back, "{after}, back");
        }
        for after in [json!({ "$ref": "https://schemas.example/person" }), json!({ "type": 7 })] {
            assert_eq!(compare(&person, &after), Change::CannotTell, "{after}");
        }
    }

    /// Conservative: whatever is said to be no wider admits nothing that was not admitted.
    #[test]
    fn what_is_said_to_be_no_wider_admits_nothing_new() {
        let schemas = [
            json!({ "type": "string", "pattern": "^[0-9]{12}$" }),
            json!({ "type": "string", "pattern": "^[0-9]+$" }),
            json!({ "type": "string", "format": "date" }),
            json!({ "anyOf": [{ "const": 1 }, { "type": "string", "minLength": 2 }] }),
            json!({ "not": { "type": "object" } }),
            json!({ "type": "array", "items": { "type": "integer" }, "uniqueItems": true }),
            json!({ "type": "object", "patternProperties": { "^a": { "type": "null" } } }),
            json!({ "type": "object", "unevaluatedProperties": false, "properties": { "a": {} } }),
            json!({ "type": "integer", "multipleOf": 2 }),
            json!(true),
        ];
        let documents = [
            "1",
            "2",
            "1.5",
            "\"012345678901\"",
            "\"7\"",
            "\"ab\"",
            "\"2026-11-22\"",
            "null",
            "[]",
            "[1,1]",
            "[1,2]",
            "{}",
            "{\"a\":null}",
            "{\"a\":1}",
            "{\"b\":1}",
            "true",
        ];
        let compiled: Vec<Schema> =
            schemas.iter().map(|one| Schema::compile(one, Limits::default()).unwrap()).collect();
        for (before, old) in schemas.iter().zip(&compiled) {
            for (after, new) in schemas.iter().zip(&compiled) {
                let change = compare(before, after);
                let more = documents
                    .iter()
                    .any(|one| new.check(one.as_bytes()).is_ok() && old.check(one.as_bytes()).is_err());
                let less = documents
                    .iter()
                    .any(|one| new.check(one.as_bytes()).is_err() && old.check(one.as_bytes()).is_ok());
                let (said_more, said_less) = match change {
                    Change::Same => (false, false),
                    Change::Wider => (true, false),
                    Change::Narrower => (false, true),
                    Change::Both | Change::CannotTell => (true, true),
                };
                assert!(said_more || !more, "{before} to {after}: {change:?}");
                assert!(said_less || !less, "{before} to {after}: {change:?}");
            }
        }
    }
}
