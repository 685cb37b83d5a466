//! Is all damage found? Flips each byte of a log of 10 MB, removes each entry, swaps each pair of entries, takes the log back
//! to each earlier state, and has verification find and locate every one.
//!
//! `cargo run --release -p gateway --example log_damage [-- KILOBYTES [DIR]]`; some minutes on all cores for 10 MB.
//!
//! A change is judged by the code of `kelisim log verify`, begun from the state that it had before the changed line and fed
//! with the changed bytes and the lines that follow. Findings are only ever added, so one about the right place stands
//! whatever follows. For some of each kind the files are changed and the whole folder is verified, to hold the two
//! against each other.

#![allow(clippy::unwrap_used, reason = "an example ends with its first error")]

mod sample;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use gateway::{
    exchange_log::{
        Evidence, ExchangeLog, Finding, LogConfig, LogPort, Problem, Sealing, Severity, Trials, make_key,
        verify_with,
    },
    transparency::{
        cosignature::cosign,
        key::{Scheme, SigningKey},
        note::Note,
        policy::Policy,
    },
};
use sample::{closing, now, opening, scattered};

fn main() {
    let kilobytes: usize = std::env::args().nth(1).map_or(10_000, |count| count.parse().unwrap());
    let parent = std::env::args_os().nth(2).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let scene = Scene::new(parent.join(format!("log-damage-{}", std::process::id())), kilobytes * 1_000);
    let trials = Trials::of(&scene.log, &scene.evidence).unwrap();
    println!(
        "{} bytes, {} entries, {} states that a witness cosigned",
        trials.bytes().len(),
        trials.lines(),
        scene.states.len()
    );
    let missed = flips(&trials)
        + removals(&trials)
        + swaps(&trials)
        + swaps_read_on(&trials)
        + rollbacks(&trials)
        + on_files(&trials, &scene);
    fs::remove_dir_all(scene.log.parent().unwrap()).unwrap();
    println!("{missed} missed");
    std::process::exit(i32::from(missed > 0));
}

/// Each byte, with one of its bits flipped, is found in its line.
fn flips(trials: &Trials) -> usize {
    over_all_lines("bytes flipped", trials, |at, trial| {
        let mut line = trials.between(at, at + 1).to_vec();
        let begin = offset(trials, at);
        let mut missed = 0;
        for byte in 0..line.len() {
            let bit = 1 << ((begin + byte) % 8);
            line[byte] ^= bit;
            let found = trial.finds(&line, at + 1);
            missed += usize::from(
                !found.is_some_and(|found| found.line == at as u64 + 1 && found.offset == begin as u64),
            );
            line[byte] ^= bit;
        }
        (line.len(), missed)
    })
}

/// Each entry removed is found missing.
fn removals(trials: &Trials) -> usize {
    over_all_lines("entries removed", trials, |at, trial| {
        let found = trial.finds(&[], at + 1);
        let there = found.is_some_and(|found| match found.problem {
            Problem::Missing { count: 1, found } => found == at as u64 + 1,
            // The last one.
            Problem::CutOff { size } => size == at as u64 + 1,
            _ => false,
        });
        (1, usize::from(!there))
    })
}

/// Each pair of entries, swapped, is found where the first of the two stood: by the question that verification asks of
/// each line before any other, whether it is the entry that stands here. What follows cannot take that back, so it need
/// not be read; `exchange_log/tests/damage.rs` holds the answer against whole folders, [`swaps_read_on`] against the whole code.
fn swaps(trials: &Trials) -> usize {
    let lines: Vec<&[u8]> =
        (0..trials.lines()).map(|line| trials.between(line, line + 1).trim_ascii_end()).collect();
    over_all_lines("pairs swapped", trials, |at, trial| {
        let missed = (at + 1..lines.len()).filter(|other| {
            let missing = Problem::Missing { count: (other - at) as u64, found: *other as u64 };
            trial.finds_displaced(lines[*other]) != Some(missing)
        });
        (lines.len() - at - 1, missed.count())
    })
}

/// The same by the whole code, which reads on behind the change: pairs up to `NEAR` lines apart, of every `FAR`th entry all,
/// those at the tiles' edges, and of each entry `CHANCE` more. In a small log all.
///
/// Of a pair that is far apart the verifier goes over the tree between the two, which takes its time.
fn swaps_read_on(trials: &Trials) -> usize {
    let edge = |line: usize| (line + 1) % TILE < 3;
    over_all_lines("pairs swapped and read on from", trials, |at, trial| {
        let all = at % FAR == 0 || trials.lines() < FAR;
        let left = trials.lines() - at - 1;
        let mut others: BTreeSet<usize> = (at + 1..trials.lines())
            .filter(|other| all || other - at < NEAR || (edge(at) && edge(*other)))
            .collect();
        if left > 0 {
            others.extend((0..CHANCE).map(|salt| at + 1 + scattered(at as u64, salt) as usize % left));
        }
        let missed = others.iter().filter(|other| {
            let found = trial.finds(trials.between(**other, **other + 1), at + 1);
            !found.is_some_and(|found| {
                found.line == at as u64 + 1
                    && found.offset == offset(trials, at) as u64
                    && matches!(found.problem, Problem::Missing { found, .. } if found == **other as u64)
            })
        });
        (others.len(), missed.count())
    })
}

/// The log ends after each of its entries, while a witness knows more.
fn rollbacks(trials: &Trials) -> usize {
    let all = trials.lines() as u64;
    over_all_lines("states gone back to", trials, |_, trial| {
        let found = trial.clone().ends();
        let cut = found.findings.iter().any(|found| found.problem == Problem::CutOff { size: all });
        (1, usize::from(!cut))
    })
}

/// Does `each` for every line, on all cores; it says how many changes it tried and how many were missed.
fn over_all_lines(
    what: &str,
    trials: &Trials,
    each: impl Fn(usize, &gateway::exchange_log::Trial<'_>) -> (usize, usize) + Sync,
) -> usize {
    let begun = Instant::now();
    let (next, tried, missed) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut trial = trials.begin();
                loop {
                    let from = next.fetch_add(SHARE, Relaxed);
                    for at in from..(from + SHARE).min(trials.lines()) {
                        while trial.line() < at {
                            trial.step();
                        }
                        let (count, lost) = each(at, &trial);
                        tried.fetch_add(count as u64, Relaxed);
                        missed.fetch_add(lost, Relaxed);
                    }
                    if from >= trials.lines() {
                        return;
                    }
                }
            });
        }
    });
    let (tried, missed) = (tried.into_inner(), missed.into_inner());
    let share = 100.0 * (tried - missed as u64) as f64 / tried as f64;
    println!("{tried} {what}: {share} % found where they are, {missed} missed, in {:.0?}", begun.elapsed());
    missed
}

/// Some of each on the files themselves, by the whole folder; and every state that the witness saw.
fn on_files(trials: &Trials, scene: &Scene) -> usize {
    let begun = Instant::now();
    let segment = scene.log.join(format!("{:020}.jsonl", 0));
    let whole = trials.bytes();
    let first = |bytes: &[u8]| -> Option<Finding> {
        fs::write(&segment, bytes).unwrap();
        let found = verify_with(&scene.log, &scene.evidence).unwrap().findings;
        found.into_iter().find(|found| found.severity() == Severity::Broken)
    };
    let (mut tried, mut missed) = (0, 0);
    let mut trial = trials.begin();
    for at in (0..trials.lines()).step_by(trials.lines() / 50) {
        while trial.line() < at {
            trial.step();
        }
        let (begin, end) = (offset(trials, at), offset(trials, at + 1));
        let mut flipped = whole[begin..end].to_vec();
        flipped[(at * 31) % (end - begin)] ^= 1 << (at % 8);
        let other = (at + 77).min(trials.lines() - 1);
        for (changed, then) in
            [(&flipped[..], at + 1), (&[][..], at + 1), (trials.between(other, other + 1), at + 1)]
        {
            let rest = &whole[offset(trials, then)..];
            tried += 1;
            missed +=
                usize::from(first(&[&whole[..begin], changed, rest].concat()) != trial.finds(changed, then));
        }
    }
    println!(
        "{tried} of these done to the files: the folder's verification finds the same first, {missed} differ, in {:.0?}",
        begun.elapsed()
    );
    fs::write(&segment, whole).unwrap();
    let begun = Instant::now();
    let mut back = 0;
    for state in &scene.states[..scene.states.len() - 1] {
        let found = verify_with(state, &scene.evidence).unwrap();
        let cut = found
            .findings
            .iter()
            .any(|found| found.problem == Problem::CutOff { size: trials.lines() as u64 });
        let alone =
            verify_with(state, &Evidence { checkpoints: Vec::new(), ..scene.evidence.clone() }).unwrap();
        back += 1;
        missed += usize::from(!cut || !alone.is_whole());
    }
    println!(
        "{back} folders as they were put back: each whole by itself, each found cut off by the witness's checkpoint, in {:.0?}",
        begun.elapsed()
    );
    missed
}

fn offset(trials: &Trials, line: usize) -> usize {
    trials.between(0, line).len()
}

/// A sealed log, its earlier states, and what a witness kept.
struct Scene {
    log: PathBuf,
    states: Vec<PathBuf>,
    evidence: Evidence,
}

impl Scene {
    fn new(dir: PathBuf, bytes: usize) -> Self {
        let origin = "bench.example/log";
        let (key, _) = make_key(origin, Scheme::Ed25519).unwrap();
        let (witness, _) =
            SigningKey::generate(&"witness.example/1".parse().unwrap(), Scheme::Cosignature).unwrap();
        let policy = format!("log {}\nwitness w1 {}\nquorum w1\n", key.verifier(), witness.verifier());
        let sealing =
            Sealing { keys: vec![key], outside: dir.join("outside"), every: Duration::from_secs(3600) };
        let config = LogConfig {
            segment_bytes: (bytes as u64 * 2).max(4 << 20),
            sealing: Some(Arc::new(sealing)),
            ..LogConfig::new(dir.join("log"), origin, now)
        };
        let (log, mut states) = (config.dir.clone(), Vec::new());
        // An opening and its closing are some 1,500 bytes.
        let exchanges = (bytes / 1_500).div_ceil(TURNS * CALLERS);
        for turn in 0..TURNS {
            let (running, _) = ExchangeLog::start(config.clone()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let port = running.port();
            runtime.block_on(async {
                let dispatcher = port.clone();
                tokio::spawn(async move { dispatcher.run().await });
                let mut calls = tokio::task::JoinSet::new();
                for _ in 0..CALLERS {
                    let port = port.clone();
                    calls.spawn(async move { write(&port, exchanges).await });
                }
                calls.join_all().await;
            });
            running.shutdown();
            // The witness cosigns what it is shown, and keeps it.
            let mut note = Note::parse(&fs::read(log.join("checkpoint")).unwrap()).unwrap();
            let seconds = u64::try_from(now().as_second()).unwrap();
            note.add(cosign(&note, &witness, seconds).unwrap()).unwrap();
            fs::write(log.join("checkpoint.cosigned"), note.to_string()).unwrap();
            let state = dir.join(format!("state-{turn}"));
            copy(&log, &state);
            states.push(state);
        }
        let kept = dir.join("witness.checkpoint");
        fs::copy(log.join("checkpoint.cosigned"), &kept).unwrap();
        let policy: Policy = policy.parse().unwrap();
        let evidence = Evidence { policy: Some(policy), checkpoints: vec![kept], authorities: None };
        let found = verify_with(&log, &evidence).unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        Self { log, states, evidence }
    }
}

async fn write(port: &LogPort, count: usize) {
    for _ in 0..count {
        let entry = port.open(&opening()).await.unwrap();
        entry.close_durably(&closing()).await.unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "next-segment" {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Entries of a tile.
const TILE: usize = 256;
/// How far apart all pairs are read on from, of which entries all pairs are, and of each entry how many others.
const NEAR: usize = 33;
const FAR: usize = 997;
const CHANCE: u64 = 2;
/// Lines that a core takes at once.
const SHARE: usize = 64;
/// Starts and stops, each of which is a state to go back to.
const TURNS: usize = 20;
const CALLERS: usize = 16;
