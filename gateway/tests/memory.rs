//! What a registry takes in memory, for each agreement: no machine is too slow for it.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code, missing_docs, reason = "tests")]

#[path = "../examples/registry_scale/estate.rs"]
mod estate;

use std::time::{Duration, Instant};

use agreements::{Book, Phase, Registry};
use estate::{Estate, Size};
use gateway::clock;
use gateway::registry::snapshot::{self, Snapshots};
use gateway::registry::{Allowed, Chain, View};

// As the gateway has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A country in small: ten agreements for each system.
const SIZE: Size = Size { agreements: 4_000, systems: 400, events: 40_000 };

/// What an agreement may take, with its tenth of a system: 100,000 of them in 600 MiB, so that a start, which takes more
/// for a moment, stays below a GiB.
const MOST_BYTES_EACH: u64 = 6_000;

/// Alone in its file: what other tests take would be counted too.
#[test]
fn an_agreement_with_its_share_of_a_registry_and_a_view_takes_no_more_memory_than_planned() {
    let temporary = tempfile::tempdir().unwrap();
    let estate = Estate::build(&temporary.path().join("data"), SIZE, clock::now());
    let snapshots = Snapshots::of(&estate.config()).unwrap();
    let (registry, end, _) = snapshot::open(&mut estate.store(), None).unwrap();
    snapshots.keep(&registry, &end).unwrap();
    drop(registry);

    // What is made once, and what passes, is there after the first; the second and third are what they hold.
    let _first = remembered(&snapshots);
    let before = resident_bytes();
    let held = [remembered(&snapshots), remembered(&snapshots)];
    // What was freed goes back to the system by and by: on a busy machine not at once.
    let (mut each, until) = (u64::MAX, Instant::now() + Duration::from_secs(60));
    while each >= MOST_BYTES_EACH && Instant::now() < until {
        each = resident_bytes().saturating_sub(before) / (2 * u64::from(SIZE.agreements));
        std::thread::sleep(Duration::from_millis(20));
    }
    eprintln!("{each} bytes an agreement");
    assert_eq!(held[1].1.book.agreements().count(), SIZE.agreements as usize);
    assert!(each > 500, "{each} bytes: this counts something else");
    assert!(each < MOST_BYTES_EACH, "{each} bytes an agreement");
}

fn remembered(snapshots: &Snapshots) -> (Registry, View) {
    let (registry, Chain { .. }) = snapshots.remembered().unwrap().unwrap();
    let book = Book::new(&registry, Phase::Production, &|_| Ok(()));
    let view = View::new(book, None, Allowed { exchanges: 64, bytes: 64 << 20 });
    (registry, view)
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
