//! The guard under the real hyper, fed whole and byte by byte, and alone with whatever bytes there are.

use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::*;
use harness::{FEEDS, Peer, Script, exchange, poll_read};
use tables::{CHUNKED_HEAD, FRAGMENTS, REFUSED, REFUSED_CHUNKS, SERVED, SERVED_CHUNKS};

mod harness;

mod tables;

#[tokio::test]
async fn ambiguous_head_is_refused_by_its_code_however_it_arrives() {
    for (bytes, code) in REFUSED {
        for feed in FEEDS {
            let exchange = exchange(feed, bytes, Peer::Stays).await;
            assert_eq!(exchange.outcomes(), [*code], "{} {feed:?}", bytes.escape_ascii());
        }
    }
}

#[tokio::test]
async fn ambiguous_body_is_refused_by_its_code_however_it_arrives() {
    for (body, code) in REFUSED_CHUNKS {
        for feed in FEEDS {
            let exchange = exchange(feed, &[CHUNKED_HEAD, body].concat(), Peer::Stays).await;
            assert_eq!(exchange.outcomes(), [*code], "{} {feed:?}", body.escape_ascii());
        }
    }
}

#[tokio::test]
async fn head_or_trailers_beyond_their_bounds_are_refused() {
    let line = |bytes: usize| format!("X: {}\r\n", "a".repeat(bytes));
    let head = |lines: String| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}Connection: close\r\n\r\n");
    let target =
        |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "a".repeat(bytes));
    let bare = head(line(0)).len();
    let trailers = |bytes: usize| {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        format!("{head}0\r\n{}\r\n", line(bytes))
    };
    for (bytes, outcome) in [
        (head(line(HEAD_BYTES - bare)), "200"),
        (head(line(HEAD_BYTES - bare + 1)), "head-too-long"),
        ("a".repeat(HEAD_BYTES + 1), "head-too-long"),
        (head(line(0).repeat(HEAD_LINES - 2)), "200"),
        (head(line(0).repeat(HEAD_LINES - 1)), "headers-too-many"),
        (target(TARGET_BYTES - 1), "200"),
        (target(TARGET_BYTES), "request-target-too-long"),
        (trailers(TRAILER_BYTES - 7), "200"),
        (trailers(TRAILER_BYTES - 4), "trailers-too-long"),
        (trailers(TRAILER_BYTES), "trailers-too-long"),
        (trailers(0).replace("X: \r\n", &line(0).repeat(TRAILER_LINES)), "200"),
        (trailers(0).replace("X: \r\n", &line(0).repeat(TRAILER_LINES + 1)), "trailers-too-long"),
        (trailers(0).replace("X: \r\n\r\n", &"a".repeat(TRAILER_BYTES + 1)), "trailers-too-long"),
    ] {
        for feed in FEEDS {
            let exchange = exchange(feed, bytes.as_bytes(), Peer::Stays).await;
            assert_eq!(exchange.outcomes(), [outcome], "{} bytes, {feed:?}", bytes.len());
        }
    }
}

#[tokio::test]
async fn unambiguous_request_is_served_with_the_body_it_states() {
    let close = b"Connection: close\r\n\r\n";
    let plain = SERVED.iter().map(|(head, body)| ([head, &close[..], body.as_bytes()].concat(), *body));
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n";
    let chunked = SERVED_CHUNKS.iter().map(|(chunks, body)| ([head, &close[..], chunks].concat(), *body));
    for (bytes, body) in plain.chain(chunked) {
        for feed in FEEDS {
            let exchange = exchange(feed, &bytes, Peer::Stays).await;
            assert_eq!(exchange.outcomes(), ["200"], "{} {feed:?}", bytes.escape_ascii());
            assert_eq!(exchange.bodies, [body], "{} {feed:?}", bytes.escape_ascii());
        }
    }
}

#[tokio::test]
async fn calls_before_a_violation_are_answered_and_nothing_behind_it_is_heard() {
    let good = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let chunked = [CHUNKED_HEAD, b"2\r\nho\r\n0\r\n\r\n"].concat();
    let bad = b"GET /2 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n";
    let bad_body = [CHUNKED_HEAD, b"2;x\r\nho\r\n0\r\n\r\n"].concat();
    for feed in FEEDS {
        let head = exchange(feed, &[good, &chunked[..], bad, good].concat(), Peer::Stays).await;
        assert_eq!(head.outcomes(), ["200", "200", "host-repeated"], "{feed:?}");
        assert_eq!(head.bodies, ["hi", "ho"]);
        assert_eq!((head.observed.heads(), head.observed.phase()), (2, Phase::Violated));
        let body = exchange(feed, &[good, &bad_body[..], good].concat(), Peer::Stays).await;
        assert_eq!(body.outcomes(), ["200", "chunk-extension"], "{feed:?}");
    }
}

#[tokio::test]
async fn smuggled_request_is_never_a_call() {
    let smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        &b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"[..],
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi0\r\n\r\n",
    ] {
        for feed in FEEDS {
            let exchange = exchange(feed, &[head, smuggled].concat(), Peer::Stays).await;
            assert!(
                !exchange.targets.iter().any(|target| target.contains("smuggled")),
                "{}",
                head.escape_ascii()
            );
            assert_eq!(exchange.outcomes().len(), 1);
        }
    }
}

#[tokio::test]
async fn progress_shows_where_the_peer_stands() {
    let (mut peer, ours) = tokio::io::duplex(1024);
    let mut guard = Guarded::new(ours);
    let observed = guard.observed();
    let mut buffer = [0; 256];
    assert!(poll_read(&mut guard, &mut buffer).is_pending());
    assert!(observed.at_boundary() && observed.idle_since().is_some() && observed.head_since().is_none());

    peer.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    assert!(poll_read(&mut guard, &mut buffer).is_pending());
    let since = observed.head_since().unwrap();
    peer.write_all(b"Host: a\r\n").await.unwrap();
    assert!(poll_read(&mut guard, &mut buffer).is_pending());
    assert_eq!((observed.phase(), observed.head_since()), (Phase::Head, Some(since)), "a drip buys no time");
    assert!(observed.read_blocked_since().is_some() && observed.idle_since().is_none());

    peer.write_all(b"Content-Length: 2\r\n\r\nh").await.unwrap();
    assert!(poll_read(&mut guard, &mut buffer).is_ready());
    assert_eq!((observed.phase(), observed.heads(), observed.head_since()), (Phase::Body, 1, None));
    assert_eq!(observed.read_blocked_since(), None);

    peer.write_all(b"iGET").await.unwrap();
    assert!(poll_read(&mut guard, &mut buffer).is_ready());
    assert_eq!((observed.phase(), observed.head_since()), (Phase::Queued, None), "not asked for yet");
    assert!(poll_read(&mut guard, &mut buffer).is_pending());
    assert_eq!(observed.phase(), Phase::Head);

    let count = guard.write(&[0; 1000]).await.unwrap();
    assert_eq!((observed.bytes_written(), observed.write_blocked_since()), (count as u64, None));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut guard).poll_write(&mut cx, &[0; 100]).is_ready(), "24 bytes fit");
    assert!(Pin::new(&mut guard).poll_write(&mut cx, &[0; 100]).is_pending());
    assert!(observed.write_blocked_since().is_some());
}

#[test]
fn codes_are_unique_and_kebab_case() {
    let mut codes: Vec<_> = FramingViolation::ALL.iter().map(|violation| violation.code()).collect();
    assert!(
        codes.iter().all(|code| code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')))
    );
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), FramingViolation::ALL.len());
}

proptest! {
    #[test]
    fn valid_messages_pass_untouched_however_they_are_cut(
        messages in prop::collection::vec(message(), 1..5),
        cuts in prop::collection::vec(1usize..400, 1..20),
        buffer_bytes in 1usize..600,
    ) {
        let sent = messages.concat();
        let mut guard = Guarded::new(Script::cut(&sent, &cuts));
        let mut seen = Vec::new();
        let mut buffer = vec![0; buffer_bytes];
        while let Poll::Ready(result) = poll_read(&mut guard, &mut buffer) {
            let count = result.unwrap();
            if count == 0 {
                break;
            }
            seen.extend_from_slice(&buffer[..count]);
            prop_assert!(guard.held_bytes() <= HEAD_BYTES + 600);
        }
        prop_assert_eq!(seen.escape_ascii().to_string(), sent.escape_ascii().to_string());
        prop_assert_eq!(guard.observed().heads(), messages.len() as u64);
        prop_assert!(guard.observed().at_boundary());
    }

    #[test]
    fn no_bytes_make_the_guard_panic_or_grow(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            prop::collection::vec(prop::sample::select(FRAGMENTS), 0..40).prop_map(|parts| parts.concat()),
            Just(b"X: a\r\n".repeat(8000)),
            Just([CHUNKED_HEAD, &b"0\r\n"[..], &b"a:\r\n".repeat(8000)].concat()),
            Just(b"a".repeat(50_000)),
        ],
        cuts in prop::collection::vec(1usize..900, 1..20),
    ) {
        let mut guard = Guarded::new(Script::cut(&bytes, &cuts));
        let mut buffer = [0; 1000];
        for _ in 0..2 * bytes.len() + 10 {
            match poll_read(&mut guard, &mut buffer) {
                Poll::Ready(Ok(1..)) => prop_assert!(guard.held_bytes() <= HEAD_BYTES + 1000),
                Poll::Ready(Ok(0) | Err(_)) | Poll::Pending => return Ok(()),
            }
        }
        prop_assert!(false, "the guard made more of the bytes than there were");
    }

    /// Wherever the guard sees a call, hyper sees the same; hyper has nothing left to refuse.
    #[test]
    fn hyper_and_guard_agree_about_every_stream(
        parts in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..24),
    ) {
        let stream = parts.concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let [whole, bytewise] = FEEDS.map(|feed| runtime.block_on(exchange(feed, &stream, Peer::HangsUp)));
        prop_assert_eq!(whole.outcomes(), bytewise.outcomes(), "{}", stream.escape_ascii());
        prop_assert_eq!(&whole.bodies, &bytewise.bodies);
        for exchange in [&whole, &bytewise] {
            // A call more than there were heads, the substitute aside, would be a smuggled one.
            let refused = u64::from(exchange.observed.phase() == Phase::Violated);
            prop_assert!(exchange.targets.len() as u64 <= exchange.observed.heads() + refused);
        }
        prop_assert!(!whole.outcomes().iter().any(|outcome| outcome == "hyper"), "{:?}", whole.outcomes());
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..300);
    (any::<bool>(), prop::collection::vec("[A-Za-z-]{1,12}", 0..6), body, 1usize..50).prop_map(
        |(chunked, names, body, chunk_bytes)| {
            let mut message = b"POST /some/where?x=1 HTTP/1.1\r\nHost: gateway.example\r\n".to_vec();
            for name in names {
                message.extend_from_slice(format!("X-{name}: {name}\r\n").as_bytes());
            }
            if !chunked {
                message.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                message.extend_from_slice(&body);
                return message;
            }
            message.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(chunk_bytes) {
                message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                message.extend_from_slice(chunk);
                message.extend_from_slice(b"\r\n");
            }
            message.extend_from_slice(b"0\r\nX-Trailer: 1\r\n\r\n");
            message
        },
    )
}
