//! How much of anything one system may use, and what is left of it afterwards.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use gateway::exchange_log::Record;
use serde_json::json;
use tests::world::sample::{ADDRESSES, LOOKUP, address_record, correction};
use tests::world::wait::within;
use tests::world::{Ask, Hold, Plan, Reply, World};

/// B2.7
#[tokio::test]
async fn rate_of_the_agreement_holds_over_all_connections_and_says_when_to_come_back() {
    let plan = World::consumer_and_provider().agreement_with("address-lookup", |text| {
        text["protection"]["rate"] = json!({ "per_second": 1, "burst": 5 });
    });
    let world = plan.start().await;
    let mut passed = 0;
    let refused = within("the rate to be exceeded", async {
        loop {
            let answer = world.consumer.asks(&lookup()).await;
            match answer.refusal() {
                None => passed += 1,
                Some(_) => return answer,
            }
        }
    })
    .await;
    // More than the burst only by what the seconds gave meanwhile.
    assert!((5..12).contains(&passed), "{passed}");
    assert_eq!(refused.to_string(), "429 rate-exceeded");
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert_eq!(world.provider.seen().len(), passed);
}

/// B2.7, C2: by exchanges and by bytes; and a start begins no day anew.
#[tokio::test]
async fn volume_of_a_day_holds_over_connections_and_starts_and_says_when_the_next_day_begins() {
    // Sent, and sent back.
    let bytes = 2 * correction().to_string().len();
    for (volume, most) in [
        (json!({ "exchanges_per_day": 3 }), 3),
        // The second brings more than was left.
        (json!({ "bytes_per_day": 2 * bytes - 10, "exchanges_per_day": 1000 }), 2),
    ] {
        let plan = World::consumer_and_provider()
            .agreement_with("address-lookup", |text| text["protection"]["volume"] = volume.clone());
        let mut world = plan.start().await;
        world.provider.replies(Reply::Json(200, correction()));
        let ask = Ask::post(ADDRESSES, &correction());
        // What is refused for another reason takes no place.
        for _ in 0..4 {
            let wrong = world.consumer.asks(&Ask::post(ADDRESSES, &json!({ "code": 7 }))).await;
            assert_eq!(wrong.refusal(), Some("request-schema"));
        }
        let mut passed = 0;
        let (refused, day) = within("the volume to be exceeded", async {
            loop {
                let answer = world.consumer.asks(&ask).await;
                match answer.refusal() {
                    None => {
                        // What passed back is counted when it passed.
                        world.log.closing(answer.exchange()).await;
                        passed += 1;
                    }
                    Some(_) => return (answer, today()),
                }
            }
        })
        .await;
        // Twice as many, if a midnight lay between.
        assert!((most..=2 * most).contains(&passed), "{passed}");
        assert_eq!(refused.to_string(), "429 volume-exceeded");
        let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=86_401).contains(&seconds), "{seconds}");
        assert_eq!(world.provider.seen().len(), passed);
        world.start_again();
        let again = world.consumer.asks(&ask).await;
        assert!(again.refusal() == Some("volume-exceeded") || today() != day, "{volume}: {again}");
    }
}

/// The day in the Republic.
fn today() -> jiff::civil::Date {
    gateway::clock::now().to_zoned(agreements::almaty()).date()
}

/// C2, promise 7
#[tokio::test]
async fn exchanges_at_once_of_one_consumer_take_half_of_a_provider_and_their_places_come_back() {
    let world =
        agreed().configure(|config| config.exchange.limits.max_exchanges_per_system = 6).start().await;
    let hold = Hold::default();
    world.provider.replies(hold.on(Reply::Json(200, address_record())));
    let mut lines = Vec::new();
    for count in 1..=3 {
        let mut line = world.consumer.connect().await;
        line.send(&lookup().wire("gateway")).await;
        world.provider.until_seen(count).await;
        lines.push(line);
    }
    for _ in 0..5 {
        let refused = world.consumer.asks(&lookup()).await;
        assert_eq!(
            (refused.to_string().as_str(), refused.header("retry-after")),
            ("429 too-many-exchanges", Some("1"))
        );
    }
    hold.release(3);
    for mut line in lines {
        assert_eq!(line.answer().await.unwrap().status, 200);
    }
    hold.release(1);
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
    assert_eq!(world.provider.seen().len(), 4);
}

/// Promise 7: all payloads together have a bound, and give their memory back.
#[tokio::test]
async fn payloads_beyond_the_memory_for_all_are_refused_and_the_memory_comes_back() {
    let world = agreed().configure(|config| config.exchange.limits.max_buffered_mib = 2).start().await;
    let streams = world.consumer.connect_http2().await;
    let large = Ask::put(LOOKUP, &json!({ "code": "7", "address": "x".repeat(1 << 20) }));
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (streams, large) = (streams.clone(), large.clone());
            tokio::spawn(async move { streams.ask(&large).await.to_string() })
        })
        .collect();
    for call in calls {
        let shown = call.await.unwrap();
        // Lost is what found no room for its answer.
        let full = ["503 gateway-busy", "500 answer-lost"].contains(&shown.as_str());
        assert!(shown.starts_with("200 ") || full, "{shown}");
    }
    within("the memory to come back", async {
        while !world.metrics().await.contains("kelisim_payload_bytes_held 0") {}
    })
    .await;
    assert_eq!(streams.ask(&large).await.status, 200);
    assert_eq!(world.consumer.asks(&Ask::put(LOOKUP, &correction())).await.status, 200);
}

/// D1, promise 7: nobody is refused uncounted, and nobody fills the log.
#[tokio::test]
async fn flood_of_refusals_is_sampled_and_those_left_out_are_counted_in_the_next_entry() {
    let world = agreed().configure(|config| config.exchange.runtimes = 1).start().await;
    let mut line = world.consumer.connect().await;
    let forbidden = lookup().header("Kelisim-Purpose", "curiosity");
    let (mut recorded, mut counted) = (0_u32, 0_u32);
    let mut ask = async || {
        let answer = line.ask(&forbidden).await;
        assert_eq!(answer.refusal(), Some("purpose-not-agreed"), "refused all the same");
        match answer.entry() {
            Some(_) => recorded += 1,
            None => counted += 1,
        }
        (counted, answer.entry().is_some())
    };
    within("a hundred to be only counted", async { while ask().await.0 < 100 {} }).await;
    within("the next entry", async { while !ask().await.1 {} }).await;
    assert!(recorded > 1, "{recorded} entries, {counted} only counted");
    let suppressed: u32 = world
        .log
        .entries()
        .iter()
        .map(|entry| match &entry.record {
            Record::Refused(refused) => refused.suppressed,
            Record::Opening(_) | Record::Closing { .. } | Record::Segment(_) => 0,
        })
        .sum();
    assert_eq!(suppressed, counted);
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200, "lawful calls are no part of the flood");
}

/// Promise 4: who is still sending when the refusal comes reads it, and not that the connection broke.
#[tokio::test]
async fn refusal_of_a_large_body_is_heard_by_who_still_sends_it() {
    let world = agreed().start().await;
    let large = json!({ "code": "7", "address": "x".repeat(24 << 20) });
    for (ask, shown) in [
        (Ask::post("/nobody/address/addresses", &large), "404 provider-unknown"),
        (Ask::post("/address-register/address/addresses?all=1", &large), "400 parameter-not-declared"),
        (Ask::post("/address-register/address/addresses", &large), "413 request-too-large"),
    ] {
        assert_eq!(world.consumer.asks(&ask).await.to_string(), shown);
    }
    assert!(world.provider.seen().is_empty());
}

/// Promise 7: hyper waits for the preface without a limit.
#[tokio::test]
async fn http2_connection_on_which_no_preface_comes_is_ended() {
    let world = agreed().configure(|config| config.exchange.limits.idle_timeout_ms = 100).start().await;
    let mut line = world.consumer.connect_mute_http2().await;
    within("the connection to end", line.ends()).await;
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

fn lookup() -> Ask {
    Ask::get(LOOKUP)
}
