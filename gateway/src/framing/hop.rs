//! What passes from one connection to the other: named headers, and no others.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

/// The caller's headers that the provider receives.
///
/// Content negotiation, preconditions and what makes a call safe to repeat or to follow. Never framing, which hyper
/// writes itself; no `Content-Type`, which is the agreed one; never credentials, which were for us; never `Kelisim-…`, which only the gateway says.
pub const REQUEST_HEADERS: &[&str] = &[
    "accept",
    "accept-language",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "idempotency-key",
    "traceparent",
    "tracestate",
];

/// The provider's headers that the caller receives.
///
/// No `Content-Type`: the agreed one is said. No `Content-Disposition`: JSON is no file. No `Location`: it would name
/// addresses behind the gateway. No `Set-Cookie`, no `Kelisim-…`.
pub const RESPONSE_HEADERS: &[&str] =
    &["cache-control", "content-language", "etag", "last-modified", "retry-after"];

/// The headers of a caller's request that are passed on, repeated ones one by one.
pub fn request_headers_to_forward(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    passing(headers, REQUEST_HEADERS)
}

/// The headers of a provider's response that are passed back, repeated ones one by one.
pub fn response_headers_to_return(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    passing(headers, RESPONSE_HEADERS)
}

fn passing<'a>(
    headers: &'a HeaderMap,
    allowed: &'static [&'static str],
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    let names_some = headers.contains_key(CONNECTION);
    let mut room = MOST_BYTES_TOGETHER;
    headers.iter().filter(move |(name, value)| {
        // RFC 9110 §7.6.1: what Connection names is for this connection only.
        let may = allowed.contains(&name.as_str())
            && is_plain(value)
            && !(names_some && is_named_by_connection(headers, name));
        // What makes it another request is bounded before, and not dropped.
        let taken = if BOUNDED.contains(&name.as_str()) { 0 } else { value.len() };
        let passes = may && taken <= room;
        room -= if passes { taken } else { 0 };
        passes
    })
}

/// Whether all preconditions of a request can be passed on: one that was dropped would make it another.
pub(super) fn preconditions_pass(headers: &HeaderMap) -> bool {
    let all = PRECONDITIONS.iter().flat_map(|name| headers.get_all(*name));
    let bytes = all.map(|value| if is_plain(value) { value.len() } else { usize::MAX });
    bytes.fold(0_usize, usize::saturating_add) <= MOST_BYTES_OF_PRECONDITIONS
}

/// B7: no header is a way around the agreed payload.
fn is_plain(value: &HeaderValue) -> bool {
    value.len() <= MOST_BYTES && value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte))
}

fn is_named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    let lists = headers.get_all(CONNECTION).iter();
    lists.into_iter().any(|list| super::syntax::list_has(list.as_bytes(), name.as_str().as_bytes()))
}

/// Most bytes of one value that passes; a longer one is dropped.
const MOST_BYTES: usize = 256;
const PRECONDITIONS: [&str; 4] = ["if-match", "if-modified-since", "if-none-match", "if-unmodified-since"];
/// Headers that are refused where they cannot pass, and so bounded: preconditions here, a key by what a claim may be.
const BOUNDED: [&str; 5] =
    ["if-match", "if-modified-since", "if-none-match", "if-unmodified-since", "idempotency-key"];
const MOST_BYTES_OF_PRECONDITIONS: usize = 512;
/// Most bytes of all other values that pass together; what is beyond is dropped.
const MOST_BYTES_TOGETHER: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn texts<'a>(passed: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> Vec<(&'a str, &'a str)> {
        passed.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn request_keeps_what_is_listed_and_nothing_of_connection_or_credentials() {
        let headers = headers(&[
            ("accept", "a/b"),
            ("accept", "c/d"),
            ("authorization", "Bearer x"),
            ("connection", "close, If-Match"),
            ("connection", " TraceState "),
            ("content-length", "5"),
            ("content-type", "application/json"),
            ("cookie", "a=b"),
            ("expect", "100-continue"),
            ("host", "gateway"),
            ("idempotency-key", "7"),
            ("if-match", "x"),
            ("if-none-match", "y"),
            ("kelisim-consumer", "somebody-else"),
            ("kelisim-purpose", "pension"),
            ("te", "trailers"),
            ("tracestate", "a=1"),
            ("transfer-encoding", "chunked"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-http-method-override", "DELETE"),
        ]);
        let mut passed = texts(request_headers_to_forward(&headers));
        passed.sort_unstable();
        assert_eq!(
            passed,
            [("accept", "a/b"), ("accept", "c/d"), ("idempotency-key", "7"), ("if-none-match", "y"),]
        );
    }

    #[test]
    fn response_keeps_what_is_listed_and_never_speaks_as_the_gateway() {
        let headers = headers(&[
            ("connection", "etag"),
            ("content-length", "5"),
            ("content-type", "application/json"),
            ("etag", "x"),
            ("kelisim-exchange", "forged"),
            ("kelisim-refusal", "forged"),
            ("last-modified", "Sun, 22 Nov 2026 00:00:00 GMT"),
            ("location", "https://10.0.0.7/internal"),
            ("server", "nginx"),
            ("set-cookie", "a=b"),
            ("transfer-encoding", "chunked"),
        ]);
        let mut passed = texts(response_headers_to_return(&headers));
        passed.sort_unstable();
        let expected = [("last-modified", "Sun, 22 Nov 2026 00:00:00 GMT")];
        assert_eq!(passed, expected);
    }

    #[test]
    fn long_values_and_those_outside_ascii_are_dropped() {
        let mut headers = HeaderMap::new();
        headers.append("etag", HeaderValue::try_from("x".repeat(257)).unwrap());
        headers.append("etag", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        headers.append("etag", HeaderValue::from_bytes(b"a\tb").unwrap());
        headers.append("etag", HeaderValue::try_from("x".repeat(256)).unwrap());
        assert_eq!(response_headers_to_return(&headers).count(), 1);
    }

    /// B7: many short values are as good a way around the payload as a long one.
    #[test]
    fn values_together_are_bounded_and_preconditions_are_not_dropped_for_them() {
        let mut headers = HeaderMap::new();
        for _ in 0..40 {
            headers.append("accept", HeaderValue::try_from("x".repeat(200)).unwrap());
            headers.append("cache-control", HeaderValue::try_from("y".repeat(200)).unwrap());
        }
        headers.append("if-match", HeaderValue::from_static("\"one\""));
        headers.append("idempotency-key", HeaderValue::from_static("\"7\""));
        let bytes = |all: Vec<(&str, &str)>| all.iter().map(|(_, value)| value.len()).sum::<usize>();
        let passed = texts(request_headers_to_forward(&headers));
        assert!(passed.contains(&("if-match", "\"one\"")) && passed.contains(&("idempotency-key", "\"7\"")));
        assert_eq!(bytes(passed), 5 * 200 + 5 + 3);
        assert_eq!(bytes(texts(response_headers_to_return(&headers))), 5 * 200);
    }

    #[test]
    fn lists_name_no_framing_no_credentials_and_none_of_our_headers() {
        let never = [
            "connection",
            "content-disposition",
            "content-length",
            "content-type",
            "transfer-encoding",
            "host",
            "trailer",
            "te",
            "upgrade",
            "location",
        ];
        let secret = ["authorization", "cookie", "set-cookie", "proxy-authorization"];
        for name in REQUEST_HEADERS.iter().chain(RESPONSE_HEADERS) {
            assert!(
                !never.contains(name) && !secret.contains(name) && !name.starts_with("kelisim-"),
                "{name}"
            );
        }
    }
}
