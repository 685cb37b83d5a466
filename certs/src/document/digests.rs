//! What a content is by each hash that a signature may be over, as it comes.

use std::fmt;

use aws_lc_rs::digest::{Context, Digest, SHA256, SHA384, SHA512};

use crate::signed_data::{SHA_256, SHA_384, SHA_512};

/// A content as it comes; what signed it says only later by which hash.
#[derive(Clone)]
pub struct Digests([Context; 3]);

/// A content that has come, by each hash.
#[derive(Debug, Clone)]
pub struct Digested([Digest; 3]);

impl Default for Digests {
    fn default() -> Self {
        Self([&SHA256, &SHA384, &SHA512].map(Context::new))
    }
}

impl Digests {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.0.iter_mut().for_each(|context| context.update(piece));
    }

    /// All that came.
    pub fn finish(self) -> Digested {
        Digested(self.0.map(Context::finish))
    }
}

impl Digested {
    /// By the hash of this OID, if it is one of those that count.
    pub(super) fn by(&self, oid: &[u8]) -> Option<&[u8]> {
        let at = [SHA_256, SHA_384, SHA_512].iter().position(|known| *known == oid)?;
        Some(self.0[at].as_ref())
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests")
    }
}
