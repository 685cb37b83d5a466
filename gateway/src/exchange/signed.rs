//! Signatures of messages (RFC 9421), where an agreement asks for them: verified here, by the key that the sender proved
//! on its line (C5).
//!
//! A signature that counts travels on with an answer as long as it can be verified there: what it covers has passed
//! as it was. Otherwise it ends here, and the answer says so ([decision 0043]).
//!
//! [decision 0043]: ../../docs/decisions/0043-signed-messages.md

use adapters::CLAIMS;
use agreements::refusal::Row;
use agreements::{Fingerprint, Permit, Way};
use bytes::Bytes;
use certs::message::{
    Content, ContentDigest, Demand, Message, MessageFault, RunningDigest, Target, VerifiedMessage,
    verify_message,
};
use certs::trust::VerifiedChain;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, request, response};
use jiff::Timestamp;

use super::answer::{self, Answer};
use super::budget::Room;
use super::contract::Terms;
use super::passage::Passage;
use super::upstream::Reply;
use super::{Caller, Failed, Refusal, Shared, rows};
use crate::clock;
use crate::exchange_log::Outcome;
use crate::payload::Violation;

/// A message whose signature counts; its content may still be to come.
#[derive(Debug)]
pub(super) struct Sealed {
    certificate: Fingerprint,
    verified: VerifiedMessage,
    content: Option<ContentDigest>,
    /// The fields that make it up.
    fields: Vec<(HeaderName, HeaderValue)>,
}

/// A message's body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    /// It is here, whole.
    Here(&'a [u8]),
    /// It comes, and is held against its digest at its end.
    Comes,
}

/// Verifies a request that an agreement wants signed.
///
/// # Errors
/// The refusal of what is not signed, or not so that it counts.
pub(super) fn request(
    permit: &Permit<'_>,
    caller: &Caller,
    head: &request::Parts,
    body: Body<'_>,
    at: Timestamp,
) -> Result<Option<Sealed>, Refusal> {
    if !permit.agreement().text.protection.signs_messages(Way::Requests) {
        return Ok(None);
    }
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = authority(head.uri.authority().map(|authority| authority.as_str()).or(host));
    let said = fields(&head.headers);
    let message = Message {
        target: target(&head.method, &authority, &head.uri),
        status: None,
        fields: &said,
        request_fields: &[],
    };
    // What the decision stood on, beside the target; `traceparent` is anybody's on the way.
    let claims = CLAIMS.iter().map(|claim| claim.name);
    let claimed: Vec<&str> =
        claims.filter(|name| *name != "traceparent" && head.headers.contains_key(*name)).collect();
    let demand = Demand { fields: &claimed, ..Demand::default() };
    let sealed = verified(&message, demand, &head.headers, &caller.chain, body, at);
    sealed.map(Some).map_err(|fault| refusal(Side::Request, &fault))
}

impl Shared {
    /// C6: where signatures count, they are judged by a clock that can be relied on, or not at all.
    ///
    /// # Errors
    /// The gateway's clock is too far off.
    pub(super) fn timely(&self, permit: &Permit<'_>) -> Result<(), Refusal> {
        let protection = &permit.agreement().text.protection;
        let counts = |way| protection.signs_messages(way) || protection.signed_documents(way).is_some();
        // A consent is signed too, for a quarter of an hour at most.
        let clause = permit.agreement().text.personal_data.as_ref();
        let consent = clause.is_some_and(|clause| clause.consent.is_some());
        if counts(Way::Requests) || counts(Way::Responses) || consent {
            self.clock.trusted()?;
        }
        Ok(())
    }
}

/// A call as its provider gets it, kept while its answer has to be signed.
#[derive(Debug)]
pub(super) struct Called {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Called {
    /// Nothing, unless the agreement wants answers signed.
    pub(super) fn of(permit: &Permit<'_>, call: &Request<Passage>) -> Option<Self> {
        let asked = permit.agreement().text.protection.signs_messages(Way::Responses);
        asked.then(|| Self {
            method: call.method().clone(),
            uri: call.uri().clone(),
            headers: call.headers().clone(),
        })
    }

    /// Verifies the answer to it. What a provider refuses, it need not sign: that is no information.
    ///
    /// # Errors
    /// The refusal of what is not signed, or not so that it counts.
    pub(super) fn answered(
        &self,
        head: &response::Parts,
        line: &VerifiedChain,
        body: Body<'_>,
    ) -> Result<Option<Sealed>, Refusal> {
        if head.status.is_client_error() || head.status.is_server_error() {
            return Ok(None);
        }
        let authority = authority(self.headers.get(HOST).and_then(|host| host.to_str().ok()));
        let (said, asked) = (fields(&head.headers), fields(&self.headers));
        let message = Message {
            target: target(&self.method, &authority, &self.uri),
            status: Some(head.status.as_u16()),
            fields: &said,
            request_fields: &asked,
        };
        let demand = Demand { request_fields: &[EXCHANGE], ..Demand::default() };
        let sealed = verified(&message, demand, &head.headers, line, body, clock::now());
        sealed.map(Some).map_err(|fault| refusal(Side::Response, &fault))
    }
}

/// What of an answer may pass, after its signature where one is asked for.
///
/// # Errors
/// As [`answer::release`].
pub(super) fn release(
    called: Option<&Called>,
    permit: &Permit<'_>,
    terms: &Terms,
    method: &Method,
    reply: Reply,
    room: Room,
) -> Result<Answer, Failed> {
    let Some(called) = called else { return answer::release(permit, terms, method, reply, room) };
    let (status, body): (_, Bytes) = (reply.head.status, reply.body.clone());
    let sealed = called.answered(&reply.head, &reply.line, Body::Here(&body));
    let sealed = sealed.map_err(|refusal| Failed {
        refusal,
        outcome: Outcome::ResponseRefused,
        status: Some(status),
        fields: Vec::new(),
    })?;
    let mut answer = answer::release(permit, terms, method, reply, room)?;
    if let Some(sealed) = sealed {
        let left = if answer.body == body { Left::AsItCame } else { Left::Changed };
        sealed.mark(&mut answer.headers, left);
        answer.signatures = Some(sealed.recorded());
    }
    Ok(answer)
}

/// What became of a body on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    AsItCame,
    /// It was trimmed, or only a part of it was asked for.
    Changed,
}

impl Sealed {
    /// What the content has to be, where it is still to come.
    pub(super) fn content(&self) -> Option<RunningDigest> {
        self.content.clone().map(ContentDigest::running)
    }

    /// Says in an answer's head what became of its signature, which goes along where it still covers what passes.
    pub(super) fn mark(&self, headers: &mut HeaderMap, left: Left) {
        let passes = left == Left::AsItCame
            && self.verified.covers_only(&["@status", "content-digest"], &["@method", EXCHANGE]);
        if passes {
            for (name, value) in &self.fields {
                headers.insert(name.clone(), value.clone());
            }
        }
        headers.insert(MARK, HeaderValue::from_static(if passes { "passed" } else { "verified" }));
    }

    /// As entries have it: with which certificate it was signed, and when, by the signer's word.
    pub(super) fn recorded(&self) -> String {
        format!("message {} {}", self.certificate, self.verified.created)
    }
}

/// Takes a signature off an answer that is given again.
pub(super) fn take_off(headers: &mut HeaderMap) {
    if headers.contains_key(MARK) {
        for name in MADE_OF {
            headers.remove(name);
        }
        headers.insert(MARK, HeaderValue::from_static("verified"));
    }
}

fn verified(
    message: &Message<'_>,
    demand: Demand<'_>,
    headers: &HeaderMap,
    line: &VerifiedChain,
    body: Body<'_>,
    at: Timestamp,
) -> Result<Sealed, MessageFault> {
    let content = match body {
        Body::Here([]) => Content::Empty,
        Body::Here(_) | Body::Comes => Content::Some,
    };
    let verified = verify_message(message, &Demand { content, ..demand }, &line.certificates()[0], at)?;
    let content = match content {
        Content::Empty => None,
        Content::Some => {
            let mut said = headers.get_all(CONTENT_DIGEST).iter();
            let (Some(one), None) = (said.next(), said.next()) else { return Err(MessageFault::Digest) };
            Some(ContentDigest::read(one.as_bytes())?)
        }
    };
    if let (Some(content), Body::Here(body)) = (&content, body)
        && !content.is_of(body)
    {
        return Err(MessageFault::Digest);
    }
    let fields = MADE_OF
        .iter()
        .filter_map(|name| headers.get(*name).map(|value| (HeaderName::from_static(name), value.clone())));
    Ok(Sealed { certificate: line.fingerprint(), verified, content, fields: fields.collect() })
}

/// Whose message it is.
pub(super) use super::document::Side;

/// The refusal of a message whose signature does not count.
pub(super) fn refusal(side: Side, fault: &MessageFault) -> Refusal {
    let row = row(side);
    let code = fault.code();
    let violation = Violation { pointer: String::new(), code, reason: fault.to_string() };
    Refusal::of_payload(row, violation).more_exactly(code)
}

/// The row of what is not signed as agreed.
pub(super) fn row(side: Side) -> &'static Row {
    match side {
        Side::Request => &rows::REQUEST_SIGNATURE,
        Side::Response => &rows::RESPONSE_SIGNATURE,
    }
}

fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

fn target<'a>(method: &'a Method, authority: &'a str, uri: &'a Uri) -> Target<'a> {
    Target { method: method.as_str(), authority, path: uri.path(), query: uri.query() }
}

/// RFC 9421 §2.2.3: in lower case, without the port that https has anyway.
fn authority(said: Option<&str>) -> String {
    let said = said.unwrap_or_default().to_ascii_lowercase();
    said.strip_suffix(":443").map_or(said.clone(), str::to_owned)
}

/// What the gateway calls an exchange, in the call that its provider gets: no other answer has it.
const EXCHANGE: &str = "kelisim-exchange";
/// What became of an answer's signature.
const MARK: &str = "kelisim-signature";
const CONTENT_DIGEST: &str = "content-digest";
/// The fields that make a signature up.
const MADE_OF: [&str; 3] = ["signature-input", "signature", CONTENT_DIGEST];
