//! Each step failed, and failed but persisted: what was acknowledged is there after the next start, always.

use std::os::unix::fs::FileExt;

use super::*;

/// What happens to a step that is made to fail.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It did nothing.
    Failed,
    /// It did all, and said that it failed.
    FailedButPersisted,
}

/// The real folder, in which the `countdown`th step fails, and all after it.
struct Faulty {
    folder: Folder,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
struct Plan {
    countdown: usize,
    fault: Fault,
}

impl Faulty {
    fn step<T>(plan: &Mutex<Plan>, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut plan = plan.lock().unwrap();
        if plan.countdown > 0 {
            plan.countdown -= 1;
            return step();
        }
        if matches!(plan.fault, Fault::FailedButPersisted) {
            step()?;
        }
        // As on a machine that died: nothing afterwards reaches the disk.
        plan.fault = Fault::Failed;
        Err(io::Error::other("made to fail"))
    }
}

impl Storage for Faulty {
    fn begin(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>> {
        let file = Self::step(&self.plan, || self.folder.begin(first))?;
        Ok(Box::new(FaultyFile { file, unsynced: Vec::new(), plan: Arc::clone(&self.plan) }))
    }

    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>> {
        let file = Self::step(&self.plan, || self.folder.reopen(first))?;
        Ok(Box::new(FaultyFile { file, unsynced: Vec::new(), plan: Arc::clone(&self.plan) }))
    }

    fn checkpoint_soon(&mut self, checkpoint: Checkpoint) {
        let _ = Self::step(&self.plan, || self.folder.checkpoint_now(checkpoint));
    }

    fn checkpoint_now(&mut self, checkpoint: Checkpoint) -> io::Result<()> {
        Self::step(&self.plan, || self.folder.checkpoint_now(checkpoint))
    }
}

/// Unless faults persist, what is not synced is lost.
struct FaultyFile {
    file: Box<dyn SegmentFile>,
    unsynced: Vec<(u64, Vec<u8>)>,
    plan: Arc<Mutex<Plan>>,
}

impl SegmentFile for FaultyFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let fault = self.plan.lock().unwrap().fault;
        Faulty::step(&self.plan, || match fault {
            Fault::Failed => {
                self.unsynced.push((offset, bytes.to_vec()));
                Ok(())
            }
            Fault::FailedButPersisted => self.file.write_at(offset, bytes),
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        Faulty::step(&self.plan, || {
            for (offset, bytes) in self.unsynced.drain(..) {
                self.file.write_at(offset, &bytes)?;
            }
            self.file.sync()
        })
    }

    fn seal(&mut self, bytes: u64) -> io::Result<()> {
        Faulty::step(&self.plan, || self.file.seal(bytes))
    }
}

/// Promise 1, C8
#[test]
fn whichever_step_fails_nothing_acknowledged_is_lost_and_nothing_is_taken_afterwards() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        for countdown in 0.. {
            let world = World { segment_bytes: 4 << 10, ..World::new() };
            let (acknowledged, failed) = until_it_fails(&world, countdown, fault);
            let (log, _) =
                world.start().unwrap_or_else(|error| panic!("step {countdown} {fault:?}: {error:?}"));
            drop(log);
            let entries = world.entries();
            for (opening, index) in &acknowledged {
                let found = entries.iter().find(|entry| entry.index == *index).expect("it was acknowledged");
                assert!(
                    found.line.contains(&opening.to_string()),
                    "step {countdown} {fault:?}: {}",
                    found.line
                );
            }
            let (openings, closings) = (entries.len() - outcomes(&entries).len(), outcomes(&entries).len());
            assert_eq!(openings, closings, "step {countdown} {fault:?}");
            assert_eq!(world.findings(), [""; 0], "step {countdown} {fault:?}");
            if failed == Failed::Nothing {
                assert_eq!(acknowledged.len(), CALLS);
                break;
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Failed {
    AStep,
    Nothing,
}

/// Opens and closes exchanges one by one; those whose opening was acknowledged, with its index.
fn until_it_fails(world: &World, countdown: usize, fault: Fault) -> (Vec<(Uuid, u64)>, Failed) {
    fs::create_dir_all(world.log_dir()).unwrap();
    let folder = Folder::open(&world.log_dir(), world.segment_bytes).unwrap();
    let plan = Arc::new(Mutex::new(Plan { countdown, fault }));
    let Ok((log, _)) = world.start_on(Faulty { folder, plan: Arc::clone(&plan) }) else {
        return (Vec::new(), Failed::AStep);
    };
    let acknowledged = on_core(&log, async |port| {
        let mut acknowledged = Vec::new();
        for _ in 0..CALLS {
            let opened = opening();
            match port.open(&opened).await {
                Ok(entry) => {
                    acknowledged.push((opened.exchange, entry.id().index));
                    let _ = entry.close_durably(&completed()).await;
                }
                Err(error) => {
                    assert!(matches!(error, LogError::Unknown | LogError::Closed));
                    assert_eq!(port.open(&opening()).await.unwrap_err(), LogError::Closed);
                    assert_eq!(port.refused(&refused()).await.unwrap_err(), LogError::Closed);
                    assert!(matches!(log.health(), Health::Failed(_)));
                    break;
                }
            }
        }
        acknowledged
    });
    drop(log);
    let failed = if plan.lock().unwrap().countdown == 0 { Failed::AStep } else { Failed::Nothing };
    (acknowledged, failed)
}

/// The folder without its syncs, for tests that start a log some thousand times.
struct Unsynced(PathBuf);

impl Storage for Unsynced {
    fn begin(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>> {
        File::create(Segment::of(&self.0, first).path)?;
        self.reopen(first)
    }

    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(UnsyncedFile(File::options().write(true).open(Segment::of(&self.0, first).path)?)))
    }

    fn checkpoint_soon(&mut self, _: Checkpoint) {}

    fn checkpoint_now(&mut self, _: Checkpoint) -> io::Result<()> {
        Ok(())
    }
}

struct UnsyncedFile(File);

impl SegmentFile for UnsyncedFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn seal(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
}

#[test]
fn last_batch_torn_at_any_byte_is_cut_and_the_rest_kept() {
    let (world, durable, batch) = crashed_in_a_batch();
    let file = world.only_segment();
    let whole = fs::read(&file).unwrap();
    for cut in 0..=batch.len() {
        let mut torn = whole.clone();
        torn[durable..durable + cut].copy_from_slice(&batch[..cut]);
        let kept = batch[..cut].iter().filter(|byte| **byte == b'\n').count();
        recovers(&world, &torn, kept, &format!("cut at {cut}"));
    }
}

#[test]
fn last_batch_of_which_any_sectors_are_missing_is_cut_where_the_first_is_missing() {
    let (world, durable, batch) = crashed_in_a_batch();
    let whole = fs::read(world.only_segment()).unwrap();
    let sectors: Vec<usize> = (durable / 512..=(durable + batch.len()) / 512).collect();
    assert!((4..10).contains(&sectors.len()), "{}", sectors.len());
    for present in 0..1_u32 << sectors.len() {
        let mut torn = whole.clone();
        torn[durable..durable + batch.len()].copy_from_slice(&batch);
        let mut first_missing = batch.len();
        for (number, sector) in sectors.iter().enumerate() {
            if present & 1 << number == 0 {
                let start = (sector * 512).max(durable);
                let end = ((sector + 1) * 512).min(durable + batch.len());
                if start < end {
                    torn[start..end].fill(0);
                    first_missing = first_missing.min(start - durable);
                }
            }
        }
        let kept = batch[..first_missing].iter().filter(|byte| **byte == b'\n').count();
        recovers(&world, &torn, kept, &format!("sectors {present:b}"));
    }
}

/// A log with three durable exchanges, where it ends, and a batch of two openings and a closing that follows.
fn crashed_in_a_batch() -> (World, usize, Vec<u8>) {
    let world = World::new();
    world.write(3);
    let mut lines = b"\n".to_vec();
    let durable = fs::read(world.only_segment()).unwrap().iter().position(|byte| *byte == 0).unwrap();
    let mut head = Checkpoint::read(&world.log_dir()).unwrap().unwrap().head;
    let batch = head.size;
    for closes in [None, None, Some(batch)] {
        let (mut body, salt, opened) = (Vec::new(), [0; 16], opening());
        match closes {
            None => line::opening_body(&mut body, &salt, &opened),
            // Of the first opening: with it, only the second is left open.
            Some(index) => line::closing_body(&mut body, &salt, index, exchange_of(&lines), &completed()),
        }
        head.append(batch, &body, &mut lines);
    }
    (world, durable, lines.split_off(1))
}

fn exchange_of(lines: &[u8]) -> Uuid {
    let first = lines[1..].split(|byte| *byte == b'\n').next().unwrap();
    line::Skeleton::parse(first).unwrap().exchange.unwrap()
}

/// Starts on a log that ends as `torn`, of whose last batch `kept` lines are whole.
fn recovers(world: &World, torn: &[u8], kept: usize, what: &str) {
    let file = world.only_segment();
    fs::write(&file, torn).unwrap();
    let started = world.start_on(Unsynced(world.log_dir()));
    let (log, report) = started.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    drop(log);
    let left_open = [0, 1, 2, 1][kept];
    assert_eq!(
        (report.entries, report.closed_as_unknown),
        (7 + kept as u64 + left_open, left_open),
        "{what}"
    );
    assert_eq!(world.findings(), [""; 0], "{what}");
}

#[test]
fn segment_torn_while_it_was_begun_is_begun_again() {
    let world = World::new();
    world.write(60);
    let segments = Segment::list(&world.log_dir()).unwrap();
    let last = &segments.last().unwrap();
    let whole = fs::read(&last.path).unwrap();
    let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap();
    let before = Checkpoint { origin: "node-1.example".into(), head: head_before(&whole, last.first) };
    for cut in (0..=first_line).step_by(5) {
        let mut torn = vec![0; whole.len()];
        torn[..cut].copy_from_slice(&whole[..cut]);
        fs::write(&last.path, torn).unwrap();
        before.write(&world.log_dir()).unwrap();
        let (log, report) = world.start().unwrap_or_else(|error| panic!("cut at {cut}: {error:?}"));
        drop(log);
        assert_eq!((report.torn_bytes, report.segments), (cut as u64, segments.len()));
        assert!(report.entries > last.first, "its header is there again");
        assert_eq!(world.findings(), [""; 0], "cut at {cut}");
    }
}

fn head_before(segment: &[u8], size: u64) -> line::Head {
    let first = segment.split(|byte| *byte == b'\n').next().unwrap();
    line::Head { size, leaf: line::Skeleton::parse(first).unwrap().prev().unwrap() }
}

#[test]
fn writing_into_a_prepared_segment_leaves_its_size_alone() {
    let world = World::new();
    let (log, _) = world.start().unwrap();
    let size = fs::metadata(world.only_segment()).unwrap().len();
    on_core(&log, async |port| port.refused(&refused()).await.unwrap());
    assert_eq!(size, world.segment_bytes);
    assert_eq!(fs::metadata(world.only_segment()).unwrap().len(), size);
}

const CALLS: usize = 6;
