//! Torn ends of every shape: what was acknowledged stays, what was not is cut.

use super::*;

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
    let checkpoint = world.log_dir().join(checkpoint::NAME);
    let before = fs::read(&checkpoint).unwrap();
    let model = world.model();
    let (config, disk) = (world.config(), Arc::new(model.clone()));
    let orders = Arc::new(Mutex::new(Orders::new(&model, &config.dir, config.segment_bytes)));
    let begun = begin((disk, Box::new(Inline(orders))), Arc::default(), &config, None);
    let (_, _, report) = begun.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let left_open = [0, 1, 2, 1][kept];
    assert_eq!(
        (report.entries, report.closed_as_unknown),
        (7 + kept as u64 + left_open, left_open),
        "{what}"
    );
    assert_eq!(world.findings(), [""; 0], "{what}");
    fs::write(checkpoint, before).unwrap();
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
        before.write(&RealDisk, &world.log_dir()).unwrap();
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
