//! What a request must keep to once it is parsed, in HTTP/1.1 and HTTP/2 alike.

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, EXPECT, HOST, HeaderMap, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Version, request};

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
