//! Which bytes of a document are asked for (RFC 9110 §14), so that a transfer that broke off can go on.
//!
//! The provider is always asked for the whole document: only the whole can be looked through. Of that, the consumer gets
//! the bytes that it lacks.

use std::ops::Range;

use http::header::{ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};

/// The bytes asked for, of a document of so many; `None` means all of them: RFC 9110 §14.2 lets one ignore the rest.
pub(super) fn asked(request: &HeaderMap, reply: &HeaderMap, bytes: Option<u64>) -> Option<Range<u64>> {
    let bytes = bytes.filter(|bytes| *bytes > 0)?;
    let only = |headers: &'_ HeaderMap, name| {
        let mut values = headers.get_all(name).iter();
        let (value, None) = (values.next()?.to_str().ok()?.to_owned(), values.next()) else { return None };
        Some(value)
    };
    let range = only(request, RANGE)?;
    if request.contains_key(IF_RANGE) {
        // RFC 9110 §13.1.5: what the consumer has is of this very document, or it gets all of it.
        let condition = only(request, IF_RANGE)?;
        let known = if condition.starts_with('"') { only(reply, ETAG) } else { only(reply, LAST_MODIFIED) };
        if known? != condition {
            return None;
        }
    }
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |digits: &str| {
        let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let range = match (first, last) {
        ("", last) => bytes.saturating_sub(number(last)?)..bytes,
        (first, "") => number(first)?..bytes,
        (first, last) => number(first)?..number(last)?.checked_add(1)?.min(bytes),
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn range_is_read_as_it_may_be_written_and_otherwise_ignored() {
        for (range, expected) in [
            ("bytes=0-", Some(0..100)),
            ("bytes=10-", Some(10..100)),
            ("bytes=10-19", Some(10..20)),
            ("bytes=90-1000", Some(90..100)),
            ("bytes=-30", Some(70..100)),
            ("bytes=-300", Some(0..100)),
            ("bytes=100-", None),
            ("bytes=20-10", None),
            ("bytes=-0", None),
            ("bytes=-", None),
            ("bytes=0-1,3-4", None),
            ("bytes=+1-", None),
            ("bytes=18446744073709551615-18446744073709551615", None),
            ("chunks=1-", None),
        ] {
            let request = headers(&[(RANGE, range)]);
            assert_eq!(asked(&request, &HeaderMap::new(), Some(100)), expected, "{range}");
            assert_eq!(asked(&request, &HeaderMap::new(), None), None, "{range}");
        }
        let twice = headers(&[(RANGE, "bytes=0-"), (RANGE, "bytes=1-")]);
        assert_eq!(asked(&twice, &HeaderMap::new(), Some(100)), None);
    }

    #[test]
    fn what_goes_on_is_of_the_same_document_or_all_of_it_comes() {
        let reply = headers(&[(ETAG, "\"7\""), (LAST_MODIFIED, "Sun, 22 Nov 2026 00:00:00 GMT")]);
        for (condition, same) in [
            ("\"7\"", true),
            ("\"8\"", false),
            ("W/\"7\"", false),
            ("Sun, 22 Nov 2026 00:00:00 GMT", true),
            ("Sun, 22 Nov 2026 00:00:01 GMT", false),
        ] {
            let request = headers(&[(RANGE, "bytes=10-"), (IF_RANGE, condition)]);
            assert_eq!(asked(&request, &reply, Some(100)).is_some(), same, "{condition}");
            assert_eq!(asked(&request, &HeaderMap::new(), Some(100)), None);
        }
    }
}
