//! A disk that fills up: exchanges are refused, those that were begun are closed, and all goes on when there is space.

use super::*;

/// Promise 1, C8
#[test]
fn log_without_space_refuses_closes_what_was_begun_and_heals_by_itself() {
    let world = World::new();
    let model = world.model();
    let (log, _) = world.start_on(&model).unwrap();
    let (mut completed_calls, mut entries) = (0, 0);
    on_core(&log, async |port| {
        for _ in 0..3 {
            // Nothing more than what is there: not even the next segment, once the prepared one is begun.
            model.set_quota(Some(model.used()));
            let mut open = Vec::new();
            let refusal = loop {
                match port.open(&opening()).await {
                    Ok(entry) if open.len() < 8 => open.push(entry),
                    Ok(entry) => {
                        entry.close_durably(&completed()).await.unwrap();
                        completed_calls += 1;
                    }
                    Err(error) => break error,
                }
            };
            assert_eq!(refusal, LogError::Full);
            assert_eq!(log.health(), Health::Full);
            assert_eq!(log.open_exchanges(), open.len());
            // What was begun was given its room when it was.
            completed_calls += open.len();
            for entry in open {
                entry.close_durably(&completed()).await.unwrap();
            }
            assert_eq!(port.refused(&refused()).await.unwrap_err(), LogError::Full);
            assert_eq!(port.open(&opening()).await.unwrap_err(), LogError::Full);
            model.set_quota(None);
            let entry = until_open(&port).await;
            assert_eq!(log.health(), Health::Open);
            entry.close_durably(&completed()).await.unwrap();
            completed_calls += 1;
            entries = port.refused(&refused()).await.unwrap().index + 1;
        }
    });
    assert_eq!(log.shutdown(), Health::Stopped);
    assert_eq!(world.findings(), [""; 0]);
    let outcomes = outcomes(&world.entries());
    assert_eq!((outcomes.len(), verify(&world.log_dir()).unwrap().entries), (completed_calls, entries));
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Completed));
}

#[test]
fn log_on_a_full_disk_starts_with_what_room_its_segment_has() {
    let world = World::new();
    world.write(3);
    let model = world.model();
    model.set_quota(Some(model.used()));
    let (log, _) = world.start_on(&model).unwrap();
    assert_eq!(log.health(), Health::Open, "the present segment has room");
    on_core(&log, async |port| {
        port.open(&opening()).await.unwrap().close_durably(&completed()).await.unwrap()
    });
    assert_eq!(log.shutdown(), Health::Stopped);
    assert_eq!(world.findings(), [""; 0]);
}

/// Asks until the steward found the space.
async fn until_open(port: &LogPort) -> OpenEntry {
    loop {
        match port.open(&opening()).await {
            Ok(entry) => return entry,
            Err(error) => assert_eq!(error, LogError::Full),
        }
    }
}
