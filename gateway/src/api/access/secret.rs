//! Secrets: made of randomness, kept as hashes. Passwords by Argon2id; tokens and sessions, which nobody chooses, by
//! SHA-256.

use std::fmt;

use agreements::TokenId;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::AccessError;

/// 256 random bits, never shown but once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

/// A token as its bearer sends it: `kelisim.NAME~SECRET`.
#[derive(Debug)]
pub struct TokenText {
    /// Its name.
    pub id: TokenId,
    /// What proves it.
    pub secret: Secret,
}

/// Why a text is no password that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has {LEAST_CHARACTERS} characters or more, and {MOST_BYTES} bytes at most")]
pub struct PasswordFault;

impl Secret {
    /// A fresh one.
    ///
    /// # Errors
    /// [`AccessError::Secret`]: the machine gives no random bytes.
    pub fn fresh() -> Result<Self, AccessError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| AccessError::Secret)?;
        Ok(Self(bytes))
    }

    /// Reads what [`Secret::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The secret as its bearer sends it.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &self.0).as_ref());
        hash
    }

    /// Whether this is what is kept of it.
    pub fn has(&self, hash: &[u8]) -> bool {
        verify_slices_are_equal(&self.hash(), hash).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl TokenText {
    /// Reads a token.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('~')?;
        Some(Self { id: id.parse().ok()?, secret: Secret::parse(secret)? })
    }
}

impl fmt::Display for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}~{}", self.id, self.secret.text())
    }
}

/// The hash of a password, with its salt and cost (Argon2id: 19 MiB, 2 passes, as OWASP advises).
///
/// # Errors
/// [`PasswordFault`] if it is too short or too long.
pub fn hash_password(password: &str) -> Result<String, PasswordFault> {
    if password.chars().count() < LEAST_CHARACTERS || password.len() > MOST_BYTES {
        return Err(PasswordFault);
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordFault)
}

/// Whether a password is the one of `hash`. Without a hash it takes as long, and is not.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    if password.len() > MOST_BYTES {
        return false;
    }
    let known = hash.is_some();
    let hash = PasswordHash::new(hash.unwrap_or(NOBODYS));
    let same = hash.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    same && known
}

const PREFIX: &str = "kelisim.";

/// 32 bytes in base64url.
const TEXT_BYTES: usize = 43;

/// NIST SP 800-63B asks for 8, and for 15 where nothing else is asked; we lock out as well.
const LEAST_CHARACTERS: usize = 12;

/// What is hashed takes time.
const MOST_BYTES: usize = 256;

/// Of no password that anybody may have: it is too short.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IG9mIG91cnM$q5kbVxUQ1MnSJmmN6m8ZIhM5lAkxfXxkm0mwqGVEE4w";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_what_it_writes_and_nothing_else() {
        let id = TokenId::new("backup-job").unwrap();
        let token = TokenText { id, secret: Secret::fresh().unwrap() };
        let read = TokenText::parse(&token.to_string()).unwrap();
        assert_eq!((read.id, read.secret), (token.id.clone(), token.secret.clone()));
        for bad in ["", "kelisim.", "kelisim.a~", "a~b", &token.to_string()[1..], &format!("{token}A")] {
            assert!(TokenText::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_known_by_its_hash_and_nobodys_is_nobodys() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse batter", Some(&hash)));
        assert!(!verify_password("correct horse battery", None));
        assert!(PasswordHash::new(NOBODYS).is_ok(), "so that it takes as long");
        assert_eq!(hash_password("short"), Err(PasswordFault));
        assert_eq!(hash_password(&"long".repeat(100)), Err(PasswordFault));
    }
}
