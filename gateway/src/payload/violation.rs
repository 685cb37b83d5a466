//! What is wrong with a document, in words that may be logged.

use std::collections::HashSet;
use std::fmt::Write;

use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind};
use serde_json::Value;

use super::document::{Document, Fault, Kind, Name, Step};

/// Why a document is refused. Holds no value of it (B7), only names that the schema itself contains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} at {pointer:?}: {reason}")]
pub struct Violation {
    /// JSON Pointer to the place, at most 256 bytes; cut short if need be. A name that the schema does not
    /// contain is shown as `*`.
    pub pointer: String,
    /// The keyword of JSON Schema that was not met, or one of `json-syntax`, `json-utf8`, `json-bom`,
    /// `json-duplicate-key`, `json-surrogate`, `json-number`, `json-depth`, `json-too-large`, `schema-work`, `schema`,
    /// `nothing-agreed`.
    pub code: &'static str,
    /// A sentence's worth of reason.
    pub reason: String,
}

impl Violation {
    pub(super) fn whole(code: &'static str, reason: &str) -> Self {
        Self { pointer: String::new(), code, reason: reason.to_owned() }
    }

    pub(super) fn of_fault(fault: &Fault, names: &Names) -> Self {
        let mut pointer = String::new();
        for step in fault.path.iter().rev() {
            match step {
                Step::Element(index) => push(&mut pointer, &index.to_string()),
                Step::Member(name) => push(&mut pointer, names.known(name)),
            }
        }
        Self {
            pointer: cut(pointer),
            code: fault.code,
            reason: format!("{} (byte {})", fault.reason, fault.at),
        }
    }

    pub(super) fn of_error(error: &ValidationError<'_>, document: &Document<'_>, names: &Names) -> Self {
        let mut pointer = String::new();
        let mut at = Some(0);
        for segment in error.instance_path().as_str().split('/').skip(1) {
            // Whether a number is an element's place or somebody's, only the document can tell.
            let (below, shown) = match at.map(|slot| (slot, document.kind(slot))) {
                Some((slot, Kind::Array)) => {
                    (segment.parse().ok().and_then(|nth| document.element(slot, nth)), segment)
                }
                Some((slot, Kind::Object)) => {
                    let name = segment.replace("~1", "/").replace("~0", "~");
                    push(&mut pointer, names.known(&name));
                    at = document.member(slot, &Name::new(&name));
                    continue;
                }
                _ => (None, "*"),
            };
            push(&mut pointer, shown);
            at = below;
        }
        let (code, reason) = words(error.kind());
        Self { pointer: cut(pointer), code, reason }
    }
}

/// The member names that a schema or a selection contains: they say nothing about anybody.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Box<str>>);

impl Names {
    pub(super) fn of_schema(schema: &Value) -> Self {
        let mut names = Self::default();
        names.collect(schema);
        names
    }

    fn collect(&mut self, schema: &Value) {
        match schema {
            Value::Object(members) => {
                for (name, value) in members {
                    self.0.insert(name.as_str().into());
                    self.collect(value);
                    let required = value.as_array().filter(|_| name == "required").into_iter().flatten();
                    self.0.extend(required.filter_map(Value::as_str).map(Box::from));
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The name, or `*` for one that might be personal data.
    pub(super) fn known<'n>(&self, name: &'n str) -> &'n str {
        if self.0.contains(name) { name } else { "*" }
    }

    /// The name, if it is one of these.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|name| &**name)
    }
}

/// Adds a segment to a JSON Pointer (RFC 6901 §3).
pub(super) fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    if !segment.contains(['~', '/']) {
        pointer.push_str(segment);
        return;
    }
    for char in segment.chars() {
        match char {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            char => pointer.push(char),
        }
    }
}

/// Keeps as many whole segments as fit.
pub(super) fn cut(mut pointer: String) -> String {
    if pointer.len() > POINTER_BYTES {
        let end = pointer.as_bytes()[..=POINTER_BYTES].iter().rposition(|byte| *byte == b'/');
        pointer.truncate(end.unwrap_or(0));
    }
    pointer
}

fn words(kind: &ValidationErrorKind) -> (&'static str, String) {
    use ValidationErrorKind as Kind;
    let fixed = |code, reason: &str| (code, reason.to_owned());
    match kind {
        Kind::AdditionalItems { limit } => ("additionalItems", format!("more than {limit} elements")),
        Kind::AdditionalProperties { .. } => {
            fixed("additionalProperties", "a member that the schema does not name")
        }
        Kind::AnyOf { .. } => fixed("anyOf", "fits none of the alternatives"),
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            fixed("pattern", "the pattern could not be matched")
        }
        Kind::Constant { .. } => fixed("const", "not the one value allowed"),
        Kind::Contains => fixed("contains", "too few or too many elements of the kind asked for"),
        Kind::ContentEncoding { content_encoding } => {
            ("contentEncoding", format!("not encoded as {}", short(content_encoding)))
        }
        Kind::FromUtf8 { .. } => fixed("contentEncoding", "not text once decoded"),
        Kind::ContentMediaType { content_media_type } => {
            ("contentMediaType", format!("not {}", short(content_media_type)))
        }
        Kind::Custom { .. } => fixed("schema", "does not fit the schema"),
        Kind::Enum { .. } => fixed("enum", "not one of the values allowed"),
        Kind::ExclusiveMaximum { limit } => ("exclusiveMaximum", format!("not below {limit}")),
        Kind::ExclusiveMinimum { limit } => ("exclusiveMinimum", format!("not above {limit}")),
        Kind::FalseSchema => fixed("false", "nothing is allowed here"),
        Kind::Format { format } => ("format", format!("not of the format {}", short(format))),
        Kind::MaxItems { limit } => ("maxItems", format!("more than {limit} elements")),
        Kind::Maximum { limit } => ("maximum", format!("above {limit}")),
        Kind::MaxLength { limit } => ("maxLength", format!("longer than {limit} characters")),
        Kind::MaxProperties { limit } => ("maxProperties", format!("more than {limit} members")),
        Kind::MinItems { limit } => ("minItems", format!("fewer than {limit} elements")),
        Kind::Minimum { limit } => ("minimum", format!("below {limit}")),
        Kind::MinLength { limit } => ("minLength", format!("shorter than {limit} characters")),
        Kind::MinProperties { limit } => ("minProperties", format!("fewer than {limit} members")),
        Kind::MultipleOf { multiple_of } => ("multipleOf", format!("not a multiple of {multiple_of}")),
        Kind::Not { .. } => fixed("not", "fits what the schema excludes"),
        Kind::OneOfMultipleValid { .. } => fixed("oneOf", "fits more than one of the alternatives"),
        Kind::OneOfNotValid { .. } => fixed("oneOf", "fits none of the alternatives"),
        Kind::Pattern { pattern } => ("pattern", format!("does not match {}", short(pattern))),
        Kind::PropertyNames { .. } => fixed("propertyNames", "a member's name is not allowed"),
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            ("required", format!("lacks the member {}", short(name)))
        }
        Kind::Type { kind } => {
            let mut reason = String::from("not of the type ");
            match kind {
                TypeKind::Single(kind) => reason.push_str(kind.as_str()),
                TypeKind::Multiple(kinds) => {
                    for (nth, kind) in kinds.iter().enumerate() {
                        let or = if nth == 0 { "" } else { " or " };
                        write!(reason, "{or}{}", kind.as_str()).expect("a string takes all that is written");
                    }
                }
            }
            ("type", reason)
        }
        Kind::UnevaluatedItems { .. } => {
            fixed("unevaluatedItems", "an element that the schema does not name")
        }
        Kind::UnevaluatedProperties { .. } => {
            fixed("unevaluatedProperties", "a member that the schema does not name")
        }
        Kind::UniqueItems => fixed("uniqueItems", "two elements are the same"),
        Kind::Referencing(_) => fixed("$ref", "a reference leads nowhere"),
    }
}

/// Text of the schema, of bounded length.
fn short(text: &str) -> String {
    match text.char_indices().nth(SCHEMA_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Enough to find the place; logs hold it for years.
const POINTER_BYTES: usize = 256;

const SCHEMA_TEXT_CHARS: usize = 80;
