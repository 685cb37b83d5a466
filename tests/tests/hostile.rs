//! Promise 7: nothing a peer sends can make the gateway panic, hang, or grow without bound.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::time::{Duration, Instant};

use gateway::config::Config;
use serde_json::json;
use tests::world::sample::LOOKUP;
use tests::world::wait::{until, within};
use tests::world::{Ask, Plan, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Promise 7: before anybody proved who they are.
#[tokio::test]
async fn garbage_instead_of_a_handshake_costs_only_its_own_connection() {
    let world = agreed().start().await;
    let mut garbage = Garbage(7);
    for size in [1, 5, 100, 5_000, 100_000] {
        for _ in 0..10 {
            let mut tcp = TcpStream::connect(world.consumer.gateway()).await.unwrap();
            drop(tcp.write_all(&garbage.bytes(size)).await);
            drop(tcp.shutdown().await);
            drop(within("the end", tcp.read_to_end(&mut Vec::new())).await);
        }
    }
    serves(&world).await;
    assert!(world.metrics().await.contains("kelisim_handshake_failures_total"));
}

/// Promise 7: by somebody who is registered.
#[tokio::test]
async fn garbage_over_tls_is_answered_with_a_refusal_or_an_end_and_nothing_is_forwarded() {
    let world = agreed().start().await;
    let mut garbage = Garbage(11);
    for size in [1, 4, 50, 3_000, 40_000, 200_000] {
        for _ in 0..5 {
            let mut line = world.consumer.connect().await;
            line.send(&garbage.bytes(size)).await;
            line.finishes().await;
            line.ends().await;
        }
    }
    assert_eq!(world.provider.seen().len(), 0);
    serves(&world).await;
}

/// Promise 7: slowness is not served for ever.
#[tokio::test]
async fn handshake_head_and_body_that_do_not_come_on_end_by_their_deadlines_while_others_are_served() {
    let plan = agreed().configure(|config| {
        let limits = &mut config.exchange.limits;
        (limits.handshake_timeout_ms, limits.head_timeout_ms) = (150, 150);
        (limits.body_timeout_ms, limits.idle_timeout_ms, limits.rest_after_ms) = (150, 400, 50);
    });
    let world = plan.start().await;
    let mut silent = TcpStream::connect(world.consumer.gateway()).await.unwrap();
    let mut heads = world.consumer.connect().await;
    heads.send(b"GET /address-register/address/addresses/7 HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
    let mut bodies = world.consumer.connect().await;
    bodies
        .send(b"POST /address-register/address/addresses HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{")
        .await;
    let mut idle = world.consumer.connect().await;
    assert_eq!(idle.ask(&Ask::get(LOOKUP)).await.status, 200);
    let since = Instant::now();
    serves(&world).await;
    assert_eq!(within("the silent one's end", silent.read_to_end(&mut Vec::new())).await.unwrap_or(0), 0);
    assert_eq!(heads.ends().await, 0, "nothing to answer: no head ever came");
    assert_eq!(bodies.answer().await.unwrap().refusal(), Some("request-timeout"));
    assert_eq!(idle.ends().await, 0);
    // Far from hyper's own 30 s for a head, by which a connection that never rested would end.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    serves(&world).await;
}

/// Promise 7: a head drips on without end, a byte at a time.
#[tokio::test]
async fn head_that_drips_is_ended_although_its_bytes_keep_coming() {
    let world = agreed().configure(|config| config.exchange.limits.head_timeout_ms = 150).start().await;
    let mut line = world.consumer.connect().await;
    line.send(b"GET / HTTP/1.1\r\nHost: a\r\n").await;
    within("the drip to be cut off", async {
        while line.try_send(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(tests::world::wait::PAUSE * 5).await;
        }
    })
    .await;
    serves(&world).await;
}

/// Promise 7: RFC 6585 §5.
#[tokio::test]
async fn head_beyond_sixteen_kibibytes_or_a_hundred_lines_is_refused() {
    let world = agreed().start().await;
    let long = Ask::get(LOOKUP).header("X-Long", &"a".repeat(17 * 1024));
    let many = (0..101).fold(Ask::get(LOOKUP), |ask, at| ask.header(&format!("X-{at}"), "a"));
    let target = Ask::get(&format!("/{}", "a".repeat(9 * 1024)));
    for (ask, code) in
        [(long, "head-too-long"), (many, "headers-too-many"), (target, "request-target-too-long")]
    {
        let mut line = world.consumer.connect().await;
        line.send(&ask.wire("a")).await;
        assert_eq!(line.answer().await.unwrap().refusal(), Some(code));
    }
    let streams = world.consumer.connect_http2().await;
    // HTTP/2 may end the stream or the connection instead: refused it is in any case.
    let long = Ask::get(LOOKUP).header("x-long", &"a".repeat(17 * 1024));
    assert!(streams.try_ask(&long).await.is_err_and(|_| true) || world.provider.seen().is_empty());
    assert_eq!(world.provider.seen().len(), 0);
    serves(&world).await;
}

/// Promise 7: who sends and does not read.
#[tokio::test]
async fn hundred_thousand_pipelined_requests_that_nobody_reads_the_answers_of_hold_little_memory() {
    let world = agreed().configure(|config| config.exchange.limits.body_timeout_ms = 300).start().await;
    serves(&world).await;
    let before = resident_mib();
    let mut line = world.consumer.connect().await;
    let batch = Ask::get("/nobody/nothing/at-all").wire("a").repeat(1000);
    within("the connection to be ended", async {
        for _ in 0..100 {
            // It takes no more once the answers stay unread, and then ends.
            if line.try_send(&batch).await.is_err() {
                return;
            }
        }
        panic!("100,000 requests were taken though no answer was read");
    })
    .await;
    serves(&world).await;
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < 48, "{grown} MiB more than before");
}

/// Promise 7: connections have a bound, and those beyond it wait for nobody.
#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once_and_places_come_back() {
    let world = agreed().configure(|config| config.exchange.limits.max_connections = 20).start().await;
    let mut lines = Vec::new();
    for _ in 0..20 {
        lines.push(world.consumer.connect().await);
    }
    for _ in 0..30 {
        let refused = match world.consumer.try_connect().await {
            Err(_) => true,
            Ok(mut line) => line.try_ask(&Ask::get(LOOKUP)).await.is_err(),
        };
        assert!(refused, "a connection beyond the limit was served");
    }
    assert_eq!(lines[19].ask(&Ask::get(LOOKUP)).await.status, 200, "those who are in stay in");
    assert!(world.metrics().await.contains("kelisim_connections_refused_total 30"));
    drop(lines);
    within("a place to come free", async {
        loop {
            if let Ok(mut line) = world.consumer.try_connect().await
                && line.try_ask(&Ask::get(LOOKUP)).await.is_ok()
            {
                return;
            }
        }
    })
    .await;
}

/// Promise 7: calls that are begun and left.
#[tokio::test]
async fn streams_that_are_begun_and_reset_leave_nothing_behind() {
    let world = agreed().start().await;
    for _ in 0..20 {
        let streams = world.consumer.connect_http2().await;
        for _ in 0..50 {
            let asked = streams.clone();
            let call = tokio::spawn(async move { drop(asked.try_ask(&Ask::get(LOOKUP)).await) });
            tokio::task::yield_now().await;
            call.abort();
        }
    }
    serves(&world).await;
    let app = world.app.as_ref().unwrap();
    assert_eq!(app.recovery().closed_as_unknown, 0);
    within("abandoned exchanges to be closed", async {
        while !world.metrics().await.contains("kelisim_log_open_exchanges 0") {}
    })
    .await;
    until("held bytes to be given back", || world.log.verified().is_whole().then_some(())).await;
    assert!(world.metrics().await.contains("kelisim_payload_bytes_held 0"));
}

/// Promise 7: documents made to hurt their reader.
#[tokio::test]
async fn hostile_documents_are_refused_in_bounded_time_and_stack() {
    let world = agreed().start().await;
    for document in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(300_000),
        format!("{{\"code\":\"7\",\"address\":{}}}", "9".repeat(100_000)),
        format!("{{\"code\":\"{}\"", "\\u0000".repeat(100_000)),
        "{\"code\":\"7\",\"code\":\"8\",\"address\":\"x\"}".to_owned(),
        "{\"code\":\"7\",\"address\":\"\\ud800\"}".to_owned(),
        String::from("\u{feff}{\"code\":\"7\",\"address\":\"x\"}"),
        json!({ "code": "7", "address": "x", "more": vec![json!({}); 10_000] }).to_string(),
    ] {
        let ask =
            Ask::new("PUT", LOOKUP).header("Content-Type", "application/json").bytes(document.as_bytes());
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.refusal(), Some("request-schema"), "{}", &document[..20]);
        // B7: the refusal quotes nothing of what was sent.
        assert!(answer.body.len() < 4096);
    }
    assert_eq!(world.provider.seen().len(), 0);
    serves(&world).await;
}

async fn serves(world: &World) {
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup").configure(few_runtimes)
}

fn few_runtimes(config: &mut Config) {
    config.exchange.runtimes = 2;
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

/// Bytes that mean nothing, the same in every run.
struct Garbage(u64);

impl Garbage {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.to_le_bytes()[3]
        };
        (0..count).map(|_| next()).collect()
    }
}
