//! What a large registry costs: start with and without a snapshot, memory, how fast a change is in force, `decide`.
//!
//! `cargo run --release -p gateway --example registry_scale -- --agreements 100000 --systems 10000 --events 1000000`
//!
//! Each measurement is a process of its own, on the same data folder: `--dir DIR` to keep it, else a temporary one. Starts with
//! a snapshot, and decisions, are measured `--rounds` times (3). `--json` prints the rows for programs.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a measurement, not the product")]

mod estate;
mod report;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreements::*;
use certs::trust::Trust;
use clap::Parser;
use estate::{Estate, Random, Size, certificate, code, code_of_agreement, pair, regulator};
use gateway::clock;
use gateway::registry::follower::{Follower, Following, Took};
use gateway::registry::proof::Proofs;
use gateway::registry::snapshot::Snapshots;
use gateway::registry::{Allowed, Store};
use gateway::trusted::TrustFiles;
use report::{Machine, Row, Table};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a large registry costs: start with and without a snapshot, memory, how fast a change is in force, `decide`.
#[derive(clap::Parser)]
struct Arguments {
    /// How many agreements.
    #[arg(long, default_value_t = 100_000)]
    agreements: u32,
    /// How many systems.
    #[arg(long, default_value_t = 10_000)]
    systems: u32,
    /// How many events, at least what the agreements and systems take.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// How often starts with a snapshot, and decisions, are measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The data folder to make and keep, or to measure again; otherwise a temporary one in the working directory.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Prints the rows for programs.
    #[arg(long)]
    json: bool,
    /// One measurement, in this process.
    #[arg(long, hide = true)]
    phase: Option<String>,
}

fn main() {
    let asked = Arguments::parse();
    let size = Size { agreements: asked.agreements, systems: asked.systems, events: asked.events };
    let (temporary, dir) = match asked.dir {
        Some(dir) => (None, dir),
        None => {
            // Not /tmp, which may be memory.
            let made = tempfile::Builder::new().prefix("registry-scale-").tempdir_in(".").unwrap();
            let dir = made.path().join("data");
            (Some(made), dir)
        }
    };
    if let Some(phase) = asked.phase {
        return measure(&phase, &dir, size);
    }
    let mut rows = Vec::new();
    let mut run = |phase: &str| {
        eprintln!("{phase} …");
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--phase", phase, "--agreements", &size.agreements.to_string()]);
        again.args(["--systems", &size.systems.to_string(), "--events", &size.events.to_string()]);
        again.arg("--dir").arg(&dir);
        let ended = again.stderr(Stdio::inherit()).output().unwrap();
        assert!(ended.status.success(), "{phase} failed");
        let said = String::from_utf8(ended.stdout).unwrap();
        rows.extend(said.lines().map(|line| serde_json::from_str::<Row>(line).unwrap()));
    };
    if !dir.join("kelisim.toml").exists() {
        run("build");
    }
    run("without-snapshot");
    for _ in 0..asked.rounds {
        run("with-snapshot");
        run("decide");
    }
    for phase in ["estate", "command", "changes"] {
        run(phase);
    }
    drop(temporary);
    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&rows).unwrap()),
        false => println!("{}", report::tables(&rows)),
    }
}

fn measure(phase: &str, dir: &Path, size: Size) {
    let estate = Estate::at(dir, size);
    match phase {
        "build" => {
            std::fs::create_dir_all(dir).unwrap();
            Estate::build(dir, size, clock::now());
        }
        "estate" => {
            let mib = |name: &str| (std::fs::metadata(dir.join(name)).unwrap().len() >> 20) as f64;
            Row::new(Table::Estate, "estate")
                .with("agreements", f64::from(size.agreements))
                .with("systems", f64::from(size.systems))
                .with("events", estate.store().revision().unwrap() as f64)
                .with("registry MiB", mib("registry.sqlite"))
                .with("snapshot MiB", mib("registry.sqlite.snapshot"))
                .say();
        }
        "without-snapshot" => {
            for end in ["snapshot", "verdicts"] {
                let _ = std::fs::remove_file(dir.join(format!("registry.sqlite.{end}")));
            }
            let (_follower, row) =
                started(&estate, "first start: all events folded, every signature verified");
            row.say();
            let snapshot = dir.join("registry.sqlite.snapshot");
            let verdicts = dir.join("registry.sqlite.verdicts");
            while !snapshot.exists() || !verdicts.exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        "with-snapshot" => {
            let (_follower, row) = started(&estate, "start");
            // The whole chain is checked meanwhile.
            std::thread::sleep(Duration::from_secs(10));
            row.with("RSS later MiB", Machine::now().resident_mib()).say();
        }
        "command" => {
            let (begun, before) = (Instant::now(), Machine::now());
            let office = gateway::office::Office::open(&estate.config()).unwrap();
            assert_eq!(office.registry().revision(), estate.store().revision().unwrap());
            before.spent("a command opens the folder", begun.elapsed()).say();
        }
        "changes" => changes(&estate),
        "decide" => {
            let (follower, _) = started(&estate, "start");
            let view = follower.views.newest();
            decisions(&view.book, "decide, 1,000 pairs in turn", 1_000, size);
            decisions(&view.book, "decide, all pairs in turn", size.agreements as usize, size);
        }
        other => panic!("no phase {other}"),
    }
}

/// A gateway's start as far as its first view: with it, calls are decided.
fn started(estate: &Estate, what: &str) -> (Follower, Row) {
    let (begun, before) = (Instant::now(), Machine::now());
    let config = estate.config();
    let trust = Arc::new(Trust::new(TrustFiles::of(&config).load(clock::now()).unwrap()));
    let following = Following {
        environment: Phase::Production,
        poll: Duration::from_millis(10),
        lease: Duration::from_secs(60),
        allowed: Allowed { exchanges: 64, bytes: 64 << 20 },
    };
    let store = Box::new(estate.store());
    let follower = Follower::start(store, Proofs::new(trust), Snapshots::of(&config), following).unwrap();
    let Took { reading, proving, booking } = follower.took;
    let row = before
        .spent(what, begun.elapsed())
        .with("reading s", reading.as_secs_f64())
        .with("proving s", proving.as_secs_f64())
        .with("book s", booking.as_secs_f64());
    assert_eq!(follower.views.newest().book.agreements().count(), estate.size.agreements as usize);
    (follower, row)
}

/// How long after an append the view says so; the follower looks every 10 ms.
fn changes(estate: &Estate) {
    let (follower, _) = started(estate, "start");
    let mut store = estate.store();
    let (version, system) = (1, SystemId::new(&code(17)).unwrap());
    let act = |version: &str| {
        let act = serde_json::json!({ "id": "hr-order", "title": "Order", "version": version, "in_force_from": "2027-01-01", "kind": "act" });
        Event::ActRecorded { act: serde_json::from_value(act).unwrap() }
    };
    let mut turn = 0;
    let mut number = || {
        turn += 13;
        code_of_agreement(turn % estate.size.agreements)
    };
    type Make<'m> = Box<dyn FnMut(u32) -> Event + 'm>;
    let mut stopped = code_of_agreement(0);
    let kinds: [(&str, Make<'_>); 4] = [
        (
            "an agreement suspended or resumed",
            Box::new(|at| match at % 2 {
                0 => {
                    stopped = number();
                    Event::AgreementSuspended { number: stopped.clone(), version }
                }
                _ => Event::AgreementResumed { number: stopped.clone(), version },
            }),
        ),
        (
            "a system suspended or resumed",
            Box::new(|at| match at % 2 {
                0 => Event::SystemSuspended { system: system.clone() },
                _ => Event::SystemResumed { system: system.clone() },
            }),
        ),
        (
            "a data type's category",
            Box::new(|_| Event::DataTypeCategorised {
                provider: system.clone(),
                data_type: DataTypeId::new("record").unwrap(),
                category: Category::Confidential,
            }),
        ),
        ("an act recorded", Box::new(|at| act(&format!("{at}")))),
    ];
    for (what, mut make) in kinds {
        let mut took: Vec<Duration> = (0..20)
            .map(|at| {
                let revision = store.revision().unwrap();
                let (actor, reason) = (regulator(), "measured".into());
                let event =
                    Recorded { sequence: revision + 1, at: clock::now(), actor, reason, event: make(at) };
                store.append(revision, &[event]).unwrap();
                let begun = Instant::now();
                while follower.views.newest().book.revision() <= revision {
                    std::thread::sleep(Duration::from_micros(200));
                }
                begun.elapsed()
            })
            .collect();
        took.sort_unstable();
        let ms = |took: Duration| took.as_secs_f64() * 1e3;
        Row::new(Table::Changes, what).with("median ms", ms(took[10])).with("longest ms", ms(took[19])).say();
    }
}

fn decisions(book: &Book, what: &str, many: usize, size: Size) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let providers: Vec<String> = (0..size.systems).map(code).collect();
    let asked: Vec<(Fingerprint, &str)> = (0..many)
        .map(|_| pair(random.below(size.agreements as usize) as u32, size.systems))
        .map(|(consumer, provider)| (certificate(consumer), providers[provider as usize].as_str()))
        .collect();
    let now = "2026-06-10T07:00:00Z".parse().unwrap();
    let mut costs = Vec::new();
    // The first round fills caches, and counts for nothing.
    for round in 0..=200_000_usize.div_ceil(many) {
        if round == 1 {
            costs.clear();
        }
        for hundred in asked.chunks(100) {
            let begun = Instant::now();
            for (certificate, provider) in hundred {
                let permit = decide(book, &call(*certificate, provider), now).expect("in force");
                black_box(permit.operation_at());
            }
            costs.push(begun.elapsed().as_nanos() / hundred.len() as u128);
        }
    }
    costs.sort_unstable();
    let (median, p99) = (costs[costs.len() / 2], costs[costs.len() * 99 / 100]);
    Row::new(Table::Decisions, what).with("median ns", median as f64).with("p99 ns", p99 as f64).say();
}

fn call(certificate: Fingerprint, provider: &str) -> Call<'_> {
    Call {
        certificate,
        peer: [10, 1, 2, 3].into(),
        provider,
        data_type: "record",
        method: Method::Get,
        path: &["persons", "860101300123", "orders"],
        parameters: &["as-of"],
        claims: Claims {
            purpose: Some("staffing"),
            case: Some("17"),
            user: Some("a.serikov"),
            agreement: None,
        },
    }
}
