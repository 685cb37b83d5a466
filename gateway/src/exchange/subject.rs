//! The persons whom data is about, as the record names them: keyed hashes only (D4).

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use agreements::{Operation, SubjectPlace, is_iin};
use aws_lc_rs::hmac;
use certs::keys::KeyError;

use super::contract::Terms;
use super::refusal::Refusal;
use super::rows;
use crate::payload::{Place, Violation};

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

/// The persons whom a request is about, by their identifiers, where its operation says that there are some.
///
/// # Errors
/// Nobody is named there, or what is named is nobody's identifier.
pub(super) fn of_request<'a>(
    operation: &Operation,
    terms: &Terms,
    path: &[&'a str],
    query: impl Fn(&str) -> Option<&'a str>,
    body: &'a [u8],
) -> Result<Vec<Cow<'a, str>>, Refusal> {
    let refused = |violation| Refusal::of_payload(&rows::REQUEST_SUBJECT, violation);
    match (&operation.subject, &terms.asked_about) {
        (Some(place @ (SubjectPlace::Path(_) | SubjectPlace::Query(_))), _) => {
            match named(place, operation, path, query) {
                Some(identifier) if is_iin(identifier) => Ok(vec![identifier.into()]),
                Some(_) => Err(refused(fault("place-not-iin"))),
                None => Err(refused(fault("place-missing"))),
            }
        }
        (_, Some(place)) => all(place, body).map_err(refused),
        (Some(SubjectPlace::Body(_) | SubjectPlace::Response(_)) | None, None) => Ok(Vec::new()),
    }
}

/// The persons whom a provider's answer is about, as it sent it: also where they are not released.
///
/// # Errors
/// As of requests.
pub(super) fn of_answer(terms: &Terms, body: &[u8]) -> Result<Vec<String>, Refusal> {
    let Some(place) = &terms.told_about else { return Ok(Vec::new()) };
    let found =
        all(place, body).map_err(|violation| Refusal::of_payload(&rows::RESPONSE_SUBJECT, violation))?;
    Ok(found.into_iter().map(Cow::into_owned).collect())
}

/// The identifier in a request's path or query.
pub(crate) fn named<'a>(
    place: &SubjectPlace,
    operation: &Operation,
    path: &[&'a str],
    query: impl Fn(&str) -> Option<&'a str>,
) -> Option<&'a str> {
    match place {
        SubjectPlace::Path(place) => {
            let at = operation.path.place(place, path)?;
            // The same text, with the lifetime of the path rather than of the slice.
            path.iter().copied().find(|segment| *segment == at)
        }
        SubjectPlace::Query(name) => query(name),
        SubjectPlace::Body(_) | SubjectPlace::Response(_) => None,
    }
}

/// Each once, in the order of their first mention; every one an identifier.
fn all<'a>(place: &Place, body: &'a [u8]) -> Result<Vec<Cow<'a, str>>, Violation> {
    let mut found = place.texts(body, MOST_MENTIONS)?;
    if !found.iter().all(|identifier| is_iin(identifier)) {
        return Err(place.violation("place-not-iin", MOST_SUBJECTS));
    }
    let mut known = HashSet::new();
    found.retain(|identifier| known.insert(identifier.clone()));
    if found.len() > MOST_SUBJECTS {
        return Err(place.violation("place-too-many", MOST_SUBJECTS));
    }
    Ok(found)
}

/// What is wrong with what names the subject in a path or a query.
fn fault(code: &'static str) -> Violation {
    let reason = match code {
        "place-missing" => "the request does not name the person whom it is about",
        _ => "what names the person is no individual identification number",
    };
    Violation { pointer: String::new(), code, reason: reason.into() }
}

/// Persons whom one message may be about: each is in its entry, which has room for so many. Ours.
const MOST_SUBJECTS: usize = 32;
/// How often they may be mentioned.
const MOST_MENTIONS: usize = 10_000;

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
