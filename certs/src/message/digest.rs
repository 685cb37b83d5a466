//! `Content-Digest` (RFC 9530): what a body is said to be.

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::MessageFault;

/// What a body is said to be; at least one digest that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest {
    sha256: Option<Vec<u8>>,
    sha512: Option<Vec<u8>>,
}

impl ContentDigest {
    /// Reads the field. Digests that are not known, or no longer count, say nothing.
    ///
    /// # Errors
    /// [`MessageFault::Digest`]: it is not well-formed, or none of its digests counts.
    pub fn read(field: &[u8]) -> Result<Self, MessageFault> {
        if field.len() > MOST_BYTES {
            return Err(MessageFault::Digest);
        }
        let digests: Dictionary = Parser::new(field).parse().map_err(|_| MessageFault::Digest)?;
        let of = |name: &str, bytes: usize| match digests.get(name) {
            None => Ok(None),
            Some(ListEntry::Item(item)) => match &item.bare_item {
                BareItem::ByteSequence(digest) if digest.len() == bytes => Ok(Some(digest.clone())),
                _ => Err(MessageFault::Digest),
            },
            Some(ListEntry::InnerList(_)) => Err(MessageFault::Digest),
        };
        let read = Self { sha256: of("sha-256", 32)?, sha512: of("sha-512", 64)? };
        if read.sha256.is_none() && read.sha512.is_none() { Err(MessageFault::Digest) } else { Ok(read) }
    }

    /// Whether a body is what each of the digests says.
    pub fn is_of(&self, body: &[u8]) -> bool {
        let mut running = self.clone().running();
        running.push(body);
        running.holds()
    }

    /// For a body that comes piece by piece.
    pub fn running(self) -> RunningDigest {
        let running = |said: Option<Vec<u8>>, algorithm| said.map(|said| (said, Context::new(algorithm)));
        RunningDigest([running(self.sha256, &SHA256), running(self.sha512, &SHA512)])
    }
}

/// What a body is said to be, while it comes.
#[derive(Clone)]
pub struct RunningDigest([Option<(Vec<u8>, Context)>; 2]);

impl RunningDigest {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.0.iter_mut().flatten().for_each(|(_, context)| context.update(piece));
    }

    /// Whether all that came is what each of the digests says.
    pub fn holds(self) -> bool {
        self.0.into_iter().flatten().all(|(said, context)| context.finish().as_ref() == said.as_slice())
    }
}

impl std::fmt::Debug for RunningDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunningDigest")
    }
}

const MOST_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_is_what_its_digests_say_or_not() {
        // RFC 9530, appendix D: examples of `{"hello": "world"}` with a line end.
        let sha256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        let body = b"{\"hello\": \"world\"}\n";
        assert!(ContentDigest::read(sha256.as_bytes()).unwrap().is_of(body));
        assert!(!ContentDigest::read(sha256.as_bytes()).unwrap().is_of(b"{\"hello\": \"World\"}\n"));
        let both = format!("{sha256}, sha-512=:{}:", "A".repeat(86) + "==");
        assert!(!ContentDigest::read(both.as_bytes()).unwrap().is_of(body), "one that is wrong is wrong");
        let with_other = format!("{sha256}, md5=:AAAA:");
        assert!(ContentDigest::read(with_other.as_bytes()).unwrap().is_of(body));
    }

    #[test]
    fn digests_that_do_not_count_or_are_none_are_refused() {
        for field in
            ["", "md5=:AAAA:", "sha-256=:AAAA:", "sha-256=abc", "sha-256", "sha-256=(:AAAA:)", "sha-256=:!:"]
        {
            assert_eq!(ContentDigest::read(field.as_bytes()), Err(MessageFault::Digest), "{field}");
        }
        assert!(ContentDigest::read(&[b'a'; 2000]).is_err());
    }
}
