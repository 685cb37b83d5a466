//! The watch over clocks, from outside: sources of time on loopback, a provider whose clock is wrong.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use gateway::clock_watch::ntp_time;
use jiff::SignedDuration;
use serde_json::Value;
use tests::world::sample::people::{self, PERSON, people, people_agreement};
use tests::world::sample::{LOOKUP, REGISTER, address_record};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Plan, Process, Reply, World, kelisim};

/// A source of time: its clock is as far ahead as a test says.
#[derive(Clone)]
struct Source {
    address: SocketAddr,
    ahead_ms: Arc<AtomicI64>,
    asked: Arc<AtomicUsize>,
}

/// In place of an offset: the source asks to be left alone.
const KISS: i64 = i64::MAX;

impl Source {
    fn start(ahead_ms: i64) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let source = Self {
            address: socket.local_addr().unwrap(),
            ahead_ms: Arc::new(AtomicI64::new(ahead_ms)),
            asked: Arc::default(),
        };
        let (ahead, asked) = (Arc::clone(&source.ahead_ms), Arc::clone(&source.asked));
        // Ends with the process: it owns nothing but its socket.
        std::thread::spawn(move || {
            let mut question = [0; 48];
            while let Ok((48, from)) = socket.recv_from(&mut question) {
                asked.fetch_add(1, Ordering::SeqCst);
                let ahead = ahead.load(Ordering::SeqCst);
                let mut answer = [0; 48];
                (answer[0], answer[1]) = (4 << 3 | 4, 2);
                // A forged one first: it does not know the question, and is not believed.
                drop(socket.send_to(&answer, from));
                answer[24..32].copy_from_slice(&question[40..]);
                if ahead == KISS {
                    answer[1] = 0;
                    answer[12..16].copy_from_slice(b"RATE");
                } else {
                    let now = gateway::clock::now() + SignedDuration::from_millis(ahead);
                    for at in [32, 40] {
                        answer[at..at + 8].copy_from_slice(&ntp_time(now).to_be_bytes());
                    }
                }
                drop(socket.send_to(&answer, from));
            }
        });
        source
    }

    fn says(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::SeqCst);
    }
}

fn watched(sources: &[Source]) -> Plan {
    watching(World::consumer_and_provider().agreement("address-lookup"), sources)
}

fn watching(plan: Plan, sources: &[Source]) -> Plan {
    let sources: Vec<String> = sources.iter().map(|source| source.address.to_string()).collect();
    plan.configure(move |config| {
        config.clock.sources.clone_from(&sources);
        config.clock.poll_seconds = 1;
    })
}

async fn until_metric(world: &World, name: &str, fits: impl Fn(i64) -> bool) -> i64 {
    within(name, async {
        loop {
            let metrics = world.metrics().await;
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            if let Some(value) = line.and_then(|value| value.parse().ok()).filter(|value| fits(*value)) {
                return value;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

async fn until_ready_says(world: &World, what: &str) -> String {
    within(what, async {
        loop {
            let page = world.operations("/ready").await;
            if page.contains(what) {
                return page;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

/// C6
#[tokio::test]
async fn clock_is_held_against_a_majority_of_sources_and_one_that_lies_changes_nothing() {
    let sources = [Source::start(0), Source::start(7_200_000), Source::start(0)];
    let world = watched(&sources).start().await;
    let page = until_ready_says(&world, "its sources, give or take").await;
    assert!(page.contains("ready\n") && !page.contains("7200"), "{page}");
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 1).await;

    sources[0].says(7_200_000);
    let ahead = until_metric(&world, "kelisim_clock_ahead_ms", |ahead| ahead > 1_000).await;
    assert!((7_190_000..7_210_000).contains(&ahead), "{ahead}");
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 0).await;
    let page = until_ready_says(&world, "behind its sources").await;
    assert!(page.contains("200"), "exchanges that need no time go on: {page}");
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
    sources[0].says(0);
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 1).await;
}

/// C6: RFC 5905 §7.4.
#[tokio::test]
async fn source_that_asks_to_be_left_alone_is() {
    let sources = [Source::start(KISS), Source::start(0)];
    let world = watched(&sources).start().await;
    until_metric(&world, "kelisim_clock_failures_total", |failures| failures >= 3).await;
    assert_eq!(sources[0].asked.load(Ordering::SeqCst), 1);
    until_ready_says(&world, "1 of 2 sources answered").await;
}

/// C6: peers' clocks, from their Date.
#[tokio::test]
async fn clock_of_a_provider_is_seen_by_what_it_answers() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Date", "Sun, 22 Nov 2020 12:00:00 GMT".to_owned()),
    ];
    world.provider.replies(Reply::With(200, headers, address_record().to_string().into_bytes()));
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
    let name = "kelisim_provider_clock_ahead_ms{system=\"address-register\"}";
    until_metric(&world, name, |ahead| ahead < -1_000_000).await;
    let page = until_ready_says(&world, "the clock of address-register is ").await;
    assert!(page.contains(" s behind"), "{page}");
}

/// C6
#[tokio::test]
async fn command_tells_how_the_clock_stands_and_by_its_exit_code() {
    let source = Source::start(0);
    let lines = format!("[clock]\nsources = [\"{}\"]\npoll_seconds = 1\n", source.address);
    let mut world = World::consumer_and_provider().configuration(&lines).found();
    let config = world.folder.config_path();
    let ask = || kelisim(&["clock", "--json", "--config", config.to_str().unwrap()]);
    let (status, told) = ask();
    let said: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status.success(), &said["trusted"]), (true, &Value::Bool(true)), "{told}");
    source.says(-90_000);
    let (status, told) = ask();
    let said: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status.code(), &said["trusted"]), (Some(1), &Value::Bool(false)), "{told}");
    assert!((-95.0..-85.0).contains(&said["ahead_s"].as_f64().unwrap()), "{told}");
    let gateway = Process::start(&config);
    world.moves_to(gateway.exchange, gateway.operations);
    until_ready_says(&world, "ahead of its sources").await;
    assert!(gateway.terminate().success());
}

/// B7, C6: a consent ends within minutes, by a clock that can be relied on.
#[tokio::test]
async fn consents_are_not_judged_by_a_clock_that_is_too_far_off() {
    let source = Source::start(7_200_000);
    let plan = World::consumer_and_provider().publishing(people());
    let asked = plan.agreement_with("address-lookup", |text| {
        *text = people_agreement();
        text["data"][0]["operations"] = serde_json::json!(["one"]);
        text["personal_data"]["consent"] = serde_json::json!({ "issuers": [REGISTER] });
    });
    let world = watching(asked.official(people::OFFICIAL), std::slice::from_ref(&source)).start().await;
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 0).await;
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.to_string(), "503 clock-untrusted");
    source.says(0);
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 1).await;
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.refusal(), Some("consent-missing"));
}

/// C6: promise 7. A clock may say anything, on either side, and stops nothing.
#[tokio::test]
async fn dates_at_the_end_of_time_pass_and_calls_after_them() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    for date in
        ["Thu, 30 Dec 9999 22:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
    {
        let body = address_record().to_string().into_bytes();
        let head = vec![("Content-Type", "application/json".into()), ("Date", date.into())];
        world.provider.replies(Reply::With(200, head, body));
        for _ in 0..2 {
            let answer = world.consumer.asks(&Ask::get(LOOKUP).header("Date", date)).await;
            assert_eq!(answer.status, 200, "{date}: {answer}");
        }
    }
    assert!(world.log.verified().is_whole());
}

/// C6: where signatures count, and nowhere else.
#[tokio::test]
async fn signatures_are_not_judged_by_a_clock_that_is_too_far_off() {
    let source = Source::start(7_200_000);
    let signed = World::consumer_and_provider().agreement_with("address-lookup", |text| {
        text["protection"]["signatures"] = serde_json::json!({ "messages": ["requests"] });
    });
    let world = watching(signed, std::slice::from_ref(&source)).start().await;
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 0).await;
    let refused = world.consumer.asks(&Ask::get(LOOKUP)).await;
    assert_eq!(refused.to_string(), "503 clock-untrusted");
    assert_eq!(world.log.refused(refused.exchange()).unwrap().code, "clock-untrusted");
    source.says(0);
    until_metric(&world, "kelisim_clock_trusted", |trusted| trusted == 1).await;
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.to_string(), "403 message-unsigned");
}
