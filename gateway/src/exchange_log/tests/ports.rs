//! What a core sees.

use super::*;

/// D1
#[test]
fn entries_are_read_as_they_were_written() {
    let world = World::new();
    let (log, report) = world.start().unwrap();
    assert_eq!(report, RecoveryReport { entries: 1, segments: 1, ..RecoveryReport::default() });
    let (opened, denied) = (opening(), refused());
    on_core(&log, async |port| {
        let entry = port.open(&opened).await.unwrap();
        assert_eq!((entry.id(), entry.exchange()), (EntryId { index: 1 }, opened.exchange));
        assert_eq!(port.refused(&denied).await.unwrap(), EntryId { index: 2 });
        assert_eq!(entry.close_durably(&completed()).await.unwrap(), EntryId { index: 3 });
    });
    assert_eq!(log.open_exchanges(), 0);
    drop(log);

    let records: Vec<Record> = world.entries().into_iter().map(|entry| entry.record).collect();
    let closing = Record::Closing { opening: 1, exchange: opened.exchange, closing: completed() };
    assert_eq!(records, [Record::Opening(opened.into()), Record::Refused(denied.into()), closing]);
    assert_eq!(world.findings(), [""; 0]);
}

#[test]
fn form_of_a_line_is_fixed() {
    let (mut lines, mut body) = (b"\n".to_vec(), Vec::new());
    let opened = Opening { exchange: Uuid::from_u128(1), ..opening() };
    line::opening_body(&mut body, &[9; 16], &opened);
    line::Head::of_empty("node-1.example").append(0, &body, &mut lines);
    body.clear();
    line::closing_body(&mut body, &[9; 16], 1, opened.exchange, &completed());
    line::Head { size: 7, leaf: [3; 32] }.append(5, &body, &mut lines);
    body.clear();
    line::refused_body(&mut body, &[9; 16], &Refused { exchange: opened.exchange, ..refused() });
    line::Head { size: 8, leaf: [3; 32] }.append(5, &body, &mut lines);
    insta::assert_snapshot!(String::from_utf8(lines).unwrap());
}

#[test]
fn waiters_of_many_cores_get_different_places() {
    let world = World { segment_bytes: 4 << 20, ..World::new() };
    let (log, _) = world.start().unwrap();
    let mut places = std::thread::scope(|scope| {
        let core = || {
            on_core(&log, async |port| {
                let mut calls = tokio::task::JoinSet::new();
                for _ in 0..200 {
                    let port = port.clone();
                    calls.spawn(async move {
                        let entry = port.open(&opening()).await.unwrap();
                        let place = entry.id();
                        entry.close(&completed());
                        place
                    });
                }
                calls.join_all().await
            })
        };
        let cores = [scope.spawn(core), scope.spawn(core), scope.spawn(core)];
        cores.map(|core| core.join().unwrap()).concat()
    });
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 600);
    let batches = log.stats().batches.load(Ordering::Relaxed);
    assert_eq!(log.shutdown(), Health::Stopped);
    assert!(batches < 600, "{batches} syncs for 600 openings at once");
    assert_eq!(outcomes(&world.entries()), [Outcome::Completed; 600]);
    assert_eq!(world.findings(), [""; 0]);
}

#[test]
fn entry_that_is_dropped_open_is_closed_as_abandoned() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| drop(port.open(&opening()).await.unwrap()));
    drop(log);
    assert_eq!(outcomes(&world.entries()), [Outcome::Abandoned]);
}

#[test]
fn closing_that_nobody_waits_for_is_written_by_itself() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        // Twice, so that the writer is found working and resting.
        for _ in 0..2 {
            let mut tail = tail(&world.log_dir(), 0, Follow::Yes).unwrap();
            port.open(&opening()).await.unwrap().close(&completed());
            let next = [tail.next(), tail.next()].map(|entry| entry.unwrap().unwrap());
            assert_eq!(outcomes(&next), [Outcome::Completed]);
        }
    });
}

#[test]
fn call_that_is_cancelled_while_its_entry_is_written_is_closed_as_abandoned() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        let opened = opening();
        let mut cancelled = Box::pin(port.open(&opened));
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(cancelled.as_mut().poll(context))).await;
        assert!(polled.is_pending());
        drop(cancelled);
        port.refused(&refused()).await.unwrap();
        // The dispatcher settles in order of sequence, so the cancelled call has been settled before this one.
    });
    assert_eq!(log.open_exchanges(), 0);
    drop(log);
    assert_eq!(outcomes(&world.entries()), [Outcome::Abandoned]);
}

#[test]
fn full_queue_refuses_at_once_and_still_takes_closings() {
    let world = World::new();
    let config = LogConfig { queue_entries: 0, ..world.config() };
    let (log, _) = ExchangeLog::start(config).unwrap();
    on_core(&log, async |port| {
        assert_eq!(port.open(&opening()).await.unwrap_err(), LogError::Overloaded);
        assert_eq!(port.refused(&refused()).await.unwrap_err(), LogError::Overloaded);
    });
    assert_eq!((log.open_exchanges(), log.stats().overloaded.load(Ordering::Relaxed)), (0, 2));

    let world = World::new();
    let (log, _) = ExchangeLog::start(LogConfig { max_open: 1, ..world.config() }).unwrap();
    on_core(&log, async |port| {
        let entry = port.open(&opening()).await.unwrap();
        assert_eq!(port.open(&opening()).await.unwrap_err(), LogError::Overloaded);
        entry.close_durably(&completed()).await.unwrap();
        port.open(&opening()).await.unwrap().close(&completed());
    });
}

#[test]
fn entry_that_is_too_long_is_refused_and_leaves_no_trace() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    let long = Opening { basis: "x".repeat(MAX_LINE).into(), ..opening() };
    on_core(&log, async |port| {
        assert!(matches!(port.open(&long).await, Err(LogError::TooLong { .. })));
        port.open(&opening()).await.unwrap().close(&completed());
    });
    drop(log);
    assert_eq!(world.entries().len(), 2);
    assert_eq!(world.findings(), [""; 0]);
}

#[test]
fn longest_claims_fit_into_a_line() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    let worst = "\u{1}".repeat(Claim::MAX_BYTES);
    let claim = || Some(Claim::new(&worst));
    let mut all = refused();
    (all.user_address, all.provider, all.data_type, all.operation) = (claim(), claim(), claim(), claim());
    (all.agreement, all.purpose, all.user, all.case) = (claim(), claim(), claim(), claim());
    on_core(&log, async |port| port.refused(&all).await.unwrap());
}

#[test]
fn stopped_log_takes_nothing_and_keeps_what_it_had() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    let port = log.port();
    on_core(&log, async |port| port.open(&opening()).await.unwrap().close(&completed()));
    assert_eq!(log.shutdown(), Health::Stopped);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(port.open(&opening())).unwrap_err(), LogError::Closed);
    runtime.block_on(port.run());
    assert_eq!(outcomes(&world.entries()), [Outcome::Completed]);
}

#[test]
fn second_process_is_told_that_the_folder_is_in_use() {
    let world = World::new();
    let (_log, _) = world.start().unwrap();
    assert!(matches!(world.start(), Err(StartError::InUse { .. })));
}

#[test]
fn log_of_another_origin_is_not_continued() {
    let world = World::new();
    world.write(1);
    let other = LogConfig { origin: "node-2.example".into(), ..world.config() };
    assert!(matches!(ExchangeLog::start(other.clone()), Err(StartError::Origin { .. })));
    fs::remove_file(world.log_dir().join(checkpoint::NAME)).unwrap();
    assert!(ExchangeLog::start(other).is_err());
}

#[test]
fn log_goes_on_over_segments_and_starts() {
    let world = World::new();
    for _ in 0..3 {
        world.write(60);
    }
    assert!(Segment::list(&world.log_dir()).unwrap().len() > 2);
    assert_eq!(outcomes(&world.entries()), [Outcome::Completed; 180]);
    assert_eq!(world.findings(), [""; 0]);
}

#[test]
fn exchange_that_stays_open_over_segments_is_known_from_the_last_header() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        let open = port.open(&opening()).await.unwrap();
        for _ in 0..120 {
            port.open(&opening()).await.unwrap().close(&completed());
        }
        // As if the process were killed: nothing is closed.
        std::mem::forget(open);
    });
    drop(log);
    for old in Segment::list(&world.log_dir()).unwrap().iter().rev().skip(1) {
        fs::remove_file(&old.path).unwrap();
    }
    let (log, report) = world.start().unwrap();
    assert_eq!(report.closed_as_unknown, 1);
    drop(log);
    let last = tail(&world.log_dir(), 1, Follow::No).unwrap().next().unwrap().unwrap();
    let Record::Closing { opening: 1, closing, .. } = last.record else { panic!("{}", last.line) };
    assert_eq!(closing.outcome, Outcome::Unknown);
}

/// D2
#[test]
fn search_finds_an_exchange_with_its_end_and_a_refusal_by_its_code() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    let (wanted, denied) = (opening(), refused());
    on_core(&log, async |port| {
        let other = Opening { consumer: "portal".into(), ..opening() };
        for opening in [&opening(), &wanted, &other] {
            port.open(opening).await.unwrap().close_durably(&completed()).await.unwrap();
        }
        port.refused(&denied).await.unwrap();
    });
    let found = |filter: Filter| -> Vec<u64> {
        search(&world.log_dir(), filter).unwrap().map(|entry| entry.unwrap().index).collect()
    };
    assert_eq!(found(Filter { exchange: Some(wanted.exchange), ..Filter::default() }), [3, 4]);
    assert_eq!(found(Filter { consumer: Some("portal".into()), ..Filter::default() }), [5, 6]);
    assert_eq!(found(Filter { code: Some("purpose-not-named".into()), ..Filter::default() }), [7]);
    assert_eq!(found(Filter { limit: Some(2), ..Filter::default() }), [1, 2]);
    assert_eq!(found(Filter { to: Some(NOON), ..Filter::default() }), [0; 0]);
    assert_eq!(found(Filter { from: Some(NOON), ..Filter::default() }).len(), 7);
}

#[test]
fn tail_follows_a_running_log_into_its_next_segment() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        for _ in 0..5 {
            port.refused(&refused()).await.unwrap();
        }
        let mut tail = tail(&world.log_dir(), 2, Follow::Yes).unwrap();
        for _ in 0..200 {
            port.refused(&refused()).await.unwrap();
        }
        let seen: Vec<u64> = tail.by_ref().take(202).map(|entry| entry.unwrap().index).collect();
        assert!(Segment::list(&world.log_dir()).unwrap().len() > 1);
        assert!(seen.is_sorted() && seen[..2] == [4, 5], "{seen:?}");
        assert_eq!(verify(&world.log_dir()).unwrap().findings, []);
    });
}

#[test]
fn writer_that_gathers_goes_on_once_nobody_is_left_who_does_not_wait() {
    let world = World::new();
    let config = world.config();
    fs::create_dir_all(&config.dir).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let storage = Folder::open(disk, &config.dir, config.segment_bytes, Arc::default()).unwrap();
    let writer = Writer::new(Box::new(storage), config.origin.clone(), config.clock, Arc::default());
    let shared = Shared::new(&config, &writer);
    // A call that is under way: the writer took its opening.
    shared.admit_open().unwrap();
    shared.waiting.fetch_sub(1, Ordering::Relaxed);
    let until = Instant::now() + Duration::from_secs(60);
    std::thread::scope(|scope| {
        let gathering = scope.spawn(|| {
            shared.writer.set(std::thread::current()).unwrap();
            shared.gather(until);
        });
        while shared.rest.load(Ordering::SeqCst) != GATHERING {
            std::thread::yield_now();
        }
        shared.admit_open().unwrap();
        shared.wake_now();
        assert_eq!(shared.rest.load(Ordering::SeqCst), GATHERING, "one waits, and another may join");
        shared.open.fetch_sub(1, Ordering::Relaxed);
        shared.admit_open().unwrap();
        shared.wake_now();
        gathering.join().unwrap();
    });
    assert!(Instant::now() < until, "it waited for nobody");
}
