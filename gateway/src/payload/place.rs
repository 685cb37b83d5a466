//! Where in a document something is named: a JSON Pointer, `*` for any element or member; and what stands there.

use std::borrow::Cow;

use super::scan;
use super::selection::{MOST_SEGMENTS, SelectionError, unescaped};
use super::violation::Violation;

/// A place in documents of one kind. `*` stands for any element of an array and any member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pointer: Box<str>,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Any,
    Named(Box<str>),
}

impl Place {
    /// Reads a pointer, in the spelling of [`super::Selection`].
    ///
    /// # Errors
    /// See [`SelectionError`].
    pub fn parse(pointer: &str) -> Result<Self, SelectionError> {
        let path = pointer.strip_prefix('/').ok_or_else(|| SelectionError::NoSlash(pointer.to_owned()))?;
        if path.matches('/').count() >= MOST_SEGMENTS {
            return Err(SelectionError::TooLarge);
        }
        let segment = |text: &str| match text {
            "*" => Ok(Segment::Any),
            text => unescaped(text)
                .map(|name| Segment::Named(name.into()))
                .ok_or_else(|| SelectionError::BadEscape(pointer.to_owned())),
        };
        let segments = path.split('/').map(segment).collect::<Result<_, _>>()?;
        Ok(Self { pointer: pointer.into(), segments })
    }

    /// The texts that stand there in `bytes`, a document found to be JSON; `most` at most.
    ///
    /// An array or object of which any element or member is meant may be empty: then nothing is named. Everywhere else
    /// something must stand there, and be text.
    ///
    /// # Errors
    /// `place-missing`, `place-not-text` or `place-too-many`; the pointer is that of the place, never of the document.
    pub fn texts<'a>(&self, bytes: &'a [u8], most: usize) -> Result<Vec<Cow<'a, str>>, Violation> {
        let mut found = Vec::new();
        let walked = self.walk(bytes, scan::space(bytes, 0), &self.segments, &mut |text| {
            if found.len() == most {
                return Err("place-too-many");
            }
            found.push(text);
            Ok(())
        });
        match walked {
            Ok(_) => Ok(found),
            Err(code) => Err(self.violation(code, most)),
        }
    }

    /// What is wrong at this place, in words that hold nothing of the document.
    pub fn violation(&self, code: &'static str, most: usize) -> Violation {
        let reason = match code {
            "place-missing" => "nothing stands there".to_owned(),
            "place-not-text" => "what stands there is no text".to_owned(),
            "place-too-many" => format!("more than {most} stand there"),
            _ => "what stands there is not of the form asked for".to_owned(),
        };
        Violation { pointer: self.pointer.to_string(), code, reason }
    }

    /// Follows `rest` from the value at `at`, and returns where that value ends.
    fn walk<'a>(
        &self,
        bytes: &'a [u8],
        at: usize,
        rest: &[Segment],
        found: &mut impl FnMut(Cow<'a, str>) -> Result<(), &'static str>,
    ) -> Result<usize, &'static str> {
        let Some((segment, below)) = rest.split_first() else { return text(bytes, at, found) };
        let (object, closing) = match bytes.get(at) {
            Some(b'{') => (true, b'}'),
            Some(b'[') => (false, b']'),
            _ => return Err("place-missing"),
        };
        let (mut next, mut index, mut met) = (scan::space(bytes, at + 1), 0_usize, false);
        while *bytes.get(next).ok_or(BROKEN)? != closing {
            if index > 0 {
                next = scan::space(bytes, next + 1);
            }
            let mut value = next;
            let mut meant = matches!(segment, Segment::Any);
            if object {
                let end = scan::string_end(bytes, next).ok_or(BROKEN)?;
                if let Segment::Named(name) = segment {
                    meant = *decoded(bytes.get(next + 1..end - 1).ok_or(BROKEN)?)? == **name;
                }
                value = scan::space(bytes, scan::space(bytes, end) + 1);
            } else if let Segment::Named(name) = segment {
                meant = name.parse() == Ok(index) && (**name == *"0" || !name.starts_with(['0', '+']));
            }
            let end = if meant {
                met = true;
                self.walk(bytes, value, below, found)?
            } else {
                scan::value_end(bytes, value).ok_or(BROKEN)?
            };
            index += 1;
            next = scan::space(bytes, end);
        }
        if met || matches!(segment, Segment::Any) { Ok(next + 1) } else { Err("place-missing") }
    }
}

/// The text at `at`, told to `found`; where it ends.
fn text<'a>(
    bytes: &'a [u8],
    at: usize,
    found: &mut impl FnMut(Cow<'a, str>) -> Result<(), &'static str>,
) -> Result<usize, &'static str> {
    if bytes.get(at) != Some(&b'"') {
        return Err("place-not-text");
    }
    let end = scan::string_end(bytes, at).ok_or(BROKEN)?;
    found(decoded(bytes.get(at + 1..end - 1).ok_or(BROKEN)?)?)?;
    Ok(end)
}

/// What the inside of a string means.
fn decoded(written: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let written = std::str::from_utf8(written).map_err(|_| BROKEN)?;
    if memchr::memchr(b'\\', written.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(written));
    }
    let mut meant = String::new();
    scan::decode(written, &mut meant).map_err(|_| BROKEN)?;
    Ok(Cow::Owned(meant))
}

/// This is not JSON, which would be a bug of ours: nothing is found in it.
const BROKEN: &str = "place-missing";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn found(pointer: &str, document: &str) -> Result<Vec<String>, &'static str> {
        let place = Place::parse(pointer).unwrap();
        let texts = place.texts(document.as_bytes(), 3).map_err(|violation| violation.code)?;
        Ok(texts.into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn what_stands_at_a_place_is_found_however_it_is_written() {
        for (pointer, document) in [
            ("/iin", r#" { "a" : [1, {"iin": 0}] , "iin" : "7" } "#),
            ("/iin", r#"{"\u0069in":"\u0037"}"#),
            ("/people/*/iin", r#"{"people":[{"iin":"7","x":{}}]}"#),
            ("/people/0/iin", r#"{"people":[{"iin":"7"},{"iin":"8"}]}"#),
            ("/*/*", r#"[["7"],[],{}]"#),
            ("/a~1b/~2", r#"{"a/b":{"*":"7"}}"#),
            ("/", r#"{"":"7"}"#),
        ] {
            assert_eq!(found(pointer, document), Ok(vec!["7".to_owned()]), "{pointer} in {document}");
        }
        assert_eq!(found("/*/i", r#"[{"i":"1"},{"i":"2"}]"#), Ok(vec!["1".into(), "2".into()]));
    }

    #[test]
    fn nothing_else_than_text_stands_there_and_only_a_list_may_be_empty() {
        for (pointer, document, code) in [
            ("/iin", "{}", "place-missing"),
            ("/iin", "[]", "place-missing"),
            ("/iin", "\"7\"", "place-missing"),
            ("/iin", r#"{"iin":7}"#, "place-not-text"),
            ("/iin", r#"{"iin":null}"#, "place-not-text"),
            ("/iin", r#"{"iin":["7"]}"#, "place-not-text"),
            ("/people/*/iin", r#"{"people":[{"iin":"1"},{"name":"x"}]}"#, "place-missing"),
            ("/people/*/iin", r#"{"people":["1"]}"#, "place-missing"),
            ("/people/*/iin", r#"{"people":null}"#, "place-missing"),
            ("/people/00/iin", r#"{"people":[{"iin":"1"}]}"#, "place-missing"),
            ("/*", r#"["1","2","3","4"]"#, "place-too-many"),
        ] {
            assert_eq!(found(pointer, document), Err(code), "{pointer} in {document}");
        }
        assert_eq!(found("/people/*/iin", r#"{"people":[]}"#), Ok(vec![]));
    }

    #[test]
    fn pointers_that_mean_no_place_are_refused() {
        for bad in ["", "iin", "/a~3", &"/a".repeat(65)] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }

    /// The same on a tree, for the proptest.
    fn naive<'v>(value: &'v Value, rest: &[Segment], found: &mut Vec<&'v str>) -> Option<()> {
        let Some((segment, below)) = rest.split_first() else {
            found.push(value.as_str()?);
            return Some(());
        };
        match (segment, value) {
            (Segment::Any, Value::Array(items)) => items.iter().try_for_each(|one| naive(one, below, found)),
            (Segment::Any, Value::Object(members)) => {
                members.values().try_for_each(|one| naive(one, below, found))
            }
            (Segment::Named(name), Value::Object(members)) => naive(members.get(&**name)?, below, found),
            (Segment::Named(name), Value::Array(items)) => {
                let index: usize = name.parse().ok()?;
                (index.to_string() == **name).then_some(())?;
                naive(items.get(index)?, below, found)
            }
            _ => None,
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i32>().prop_map(Value::from),
            "[ab\"\\\\]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab01]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tree_says_the_same(document in documents(), pointer in "(/[ab01*]){1,4}") {
            let place = Place::parse(&pointer).unwrap();
            let text = document.to_string();
            let ours = place.texts(text.as_bytes(), usize::MAX).ok();
            let mut theirs = Vec::new();
            let whole = naive(&document, &place.segments, &mut theirs).map(|()| theirs);
            prop_assert_eq!(ours.as_ref().map(|all| all.iter().map(|one| &**one).collect::<Vec<_>>()), whole);
        }
    }
}
