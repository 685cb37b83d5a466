//! D2: what is kept, for how long, where, and that what remains is proven as before.

use jiff::civil::Date;

use super::{sealing::newest, *};
use crate::exchange_log::keeping::{
    Archive, Archived, Blocks, KeepingError, Place, Pruned, Pruning, Restored, Retention, archive,
    blocks_erasure, plan, prune, restore,
};
use crate::transparency::{key::Scheme, policy::Policy};

mod bucket;
mod store;

/// A sealed log of several segments, the archive beside it, and the day on which it is looked at.
struct Attic {
    world: World,
    archive: Archive,
    today: Date,
    held: Option<(&'static str, &'static str)>,
}

impl Attic {
    fn new() -> Self {
        Self::of(World { segment_bytes: 64 << 10, ..World::sealed() })
    }

    fn of(world: World) -> Self {
        world.write(600);
        let archive =
            Archive::open(&Place::Folder(world.dir.path().join("archive")), "node-1.example").unwrap();
        // KZ-2026-1 asks for three years.
        Self { world, archive, today: "2029-11-23".parse().unwrap(), held: None }
    }

    fn archived(&self) -> Result<Archived, KeepingError> {
        archive(&self.world.log_dir(), Some(&self.archive), usize::MAX, NOON, &mut |_, _, _| {})
    }

    fn retention(&self) -> Retention {
        Retention::on(self.today, ("KZ-2026-1", 1, 3), self.held)
    }

    fn with<T>(&self, retention: &Retention, work: impl FnOnce(&Pruning<'_>) -> T) -> T {
        let sealing = self.world.sealing.as_ref().unwrap();
        work(&Pruning {
            origin: "node-1.example",
            keys: &sealing.keys,
            archive: &self.archive,
            retention,
            witnessed: false,
            at: NOON,
            by: "administrator",
            reason: "retention ended",
        })
    }

    fn pruned(&self) -> Result<Pruned, KeepingError> {
        self.with(&self.retention(), |pruning| prune(&self.world.log_dir(), pruning, &mut |_, _, _| {}))
    }

    fn blocks(&self, retention: &Retention) -> Blocks {
        let planned = self.with(retention, |pruning| plan(&self.world.log_dir(), pruning, &mut |_, _, _| {}));
        let planned = planned.unwrap();
        assert_eq!((planned.to, planned.segments.len()), (0, 0));
        planned.blocks.unwrap()
    }

    fn restored(&self, back_to: u64) -> Result<Restored, KeepingError> {
        let sealing = self.world.sealing.as_ref().unwrap();
        let done = (&sealing.keys[..], NOON, "administrator", "inquiry");
        restore(&self.world.log_dir(), &self.archive, back_to, done, &mut |_, _, _| {})
    }

    fn policy(&self) -> Policy {
        let key = self.world.sealing.as_ref().unwrap().keys[0].verifier().clone();
        Policy::of(vec![key], Vec::new())
    }

    fn verified(&self) -> Verification {
        let evidence = Evidence { policy: Some(self.policy()), ..Evidence::default() };
        verify_with(&self.world.log_dir(), &evidence).unwrap()
    }

    /// Files of the log's folder that a prune may touch, with their bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut left = vec![self.world.log_dir()];
        while let Some(path) = left.pop() {
            for entry in fs::read_dir(&path).unwrap() {
                let path = entry.unwrap().path();
                let name = path.to_string_lossy().into_owned();
                if path.is_dir() {
                    left.push(path);
                } else if name.ends_with(".jsonl") && !name.contains("archived") || name.contains("/tile/") {
                    found.push((path.clone(), fs::read(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    fn objects(&self) -> Vec<PathBuf> {
        let segments = self.world.dir.path().join("archive/node-1.example/segments");
        let mut found: Vec<_> = fs::read_dir(segments).unwrap().map(|one| one.unwrap().path()).collect();
        found.sort();
        found
    }
}

/// D2
#[test]
fn complete_segments_go_to_the_archive_once_with_their_tiles_and_are_there_as_they_are_here() {
    let attic = Attic::new();
    let segments = Segment::list(&attic.world.log_dir()).unwrap();
    assert!(segments.len() > 5);
    let done = attic.archived().unwrap();
    assert_eq!(done.end, segments.last().unwrap().first);
    assert_eq!(done.segments.len(), segments.len() - 1);
    let place = attic.world.dir.path().join("archive/node-1.example");
    for (segment, object) in segments.iter().zip(attic.objects()) {
        assert_eq!(fs::read(&segment.path).unwrap(), fs::read(object).unwrap());
    }
    for name in ["tile/0/000", "tile/entries/000", "checkpoint"] {
        assert_eq!(
            fs::read(attic.world.log_dir().join(name)).unwrap(),
            fs::read(place.join(name)).unwrap(),
            "{name}"
        );
    }
    assert!(attic.archived().unwrap().segments.is_empty());
}

#[test]
fn damaged_segment_does_not_go_to_the_archive() {
    let attic = Attic::new();
    let second = &Segment::list(&attic.world.log_dir()).unwrap()[1];
    let text = fs::read_to_string(&second.path).unwrap();
    fs::write(&second.path, text.replacen("personnel", "passports", 1)).unwrap();
    let error = attic.archived().unwrap_err();
    assert!(matches!(error, KeepingError::Differs { .. }), "{error:?}");
    assert_eq!(attic.objects().len(), 1, "the one before it went, and nothing after");
}

/// D2, D3
#[test]
fn pruned_log_is_whole_from_the_index_that_it_declares_on_and_goes_on_as_before() {
    let attic = Attic::new();
    let before = newest(&attic.world);
    attic.archived().unwrap();
    let pruned = attic.pruned().unwrap();
    let segments = Segment::list(&attic.world.log_dir()).unwrap();
    assert_eq!((segments.len(), segments[0].first), (1, pruned.to));
    assert_eq!(pruned.blocks, Some(Blocks::Newest { index: pruned.to }));
    let found = attic.verified();
    assert!(found.is_whole(), "{:?}", found.findings);
    assert_eq!((found.minimum, found.entries), (pruned.to, before.size - pruned.to));
    assert_eq!(found.findings[0].problem, Problem::Pruned { index: pruned.to });

    attic.world.write(400);
    let found = attic.verified();
    assert!(found.is_whole(), "{:?}", found.findings);
    let newest = newest(&attic.world);
    assert_eq!(found.sealed, newest.size);
    for index in [pruned.to, pruned.to + 1, before.size, newest.size - 1] {
        let receipt = receipt_of(&attic.world.log_dir(), Wanted::Index(index)).unwrap();
        receipt.verify(receipt.extra.as_deref().unwrap(), &attic.policy()).unwrap();
    }
    let gone = receipt_of(&attic.world.log_dir(), Wanted::Index(pruned.to - 1)).unwrap_err();
    assert!(matches!(gone, ReceiptError::Pruned { .. }), "{gone:?}");
    let nothing = attic.pruned().unwrap();
    assert_eq!(nothing.from, pruned.to, "what is declared stays declared");
}

/// D2
#[test]
fn nothing_goes_before_its_time_or_unarchived_or_held_by_the_regulator() {
    let mut attic = Attic::new();
    assert_eq!(attic.blocks(&attic.retention()), Blocks::NotArchived { index: 0 });
    attic.archived().unwrap();
    let last_day: Date = "2029-11-22".parse().unwrap();
    attic.today = last_day;
    let Blocks::Retention { index: 1, until, .. } = attic.blocks(&attic.retention()) else { panic!() };
    assert_eq!(until, last_day);
    attic.today = "2031-01-01".parse().unwrap();
    let longer = attic.retention().with_category("open", 10);
    assert!(matches!(attic.blocks(&longer), Blocks::Retention { until, .. } if until.year() == 2036));
    let other = Retention::on(attic.today, ("KZ-2026-2", 1, 3), None);
    assert!(matches!(attic.blocks(&other), Blocks::Unknown { index: 1, .. }));
    attic.held = Some(("address-register", "p-7"));
    assert_eq!(attic.blocks(&attic.retention()), Blocks::Held { index: 1, prescription: "p-7".into() });
    let before = attic.files();
    assert_eq!(attic.pruned().unwrap().to, 0);
    assert_eq!(attic.files(), before);
    attic.held = None;
    fs::remove_file(attic.world.log_dir().join("checkpoint.durable")).unwrap();
    assert_eq!(attic.blocks(&attic.retention()), Blocks::NotSealed { index: 0 });
}

/// D2
#[test]
fn what_the_archive_does_not_hold_as_it_is_here_does_not_go() {
    let attic = Attic::new();
    attic.archived().unwrap();
    let before = attic.files();
    let place = attic.world.dir.path().join("archive/node-1.example");
    for object in [attic.objects().remove(2), place.join("tile/entries/001"), place.join("tile/0/000")] {
        let whole = fs::read(&object).unwrap();
        let mut changed = whole.clone();
        changed[100] ^= 1;
        for bad in [Some(changed), None] {
            match bad {
                Some(changed) => fs::write(&object, changed).unwrap(),
                None => fs::remove_file(&object).unwrap(),
            }
            assert!(attic.pruned().is_err(), "{object:?}");
            assert_eq!(attic.files(), before, "{object:?}");
            assert!(minimum_in(&attic.world.log_dir()).unwrap().is_none(), "nothing is declared either");
            fs::write(&object, &whole).unwrap();
        }
    }
    assert!(attic.pruned().unwrap().to > 0);
}

/// D3
#[test]
fn prune_that_the_log_did_not_declare_is_found() {
    let attic = Attic::new();
    attic.archived().unwrap();
    let to = attic.pruned().unwrap().to;
    let note = attic.world.log_dir().join("minimum-index");
    let declared = fs::read(&note).unwrap();
    fs::remove_file(&note).unwrap();
    let found = attic.verified();
    assert!(!found.is_whole());
    assert_eq!(found.findings[0].problem, Problem::BeginsLater { index: to });

    let own = |key: &crate::transparency::key::SigningKey, index| {
        let by = MinimumIndex {
            origin: "node-1.example".into(),
            index,
            at: NOON,
            by: "x".into(),
            reason: "y".into(),
        };
        by.signed(std::slice::from_ref(key)).unwrap().to_string()
    };
    let key = &attic.world.sealing.as_ref().unwrap().keys[0];
    let strange = make_key("node-1.example", Scheme::Ed25519).unwrap().0;
    for bad in [own(key, to - 1), own(&strange, to), own(key, u64::MAX), "none".to_owned()] {
        fs::write(&note, &bad).unwrap();
        assert!(!attic.verified().is_whole(), "{bad}");
    }
    fs::write(&note, declared).unwrap();
    // One more than was declared.
    attic.world.write(300);
    let segments = Segment::list(&attic.world.log_dir()).unwrap();
    assert!(segments.len() > 1);
    assert!(attic.verified().is_whole());
    fs::remove_file(&segments[0].path).unwrap();
    assert!(!attic.verified().is_whole());
}

/// C8: whatever of a prune a crash left undone, the log is whole, starts, and the next prune ends it.
#[test]
fn interrupted_prune_leaves_a_whole_log_and_is_completed_by_the_next() {
    let complete = Attic::new();
    complete.archived().unwrap();
    complete.pruned().unwrap();
    let rest = |attic: &Attic| -> Vec<PathBuf> {
        let dir = attic.world.log_dir();
        attic.files().into_iter().map(|(path, _)| path.strip_prefix(&dir).unwrap().to_owned()).collect()
    };
    let wanted = rest(&complete);
    for done in [0, 1, 3, 100] {
        let attic = Attic::new();
        attic.archived().unwrap();
        let before = attic.files();
        let pruned = attic.pruned().unwrap();
        // Segments go first, oldest first, then tiles and bundles: put back what was not reached.
        let (segments, tiles): (Vec<_>, Vec<_>) = before
            .into_iter()
            .filter(|(path, _)| !path.exists())
            .partition(|(path, _)| !path.starts_with(attic.world.log_dir().join("tile")));
        for (path, bytes) in segments.into_iter().chain(tiles).skip(done) {
            fs::write(path, bytes).unwrap();
        }
        let found = attic.verified();
        assert!(found.is_whole(), "{done}: {:?}", found.findings);
        assert_eq!(found.minimum, pruned.to);
        drop(attic.world.start().unwrap());
        let again = attic.pruned().unwrap();
        assert_eq!((again.from, again.to), (pruned.to, pruned.to));
        assert_eq!(rest(&attic), wanted, "{done}");
    }
}

/// D2, D3
#[test]
fn what_comes_back_from_the_archive_is_what_went_and_nothing_else_is_taken() {
    let attic = Attic::new();
    attic.archived().unwrap();
    let before = attic.files();
    let pruned = attic.pruned().unwrap();
    let object = attic.objects().remove(1);
    let whole = fs::read_to_string(&object).unwrap();
    fs::write(&object, whole.replacen("personnel", "passports", 1)).unwrap();
    let error = attic.restored(0).unwrap_err();
    assert!(matches!(error, KeepingError::Differs { .. }), "{error:?}");
    let found = attic.verified();
    assert!(found.is_whole(), "{:?}", found.findings);
    fs::write(&object, whole).unwrap();

    let middle = pruned.segments[pruned.segments.len() / 2];
    let restored = attic.restored(middle + 1).unwrap();
    assert_eq!(restored.minimum, middle);
    let found = attic.verified();
    assert!(found.is_whole() && found.minimum == middle, "{:?}", found.findings);
    assert_eq!(attic.restored(0).unwrap().minimum, 0);
    assert_eq!(attic.files(), before);
    let found = attic.verified();
    assert!(found.is_whole() && found.minimum == 0, "{:?}", found.findings);
}

/// D2, D4: a key whose entries are only in the archive is held by what holds them.
#[test]
fn key_of_entries_that_were_pruned_stays_as_long_as_one_of_them_is_held() {
    let world = World { segment_bytes: 64 << 10, ..World::sealed() };
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        let sealed = Some("confidential-2026-11.AAAA".into());
        port.open(&Opening { sealed, ..opening() }).await.unwrap().close(&completed());
    });
    assert_eq!(log.shutdown(), Health::Stopped);
    let mut attic = Attic::of(world);
    attic.archived().unwrap();
    attic.pruned().unwrap();
    let dir = attic.world.log_dir();
    let blocks = |attic: &Attic, begins| {
        let open = || Archive::open(&Place::Folder(attic.world.dir.path().join("archive")), "node-1.example");
        let key = ("confidential-2026-11", begins);
        blocks_erasure(&dir, key, open, &attic.retention(), &mut |_, _, _| {})
    };
    assert_eq!(blocks(&attic, NOON).unwrap(), None, "its time is over, and nothing holds it");
    attic.held = Some(("personnel", "p-7"));
    let held = blocks(&attic, NOON).unwrap();
    assert_eq!(held, Some(Blocks::Held { index: 1, prescription: "p-7".into() }));
    let later = NOON + jiff::SignedDuration::from_secs(1);
    assert_eq!(blocks(&attic, later).unwrap(), None, "archived before its month began");

    let object = attic.objects().remove(0);
    let whole = fs::read(&object).unwrap();
    fs::write(&object, &whole[..whole.len() - 1]).unwrap();
    assert!(
        matches!(blocks(&attic, NOON), Err(KeepingError::NotArchived { .. })),
        "what cannot be looked at"
    );
    fs::write(&object, whole).unwrap();
    attic.held = None;
    fs::remove_file(dir.join("archived.jsonl")).unwrap();
    assert_eq!(blocks(&attic, NOON).unwrap(), Some(Blocks::NotInLedger { index: 0 }));
}
