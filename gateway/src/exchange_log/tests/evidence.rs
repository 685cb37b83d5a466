//! D3, with what was signed at hand: every change is found where it is, and no other past is taken for this one.

use super::{sealing::rechain, *};
use crate::transparency::{
    cosignature::cosign,
    key::{Scheme, SigningKey},
    note::Note,
    policy::Policy,
};

/// D3: each byte of the folder's segments, of which a sample unless `KELISIM_FLIP_EVERY=1` asks for all.
#[test]
fn flipped_byte_is_found_in_its_line_wherever_it_is() {
    let world = World { segment_bytes: 24 << 10, ..World::sealed() };
    world.write(300);
    let step = std::env::var("KELISIM_FLIP_EVERY").ok().and_then(|step| step.parse().ok()).unwrap_or(1_999);
    let (mut flips, mut at) = (0, 0_usize);
    for segment in Segment::list(&world.log_dir()).unwrap() {
        let whole = fs::read(&segment.path).unwrap();
        let used = whole.iter().position(|byte| *byte == 0).unwrap_or(whole.len());
        while at < used {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&segment.path, &changed).unwrap();
            let line = 1 + whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
            let begin =
                whole[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline as u64 + 1);
            let found = verify(&world.log_dir()).unwrap().findings;
            let first = broken(&found).next().unwrap_or_else(|| panic!("byte {at} of {segment:?}"));
            assert_eq!(
                (&first.path, first.line, first.offset),
                (&segment.path, line, begin),
                "byte {at}: {first}"
            );
            (flips, at) = (flips + 1, at + step);
        }
        at -= used;
        fs::write(&segment.path, &whole).unwrap();
    }
    println!("{flips} flipped bytes, each found in its line");
    assert!(flips > 100);
}

/// D3
#[test]
fn each_removed_entry_and_each_swapped_pair_is_found_where_it_was() {
    let world = World { segment_bytes: 1 << 20, ..World::sealed() };
    world.write(100);
    let lines = world.lines();
    for at in 0..lines.len() {
        let mut changed = lines.clone();
        changed.remove(at);
        world.replace_lines(&changed);
        let found = verify(&world.log_dir()).unwrap().findings;
        let first = broken(&found).next().unwrap();
        let last = at + 1 == lines.len();
        let wanted = if last {
            Problem::CutOff { size: lines.len() as u64 }
        } else {
            Problem::Missing { count: 1, found: at as u64 + 1 }
        };
        assert_eq!((&first.problem, first.index), (&wanted, at as u64), "entry {at} removed");
    }
    for at in 1..lines.len() {
        let mut changed = lines.clone();
        changed.swap(at - 1, at);
        world.replace_lines(&changed);
        let found = verify(&world.log_dir()).unwrap().findings;
        let first = broken(&found).next().unwrap();
        assert_eq!(first.line, at as u64, "entries {} and {at} swapped: {first}", at - 1);
    }
}

/// D3
#[test]
fn past_that_was_written_anew_contradicts_what_was_signed() {
    let world = World::sealed();
    world.write(20);
    let mut lines = world.lines();
    lines[5] = lines[5].replace("\"personnel\"", "\"passports\"");
    let head = rechain(&mut lines);
    world.replace_lines(&lines);
    Checkpoint { origin: "node-1.example".into(), head }.write(&RealDisk, &world.log_dir()).unwrap();
    let found = verify(&world.log_dir()).unwrap().findings;
    let first = broken(&found).next().unwrap();
    assert_eq!((first.line, first.index, &first.problem), (6, 5, &Problem::NotAsSealed));
    assert!(
        found.iter().any(
            |finding| matches!(finding.problem, Problem::OtherRoot { size } if size == lines.len() as u64)
        )
    );
}

/// D3
#[test]
fn log_rolled_back_with_everything_in_its_folder_is_found_by_a_cosigned_checkpoint() {
    let world = World::sealed();
    let witness = SigningKey::generate(&"witness.example".parse().unwrap(), Scheme::Cosignature).unwrap().0;
    world.write(30);
    let backup = world.dir.path().join("backup");
    sealing::copy(&world.log_dir(), &backup);
    world.write(30);
    let mut note = Note::parse(&fs::read(world.log_dir().join("checkpoint")).unwrap()).unwrap();
    note.add(cosign(&note, &witness, 1_795_327_200).unwrap()).unwrap();
    let seen = world.dir.path().join("witness.checkpoint");
    fs::write(&seen, note.to_string()).unwrap();
    let log = world.sealing.as_ref().unwrap().keys[0].verifier().to_string();
    let policy: Policy = format!("log {log}\nwitness w {}\nquorum w\n", witness.verifier()).parse().unwrap();
    let evidence = Evidence { policy: Some(policy), checkpoints: vec![seen.clone()], authorities: None };
    let found = verify_with(&world.log_dir(), &evidence).unwrap();
    assert!(found.is_whole(), "{:?}", found.findings);
    assert_eq!(found.witnessed, Some(found.entries));

    fs::remove_dir_all(world.log_dir()).unwrap();
    sealing::copy(&backup, &world.log_dir());
    assert!(verify(&world.log_dir()).unwrap().is_whole(), "by itself it is");
    let found = verify_with(&world.log_dir(), &evidence).unwrap().findings;
    let first = broken(&found).next().unwrap();
    assert_eq!((&first.path, &first.problem), (&seen, &Problem::CutOff { size: 122 }));

    // Grown again to the same size, with other entries.
    drop(fs::remove_file(world.outside()));
    world.write(40);
    let found = verify_with(&world.log_dir(), &evidence).unwrap().findings;
    assert_eq!(broken(&found).next().unwrap().problem, Problem::OtherRoot { size: 122 });
}

/// D3
#[test]
fn tiles_bundles_and_checkpoints_that_were_changed_are_named() {
    let world = World { segment_bytes: 1 << 20, ..World::sealed() };
    world.write(300);
    let key = world.sealing.as_ref().unwrap().keys[0].verifier().to_string();
    let policy: Policy = format!("log {key}\nquorum none\n").parse().unwrap();
    let evidence = Evidence { policy: Some(policy), ..Evidence::default() };
    let verified = || verify_with(&world.log_dir(), &evidence).unwrap();
    assert_eq!(verified().findings, []);
    assert!(verified().checkpoints >= 3, "inside, and one of each start and stop");
    for (name, byte) in [
        ("tile/0/000", 32 * 7 + 1),
        ("tile/0/002.p/89", 5),
        ("tile/1/000.p/2", 33),
        ("tile/entries/001", 2000),
        ("tile/entries/002.p/89", 700),
        ("checkpoint", 40),
        ("checkpoint", 90),
        ("checkpoints/00000000000000000601", 40),
    ] {
        let path = world.log_dir().join(name);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[byte] ^= 1;
        fs::write(&path, &changed).unwrap();
        let found = verified().findings;
        assert!(broken(&found).any(|finding| finding.path == path), "{name}: {found:?}");
        fs::remove_file(&path).unwrap();
        let found = verified();
        assert_eq!(found.is_whole(), name.starts_with("checkpoint"), "without {name}: {:?}", found.findings);
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(verified().findings, []);
}

/// D3
#[test]
fn checkpoint_without_the_cosignatures_that_are_asked_for_does_not_do() {
    let world = World::sealed();
    world.write(3);
    let witness = SigningKey::generate(&"witness.example".parse().unwrap(), Scheme::Cosignature).unwrap().0;
    let log = world.sealing.as_ref().unwrap().keys[0].verifier().to_string();
    let policy: Policy = format!("log {log}\nwitness w {}\nquorum w\n", witness.verifier()).parse().unwrap();
    let evidence = Evidence { policy: Some(policy), ..Evidence::default() };
    let found = verify_with(&world.log_dir(), &evidence).unwrap().findings;
    assert_eq!(found[0].problem, Problem::NotWitnessed);
}

/// D3: the two parties' receipts.
#[test]
fn receipt_of_every_entry_is_verified_with_public_keys_alone() {
    let world = World { segment_bytes: 1 << 20, ..World::sealed() };
    world.write(300);
    let key = world.sealing.as_ref().unwrap().keys[0].verifier().to_string();
    let policy: Policy = format!("log {key}\nquorum none\n").parse().unwrap();
    for entry in world.entries().iter().step_by(7) {
        let receipt = receipt_of(&world.log_dir(), Wanted::Index(entry.index)).unwrap();
        let receipt = crate::transparency::receipt::Receipt::parse(receipt.to_string().as_bytes()).unwrap();
        assert_eq!(receipt.extra.as_deref(), Some(entry.line.as_bytes()));
        receipt.verify(entry.line.as_bytes(), &policy).unwrap();
    }
    let Record::Opening(opening) = world.entries().remove(0).record else {
        panic!("the first is an opening")
    };
    assert_eq!(receipt_of(&world.log_dir(), Wanted::Exchange(opening.exchange)).unwrap().index, 2);
    let beyond = receipt_of(&world.log_dir(), Wanted::Index(601));
    assert!(matches!(beyond, Err(ReceiptError::NotSealed { index: 601, size: 601 })));
}

/// D1
#[test]
fn records_of_a_party_are_matched_missed_and_found_to_differ() {
    let world = World::new();
    let opened: Vec<Opening<'_>> = (0..4).map(|_| opening()).collect();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        for opening in &opened {
            port.open(opening).await.unwrap().close_durably(&completed()).await.unwrap();
        }
    });
    drop(log);
    let hex = |byte: u8| format!("{byte:02x}").repeat(32);
    let [one, two, three, four] = [0, 1, 2, 3].map(|at: usize| opened[at].exchange);
    let foreign = Uuid::from_u128(7);
    let records = format!(
        "exchange,time,digest\n{one},{NOON},{}\n{two},{NOON},{}\n{three},2026-11-22T06:05:00Z,\n{foreign},{NOON},\n{one},,\n",
        hex(2),
        hex(9)
    );
    let minute = jiff::SignedDuration::from_mins(1);
    let records = read_own(records.as_bytes()).unwrap();
    let found = compare(&world.log_dir(), records, Filter::default(), minute).unwrap();
    let different: Vec<Differs> = found.different.iter().map(|one| one.what).collect();
    assert_eq!((found.matched, found.repeated.len()), (1, 1));
    assert_eq!(found.not_in_log[0].exchange, foreign);
    assert_eq!(found.not_in_records, [(7, four)]);
    assert_eq!(different, [Differs::Digest, Differs::Time { seconds: 300 }]);
    assert!(!found.agrees());
}

/// D1, B7: the consumer has what it sent, the provider what passed of that.
#[test]
fn either_digest_of_a_request_that_was_trimmed_is_that_of_a_party() {
    let world = World::new();
    let opening = Opening { passed_digest: Some(Sha256([5; 32])), passed_bytes: Some(7), ..opening() };
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        port.open(&opening).await.unwrap().close_durably(&completed()).await.unwrap();
    });
    drop(log);
    let compared = |byte: u8| {
        let digest = format!("{byte:02x}").repeat(32);
        let own = format!("exchange,digest\n{},{digest}\n", opening.exchange);
        let own = read_own(own.as_bytes()).unwrap();
        compare(&world.log_dir(), own, Filter::default(), jiff::SignedDuration::from_mins(1)).unwrap()
    };
    assert_eq!([1, 5, 2, 9].map(|byte| compared(byte).matched), [1, 1, 1, 0]);
}

/// D1: of what never reached a provider, its own records have nothing; of what may have, they should.
#[test]
fn what_never_reached_a_provider_is_not_missed_in_its_records() {
    let world = World::new();
    let opened: Vec<Opening<'_>> = Outcome::ALL.iter().map(|_| opening()).collect();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        for (opening, outcome) in opened.iter().zip(Outcome::ALL) {
            let closing = Closing::bare(completed().at, outcome);
            port.open(opening).await.unwrap().close_durably(&closing).await.unwrap();
        }
    });
    drop(log);
    let missed = |own: &str, filter: Filter| {
        let own = read_own(format!("exchange\n{own}").as_bytes()).unwrap();
        let found = compare(&world.log_dir(), own, filter, jiff::SignedDuration::from_mins(1)).unwrap();
        let missed = found.not_in_records.iter().map(|(_, exchange)| {
            let at = opened.iter().position(|opening| opening.exchange == *exchange).unwrap();
            Outcome::ALL[at].as_str()
        });
        (found.matched, missed.collect::<Vec<_>>())
    };
    let of_provider = || Filter { provider: Some(opened[0].provider.to_string()), ..Filter::default() };
    let kept_out = ["answered-again", "provider-unreachable", "request-refused"];
    let mut asked = Outcome::ALL.map(Outcome::as_str).to_vec();
    asked.retain(|outcome| !kept_out.contains(outcome));
    assert_eq!(missed("", of_provider()), (0, asked));
    assert_eq!(missed("", Filter::default()).1.len(), Outcome::ALL.len(), "a consumer asked all of them");
    let all: String = opened.iter().map(|opening| format!("{}\n", opening.exchange)).collect();
    assert_eq!(
        missed(&all, of_provider()),
        (10, vec![]),
        "what it noted all the same is no fault of its own"
    );
}

fn broken(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.severity() == Severity::Broken)
}
