//! Proofs of entries and parties' own records, as people and scripts use them: what is said, and how commands end.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use gateway::clock;
use gateway::config::Config;
use gateway::exchange_log::{Closing, ExchangeLog, LogConfig, Opening, Outcome, Sealing, Sha256, read_keys};
use jiff::Timestamp;
use uuid::Uuid;

use super::folder::{Folder, Said};

/// A data folder whose log has some exchanges, sealed.
struct Record {
    folder: Folder,
    origin: String,
    exchanges: Vec<(Uuid, Timestamp)>,
    policy: String,
}

impl Record {
    fn new() -> Self {
        let folder = Folder::new();
        let config = Config::load(&folder.path().join("kelisim.toml")).unwrap();
        let keys: Vec<_> = config.log.keys.iter().map(|path| config.path(path)).collect();
        let sealing = Sealing {
            keys: read_keys(&keys, &config.log.origin).unwrap(),
            outside: config.path(&config.log.last_checkpoint),
            every: Duration::from_secs(60),
        };
        let log = LogConfig {
            sealing: Some(Arc::new(sealing)),
            segment_bytes: 1 << 20,
            ..LogConfig::new(config.path(&config.log.dir), config.log.origin.clone(), clock::now)
        };
        let (log, _) = ExchangeLog::start(log).unwrap();
        let exchanges: Vec<_> = (0..5).map(|_| (Uuid::now_v7(), clock::now())).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let port = log.port();
            let dispatcher = port.clone();
            let running = tokio::spawn(async move { dispatcher.run().await });
            for (exchange, at) in &exchanges {
                let entry = port.open(&opening(*exchange, *at)).await.unwrap();
                let closing = Closing {
                    response_digest: Some(Sha256([2; 32])),
                    ..Closing::bare(clock::now(), Outcome::Completed)
                };
                entry.close_durably(&closing).await.unwrap();
            }
            running.abort();
        });
        log.shutdown();
        let policy = folder.file("policy", &folder.does(&["log", "keys"]));
        Self { folder, origin: config.log.origin, exchanges, policy }
    }

    /// What `verify-proof` says of a proof in a file.
    fn verify(&self, proof: &str, more: &[&str]) -> Said {
        let file = self.folder.file("a.tlog-proof", proof);
        self.folder.say(&[&["log", "verify-proof", &file, "--policy", &self.policy], more].concat())
    }
}

fn opening(exchange: Uuid, at: Timestamp) -> Opening<'static> {
    Opening {
        consumer: "portal".into(),
        consumer_holder: "000140000001".into(),
        provider: "registry".into(),
        provider_holder: "000140000002".into(),
        data_type: "address".into(),
        data_type_version: "1".into(),
        operation: "lookup".into(),
        environment: "production".into(),
        agreement: "A-1".into(),
        agreement_version: 1,
        purpose: "service".into(),
        basis: "law".into(),
        category: "open".into(),
        request_digest: Some(Sha256([1; 32])),
        registry_revision: 1,
        ..Opening::bare(exchange, at)
    }
}

/// D3
#[test]
fn proof_of_an_entry_is_made_by_any_of_its_names_and_verified_offline() {
    let record = Record::new();
    let folder = &record.folder;
    // Of an exchange its last entry is proven, which says how it ended.
    let (exchange, place) = (record.exchanges[2].0.to_string(), format!("{}/6", record.origin));
    let proof = folder.does(&["log", "proof", &exchange]);
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{proof}");
    for name in ["6", place.as_str()] {
        assert_eq!(folder.does(&["log", "proof", name]), proof, "{name}");
    }
    assert_eq!(folder.json(0, &["log", "proof", "6"])["proof"], proof);

    let said = record.verify(&proof, &[]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.out.starts_with(&format!("PROVEN: entry {place}, in the tree of 11 entries\n")), "{said:?}");
    assert!(said.out.contains(&exchange) && said.out.contains("completed"), "{said:?}");
    assert_eq!(record.verify(&proof, &["--place", &place]).exit, 0);
    let said = record.verify(&proof, &["--json"]);
    let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&document["proven"], &document["size"]), (&true.into(), &11.into()));
    assert_eq!(document["says"]["exchange"], exchange);

    // From standard input, in a place with neither configuration nor log.
    let mut command = super::folder::kelisim();
    command.args(["log", "verify-proof", "-", "--policy", &record.policy]).current_dir("/");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(proof.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());

    // The entry as the log has it, given apart; and another.
    let segment = fs::read_to_string(folder.path().join("log/00000000000000000000.jsonl")).unwrap();
    let line = |number: usize| folder.file("entry", segment.lines().nth(number).unwrap());
    assert_eq!(record.verify(&proof, &["--entry", &line(6)]).exit, 0);
    let said = record.verify(&proof, &["--entry", &line(5)]);
    assert_eq!((said.exit, said.out.starts_with("NOT PROVEN: ")), (1, true), "{said:?}");
}

/// D3
#[test]
fn proof_that_was_tampered_with_shows_nothing() {
    let record = Record::new();
    let proof = record.folder.does(&["log", "proof", "4"]);
    let (head, note) = proof.split_once("\n\n").unwrap();
    let (text, signatures) = note.split_once("\n\n").unwrap();
    // Each line of what is proven and of what is signed, one letter changed.
    let lines: Vec<&str> = head.lines().chain(text.lines()).collect();
    for (number, line) in lines.iter().enumerate() {
        let mut changed: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let letter = line.len() / 2;
        let other = if &line[letter..=letter] == "5" { "6" } else { "5" };
        changed[number].replace_range(letter..=letter, other);
        let middle = head.lines().count();
        let tampered =
            format!("{}\n\n{}\n\n{signatures}", changed[..middle].join("\n"), changed[middle..].join("\n"));
        let said = record.verify(&tampered, &[]);
        assert_eq!(said.exit, 1, "line {number}: {said:?}");
        assert!(!said.out.contains("PROVEN: entry"), "line {number}: {said:?}");
    }
    // Without what signs it, with it cut, and under another log's keys.
    let other = Record::new();
    let unsigned = format!("{head}\n\n{text}\n\n");
    for tampered in [unsigned.as_str(), &proof[..proof.len() / 2], "", "proof"] {
        assert_eq!(record.verify(tampered, &[]).exit, 1, "{tampered:?}");
    }
    let said = other.verify(&proof, &["--json"]);
    assert_eq!(said.exit, 1, "{said:?}");
    let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["proven"], false);
    assert!(document["problem"].as_str().unwrap().contains("not accepted"), "{document}");
    // In another place than was told.
    let said = record.verify(&proof, &["--place", &format!("{}/3", record.origin)]);
    assert_eq!((said.exit, said.out.contains("/4, not ")), (1, true), "{said:?}");
}

#[test]
fn what_cannot_be_proven_is_told_with_what_to_do() {
    let record = Record::new();
    let folder = &record.folder;
    for (asked, exit, todo) in [
        ("nonsense", 2, "Kelisim-Exchange"),
        ("019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10", 1, "kelisim log search"),
        ("11", 1, "try again"),
    ] {
        let said = folder.json(exit, &["log", "proof", asked]);
        assert!(said["error"]["todo"].as_str().unwrap().contains(todo), "{said}");
    }
    let nowhere = folder.json(3, &["log", "proof", "1", "--log", "nowhere"]);
    assert!(nowhere["error"]["what"].is_string(), "{nowhere}");
    let said = folder.json(3, &["log", "verify-proof", "nowhere", "--policy", &record.policy]);
    assert!(said["error"]["what"].as_str().unwrap().contains("nowhere"), "{said}");
}

/// D1, E2: both parties' own accounting is held against the record.
#[test]
fn records_of_a_party_are_held_against_the_log() {
    let record = Record::new();
    let folder = &record.folder;
    let (request, answer, other) = ("01".repeat(32), "02".repeat(32), "03".repeat(32));
    let csv = |digests: &[&str]| {
        let mut text = String::from("time;exchange;digest\n");
        for ((exchange, at), digest) in record.exchanges.iter().zip(digests) {
            writeln!(text, "{at};{exchange};{digest}").unwrap();
        }
        text
    };
    let provider = folder.file("provider.csv", &csv(&[answer.as_str(); 5]));
    let mut lines = String::new();
    for (exchange, at) in &record.exchanges {
        writeln!(lines, "{{\"exchange\":\"{exchange}\",\"time\":\"{at}\",\"digest\":\"{request}\"}}")
            .unwrap();
    }
    let consumer = folder.file("consumer.jsonl", &lines);
    let both = folder.json(0, &["log", "compare", &provider, &consumer, "--provider", "registry"]);
    assert_eq!(both["agrees"], true);
    assert_eq!((&both["records"][0]["matched"], &both["records"][1]["matched"]), (&5.into(), &5.into()));
    let said = folder.say(&["log", "compare", &provider, "--consumer", "portal"]);
    assert_eq!(said.exit, 0);
    let counts = "5 matched, 0 not in the log, 0 not in the records, 0 different, 0 repeated\n";
    assert_eq!(said.out, format!("provider.csv: {counts}"));

    // One that the log does not have, one of it that is not noted, one with another digest, one twice, one late.
    let (first, at) = record.exchanges[0];
    let mut wrong = csv(&[&answer, &other, &answer, &answer, &answer]);
    let unnoted = record.exchanges[3].0;
    wrong = wrong
        .lines()
        .filter(|line| !line.contains(&unnoted.to_string()))
        .fold(String::new(), |text, line| text + line + "\n");
    let unknown = Uuid::now_v7();
    writeln!(wrong, "{at};{unknown};{answer}\n{at};{first};{answer}").unwrap();
    let wrong = folder.file("wrong.csv", &wrong);
    let found = folder.json(1, &["log", "compare", &wrong, "--provider", "registry"]);
    assert_eq!((&found["agrees"], &found["records"][0]["matched"]), (&false.into(), &3.into()));
    let findings = found["records"][0]["findings"].as_array().unwrap();
    let told = |kind: &str, exchange: Uuid, what: &str| {
        findings.iter().any(|found| {
            found["kind"] == kind
                && found["exchange"] == exchange.to_string()
                && found["what"].as_str().unwrap().contains(what)
        })
    };
    assert!(told("missing", unknown, "not in the log"), "{found:#}");
    assert!(told("missing", unnoted, "not in the records"), "{found:#}");
    assert!(told("different", record.exchanges[1].0, "digest"), "{found:#}");
    assert!(told("repeated", first, "noted before"), "{found:#}");
    assert_eq!(findings.len(), 4, "{found:#}");
    let late = format!("exchange,time\n{first},{}\n", at + jiff::SignedDuration::from_secs(90));
    let late = folder.file("late.csv", &late);
    let said = folder.say(&["log", "compare", &late]);
    assert!(said.exit == 1 && said.out.contains("the times are 90 s apart"), "{said:?}");
    assert_eq!(folder.say(&["log", "compare", &late, "--tolerance", "100"]).exit, 0);

    // Files that are none end with 3.
    for text in
        ["no columns\n", "exchange\nnonsense\n", "exchange,digest\n019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10,12\n"]
    {
        let file = folder.file("bad.csv", text);
        let said = folder.json(3, &["log", "compare", &file]);
        assert!(said["error"]["what"].as_str().unwrap().contains("bad.csv"), "{said}");
    }
    assert_eq!(folder.say(&["log", "compare", "nowhere.csv"]).exit, 3);
}

/// D2
#[test]
fn an_export_ends_where_its_limit_says() {
    let record = Record::new();
    let folder = &record.folder;
    folder.json(0, &["log", "index"]);
    let newest: Vec<String> = record.exchanges.iter().rev().map(|(id, _)| id.to_string()).collect();
    for (limit, count, told) in [
        (&[][..], 5, "5 in all"),
        (&["--limit", "9"], 5, "5 in all"),
        (&["--limit", "5"], 5, "5 in all"),
        (&["--limit", "2"], 2, "2 as --limit says, and there is more"),
    ] {
        let asked = |form| [&["log", "search", "--consumer", "portal", "--export", form][..], limit].concat();
        let said = folder.say(&asked("jsonl"));
        let lines: Vec<&str> = said.out.lines().collect();
        assert_eq!((said.exit, lines.len()), (0, count), "{said:?}");
        assert!(lines.iter().zip(&newest).all(|(line, id)| line.contains(id)), "the newest: {said:?}");
        assert!(said.err.contains(told), "{said:?}");
        assert_eq!(folder.say(&asked("csv")).out.lines().count(), 1 + count);
    }
}
