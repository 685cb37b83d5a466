//! The record over the years, with the real binary: archived, held, pruned, proven, brought back.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::{Command, LiftingText, Order, PrescriptionNumber, PrescriptionText, Side, Target, Words};
use gateway::exchange_index::Journal;
use gateway::exchange_log::{
    Closing, ExchangeLog, LogConfig, Opening, Outcome, Sealing, Wanted, read_keys, receipt_of,
};
use gateway::personal::PersonalKeys;
use gateway::transparency::policy::Policy;
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::world::sample::{self, LOOKUP, address_record};
use tests::world::{Ask, Reply, World, kelisim};
use uuid::Uuid;

/// As the gateway wrote it six years ago: exchanges under the agreement, in segments of 128 KiB.
async fn of_2020(world: &World, exchanges: usize, opening: impl Fn() -> Opening<'static>) {
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
        consumer: sample::PORTAL.into(),
        consumer_holder: sample::MINISTRY.into(),
        provider: sample::REGISTER.into(),
        provider_holder: sample::AGENCY.into(),
        data_type: "address".into(),
        data_type_version: "1".into(),
        operation: "lookup".into(),
        environment: "production".into(),
        agreement: "address-lookup".into(),
        agreement_version: 1,
        purpose: "delivery".into(),
        basis: "hr-order 2003-07-08 16".into(),
        category: "restricted".into(),
        registry_revision: 1,
        ..Opening::bare(Uuid::now_v7(), then())
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
    of_2020(&world, 900, opening).await;
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
    of_2020(&world, 300, opening).await;
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

/// D1, D4: official, address and case stand in the entry as a ciphertext, found and shown as long as there is its key.
#[tokio::test]
async fn personal_parts_are_sealed_where_the_category_says_so_and_found_all_the_same() {
    let mut world = World::consumer_and_provider()
        .agreement("person-records")
        .official("a.serik")
        .configuration("\n[log.keeping]\nerasable = [\"confidential\"]\n")
        .found();
    world.config = world.folder.config().unwrap();
    world.start_again();
    world.provider.acts(|_| Reply::Json(200, json!({ "name": "A. Person" })));
    let ask = Ask::get("/address-register/person/persons/860101300126");
    let ask = ask.header("Kelisim-Case", "12-34%2F2026").header("Kelisim-User", "a.serik");
    let answer = world.consumer.asks(&ask.header("Kelisim-User-Address", "10.1.2.3")).await;
    assert_eq!(answer.status, 200, "{answer}");
    let refused = world.consumer.asks(&Ask::get(LOOKUP).header("Kelisim-User", "b.aigul")).await;
    assert!(refused.refusal().is_some(), "{refused}");
    let lines: String = world.log.entries().into_iter().map(|entry| entry.line).collect();
    for said in ["a.serik", "10.1.2.3", "12-34/2026", "b.aigul"] {
        assert!(!lines.contains(said), "{said} stands in the log");
    }
    let regulator = world.program(&world.regulator);
    let found = tests::world::wait::within("the index to find the official", async {
        loop {
            let body = regulator.get("/v1/exchanges?user=a.serik&case=12-34%2F2026").await.json();
            if body["items"].as_array().is_some_and(|items| !items.is_empty()) {
                return body;
            }
            tokio::time::sleep(tests::world::wait::PAUSE).await;
        }
    })
    .await;
    let entry = &found["items"][0]["entry"];
    assert_eq!((&entry["user"], &entry["user_address"]), (&"a.serik".into(), &"10.1.2.3".into()));
    assert!(entry["sealed"].as_str().unwrap().starts_with("confidential-"));
    world.stop();
    assert!(world.log.verified().is_whole());
    let index = std::fs::read(world.path().join("log.index")).unwrap();
    assert!(!index.windows(7).any(|bytes| bytes == b"a.serik"), "nor in the index");
    let listed = told(&world, 0, &["log", "erase"]).await;
    let key = listed[0]["key"].as_str().unwrap();
    told(&world, 1, &["log", "erase", key, "--reason", "too-early"]).await;
}

/// D2, D3, D4
#[tokio::test]
async fn destroying_a_key_erases_what_it_sealed_and_every_proof_stays_true() {
    let world = World::consumer_and_provider().agreement("address-lookup").found();
    let folder = world.config.path(&world.config.log.keeping.personal_keys);
    let keys = PersonalKeys::open(&folder, ["restricted".to_owned()].into(), then()).unwrap();
    let exchange = Uuid::now_v7();
    let sealed = keys.seal("restricted", then(), exchange, [Some("a.serik"), None, Some("17")]);
    of_2020(&world, 1, || Opening { exchange, sealed: sealed.clone().map(Into::into), ..opening() }).await;
    let id = exchange.to_string();
    let shown = told(&world, 0, &["log", "show", "--exchange", &id]).await;
    let opening = shown["entries"][0].clone();
    assert_eq!((&opening["user"], &opening["case"]), (&"a.serik".into(), &"17".into()));
    let looks: [&[&str]; 3] = [
        &["log", "search", "--exchange", &id],
        &["log", "search", "--limit", "9"],
        &["log", "tail", "-n", "9"],
    ];
    let told_of = async |sealed: &Value| {
        for look in looks {
            let told = told(&world, 0, look).await;
            assert!(told.as_array().unwrap().contains(sealed), "{look:?}: {told}");
        }
    };
    // First by a walk through the log, then by the index.
    told_of(&opening).await;
    told(&world, 0, &["log", "index"]).await;
    told_of(&opening).await;
    let dir = world.config.path(&world.config.log.dir);
    let policy: Policy = std::fs::read_to_string(world.path().join("log.policy")).unwrap().parse().unwrap();
    let before = receipt_of(&dir, Wanted::Exchange(exchange)).unwrap();

    let file = world.folder.config_path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[log.keeping]\nyears = 50\n")).unwrap();
    let kept = told(&world, 1, &["log", "erase", "restricted-2020-03", "--reason", "asked"]).await;
    assert!(kept["blocked_by"].as_str().unwrap().contains("2070"), "{kept}");
    std::fs::write(&file, text).unwrap();
    told(&world, 2, &["log", "erase", "restricted-2020-03"]).await;
    told(&world, 0, &["log", "erase", "restricted-2020-03", "--reason", "retention-ended"]).await;

    let shown = told(&world, 0, &["log", "show", "--exchange", &id]).await;
    assert_eq!(shown["entries"][0]["personal"], "erased");
    assert!(shown["entries"][0].get("user").is_none());
    told(&world, 0, &["log", "index", "--rebuild"]).await;
    told_of(&shown["entries"][0]).await;
    let found = told(&world, 0, &["log", "search", "--user", "a.serik", "--decision", "permit"]).await;
    assert_eq!(found, json!([]));
    let verified = told(&world, 0, &["log", "verify"]).await;
    assert_eq!(verified["whole"], true);
    for receipt in [before, receipt_of(&dir, Wanted::Exchange(exchange)).unwrap()] {
        receipt.verify(receipt.extra.as_deref().unwrap(), &policy).unwrap();
    }
    let journal = std::fs::read_to_string(world.config.path(&world.config.log.keeping.journal)).unwrap();
    assert!(journal.contains("restricted-2020-03") && journal.contains("retention-ended"), "{journal}");
}
