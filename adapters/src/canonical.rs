//! One form of a path and of a query, to be decided on and forwarded.
//!
//! Escapes are decoded once. What a second reader could still take otherwise is refused, and the rest is written
//! again in one way: segments, names and values percent-encoded in upper case, but for the characters that are safe
//! everywhere. So `%2561` means the text `%61`, and is forwarded as `%2561`.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::{Flaw, Unreadable};

/// Most bytes of a path or a query.
pub const MOST_BYTES: usize = 8 * 1024;

/// Most segments of a path.
pub const MOST_SEGMENTS: usize = 32;

/// Most parameters of a query.
pub const MOST_PARAMETERS: usize = 64;

/// A path in its one form: `/`, or segments each behind a `/`, none of them empty or of dots alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalPath<'a> {
    canonical: Cow<'a, str>,
    /// The decoded segments; `None` if they are those of `canonical`.
    decoded: Option<Vec<String>>,
}

impl<'a> CanonicalPath<'a> {
    /// Reads the path `raw`, which starts with `/`.
    ///
    /// # Errors
    /// [`Unreadable::TargetMalformed`] or [`Unreadable::TargetAmbiguous`].
    pub fn read(raw: &'a str) -> Result<Self, Unreadable> {
        if raw.len() > MOST_BYTES {
            return Err(Unreadable::TargetMalformed(Flaw::TooLong));
        }
        let Some(inner) = raw.strip_prefix('/') else {
            return Err(Unreadable::TargetMalformed(Flaw::Incomplete));
        };
        if inner.is_empty() {
            return Ok(Self { canonical: Cow::Borrowed(raw), decoded: None });
        }
        let mut is_canonical = true;
        for (index, segment) in inner.split('/').enumerate() {
            if index == MOST_SEGMENTS {
                return Err(Unreadable::TargetMalformed(Flaw::TooMany));
            }
            check_raw_segment(segment)?;
            is_canonical &= segment.bytes().all(is_plain_in_segments);
        }
        if is_canonical {
            return Ok(Self { canonical: Cow::Borrowed(raw), decoded: None });
        }
        let decoded = inner.split('/').map(decode_segment).collect::<Result<Vec<_>, _>>()?;
        let mut canonical = String::with_capacity(raw.len() + 16);
        for segment in &decoded {
            canonical.push('/');
            encode_into(&mut canonical, segment, is_plain_in_segments);
        }
        Ok(Self { canonical: Cow::Owned(canonical), decoded: Some(decoded) })
    }

    /// The one encoded form.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// The decoded segments; of `/` none.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let as_they_stand = match self.decoded {
            None if self.canonical.len() > 1 => Some(self.canonical[1..].split('/')),
            None | Some(_) => None,
        };
        as_they_stand.into_iter().flatten().chain(self.decoded.iter().flatten().map(String::as_str))
    }
}

/// A query in its one form: `name=value` pairs in the order sent, no name twice.
///
/// `+` is a plus and is forwarded as `%2B`, so that readers of forms do not take it for a space; `;` goes as `%3B`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CanonicalQuery<'a> {
    canonical: Cow<'a, str>,
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> CanonicalQuery<'a> {
    /// Reads the query `raw`, without its `?`. A name without `=` has the empty value.
    ///
    /// # Errors
    /// [`Unreadable::QueryMalformed`] or [`Unreadable::QueryAmbiguous`].
    pub fn read(raw: &'a str) -> Result<Self, Unreadable> {
        if raw.len() > MOST_BYTES {
            return Err(Unreadable::QueryMalformed(Flaw::TooLong));
        }
        if raw.is_empty() {
            return Ok(Self::default());
        }
        let mut pairs = Vec::with_capacity(4);
        let mut is_canonical = true;
        for parameter in raw.split('&') {
            if pairs.len() == MOST_PARAMETERS {
                return Err(Unreadable::QueryMalformed(Flaw::TooMany));
            }
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            is_canonical &= parameter.len() > name.len();
            is_canonical &= name.bytes().chain(value.bytes()).all(is_plain_in_queries);
            let (name, value) = (decode_parameter(name)?, decode_parameter(value)?);
            if name.is_empty() {
                return Err(Unreadable::QueryMalformed(Flaw::Empty));
            }
            // Some take the first, some the last, some both.
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Unreadable::QueryAmbiguous(Flaw::Repeated));
            }
            pairs.push((name, value));
        }
        if is_canonical {
            return Ok(Self { canonical: Cow::Borrowed(raw), pairs });
        }
        let mut canonical = String::with_capacity(raw.len() + 16);
        for (name, value) in &pairs {
            if !canonical.is_empty() {
                canonical.push('&');
            }
            encode_into(&mut canonical, name, is_plain_in_queries);
            canonical.push('=');
            encode_into(&mut canonical, value, is_plain_in_queries);
        }
        Ok(Self { canonical: Cow::Owned(canonical), pairs })
    }

    /// The one encoded form, without `?`; empty if there is no parameter.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// The decoded pairs, in the order sent.
    pub fn pairs(&self) -> &[(Cow<'a, str>, Cow<'a, str>)] {
        &self.pairs
    }

    /// The decoded value of the parameter `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_ref())
    }
}

/// What can be said of a segment before its escapes are decoded.
fn check_raw_segment(segment: &str) -> Result<(), Unreadable> {
    match segment {
        "" => return Err(Unreadable::TargetAmbiguous(Flaw::Empty)),
        "." | ".." => return Err(Unreadable::TargetAmbiguous(Flaw::DotSegment)),
        _ => {}
    }
    match segment.bytes().find(|byte| !is_plain_in_segments(*byte) && *byte != b'%') {
        None => Ok(()),
        Some(b';') => Err(Unreadable::TargetAmbiguous(Flaw::Parameter)),
        Some(b'\\') => Err(Unreadable::TargetAmbiguous(Flaw::Backslash)),
        Some(0..0x20 | 0x7f) => Err(Unreadable::TargetMalformed(Flaw::Control)),
        Some(_) => Err(Unreadable::TargetMalformed(Flaw::Character)),
    }
}

fn decode_segment(segment: &str) -> Result<String, Unreadable> {
    let decoded = decode(segment).map_err(Unreadable::TargetMalformed)?.into_owned();
    if decoded == "." || decoded == ".." {
        return Err(Unreadable::TargetAmbiguous(Flaw::DotSegment));
    }
    if decoded.contains('/') {
        return Err(Unreadable::TargetAmbiguous(Flaw::Slash));
    }
    if decoded.contains('\\') {
        return Err(Unreadable::TargetAmbiguous(Flaw::Backslash));
    }
    Ok(decoded)
}

fn decode_parameter(text: &str) -> Result<Cow<'_, str>, Unreadable> {
    // RFC 3986 §3.4: pchar, "/" and "?". A raw "#" ended the query; other characters have no business here.
    let is_allowed = |byte: u8| is_plain_in_queries(byte) || b"%+;='".contains(&byte);
    match text.bytes().find(|byte| !is_allowed(*byte)) {
        None => decode(text).map_err(Unreadable::QueryMalformed),
        Some(0..0x20 | 0x7f) => Err(Unreadable::QueryMalformed(Flaw::Control)),
        Some(_) => Err(Unreadable::QueryMalformed(Flaw::Character)),
    }
}

/// Decodes escapes once.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Flaw> {
    let decoded = match text.find('%') {
        None => Cow::Borrowed(text),
        Some(first) => {
            let bytes = text.as_bytes();
            let mut decoded = bytes[..first].to_vec();
            let mut at = first;
            while at < bytes.len() {
                if bytes[at] == b'%' {
                    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
                    let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
                        return Err(Flaw::Escape);
                    };
                    decoded.push((high << 4 | low) as u8);
                    at += 3;
                } else {
                    decoded.push(bytes[at]);
                    at += 1;
                }
            }
            // Overlong forms are not UTF-8, so `%C0%AF` never becomes a slash.
            Cow::Owned(String::from_utf8(decoded).map_err(|_| Flaw::Utf8)?)
        }
    };
    if decoded.chars().any(char::is_control) { Err(Flaw::Control) } else { Ok(decoded) }
}

/// Writes `text` with every byte escaped that is not plain.
pub(crate) fn encode_into(out: &mut String, text: &str, is_plain: fn(u8) -> bool) {
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes everything");
        }
    }
}

/// RFC 3986 §3.3: `pchar` without escapes, and without `;`, at which some servers cut.
fn is_plain_in_segments(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
}

/// RFC 3986 §3.4, without what separates (`&`, `=`, `;`), what forms read as a space (`+`), and quotes.
fn is_plain_in_queries(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$()*,:@/?".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(raw: &str) -> Result<String, Unreadable> {
        CanonicalPath::read(raw).map(|path| path.as_str().to_owned())
    }

    fn query(raw: &str) -> Result<String, Unreadable> {
        CanonicalQuery::read(raw).map(|query| query.as_str().to_owned())
    }

    #[test]
    fn path_is_decoded_once_and_written_in_one_form() {
        for (raw, segments, canonical) in [
            ("/", &[][..], "/"),
            ("/persons", &["persons"], "/persons"),
            ("/a/b.c/d~e", &["a", "b.c", "d~e"], "/a/b.c/d~e"),
            ("/%61%2e%62", &["a.b"], "/a.b"),
            ("/%d0%B0", &["а"], "/%D0%B0"),
            ("/a%20b", &["a b"], "/a%20b"),
            ("/%2561", &["%61"], "/%2561"),
            ("/%252e%252E", &["%2e%2E"], "/%252e%252E"),
            ("/%252F", &["%2F"], "/%252F"),
            ("/a%3Bb", &["a;b"], "/a%3Bb"),
            ("/..%3B", &["..;"], "/..%3B"),
            ("/...", &["..."], "/..."),
            ("/%21$&'()*+,=:@", &["!$&'()*+,=:@"], "/!$&'()*+,=:@"),
            ("/%3F%23", &["?#"], "/%3F%23"),
        ] {
            let path = CanonicalPath::read(raw).unwrap();
            assert_eq!(path.segments().collect::<Vec<_>>(), segments, "{raw}");
            assert_eq!(path.as_str(), canonical, "{raw}");
        }
    }

    #[test]
    fn path_that_could_be_read_otherwise_is_refused() {
        use Flaw::*;
        use Unreadable::{TargetAmbiguous as Ambiguous, TargetMalformed as Malformed};
        for (raw, refusal) in [
            ("", Malformed(Incomplete)),
            ("*", Malformed(Incomplete)),
            ("//", Ambiguous(Empty)),
            ("/a//b", Ambiguous(Empty)),
            ("/a/", Ambiguous(Empty)),
            ("/.", Ambiguous(DotSegment)),
            ("/a/../b", Ambiguous(DotSegment)),
            ("/a/%2e%2e/b", Ambiguous(DotSegment)),
            ("/a/.%2E", Ambiguous(DotSegment)),
            ("/a/%2E", Ambiguous(DotSegment)),
            ("/a%2Fb", Ambiguous(Slash)),
            ("/a%2fb", Ambiguous(Slash)),
            ("/a\\b", Ambiguous(Backslash)),
            ("/a%5cb", Ambiguous(Backslash)),
            ("/a;v=1/b", Ambiguous(Parameter)),
            ("/..;/b", Ambiguous(Parameter)),
            ("/%00", Malformed(Control)),
            ("/%0d%0a", Malformed(Control)),
            ("/%7F", Malformed(Control)),
            ("/%C2%85", Malformed(Control)),
            ("/a\u{1}", Malformed(Control)),
            ("/%", Malformed(Escape)),
            ("/%4", Malformed(Escape)),
            ("/%4g", Malformed(Escape)),
            ("/%+1", Malformed(Escape)),
            ("/%u0041", Malformed(Escape)),
            ("/%C0%AF", Malformed(Utf8)),
            ("/%C0%AE%C0%AE", Malformed(Utf8)),
            ("/%E0%80%AF", Malformed(Utf8)),
            ("/%ED%A0%80", Malformed(Utf8)),
            ("/%FF", Malformed(Utf8)),
            ("/%D0", Malformed(Utf8)),
            ("/а", Malformed(Character)),
            ("/a b", Malformed(Character)),
            ("/a?b", Malformed(Character)),
            ("/{a}", Malformed(Character)),
        ] {
            assert_eq!(path(raw), Err(refusal), "{raw}");
        }
        assert!(path(&"/a".repeat(MOST_SEGMENTS)).is_ok());
        assert_eq!(path(&"/a".repeat(MOST_SEGMENTS + 1)), Err(Malformed(TooMany)));
        assert_eq!(path(&format!("/{}", "a".repeat(MOST_BYTES))), Err(Malformed(TooLong)));
    }

    #[test]
    fn query_is_decoded_once_and_written_in_one_form() {
        for (raw, pairs, canonical) in [
            ("", &[][..], ""),
            ("a=1", &[("a", "1")], "a=1"),
            ("b=2&a=1", &[("b", "2"), ("a", "1")], "b=2&a=1"),
            ("flag", &[("flag", "")], "flag="),
            ("a=b=c", &[("a", "b=c")], "a=b%3Dc"),
            ("a=1+2", &[("a", "1+2")], "a=1%2B2"),
            ("a=1%202", &[("a", "1 2")], "a=1%202"),
            ("a=1;b=2", &[("a", "1;b=2")], "a=1%3Bb%3D2"),
            ("%61=%2f?", &[("a", "/?")], "a=/?"),
            ("a=%26b%3D1", &[("a", "&b=1")], "a=%26b%3D1"),
            ("a=%2526", &[("a", "%26")], "a=%2526"),
            ("a='", &[("a", "'")], "a=%27"),
        ] {
            let query = CanonicalQuery::read(raw).unwrap();
            let read: Vec<_> = query.pairs().iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(read, pairs, "{raw}");
            assert_eq!(query.as_str(), canonical, "{raw}");
        }
        assert_eq!(CanonicalQuery::read("a=1&b=%31").unwrap().value("b"), Some("1"));
    }

    #[test]
    fn query_that_could_be_read_otherwise_is_refused() {
        use Flaw::*;
        use Unreadable::{QueryAmbiguous as Ambiguous, QueryMalformed as Malformed};
        for (raw, refusal) in [
            ("a=1&a=2", Ambiguous(Repeated)),
            ("a=1&%61=2", Ambiguous(Repeated)),
            ("a&a=", Ambiguous(Repeated)),
            ("&", Malformed(Empty)),
            ("a=1&", Malformed(Empty)),
            ("a=1&&b=2", Malformed(Empty)),
            ("=1", Malformed(Empty)),
            ("a=%", Malformed(Escape)),
            ("a=%zz", Malformed(Escape)),
            ("%0=1", Malformed(Escape)),
            ("a=%00", Malformed(Control)),
            ("a=%0A", Malformed(Control)),
            ("a=%C0%80", Malformed(Utf8)),
            ("a=\\", Malformed(Character)),
            ("a[]=1", Malformed(Character)),
            ("a=ж", Malformed(Character)),
        ] {
            assert_eq!(query(raw), Err(refusal), "{raw}");
        }
        let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert!(query(&many(MOST_PARAMETERS)).is_ok());
        assert_eq!(query(&many(MOST_PARAMETERS + 1)), Err(Malformed(TooMany)));
    }

    proptest! {
        #[test]
        fn canonical_path_is_its_own_canonical_form(
            raw in "(/([a-z.;%]|%[0-9a-fA-F]{2}|%(2[eEfF]|5[cC]|25|D0%B0)){0,6}){1,4}",
        ) {
            if let Ok(first) = CanonicalPath::read(&raw) {
                let second = CanonicalPath::read(first.as_str()).unwrap();
                prop_assert_eq!(first.as_str(), second.as_str());
                prop_assert!(first.segments().eq(second.segments()));
            }
        }

        #[test]
        fn canonical_path_decodes_to_its_segments(segments in prop::collection::vec("[^/\\\\\\p{Cc}]{1,8}", 1..8)) {
            prop_assume!(segments.iter().all(|segment| segment != "." && segment != ".."));
            let mut raw = String::new();
            for segment in &segments {
                raw.push('/');
                encode_into(&mut raw, segment, |_| false);
            }
            let path = CanonicalPath::read(&raw).unwrap();
            prop_assert!(path.segments().eq(segments.iter().map(String::as_str)));
            let decoded: Vec<_> = path.as_str()[1..].split('/').map(|s| decode(s).unwrap().into_owned()).collect();
            prop_assert_eq!(decoded, segments);
        }

        #[test]
        fn canonical_query_is_its_own_canonical_form(
            raw in "([a-c]|[=&+;'?/]|%[0-9a-fA-F]{2}|%(26|3[dD]|2[bB]|25)){0,20}",
        ) {
            if let Ok(first) = CanonicalQuery::read(&raw) {
                let second = CanonicalQuery::read(first.as_str()).unwrap();
                prop_assert_eq!(first.as_str(), second.as_str());
                prop_assert_eq!(first.pairs(), second.pairs());
            }
        }

        #[test]
        fn no_text_makes_reading_panic(raw in "\\PC{0,64}", more in "[/%.a&=;]{0,64}") {
            for raw in [&raw, &more, &format!("/{raw}"), &format!("/{more}")] {
                let _ = CanonicalPath::read(raw);
                let _ = CanonicalQuery::read(raw);
            }
        }
    }
}
