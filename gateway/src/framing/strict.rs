//! What a request must keep to once it is parsed, in HTTP/1.1 and HTTP/2 alike.

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, EXPECT, HOST, HeaderMap, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Version, request};

use super::hop::preconditions_pass;
use super::syntax::{check_target, check_value, content_length, is_plain_authority};
use super::{FramingViolation, HEAD_BYTES, HEAD_LINES};

/// Checks what neither hyper nor the HTTP/1 guard does.
///
/// # Errors
/// The first violation found. An HTTP/2 connection may go on after it; its stream may not.
pub fn check(parts: &request::Parts) -> Result<(), FramingViolation> {
    if !METHODS.contains(&parts.method) {
        return Err(FramingViolation::MethodRefused);
    }
    if parts.version == Version::HTTP_2 {
        check_http2(parts)?;
    }
    check_authority(parts)?;
    check_singletons(&parts.headers)?;
    if !preconditions_pass(&parts.headers) {
        return Err(FramingViolation::PreconditionUnpassable);
    }
    if parts.headers.contains_key(CONTENT_ENCODING) {
        // Payloads are checked as they come, and the header is not passed on: the content would lose its meaning.
        return Err(FramingViolation::ContentEncoded);
    }
    if parts.headers.contains_key(CONTENT_RANGE) {
        // RFC 9110 §14.5: a part taken for the whole would destroy the whole.
        return Err(FramingViolation::ContentPartial);
    }
    Ok(())
}

/// What the guard checks in bytes for HTTP/1, checked in values.
fn check_http2(parts: &request::Parts) -> Result<(), FramingViolation> {
    if let Some(target) = parts.uri.path_and_query() {
        check_target(target.as_str().as_bytes())?;
    }
    if parts.headers.len() > HEAD_LINES {
        return Err(FramingViolation::HeadersTooMany);
    }
    let mut bytes = 0;
    for (name, value) in &parts.headers {
        bytes += name.as_str().len() + value.len();
        check_value(value.as_bytes())?;
    }
    if bytes > HEAD_BYTES {
        return Err(FramingViolation::HeadTooLong);
    }
    // RFC 9113 §8.2.2: such headers make a message malformed.
    let of_connections = [CONNECTION, TRANSFER_ENCODING, UPGRADE];
    if of_connections.iter().any(|name| parts.headers.contains_key(name))
        || CONNECTION_NAMES.iter().any(|name| parts.headers.contains_key(*name))
        || parts.headers.get_all(TE).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"trailers"))
    {
        return Err(FramingViolation::ConnectionHeader);
    }
    if let Some(length) = parts.headers.get(CONTENT_LENGTH) {
        content_length(length.as_bytes())?;
    }
    match parts.headers.get(EXPECT) {
        Some(expected) if !expected.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(FramingViolation::ExpectationUnsupported)
        }
        Some(_) | None => Ok(()),
    }
}

/// RFC 9112 §3.2, RFC 9113 §8.3.1: one authority, stated once or twice alike.
fn check_authority(parts: &request::Parts) -> Result<(), FramingViolation> {
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = parts.headers.get(HOST).map(|host| host.as_bytes());
    match (authority, host) {
        (None, None) if parts.version == Version::HTTP_10 => Ok(()),
        (None, None) => Err(FramingViolation::HostMissing),
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            Err(FramingViolation::AuthorityMismatch)
        }
        (Some(stated), _) | (None, Some(stated)) => {
            if is_plain_authority(stated) {
                Ok(())
            } else {
                Err(FramingViolation::HostMalformed)
            }
        }
    }
}

fn check_singletons(headers: &HeaderMap) -> Result<(), FramingViolation> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    for name in headers.keys() {
        let single = name.as_str().starts_with(OURS) || SINGLE.contains(&name.as_str());
        if single && headers.get_all(name).iter().nth(1).is_some() {
            return Err(match name.as_str() {
                "host" => FramingViolation::HostRepeated,
                "content-length" => FramingViolation::LengthRepeated,
                "transfer-encoding" => FramingViolation::CodingRepeated,
                _ => FramingViolation::HeaderRepeated,
            });
        }
    }
    Ok(())
}

/// The methods that an operation of a data type can have.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The start of the names that belong to this gateway.
const OURS: &str = "kelisim-";

/// Headers that may stand once: a second one would be another request to whoever takes the other.
const SINGLE: &[&str] = &[
    "authorization",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "if-modified-since",
    "if-unmodified-since",
    "traceparent",
    "transfer-encoding",
];

/// Headers of HTTP/1 connections that have no constant of their own.
const CONNECTION_NAMES: &[&str] = &["keep-alive", "proxy-connection", "http2-settings"];

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::*;

    fn outcome(version: Version, method: &str, uri: &str, headers: &[(&str, &[u8])]) -> &'static str {
        let mut request = Request::builder().version(version).method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match check(&request.body(()).unwrap().into_parts().0) {
            Ok(()) => "fine",
            Err(violation) => violation.code(),
        }
    }

    #[test]
    fn http2_request_is_held_to_what_http1_bytes_are_held_to() {
        let long = [b'a'; HEAD_BYTES];
        let long_target = format!("https://a/{}", "a".repeat(8192));
        for (uri, headers, expected) in [
            ("https://a.example/x/y?z", &[][..], "fine"),
            ("https://a.example:8443/", &[("host", &b"A.example:8443"[..])], "fine"),
            ("/", &[("host", b"a")], "fine"),
            ("https://a/", &[("te", b"trailers")], "fine"),
            ("https://a/", &[("expect", b"100-continue"), ("content-length", b"5")], "fine"),
            ("/", &[], "host-missing"),
            ("https://a/", &[("host", b"b")], "authority-mismatch"),
            ("https://a/", &[("host", b"a"), ("host", b"a")], "host-repeated"),
            ("https://u@a/", &[], "host-malformed"),
            ("https://u@a/", &[("host", b"u@a")], "host-malformed"),
            ("/", &[("host", b"a/b")], "host-malformed"),
            ("https://a/{x}", &[], "request-target-malformed"),
            ("https://a/\u{e9}", &[], "request-target-malformed"),
            (&long_target, &[], "request-target-too-long"),
            ("https://a/", &[("connection", b"close")], "connection-header-in-http-2"),
            ("https://a/", &[("keep-alive", b"5")], "connection-header-in-http-2"),
            ("https://a/", &[("proxy-connection", b"close")], "connection-header-in-http-2"),
            ("https://a/", &[("transfer-encoding", b"chunked")], "connection-header-in-http-2"),
            ("https://a/", &[("upgrade", b"x")], "connection-header-in-http-2"),
            ("https://a/", &[("te", b"gzip")], "connection-header-in-http-2"),
            ("https://a/", &[("te", b"trailers"), ("te", b"gzip")], "connection-header-in-http-2"),
            ("https://a/", &[("x", b"\xe9")], "non-ascii-byte"),
            ("https://a/", &[("x", &long)], "head-too-long"),
            ("https://a/", &[("x", &b""[..]); 101], "headers-too-many"),
            ("https://a/", &[("content-length", b"+5")], "content-length-malformed"),
            ("https://a/", &[("content-length", b"5"), ("content-length", b"5")], "content-length-repeated"),
            ("https://a/", &[("expect", b"more")], "expectation-unsupported"),
        ] {
            assert_eq!(outcome(Version::HTTP_2, "POST", uri, headers), expected, "{uri} {headers:?}");
        }
    }

    #[test]
    fn header_that_may_stand_once_is_refused_twice_in_both_versions() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            for name in SINGLE.iter().chain(&["kelisim-purpose", "kelisim-anything"]) {
                if ["host", "content-length", "transfer-encoding"].contains(name) {
                    continue; // these have codes of their own
                }
                let twice = [(*name, &b"100-continue"[..]), (*name, b"100-continue"), ("host", b"a")];
                assert_eq!(outcome(version, "PUT", "/", &twice), "header-repeated", "{name} {version:?}");
            }
            let lists: [(&str, &[u8]); 5] = [
                ("host", b"a"),
                ("accept", b"a/b"),
                ("accept", b"c/d"),
                ("tracestate", b"a=1"),
                ("tracestate", b"b=2"),
            ];
            assert_eq!(outcome(version, "PUT", "/", &lists), "fine");
            // RFC 9110 §13.1: what would be dropped on the way would make a conditional request an unconditional one.
            let (fits, long) = ("x".repeat(256), "x".repeat(257));
            for (tag, expected) in [(&fits, "fine"), (&long, "precondition-unpassable")] {
                let once = [("host", &b"a"[..]), ("if-match", tag.as_bytes())];
                assert_eq!(outcome(version, "PUT", "/", &once), expected);
            }
            let twice =
                [("host", &b"a"[..]), ("if-match", fits.as_bytes()), ("if-none-match", fits.as_bytes())];
            let thrice = [&twice[..], &[("if-match", b"y")]].concat();
            assert_eq!(outcome(version, "PUT", "/", &twice), "fine");
            assert_eq!(outcome(version, "PUT", "/", &thrice), "precondition-unpassable");
        }
    }

    #[test]
    fn method_that_no_operation_has_is_refused() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
                assert_eq!(outcome(version, method, "https://a/", &[("host", b"a")]), "fine");
            }
            for method in ["CONNECT", "TRACE", "OPTIONS", "get", "PROPFIND"] {
                assert_eq!(outcome(version, method, "https://a/", &[("host", b"a")]), "method-refused");
            }
        }
    }
}
