//! What passes from one connection to the other: named headers, and no others.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

/// The caller's headers that the provider receives.
///
/// Content negotiation, preconditions and what makes a call safe to repeat or to follow. Never framing, which hyper
/// writes itself; never credentials, which were for us; never `Kelisim-…`, which only the gateway says.
pub const REQUEST_HEADERS: &[&str] = &[
    "accept",
    "accept-language",
    "content-type",
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
/// No `Location`: it would name addresses behind the gateway. No `Set-Cookie`, no `Kelisim-…`.
pub const RESPONSE_HEADERS: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "etag",
    "last-modified",
    "retry-after",
];

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
    headers.iter().filter(move |(name, _)| {
        // RFC 9110 §7.6.1: what Connection names is for this connection only.
        allowed.contains(&name.as_str()) && !(names_some && is_named_by_connection(headers, name))
    })
}

fn is_named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    let lists = headers.get_all(CONNECTION).iter();
    lists.into_iter().any(|list| super::syntax::list_has(list.as_bytes(), name.as_str().as_bytes()))
}
