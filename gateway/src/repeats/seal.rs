//! What keys and answers look like in the store: hashes and ciphertext.
//!
//! An answer is sealed under a key that is made of the store's own and of the idempotency key that the consumer chose,
//! which stands nowhere: whoever has the store and its key, but not the consumer's, reads no answer.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};

/// The keyed hash of who asked whom for what under which key: where it is found again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(pub(super) [u8; 32]);

/// The keyed hash of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub(super) [u8; 32]);

/// The store's own key.
pub(super) struct Secret(hmac::Key);

/// Seals and opens the answer of one place.
pub(super) struct Seal {
    key: LessSafeKey,
    place: Place,
}

impl Secret {
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    pub(super) fn place(&self, scope: &[&str]) -> Place {
        Place(self.tag("place", scope.iter().map(|part| part.as_bytes())))
    }

    pub(super) fn mark(&self, parts: &[&[u8]]) -> Mark {
        Mark(self.tag("request", parts.iter().copied()))
    }

    pub(super) fn seal(&self, scope: &[&str]) -> Seal {
        let key = self.tag("seal", scope.iter().map(|part| part.as_bytes()));
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes are a key");
        Seal { key: LessSafeKey::new(key), place: self.place(scope) }
    }

    /// Parts with their lengths before them: none can be taken for two others.
    fn tag<'p>(&self, what: &'p str, parts: impl Iterator<Item = &'p [u8]>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(what.as_bytes()).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

impl Seal {
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// The bytes sealed, behind their nonce; `None`: the machine gives no random bytes.
    pub(super) fn close(&self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let aad = Aad::from(self.place.0);
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes).ok()?;
        Some([&nonce[..], &bytes].concat())
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = bytes.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(self.place.0), &mut bytes).ok()?.len();
        bytes.truncate(plain);
        Some(bytes)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_opens_under_the_key_that_it_was_asked_with_and_no_other() {
        let secret = Secret::new(&[7; 32]);
        let scope = ["portal", "register", "address", "correct", "k-1"];
        let seal = secret.seal(&scope);
        let sealed = seal.close(b"an answer".to_vec()).unwrap();
        assert!(!sealed.windows(9).any(|nine| nine == b"an answer"));
        assert_eq!(secret.seal(&scope).open(&sealed).unwrap(), b"an answer");
        assert_ne!(seal.close(b"an answer".to_vec()).unwrap(), sealed, "each time under another nonce");
        let other_key = ["portal", "register", "address", "correct", "k-2"];
        let shifted = ["portal", "register", "address", "correctk", "-1"];
        for other in [secret.seal(&other_key), secret.seal(&shifted), Secret::new(&[8; 32]).seal(&scope)] {
            assert_eq!(other.open(&sealed), None);
            assert_ne!(other.place(), seal.place());
        }
        assert_eq!(seal.open(&sealed[..5]), None);
    }
}
