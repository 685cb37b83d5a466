//! What of a provider's answer may pass: only what the agreement names (B7), checked against the schema (C3).

use std::sync::LazyLock;

use agreements::{Excess, Permit};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::body;
use super::budget::Room;
use super::contract::Terms;
use super::refusal::Refusal;
use super::upstream::Reply;
use super::{Failed, rows, subject};
use crate::exchange_log::{Outcome, Sha256};
use crate::framing::hop::response_headers_to_return;
use crate::payload::{Limits, Schema, Selection, Withheld};

/// An answer that may pass.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The provider's headers that pass.
    pub headers: HeaderMap,
    /// Its body, trimmed.
    pub body: Bytes,
    /// How many members and elements were withheld.
    pub withheld: u32,
    /// Which, by field.
    pub fields: Vec<Withheld>,
    /// The persons whom it is about.
    pub subjects: Vec<String>,
    /// How the exchange ended.
    pub outcome: Outcome,
    /// The signatures that counted, as entries have them.
    pub signatures: Option<String>,
    /// Whose answer it is, if it is given again.
    pub first: Option<Uuid>,
}

impl Answer {
    /// One without a body.
    fn bare(status: StatusCode, headers: HeaderMap, outcome: Outcome) -> Self {
        let (body, fields, subjects) = (Bytes::new(), Vec::new(), Vec::new());
        Self { status, headers, body, withheld: 0, fields, subjects, outcome, signatures: None, first: None }
    }
}

/// Checks and trims a provider's answer.
///
/// # Errors
/// The refusal that the consumer gets in its place; nothing of the answer passes.
pub(super) fn release(
    permit: &Permit<'_>,
    terms: &Terms,
    method: &Method,
    reply: Reply,
    room: Room,
) -> Result<Answer, Failed> {
    let status = reply.head.status;
    let mut answer =
        checked(permit, terms, method, reply, room).map_err(|refusal| Failed::of_answer(refusal, status))?;
    if terms.excess == Excess::Refuse && answer.withheld > 0 && answer.outcome == Outcome::Completed {
        // B7: as the agreement has it, what the provider adds stops the exchange until somebody looks.
        let refusal = Refusal::new(&rows::RESPONSE_EXCEEDS, format!("{} more than agreed", answer.withheld));
        let fields = std::mem::take(&mut answer.fields);
        return Err(Failed { fields, ..Failed::of_answer(refusal, status) });
    }
    Ok(answer)
}

fn checked(
    permit: &Permit<'_>,
    terms: &Terms,
    method: &Method,
    reply: Reply,
    room: Room,
) -> Result<Answer, Refusal> {
    let status = reply.head.status;
    if status.is_client_error() || status.is_server_error() {
        return Ok(providers_error(status, &reply, room));
    }
    if !status.is_success() && status != StatusCode::NOT_MODIFIED {
        return Err(Refusal::new(&rows::RESPONSE_NOT_AGREED, format!("status {status}")));
    }
    let mut headers = passing(&reply.head.headers);
    let bodiless = *method == Method::HEAD
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED);
    let bytes = &reply.body;
    let mut subjects = Vec::new();
    let (body, withheld, fields) = match (&terms.response, &permit.operation().response) {
        (Some(schema), Some(agreed)) if !bodiless => {
            if !is_of(&reply.head.headers, &agreed.media_type) {
                return Err(Refusal::new(&rows::RESPONSE_MEDIA_TYPE, "another media type than agreed"));
            }
            if bytes.len() as u64 > agreed.max_bytes {
                return Err(Refusal::new(
                    &rows::RESPONSE_TOO_LARGE,
                    format!("more than {} bytes", agreed.max_bytes),
                ));
            }
            let trimmed = trimmed(schema, &terms.released, bytes, room)?;
            subjects = subject::of_answer(terms, bytes)?;
            typed(&mut headers, &agreed.media_type);
            trimmed
        }
        _ if bytes.is_empty() => (Bytes::new(), 0, Vec::new()),
        _ => return Err(Refusal::new(&rows::RESPONSE_NOT_AGREED, "a body where none is agreed")),
    };
    Ok(Answer { body, withheld, fields, subjects, ..Answer::bare(status, headers, Outcome::Completed) })
}

fn trimmed(
    schema: &Schema,
    released: &Selection,
    bytes: &Bytes,
    mut room: Room,
) -> Result<(Bytes, u32, Vec<Withheld>), Refusal> {
    let mut trimmed = schema.check_and_trim(bytes, released).map_err(|violation| {
        let row = match violation.code {
            "nothing-agreed" => &rows::RESPONSE_NOT_AGREED,
            _ => &rows::RESPONSE_SCHEMA,
        };
        Refusal::of_payload(row, violation)
    })?;
    let withheld = u32::try_from(trimmed.withheld_total()).unwrap_or(u32::MAX);
    let fields = trimmed.take_withheld();
    let body = match trimmed.into_body() {
        std::borrow::Cow::Borrowed(_) => bytes.clone(),
        std::borrow::Cow::Owned(kept) => {
            if !room.grow(kept.len()) {
                return Err(Refusal::new(&rows::ANSWER_LOST, "no memory left for payloads"));
            }
            body::housed(kept.into(), room)
        }
    };
    Ok((body, withheld, fields))
}

/// A provider's own error passes as such, and never bears `Kelisim-Refusal`; of its document, only the members of
/// RFC 9457 that are not open-ended.
fn providers_error(status: StatusCode, reply: &Reply, room: Room) -> Answer {
    let mut headers = passing(&reply.head.headers);
    let is_problem = is_of(&reply.head.headers, PROBLEM_JSON);
    let problem = is_problem.then(|| trimmed(&PROBLEM.0, &PROBLEM.1, &reply.body, room).ok()).flatten();
    let withheld = problem.is_none() && !reply.body.is_empty();
    // What an error holds beyond RFC 9457 is no field of a data type.
    let (body, withheld, _) = problem.unwrap_or((Bytes::new(), u32::from(withheld), Vec::new()));
    if !body.is_empty() {
        typed(&mut headers, PROBLEM_JSON);
    }
    Answer { body, withheld, ..Answer::bare(status, headers, Outcome::RefusedByProvider) }
}

pub(super) fn passing(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(8);
    for (name, value) in response_headers_to_return(headers) {
        kept.append(name.clone(), value.clone());
    }
    kept
}

/// Says what a body is, in the words of the agreement rather than in those of whoever sent it.
pub(super) fn typed(headers: &mut HeaderMap, media_type: &str) {
    if let Ok(value) = HeaderValue::try_from(media_type) {
        headers.insert(CONTENT_TYPE, value);
    }
}

/// Whether a head says that its body is of a media type. RFC 9110 §8.3.1: in whatever case.
pub(super) fn is_of(headers: &HeaderMap, agreed: &str) -> bool {
    media_type(headers).is_some_and(|said| said.eq_ignore_ascii_case(agreed))
}

/// A field's media type, if there is one such field, without parameters and as it is spelt there.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (text, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    Some(text.split(';').next().unwrap_or("").trim())
}

/// The digest of a body, as entries carry it.
pub(super) fn digest_of(body: &[u8]) -> Option<Sha256> {
    if body.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, body).as_ref());
    Some(Sha256(bytes))
}

/// The media type of problem documents (RFC 9457).
const PROBLEM_JSON: &str = "application/problem+json";

/// What passes of a problem document that a provider made.
static PROBLEM: LazyLock<(Schema, Selection)> = LazyLock::new(|| {
    let text = json!({
        "type": "object",
        "properties": {
            "type": {"type": "string", "maxLength": 256},
            "title": {"type": "string", "maxLength": 256},
            "status": {"type": "integer"},
            "detail": {"type": "string", "maxLength": 1024},
        },
    });
    let schema = Schema::compile(&text, Limits::default()).expect("a fixed schema that a test compiles");
    let members = ["/type", "/title", "/status", "/detail"].map(str::to_owned);
    (schema, Selection::parse(&members).expect("fixed pointers that a test parses"))
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::budget::Budget;

    #[test]
    fn of_a_providers_problem_document_only_the_bounded_members_pass() {
        let room = Room::new(&Budget::new(1024), &Budget::new(1024));
        let document = Bytes::from_static(br#"{"title":"No such person","iin":"860101300123","status":404}"#);
        let (body, withheld, _) = trimmed(&PROBLEM.0, &PROBLEM.1, &document, room).unwrap();
        assert_eq!(&body[..], br#"{"title":"No such person","status":404}"#);
        assert_eq!(withheld, 1);
    }

    #[test]
    fn a_media_type_is_read_without_its_parameters() {
        let mut headers = HeaderMap::new();
        assert_eq!(media_type(&headers), None);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        assert_eq!(media_type(&headers), Some("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("Application/JSON ;charset=utf-8"));
        assert!(is_of(&headers, "application/json") && !is_of(&headers, "application/jso"));
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        assert_eq!(media_type(&headers), None, "two are none");
    }
}
