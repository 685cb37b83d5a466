//! The record over the years, with the real binary: archived, held, pruned, proven, brought back.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::{
    Command, Fingerprint, LiftingText, Order, PrescriptionNumber, PrescriptionText, Side, Target, Words,
};
use gateway::exchange_index::Journal;
use gateway::exchange_log::{Closing, ExchangeLog, LogConfig, Opening, Outcome, Sealing, read_keys};
use jiff::Timestamp;
use serde_json::Value;
use tests::world::sample::{self, LOOKUP, address_record};
use tests::world::{Ask, Reply, World, kelisim};
use uuid::Uuid;

/// As the gateway wrote it six years ago: exchanges under the agreement, in segments of 128 KiB.
async fn of_2020(world: &World, exchanges: usize) {
    let config = &world.config;
    let keys: Vec<_> = config.log.keys.iter().map(|path| config.path(path)).collect();
    let sealing = Sealing {
        keys: read_keys(&keys, &config.log.origin).unwrap(),
        outside: config.path(&config.log.last_checkpoint),
        every: std::time::Duration::from_secs(3_600),
    };
    let (log, _) = ExchangeLog::start(LogConfig {
        segment_bytes: 128 << 10,
        sealing: Some(std::sync::Arc::new(sealing)),
        ..LogConfig::new(config.path(&config.log.dir), config.log.origin.clone(), then)
    })
    .unwrap();
    let port = log.port();
    let dispatcher = port.clone();
    let dispatcher = tokio::spawn(async move { dispatcher.run().await });
    for _ in 0..exchanges {
        let opened = port.open(&opening()).await.unwrap();
        opened.close(&Closing::bare(then(), Outcome::Completed));
    }
    dispatcher.abort();
    drop(port);
    tokio::task::spawn_blocking(move || log.shutdown()).await.unwrap();
}

fn then() -> Timestamp {
    "2020-03-01T00:00:00Z".parse().unwrap()
}

fn opening() -> Opening<'static> {
    Opening {
        exchange: Uuid::now_v7(),
        at: then(),
        consumer: sample::PORTAL.into(),
        consumer_holder: sample::MINISTRY.into(),
        provider: sample::REGISTER.into(),
        provider_holder: sample::AGENCY.into(),
        data_type: "address".into(),
        data_type_version: "1".into(),
        operation: "lookup".into(),
        environment: "production".into(),
        method: None,
        agreement: "address-lookup".into(),
        agreement_version: 1,
        purpose: "delivery".into(),
        collection_purpose: None,
        basis: "hr-order 2003-07-08 16".into(),
        user: None,
        user_address: None,
        peer_address: "127.0.0.1".parse().unwrap(),
        certificate: Fingerprint::new([7; 32]),
        case: None,
        logical_part: None,
        subject: None,
        category: "restricted".into(),
        request_digest: None,
        request_bytes: 0,
        registry_revision: 1,
        traceparent: None,
    }
}

async fn told(world: &World, exit: i32, words: &[&str]) -> Value {
    let dir = world.path().to_str().unwrap().to_owned();
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let asked = words.clone();
    let (status, said) = tokio::task::spawn_blocking(move || {
        let mut line: Vec<&str> = asked.iter().map(String::as_str).collect();
        line.extend(["--json", "--dir", &dir]);
        kelisim(&line)
    })
    .await
    .unwrap();
    assert_eq!(status.code(), Some(exit), "{words:?}: {said}");
    serde_json::from_str(&said).unwrap_or_default()
}

/// D2, D3, E2: by the command line, against the registry's own agreements and the regulator's own orders.
#[tokio::test]
async fn a_record_is_archived_then_pruned_when_nothing_holds_it_and_brought_back_for_an_inquiry() {
    let mut world = World::consumer_and_provider().agreement("address-lookup").found();
    of_2020(&world, 900).await;
    let archived = told(&world, 0, &["log", "archive"]).await;
    assert!(archived["segments"].as_array().unwrap().len() > 3, "{archived}");

    let words = |text: &str| Words::new(text).unwrap();
    let number = PrescriptionNumber::new("p-1").unwrap();
    let prescription = PrescriptionText {
        prescription: number.clone(),
        against: Target::System(sample::system(sample::PORTAL)),
        order: Order::KeepRecord,
        reason: words("inquiry 12"),
        clause: words("HR 27"),
        appeal: words("to the court"),
    };
    let signer = world.regulator.signer();
    let signed =
        world.regulator.registry().with(|office| office.sign_value(&prescription, Side::Regulator, signer));
    world.regulator.issues(Command::IssuePrescription { prescription, signature: signed.unwrap() });
    let held = told(&world, 0, &["log", "prune", "--dry-run"]).await;
    assert_eq!(held["to"], 0);
    assert!(held["blocked_by"].as_str().unwrap().contains("held by prescription p-1"), "{held}");

    let lifting = LiftingText { lifts: number, reason: words("closed") };
    let signed =
        world.regulator.registry().with(|office| office.sign_value(&lifting, Side::Regulator, signer));
    world.regulator.issues(Command::LiftPrescription { lifting, signature: signed.unwrap() });
    told(&world, 2, &["log", "prune"]).await;
    let pruned = told(&world, 0, &["log", "prune", "--reason", "retention of 2020 ended"]).await;
    let minimum = pruned["to"].as_u64().unwrap();
    assert!(minimum > 1_000, "{pruned}");
    let verified = told(&world, 0, &["log", "verify"]).await;
    assert_eq!((&verified["whole"], verified["minimum"].as_u64()), (&true.into(), Some(minimum)));

    world.start_again();
    world.provider.acts(|_| Reply::Json(200, address_record()));
    let answer = world.consumer.asks(&Ask::get(LOOKUP)).await;
    assert_eq!(answer.status, 200, "{answer}");
    let regulator = world.program(&world.regulator);
    assert_eq!(regulator.get("/v1/log/entries/7/proof").await.outcome(), "410 archived");
    assert_eq!(regulator.get("/v1/log/tile/entries/000").await.outcome(), "404 not-found");
    world.stop();

    let restored = told(&world, 0, &["log", "restore-archive", "--reason", "inquiry 13"]).await;
    assert_eq!(restored["minimum"], 0);
    let verified = told(&world, 0, &["log", "verify"]).await;
    assert_eq!((&verified["whole"], &verified["minimum"]), (&true.into(), &0.into()));
    assert!(verified["entries"].as_u64().unwrap() > 1_800);
    let journal = world.config.path(&world.config.log.keeping.journal);
    assert_eq!(Journal::at(&journal).verify().unwrap(), 3, "archived, pruned, restored");
}

/// D2: what an agreement asks for counts, and the gateway archives by itself.
#[tokio::test]
async fn a_running_gateway_archives_and_what_is_young_stays() {
    let mut world = World::consumer_and_provider().agreement("address-lookup").found();
    of_2020(&world, 300).await;
    world.start_again();
    let ledger = world.config.path(&world.config.log.dir).join("archived.jsonl");
    tests::world::wait::until("segments in the archive", || ledger.exists().then_some(())).await;
    world.stop();
    let years = "\n[log.keeping]\nyears = 50\n";
    let file = world.folder.config_path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + years).unwrap();
    let young = told(&world, 0, &["log", "prune", "--dry-run"]).await;
    assert_eq!(young["to"], 0);
    assert!(young["blocked_by"].as_str().unwrap().contains("until the end of 2070-03-01"), "{young}");
}
