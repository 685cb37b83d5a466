//! Proof of what is signed: a node believes nothing whose signatures it has not verified itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agreements::{Bin, Registry, Signature, Signed, SignedForm};
use aws_lc_rs::digest::{SHA256, digest};
use certs::sign::{self, JwsSignature};
use certs::trust::Trust;
use jiff::Timestamp;

use super::evidence;
use super::snapshot::Recalled;
use super::store::Store;

/// What was verified. What held is remembered, also when trust changes, until it is renewed; what did not hold is tried
/// again soon.
pub struct Proofs {
    trust: Arc<Trust>,
    known: Mutex<HashMap<[u8; 32], Verdict>>,
    /// Where signatures are that were set aside.
    evidence: Option<Mutex<Box<dyn Store>>>,
}

#[derive(Debug, Clone, Copy)]
struct Verdict {
    /// Of the trust set that it was made with.
    generation: u64,
    made: Instant,
    outcome: Result<(), &'static str>,
}

/// What a renewal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The verdict stays, or there was none.
    Same,
    /// The verdict is another one.
    Turned,
}

impl Proofs {
    /// Proofs against a trust set, of agreements whose signatures are with them.
    pub fn new(trust: Arc<Trust>) -> Self {
        Self { trust, known: Mutex::default(), evidence: None }
    }

    /// The same, also of agreements whose signatures are in a store.
    #[must_use]
    pub fn with_evidence(self, store: Box<dyn Store>) -> Self {
        Self { evidence: Some(Mutex::new(store)), ..self }
    }

    /// The generation of the trust set; proofs of another one are to be renewed.
    pub fn generation(&self) -> u64 {
        self.trust.generation()
    }

    /// Whether every signature stands: over these very bytes, by a certificate that was good when signing, of the
    /// organisation on whose side it signs (B4), or of one that it had delegated signing to then (A10).
    ///
    /// # Errors
    /// The code of the first fault found; found again for [`RETRY`], then looked for anew.
    pub fn prove(&self, signed: Signed<'_>, registry: &Registry, now: Timestamp) -> Result<(), &'static str> {
        let parties = signed.parties(registry);
        let key = key(signed, &parties);
        match self.known(&key) {
            Some(Verdict { outcome: Ok(()), .. }) => Ok(()),
            Some(verdict) if verdict.generation == self.generation() && verdict.made.elapsed() < RETRY => {
                verdict.outcome
            }
            Some(_) | None => self.judge(key, signed, &parties, registry, now),
        }
    }

    /// The verdict that there is, however old, or a first one; [`Proofs::renew`] keeps it new.
    ///
    /// # Errors
    /// The code of the first fault found.
    pub fn believe(
        &self,
        signed: Signed<'_>,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let parties = signed.parties(registry);
        let key = key(signed, &parties);
        match self.known(&key) {
            Some(verdict) => verdict.outcome,
            None => self.judge(key, signed, &parties, registry, now),
        }
    }

    /// The fault that was found last, if one was; what was not looked at has none.
    ///
    /// # Errors
    /// Its code.
    pub fn known_fault(&self, signed: Signed<'_>, registry: &Registry) -> Result<(), &'static str> {
        let known = self.known(&key(signed, &signed.parties(registry)));
        known.map_or(Ok(()), |verdict| verdict.outcome)
    }

    /// Verifies anew what has a verdict of an older trust set, or a fault that was found some time ago.
    pub fn renew(&self, signed: Signed<'_>, registry: &Registry, now: Timestamp) -> Renewal {
        let parties = signed.parties(registry);
        let key = key(signed, &parties);
        let due = |verdict: &Verdict| {
            let stale = verdict.outcome.is_err() && verdict.made.elapsed() >= RETRY;
            stale || verdict.generation != self.generation()
        };
        // Without a verdict nobody relies on one.
        let Some(old) = self.known(&key).filter(due) else { return Renewal::Same };
        let outcome = self.judge(key, signed, &parties, registry, now);
        if outcome == old.outcome { Renewal::Same } else { Renewal::Turned }
    }

    /// Forgets verdicts that were made before a generation.
    pub fn forget_before(&self, generation: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, verdict| verdict.generation >= generation);
    }

    /// What is proven under the trust set in force, with the digest of that; `None` while it changes.
    pub(super) fn proven(&self) -> Option<([u8; 32], Vec<[u8; 32]>)> {
        let generation = self.generation();
        let trust = *self.trust.current().digest();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let held = known.iter().filter(|(_, one)| one.generation == generation && one.outcome.is_ok());
        let proven = held.map(|(key, _)| *key).collect();
        (self.generation() == generation).then_some((trust, proven))
    }

    /// Takes back what this node proved under the trust set of a digest: if that is not the one in force, until its turn
    /// to be renewed comes.
    pub(super) fn recall(&self, trust: &[u8; 32], proven: &[[u8; 32]]) -> Recalled {
        let generation = self.generation();
        let (generation, recalled) = match self.trust.current().digest() == trust {
            true => (generation, Recalled::Fresh),
            false => (BEFORE_THE_FIRST, Recalled::Older),
        };
        let verdict = Verdict { generation, made: Instant::now(), outcome: Ok(()) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(proven.iter().map(|key| (*key, verdict)));
        recalled
    }

    /// How many verdicts there are.
    pub(super) fn count(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn known(&self, key: &[u8; 32]) -> Option<Verdict> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn judge(
        &self,
        key: [u8; 32],
        signed: Signed<'_>,
        parties: &[Option<Bin>; 3],
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        // Taken before: if trust changes meanwhile, the verdict is of the older one and is renewed.
        let generation = self.generation();
        let outcome = self.verify(signed, parties, registry, now);
        let verdict = Verdict { generation, made: Instant::now(), outcome };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, verdict);
        outcome
    }

    fn verify(
        &self,
        signed: Signed<'_>,
        parties: &[Option<Bin>; 3],
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        self.verify_one(signed, parties, registry, now)?;
        match signed.beside() {
            Some(beside) => self.verify_one(beside, &beside.parties(registry), registry, now),
            None => Ok(()),
        }
    }

    fn verify_one(
        &self,
        signed: Signed<'_>,
        parties: &[Option<Bin>; 3],
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let bytes = bytes(signed)?;
        for kept in signed.signatures() {
            let jws = self.whole(kept).ok_or("signature-malformed")?;
            let jws: JwsSignature = serde_json::from_value(jws).map_err(|_| "signature-malformed")?;
            let verified = sign::verify(&bytes, &jws, &self.trust, now).map_err(|fault| fault.code())?;
            if verified.role != kept.side
                || verified.subject.common_name.as_deref().unwrap_or_default() != kept.signer
            {
                return Err("signature-wrong-side");
            }
            let (theirs, bin) = (parties[kept.side as usize], verified.subject.bin);
            if theirs.is_some() && bin == theirs {
                continue;
            }
            let delegation = bin
                .filter(|_| theirs.is_some())
                .and_then(|bin| signed.delegation(kept.side, bin, verified.signed_at, registry))
                .ok_or("signature-wrong-side")?;
            self.prove(Signed::Delegation(delegation), registry, now)?;
        }
        Ok(())
    }
}

impl Proofs {
    /// A signature as it was made; `None` if the store does not have it any more.
    fn whole(&self, signature: &Signature) -> Option<serde_json::Value> {
        let whole = match &self.evidence {
            None => evidence::whole_one(signature, None),
            Some(store) => {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                evidence::whole_one(signature, Some(&mut **store))
            }
        };
        whole.unwrap_or_else(|error| {
            tracing::warn!(error = %crate::telemetry::chain(&error), "a signature cannot be read");
            None
        })
    }
}

/// The bytes under the signatures.
fn bytes(signed: Signed<'_>) -> Result<Cow<'_, [u8]>, &'static str> {
    match signed.form() {
        SignedForm::Kept(Cow::Borrowed(text)) => Ok(Cow::Borrowed(text.as_bytes())),
        SignedForm::Kept(Cow::Owned(text)) => Ok(Cow::Owned(text.into_bytes())),
        SignedForm::CanonicalOf(value) => {
            sign::canonical(&value).map(Cow::Owned).map_err(|_| "document-not-canonical")
        }
        SignedForm::About { value, document } => {
            // A ruling on another document would otherwise be taken for one on this.
            if value["document_sha256"].as_str() != Some(&document_sha256(&document)) {
                return Err("ruling-of-other-document");
            }
            sign::canonical(&value).map(Cow::Owned).map_err(|_| "document-not-canonical")
        }
    }
}

/// SHA-256 of an agreement's canonical form in hexadecimal, as rulings name it.
pub fn document_sha256(document: &str) -> String {
    digest(&SHA256, document.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(signed: Signed<'_>, parties: &[Option<Bin>; 3]) -> [u8; 32] {
    let mut all = Vec::new();
    for signed in std::iter::once(signed).chain(signed.beside()) {
        // What has no bytes is never proven, whatever its key.
        all.extend_from_slice(&bytes(signed).unwrap_or_default());
        for signature in signed.signatures() {
            all.push(0);
            all.extend(signature.side.as_str().as_bytes());
            all.extend(signature.signer.as_bytes());
            all.extend(evidence::known_by(signature).as_bytes());
        }
    }
    let mut bytes = all;
    bytes.extend(format!("{parties:?}").as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, &bytes).as_ref());
    key
}

/// How long a fault is believed: a clock set right, or a list that came, heals it then.
pub const RETRY: Duration = Duration::from_secs(5);

/// Of a trust set that was in force before this process began; the first here is 1.
const BEFORE_THE_FIRST: u64 = 0;

#[cfg(test)]
mod tests {
    use agreements::{Event, OperatorId, Recorded, Role};
    use certs::authority::Authority;
    use certs::trust::{TrustAnchors, TrustSet};

    use super::*;

    #[test]
    fn a_verdict_is_renewed_once_after_trust_changed_and_none_is_made_where_none_was() {
        let dir = tempfile::tempdir().unwrap();
        let now = crate::clock::now();
        let authority = Authority::create(&dir.path().join("authority"), now).unwrap();
        let set = || {
            let anchors = TrustAnchors::from_pem(authority.anchors_pem().unwrap().as_bytes(), now).unwrap();
            TrustSet::load(anchors, Vec::new(), &[]).unwrap()
        };
        let trust = Arc::new(Trust::new(set()));
        let proofs = Proofs::new(Arc::clone(&trust));
        let registry = drafted(now);
        let agreement = Signed::Agreement(registry.agreements().next().unwrap());
        let made = || {
            let known = proofs.known.lock().unwrap();
            known.values().map(|verdict| (verdict.generation, verdict.made)).collect::<Vec<_>>()
        };

        assert_eq!(proofs.renew(agreement, &registry, now), Renewal::Same);
        assert_eq!(made(), []);
        assert_eq!(proofs.prove(agreement, &registry, now), Ok(()), "no signature is none that fails");
        let first = made();
        trust.replace(set());
        proofs.prove(agreement, &registry, now).unwrap();
        assert_eq!(made(), first, "what held holds until its turn");
        proofs.renew(agreement, &registry, now);
        let second = made();
        assert_eq!(second[0].0, trust.generation());
        proofs.renew(agreement, &registry, now);
        assert_eq!(made(), second);
        proofs.forget_before(trust.generation() + 1);
        assert_eq!(made(), []);
    }

    #[test]
    fn a_fault_is_believed_for_a_while_and_then_looked_for_anew() {
        let dir = tempfile::tempdir().unwrap();
        let now = crate::clock::now();
        let authority = Authority::create(&dir.path().join("authority"), now).unwrap();
        let anchors = TrustAnchors::from_pem(authority.anchors_pem().unwrap().as_bytes(), now).unwrap();
        let proofs = Proofs::new(Arc::new(Trust::new(TrustSet::load(anchors, Vec::new(), &[]).unwrap())));
        let registry = drafted(now);
        let agreement = Signed::Agreement(registry.agreements().next().unwrap());
        let fault = |ago: Duration| {
            let key = key(agreement, &agreement.parties(&registry));
            let made = Instant::now().checked_sub(ago).unwrap();
            let verdict =
                Verdict { generation: proofs.generation(), made, outcome: Err("signature-invalid") };
            proofs.known.lock().unwrap().insert(key, verdict);
            proofs.prove(agreement, &registry, now)
        };
        assert_eq!(fault(Duration::ZERO), Err("signature-invalid"));
        assert_eq!(fault(RETRY), Ok(()));
    }

    fn drafted(at: Timestamp) -> Registry {
        let holder = Bin::new("000140000011").unwrap();
        let id = OperatorId::new("officer").unwrap();
        let actor = agreements::Actor { id, role: Role::HolderOfficer, holder, via: "test".into() };
        let document = r#"{"consumer":"a","number":"n","provider":"b","version":1}"#.to_owned();
        let event = Event::AgreementDrafted { document };
        let mut registry = Registry::default();
        registry.apply(&Recorded { sequence: 1, at, actor, reason: "drafted".into(), event }).unwrap();
        registry
    }
}
