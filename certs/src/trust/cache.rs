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
const MOST_CERTIFICATES: usize = 16;
const MOST_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::super::chain::Window;
    use super::super::{Judgement, Trust, TrustAnchors};
    use super::*;
    use crate::name::Subject;

    #[test]
    fn however_many_chains_are_presented_only_so_many_are_kept() {
        let (cache, now) = (Cache::default(), Timestamp::UNIX_EPOCH);
        let set =
            Trust::new(TrustSet::load(TrustAnchors { anchors: vec![] }, vec![], &[]).unwrap()).current();
        for number in 0..3 * SHARDS * PER_SHARD {
            let chain = [CertificateDer::from(number.to_be_bytes().to_vec())];
            let window = Window { from: now, until: Timestamp::MAX };
            let (subject, serial) = (Subject::default(), String::new());
            let judgement = Judgement { window, subject, serial, not_before: now, not_after: now };
            let verified = VerifiedChain::new(&chain, Purpose::Client, judgement, Arc::downgrade(&set));
            let key = key(&chain, Purpose::Client).unwrap();
            cache.keep(key, &set, now, verified);
            assert!(cache.find(&key, &set, now).is_some());
            assert!(cache.find(&key, &set, Timestamp::MIN).is_none());
        }
        let kept: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert_eq!(kept, SHARDS * PER_SHARD);
        assert_eq!(Weak::strong_count(&Arc::downgrade(&set)), 1, "chains do not keep an old set alive");
    }
}
