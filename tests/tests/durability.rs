//! Promise 1 against `kill -9`: the real binary under load, killed and started again.
//!
//! `KELISIM_KILLS=100 cargo test -p tests --test durability` kills as often as one likes; 5 is the default.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use gateway::exchange_log::{Outcome, Record};
use tests::world::sample::{ADDRESSES, LOOKUP, correction};
use tests::world::wait::until;
use tests::world::{Ask, Process, World, kelisim};
use uuid::Uuid;

/// Promise 1, C3, D1
#[tokio::test]
async fn gateway_killed_under_load_has_an_entry_for_every_answer_and_starts_again_by_itself() {
    let kills: usize = std::env::var("KELISIM_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let mut world = World::consumer_and_provider().agreement("address-lookup").found();
    let mut answered: HashSet<Uuid> = HashSet::new();
    let mut unknown = 0;
    for kill in 1..=kills {
        let gateway = Process::start(&world.folder.config_path());
        world.moves_to(gateway.exchange, gateway.operations);
        let answers = Arc::new(Mutex::new(Vec::new()));
        let load = load(&world, &answers).await;
        // Killed at another moment each time: the load is never the same.
        let enough = 40 + 37 * (kill % 7);
        until("some load", || (answers.lock().unwrap().len() >= enough).then_some(())).await;
        gateway.kill();
        for caller in load {
            caller.await.unwrap();
        }
        answered.extend(answers.lock().unwrap().drain(..));
        unknown += opened(&world, &answered);
    }
    let gateway = Process::start(&world.folder.config_path());
    let verified = world.log.verified();
    assert!(verified.is_whole(), "{:?}", verified.findings);
    assert!(gateway.terminate().success());
    let verified = world.log.verified();
    assert!(verified.is_whole() && verified.open_at_end == 0, "{:?}", verified.findings);
    let entries = world.log.entries();
    let closed_as_unknown = entries.iter().filter(|entry| match &entry.record {
        Record::Closing { closing, .. } => closing.outcome == Outcome::Unknown,
        Record::Opening(_) | Record::Refused(_) | Record::Segment(_) => false,
    });
    let closed_as_unknown = closed_as_unknown.count();
    println!(
        "{kills} kills: {} answers, each with its entry; {closed_as_unknown} exchanges called unknown, {unknown} open when killed",
        answered.len()
    );
    assert_eq!(closed_as_unknown, unknown, "what was open when it was killed, and nothing else, is unknown");
    let config = world.folder.config_path();
    let (status, told) = kelisim(&["log", "verify", "--config", config.to_str().unwrap()]);
    assert!(status.success(), "{told}");
}

/// Callers that ask until their connection ends, and keep the number of each exchange that was answered.
async fn load(world: &World, answers: &Arc<Mutex<Vec<Uuid>>>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut callers = Vec::new();
    for caller in 0..8 {
        let mut line = world.consumer.connect().await;
        let answers = Arc::clone(answers);
        callers.push(tokio::spawn(async move {
            for ordinal in 0.. {
                let ask = match (caller + ordinal) % 4 {
                    0 => Ask::post(ADDRESSES, &correction()),
                    // Refusals are recorded before they are answered, too.
                    1 => Ask::get(LOOKUP).header("Kelisim-Purpose", "curiosity"),
                    _ => Ask::get(LOOKUP),
                };
                let Ok(answer) = line.try_ask(&ask).await else { return };
                // The flood guard counts some refusals instead of writing them down: those name no entry.
                if answer.refusal().is_none() || answer.entry().is_some() {
                    answers.lock().unwrap().push(answer.exchange());
                }
            }
        }));
    }
    callers
}

/// Checks the log as the kill left it: every answer has its entry. How many exchanges are open.
fn opened(world: &World, answered: &HashSet<Uuid>) -> usize {
    let (mut known, mut open) = (HashSet::new(), HashSet::new());
    for entry in world.log.entries() {
        match entry.record {
            Record::Opening(opening) => {
                known.insert(opening.exchange);
                open.insert(opening.exchange);
            }
            Record::Closing { exchange, .. } => drop(open.remove(&exchange)),
            Record::Refused(refused) => drop(known.insert(refused.exchange)),
            Record::Segment(_) => {}
        }
    }
    let missing: Vec<_> = answered.difference(&known).collect();
    assert!(missing.is_empty(), "answered without an entry: {missing:?}");
    open.len()
}
