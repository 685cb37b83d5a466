//! Between gateway and provider: connections kept, calls sent once, deadlines, and providers that misbehave.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::{Command, Endpoint};
use certs::authority::Authority;
use certs::tls::Identity;
use gateway::clock;
use gateway::exchange_log::Outcome;
use serde_json::Value;
use tests::world::sample::{self, ADDRESSES, LOOKUP, REGISTER, address_record, correction};
use tests::world::wait::{until, within};
use tests::world::{Ask, Hold, Plan, Process, Provider, Reply, World};

/// DESIGN, "The path of a call": retried only if safe.
#[tokio::test]
async fn get_on_a_connection_that_went_stale_is_asked_once_more_on_a_fresh_one() {
    let world = agreed().start().await;
    // The first connection answers once, and is gone when it is used again.
    world.provider.acts(|seen| if (seen.connection, seen.ordinal) == (0, 1) { broken() } else { good() });
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
    let answer = world.consumer.asks(&lookup()).await;
    assert_eq!(answer.status, 200);
    let seen = world.provider.seen();
    assert_eq!(seen.iter().filter(|seen| seen.exchange() == answer.exchange()).count(), 2);
    assert_eq!(world.log.of(answer.exchange()).len().min(1), 1, "one entry for both");
}

/// DESIGN, "The path of a call": and no more than once.
#[tokio::test]
async fn get_that_fails_on_the_fresh_connection_too_is_not_asked_a_third_time() {
    let world = agreed().start().await;
    world.provider.acts(|seen| if (seen.connection, seen.ordinal) == (0, 0) { good() } else { broken() });
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
    let answer = world.consumer.asks(&lookup()).await;
    assert_eq!(answer.to_string(), "502 provider-failed");
    assert_eq!(world.provider.seen().len(), 3);
    assert_eq!(world.log.closing(answer.exchange()).await.outcome, Outcome::ProviderFailed);
}

/// RFC 9110 §9.2.2: what may have been sent is not sent again unless asking twice is asking once.
#[tokio::test]
async fn post_that_may_have_been_sent_is_never_sent_twice() {
    let world = agreed().start().await;
    world.provider.acts(|seen| if (seen.connection, seen.ordinal) == (0, 1) { broken() } else { good() });
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
    let answer = world.consumer.asks(&Ask::post(ADDRESSES, &correction())).await;
    assert_eq!(answer.to_string(), "502 provider-failed");
    assert_eq!(world.provider.seen().len(), 2);
    let again = world.consumer.asks(&Ask::post(ADDRESSES, &correction())).await;
    assert_eq!(again.status, 200, "the next one gets a fresh connection");
}

/// C8, RFC 9110 §9.2.2: a key keeps the first outcome; of two attempts, nobody would know which it was.
#[tokio::test]
async fn delete_under_a_key_is_never_sent_twice_and_one_without_may_be() {
    let item = format!("{ADDRESSES}/7");
    let removes = || Ask::new("DELETE", &item);
    for (ask, told, times) in [(removes(), 204, 3), (removes().header("Idempotency-Key", "\"k-1\""), 502, 2)]
    {
        let world = agreed().start().await;
        world.provider.acts(|seen| match (seen.connection, seen.ordinal) {
            (0, 1) => broken(),
            _ if seen.head[0].starts_with("DELETE ") => Reply::With(204, vec![], vec![]),
            _ => good(),
        });
        assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.status, told, "{answer}");
        assert_eq!(world.provider.seen().len(), times);
    }
}

#[tokio::test]
async fn provider_that_says_close_is_dialled_anew_and_nothing_is_lost_or_doubled() {
    let world = agreed().start().await;
    let headers = vec![("Content-Type", "application/json".to_owned()), ("Connection", "close".to_owned())];
    world.provider.replies(Reply::With(200, headers, address_record().to_string().into_bytes()));
    for count in 1..=5 {
        assert_eq!(world.consumer.asks(&Ask::post(ADDRESSES, &correction())).await.status, 200);
        assert_eq!((world.provider.seen().len(), world.provider.connections()), (count, count));
    }
}

#[tokio::test]
async fn connection_to_the_provider_is_kept_from_call_to_call_and_consumer_to_consumer() {
    let world = agreed().start().await;
    for _ in 0..10 {
        assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
    }
    assert_eq!(world.provider.connections(), 1);
}

/// A6, promise 2: for providers too.
#[tokio::test]
async fn provider_whose_certificate_is_revoked_is_not_asked_over_the_connection_that_is_open() {
    let world = agreed().start().await;
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
    let serial = world.regulator.registry().with(|office| {
        office.registry().system(&sample::system(REGISTER)).unwrap().certificates[0].serial.clone()
    });
    world.authority.revoke(&serial, clock::now()).unwrap();
    let refused = within("a refusal", async {
        loop {
            let answer = world.consumer.asks(&lookup()).await;
            if answer.refusal().is_some() {
                return answer;
            }
        }
    })
    .await;
    assert_eq!(refused.to_string(), "502 provider-not-trusted");
    let asked = world.provider.seen().len();
    assert_eq!(world.consumer.asks(&lookup()).await.to_string(), "502 provider-not-trusted");
    assert_eq!(world.provider.seen().len(), asked);
}

/// C1, promise 3: who answers is what the certificate says, bound in the registry.
#[tokio::test]
async fn impostors_of_the_provider_get_nothing_of_the_call() {
    let world = agreed().start().await;
    let (_, unbound) = world.certificate(REGISTER);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Authority::create(&elsewhere.path().join("other"), clock::now()).unwrap();
    let request = certs::authority::SystemRequest {
        code: REGISTER.into(),
        bin: sample::bin(sample::AGENCY),
        organisation: "Agency".into(),
        names: vec!["localhost".into()],
        days: 1,
    };
    let issued = other.issue_system(&request, clock::now()).unwrap();
    let foreign = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
    for (what, identity) in [("not bound", unbound), ("of another authority", foreign)] {
        let impostor = world.stand_in(&identity);
        moves(&world, &impostor, "localhost").await;
        let answer = world.consumer.asks(&lookup()).await;
        assert_eq!(answer.to_string(), "502 provider-not-trusted", "{what}");
        assert_eq!(
            world.log.closing(answer.exchange()).await.outcome,
            Outcome::ProviderUnreachable,
            "{what}"
        );
        assert_eq!(impostor.seen().len(), 0, "{what}");
    }
    moves(&world, &world.provider, "register.example").await;
    let answer = world.consumer.asks(&lookup()).await;
    assert_eq!(answer.to_string(), "502 provider-not-trusted", "a certificate of another name");
    moves(&world, &world.provider, "localhost").await;
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
}

/// Every wait has a deadline: also for a provider that takes the connection and says nothing.
#[tokio::test]
async fn provider_that_never_shakes_hands_is_unreachable_by_the_deadline() {
    let world = agreed().configure(|config| config.exchange.limits.connect_timeout_ms = 150).start().await;
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let endpoint = Some(Endpoint { address, server_name: "localhost".into(), base_path: String::new() });
    let system = sample::system(REGISTER);
    world.integrator.issues(Command::UpdateSystem { system, networks: None, endpoint });
    world.ready("address-lookup").await;
    assert_eq!(world.consumer.asks(&lookup()).await.to_string(), "502 provider-unreachable");
}

/// Promise 7: providers are peers too.
#[tokio::test]
async fn answer_that_is_no_answer_is_refused_and_its_connection_is_not_used_again() {
    let world = agreed().configure(|config| config.exchange.limits.provider_timeout_ms = 500).start().await;
    let json = "Content-Type: application/json\r\n";
    let endless = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-More: and more of it\r\n".repeat(10_000));
    for (bytes, shown) in [
        (String::new(), "502 provider-failed"),
        ("garbage without end of line".repeat(100), "502 provider-failed"),
        (format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 100\r\n\r\n{{\"code\":"), "502 provider-failed"),
        (
            format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"cod"),
            "502 provider-failed",
        ),
        (format!("HTTP/1.1 200 OK\r\n{json}Content-Length: nonsense\r\n\r\n{{}}"), "502 provider-failed"),
        (endless, "502 provider-failed"),
        (format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 99999999\r\n\r\n"), "502 response-too-large"),
        (format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2\r\n\r\n{{]"), "502 response-schema"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(), "502 response-media-type"),
    ] {
        let start: String = bytes.chars().take(60).collect();
        world.provider.replies(Reply::Bytes(bytes.into_bytes()));
        let answer = world.consumer.asks(&lookup()).await;
        assert_eq!(answer.to_string(), shown, "{start:?}");
        assert_eq!(world.log.code(answer.exchange()).await, answer.refusal().unwrap());
    }
    world.provider.replies(good());
    assert_eq!(world.consumer.asks(&lookup()).await.status, 200);
}

/// C3: RFC 9110 §8.3.1, media types know no case.
#[tokio::test]
async fn media_types_are_read_in_whatever_case_and_passed_on_as_agreed() {
    let world = agreed().start().await;
    let (address, correction) = (address_record().to_string(), correction().to_string());
    for spelt in ["Application/JSON", "application/Json; charset=utf-8"] {
        world.provider.replies(Reply::With(
            200,
            vec![("Content-Type", spelt.into())],
            address.clone().into(),
        ));
        let answer = world.consumer.asks(&lookup()).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/json")),
            "{answer}"
        );
        let post = Ask::new("POST", ADDRESSES).header("Content-Type", spelt).bytes(correction.as_bytes());
        assert_eq!(world.consumer.asks(&post).await.status, 200);
        assert_eq!(world.provider.seen().pop().unwrap().header("content-type"), Some("application/json"));
    }
    let problem = br#"{"title":"No such address"}"#.to_vec();
    let spelt = vec![("Content-Type", "Application/Problem+JSON".into())];
    world.provider.replies(Reply::With(404, spelt, problem.clone()));
    let answer = world.consumer.asks(&lookup()).await;
    assert_eq!((answer.status, answer.body), (404, problem));
}

#[tokio::test]
async fn answers_without_a_body_pass_as_such() {
    let world = agreed().start().await;
    world.provider.replies(Reply::With(204, vec![], vec![]));
    let removed = world.consumer.asks(&Ask::new("DELETE", LOOKUP)).await;
    assert_eq!((removed.status, removed.body.len(), removed.refusal()), (204, 0, None));
    let etag = ("ETag", "\"7\"".to_owned());
    world.provider.replies(Reply::With(304, vec![etag], vec![]));
    let same = world.consumer.asks(&lookup().header("If-None-Match", "\"7\"")).await;
    assert_eq!((same.status, same.header("etag")), (304, Some("\"7\"")));
}

/// D1: who goes away leaves a record that says so.
#[tokio::test]
async fn exchange_whose_consumer_went_away_is_closed_as_abandoned() {
    let world = agreed().start().await;
    let hold = Hold::default();
    world.provider.replies(hold.on(good()));
    let mut line = world.consumer.connect().await;
    line.send(&lookup().wire("gateway")).await;
    let seen = world.provider.until_seen(1).await;
    drop(line);
    assert_eq!(world.log.closing(seen[0].exchange()).await.outcome, Outcome::Abandoned);
    hold.release(1);
}

/// C3: many calls on one connection, none waiting for another.
#[tokio::test]
async fn hundred_streams_on_one_connection_are_under_way_at_once_and_a_slow_one_holds_up_nobody() {
    let world = agreed().start().await;
    let hold = Hold::default();
    let held = hold.clone();
    world.provider.acts(
        move |seen| {
            if seen.head[0].contains("/addresses/slow") { held.on(good()) } else { good() }
        },
    );
    let streams = world.consumer.connect_http2().await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let streams = streams.clone();
            tokio::spawn(
                async move { streams.ask(&Ask::get("/address-register/address/addresses/slow")).await },
            )
        })
        .collect();
    world.provider.until_seen(100).await;
    assert_eq!(streams.ask(&lookup()).await.status, 200, "passed by a hundred that wait");
    hold.release(100);
    for call in calls {
        assert_eq!(call.await.unwrap().status, 200);
    }
}

/// An idle connection gives its buffers back, and nobody notices.
#[tokio::test]
async fn connection_that_has_rested_works_again_as_often_as_it_likes() {
    let plan = agreed().configure(|config| {
        (config.exchange.limits.rest_after_ms, config.exchange.limits.head_timeout_ms) = (20, 150);
    });
    let world = plan.start().await;
    let mut line = world.consumer.connect().await;
    for _ in 0..3 {
        assert_eq!(line.ask(&lookup()).await.status, 200);
        // When a head's deadline has passed on another connection, this one has long been at rest.
        let mut clock = world.consumer.connect().await;
        clock.send(b"GET / HTTP/1.1\r\n").await;
        assert_eq!(clock.ends().await, 0);
    }
    let pipelined = lookup().wire("gateway").repeat(2);
    line.send(&pipelined).await;
    for _ in 0..2 {
        assert_eq!(line.answer().await.unwrap().status, 200);
    }
}

/// C3: stopping loses nothing that was begun.
#[tokio::test]
async fn gateway_that_stops_finishes_what_is_under_way_and_takes_nothing_new() {
    let mut world =
        agreed().configure(|config| config.exchange.limits.drain_timeout_ms = 20_000).start().await;
    let hold = Hold::default();
    world.provider.replies(hold.on(good()));
    let mut under_way = world.consumer.connect().await;
    under_way.send(&lookup().wire("gateway")).await;
    let mut idle = world.consumer.connect().await;
    let seen = world.provider.until_seen(1).await;
    let app = world.app.take().unwrap();
    let stopping = tokio::task::spawn_blocking(move || app.stop());
    within("the gateway to say that it stops", async {
        while !world.operations("/ready").await.contains("503") {}
    })
    .await;
    assert_eq!(idle.ends().await, 0, "who has nothing under way is let go");
    let late = match world.consumer.try_connect().await {
        Err(_) => true,
        Ok(mut line) => line.try_ask(&lookup()).await.is_err(),
    };
    assert!(late, "a new call was taken");
    hold.release(1);
    assert_eq!(under_way.answer().await.unwrap().status, 200);
    within("the gateway to stop", stopping).await.unwrap();
    assert_eq!(world.log.closing(seen[0].exchange()).await.outcome, Outcome::Completed);
    assert_eq!(world.provider.seen().len(), 1);
    let verified = world.log.verified();
    assert!(verified.is_whole() && verified.open_at_end == 0);
    until("the log's folder to be free", || gateway_starts(&world)).await;
}

fn gateway_starts(world: &World) -> Option<()> {
    gateway::app::App::start(&world.config).ok().map(drop)
}

async fn moves(world: &World, to: &Provider, server_name: &str) {
    let endpoint = Endpoint {
        address: to.address().to_string(),
        server_name: server_name.into(),
        base_path: "/api".into(),
    };
    let system = sample::system(REGISTER);
    world.integrator.issues(Command::UpdateSystem { system, networks: None, endpoint: Some(endpoint) });
    world.ready("address-lookup").await;
}

fn good() -> Reply {
    Reply::Json(200, address_record())
}

fn broken() -> Reply {
    Reply::Bytes(Vec::new())
}

/// On one runtime, so that its pool is the only one.
fn agreed() -> Plan {
    World::consumer_and_provider()
        .agreement("address-lookup")
        .configure(|config| config.exchange.runtimes = 1)
}

fn lookup() -> Ask {
    Ask::get(LOOKUP)
}

/// On call: which provider is down, and whose calls fail, stands in the line; what was asked about does not.
#[tokio::test]
async fn line_of_a_refusal_names_both_systems_and_the_data_type() {
    let mut world = agreed().found();
    world.provider.stops();
    let lines = world.path().join("lines");
    let gateway = Process::start_telling(&world.folder.config_path(), &lines);
    world.moves_to(gateway.exchange, gateway.operations);
    let secret = "860101300126";
    let path = format!("{ADDRESSES}/{secret}");
    for (ask, shown) in [
        (Ask::get(&path), "502 provider-unreachable"),
        (Ask::get(&format!("{path}?{secret}={secret}")), "400 parameter-not-declared"),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.to_string(), shown);
        let exchange = answer.exchange().to_string();
        let line: Value = until("the line", || {
            let text = std::fs::read_to_string(&lines).unwrap();
            // The last may be half written.
            let mut whole = text.rsplit_once('\n')?.0.lines();
            whole.find(|line| line.contains(&exchange)).map(|line| serde_json::from_str(line).unwrap())
        })
        .await;
        assert_eq!(line["consumer"], sample::PORTAL);
        assert_eq!(line["provider"], REGISTER);
        assert_eq!(line["data_type"], "address");
    }
    assert!(!std::fs::read_to_string(&lines).unwrap().contains(secret));
    assert!(gateway.terminate().success());
}
