//! A registry that cannot be read, or was changed behind the program's back (promise 2; B3, B4; DESIGN, "Registry").
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::{Command, Event, Recorded};
use gateway::app::App;
use gateway::registry::Store as _;
use gateway::registry::sqlite::SqliteStore;
use rusqlite::Connection;
use serde_json::json;
use tests::world::sample::{self, LOOKUP};
use tests::world::wait::within;
use tests::world::{Answer, Ask, Line, Plan, World};

/// DESIGN, "Registry": a node that cannot confirm the newest revision refuses after its lease.
#[tokio::test]
async fn unreadable_registry_stops_exchanges_after_the_lease_and_a_readable_one_lets_them_go_on() {
    let world = agreed().configure(|config| config.registry.lease_seconds = 1).start().await;
    let mut line = world.consumer.connect().await;
    let registry = opened(&world);
    registry.execute_batch("ALTER TABLE events RENAME TO elsewhere").unwrap();
    assert_eq!(line.ask(&lookup()).await.status, 200, "within the lease what was read holds");
    let refused = until(&mut line, |answer| answer.refusal().is_some()).await;
    assert_eq!(refused.to_string(), "503 registry-unconfirmed");
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert!(world.operations("/ready").await.starts_with("HTTP/1.1 503"));
    registry.execute_batch("ALTER TABLE elsewhere RENAME TO events").unwrap();
    until(&mut line, |answer| answer.status == 200).await;
    assert!(world.operations("/ready").await.starts_with("HTTP/1.1 200"));
}

/// DESIGN, "Registry": SQLite would go on with the file that it opened, in which no revocation ever comes.
#[tokio::test]
async fn replaced_registry_file_is_not_believed_after_the_lease() {
    let world = agreed().configure(|config| config.registry.lease_seconds = 1).start().await;
    let mut line = world.consumer.connect().await;
    assert_eq!(line.ask(&lookup()).await.status, 200);
    let path = world.config.path(&world.config.registry.path);
    let copy = path.with_extension("copy");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::rename(&copy, &path).unwrap();
    let refused = until(&mut line, |answer| answer.refusal().is_some()).await;
    assert_eq!(refused.to_string(), "503 registry-unconfirmed");
}

/// B2.7: an agreement may ask for less than the node's lease.
#[tokio::test]
async fn agreement_with_a_shorter_lease_is_refused_sooner_than_others() {
    let short = World::consumer_and_provider()
        .agreement_with("address-lookup", |text| text["protection"]["lease_seconds"] = json!(1))
        .agreement_with("address-lookup", |text| {
            text["number"] = json!("address-lookup-at-leisure");
        });
    let world = short.configure(|config| config.registry.lease_seconds = 600).start().await;
    let mut line = world.consumer.connect().await;
    opened(&world).execute_batch("ALTER TABLE events RENAME TO elsewhere").unwrap();
    let under = |number: &str| lookup().header("Kelisim-Agreement", number);
    let refused = within("a refusal", async {
        loop {
            let answer = line.ask(&under("address-lookup")).await;
            if answer.refusal().is_some() {
                return answer;
            }
        }
    })
    .await;
    assert_eq!(refused.to_string(), "503 registry-unconfirmed");
    assert_eq!(line.ask(&under("address-lookup-at-leisure")).await.status, 200);
}

/// DESIGN, "Registry": an edit behind the program's back is found, and not followed.
#[tokio::test]
async fn event_that_was_slipped_in_is_not_followed_and_nothing_after_it() {
    let world = agreed().configure(|config| config.registry.lease_seconds = 1).start().await;
    world.regulator.suspend("address-lookup").await;
    let mut line = world.consumer.connect().await;
    assert_eq!(line.ask(&lookup()).await.refusal(), Some("agreement-suspended"));
    let resumed = world.regulator.registry().with(|office| {
        let (sequence, at) = (office.registry().revision() + 1, gateway::clock::now());
        let event = Event::AgreementResumed { number: sample::number("address-lookup"), version: 1 };
        Recorded { sequence, at, actor: world.regulator.actor().clone(), reason: "slipped in".into(), event }
    });
    let slip = "INSERT INTO events (sequence, body, hash) VALUES (?1, ?2, zeroblob(32))";
    let body = serde_json::to_string(&resumed).unwrap();
    opened(&world).execute(slip, rusqlite::params![resumed.sequence, body]).unwrap();
    let refused = until(&mut line, |answer| answer.refusal() != Some("agreement-suspended")).await;
    assert_eq!(
        refused.refusal(),
        Some("registry-unconfirmed"),
        "never resumed, and after the lease not even asked"
    );
}

/// DESIGN, "Registry": and at the next start it keeps the gateway from starting.
#[tokio::test]
async fn event_that_was_edited_keeps_the_gateway_from_starting_on_it() {
    let world = agreed().found();
    let registry = opened(&world);
    registry.execute_batch("DROP TRIGGER events_are_never_edited").unwrap();
    let edited = "UPDATE events SET body = replace(body, 'Astana', 'Almaty') || ' ' WHERE sequence = 3";
    assert_eq!(registry.execute(edited, []).unwrap(), 1);
    let error = App::start(&world.config).map(drop).unwrap_err();
    assert!(gateway::telemetry::chain(&error).contains("event 3"), "{error:?}");
}

/// B3, B4: who can write the registry's file, chain and all, still cannot make an agreement.
#[tokio::test]
async fn agreement_whose_text_or_signature_was_changed_is_not_believed_even_if_the_chain_fits() {
    for (what, from, to) in [
        ("a wider grant", r#"\"/code\""#, r#"\"\"    "#),
        ("another signature", r#""signature":""#, r#""signature":"AAAA"#),
    ] {
        let mut world = agreed().found();
        let path = world.config.path(&world.config.registry.path);
        let mut changed = 0;
        let events: Vec<Recorded> = SqliteStore::open(&path)
            .unwrap()
            .read(0, 10_000)
            .unwrap()
            .iter()
            .map(|event| {
                let body = serde_json::to_string(event).unwrap();
                let tampered = body.replacen(from, to, 1);
                changed += usize::from(body != tampered);
                serde_json::from_str(&tampered).unwrap()
            })
            .collect();
        assert!(changed > 0, "{what}");
        let forged = world.path().join("forged.sqlite");
        SqliteStore::create(&forged).unwrap().append(0, &events).unwrap();
        world.config.registry.path = forged;
        world.start_again();
        assert_eq!(world.consumer.asks(&lookup()).await.refusal(), Some("agreement-unproven"), "{what}");
        assert_eq!(world.provider.seen().len(), 0, "{what}");
    }
}

/// Promise 2: whatever decided before a restart is what decides after it.
#[tokio::test]
async fn gateway_that_starts_again_finds_registry_and_log_as_it_left_them() {
    let mut world = agreed().start().await;
    let before = world.consumer.asks(&lookup()).await;
    world
        .regulator
        .issues(Command::SuspendAgreement { number: sample::number("address-lookup"), version: 1 });
    world.start_again();
    assert_eq!(world.consumer.asks(&lookup()).await.refusal(), Some("agreement-suspended"));
    assert!(world.log.opening(before.exchange()).is_some());
    assert!(world.log.verified().is_whole());
}

fn opened(world: &World) -> Connection {
    Connection::open(world.config.path(&world.config.registry.path)).unwrap()
}

async fn until(line: &mut Line, wanted: impl Fn(&Answer) -> bool) -> Answer {
    within("another answer", async {
        loop {
            let answer = line.ask(&lookup()).await;
            if wanted(&answer) {
                return answer;
            }
        }
    })
    .await
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

fn lookup() -> Ask {
    Ask::get(LOOKUP)
}
