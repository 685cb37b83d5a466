//! Proof of agreements: a node believes none whose signatures it has not verified itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use agreements::{Agreement, Bin, Registry, Side};
use aws_lc_rs::digest::{SHA256, digest};
use certs::sign::{self, JwsSignature};
use certs::trust::Trust;
use jiff::Timestamp;

/// Verified agreements, remembered until the trust set changes.
pub struct Proofs {
    trust: Arc<Trust>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    generation: u64,
    verdicts: HashMap<[u8; 32], Result<(), &'static str>>,
}

impl Proofs {
    /// Proofs against a trust set.
    pub fn new(trust: Arc<Trust>) -> Self {
        Self { trust, known: Mutex::default() }
    }

    /// The generation of the trust set; proofs of another one are made anew.
    pub fn generation(&self) -> u64 {
        self.trust.generation()
    }

    /// Whether every signature of an agreement stands: over these very bytes, by a certificate that was good when
    /// signing, of the organisation on whose side it signs (B4).
    ///
    /// # Errors
    /// The code of the first fault found.
    pub fn prove(
        &self,
        agreement: &Agreement,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let parties =
            [Side::Consumer, Side::Provider, Side::Regulator].map(|side| party(side, agreement, registry));
        let key = key(agreement, &parties);
        let generation = self.trust.generation();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.generation != generation {
                *known = Known { generation, verdicts: HashMap::new() };
            }
            if let Some(verdict) = known.verdicts.get(&key) {
                return *verdict;
            }
        }
        let verdict = self.verify(agreement, &parties, now);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation == generation {
            known.verdicts.insert(key, verdict);
        }
        verdict
    }

    fn verify(
        &self,
        agreement: &Agreement,
        parties: &[Option<Bin>; 3],
        now: Timestamp,
    ) -> Result<(), &'static str> {
        for kept in &agreement.signatures {
            let jws: JwsSignature =
                serde_json::from_value(kept.jws.clone()).map_err(|_| "signature-malformed")?;
            let verified = sign::verify(agreement.document.as_bytes(), &jws, &self.trust, now)
                .map_err(|fault| fault.code())?;
            let theirs = parties[kept.side as usize];
            if verified.role != kept.side || theirs.is_none() || verified.subject.bin != theirs {
                return Err("signature-wrong-side");
            }
        }
        Ok(())
    }
}

fn party(side: Side, agreement: &Agreement, registry: &Registry) -> Option<Bin> {
    match side {
        Side::Consumer => Some(registry.system(&agreement.header.consumer)?.card.holder),
        Side::Provider => Some(registry.system(&agreement.header.provider)?.card.holder),
        Side::Regulator => registry.regulator(),
    }
}

fn key(agreement: &Agreement, parties: &[Option<Bin>; 3]) -> [u8; 32] {
    let mut bytes = agreement.document.as_bytes().to_vec();
    for signature in &agreement.signatures {
        bytes.push(0);
        bytes.extend(signature.side.as_str().as_bytes());
        bytes.extend(signature.jws.to_string().as_bytes());
    }
    bytes.extend(format!("{parties:?}").as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, &bytes).as_ref());
    key
}
