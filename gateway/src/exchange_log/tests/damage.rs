//! D3: any change, removal or reordering is found, and where.

use super::*;

#[test]
fn whole_log_is_found_whole_and_counted() {
    let world = World::new();
    world.write(5);
    let found = verify(&world.log_dir()).unwrap();
    assert!(found.is_whole(), "{:?}", found.findings);
    assert_eq!((found.entries, found.openings, found.open_at_end, found.segments), (11, 5, 0, 1));
}

/// D3
#[test]
fn any_flipped_bit_is_found_in_its_line() {
    let world = World::new();
    world.write(3);
    let file = world.only_segment();
    let whole = fs::read(&file).unwrap();
    let used = whole.iter().position(|byte| *byte == 0).unwrap();
    for at in 0..used {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&file, &changed).unwrap();
        let line = 1 + whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        let found = verify(&world.log_dir()).unwrap();
        let mut broken = found.findings.iter().filter(|finding| finding.severity() == Severity::Broken);
        let first = broken.next().unwrap_or_else(|| panic!("byte {at} of line {line}: nothing found"));
        assert_eq!(first.line, line, "byte {at}: {first}");
    }
}

/// D3
#[test]
fn removed_swapped_repeated_and_forged_entries_are_found() {
    let world = World::new();
    world.write(3);
    let lines = world.lines();
    let after = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        world.replace_lines(&changed);
        world.findings()
    };
    insta::assert_debug_snapshot!([
        after(&|lines| drop(lines.remove(3))),
        after(&|lines| lines.swap(2, 3)),
        after(&|lines| lines.insert(3, lines[2].clone())),
        after(&|lines| lines[3] = lines[3].replace("address-register", "tax-register")),
        after(&|lines| lines[2] = lines[2].replace("\"completed\"", "\"timeout\"")),
        after(&|lines| lines.truncate(4)),
        after(&|lines| lines[6] = lines[6].replace("\"completed\"", "\"timeout\"")),
        after(&|lines| drop(lines.drain(0..2))),
    ]);
}

/// D3: so a pair that was swapped is found where its first entry stood, whatever stands between the two.
#[test]
fn what_is_found_first_of_each_swapped_pair_is_what_the_displaced_line_alone_says() {
    let world = World::new();
    world.write(20);
    let trials = Trials::of(&world.log_dir(), &Evidence::default()).unwrap();
    let lines = world.lines();
    assert_eq!(lines.len(), trials.lines());
    let (mut trial, mut pairs) = (trials.begin(), 0);
    for at in 0..lines.len() {
        for other in at + 1..lines.len() {
            let displaced = trial.finds_displaced(lines[other].as_bytes());
            let missing = Problem::Missing { count: (other - at) as u64, found: other as u64 };
            assert_eq!(displaced, Some(missing.clone()));
            // The whole folder, with the two swapped; and the trial that reads on behind the first of them.
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            world.replace_lines(&swapped);
            let found = verify(&world.log_dir()).unwrap().findings;
            let first = found.iter().find(|found| found.severity() == Severity::Broken).unwrap();
            assert_eq!((first.line, &first.problem), (at as u64 + 1, &missing));
            let tried = trial.finds(trials.between(other, other + 1), at + 1).unwrap();
            assert_eq!((tried.line, tried.problem), (at as u64 + 1, missing));
            pairs += 1;
        }
        assert_eq!(trial.finds_displaced(lines[at].as_bytes()), None, "it stands where it should");
        trial.step();
    }
    assert_eq!(pairs, 41 * 40 / 2);
}

/// D3
#[test]
fn cut_end_and_missing_segment_are_found() {
    let world = World::new();
    world.write(200);
    let segments = Segment::list(&world.log_dir()).unwrap();
    assert!(segments.len() > 3);
    fs::rename(&segments[1].path, world.dir.path().join("aside")).unwrap();
    let missing = Problem::Missing { count: segments[2].first - segments[1].first, found: segments[2].first };
    assert_eq!(verify(&world.log_dir()).unwrap().findings[0].problem, missing);
    fs::rename(world.dir.path().join("aside"), &segments[1].path).unwrap();

    fs::remove_file(&segments.last().unwrap().path).unwrap();
    let problems: Vec<_> =
        verify(&world.log_dir()).unwrap().findings.into_iter().map(|found| found.problem).collect();
    assert_eq!(problems, [Problem::CutOff { size: 401 + segments.len() as u64 - 1 }]);
    assert!(matches!(world.start(), Err(StartError::BehindCheckpoint { .. })));
}

#[test]
fn log_whose_first_segments_were_taken_away_is_not_whole_and_goes_on_all_the_same() {
    let world = World::new();
    world.write(200);
    let segments = Segment::list(&world.log_dir()).unwrap();
    fs::remove_file(&segments[0].path).unwrap();
    let found = verify(&world.log_dir()).unwrap();
    assert!(!found.is_whole());
    assert_eq!(found.findings[0].problem, Problem::BeginsLater { index: segments[1].first });
    assert!(world.start().is_ok());
}

#[test]
fn damage_to_what_was_durable_is_never_taken_for_a_torn_end() {
    let world = World::new();
    world.write(4);
    let file = world.only_segment();
    let whole = fs::read(&file).unwrap();
    let used = whole.iter().position(|byte| *byte == 0).unwrap();
    let last_line = whole[..used - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    fs::remove_file(world.log_dir().join(checkpoint::NAME)).unwrap();
    for at in (0..last_line).step_by(7) {
        for bad in [whole[at] ^ 1, 0] {
            let mut changed = whole.clone();
            changed[at] = bad;
            fs::write(&file, &changed).unwrap();
            let refusal = world.start().expect_err(&format!("byte {at} became {bad}"));
            assert!(matches!(refusal, StartError::Damaged { .. } | StartError::Origin { .. }), "{refusal}");
            assert_eq!(fs::read(&file).unwrap(), changed, "nothing may be cut");
        }
    }
}

#[test]
fn end_that_is_behind_its_checkpoint_does_not_start() {
    let world = World::new();
    world.write(4);
    let lines = world.lines();
    world.replace_lines(&lines[..lines.len() - 1]);
    assert!(matches!(world.start(), Err(StartError::BehindCheckpoint { found: 8, checkpoint: 9 })));
    let mut changed = lines.clone();
    changed[8] = changed[8].replace("completed", "abandoned");
    world.replace_lines(&changed);
    assert!(matches!(world.start(), Err(StartError::BehindCheckpoint { found: 9, checkpoint: 9 })));
}

#[test]
fn hostile_files_are_read_in_bounded_memory_without_panic() {
    let world = World::new();
    world.write(1);
    let file = world.only_segment();
    for content in [
        vec![b'{'; 1 << 20],
        vec![b'\n'; 1 << 16],
        vec![0xff; 1 << 16],
        [vec![b'['; 1 << 14], b"\n".to_vec()].concat(),
        b"{\"index\":18446744073709551615,\"batch\":0,\"prev\":\"\",\"kind\":\"segment\"}\n".to_vec(),
        Vec::new(),
    ] {
        fs::write(&file, &content).unwrap();
        assert!(!verify(&world.log_dir()).unwrap().is_whole());
        assert!(world.start().is_err());
        let _ = search(&world.log_dir(), Filter::default()).unwrap().count();
    }
    fs::write(world.log_dir().join(checkpoint::NAME), "{").unwrap();
    assert!(matches!(world.start(), Err(StartError::Io { .. })));
}

#[test]
fn the_end_of_a_log_is_told_before_a_start_and_a_changed_entry_there_is_found() {
    let mut world = World::new();
    world.segment_bytes = 4 << 10;
    world.write(40);
    assert!(Segment::list(&world.log_dir()).unwrap().len() > 2);
    let whole = LogEnd::of(&world.log_dir()).unwrap();
    assert_eq!(whole.entries, verify(&world.log_dir()).unwrap().entries);
    assert_eq!(whole.registry_revision, Some(12), "of an opening, wherever the last one is");
    assert_eq!(LogEnd::checked(&world.log_dir(), "node-1.example").unwrap(), whole.entries);
    let (log, report) = world.start().unwrap();
    assert!(is_in_use(&world.log_dir()).unwrap());
    assert_eq!(report.entries, whole.entries);
    log.shutdown();
    assert!(!is_in_use(&world.log_dir()).unwrap());

    let last = Segment::list(&world.log_dir()).unwrap().pop().unwrap().path;
    let mut bytes = fs::read(&last).unwrap();
    let at = bytes.windows(5).position(|bytes| bytes == b"\"at\":").unwrap() + 7;
    bytes[at] ^= 1;
    fs::write(&last, bytes).unwrap();
    assert!(LogEnd::checked(&world.log_dir(), "node-1.example").is_err());
}
