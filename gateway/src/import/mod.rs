//! An OpenAPI document (3.0 or 3.1, JSON or YAML) read as a data type with its operations: what of it an exchange can hold, and a list
//! of what it cannot.
//!
//! ```text
//! operation  paths, methods, parameters, bodies     schema  their schemas, as JSON Schema 2020-12 with `$defs`
//! ```
//!
//! Pure. Trust: the document comes from whoever answers for a system, and is bounded: in bytes and depth before anything is
//! looked at, in operations and schemas while it is read. References stay within the document and are never fetched; they are
//! carried over as references, so that a cycle costs nothing; aliases of YAML are written out, within the same bounds.

mod operation;
mod schema;

use agreements::{Category, DataType, DataTypeId, Operation, SystemId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What a document does not say of the data type.
#[derive(Debug, Clone, PartialEq)]
pub struct Naming {
    /// Who provides it.
    pub provider: SystemId,
    /// Its code.
    pub id: DataTypeId,
    /// Its version.
    pub version: u32,
    /// Its title; the document's where it is absent.
    pub title: Option<String>,
    /// Its category.
    pub category: Category,
}

/// What of a document was taken, and what was not.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Imported {
    /// The data type, to be published.
    pub data_type: DataType,
    /// What was not taken, in the document's order.
    pub left_out: Vec<LeftOut>,
}

/// Something of a document that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOut {
    /// Where it stands: a JSON Pointer.
    pub place: String,
    /// Why.
    pub why: String,
}

/// Why nothing of a document can be taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Too many bytes.
    #[error("more than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    /// It begins as JSON does, and is none.
    #[error("no JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// Neither JSON nor YAML.
    #[error("no YAML: {0}")]
    NotYaml(String),
    /// Nested too deeply, or too many values.
    #[error("nested deeper than {MOST_DEPTH}, or more than {MOST_VALUES} values")]
    TooDeep,
    /// Of another version, or no OpenAPI document at all.
    #[error("it is not OpenAPI 3.0 or 3.1: {0}")]
    Version(String),
    /// It has no operation that can be taken.
    #[error("none of its operations can be taken: {}", first(.0))]
    Nothing(Vec<LeftOut>),
}

/// The dialect of a document's schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// OpenAPI's own, after an old draft.
    ThreeZero,
    /// JSON Schema 2020-12.
    ThreeOne,
}

/// Reads a document as it was uploaded.
///
/// # Errors
/// [`ImportError`].
pub fn read(bytes: &[u8], naming: Naming) -> Result<Imported, ImportError> {
    if bytes.len() > MOST_BYTES {
        return Err(ImportError::TooLarge);
    }
    // What begins with a bracket is YAML too, but whoever wrote it meant JSON.
    let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    let document = if is_json { serde_json::from_slice(bytes)? } else { yaml(bytes)? };
    import(&document, naming)
}

/// Reads YAML on a thread of its own: a level takes some tens of kilobytes of stack where nothing is optimised, more than
/// a usual thread has for all of them.
fn yaml(bytes: &[u8]) -> Result<Value, ImportError> {
    let unread = |why: &dyn std::fmt::Display| ImportError::NotYaml(why.to_string());
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("import-yaml".into()).stack_size(STACK_BYTES);
        let reader = thread.spawn_scoped(scope, || yaml_here(bytes)).map_err(|error| unread(&error))?;
        reader.join().unwrap_or_else(|_| Err("it cannot be read".into())).map_err(|why| unread(&why))
    })
}

/// YAML 1.2 as JSON would say it: names stand once, and `no` is a word.
fn yaml_here(bytes: &[u8]) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_DEPTH,
            max_nodes: MOST_VALUES,
            max_total_scalar_bytes: 2 * MOST_BYTES,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_VALUES },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
    };
    let read = serde_saphyr::from_slice_with_options(bytes, options);
    read.map_err(|error| error.to_string().chars().take(MOST_SAID).collect())
}

/// Reads a document.
///
/// # Errors
/// [`ImportError`].
pub fn import(document: &Value, naming: Naming) -> Result<Imported, ImportError> {
    let mut values = 0;
    if !is_bounded(document, MOST_DEPTH, &mut values) {
        return Err(ImportError::TooDeep);
    }
    let version = document.get("openapi").and_then(Value::as_str).unwrap_or_default();
    let dialect = match version.split('.').collect::<Vec<_>>().as_slice() {
        ["3", "0", ..] => Dialect::ThreeZero,
        ["3", "1", ..] => Dialect::ThreeOne,
        _ if document.get("swagger").is_some() => {
            return Err(ImportError::Version("Swagger 2.0 is to be converted first".into()));
        }
        _ => return Err(ImportError::Version(format!("{:?}", version.chars().take(16).collect::<String>()))),
    };
    let mut left_out = Vec::new();
    for (name, why) in NEVER_TAKEN {
        if document.get(name).is_some() {
            left_out.push(LeftOut { place: format!("/{name}"), why: (*why).to_owned() });
        }
    }
    let operations: Vec<Operation> = operation::all(document, dialect, &mut left_out);
    if operations.is_empty() {
        return Err(ImportError::Nothing(left_out));
    }
    let said = document.pointer("/info/title").and_then(Value::as_str).unwrap_or_default();
    let Naming { provider, id, version, title, category } = naming;
    let title = title.unwrap_or_else(|| said.chars().take(MOST_TITLE).collect());
    let data_type = DataType { id, version, provider, title, category, personal: None, operations };
    Ok(Imported { data_type, left_out })
}

fn is_bounded(value: &Value, depth: usize, values: &mut usize) -> bool {
    *values += 1;
    if depth == 0 || *values > MOST_VALUES {
        return false;
    }
    match value {
        Value::Array(items) => items.iter().all(|item| is_bounded(item, depth - 1, values)),
        Value::Object(fields) => fields.values().all(|field| is_bounded(field, depth - 1, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn first(left_out: &[LeftOut]) -> String {
    let told = |one: &LeftOut| format!("{}: {}", one.place, one.why);
    left_out.last().map_or_else(|| "there is none".to_owned(), told)
}

/// What stands for a reference's target, within the document.
fn target<'d>(document: &'d Value, reference: &str) -> Option<&'d Value> {
    let pointer = reference.strip_prefix('#')?;
    // RFC 6901 §6: percent-encoded in a fragment. What a document writes otherwise is not found, and so said.
    document.pointer(&pointer.replace("%7B", "{").replace("%7D", "}").replace("%20", " "))
}

/// Members of a document that an exchange has no place for.
const NEVER_TAKEN: &[(&str, &str)] = &[
    ("security", "who asks is proven by mutual TLS, and what they may by the agreement"),
    ("servers", "where the provider listens stands in its card"),
    ("webhooks", "a provider does not call"),
];

/// Bytes of a document: the largest that public bodies publish have some two.
const MOST_BYTES: usize = 4 << 20;

/// Arrays and objects within one another; schemas have 64 at most, and stand some ten deep.
const MOST_DEPTH: usize = 96;

const MOST_VALUES: usize = 400_000;

const MOST_TITLE: usize = 200;

/// For [`MOST_DEPTH`] levels of YAML; taken up as far as it is needed.
const STACK_BYTES: usize = 64 << 20;

/// Characters of what is wrong with a document.
const MOST_SAID: usize = 300;

#[cfg(test)]
mod tests;
