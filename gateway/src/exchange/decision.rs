//! Deciding, and deciding again: while a call waits, while it is sent, while documents pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::native;
use agreements::{Permit, decide};
use certs::trust::VerifiedChain;
use http::request;
use jiff::Timestamp;

use super::refusal::Refusal;
use super::surface::Question;
use super::{Caller, Shared, rows};
use crate::clock;
use crate::registry::View;

/// What a decision stands on: while it is the same, and fresh, the decision is too.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) view: Arc<View>,
    generation: u64,
    since: Instant,
}

impl Ground {
    fn is_as(&self, before: &Self) -> bool {
        Arc::ptr_eq(&self.view, &before.view)
            && self.generation == before.generation
            && self.since.duration_since(before.since) < FRESH
    }
}

impl Shared {
    /// A6, then everything that `decide` asks: on one view, at one moment.
    pub(super) fn permit<'v>(
        &self,
        view: &'v View,
        caller: &Caller,
        asked: &Question<'_>,
        now: Timestamp,
    ) -> Result<Permit<'v>, Refusal> {
        // A6: the status of the certificate counts for each call, not for the handshake alone.
        self.trust.status(&caller.chain, now)?;
        let permit = decide(&view.book, &asked.call(caller), now)?;
        if let Some(lease) = permit.agreement().text.protection.lease_seconds {
            self.views.within(Duration::from_secs(lease.into()))?;
        }
        self.timely(&permit)?;
        Ok(permit)
    }

    /// What a decision of now stands on; taken before it is made.
    pub(super) fn ground(&self) -> Result<Ground, Refusal> {
        let (generation, since) = (self.trust.generation(), Instant::now());
        Ok(Ground { view: self.views.current()?, generation, since })
    }

    /// Whether a call may still be sent as it was permitted; to whoever proved that chain, once there is one.
    pub(super) fn still(
        &self,
        ground: &Ground,
        permit: &Permit<'_>,
        caller: &Caller,
        asked: &Question<'_>,
        line: Option<&VerifiedChain>,
    ) -> Result<(), Refusal> {
        let now = self.ground()?;
        if now.is_as(ground) { Ok(()) } else { self.still_on(&now, permit, caller, asked, line) }
    }

    fn still_on(
        &self,
        now: &Ground,
        permit: &Permit<'_>,
        caller: &Caller,
        asked: &Question<'_>,
        line: Option<&VerifiedChain>,
    ) -> Result<(), Refusal> {
        let (at, changed) =
            (clock::now(), |what: &str| Refusal::new(&rows::TERMS_CHANGED, what).retry_after(1));
        let anew = self.permit(&now.view, caller, asked, at)?;
        let (was, is) = (&permit.provider().system, &anew.provider().system);
        if !same_terms(permit, &anew)
            || permit.purpose().code != anew.purpose().code
            || permit.grant().category != anew.grant().category
        {
            return Err(changed("another agreement, or another category, than a moment ago"));
        }
        if was.card.id != is.card.id || was.card.endpoint != is.card.endpoint {
            return Err(changed("the provider has another endpoint than a moment ago"));
        }
        let counts = |line: &VerifiedChain| {
            is.certificates.iter().any(|bound| bound.fingerprint == line.fingerprint())
                && self.trust.status(line, at).is_ok()
        };
        if !line.is_none_or(counts) {
            return Err(changed("the provider's certificate no longer counts"));
        }
        Ok(())
    }
}

/// What it takes to decide again on a call whose transfer outlives the function that began it.
pub(super) struct Ward {
    shared: Arc<Shared>,
    caller: Caller,
    head: request::Parts,
    /// On what, and when, it was permitted: from that, the permit can be made again.
    first: Ground,
    at: Timestamp,
    /// On what it was last found to hold.
    last: Ground,
    line: Option<VerifiedChain>,
}

impl Ward {
    pub(super) fn new(
        shared: &Arc<Shared>,
        caller: &Caller,
        head: &request::Parts,
        ground: &Ground,
        at: Timestamp,
    ) -> Self {
        let (shared, caller, head) = (Arc::clone(shared), caller.clone(), head.clone());
        Self { shared, caller, head, first: ground.clone(), at, last: ground.clone(), line: None }
    }

    pub(super) fn goes_to(&mut self, line: &VerifiedChain) {
        self.line = Some(line.clone());
    }

    /// B9: whether it may still go on.
    pub(super) fn still(&mut self) -> Result<(), Refusal> {
        let now = self.shared.ground()?;
        if now.is_as(&self.last) {
            return Ok(());
        }
        let asked = native::read(&self.head)?;
        let asked = Question::new(&self.caller, &self.head, &asked)?;
        // Pure: on the same view, at the same moment, it is the same permit.
        let permit = decide(&self.first.view.book, &asked.call(&self.caller), self.at)?;
        self.shared.still_on(&now, &permit, &self.caller, &asked, self.line.as_ref())?;
        self.last = now;
        Ok(())
    }
}

/// Whether two permits let the same pass: one version of an agreement, one operation of one data type.
pub(super) fn same_terms(one: &Permit<'_>, other: &Permit<'_>) -> bool {
    let (first, second) = (&one.agreement().text, &other.agreement().text);
    let same = (&first.number, first.version, one.operation_at())
        == (&second.number, second.version, other.operation_at());
    same && Arc::ptr_eq(&one.grant().data_type, &other.grant().data_type)
}

/// For how long a decision needs no second look while nothing that it stands on was replaced.
const FRESH: Duration = Duration::from_millis(100);
