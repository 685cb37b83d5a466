//! A witness against logs that grow, go back, fork, or are somebody else's.

use std::path::Path;

use super::*;
use crate::transparency::{Leaves, consistency, leaves, root};

const ORIGIN: &str = "kelisim.example/log";

struct Scene {
    dir: tempfile::TempDir,
    log: SigningKey,
    texts: Vec<String>,
    tree: Leaves,
}

impl Scene {
    fn new() -> Self {
        let (log, _) = SigningKey::generate(&ORIGIN.parse().unwrap(), Scheme::Ed25519).unwrap();
        let name = "witness.example/w1".parse().unwrap();
        let key = |scheme| SigningKey::generate(&name, scheme).unwrap().1;
        let texts = vec![key(Scheme::Cosignature), key(Scheme::CosignatureMlDsa44)];
        Self { dir: tempfile::tempdir().unwrap(), log, texts, tree: leaves(300) }
    }

    fn watched(&self) -> Watched {
        Watched { origin: ORIGIN.into(), keys: vec![self.log.verifier().clone()] }
    }

    fn keys(&self) -> Vec<SigningKey> {
        self.texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn open(&self) -> Result<Witness, WitnessError> {
        Witness::open(self.dir.path(), self.keys(), &[self.watched()])
    }

    fn note(&self, size: u64) -> Note {
        self.signed(&Checkpoint::new(ORIGIN, size, root(&self.tree, size).unwrap()))
    }

    fn signed(&self, checkpoint: &Checkpoint) -> Note {
        let mut note = checkpoint.note().unwrap();
        note.sign(&self.log).unwrap();
        note
    }

    fn body(&self, old: u64, size: u64) -> String {
        let proof = if old == 0 { Vec::new() } else { consistency(&self.tree, old, size).unwrap() };
        Asked::body(old, &proof, &self.note(size))
    }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn add(witness: &Witness, body: &str) -> Result<String, Refusal> {
    witness.add_checkpoint(body.as_bytes(), now())
}

/// D3
#[test]
fn a_log_that_grows_is_cosigned_with_every_key_and_the_time() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    for (old, size) in [(0, 0), (0, 1), (1, 1), (1, 7), (7, 256), (256, 300)] {
        let lines = add(&witness, &scene.body(old, size)).unwrap();
        let mut note = scene.note(size);
        for signature in crate::transparency::note::parse_signatures(&lines).unwrap() {
            note.add(signature).unwrap();
        }
        let keys: Vec<_> = scene.keys().iter().map(|key| key.verifier().clone()).collect();
        let signed = note.verify(&keys).unwrap();
        assert_eq!(signed.len(), 2, "{size}");
        assert!(signed.iter().all(|one| one.posix_seconds == Some(now().as_second() as u64)));
    }
}

/// D3
#[test]
fn a_log_that_went_back_is_refused_with_the_size_that_is_remembered() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    add(&witness, &scene.body(0, 100)).unwrap();
    for (old, size) in [(0, 50), (50, 60), (0, 100), (0, 200), (99, 100), (101, 200)] {
        assert_eq!(add(&witness, &scene.body(old, size)), Err(Refusal::OtherSize(100)), "{old} to {size}");
    }
    assert_eq!(add(&witness, &scene.body(100, 200)).map(|_| ()), Ok(()));
}

/// D3
#[test]
fn another_history_of_the_same_size_is_refused_and_kept_as_evidence() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    add(&witness, &scene.body(0, 100)).unwrap();
    let forged = scene.signed(&Checkpoint::new(ORIGIN, 100, Hash([1; 32])));
    for _ in 0..2 {
        let refused = add(&witness, &Asked::body(100, &[], &forged));
        assert!(matches!(refused, Err(Refusal::Inconsistent(_))), "{refused:?}");
    }
    let folder = scene.dir.path().join(origin_hash(ORIGIN));
    let conflicts: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("conflict-"))
        .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
        .collect();
    assert_eq!(conflicts, [forged.to_string()]);
}

#[test]
fn a_proof_that_does_not_prove_is_refused() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    let empty = scene.signed(&Checkpoint::new(ORIGIN, 0, Hash([1; 32])));
    assert!(matches!(add(&witness, &Asked::body(0, &[], &empty)), Err(Refusal::Inconsistent(_))));
    let extra = Asked::body(0, &[Hash([1; 32])], &scene.note(7));
    assert!(matches!(add(&witness, &extra), Err(Refusal::Inconsistent(_))));
    add(&witness, &scene.body(0, 7)).unwrap();
    let good = consistency(&scene.tree, 7, 20).unwrap();
    for proof in [vec![], good[1..].to_vec(), [good.clone(), vec![Hash([1; 32])]].concat()] {
        let body = Asked::body(7, &proof, &scene.note(20));
        assert!(matches!(add(&witness, &body), Err(Refusal::NotProven(_))), "{}", proof.len());
    }
    let body = Asked::body(7, &good, &scene.signed(&Checkpoint::new(ORIGIN, 20, Hash([1; 32]))));
    assert!(matches!(add(&witness, &body), Err(Refusal::NotProven(_))));
    let same = Asked::body(7, &[Hash([1; 32])], &scene.note(7));
    assert!(matches!(add(&witness, &same), Err(Refusal::Inconsistent(_))));
    add(&witness, &scene.body(7, 20)).unwrap();
}

#[test]
fn strangers_and_forgers_are_told_apart() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    assert!(matches!(add(&witness, "nonsense"), Err(Refusal::Malformed(_))));
    let other = scene.signed(&Checkpoint::new("other.example", 1, Hash([1; 32])));
    assert_eq!(add(&witness, &Asked::body(0, &[], &other)), Err(Refusal::UnknownLog));
    let unknown = Scene::new();
    assert_eq!(add(&witness, &unknown.body(0, 7)), Err(Refusal::Untrusted(NoteError::Unsigned)));
    let forged = scene.body(0, 7).replace(scene.note(7).text(), scene.note(8).text());
    assert!(matches!(add(&witness, &forged), Err(Refusal::Untrusted(NoteError::Forged(_)))));
    assert_eq!(add(&witness, &Asked::body(9, &[], &scene.note(7))), Err(Refusal::Shrinks));
    assert_eq!(witness.latest(&origin_hash(ORIGIN)), None);
}

#[test]
fn signatures_of_strangers_are_not_kept() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    let mut note = scene.note(7);
    let (stranger, _) = SigningKey::generate(&"a.example".parse().unwrap(), Scheme::Ed25519).unwrap();
    note.sign(&stranger).unwrap();
    add(&witness, &Asked::body(0, &[], &note)).unwrap();
    let kept = witness.latest(&origin_hash(ORIGIN)).unwrap();
    assert!(!kept.contains("a.example") && kept.contains("witness.example/w1"), "{kept}");
}

/// D3
#[test]
fn a_witness_remembers_after_a_restart() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    add(&witness, &scene.body(0, 100)).unwrap();
    assert!(matches!(scene.open(), Err(WitnessError::Kept(KeptError::InUse { .. }))));
    let before = witness.latest(&origin_hash(ORIGIN));
    drop(witness);
    let witness = scene.open().unwrap();
    assert_eq!(witness.latest(&origin_hash(ORIGIN)), before);
    assert_eq!(add(&witness, &scene.body(0, 100)), Err(Refusal::OtherSize(100)));
    add(&witness, &scene.body(100, 101)).unwrap();
}

#[test]
fn a_memory_that_was_altered_is_refused_not_forgotten() {
    let scene = Scene::new();
    let path = scene.dir.path().join(origin_hash(ORIGIN)).join("checkpoint");
    add(&scene.open().unwrap(), &scene.body(0, 100)).unwrap();
    let genuine = std::fs::read_to_string(&path).unwrap();
    let unsigned_by_us = scene.note(50).to_string();
    for text in [&genuine[..genuine.len() - 20], &genuine.replace("\n100\n", "\n10\n"), &unsigned_by_us, ""] {
        std::fs::write(&path, text).unwrap();
        assert!(scene.open().is_err(), "{text}");
    }
    std::fs::write(&path, genuine).unwrap();
    scene.open().unwrap();
}

#[test]
fn what_cannot_be_remembered_is_not_cosigned() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    add(&witness, &scene.body(0, 7)).unwrap();
    // A folder in the way of the file that is written beside the old one.
    let next = scene.dir.path().join(origin_hash(ORIGIN)).join("checkpoint.next");
    std::fs::create_dir(&next).unwrap();
    assert_eq!(add(&witness, &scene.body(7, 20)), Err(Refusal::Store));
    assert_eq!(add(&witness, &scene.body(20, 30)), Err(Refusal::OtherSize(7)));
    std::fs::remove_dir(&next).unwrap();
    add(&witness, &scene.body(7, 20)).unwrap();
}

#[test]
fn keys_of_logs_do_not_witness_and_a_log_is_configured_once() {
    let scene = Scene::new();
    let open = |keys, logs: &[Watched]| Witness::open(Path::new(scene.dir.path()), keys, logs);
    let (log_key, _) = SigningKey::generate(&ORIGIN.parse().unwrap(), Scheme::Ed25519).unwrap();
    assert!(matches!(open(vec![log_key], &[]), Err(WitnessError::Keys)));
    assert!(matches!(open(vec![], &[]), Err(WitnessError::Keys)));
    let twice = [scene.watched(), scene.watched()];
    assert!(matches!(open(scene.keys(), &twice), Err(WitnessError::Twice(_))));
}
