//! What hyper would accept and the gateway must not (DEPENDENCIES, "Traps"): the very bytes, over mutual TLS.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tests::world::sample::{LOOKUP, address_record};
use tests::world::{Answer, Ask, Line, Plan, Reply, World};

/// Heads, each with the code that refuses it. `L` stands for a good target, `A` for one that takes a body.
const HEADS: &[(&str, &str)] = &[
    ("GET L HTTP/1.1\r\n\r\n", "host-missing"),
    ("GET L HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host-repeated"),
    ("GET L HTTP/1.1\r\nHost: a/b\r\n\r\n", "host-malformed"),
    ("GET L HTTP/1.1\r\nHost: user@a\r\n\r\n", "host-malformed"),
    ("GET https://bL HTTP/1.1\r\nHost: a\r\n\r\n", "authority-mismatch"),
    (
        "POST A HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "content-length-and-coding",
    ),
    (
        "POST A HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "content-length-repeated",
    ),
    ("POST A HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", "content-length-malformed"),
    (
        "POST A HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "transfer-encoding-repeated",
    ),
    (
        "POST A HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "transfer-encoding-unsupported",
    ),
    ("POST A HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "transfer-encoding-unsupported"),
    ("POST A HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-in-http-1-0"),
    ("GET L HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "upgrade-refused"),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "method-refused"),
    ("TRACE L HTTP/1.1\r\nHost: a\r\n\r\n", "method-refused"),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "request-target-form"),
    ("GET L#top HTTP/1.1\r\nHost: a\r\n\r\n", "request-target-fragment"),
    ("GET L HTTP/1.1\r\nHost : a\r\n\r\n", "header-name-spaced"),
    ("GET L HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "header-line-folded"),
    ("GET L HTTP/1.1\nHost: a\n\n", "line-feed-bare"),
    ("GET L HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", "control-byte"),
    ("GET L HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", "non-ascii-byte"),
    ("GET L HTTP/2.0\r\nHost: a\r\n\r\n", "version-unsupported"),
    ("POST A HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n\r\n", "expectation-unsupported"),
    (
        "POST A HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        "content-encoding-unsupported",
    ),
    ("GET L HTTP/1.1\r\nHost: a\r\nKelisim-Purpose: a\r\nKelisim-Purpose: b\r\n\r\n", "header-repeated"),
    ("GET L HTTP/1.1\r\nHost: a\r\nIf-Match: \"a\tb\"\r\n\r\n", "precondition-unpassable"),
];

/// What follows a good head with a chunked body, and the code that refuses it.
const CHUNKS: &[(&str, &str)] = &[
    ("2;name=value\r\n{}\r\n0\r\n\r\n", "chunk-extension"),
    ("0x2\r\n{}\r\n0\r\n\r\n", "chunk-size-malformed"),
    ("2\r\n{}}\r\n0\r\n\r\n", "chunk-unterminated"),
    ("2\n{}\r\n0\r\n\r\n", "line-feed-bare"),
    ("2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n", "trailer-forbidden"),
    ("2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "trailer-forbidden"),
    ("2\r\n{}\r\n0\r\nHost: b\r\n\r\n", "trailer-forbidden"),
    ("2\r\n{}\r\n0\r\nKelisim-Purpose: b\r\n\r\n", "trailer-forbidden"),
];

/// C2, promise 7
#[tokio::test]
async fn head_that_means_two_things_is_refused_recorded_and_ends_its_connection() {
    let world = agreed().start().await;
    for (head, code) in HEADS {
        let bytes = head.replace("L ", &format!("{LOOKUP} ")).replace("L#", &format!("{LOOKUP}#"));
        let bytes = bytes.replace(" A ", " /address-register/address/addresses ");
        // Latin-1: one byte each.
        let bytes: Vec<u8> = bytes.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
        let mut line = world.consumer.connect().await;
        line.send(&bytes).await;
        refused(&world, line, code).await;
    }
    assert_eq!(world.provider.seen().len(), 0);
}

/// C2, promise 7
#[tokio::test]
async fn body_that_means_two_things_is_refused_recorded_and_ends_its_connection() {
    let world = agreed().start().await;
    for (chunks, code) in CHUNKS {
        let mut line = world.consumer.connect().await;
        line.send(&chunked(chunks)).await;
        refused(&world, line, code).await;
    }
    assert_eq!(world.provider.seen().len(), 0);
}

/// Promise 7: a second request hidden behind a bad first one is never heard.
#[tokio::test]
async fn request_smuggled_behind_an_ambiguous_one_is_never_served() {
    let world = agreed().start().await;
    let hidden = format!("GET {LOOKUP} HTTP/1.1\r\nHost: a\r\n\r\n");
    for first in [
        format!(
            "POST {LOOKUP} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!("POST {LOOKUP} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 50\r\n\r\n"),
        format!("GET {LOOKUP} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ] {
        let mut line = world.consumer.connect().await;
        line.send((first + &hidden).as_bytes()).await;
        assert_eq!(line.answer().await.unwrap().status, 400);
        assert_eq!(line.ends().await, 0, "something was said after the refusal");
    }
    assert_eq!(world.provider.seen().len(), 0);
}

/// What is unambiguous is served: the guard is strict, not deaf.
#[tokio::test]
async fn what_means_one_thing_is_served_however_it_is_cut_into_pieces() {
    let world = agreed().start().await;
    world.provider.replies(Reply::Json(200, address_record()));
    let body = r#"{"code":"7","address":"x"}"#;
    let whole = chunked(&format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    let halves = chunked(&format!(
        "5\r\n{}\r\n{:X}\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n",
        &body[..5],
        body.len() - 5,
        &body[5..]
    ));
    for bytes in [whole, halves] {
        let mut line = world.consumer.connect().await;
        for piece in bytes.chunks(7) {
            line.send(piece).await;
        }
        assert_eq!(line.answer().await.unwrap().status, 200);
        let seen = world.provider.seen().pop().unwrap();
        assert_eq!(seen.body, body.as_bytes());
        // hyper writes framing of its own: nothing of the caller's passes.
        assert_eq!(seen.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!((seen.header("transfer-encoding"), seen.header("x-sum")), (None, None));
    }
    let mut line = world.consumer.connect().await;
    let pipelined = Ask::get(LOOKUP).wire("a").repeat(3);
    line.send(&pipelined).await;
    for _ in 0..3 {
        assert_eq!(line.answer().await.unwrap().status, 200);
    }
}

/// RFC 9113 §8.3.1: over HTTP/2 as over HTTP/1.1.
#[tokio::test]
async fn over_http2_authority_and_host_must_agree_and_methods_are_the_same() {
    let world = agreed().start().await;
    let streams = world.consumer.connect_http2().await;
    let target = format!("https://gateway.example{LOOKUP}");
    for (method, uri, headers, code) in [
        ("GET", target.as_str(), &[("host", "gateway.example")][..], None),
        ("GET", &target, &[("host", "other.example")], Some("authority-mismatch")),
        ("GET", &target, &[("host", "gateway.example"), ("host", "other.example")], Some("host-repeated")),
        ("GET", &target, &[("content-encoding", "gzip")], Some("content-encoding-unsupported")),
        ("GET", &target, &[("expect", "more")], Some("expectation-unsupported")),
        ("GET", &target, &[("kelisim-purpose", "a"), ("kelisim-purpose", "b")], Some("header-repeated")),
        ("TRACE", &target, &[], Some("method-refused")),
        ("OPTIONS", &target, &[], Some("method-refused")),
        ("get", &target, &[], Some("method-refused")),
    ] {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = streams.sends(request.body(Full::new(Bytes::new())).unwrap()).await.unwrap();
        assert_eq!(answer.refusal(), code, "{method} {headers:?}: {answer}");
        if let Some(code) = code {
            recorded(&world, &answer, code);
        }
    }
    assert_eq!(world.provider.seen().len(), 1);
}

async fn refused(world: &World, mut line: Line, code: &str) {
    let answer = line.answer().await.unwrap_or_else(|error| panic!("{code}: no answer: {error}"));
    recorded(world, &answer, code);
    assert_eq!(answer.header("connection"), Some("close"), "{code}");
    assert_eq!(line.ends().await, 0, "{code}: something was said after the refusal");
}

fn recorded(world: &World, answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.refusal()), (400, Some(code)), "{answer}");
    assert_eq!(world.log.refused(answer.exchange()).unwrap().code, code);
    assert!(answer.entry().is_some(), "{code}: no entry named");
}

fn chunked(chunks: &str) -> Vec<u8> {
    let head =
        "POST /address-register/address/addresses HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}").into_bytes()
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}
