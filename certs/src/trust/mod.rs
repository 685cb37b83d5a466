//! Whom we believe: from a presented chain to a [`VerifiedChain`], and whether it still holds.
//!
//! Owned by whoever loads the configuration; read by every handshake and every call. A hostile peer can at
//! worst make us run one bounded verification for each handshake.

mod anchors;
mod cache;
mod chain;
mod set;
mod untrusted;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;

pub use anchors::{AnchorError, AnchorFault, TrustAnchors};
use cache::Cache;
pub use chain::VerifiedChain;
use chain::{Confirmed, Window};
pub(crate) use set::{Judgement, Listed, Revocation, check_leaf, hex};
pub use set::{Period, TrustSet, Unusable};
pub use untrusted::Untrusted;

/// What a certificate is presented for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To call us.
    Client,
    /// To be called by us.
    Server,
    /// To sign agreements and messages.
    Signing,
}

/// The trust set in force, shared by all that verify; replaced whole.
#[derive(Debug)]
pub struct Trust {
    current: ArcSwap<TrustSet>,
    cache: Cache,
    generation: AtomicU64,
    verifications: AtomicU64,
}

impl Trust {
    /// Puts `set` in force.
    pub fn new(set: TrustSet) -> Self {
        Self {
            current: ArcSwap::from_pointee(set),
            cache: Cache::default(),
            generation: AtomicU64::new(1),
            verifications: AtomicU64::new(0),
        }
    }

    /// Puts another set in force; every chain is verified against it before its next call.
    pub fn replace(&self, set: TrustSet) {
        self.current.store(Arc::new(set));
        self.cache.clear();
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Verifies a presented chain, leaf first, for `purpose` at `now`.
    ///
    /// The result for the same bytes is kept until the trust set changes, or a certificate or revocation
    /// list it rests on ends.
    ///
    /// # Errors
    /// [`Untrusted`] says why the chain does not count.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<VerifiedChain, Untrusted> {
        let set = self.current.load();
        let key = cache::key(chain, purpose)?;
        if let Some(known) = self.cache.find(&key, &set, now) {
            return Ok(known);
        }
        let judgement = self.judge(&set, chain, purpose, now)?;
        let verified = VerifiedChain::new(chain, purpose, judgement, Arc::downgrade(&set));
        self.cache.keep(key, &set, now, verified.clone());
        Ok(verified)
    }

    /// Says whether `chain` still holds at `now`: asked for each call, so that a revocation reaches
    /// connections that are already open.
    ///
    /// Costs a comparison as long as nothing changed.
    ///
    /// # Errors
    /// [`Untrusted`] says why it no longer does.
    pub fn status(&self, chain: &VerifiedChain, now: Timestamp) -> Result<(), Untrusted> {
        let set = self.current.load();
        if let Some(known) = chain.confirmed().verdict(&set, now) {
            return known;
        }
        let judged = self.judge(&set, chain.certificates(), chain.purpose(), now);
        let (window, verdict) = match judged {
            Ok(judgement) => (judgement.window, Ok(())),
            // Kept for a moment, so that asking again and again costs a hostile peer more than us.
            Err(untrusted) => {
                let until = now.saturating_add(REFUSAL_KEPT).unwrap_or(Timestamp::MAX);
                (Window { from: now, until }, Err(untrusted))
            }
        };
        chain.confirm(Confirmed { set: Arc::downgrade(&set), window, verdict: verdict.clone() });
        verdict
    }

    /// Verifies a chain for signing, as of `signed_at`, with what the revocation lists say at `now`.
    pub(crate) fn verify_signing(
        &self,
        chain: &[CertificateDer<'_>],
        signed_at: Timestamp,
        now: Timestamp,
    ) -> Result<VerifiedChain, Untrusted> {
        let set = self.current.load();
        cache::key(chain, Purpose::Signing)?; // the same bounds on what is presented
        self.verifications.fetch_add(1, Ordering::Relaxed);
        let judgement = set.judge(chain, Purpose::Signing, signed_at, now, Listed::Before(signed_at))?;
        Ok(VerifiedChain::new(chain, Purpose::Signing, judgement, Arc::downgrade(&set)))
    }

    /// How many sets have been in force: changes with each [`Trust::replace`].
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// How many chains were verified in full so far, rather than found in the cache.
    pub fn verifications(&self) -> u64 {
        self.verifications.load(Ordering::Relaxed)
    }

    /// The set in force.
    pub fn current(&self) -> Arc<TrustSet> {
        self.current.load_full()
    }

    fn judge(
        &self,
        set: &TrustSet,
        chain: &[CertificateDer<'_>],
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Judgement, Untrusted> {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        set.judge(chain, purpose, now, now, Listed::Ever)
    }
}

const REFUSAL_KEPT: SignedDuration = SignedDuration::from_secs(1);
