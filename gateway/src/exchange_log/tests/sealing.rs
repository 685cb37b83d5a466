//! What the sealer signs: the tree of what was durable, read by tools that nobody here wrote; never another past.

use std::iter;

use ct_merkle::{InclusionProof, RootHash};
use sha2::Sha256 as Sha2;
use tlog_tiles::{Checkpoint as TheirCheckpoint, Tile, TileHashReader, TileReader};

use super::{
    super::{sealer, tiles::StoredTree},
    *,
};
use crate::transparency::{
    Hash, TilePath, inclusion,
    key::{Scheme, SigningKey},
    split_bundle,
};

/// D3
#[test]
fn published_crates_read_checkpoint_tiles_and_entries_of_a_log() {
    let world = World::sealed();
    world.write(700);
    let dir = world.log_dir();
    let note = signed_note::Note::from_bytes(&fs::read(dir.join("checkpoint")).unwrap()).unwrap();
    let key = world.sealing.as_ref().unwrap().keys[0].verifier().to_string();
    let verifier = signed_note::StandardVerifier::new(&key).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    note.verify(&known).unwrap();
    let checkpoint = TheirCheckpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("node-1.example", all_lines(&world).len() as u64));

    let folder = TheirFolder(dir.clone());
    let tree = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &folder);
    let root = RootHash::<Sha2>::new(checkpoint.hash().0.into(), checkpoint.size());
    let ours = StoredTree::new(&dir, checkpoint.size());
    for (line, index) in all_lines(&world).iter().zip(0..) {
        let proof = tlog_tiles::prove_record(checkpoint.size(), index, &tree).unwrap();
        let leaf = tlog_tiles::record_hash(line.as_bytes());
        tlog_tiles::check_record(&proof, checkpoint.size(), *checkpoint.hash(), index, leaf).unwrap();
        let proof: Vec<u8> =
            inclusion(&ours, index, checkpoint.size()).unwrap().iter().flat_map(|hash| hash.0).collect();
        let proof = InclusionProof::try_from_bytes(proof).unwrap();
        root.verify_inclusion(&line.as_bytes(), index, &proof).unwrap();
        let bundle = ours.bundle(index).unwrap();
        assert_eq!(split_bundle(&bundle).unwrap()[(index % 256) as usize], line.as_bytes());
    }
}

struct TheirFolder(PathBuf);

impl TileReader for TheirFolder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Their paths begin with the height, which C2SP tlog-tiles leaves out since it is always 8.
        let path = |tile: &Tile| self.0.join(tile.path().replacen("tile/8/", "tile/", 1));
        Ok(tiles.iter().map(|tile| fs::read(path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn log_that_was_never_sealed_is_sealed_at_its_next_start() {
    let world = World::new();
    world.write(300);
    let sealed = World { sealing: Some(Arc::new(world.new_sealing())), ..world };
    let (log, report) = sealed.start().unwrap();
    assert_eq!((log.unsealed(), newest(&sealed).size), (0, report.entries));
    drop(log);
    assert_eq!(newest(&sealed).root, root_of(&all_lines(&sealed)));
}

/// C8
#[test]
fn whatever_of_tiles_and_checkpoints_a_crash_swallowed_the_next_start_reaches_the_same_root() {
    let world = World::sealed();
    world.write(300);
    let first = newest(&world);
    let (edge, bundle) =
        (TilePath::hashes(0, first.size / 256, 1).partials(), TilePath::entries(2, 1).partials());
    for lost in [
        "tile",
        "tile/0",
        "tile/1",
        "tile/entries",
        &edge,
        &bundle,
        "checkpoints",
        "checkpoint",
        "checkpoint.durable",
    ] {
        world.write(40);
        let before = newest(&world);
        let place = world.log_dir().join(lost);
        drop(if place.is_dir() { fs::remove_dir_all(&place) } else { fs::remove_file(&place) });
        let (log, report) = world.start().unwrap_or_else(|error| panic!("without {lost}: {error:?}"));
        drop(log);
        assert_eq!(report.entries, before.size, "{lost}");
        assert_eq!((newest(&world).size, newest(&world).root), (before.size, before.root), "without {lost}");
    }
}

#[test]
fn tiles_written_before_a_crash_and_not_signed_are_found_as_they_should_be() {
    let world = World::sealed();
    world.write(300);
    let (note, outside) = (fs::read(world.log_dir().join("checkpoint")).unwrap(), world.outside());
    world.write(300);
    let root = newest(&world).root;
    fs::write(world.log_dir().join("checkpoint"), &note).unwrap();
    fs::write(outside, note).unwrap();
    drop(world.start().unwrap());
    assert_eq!(newest(&world).root, root);
}

/// D3
#[test]
fn log_that_went_back_does_not_start_and_nothing_is_changed() {
    let world = World::sealed();
    world.write(50);
    let backup = world.dir.path().join("backup");
    copy(&world.log_dir(), &backup);
    world.write(50);
    fs::remove_dir_all(world.log_dir()).unwrap();
    copy(&backup, &world.log_dir());
    let before = all_lines(&world);
    let error = world.start().unwrap_err();
    assert!(matches!(error, StartError::Seal(SealError::WentBack { .. })), "{error:?}");
    assert_eq!(all_lines(&world), before);
}

/// D3
#[test]
fn past_written_anew_with_all_hashes_is_found_at_the_start_by_what_was_signed() {
    let world = World::sealed();
    world.write(20);
    let mut lines = world.lines();
    lines[5] = lines[5].replace("\"personnel\"", "\"passports\"");
    let head = rechain(&mut lines);
    world.replace_lines(&lines);
    Checkpoint { origin: "node-1.example".into(), head }.write(&RealDisk, &world.log_dir()).unwrap();
    // The tiles are taken away, as a forger without the key must, for they no longer fit.
    fs::remove_dir_all(world.log_dir().join("tile")).unwrap();
    let error = world.start().unwrap_err();
    assert!(matches!(error, StartError::Seal(SealError::OtherRoot { .. })), "{error:?}");
}

/// C8
#[test]
fn tiles_that_a_crash_tore_are_made_again() {
    let world = World::sealed();
    world.write(300);
    let mark = fs::read(world.log_dir().join(sealer::DURABLE)).unwrap();
    world.write(600);
    let before = newest(&world);
    let tiles = ["tile/0/001", "tile/0/002", "tile/entries/001", "tile/entries/002"];
    let whole = tiles.map(|tile| fs::read(world.log_dir().join(tile)).unwrap());
    // What a crash may leave of a file that was not synced: nothing, zeros, its beginning, its beginning and zeros.
    for (whole_bytes, length) in [(0, 0), (0, usize::MAX), (4096, 4096), (512, usize::MAX)] {
        let tear = |bytes: &[u8]| {
            let kept = bytes.iter().take(whole_bytes).copied();
            kept.chain(iter::repeat(0)).take(bytes.len().min(length)).collect::<Vec<u8>>()
        };
        fs::write(world.log_dir().join(sealer::DURABLE), &mark).unwrap();
        for tile in tiles {
            let path = world.log_dir().join(tile);
            fs::write(&path, tear(&fs::read(&path).unwrap())).unwrap();
        }
        drop(world.start().unwrap());
        assert_eq!(newest(&world).root, before.root);
        assert_eq!(tiles.map(|tile| fs::read(world.log_dir().join(tile)).unwrap()), whole);
        assert_eq!(fs::read(world.log_dir().join(sealer::DURABLE)).unwrap(), newest_note(&world));
    }
}

/// D3
#[test]
fn tile_of_another_log_is_not_replaced_and_closes_this_one() {
    let world = World::sealed();
    world.write(50);
    let backup = world.dir.path().join("backup");
    copy(&world.log_dir(), &backup);
    let outside = fs::read(world.outside()).unwrap();
    world.write(300);
    // All that was signed is put back, and a tile of what came after is left where it will be written again.
    let tile = fs::read(world.log_dir().join("tile/0/000")).unwrap();
    fs::remove_dir_all(world.log_dir()).unwrap();
    copy(&backup, &world.log_dir());
    fs::write(world.outside(), outside).unwrap();
    fs::write(world.log_dir().join("tile/0/000"), tile).unwrap();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        for _ in 0..200 {
            port.open(&opening()).await.unwrap().close_durably(&completed()).await.unwrap();
        }
    });
    let health = log.shutdown();
    assert!(matches!(&health, Health::Failed(reason) if reason.contains("differs")), "{health:?}");
}

/// D3
#[test]
fn checkpoint_that_is_put_back_under_a_running_log_closes_it() {
    let world = World::sealed();
    world.write(10);
    let old = fs::read(world.log_dir().join("checkpoint")).unwrap();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        port.open(&opening()).await.unwrap().close_durably(&completed()).await.unwrap()
    });
    for forged in [&old[..], b"no note"] {
        fs::write(world.log_dir().join("checkpoint"), forged).unwrap();
    }
    let health = log.shutdown();
    assert!(matches!(&health, Health::Failed(reason) if reason.contains("checkpoint")), "{health:?}");
}

#[test]
fn checkpoint_of_another_key_is_not_continued() {
    let world = World::sealed();
    world.write(3);
    let other = World { sealing: Some(Arc::new(world.new_sealing())), ..world };
    let error = other.start().unwrap_err();
    assert!(matches!(error, StartError::Seal(SealError::NotOurs { .. })), "{error:?}");
}

#[test]
fn second_key_signs_beside_the_first() {
    let mut world = World::sealed();
    let name = "node-1.example".parse().unwrap();
    let keys = [Scheme::Ed25519, Scheme::CosignatureMlDsa44]
        .map(|scheme| SigningKey::generate(&name, scheme).unwrap().0);
    let verifiers: Vec<_> = keys.iter().map(|key| key.verifier().clone()).collect();
    world.sealing = Some(Arc::new(Sealing { keys: keys.into(), ..world.new_sealing() }));
    world.write(3);
    let note = fs::read(world.log_dir().join("checkpoint")).unwrap();
    let note = crate::transparency::note::Note::parse(&note).unwrap();
    assert_eq!(note.verify(&verifiers).unwrap().len(), 2);
}

#[test]
fn damage_that_comes_while_the_log_is_open_stops_it() {
    let world = World::sealed();
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| {
        port.open(&opening()).await.unwrap().close_durably(&completed()).await.unwrap()
    });
    // Durable, and not sealed yet: the period of this world is an hour.
    let segment = world.only_segment();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    bytes[at + 2] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let health = log.shutdown();
    assert!(matches!(&health, Health::Failed(reason) if reason.contains("byte")), "{health:?}");
}

fn newest_note(world: &World) -> Vec<u8> {
    fs::read(world.log_dir().join(sealer::NAME)).unwrap()
}

/// The newest checkpoint, whoever signed it.
pub(super) fn newest(world: &World) -> crate::transparency::checkpoint::Checkpoint {
    crate::transparency::note::Note::parse(&newest_note(world)).unwrap().text().parse().unwrap()
}

fn root_of(lines: &[String]) -> Hash {
    let mut edge = crate::transparency::Edge::default();
    for line in lines {
        edge.push(Hash::of_leaf(line.as_bytes()), |_, _| Ok::<_, std::convert::Infallible>(())).unwrap();
    }
    edge.root()
}

/// All lines of all segments.
fn all_lines(world: &World) -> Vec<String> {
    let text = |segment: &Segment| fs::read_to_string(&segment.path).unwrap();
    let segments = Segment::list(&world.log_dir()).unwrap();
    segments
        .iter()
        .flat_map(|segment| {
            text(segment).trim_end_matches('\0').lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Makes all hashes anew, as somebody who rewrites the past would.
pub(super) fn rechain(lines: &mut [String]) -> line::Head {
    let mut head = line::Head::of_empty("node-1.example");
    for line in lines {
        let at = line.find("\"prev\":\"").unwrap() + 8;
        line.replace_range(at..at + 44, str::from_utf8(&line::base64(&head.leaf)).unwrap());
        head = line::Head { size: head.size + 1, leaf: line::leaf_hash(line.as_bytes()) };
    }
    head
}

pub(super) fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// D3: on call, what was changed is to be read off, not looked for among what only stands behind it.
#[test]
fn changed_entry_accuses_no_bundle_and_a_changed_bundle_is_told_of_once() {
    let world = World::sealed();
    world.write(26);
    let lines = world.lines();
    let mut changed = lines.clone();
    changed[3] = changed[3].replace("\"personnel\"", "\"passports\"");
    world.replace_lines(&changed);
    let accused = |world: &World| -> Vec<(u64, Problem)> {
        let found = verify(&world.log_dir()).unwrap().findings.into_iter();
        let broken = found.filter(|finding| finding.severity() == Severity::Broken);
        broken.map(|finding| (finding.index, finding.problem)).collect()
    };
    assert_eq!(accused(&world), [(3, Problem::Changed)]);
    world.replace_lines(&lines);
    let bundle = world.log_dir().join(format!("tile/entries/000.p/{}", lines.len()));
    let whole = fs::read(&bundle).unwrap();
    let within = whole.windows(9).position(|bytes| bytes == b"personnel").unwrap();
    // A letter of the first opening; and the length of the header before it, which shifts all that follow.
    for (at, index) in [(within, 1), (1, 0)] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&bundle, bytes).unwrap();
        assert_eq!(accused(&world), [(index, Problem::TileDiffers { index })]);
    }
}
