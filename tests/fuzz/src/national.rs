//! Signatures by national algorithms, edited: no panic, and none counts by itself.

use std::sync::LazyLock;

use certs::Trust;
use certs::document::{
    Digested, Digests, NationalAlgorithm, NationalPerson, is_national, read_national, sign_nationally,
    verify_detached,
};

use super::support::today;
use super::{edits, signers, tree};

struct Scene {
    trust: Trust,
    /// By one algorithm and by the other, and by two.
    samples: [Vec<u8>; 3],
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let person = |algorithm, serial| {
        NationalPerson::new(algorithm, serial, "Head", "860101300123", Some("000140000011"), today())
    };
    let (old, new) = (person(NationalAlgorithm::Gost2004, 1), person(NationalAlgorithm::Gost2015, 2));
    let other = person(NationalAlgorithm::Gost2015, 3);
    let samples = [&[&old][..], &[&new], &[&new, &other]]
        .map(|people: &[&NationalPerson]| sign_nationally(&content(ACT), people, today()));
    let (_, set) = signers::authority();
    Scene { trust: Trust::new(set), samples }
});

/// Edits a sample by value, then by byte.
pub fn check(said: &[u8]) {
    let [which, values, rest @ ..] = said else { return };
    let (values, bytes) = rest.split_at((4 * usize::from(*values)).min(rest.len()));
    let mut nodes = tree::read(&SCENE.samples[usize::from(*which) % SCENE.samples.len()]);
    tree::edit(&mut nodes, values);
    let der = edits::edited(tree::write(&nodes), bytes);
    let found = read_national(&der, &content(ACT), None, &SCENE.trust, today());
    assert!(found.as_ref().is_ok_and(|signers| !signers.is_empty()) || found.is_err());
    // Nobody here can verify it, and nobody who trusts it signed otherwise.
    assert!(verify_detached(&der, &content(ACT), None, &SCENE.trust, today()).is_err());
    assert!(found.is_err() || is_national(&der), "it would be shown to nobody");
}

fn content(bytes: &[u8]) -> Digested {
    let mut digests = Digests::default();
    digests.push(bytes);
    digests.finish()
}

const ACT: &[u8] = b"a draft act";
