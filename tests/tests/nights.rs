//! What somebody on call meets at night: a start that must not happen, an end that nobody saw coming, a stop that cuts.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs;
use std::io::Write as _;

use agreements::{Command, Holder};
use gateway::app::{App, AppError};
use gateway::exchange_log::{Outcome, Record};
use gateway::registry::sqlite;
use tests::world::sample::{self, LOOKUP, address_record};
use tests::world::wait::{until, within};
use tests::world::{Ask, Hold, Plan, Process, Reply, World, kelisim};

/// D1: what was exchanged and what was undone since would be decided on anew, by rules of before.
#[tokio::test]
async fn gateway_does_not_start_on_a_registry_older_than_its_log() {
    let mut world = agreed().found();
    let registry = world.config.path(&world.config.registry.path);
    let older = world.path().join("older");
    sqlite::copy(&registry, &older, &mut |_, _| {}).unwrap();
    let later = Holder { bin: sample::bin("000140000055"), name: "Later".into(), region: None };
    world.administrator.issues(Command::RegisterHolder { holder: later });
    world.start_again();
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
    world.stop();
    let entries = world.log.entries().len();
    for ending in ["-wal", "-shm"] {
        drop(fs::remove_file(world.path().join(format!("registry.sqlite{ending}"))));
    }
    fs::rename(&older, &registry).unwrap();

    let Err(AppError::RegistryWentBack { registry, log }) = App::start(&world.config) else {
        panic!("it started");
    };
    assert_eq!(registry + 1, log);
    assert_eq!(world.log.entries().len(), entries, "nothing was written");
    let config = world.folder.config_path();
    let (status, said) = kelisim(&["check-config", "--json", "--config", config.to_str().unwrap()]);
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("it is an older one"), "{said}");
}

/// A start that takes long is seen as one: alive, and not ready before every face listens.
#[tokio::test]
async fn gateway_is_not_ready_while_it_starts() {
    let mut world = agreed().found();
    let operations = reserved();
    let mut config = world.config.clone();
    config.operations.listen = operations.local_addr().unwrap().as_socket().unwrap();
    let certificate = config.path(&config.identity.certificate);
    let pem = fs::read(&certificate).unwrap();
    // Whoever reads it waits until somebody writes.
    config.identity.certificate = world.path().join("slow.pem");
    let slow = config.identity.certificate.clone();
    assert!(std::process::Command::new("mkfifo").arg(&slow).status().unwrap().success());
    let at = config.operations.listen;
    let starting = tokio::task::spawn_blocking(move || App::start(&config).unwrap());
    let opened = tokio::task::spawn_blocking(move || fs::File::options().write(true).open(&slow).unwrap());
    let mut writing = within("the gateway to read its certificate", opened).await.unwrap();
    world.moves_to(at, at);
    let said = world.operations("/ready").await;
    assert!(said.contains(" 503 ") && said.contains("not ready: starting"), "{said}");
    assert!(world.operations("/live").await.contains(" 200 "));
    assert!(world.operations("/metrics").await.contains(" 200 "));
    writing.write_all(&pem).unwrap();
    drop(writing);
    let app = within("the gateway to start", starting).await.unwrap();
    world.moves_to(app.exchange_address(), app.operations_address());
    assert!(world.operations("/ready").await.contains(" 200 "));
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
    app.stop();
}

/// An address that nobody else gets, and on which nobody listens yet.
fn reserved() -> socket2::Socket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket
}

/// C3, D1: what a kill left is said at the next start, with how it is found.
#[tokio::test]
async fn gateway_that_was_killed_says_at_its_next_start_what_it_closed() {
    let mut world = agreed().found();
    let config = world.folder.config_path();
    let lines = world.path().join("lines");
    let first = Process::start_telling(&config, &lines);
    world.moves_to(first.exchange, first.operations);
    let hold = Hold::default();
    world.provider.replies(hold.on(Reply::Json(200, address_record())));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(LOOKUP).wire("gateway")).await;
    world.provider.until_seen(1).await;
    first.kill();
    assert!(!fs::read_to_string(&lines).unwrap().contains("did not end in good order"));
    let second = Process::start_telling(&config, &lines);
    let said = fs::read_to_string(&lines).unwrap();
    let warning = said.lines().find(|line| line.contains("did not end in good order")).unwrap_or_default();
    assert!(warning.contains("WARN") && warning.contains("\"log.closed_as_unknown\":1"), "{said}");
    assert!(warning.contains("kelisim log search --outcome unsettled"), "{said}");
    assert!(second.terminate().success());
    Process::start_telling(&config, &lines).terminate();
    assert!(!fs::read_to_string(&lines).unwrap().contains("did not end in good order"), "once");
}

/// A3: lists and certificates end by themselves, and exchange with them: monitors see both coming, and having come.
#[tokio::test]
async fn monitors_see_that_a_revocation_list_or_the_gateways_certificate_ends() {
    let mut world = agreed().found();
    let Some((clock, _gateway)) = world.stepped() else { return };
    let left = async |what: &str| {
        let metrics = world.metrics().await;
        let name = format!("kelisim_end_seconds{{what=\"{what}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<i64>().ok()).unwrap()
    };
    const DAY: i64 = 24 * 3_600;
    assert!((29 * DAY..=30 * DAY).contains(&left("revocation-list").await));
    assert!((364 * DAY..=365 * DAY).contains(&left("certificate").await));
    assert!(left("authority").await > 30 * DAY);
    let said = world.operations("/ready").await;
    assert!(said.contains(" 200 ") && !said.contains("ends at"), "{said}");

    clock.step(25 * 24);
    let said = world.operations("/ready").await;
    assert!(said.contains(" 200 ") && said.contains("revocation list 1 ends at"), "{said}");
    clock.step(31 * 24);
    assert!(left("revocation-list").await < 0);
    let said = world.operations("/ready").await;
    assert!(said.contains(" 503 ") && said.contains("no revocation list is in force since"), "{said}");
    clock.step(366 * 24);
    assert!(left("certificate").await < 0);
    let said = world.operations("/ready").await;
    assert!(
        said.contains(" 503 ") && said.contains("not ready: the gateway's certificate ends at"),
        "{said}"
    );
    clock.step(0);
    assert!(world.operations("/ready").await.contains(" 200 "));

    let lists = world.authority.crls_path();
    let whole = fs::read(&lists).unwrap();
    fs::write(&lists, "").unwrap();
    until_operations(&world, "/ready", "what was read before is in force").await;
    assert!(world.metrics().await.contains("kelisim_trust_sound 0"));
    fs::write(&lists, whole).unwrap();
    within("the lists to be read again", async {
        while !world.metrics().await.contains("kelisim_trust_sound 1") {}
    })
    .await;
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
}

async fn until_operations(world: &World, path: &str, text: &str) {
    within(text, async { while !world.operations(path).await.contains(text) {} }).await;
}

/// C3, D1: a caller whose provider does not answer before the gateway ends has a number to ask about.
#[tokio::test]
async fn stop_that_waits_for_a_provider_in_vain_answers_the_caller_with_the_exchanges_number() {
    let mut world = agreed().configure(|config| config.exchange.limits.drain_timeout_ms = 50).start().await;
    let hold = Hold::default();
    world.provider.replies(hold.on(Reply::Json(200, address_record())));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(LOOKUP).wire("gateway")).await;
    let seen = world.provider.until_seen(1).await;
    let app = world.app.take().unwrap();
    let stopping = tokio::task::spawn_blocking(move || app.stop());
    let answer = line.answer().await.unwrap();
    assert_eq!((answer.status, answer.refusal()), (504, Some("provider-timeout")), "{answer}");
    assert_eq!(answer.exchange(), seen[0].exchange());
    within("the gateway to stop", stopping).await.unwrap();
    let closed = until("the closing", || {
        world.log.entries().into_iter().find_map(|entry| match entry.record {
            Record::Closing { closing, .. } => Some(closing.outcome),
            Record::Opening(_) | Record::Refused(_) | Record::Segment(_) => None,
        })
    });
    assert_eq!(closed.await, Outcome::Timeout, "nobody knows whether the provider acted");
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}
