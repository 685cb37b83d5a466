//! D2: an archive in a bucket elsewhere is believed as little as one in a folder.

use std::error::Error as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::store::{Fault, Store};
use super::*;
use crate::exchange_log::keeping::{Bucket, BucketError, Place};
use crate::trusted::TrustFiles;

/// A log of some segments, and a bucket for it.
struct Remote {
    store: Store,
    attic: Attic,
}

impl Remote {
    fn new() -> Self {
        let (store, attic) = (Store::start(), Attic::new());
        let archive = Archive::open(&place(&store, attic.world.dir.path(), LONG), "node-1.example").unwrap();
        Self { store, attic: Attic { archive, ..attic } }
    }

    /// A file of some bytes in three parts of an upload.
    fn large(&self) -> PathBuf {
        let path = self.attic.world.dir.path().join("large");
        let bytes: Vec<u8> =
            (0..20 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn place(store: &Store, dir: &Path, patience: Duration) -> Place {
    let credentials = dir.join("s3.key");
    fs::write(&credentials, "KEY\nSECRET\n").unwrap();
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o600)).unwrap();
    let trust = "anchors = \"none.pem\"\ncrls = []";
    Place::Bucket(Box::new(Bucket {
        endpoint: format!("http://{}", store.address).parse().unwrap(),
        region: "kz-1".into(),
        name: "records".into(),
        prefix: "kelisim/years".into(),
        credentials: Some(credentials),
        trust: TrustFiles::named(dir, &toml::from_str(trust).unwrap()),
        patience,
    }))
}

/// D2
#[test]
fn a_log_goes_to_a_bucket_is_pruned_and_comes_back() {
    let remote = Remote::new();
    let before = remote.attic.files();
    let done = remote.attic.archived().unwrap();
    assert!(done.segments.len() > 3, "{done:?}");
    let keys = remote.store.keys();
    assert!(keys.iter().all(|key| key.starts_with("kelisim/years/node-1.example/")), "{keys:?}");
    assert!(keys.contains(&"kelisim/years/node-1.example/checkpoint".to_owned()));
    assert!(remote.attic.archived().unwrap().segments.is_empty(), "once");

    let pruned = remote.attic.pruned().unwrap();
    assert_eq!(pruned.segments.len(), done.segments.len());
    assert!(remote.attic.verified().is_whole());
    remote.attic.restored(0).unwrap();
    assert!(remote.attic.verified().is_whole());
    assert_eq!(remote.attic.files(), before);
}

/// D2
#[test]
fn what_the_store_did_not_keep_as_it_was_put_is_not_archived_and_not_pruned() {
    for fault in [Fault::KeepsAnother, Fault::KeepsLess, Fault::BreaksOff] {
        let remote = Remote::new();
        remote.store.fault(fault);
        let refused = remote.attic.archived().unwrap_err();
        match fault {
            Fault::BreaksOff => assert!(matches!(refused, KeepingError::Store { .. }), "{refused:?}"),
            _ => assert!(matches!(refused, KeepingError::NotArchived { .. }), "{refused:?}"),
        }
        let blocks = remote.attic.blocks(&remote.attic.retention());
        assert_eq!(blocks, Blocks::NotArchived { index: 0 }, "{fault:?}");
        // Put again in whole once the store is right.
        remote.store.fault(Fault::None);
        assert!(remote.attic.archived().unwrap().segments.contains(&0));
        remote.store.change("kelisim/years/node-1.example/segments/00000000000000000000.jsonl", |object| {
            object[7] ^= 1;
        });
        let before = remote.attic.files();
        assert!(matches!(remote.attic.pruned(), Err(KeepingError::NotArchived { .. })));
        assert_eq!(remote.attic.files(), before, "nothing went");
    }
}

/// D2
#[test]
fn a_store_that_fails_for_a_moment_is_asked_again_and_one_that_goes_on_failing_is_not_waited_for() {
    let remote = Remote::new();
    remote.store.fault(Fault::Fails(2));
    let large = remote.large();
    let (bytes, digest) = remote.attic.archive.put("large", &large).unwrap();
    assert_eq!(bytes, 20 << 20);
    assert_eq!(remote.store.unfinished(), 0);
    let mut found = Vec::new();
    let got = remote.attic.archive.get("large", |piece| {
        found.extend_from_slice(piece);
        Ok(())
    });
    assert_eq!(got.unwrap(), (bytes, digest));
    assert_eq!(found, fs::read(&large).unwrap());

    remote.store.fault(Fault::FailsParts);
    let failed = remote.attic.archive.put("again", &large).unwrap_err();
    assert!(matches!(failed, KeepingError::Store { .. }), "{failed:?}");
    assert_eq!(remote.store.unfinished(), 0, "the store is told that nothing comes of it");
    remote.store.fault(Fault::Fails(usize::MAX));
    let asked = remote.store.asked("PUT");
    assert!(remote.attic.archived().is_err());
    assert!(remote.store.asked("PUT") - asked <= 4, "it is left alone");
}

/// D2
#[test]
fn a_store_that_says_nothing_or_without_end_or_that_somebody_else_should_be_asked_is_given_up() {
    let remote = Remote::new();
    remote.attic.archived().unwrap();
    let name = "checkpoint";
    for fault in [Fault::Endless, Fault::Redirects] {
        remote.store.fault(fault);
        let failed = remote.attic.archive.get(name, |_| Ok(())).unwrap_err();
        assert!(matches!(failed, KeepingError::Store { .. }), "{fault:?}: {failed:?}");
    }
    remote.store.fault(Fault::Silent);
    let dir = remote.attic.world.dir.path();
    let hasty =
        Archive::open(&place(&remote.store, dir, Duration::from_millis(50)), "node-1.example").unwrap();
    let failed = hasty.get(name, |_| Ok(())).unwrap_err();
    assert!(
        crate::telemetry::chain(&failed).contains("did not answer"),
        "{}",
        crate::telemetry::chain(&failed)
    );
}

#[test]
fn a_key_that_others_may_read_or_that_is_none_is_refused_before_anything_is_asked() {
    let (store, dir) = (Store::start(), tempfile::tempdir().unwrap());
    let there = place(&store, dir.path(), LONG);
    let path = dir.path().join("s3.key");
    let opened = || match Archive::open(&there, "node-1.example") {
        Ok(_) => panic!("it opens"),
        Err(KeepingError::Bucket { source, .. }) => source,
        Err(other) => panic!("{other:?}"),
    };
    fs::write(&path, "KEY\n").unwrap();
    assert!(matches!(opened(), BucketError::NotAKey(_)));
    fs::write(&path, "KEY\nSECRET\nMORE\n").unwrap();
    assert!(matches!(opened(), BucketError::NotAKey(_)));
    fs::write(&path, "KEY\nSECRET\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(opened(), BucketError::Key(_)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(opened(), BucketError::Key(_)));
    assert_eq!(store.asked(""), 0);
    let Place::Bucket(bucket) = there else { unreachable!() };
    let secure = Bucket { endpoint: "https://s3.gov.example".parse().unwrap(), ..*bucket };
    fs::write(&path, "KEY\nSECRET\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = Archive::open(&Place::Bucket(Box::new(secure)), "node-1.example").unwrap_err();
    assert!(
        refused.source().is_some_and(|source| source.to_string().contains("whom to trust")),
        "{refused:?}"
    );
}

/// Longer than any machine takes.
const LONG: Duration = Duration::from_secs(60);
