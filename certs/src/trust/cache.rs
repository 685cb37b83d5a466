//! Verified chains by what was presented, so that a peer who returns costs a hash and not two signatures.
//!
//! Only chains that were verified are kept; at most [`PER_SHARD`] × [`SHARDS`] of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use super::{Purpose, TrustSet, Untrusted, VerifiedChain};

pub(super) struct Cache {
    shards: [Mutex<HashMap<Key, VerifiedChain>>; SHARDS],
}

pub(super) type Key = [u8; 32];

/// Names what was presented, for what; refuses more than anybody needs before anything is parsed.
pub(super) fn key(chain: &[CertificateDer<'_>], purpose: Purpose) -> Result<Key, Untrusted> {
    if chain.is_empty() {
        return Err(Untrusted::NoCertificate);
    }
    if chain.len() > MOST_CERTIFICATES || chain.iter().map(|der| der.len()).sum::<usize>() > MOST_BYTES {
        return Err(Untrusted::ChainTooLarge);
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[purpose as u8]);
    for der in chain {
        context.update(&(der.len() as u64).to_be_bytes());
        context.update(der);
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    Ok(key)
}

impl Cache {
    pub(super) fn find(&self, key: &Key, set: &Arc<TrustSet>, now: Timestamp) -> Option<VerifiedChain> {
        let shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        let chain = shard.get(key)?;
        matches!(chain.confirmed().verdict(set, now), Some(Ok(()))).then(|| chain.clone())
    }

    pub(super) fn keep(&self, key: Key, set: &Arc<TrustSet>, now: Timestamp, chain: VerifiedChain) {
        let mut shard = self.shard(&key).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= PER_SHARD {
            shard.retain(|_, chain| matches!(chain.confirmed().verdict(set, now), Some(Ok(()))));
        }
        if shard.len() >= PER_SHARD {
            // Keys are digests and the map is seeded: whoever goes, a peer cannot choose.
            let victim = shard.keys().next().copied();
            victim.and_then(|victim| shard.remove(&victim));
        }
        shard.insert(key, chain);
    }

    pub(super) fn clear(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn shard(&self, key: &Key) -> &Mutex<HashMap<Key, VerifiedChain>> {
        &self.shards[usize::from(key[0]) % SHARDS]
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

const SHARDS: usize = 16;
const PER_SHARD: usize = 256;
const MOST_CERTIFICATES: usize = 8;
const MOST_BYTES: usize = 64 << 10;
