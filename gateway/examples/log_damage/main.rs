//! Is all damage found? Flips each byte of a log of 10 MB, removes each entry, swaps each pair of entries, takes the log back
//! to each earlier state, and has verification find and locate every one.
//!
//! `cargo run --release -p gateway --example log_damage [-- KILOBYTES [DIR [WHICH...]]]`; a quarter of an hour of all cores for 10 MB, and
//! as many times its room as there are cores. What is done is told meanwhile. WHICH names some of it:
//! `flips`, `removals`, `swaps`, `read-on`, `ends`, `files`, `rollbacks`; `rollbacks/17`: each 17th, and each stop.
//!
//! A change is judged by the code of `kelisim log verify`, begun from the state that it had before the changed line and fed
//! with the changed bytes and the lines that follow. Findings are only ever added, so one about the right place stands
//! whatever follows. For some of each kind the files are changed and the whole folder is verified, to hold the two
//! against each other. A log taken back is a folder, each time: `past` makes it what it was.

#![allow(clippy::unwrap_used, reason = "an example ends with its first error")]

mod past;
#[path = "../sample/mod.rs"]
mod sample;
mod scene;

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use gateway::exchange_log::{Finding, Problem, Severity, Trials, verify_with};
use past::Past;
use sample::scattered;
use scene::Scene;

fn main() {
    let kilobytes: usize = std::env::args().nth(1).map_or(10_000, |count| count.parse().unwrap());
    let parent = std::env::args_os().nth(2).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let asked: Vec<String> = std::env::args().skip(3).collect();
    let known = ["ends", "removals", "rollbacks", "swaps", "read-on", "files", "flips"];
    let asked: Vec<(&str, u64)> = asked
        .iter()
        .map(|name| name.split_once('/').map_or((&name[..], 1), |(name, step)| (name, step.parse().unwrap())))
        .collect();
    assert!(asked.iter().all(|(name, _)| known.contains(name)), "these are known: {known:?}");
    let scene = Scene::new(parent.join(format!("log-damage-{}", std::process::id())), kilobytes * 1_000);
    let trials = Trials::of(&scene.log, &scene.evidence).unwrap();
    println!(
        "{} bytes, {} entries, {} states that a witness cosigned",
        trials.bytes().len(),
        trials.lines(),
        scene.states.len()
    );
    let missed = |(name, step): (&str, u64)| match name {
        "ends" => ends(&trials),
        "removals" => removals(&trials),
        "rollbacks" => rollbacks(&trials, &scene, step.max(1)),
        "swaps" => swaps(&trials),
        "read-on" => swaps_read_on(&trials),
        "files" => on_files(&trials, &scene),
        _ => flips(&trials),
    };
    let asked = if asked.is_empty() { known.map(|name| (name, 1)).to_vec() } else { asked };
    let missed: usize = asked.into_iter().map(missed).sum();
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

/// The log ends after each of its entries, while its checkpoint and a witness know more.
fn ends(trials: &Trials) -> usize {
    let all = trials.lines() as u64;
    over_all_lines("ends cut off", trials, |_, trial| {
        let found = trial.clone().ends();
        let cut = found.findings.iter().any(|found| found.problem == Problem::CutOff { size: all });
        (1, usize::from(!cut))
    })
}

/// The whole folder is what it was after each of its entries, sealed and cosigned there: nothing is wrong with it but that it is
/// cut off, for whoever has the witness's newest checkpoint. By the verification of folders; for each stop, some others, and all
/// of a small log once more without that checkpoint, when it is whole.
fn rollbacks(trials: &Trials, scene: &Scene, step: u64) -> usize {
    let (past, alone) = (Past::of(scene, trials), scene.alone());
    let all = trials.lines() as u64;
    let stops: Vec<(u64, &PathBuf)> = scene
        .states
        .iter()
        .map(|state| (verify_with(state, &alone).unwrap().sealed, state))
        .filter(|(size, _)| *size < all)
        .collect();
    let stopped = |size: u64| stops.iter().any(|(stop, _)| *stop == size);
    let sizes: Vec<u64> = (1..all).rev().filter(|size| size % step == 0 || stopped(*size)).collect();
    let cores = cores();
    let progress = Progress::begin("rollbacks", sizes.len() as u64);
    let (missed, compared) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for core in 0..cores {
            let (past, progress, missed, compared) = (&past, &progress, &missed, &compared);
            let (alone, stops, sizes, stopped) = (&alone, &stops, &sizes, &stopped);
            scope.spawn(move || {
                let mut folder = past.folder(&format!("back-{core}"));
                for size in sizes.iter().copied().skip(core).step_by(cores) {
                    folder.go_back(size);
                    let found = verify_with(&folder.dir, &scene.evidence).unwrap();
                    let cut = Finding {
                        path: scene.evidence.checkpoints[0].clone(),
                        line: 0,
                        offset: 0,
                        index: size,
                        problem: Problem::CutOff { size: all },
                    };
                    let mut right = found.findings == [cut] && found.entries == size;
                    if stopped(size) || size % ALONE == 0 || all < ALONE * TILE as u64 {
                        let whole = verify_with(&folder.dir, alone).unwrap();
                        right &= whole.findings.is_empty() && whole.witnessed == Some(size);
                    }
                    for (_, state) in stops.iter().filter(|(stop, _)| *stop == size) {
                        right &= folder.is_as(state);
                        compared.fetch_add(1, Relaxed);
                    }
                    missed.fetch_add(usize::from(!right), Relaxed);
                    progress.add(1);
                }
                fs::remove_dir_all(&folder.dir).unwrap();
            });
        }
    });
    let (missed, compared) = (missed.into_inner(), compared.into_inner());
    println!(
        "{} checkpoints gone back to: nothing is wrong with any folder but that it is found cut off, where it was, by the witness's \
         checkpoint, {missed} missed, in {:.0?}; {compared} of them are as the log left its folder when it stopped there",
        sizes.len(),
        progress.begun.elapsed()
    );
    missed + (stops.len() - compared)
}

/// Does `each` for every line, on all cores; it says how many changes it tried and how many were missed.
fn over_all_lines(
    what: &str,
    trials: &Trials,
    each: impl Fn(usize, &gateway::exchange_log::Trial<'_>) -> (usize, usize) + Sync,
) -> usize {
    let progress = Progress::begin(what, trials.lines() as u64);
    let (next, tried, missed) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..cores() {
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
                        progress.add(1);
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
    println!(
        "{tried} {what}: {share} % found where they are, {missed} missed, in {:.0?}",
        progress.begun.elapsed()
    );
    missed
}

/// Some of each on the files themselves, by the whole folder.
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
    missed
}

/// How much of something long is done, told now and then to whoever watches.
struct Progress<'a> {
    what: &'a str,
    all: u64,
    done: AtomicU64,
    begun: Instant,
    told: Mutex<Instant>,
}

impl<'a> Progress<'a> {
    fn begin(what: &'a str, all: u64) -> Self {
        let begun = Instant::now();
        Self { what, all, done: AtomicU64::new(0), begun, told: Mutex::new(begun) }
    }

    fn add(&self, count: u64) {
        let done = self.done.fetch_add(count, Relaxed) + count;
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.elapsed() > NEWS {
            *told = Instant::now();
            let (what, all, took) = (self.what, self.all, self.begun.elapsed());
            eprintln!("{what}: {done} of {all} lines after {took:.0?}");
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn offset(trials: &Trials, line: usize) -> usize {
    trials.between(0, line).len()
}

/// Entries of a tile.
const TILE: usize = 256;
/// How far apart all pairs are read on from, of which entries all pairs are, and of each entry how many others.
const NEAR: usize = 33;
const FAR: usize = 997;
const CHANCE: u64 = 2;
/// Of how many checkpoints one is gone back to without the witness, too.
const ALONE: u64 = 16;
/// Lines that a core takes at once.
const SHARE: usize = 64;
/// Between two words of progress.
const NEWS: Duration = Duration::from_secs(10);
