//! What entries say of an exchange (D1, D4).

use std::borrow::Cow;
use std::net::IpAddr;

use adapters::Claims;
use agreements::{AgreementNumber, Category, Method, Permit, Phase, Purpose};
use http::{StatusCode, request};
use jiff::Timestamp;
use tracing::error;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::consent::Consent;
use super::passing::Passed;
use super::refusal::Refusal;
use super::surface::Question;
use super::{Caller, Failed, Received, Shared};
use crate::clock;
use crate::exchange_log::{Claim, Closing, Opening, Outcome, Refused, Withheld};
use crate::payload;
use crate::personal::PersonalKeys;
use crate::registry::{Gate, View};

#[expect(clippy::too_many_arguments, reason = "an entry names everything that the call met")]
pub(super) fn opening<'a>(
    shared: &Shared,
    caller: &Caller,
    received: &Received,
    question: &'a Question<'_>,
    view: &'a View,
    gate: &'a Gate,
    permit: &Permit<'a>,
    subjects: &[Cow<'_, str>],
    consent: Option<Consent>,
    body: &[u8],
) -> Opening<'a> {
    let text = &permit.agreement().text;
    let claims = question.claims();
    let data_type = &permit.grant().data_type;
    let category = category(permit.grant().category);
    let official = Official::of(&shared.personal, category, received.at, received.exchange, claims);
    let mut subjects = subjects.iter().map(|subject| shared.subjects.hash(received.at, subject));
    Opening {
        exchange: received.exchange,
        at: received.at,
        consumer: permit.consumer().system.card.id.as_str().into(),
        consumer_holder: permit.consumer().holder().into(),
        provider: permit.provider().system.card.id.as_str().into(),
        provider_holder: permit.provider().holder().into(),
        data_type: data_type.id.as_str().into(),
        data_type_version: data_type.version.to_string().into(),
        operation: permit.operation().id.as_str().into(),
        environment: environment(view.book.environment()).into(),
        method: Some(question.method.as_str().into()),
        agreement: text.number.as_str().into(),
        agreement_version: text.version,
        purpose: permit.purpose().code.as_str().into(),
        collection_purpose: permit.purpose().collection_purpose.as_ref().map(|one| one.as_str().into()),
        basis: (&*gate.basis).into(),
        user: official.user.map(Claim::new),
        user_address: official.address.map(Claim::from),
        peer_address: caller.peer.ip().to_canonical(),
        certificate: caller.chain.fingerprint(),
        case: official.case.map(Claim::new),
        logical_part: Some(Claim::new(&permit.operation().logical_part)),
        subject: subjects.next().map(Cow::Owned),
        subjects: subjects.collect(),
        consent: consent.map(|consent| consent.id),
        category: category.into(),
        request_digest: answer::digest_of(body),
        request_bytes: body.len() as u64,
        registry_revision: view.book.revision(),
        traceparent: claims.traceparent.as_deref().map(Claim::new),
        sealed: official.sealed.map(Cow::Owned),
        signatures: None,
        passed_digest: None,
        passed_bytes: None,
    }
}

pub(super) fn completed(shared: &Shared, received: &Received, answer: &mut Answer) -> Closing<'static> {
    let subjects = std::mem::take(&mut answer.subjects);
    Closing {
        status: Some(answer.status.as_u16()),
        response_digest: answer::digest_of(&answer.body),
        response_bytes: Some(answer.body.len() as u64),
        trimmed: answer.withheld,
        withheld: fields(MOST_FIELD_BYTES, std::mem::take(&mut answer.fields)),
        subjects: subjects.iter().map(|subject| shared.subjects.hash(received.at, subject)).collect(),
        duration_us: duration(received),
        signatures: answer.signatures.clone().map(Cow::Owned),
        first_exchange: answer.first,
        ..Closing::bare(clock::now(), answer.outcome)
    }
}

/// Of a document that passed back whole.
pub(super) fn passed(
    received: &Received,
    status: StatusCode,
    request: Option<Passed>,
    response: Passed,
    sealed: Option<&str>,
) -> Closing<'static> {
    let of_request = request.as_ref().and_then(|request| request.signatures.as_deref());
    Closing {
        status: Some(status.as_u16()),
        signatures: together([of_request, sealed, response.signatures.as_deref()]),
        request_digest: request.as_ref().and_then(|request| request.digest),
        request_bytes: request.as_ref().map(|request| request.bytes),
        response_digest: response.digest,
        response_bytes: Some(response.bytes),
        scan: request.and_then(|request| request.scan).max(response.scan).map(|scan| scan.as_str().into()),
        duration_us: duration(received),
        ..Closing::bare(clock::now(), Outcome::Completed)
    }
}

/// Of a document that was cut after so many bytes.
pub(super) fn cut(
    received: &Received,
    status: StatusCode,
    request: Option<Passed>,
    (outcome, why): (Outcome, Option<&Refusal>),
    handed: u64,
) -> Closing<'static> {
    Closing {
        status: Some(status.as_u16()),
        code: why.map(|refusal| Claim::new(refusal.code())),
        scan: why.and_then(found),
        signatures: request.as_ref().and_then(|request| together([request.signatures.as_deref()])),
        request_digest: request.as_ref().and_then(|request| request.digest),
        request_bytes: request.map(|request| request.bytes),
        response_bytes: Some(handed),
        duration_us: duration(received),
        ..Closing::bare(clock::now(), outcome)
    }
}

/// What was found signed, at several times, as one entry has it.
pub(super) fn together<const N: usize>(found: [Option<&str>; N]) -> Option<Cow<'static, str>> {
    let some: Vec<&str> = found.into_iter().flatten().filter(|one| !one.is_empty()).collect();
    (!some.is_empty()).then(|| some.join(" ").into())
}

pub(super) fn failed(received: &Received, failed: &mut Failed) -> Closing<'static> {
    Closing {
        status: failed.status.map(|status| status.as_u16()),
        withheld: fields(MOST_FIELD_BYTES, std::mem::take(&mut failed.fields)),
        code: Some(Claim::new(failed.refusal.code())),
        scan: found(&failed.refusal),
        duration_us: duration(received),
        ..Closing::bare(clock::now(), failed.outcome)
    }
}

/// What a scanner found.
fn found(refusal: &Refusal) -> Option<Cow<'static, str>> {
    refusal.found().map(|name| format!("infected: {name}").into())
}

/// The fields that a request had too many, as many as its closing has room for beside those of the answer.
pub(super) fn beside(closing: &Closing<'_>, withheld: Vec<payload::Withheld>) -> Vec<Withheld> {
    let taken: usize = closing.withheld.iter().map(|one| written(&one.field)).sum();
    fields(MOST_FIELD_BYTES.saturating_sub(taken), withheld)
}

/// Most bytes that a field takes: escaped, a byte is six; beside it stand names and a number.
fn written(field: &str) -> usize {
    6 * field.len() + 48
}

/// Fields that were too many, as many as there is room for.
fn fields(mut room: usize, withheld: Vec<payload::Withheld>) -> Vec<Withheld> {
    let fits = withheld.into_iter().map_while(|one| {
        room = room.checked_sub(written(&one.pointer))?;
        Some(Withheld { field: one.pointer, count: one.count })
    });
    fits.collect()
}

#[expect(clippy::too_many_arguments, reason = "an entry names everything that the call met")]
pub(super) fn refused<'a>(
    shared: &Shared,
    caller: &Caller,
    received: &Received,
    head: &'a request::Parts,
    claims: &'a Claims<'a>,
    view: &'a View,
    refusal: &Refusal,
    suppressed: u32,
) -> Refused<'a> {
    // D4: a path that nobody agreed on may name persons, so only what the book knows is repeated from it.
    let mut pieces = head.uri.path().split('/').skip(1);
    let provider = pieces.next().and_then(|code| view.book.system(code)).map(|page| &page.system.card.id);
    let data_type = provider.zip(pieces.next()).filter(|(provider, code)| view.names(provider, code));
    let consumer = view.book.bound_to(&caller.chain.fingerprint());
    let official = Official::of(&shared.personal, REFUSED, received.at, received.exchange, claims);
    Refused {
        exchange: received.exchange,
        at: received.at,
        code: Cow::Borrowed(refusal.code()),
        clause: Cow::Borrowed(refusal.clause()),
        culprit: Cow::Borrowed(refusal.culprit().as_str()),
        consumer: consumer.map(|page| page.system.card.id.as_str().into()),
        certificate: caller.chain.fingerprint(),
        peer_address: caller.peer.ip().to_canonical(),
        user_address: official.address.map(Claim::from),
        provider: provider.map(|id| Claim::new(id.as_str())),
        data_type: data_type.map(|(_, code)| Claim::new(code)),
        operation: Method::parse(head.method.as_str()).map(|method| Claim::new(method.as_str())),
        agreement: claims
            .agreement
            .as_deref()
            .filter(|code| AgreementNumber::new(code).is_ok())
            .map(Claim::new),
        purpose: claims.purpose.as_deref().filter(|code| Purpose::new(code).is_ok()).map(Claim::new),
        user: official.user.map(Claim::new),
        case: official.case.map(Claim::new),
        suppressed,
        sealed: official.sealed.map(Cow::Owned),
    }
}

/// Official, address and case, as entries of a class have them: open, or as one ciphertext.
#[derive(Debug, Default, PartialEq)]
struct Official<'a> {
    user: Option<&'a str>,
    address: Option<IpAddr>,
    case: Option<&'a str>,
    sealed: Option<String>,
}

impl<'a> Official<'a> {
    fn of(
        personal: &PersonalKeys,
        class: &str,
        at: Timestamp,
        exchange: Uuid,
        claims: &'a Claims<'_>,
    ) -> Self {
        let (user, case) = (claims.user.as_deref(), claims.case.as_deref());
        if !personal.seals(class) {
            return Self { user, address: claims.user_address, case, sealed: None };
        }
        let address = claims.user_address.map(|address| address.to_string());
        let parts = [user, address.as_deref(), case];
        let sealed = personal.seal(class, at, exchange, parts);
        if sealed.is_none() && parts.iter().any(Option::is_some) {
            // D4: what cannot be sealed is left out; written open it could never be erased.
            error!("the official of an exchange was left out of its entry: {class} has no key to seal with");
        }
        Self { sealed, ..Self::default() }
    }
}

/// Half of what an entry holds.
const MOST_FIELD_BYTES: usize = 8 << 10;

/// The class of calls that were refused, whatever they asked for.
pub const REFUSED: &str = "refused";

fn duration(received: &Received) -> Option<u64> {
    u64::try_from(received.since.elapsed().as_micros()).ok()
}

fn environment(phase: Phase) -> &'static str {
    match phase {
        Phase::Trial => "trial",
        Phase::Production => "production",
    }
}

fn category(category: Category) -> &'static str {
    match category {
        Category::Public => "public",
        Category::Restricted => "restricted",
        Category::OfficialUse => "official-use",
        Category::Personal => "personal",
        Category::Special => "special",
        Category::Confidential => "confidential",
        Category::StateSecret => "state-secret",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use adapters::CLAIMS;

    use super::*;

    /// D4
    #[test]
    fn an_official_who_cannot_be_sealed_is_left_out_and_never_written_open() {
        let dir = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-11-22T12:00:00+05:00".parse().unwrap();
        let open = || PersonalKeys::open(dir.path(), BTreeSet::from([REFUSED.to_owned()]), at).unwrap();
        let claims = Claims { user: Some("a.serik".into()), case: Some("7".into()), ..Claims::default() };
        let official = |keys: &PersonalKeys, class| Official::of(keys, class, at, Uuid::nil(), &claims);
        let keys = open();
        let plain = official(&keys, "public");
        assert_eq!((plain.user, plain.case, plain.sealed), (Some("a.serik"), Some("7"), None));
        let sealed = official(&keys, REFUSED);
        assert!(sealed.user.is_none() && sealed.case.is_none() && sealed.sealed.is_some());
        let reader = PersonalKeys::to_read(dir.path()).unwrap();
        for key in ["refused-2026-11", "refused-2026-12"] {
            reader.erase(key, "2027-01-01T12:00:00+05:00".parse().unwrap()).unwrap();
        }
        assert_eq!(official(&open(), REFUSED), Official::default());
    }

    #[test]
    fn no_claim_that_is_forwarded_is_cut_in_the_record() {
        // Of a consent, its number is recorded.
        let unrecorded = ["idempotency-key", "kelisim-consent"];
        for claim in CLAIMS.iter().filter(|claim| !unrecorded.contains(&claim.name)) {
            assert!(claim.most_bytes <= Claim::MAX_BYTES, "{}", claim.name);
        }
    }
}
