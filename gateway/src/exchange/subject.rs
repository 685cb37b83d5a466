//! The persons whom data is about, as the record names them: keyed hashes only (D4).

use std::path::Path;

use agreements::{Operation, SubjectPlace};
use aws_lc_rs::hmac;
use certs::keys::KeyError;

/// The key that subjects' identifiers are hashed with.
#[derive(Debug)]
pub struct SubjectKey(hmac::Key);

impl SubjectKey {
    /// Reads the key from a file that only its owner may read.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with the file.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        Ok(Self::new(&certs::keys::read_key(path)?))
    }

    /// A key of these bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The keyed hash of an identifier, in hexadecimal.
    pub fn hash(&self, identifier: &str) -> String {
        let tag = hmac::sign(&self.0, identifier.as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The identifier of the person whom a request is about, where its operation says that there is one.
pub fn named<'a>(
    operation: &Operation,
    path: &[&'a str],
    query: impl Fn(&str) -> Option<&'a str>,
) -> Option<&'a str> {
    match operation.subject.as_ref()? {
        SubjectPlace::Path(place) => {
            let at = operation.path.place(place, path)?;
            // The same text, with the lifetime of the path rather than of the slice.
            path.iter().copied().find(|segment| *segment == at)
        }
        SubjectPlace::Query(name) => query(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D4
    #[test]
    fn the_same_person_has_the_same_hash_under_one_key_only() {
        let (one, other) = (SubjectKey::new(b"one"), SubjectKey::new(b"other"));
        assert_eq!(one.hash("860101300123"), one.hash("860101300123"));
        assert_ne!(one.hash("860101300123"), other.hash("860101300123"));
        assert!(!one.hash("860101300123").contains("860101"));
    }

    /// D4
    #[test]
    fn nobody_is_hashed_with_a_key_that_was_half_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(SubjectKey::from_file(file.path()), Err(KeyError::Length { bytes: 0, .. })));
    }
}
