//! A chain that was verified, and until when that may be relied on.

use std::fmt;
use std::sync::{Arc, Weak};

use agreements::Fingerprint;
use arc_swap::{ArcSwap, Guard};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use super::set::{Judgement, TrustSet};
use super::{Purpose, Untrusted};
use crate::name::Subject;

/// Proof that a chain was verified for a purpose; only [`super::Trust`] makes one. Cheap to clone.
///
/// That it was verified once does not mean it still holds: ask [`super::Trust::status`].
#[derive(Clone)]
pub struct VerifiedChain(Arc<Inner>);

struct Inner {
    fingerprint: Fingerprint,
    subject: Subject,
    serial: String,
    not_before: Timestamp,
    not_after: Timestamp,
    certificates: Vec<CertificateDer<'static>>,
    purpose: Purpose,
    confirmed: ArcSwap<Confirmed>,
}

/// The newest verdict on a chain.
pub(super) struct Confirmed {
    /// The set that was asked. A weak reference keeps its address taken, so equal means the same.
    pub(super) set: Weak<TrustSet>,
    pub(super) window: Window,
    pub(super) verdict: Result<(), Untrusted>,
}

/// From when to when (exclusive) a verdict holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl VerifiedChain {
    pub(super) fn new(
        chain: &[CertificateDer<'_>],
        purpose: Purpose,
        judgement: Judgement,
        set: Weak<TrustSet>,
    ) -> Self {
        let Judgement { window, subject, serial, not_before, not_after } = judgement;
        Self(Arc::new(Inner {
            fingerprint: crate::fingerprint(&chain[0]),
            subject,
            serial,
            not_before,
            not_after,
            certificates: chain.iter().map(|der| der.clone().into_owned()).collect(),
            purpose,
            confirmed: ArcSwap::from_pointee(Confirmed { set, window, verdict: Ok(()) }),
        }))
    }

    pub(super) fn confirm(&self, confirmed: Confirmed) {
        self.0.confirmed.store(Arc::new(confirmed));
    }

    pub(super) fn confirmed(&self) -> Guard<Arc<Confirmed>> {
        self.0.confirmed.load()
    }

    /// By what the registry binds it to a system.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// Whom the leaf names.
    pub fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// The leaf's serial number, in lower-case hexadecimal.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// The leaf's first moment.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The leaf's last moment.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// What it was verified for.
    pub fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    /// What was presented, leaf first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.certificates
    }

    /// Until when the newest verdict may be relied on, unless the trust set changes.
    pub fn relied_on_until(&self) -> Timestamp {
        self.confirmed().window.until
    }

    /// Checks that the leaf is for `name`, a DNS name or an IP address.
    ///
    /// # Errors
    /// [`Untrusted::NameMismatch`] if it is not.
    pub fn check_name(&self, name: &str) -> Result<(), Untrusted> {
        let mismatch = || Untrusted::NameMismatch { name: name.to_owned() };
        let wanted = ServerName::try_from(name).map_err(|_| mismatch())?;
        let leaf = EndEntityCert::try_from(&self.0.certificates[0])?;
        leaf.verify_is_valid_for_subject_name(&wanted).map_err(|_| mismatch())
    }
}

impl fmt::Debug for VerifiedChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedChain")
            .field("fingerprint", &self.0.fingerprint)
            .field("subject", &self.0.subject.display)
            .field("purpose", &self.0.purpose)
            .finish_non_exhaustive()
    }
}

impl Confirmed {
    /// The verdict, if `set` gave it and it holds at `now`.
    pub(super) fn verdict(&self, set: &Arc<TrustSet>, now: Timestamp) -> Option<Result<(), Untrusted>> {
        let same = std::ptr::eq(self.set.as_ptr(), Arc::as_ptr(set));
        (same && self.window.from <= now && now < self.window.until).then(|| self.verdict.clone())
    }
}
