//! HTTP/2 frame by frame: what RFC 9113 calls malformed is never forwarded, and floods end by themselves (promise 7).
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::time::{Duration, Instant};

use certs::tls::TlsStream;
use gateway::exchange_log::Outcome;
use tests::world::files;
use tests::world::sample::{DOCUMENT, LOOKUP};
use tests::world::wait::within;
use tests::world::{Ask, Plan, Reply, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// RFC 9113 §8.2-8.3: header lists that no request may have.
#[tokio::test]
async fn malformed_header_lists_are_never_forwarded_and_cost_only_their_own_connection() {
    let world = agreed().start().await;
    let good = [(":method", "GET"), (":scheme", "https"), (":authority", "gateway"), (":path", LOOKUP)];
    let with = |more: &[(&'static str, &'static str)]| [&good[..], more].concat();
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("connection", with(&[("connection", "close")])),
        ("keep-alive", with(&[("keep-alive", "5")])),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")])),
        ("upgrade", with(&[("upgrade", "websocket")])),
        ("te", with(&[("te", "gzip")])),
        ("upper case", with(&[("X-Upper", "1")])),
        ("a second authority", with(&[(":authority", "other")])),
        ("another host", with(&[("host", "other")])),
        ("an unknown pseudo-header", with(&[(":protocol", "websocket")])),
        ("a pseudo-header behind others", [&good[1..], &[("accept", "a/b"), good[0]]].concat()),
        ("no path", good[..3].to_vec()),
        ("no method", good[1..].to_vec()),
        ("a line feed", with(&[("x", "a\nb")])),
        ("a NUL", with(&[("x", "a\0b")])),
        ("a length that is not the body's", with(&[("content-length", "5")])),
    ];
    for (what, list) in cases {
        let mut line = opened(&world).await;
        send(&mut line, HEADERS, END_STREAM | END_HEADERS, 1, &block(&list)).await;
        let seen = until(&mut line, |kind, stream| stream == 1 || kind == GOAWAY).await;
        assert!(matches!(seen, HEADERS | RST_STREAM | GOAWAY), "{what}: {seen}");
        assert_eq!(world.provider.seen().len(), 0, "{what} was forwarded");
    }
    let mut line = opened(&world).await;
    send(&mut line, HEADERS, END_STREAM | END_HEADERS, 1, &block(&good)).await;
    assert_eq!(until(&mut line, |_, stream| stream == 1).await, HEADERS);
    assert_eq!(world.provider.seen().len(), 1, "what is in order is served");
    // h2 cuts a fragment off before anybody can see it: what is decided on, recorded and forwarded is the rest.
    let mut line = opened(&world).await;
    let fragment = [&good[..3], &[(":path", "/address-register/address/addresses/8#/../9")]].concat();
    send(&mut line, HEADERS, END_STREAM | END_HEADERS, 1, &block(&fragment)).await;
    assert_eq!(until(&mut line, |_, stream| stream == 1).await, HEADERS);
    assert_eq!(world.provider.seen()[1].head[0], "GET /api/addresses/8 HTTP/1.1");
}

/// RFC 9110 §9.3.2, RFC 9113 §8.1: what answers HEAD is a head, also where it refuses, in either version of HTTP.
#[tokio::test]
async fn refused_head_is_answered_without_data() {
    let world = agreed().start().await;
    let asks = |method, path| {
        block(&[(":method", method), (":scheme", "https"), (":authority", "gateway"), (":path", path)])
    };
    let (mut line, mut old) = (opened(&world).await, world.consumer.connect().await);
    for (stream, path) in (1..).step_by(2).zip(["/nobody/x/y", "/address-register/address/streets", "/x"]) {
        send(&mut line, HEADERS, END_STREAM | END_HEADERS, stream, &asks("HEAD", path)).await;
        let flags = within("a head", async {
            loop {
                match next(&mut line).await.expect("the connection goes on") {
                    (HEADERS, flags, on, _) if on == stream => return flags,
                    (kind, _, on, _) => assert_ne!((kind, on), (DATA, stream), "{path}"),
                }
            }
        })
        .await;
        assert_eq!(flags & END_STREAM, END_STREAM, "{path}: more is to come");
        let answer = old.ask(&Ask::new("HEAD", path)).await;
        assert!(answer.refusal().is_some() && answer.body.is_empty(), "{path}: {answer}");
        // As long as GET would have it, but for the numbers of exchange and entry.
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert!(length > 200, "{path}: {length}");
    }
    send(&mut line, HEADERS, END_STREAM | END_HEADERS, 7, &asks("GET", LOOKUP)).await;
    assert_eq!(until(&mut line, |_, stream| stream == 7).await, HEADERS);
    assert_eq!(old.ask(&Ask::get(LOOKUP)).await.status, 200, "the connection goes on");
}

/// Floods of frames that cost their sender nothing.
#[tokio::test]
async fn floods_of_frames_end_their_connection_or_are_borne_while_others_are_served() {
    let world = agreed().start().await;
    let list =
        block(&[(":method", "GET"), (":scheme", "https"), (":authority", "gateway"), (":path", LOOKUP)]);
    let floods: [(&str, Vec<u8>); 4] = [
        ("continuation", frame(CONTINUATION, 0, 1, &block(&[("x-more", "and more of it")]))),
        ("ping", frame(PING, 0, 0, &[7; 8])),
        ("settings", frame(SETTINGS, 0, 0, &[])),
        ("empty data", frame(0, 0, 1, &[])),
    ];
    for (what, repeated) in floods {
        let mut line = opened(&world).await;
        let flags = if what == "continuation" { 0 } else { END_HEADERS };
        send(&mut line, HEADERS, flags, 1, &list).await;
        let batch = repeated.repeat(1000);
        within(what, async {
            for _ in 0..50 {
                // Nothing is read: whoever answers each frame is held up, and must end it.
                let sent = tokio::time::timeout(Duration::from_secs(1), line.write_all(&batch)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
        })
        .await;
        assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200, "after a flood of {what}");
    }
}

/// Streams opened and reset at once (CVE-2023-44487).
#[tokio::test]
async fn rapid_resets_end_their_connection_before_they_cost_much() {
    let world = agreed().start().await;
    let list =
        block(&[(":method", "GET"), (":scheme", "https"), (":authority", "gateway"), (":path", LOOKUP)]);
    let mut line = opened(&world).await;
    within("the connection to be ended", async {
        for stream in (1..200_001).step_by(2) {
            let mut both = frame(HEADERS, END_STREAM | END_HEADERS, stream, &list);
            both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            if line.write_all(&both).await.is_err() {
                return;
            }
        }
        panic!("100,000 streams were begun and reset");
    })
    .await;
    assert!(world.provider.seen().len() < 10_000);
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
}

/// Promise 7: calls on the same connection lengthen no document's time, and do not suffer from it.
#[tokio::test]
async fn document_that_is_not_taken_is_reset_while_others_on_its_connection_pass() {
    const TRANSFER: Duration = Duration::from_millis(3_000);
    let plan = World::consumer_and_provider().agreement("documents").configure(|config| {
        let limits = &mut config.exchange.limits;
        (limits.transfer_timeout_ms, limits.body_timeout_ms) = (3_000, 300);
    });
    let world = plan.start().await;
    let (headers, document) = (vec![("Content-Type", "application/pdf".into())], files::pdf_of(200_000));
    world.provider.replies(Reply::With(200, headers, document.clone()));
    let asks = |method, path| {
        block(&[(":method", method), (":scheme", "https"), (":authority", "gateway"), (":path", path)])
    };
    let (mut line, begun) = (opened(&world).await, Instant::now());
    let no_window = [&4_u16.to_be_bytes()[..], &0_u32.to_be_bytes()].concat();
    send(&mut line, SETTINGS, 0, 0, &no_window).await;
    send(&mut line, WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes()).await;
    send(&mut line, HEADERS, END_STREAM | END_HEADERS, 1, &asks("GET", DOCUMENT)).await;
    assert_eq!(until(&mut line, |_, stream| stream == 1).await, HEADERS);
    let exchange = world.provider.seen()[0].exchange();
    let mut taken = 0;
    let reset = within("the stream to be reset", async {
        for stream in (3..).step_by(2) {
            let mut other = frame(HEADERS, END_STREAM | END_HEADERS, stream, &asks("GET", DOCUMENT));
            other.extend(frame(WINDOW_UPDATE, 0, stream, &300_000_u32.to_be_bytes()));
            line.write_all(&other).await.unwrap();
            loop {
                match next(&mut line).await.expect("the connection goes on") {
                    (RST_STREAM, _, 1, code) => return code,
                    (DATA, END_STREAM, on, _) if on == stream => break,
                    (GOAWAY, ..) => panic!("the connection is ended"),
                    (RST_STREAM, ..) => panic!("another stream is reset"),
                    _ => {}
                }
            }
            taken += 1;
        }
        panic!("it is never reset");
    })
    .await;
    assert_eq!(reset, 8_u32.to_be_bytes(), "CANCEL (RFC 9113 §7)");
    assert!(begun.elapsed() > TRANSFER, "it had its time");
    assert!(taken > 0, "other documents pass on the same connection");
    assert_eq!(world.log.closing(exchange).await.outcome, Outcome::Abandoned);
    // And it is as good as before: nothing of the stalled document lies around in it.
    let mut last = frame(HEADERS, END_STREAM | END_HEADERS, 1_000_001, &asks("GET", DOCUMENT));
    last.extend(frame(WINDOW_UPDATE, 0, 1_000_001, &300_000_u32.to_be_bytes()));
    line.write_all(&last).await.unwrap();
    let mut held = 0;
    within("the last document", async {
        loop {
            match next(&mut line).await.expect("the connection goes on") {
                (DATA, flags, 1_000_001, payload) => {
                    held += payload.len();
                    if flags == END_STREAM {
                        return;
                    }
                }
                (DATA, _, 1, _) => panic!("a stream that was reset goes on"),
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(held, document.len());
}

/// Promise 7: refusals are in no budget of memory; a peer that leaves them lying is no longer served.
#[tokio::test]
async fn refusals_that_are_not_taken_end_their_connection_though_others_on_it_are() {
    let plan = agreed().configure(|config| config.exchange.limits.body_timeout_ms = 300);
    let world = plan.start().await;
    let unknown = block(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "gateway"),
        (":path", "/nobody/x/y"),
    ]);
    let (mut line, begun) = (opened(&world).await, Instant::now());
    let no_window = [&4_u16.to_be_bytes()[..], &0_u32.to_be_bytes()].concat();
    send(&mut line, SETTINGS, 0, 0, &no_window).await;
    let left = (1..81).step_by(2).flat_map(|on| frame(HEADERS, END_STREAM | END_HEADERS, on, &unknown));
    line.write_all(&left.collect::<Vec<_>>()).await.unwrap();
    within("the connection to be ended", async {
        for stream in (81..).step_by(2) {
            let mut taken = frame(HEADERS, END_STREAM | END_HEADERS, stream, &unknown);
            for on in [stream, 0] {
                taken.extend(frame(WINDOW_UPDATE, 0, on, &4096_u32.to_be_bytes()));
            }
            if line.write_all(&taken).await.is_err()
                || until(&mut line, |kind, on| on == stream || kind == GOAWAY).await == GOAWAY
            {
                return;
            }
        }
    })
    .await;
    assert!(begun.elapsed() > Duration::from_millis(300), "it had its time");
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
}

/// Promise 7: who is bound to no system is refused anyway, and needs little for that.
#[tokio::test]
async fn strangers_have_few_streams_and_few_connections() {
    let world = agreed().start().await;
    let (_, identity) = world.certificate("stranger");
    let stranger = world.consumer.with(identity);
    let mut lines = vec![stranger.dial_http2().await];
    lines[0].write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let settings = within("the settings", async {
        let mut head = [0; 9];
        lines[0].read_exact(&mut head).await.unwrap();
        let mut settings = vec![0; usize::from(head[2])];
        lines[0].read_exact(&mut settings).await.unwrap();
        settings
    });
    let most = settings.await.chunks(6).find(|one| one[..2] == [0, 3]).map(|one| one[5]);
    assert_eq!(most, Some(4), "SETTINGS_MAX_CONCURRENT_STREAMS");
    for _ in 1..17 {
        lines.push(stranger.dial_http2().await);
    }
    // All handshakes succeed; one connection ends then, whichever came last to its place.
    let mut ended = 0;
    for line in &mut lines[1..] {
        let greeted = line.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let read = within("settings or an end", line.read_exact(&mut [0; 9])).await;
        ended += usize::from(greeted.is_err() || read.is_err());
    }
    assert_eq!(ended, 1, "of 17");
    let mut known = opened(&world).await;
    let list =
        block(&[(":method", "GET"), (":scheme", "https"), (":authority", "gateway"), (":path", LOOKUP)]);
    send(&mut known, HEADERS, END_STREAM | END_HEADERS, 1, &list).await;
    assert_eq!(until(&mut known, |_, stream| stream == 1).await, HEADERS);
}

async fn opened(world: &World) -> TlsStream<TcpStream> {
    let mut line = world.consumer.dial_http2().await;
    line.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    send(&mut line, SETTINGS, 0, 0, &[]).await;
    line
}

async fn send(line: &mut TlsStream<TcpStream>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    line.write_all(&frame(kind, flags, stream, payload)).await.unwrap();
    line.flush().await.unwrap();
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// RFC 7541 §6.2.2: literals without indexing, no Huffman code.
fn block(list: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in list {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The next frame: kind, flags, stream, payload; `None` at the connection's end.
async fn next(line: &mut TlsStream<TcpStream>) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    line.read_exact(&mut head).await.ok()?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let mut payload = vec![0; length];
    line.read_exact(&mut payload).await.ok()?;
    Some((head[3], head[4], stream, payload))
}

/// Reads frames until one is wanted, and says its kind; an end of the connection counts as GOAWAY.
async fn until(line: &mut TlsStream<TcpStream>, wanted: impl Fn(u8, u32) -> bool) -> u8 {
    within("a frame", async {
        loop {
            match next(line).await {
                None => return GOAWAY,
                Some((kind, _, stream, _)) if wanted(kind, stream) => return kind,
                Some(_) => {}
            }
        }
    })
    .await
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}
