//! What of a request reaches its provider: what the agreement names, where it names anything of requests (B7).
//!
//! Signed, digested, and asked again under a key is what the consumer sent, and so is what entries call the request; what
//! passed of it stands beside ([decision 0065]).
//!
//! [decision 0065]: ../../docs/decisions/0065-requests-are-cut-to-what-is-agreed.md

use std::borrow::Cow;

use agreements::{Excess, Permit, Way};
use bytes::Bytes;
use http::header::HeaderMap;
use http::request;

use super::budget::Room;
use super::contract::Terms;
use super::passing::Passed;
use super::refusal::Refusal;
use super::{Carried, ExchangePath, Failed, Received, answer, body, in_time, record, rows};
use crate::exchange_log::{Closing, Opening, Outcome};
use crate::payload::{Schema, Violation, Withheld};
use crate::registry::volume::Charge;

/// What a request has beyond its agreement.
#[derive(Debug)]
pub(super) struct Beyond {
    /// The request without it.
    left: Bytes,
    withheld: u32,
    fields: Vec<Withheld>,
}

/// What became of a request, as its closing says.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// Of one that streamed.
    pub(super) passed: Option<Passed>,
    /// What was withheld of it, or why it did not pass.
    pub(super) beyond: Option<Box<Beyond>>,
    /// Its place in its day, where its agreement says how much may pass.
    pub(super) charge: Option<Charge>,
}

/// A body that has to pass as it came, whatever the agreement says of excess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON: it can be trimmed.
    Json,
    /// A form whose card is JSON: what streams is not written anew.
    Card,
}

/// Holds JSON of a request against its schema, and finds what it has beyond the fields that its agreement names.
///
/// # Errors
/// It does not fit, or cannot be followed: nothing of it passes.
pub(super) fn find(
    terms: &Terms,
    schema: &Schema,
    json: &[u8],
    mut room: Room,
) -> Result<Option<Box<Beyond>>, Refusal> {
    let refused = |violation: Violation| match violation.code {
        "nothing-agreed" => Refusal::of_payload(&rows::REQUEST_EXCEEDS, violation),
        _ => Refusal::of_payload(&rows::REQUEST_SCHEMA, violation),
    };
    let Some(named) = &terms.named else { return schema.check(json).map(|_| None).map_err(refused) };
    let mut trimmed = schema.check_and_trim(json, named).map_err(refused)?;
    let withheld = u32::try_from(trimmed.withheld_total()).unwrap_or(u32::MAX);
    let fields = trimmed.take_withheld();
    match trimmed.into_body() {
        // It is all that there was.
        Cow::Borrowed(_) => Ok(None),
        Cow::Owned(kept) => {
            if !room.grow(kept.len()) {
                return Err(Refusal::new(&rows::GATEWAY_BUSY, "no memory left for payloads").retry_after(1));
            }
            Ok(Some(Box::new(Beyond { left: body::housed(kept.into(), room), withheld, fields })))
        }
    }
}

impl Beyond {
    /// Why nothing of the request passes, if nothing does: the agreement says so, or it cannot be trimmed.
    pub(super) fn stops(&self, permit: &Permit<'_>, terms: &Terms, form: Form) -> Option<Refusal> {
        let signed = permit.agreement().text.protection.signs_messages(Way::Requests);
        let why = match (terms.request_excess, form) {
            _ if signed => "what a system signed passes whole or not at all",
            (_, Form::Card) => "a form passes as it came or not at all",
            (Excess::Refuse, Form::Json) => "the agreement has such requests refused",
            (Excess::Trim, Form::Json) => return None,
        };
        let first = self.fields.first();
        let violation = Violation {
            pointer: first.map(|one| one.pointer.clone()).unwrap_or_default(),
            code: "not-agreed",
            reason: format!("{} more than the agreement names, here first; {why}", self.withheld),
        };
        Some(Refusal::of_payload(&rows::REQUEST_EXCEEDS, violation))
    }

    /// What passes in the request's place.
    pub(super) fn left(&self) -> Bytes {
        self.left.clone()
    }

    /// Says in the opening what passes in the request's place.
    pub(super) fn opens(&self, opening: &mut Opening<'_>) {
        opening.passed_digest = answer::digest_of(&self.left);
        opening.passed_bytes = Some(self.left.len() as u64);
    }

    /// Tells its consumer what was withheld.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(MARK, self.withheld.into());
    }
}

impl Delivered {
    /// Its entry was opened.
    pub(super) fn opens(&mut self, opening: &Opening<'_>) {
        if let Some(charge) = &mut self.charge {
            charge.opens(opening.request_bytes);
        }
    }

    /// Says in the closing what the request had beyond the agreement; counts what passed, which the closing says.
    pub(super) fn closes(&mut self, closing: &mut Closing<'_>) {
        if let Some(charge) = &self.charge {
            charge.closes(closing);
        }
        if let Some(beyond) = &mut self.beyond {
            closing.request_trimmed = beyond.withheld;
            closing.request_withheld = record::beside(closing, std::mem::take(&mut beyond.fields));
        }
    }

    /// The same of a repeat, which goes to nobody: nothing was withheld.
    pub(super) fn into_unsent(self) -> Self {
        Self { beyond: None, ..self }
    }

    /// How much was withheld.
    pub(super) fn withheld(&self) -> u32 {
        self.beyond.as_ref().map_or(0, |beyond| beyond.withheld)
    }
}

impl ExchangePath {
    /// Writes down a request that holds more than agreed, by field, and refuses it: nobody else is asked.
    pub(super) async fn exceeds(
        &self,
        permit: &Permit<'_>,
        received: &Received,
        head: &request::Parts,
        opening: &Opening<'_>,
        refusal: Refusal,
        mut delivered: Delivered,
    ) -> Result<Carried, Refusal> {
        let entry = in_time(self.log.open(opening)).await?;
        delivered.opens(opening);
        let failed = Err(Failed::of_request(refusal, Outcome::RequestRefused));
        Ok(self.close(permit, entry, received, head, failed, delivered).await)
    }
}

/// How much of a request was withheld, or why it was refused: said to its consumer.
const MARK: &str = "kelisim-request-withheld";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::exchange::budget::Budget;
    use crate::payload::{Limits, Selection};

    fn found(named: Option<&[&str]>, json: &str) -> Result<Option<(String, u32)>, &'static str> {
        let selection = |all: &[&str]| {
            Arc::new(Selection::parse(&all.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap())
        };
        let terms = Terms {
            request: None,
            response: None,
            released: selection(&[]),
            excess: Excess::Trim,
            named: named.map(selection),
            request_excess: Excess::Trim,
            asked_about: None,
            told_about: None,
            parameters: None,
        };
        let schema = Schema::compile(&json!({ "required": ["a"] }), Limits::default()).unwrap();
        let room = Room::new(&Budget::new(64), &Budget::new(64));
        let found = find(&terms, &schema, json.as_bytes(), room).map_err(|refusal| refusal.code())?;
        Ok(found.map(|beyond| (String::from_utf8(beyond.left().to_vec()).unwrap(), beyond.withheld)))
    }

    /// B7: nothing passes that was not followed, and what is left has room of its own.
    #[test]
    fn what_is_beyond_the_fields_named_is_found_and_what_cannot_be_followed_is_refused() {
        let named: Option<&[&str]> = Some(&["/a"]);
        assert_eq!(found(None, r#"{"a":1,"b":2}"#), Ok(None), "nothing is named: all passes");
        assert_eq!(found(named, r#"{ "a":1 }"#), Ok(None), "as it came");
        assert_eq!(found(named, r#"{"a":1,"b":2}"#), Ok(Some((r#"{"a":1}"#.into(), 1))));
        assert_eq!(found(named, r#"{"b":2}"#), Err("request-schema"), "the schema judges what came");
        assert_eq!(found(named, r#"{"a":1,"a":2}"#), Err("request-schema"));
        assert_eq!(found(named, "7"), Err("request-exceeds"), "of a number nothing can be named");
        assert_eq!(found(Some(&[]), r#"{"a":1}"#), Err("request-exceeds"));
        let long = format!(r#"{{"a":"{}","b":2}}"#, "x".repeat(100));
        assert_eq!(found(named, &long), Err("gateway-busy"));
    }
}
