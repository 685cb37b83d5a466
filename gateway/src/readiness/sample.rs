//! Samples: what an operation may be asked for a check, and whether the answer is what the data type says.

use agreements::{Method, Operation, Payload, Presence};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response;

use crate::payload::{Limits, Schema};

/// A request that may be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asking {
    /// Its target after the endpoint's base path.
    pub(super) target: String,
    /// Its body, with its media type.
    pub(super) body: Option<(String, Vec<u8>)>,
}

/// What becomes of an operation that is to be sampled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    /// It is asked.
    Ask(Asking),
    /// It cannot be asked, and why.
    Leave(&'static str),
    /// Its own declaration does not do.
    Broken(String),
}

/// What an operation may be asked: its declared sample, or, where nobody and nothing needs to be named, itself.
pub(super) fn of(operation: &Operation, personal: bool) -> Sampling {
    let payloads = [&operation.request, &operation.response];
    if payloads.into_iter().flatten().any(|payload| payload.documents.is_some()) {
        // They may be large, and a check is held in memory.
        return Sampling::Leave("it carries documents");
    }
    let declared = operation.sample.as_ref();
    let reads = matches!(operation.method, Method::Get | Method::Head);
    let needs = operation.query.iter().any(|one| one.presence == Presence::Required);
    let documents =
        [&operation.request, &operation.response].into_iter().flatten().any(|one| one.documents.is_some());
    let empty = Default::default();
    let (path, query, body) = match declared {
        _ if documents => return Sampling::Leave("it carries documents, which are not sampled"),
        Some(sample) => (&sample.path, &sample.query, sample.body.as_ref()),
        // A sample of persons is for who answers for the data to choose.
        None if personal => return Sampling::Leave("personal data, and no sample is declared"),
        None if !reads => return Sampling::Leave("it changes data, and no sample is declared"),
        None if needs || operation.request.is_some() => {
            return Sampling::Leave("it needs parameters, and no sample is declared");
        }
        None => (&empty, &empty, None),
    };
    let Some(segments) = operation.path.filled(path) else {
        return Sampling::Leave("it needs parameters, and no sample is declared");
    };
    let mut target = String::new();
    for segment in &segments {
        target.push('/');
        encode(segment, &mut target);
    }
    if segments.is_empty() {
        target.push('/');
    }
    for (at, (name, value)) in query.iter().enumerate() {
        target.push(if at == 0 { '?' } else { '&' });
        encode(name, &mut target);
        target.push('=');
        encode(value, &mut target);
    }
    let body = match (body, &operation.request) {
        (Some(body), Some(agreed)) => {
            let bytes = body.to_string().into_bytes();
            if let Err(fault) = fits(agreed, &bytes) {
                return Sampling::Broken(format!("its declared sample: {fault}"));
            }
            Some((agreed.media_type.clone(), bytes))
        }
        (None, _) | (_, None) => None,
    };
    Sampling::Ask(Asking { target, body })
}

/// Whether an answer is what the data type says.
///
/// # Errors
/// What is wrong with it, without a word of what it holds.
pub(super) fn judge(operation: &Operation, head: &response::Parts, body: &Bytes) -> Result<(), String> {
    if !head.status.is_success() {
        return Err(format!("it answers {}", head.status.as_u16()));
    }
    let agreed = match &operation.response {
        Some(agreed) if operation.method != Method::Head => agreed,
        _ if body.is_empty() => return Ok(()),
        _ => return Err("it answers with a body where the data type has none".into()),
    };
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if media_type != agreed.media_type {
        return Err(format!("its answer is not {}", agreed.media_type));
    }
    fits(agreed, body)
}

fn fits(agreed: &Payload, bytes: &[u8]) -> Result<(), String> {
    if bytes.len() as u64 > agreed.max_bytes {
        return Err(format!("more than {} bytes", agreed.max_bytes));
    }
    let schema = Schema::compile(&agreed.schema.value(), Limits::default())
        .map_err(|error| format!("the data type's schema cannot be used: {error}"))?;
    schema.check(bytes).map(drop).map_err(|violation| {
        let place = if violation.pointer.is_empty() { "/" } else { &violation.pointer };
        format!("it does not fit its schema: {} at {place}", violation.code)
    })
}

/// RFC 3986 §2.3: all but unreserved characters are percent-encoded.
fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => to.push(char::from(byte)),
            other => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                to.push('%');
                to.push(char::from(DIGITS[usize::from(other >> 4)]));
                to.push(char::from(DIGITS[usize::from(other & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(change: serde_json::Value) -> Operation {
        let mut whole = json!({
            "id": "search", "method": "GET", "path": "/persons/{iin}", "logical_part": "persons",
            "query": [{ "name": "text", "presence": "required" }, { "name": "page" }],
        });
        for (name, value) in change.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn asked(operation: &Operation) -> String {
        match of(operation, false) {
            Sampling::Ask(asking) => asking.target,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn an_operation_is_asked_by_its_declared_sample_and_encoded_strictly() {
        let sample = json!({ "path": { "iin": "../7 ә" }, "query": { "text": "a&b", "page": "1" } });
        let declared = operation(json!({ "sample": sample }));
        assert_eq!(asked(&declared), "/persons/..%2F7%20%D3%99?page=1&text=a%26b");
    }

    #[test]
    fn without_a_declaration_only_what_reads_and_names_nobody_is_asked() {
        let plain = operation(json!({ "path": "/", "query": [] }));
        assert_eq!(asked(&plain), "/");
        assert_eq!(of(&plain, true), Sampling::Leave("personal data, and no sample is declared"));
        for (change, why) in [
            (json!({}), "parameters"),
            (json!({ "query": [] }), "parameters"),
            (
                json!({ "path": "/", "query": [], "response": {
                    "media_type": "*/*", "documents": { "formats": ["pdf"], "max_file_bytes": 1000 },
                } }),
                "documents",
            ),
            (json!({ "path": "/", "method": "POST" }), "changes data"),
            (json!({ "path": "/", "method": "DELETE", "query": [] }), "changes data"),
        ] {
            assert!(asked(&operation(change.clone())).contains(why), "{change}");
        }
    }

    #[test]
    fn a_declared_body_that_does_not_fit_its_own_schema_is_not_sent() {
        let post = |body| {
            operation(json!({
                "method": "POST", "path": "/", "query": [], "sample": { "body": body },
                "request": { "schema": { "type": "object", "required": ["code"] } },
            }))
        };
        assert!(matches!(of(&post(json!({ "code": 1 })), true), Sampling::Ask(Asking { body: Some(_), .. })));
        assert!(matches!(of(&post(json!({})), true), Sampling::Broken(_)));
    }
}
