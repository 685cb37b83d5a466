//! What a large registry costs: start with and without a snapshot, memory, how fast a change is in force, `decide`.
//!
//! `cargo run --release -p gateway --example registry_scale -- --agreements 100000 --systems 10000 --events 1000000`
//!
//! Each measurement is a process of its own, on the same data folder: `--dir DIR` to keep it, else a temporary one.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a measurement, not the product")]

mod estate;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreements::*;
use certs::trust::Trust;
use estate::{Estate, Random, Size, certificate, code, code_of_agreement, pair, regulator};
use gateway::clock;
use gateway::registry::follower::{Follower, Following};
use gateway::registry::proof::Proofs;
use gateway::registry::snapshot::Snapshots;
use gateway::registry::{Allowed, Store};
use gateway::trusted::TrustFiles;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, otherwise: u64| value(name).map_or(otherwise, |text| text.parse().unwrap());
    let size = Size {
        agreements: u32::try_from(number("--agreements", 100_000)).unwrap(),
        systems: u32::try_from(number("--systems", 10_000)).unwrap(),
        events: number("--events", 1_000_000),
    };
    if let Some(phase) = value("--phase") {
        return measure(&phase, &PathBuf::from(value("--dir").unwrap()), size);
    }
    let (temporary, dir) = match value("--dir") {
        Some(dir) => (None, PathBuf::from(dir)),
        None => {
            // Not /tmp, which may be memory.
            let made = tempfile::Builder::new().prefix("registry-scale-").tempdir_in(".").unwrap();
            let dir = made.path().join("data");
            (Some(made), dir)
        }
    };
    println!("{} agreements, {} systems, {} events", size.agreements, size.systems, size.events);
    for phase in ["build", "without-snapshot", "with-snapshot", "command", "changes", "decide"] {
        if phase == "build" && dir.join("kelisim.toml").exists() {
            continue;
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(&arguments).args(["--phase", phase, "--dir"]).arg(&dir);
        assert!(again.status().unwrap().success(), "{phase} failed");
    }
    drop(temporary);
}

fn measure(phase: &str, dir: &Path, size: Size) {
    let estate = Estate::at(dir, size);
    match phase {
        "build" => {
            std::fs::create_dir_all(dir).unwrap();
            let begun = Instant::now();
            Estate::build(dir, size, clock::now());
            let bytes = std::fs::metadata(dir.join("registry.sqlite")).unwrap().len();
            println!("built in {:.0?}: {} MiB of SQLite", begun.elapsed(), bytes >> 20);
        }
        "without-snapshot" => {
            for end in ["snapshot", "verdicts"] {
                let _ = std::fs::remove_file(dir.join(format!("registry.sqlite.{end}")));
            }
            let (_follower, _) = started(&estate, "start from all events, every signature verified");
            let begun = Instant::now();
            let snapshot = dir.join("registry.sqlite.snapshot");
            while !snapshot.exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
            let bytes = std::fs::metadata(&snapshot).unwrap().len() >> 20;
            println!("snapshot of {bytes} MiB after {:.1?} more; {}", begun.elapsed(), Machine::now());
        }
        "with-snapshot" => {
            let (_follower, before) = started(&estate, "start with snapshot");
            std::thread::sleep(Duration::from_secs(5));
            println!("5 s later, the chain checked: {}", Machine::now().since(&before));
        }
        "command" => {
            let (begun, before) = (Instant::now(), Machine::now());
            let office = gateway::office::Office::open(&estate.config()).unwrap();
            assert_eq!(office.registry().revision(), estate.store().revision().unwrap());
            println!(
                "a command opens the folder in {:.2?}; {}",
                begun.elapsed(),
                Machine::now().since(&before)
            );
        }
        "changes" => changes(&estate),
        "decide" => {
            let (follower, _) = started(&estate, "start with snapshot");
            let view = follower.views.newest();
            decisions(&view.book, "1,000 pairs in turn", 1_000, size);
            decisions(&view.book, "all pairs in turn", size.agreements as usize, size);
        }
        other => panic!("no phase {other}"),
    }
}

fn started(estate: &Estate, what: &str) -> (Follower, Machine) {
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
    let view = follower.views.newest();
    assert_eq!(view.book.agreements().count(), estate.size.agreements as usize);
    println!("{what}: {:.2?}; {}", begun.elapsed(), Machine::now().since(&before));
    (follower, before)
}

/// How long after an append the view says so; the follower looks every 10 ms.
fn changes(estate: &Estate) {
    let (follower, _) = started(estate, "start with snapshot");
    let mut store = estate.store();
    let (version, system) = (1, SystemId::new(&code(17)).unwrap());
    let act = |version: &str| {
        let act = serde_json::json!({ "id": "hr-order", "title": "Order", "version": version, "in_force_from": "2027-01-01" });
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
        println!("{what}: in force after {:.1?} (median), {:.1?} (longest of 20)", took[10], took[19]);
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
    for round in 0..2 {
        costs.clear();
        for hundred in asked.chunks(100) {
            let begun = Instant::now();
            for (certificate, provider) in hundred {
                let permit = decide(book, &call(*certificate, provider), now).expect("in force");
                black_box(permit.operation_at());
            }
            costs.push(begun.elapsed().as_nanos() / hundred.len() as u128);
        }
        black_box(round);
    }
    costs.sort_unstable();
    let (median, p99) = (costs[costs.len() / 2], costs[costs.len() * 99 / 100]);
    println!("decide, {what}: {median} ns (median of hundreds), {p99} ns (p99 of hundreds)");
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

/// What this process used so far.
struct Machine {
    user: f64,
    resident_kib: u64,
    most_resident_kib: u64,
}

impl Machine {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let kib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let after = stat.rsplit(") ").next().unwrap();
        let ticks: f64 = after.split(' ').nth(11).unwrap().parse().unwrap();
        Self { user: ticks / 100.0, resident_kib: kib("VmRSS"), most_resident_kib: kib("VmHWM") }
    }

    fn since(self, before: &Self) -> Self {
        Self { user: self.user - before.user, ..self }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user, resident_kib, most_resident_kib } = self;
        write!(
            f,
            "{user:.1} s of user CPU, {} MiB resident, {} MiB at most",
            resident_kib >> 10,
            most_resident_kib >> 10
        )
    }
}
