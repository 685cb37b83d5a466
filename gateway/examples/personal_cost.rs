//! What sealing the personal parts of an entry adds to a call: the official, the address of their computer and the case.
//!
//! `cargo run --release -p gateway --example personal_cost` prints a time. With a number, it makes that many and nothing
//! else, for a profiler to count: the difference of two runs is free of the start.
//!
//! ```text
//! for n in 10000 20000; do valgrind --tool=callgrind --callgrind-out-file=/dev/null personal_cost $n; done
//! ```

#![allow(clippy::unwrap_used, reason = "an example ends with its first error")]

mod sample;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

use gateway::personal::PersonalKeys;
use uuid::Uuid;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let at = sample::now();
    let keys = PersonalKeys::open(dir.path(), BTreeSet::from(["personal".to_owned()]), at).unwrap();
    let exchange = Uuid::now_v7();
    let seal = || {
        let parts = [Some("900101300123"), Some("10.1.2.3"), Some("2026/11/22-17")];
        black_box(keys.seal(black_box("personal"), at, exchange, black_box(parts))).unwrap();
    };
    if let Some(calls) = std::env::args().nth(1) {
        (0..calls.parse().unwrap()).for_each(|_: u32| seal());
        return;
    }
    let mut rounds: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            (0..CALLS).for_each(|_| seal());
            begun.elapsed().as_nanos() / u128::from(CALLS)
        })
        .collect();
    rounds.sort_unstable();
    println!("median of {ROUNDS} rounds of {CALLS}: {} ns", rounds[ROUNDS / 2]);
}

const ROUNDS: usize = 15;
const CALLS: u32 = 20_000;
