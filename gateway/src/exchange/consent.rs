//! Consent: where the agreement demands it, a call passes with a token that the person gave for this once (B7).
//!
//! A token is a JWS of an issuer that the agreement names: a registered system, by a certificate bound to it. It names the
//! person, the data type, who may ask, at which gateway, until when, and a number of its own. It is spent before its entry
//! is written, and the entry bears its number: at a start, the numbers that still count are read from the record.
//!
//! Trust: whoever can take lines off the end of the log while the gateway is down can have a token count twice within
//! its quarter of an hour; that is what the log is watched against.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use adapters::Claims;
use agreements::{Permit, SystemStatus};
use certs::sign::{SignatureFault, verify_token};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Shared, rows};
use crate::exchange_log::{LogError, SearchError, consents_since};
use crate::registry::View;

/// A consent that holds for one call, and is not spent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Consent {
    pub(super) id: Uuid,
    until: Timestamp,
}

/// What a token says. Whatever else one might put there is refused: it could be a condition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Who gave it out: a system.
    iss: String,
    /// Whose consent it is: their identification number.
    sub: String,
    /// At which gateway: the origin of its log. So that a token is spent in one place.
    aud: String,
    /// Who may ask: a system.
    azp: String,
    /// `provider/data-type`.
    data_type: String,
    /// When it was given, in seconds since 1970.
    iat: i64,
    /// From when on it counts, if that is later.
    #[serde(default)]
    nbf: Option<i64>,
    /// Until when.
    exp: i64,
    /// Its number.
    jti: Uuid,
}

impl Shared {
    /// The consent to a call under a permit, where its agreement demands one.
    ///
    /// # Errors
    /// There is none, or not this one.
    pub(super) fn consent(
        &self,
        view: &View,
        permit: &Permit<'_>,
        claims: &Claims<'_>,
        subjects: &[Cow<'_, str>],
        now: Timestamp,
    ) -> Result<Option<Consent>, Refusal> {
        let text = &permit.agreement().text;
        let Some(demanded) = text.personal_data.as_ref().and_then(|clause| clause.consent.as_ref()) else {
            return Ok(None);
        };
        if permit.grant().data_type.personal.is_none() {
            return Ok(None);
        }
        let refused = |row, why: &str| Err(Refusal::new(row, why));
        let Some(token) = claims.consent.as_deref() else {
            return refused(&rows::CONSENT_MISSING, "no token came");
        };
        let verified = verify_token(token, &self.trust, now).map_err(unproven)?;
        let said = Said::read(&verified.payload)?;

        let issuer = demanded.issuers.iter().find(|issuer| issuer.as_str() == said.iss);
        let issuer = issuer.and_then(|issuer| view.book.system(issuer.as_str())).filter(|page| {
            let bound = page.system.certificates.iter().any(|one| one.fingerprint == verified.fingerprint);
            let serves = page.system.card.phase == view.book.environment();
            bound && serves && page.system.status == SystemStatus::Registered
        });
        if issuer.is_none() {
            return refused(&rows::CONSENT_ISSUER_UNKNOWN, "not of an issuer that the agreement names");
        }
        if said.aud != self.origin {
            return refused(&rows::CONSENT_OTHER_GATEWAY, "given for another gateway");
        }
        if said.azp != permit.consumer().system.card.id.as_str() {
            return refused(&rows::CONSENT_OTHER_CONSUMER, "given to another system");
        }
        let asked = permit.grant().data_type.id.as_str();
        if said.data_type.split_once('/') != Some((text.provider.as_str(), asked)) {
            return refused(&rows::CONSENT_OTHER_DATA_TYPE, "given to other data");
        }
        let of = |identifier: &str| self.subjects.hash(now, identifier);
        if subjects.len() != 1 || of(&subjects[0]) != of(&said.sub) {
            return refused(&rows::CONSENT_WRONG_SUBJECT, "given by somebody else");
        }
        let until = said.holds_at(now).map_err(|why| Refusal::new(&rows::CONSENT_EXPIRED, why))?;
        Ok(Some(Consent { id: said.jti, until }))
    }
}

impl Said {
    fn read(payload: &[u8]) -> Result<Self, Refusal> {
        // D4: a parser's words quote what they are about, which names a person.
        serde_json::from_slice(payload).map_err(|_| Refusal::new(&rows::CONSENT_MALFORMED, NO_CONSENT))
    }

    /// Until when it counts, if it does at `now`.
    fn holds_at(&self, now: Timestamp) -> Result<Timestamp, &'static str> {
        let at = |second: i64| Timestamp::from_second(second).map_err(|_| "a time that is none");
        let (given, until) = (at(self.iat)?, at(self.exp)?);
        let from = at(self.nbf.unwrap_or(self.iat))?;
        if until <= now {
            return Err("it ended");
        }
        if given.max(from) > now.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX) {
            return Err("it has not begun");
        }
        // Who spent what is remembered for so long.
        if until.duration_since(given) > MOST_LIFE {
            return Err("given for more than 15 minutes");
        }
        Ok(until)
    }
}

fn unproven(fault: SignatureFault) -> Refusal {
    let row = match fault {
        SignatureFault::Header(_) => return Refusal::new(&rows::CONSENT_MALFORMED, NO_CONSENT),
        SignatureFault::TooLarge | SignatureFault::Malformed | SignatureFault::CriticalHeader => {
            &rows::CONSENT_MALFORMED
        }
        SignatureFault::SignedInTheFuture { .. }
        | SignatureFault::Signer(_)
        | SignatureFault::AlgorithmMismatch
        | SignatureFault::Forged => &rows::CONSENT_UNPROVEN,
    };
    Refusal::new(row, crate::telemetry::chain(&fault))
}

/// The consents that were spent and would still count.
#[derive(Debug, Default)]
pub struct Consents {
    // Held for a look, and now and then for forgetting; never across an await.
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    until: HashMap<Uuid, Timestamp>,
    /// How many there were when those that ended were forgotten last.
    kept: usize,
}

impl Consents {
    /// Those that the record in `log` holds and that may still count at `now`.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn recalled(log: &Path, now: Timestamp) -> Result<Self, SearchError> {
        let longest = MOST_LIFE + CLOCK_SKEW + KEPT_LONGER;
        let since = now.saturating_sub(longest).unwrap_or(Timestamp::MIN);
        let mut until = HashMap::new();
        for spent in consents_since(log, since)? {
            let (id, at) = spent?;
            until.insert(id, at.saturating_add(longest).unwrap_or(Timestamp::MAX));
        }
        let kept = until.len();
        Ok(Self { spent: Mutex::new(Spent { until, kept }) })
    }

    /// Spends a consent: for one of all that try, once.
    pub(super) fn spend(&self, consent: &Consent, now: Timestamp) -> Result<(), Refusal> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.until.len() >= 2 * spent.kept.max(FEW) {
            spent.until.retain(|_, until| *until > now);
            spent.kept = spent.until.len();
        }
        if spent.until.len() >= MOST_SPENT {
            return Err(Refusal::new(&rows::GATEWAY_BUSY, "too many consents at once").retry_after(60));
        }
        if spent.until.contains_key(&consent.id) {
            return Err(Refusal::new(&rows::CONSENT_USED, consent.id));
        }
        let until = consent.until.saturating_add(KEPT_LONGER).unwrap_or(Timestamp::MAX);
        spent.until.insert(consent.id, until);
        Ok(())
    }

    /// Takes back that a consent was spent, where its entry was certainly not written.
    pub(super) fn unless_written(&self, consent: &Consent, error: LogError) {
        match error {
            // The entry may be there.
            LogError::Unknown => {}
            LogError::Closed
            | LogError::Overloaded
            | LogError::Full
            | LogError::Unwitnessed
            | LogError::NoRandomness
            | LogError::TooLong { .. } => {
                let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
                spent.until.remove(&consent.id);
            }
        }
    }
}

const NO_CONSENT: &str = "a member is missing, unknown, there twice, or of another kind";
/// Longest life of a consent. Ours: given while the person waits; the longer, the more is read at a start.
const MOST_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// An issuer's clock may be so much ahead of ours.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);
/// What was spent is remembered for so much longer, should our own clock be set back.
const KEPT_LONGER: SignedDuration = SignedDuration::from_mins(10);
/// Below so many, none is forgotten.
const FEW: usize = 1_024;
/// Some 60 MiB: only issuers that agreements name can bring so many about.
const MOST_SPENT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn said(iat: &str, nbf: Option<&str>, exp: &str) -> Said {
        let second = |time: &str| at(time).as_second();
        let (iss, sub, aud, azp, data_type) = Default::default();
        let (iat, nbf, exp) = (second(iat), nbf.map(second), second(exp));
        Said { iss, sub, aud, azp, data_type, iat, nbf, exp, jti: Uuid::nil() }
    }

    /// B7
    #[test]
    fn a_consent_counts_from_when_it_was_given_to_its_end_and_for_a_quarter_of_an_hour_at_most() {
        let now = at("2026-11-22T12:00:00Z");
        for (iat, nbf, exp, holds) in [
            ("2026-11-22T11:59:00Z", None, "2026-11-22T12:10:00Z", Ok(())),
            ("2026-11-22T12:00:59Z", None, "2026-11-22T12:10:00Z", Ok(())),
            ("2026-11-22T12:01:01Z", None, "2026-11-22T12:10:00Z", Err("it has not begun")),
            (
                "2026-11-22T11:59:00Z",
                Some("2026-11-22T12:05:00Z"),
                "2026-11-22T12:10:00Z",
                Err("it has not begun"),
            ),
            ("2026-11-22T11:50:00Z", None, "2026-11-22T12:00:00Z", Err("it ended")),
            ("2026-11-22T11:59:00Z", None, "2026-11-22T12:14:01Z", Err("given for more than 15 minutes")),
        ] {
            assert_eq!(said(iat, nbf, exp).holds_at(now).map(drop), holds, "{iat} {nbf:?} {exp}");
        }
        let never = Said {
            iat: i64::MIN,
            exp: i64::MAX,
            ..said("2026-11-22T12:00:00Z", None, "2026-11-22T12:00:00Z")
        };
        assert_eq!(never.holds_at(now).map(drop), Err("a time that is none"));
    }

    /// D4
    #[test]
    fn what_is_said_of_a_token_that_is_none_quotes_nothing_of_it() {
        for payload in [r#"{"sub": 860101300126}"#, r#"{"860101300126": 1}"#, r#"{"jti": "860101300126"}"#] {
            let refused = Said::read(payload.as_bytes()).unwrap_err();
            assert_eq!(refused.code(), "consent-malformed");
            assert!(!format!("{refused:?}").contains("860101300126"), "{refused:?}");
        }
    }

    /// B7: single use, exactly, whoever comes at once.
    #[test]
    fn of_many_who_spend_one_consent_at_once_one_succeeds() {
        let now = at("2026-11-22T12:00:00Z");
        let consents = Consents::default();
        for round in 0..50 {
            let consent = Consent { id: Uuid::from_u128(round), until: now + SignedDuration::from_mins(5) };
            let spent: usize = std::thread::scope(|scope| {
                let tries = [(); 8].map(|()| scope.spawn(|| consents.spend(&consent, now).is_ok()));
                tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
            });
            assert_eq!(spent, 1, "round {round}");
        }
    }

    #[test]
    fn what_was_not_written_may_be_spent_again_and_what_may_have_been_may_not() {
        let now = at("2026-11-22T12:00:00Z");
        let consents = Consents::default();
        let consent = Consent { id: Uuid::from_u128(7), until: now + SignedDuration::from_mins(5) };
        consents.spend(&consent, now).unwrap();
        consents.unless_written(&consent, LogError::Unknown);
        assert_eq!(consents.spend(&consent, now).unwrap_err().code(), "consent-used");
        consents.unless_written(&consent, LogError::Full);
        consents.spend(&consent, now).unwrap();
    }

    #[test]
    fn consents_that_ended_are_forgotten_and_no_others() {
        let now = at("2026-11-22T12:00:00Z");
        let consents = Consents::default();
        let of = |id: u128, minutes| Consent {
            id: Uuid::from_u128(id),
            until: now + SignedDuration::from_mins(minutes),
        };
        let last = of(0, 60);
        consents.spend(&last, now).unwrap();
        let later = now + SignedDuration::from_mins(30);
        for id in 1..2 * FEW as u128 {
            consents.spend(&of(id, 5), now).unwrap();
        }
        consents.spend(&of(u128::MAX, 60), later).unwrap();
        assert_eq!(consents.spent.lock().unwrap().until.len(), 2);
        assert_eq!(consents.spend(&last, later).unwrap_err().code(), "consent-used");
    }
}
