//! Promise 7 among registered systems: none takes what all need.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tests::world::sample::{ADDRESSES, LOOKUP, address_record};
use tests::world::wait::within;
use tests::world::{Ask, Plan, Reply, World};

/// Promise 7: places at a provider are taken by calls, not by bodies that do not come.
#[tokio::test]
async fn bodies_that_do_not_come_keep_nobody_else_from_the_provider() {
    let world =
        agreed().configure(|config| config.exchange.limits.max_exchanges_per_system = 2).start().await;
    let other = world.joins("tax-office").await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut line = world.consumer.connect().await;
        let head = format!("POST {ADDRESSES} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
        line.send(format!("{head}Content-Length: 40\r\n\r\n{{").as_bytes()).await;
        slow.push(line);
    }
    within("the slow one to use up its own places", async {
        while world.consumer.asks(&Ask::get(LOOKUP)).await.refusal() != Some("too-many-exchanges") {}
    })
    .await;
    assert_eq!(other.asks(&Ask::get(LOOKUP)).await.status, 200);
}

/// Promise 7
#[tokio::test]
async fn connections_of_one_caller_are_bounded_and_others_still_get_in() {
    let plan = agreed().configure(|config| config.exchange.limits.max_connections_per_caller = 10);
    let world = plan.start().await;
    let other = world.joins("tax-office").await;
    let mut lines = Vec::new();
    for _ in 0..10 {
        let mut line = world.consumer.connect().await;
        assert_eq!(line.ask(&Ask::get(LOOKUP)).await.status, 200);
        lines.push(line);
    }
    let refused = match world.consumer.try_connect().await {
        Err(_) => true,
        Ok(mut line) => line.try_ask(&Ask::get(LOOKUP)).await.is_err(),
    };
    assert!(refused, "an eleventh connection was served");
    assert_eq!(other.asks(&Ask::get(LOOKUP)).await.status, 200);
    assert_eq!(lines[0].ask(&Ask::get(LOOKUP)).await.status, 200);
}

/// Promise 7: answers that a peer does not take count as memory that it holds, and it does not hold them for ever.
#[tokio::test]
async fn http2_peer_that_takes_no_answers_holds_its_own_memory_only_and_is_ended() {
    let plan = agreed().configure(|config| {
        let limits = &mut config.exchange.limits;
        (limits.max_buffered_mib, limits.max_buffered_mib_per_system) = (8, 1);
        (limits.body_timeout_ms, limits.provider_timeout_ms) = (300, 3_000);
    });
    let world = plan.start().await;
    let other = world.joins("tax-office").await;
    let address = "x".repeat(30_000);
    world.provider.replies(Reply::Json(200, json!({ "code": "7", "address": address })));

    // A window of one byte: the answer begins, and never ends.
    let stream = world.consumer.dial_http2().await;
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let driving = tokio::spawn(connection);
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let mut sender = sender.clone();
            let request =
                Request::get(format!("https://gateway{LOOKUP}")).body(Full::new(Bytes::new())).unwrap();
            tokio::spawn(async move {
                sender.ready().await?;
                sender.send_request(request).await
            })
        })
        .collect();
    let mut refused = 0;
    let mut held = Vec::new();
    for call in calls {
        let answer = within("a head", call).await.unwrap().unwrap();
        refused +=
            usize::from(answer.headers().get("kelisim-refusal").is_some_and(|code| code == "answer-lost"));
        held.push(answer);
    }
    assert!(refused > 30, "more is held than one system may hold: only {refused} of 100 were refused");
    world.provider.replies(Reply::Json(200, address_record()));
    assert_eq!(other.asks(&Ask::get(LOOKUP)).await.status, 200);
    assert!(within("the connection to be ended", driving).await.is_ok());
    drop(held);
    within("the memory to come back", async {
        while !world.metrics().await.contains("kelisim_payload_bytes_held 0") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
}

/// Promise 7: memory of one consumer is not that of all.
#[tokio::test]
async fn payloads_of_one_system_are_bounded_and_leave_room_for_others() {
    let plan = agreed().configure(|config| {
        let limits = &mut config.exchange.limits;
        (limits.max_buffered_mib, limits.max_buffered_mib_per_system) = (64, 1);
    });
    let world = plan.start().await;
    let other = world.joins("tax-office").await;
    let large = |kib: usize| Ask::put(LOOKUP, &json!({ "code": "7", "address": "x".repeat(kib << 10) }));
    assert_eq!(world.consumer.asks(&large(2048)).await.to_string(), "503 gateway-busy");
    assert_eq!(world.consumer.asks(&large(400)).await.status, 200);
    assert_eq!(other.asks(&large(400)).await.status, 200);
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}
