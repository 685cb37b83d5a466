//! Documents of agreements as they are held: what stands in many in the same words, once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An agreement's canonical form (RFC 8785): the bytes that are signed.
#[derive(Clone)]
pub struct AgreementDocument(Box<[Arc<str>]>);

impl AgreementDocument {
    /// All of it.
    pub fn text(&self) -> Cow<'_, str> {
        match &*self.0 {
            [whole] => Cow::Borrowed(whole),
            parts => Cow::Owned(parts.concat()),
        }
    }

    pub(super) fn parts(&self) -> &[Arc<str>] {
        &self.0
    }

    /// One that is made of these parts, in order.
    pub(super) fn of(parts: Vec<Arc<str>>) -> Self {
        Self(parts.into())
    }
}

impl From<&str> for AgreementDocument {
    fn from(text: &str) -> Self {
        Self([text.into()].into())
    }
}

impl fmt::Debug for AgreementDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

impl Serialize for AgreementDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for AgreementDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.as_str().into())
    }
}

/// A member of an object, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'d> {
    /// What stands there, from the end of the member before to its own; of the last to the end of all.
    pub(super) part: &'d str,
    pub(super) name: &'d str,
    pub(super) value: &'d str,
}

/// The members of an object that is written without blanks and without escapes in their names; `None` of anything else.
pub(super) fn members(document: &str) -> Option<Vec<Member<'_>>> {
    let bytes = document.as_bytes();
    let mut members = Vec::new();
    let mut from = 0;
    let mut at = bytes.starts_with(b"{").then_some(1)?;
    loop {
        let name = at + 1..end_of_string(bytes, at)? - 1;
        if bytes[name.clone()].contains(&b'\\') || bytes.get(name.end + 1) != Some(&b':') {
            return None;
        }
        let value = name.end + 2..end_of_value(bytes, name.end + 2)?;
        let last = match bytes[value.end] {
            b'}' if value.end + 1 == bytes.len() => true,
            b',' => false,
            _ => return None,
        };
        let end = if last { bytes.len() } else { value.end };
        let part = document.get(from..end)?;
        members.push(Member { part, name: document.get(name)?, value: document.get(value)? });
        if last {
            return Some(members);
        }
        (from, at) = (end, end + 1);
    }
}

/// Where the string ends that begins at `at`.
fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Where the value ends that begins at `at`: at the comma or the bracket after it.
fn end_of_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b',' | b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_are_found_as_they_are_written() {
        let document = r#"{"a":{"x":[1,"}"],"y":"\"],"},"b":"ш","c":7}"#;
        let found = members(document).unwrap();
        let names: Vec<_> = found.iter().map(|one| (one.name, one.value)).collect();
        assert_eq!(names, [("a", r#"{"x":[1,"}"],"y":"\"],"}"#), ("b", "\"ш\""), ("c", "7")]);
        assert_eq!(found.iter().map(|one| one.part).collect::<String>(), document);
        for other in ["", "{", "{}", "[]", r#"{"a":1"#, r#"{"a":1}x"#, r#"{"a" :1}"#, r#"{"\u0061":1}"#] {
            assert_eq!(members(other), None, "{other}");
        }
    }

    proptest! {
        /// What is split is what serde reads, and nothing is lost; whatever it is, nothing panics.
        #[test]
        fn parts_make_the_whole_and_values_are_those_that_serde_finds(
            names in prop::collection::btree_set("[a-z_]{1,4}", 1..5),
            text in r#"[\\"{}\[\],:a-zш]{0,12}"#,
            wild in r#"[\\"{}\[\],:a]{0,24}"#,
        ) {
            let value = serde_json::json!({ "in": [text, { "deep": text }], "number": 7 });
            let object: serde_json::Map<_, _> = names.into_iter().map(|name| (name, value.clone())).collect();
            let document = serde_json::Value::from(object.clone()).to_string();
            let found = members(&document).unwrap();
            prop_assert_eq!(found.iter().map(|one| one.part).collect::<String>(), document.as_str());
            prop_assert_eq!(found.len(), object.len());
            for one in found {
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(one.value).unwrap(), &object[one.name]);
            }
            let _ = members(&wild);
        }
    }
}
