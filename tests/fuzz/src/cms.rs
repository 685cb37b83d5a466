//! Detached signatures and time stamps, edited: no panic, and what still counts states what was signed.

use std::sync::LazyLock;

use agreements::Fingerprint;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::document::{Digested, Digests, sign_detached, sign_stamped, verify_detached};
use certs::stamp::{Stamp, verify_stamp, verify_token};
use certs::{Trust, TrustAnchors};
use rcgen::{KeyPair, SigningKey};

use super::support::{at, today};
use super::{edits, signers, tree};

struct Scene {
    trust: Trust,
    signers: [Fingerprint; 2],
    /// Of the first of them.
    key: KeyPair,
    by_one: Vec<u8>,
    /// With a time stamp over something else, which counts for nothing.
    by_two: Vec<u8>,
    stamp: Vec<u8>,
    stamp_anchors: TrustAnchors,
    genuine: Stamp,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let stamp: String = STAMP.lines().filter(|line| !line.starts_with('-')).collect();
    let stamp = STANDARD.decode(stamp).expect("the sample is whole");
    let stamp_anchors = TrustAnchors::from_pem(STAMP_ROOT, at("2026-11-23T00:00:00Z")).expect("an anchor");
    let genuine = verify_stamp(&stamp, &IMPRINT, &stamp_anchors).expect("a good stamp");
    let token =
        tree::at(&mut tree::read(&stamp), &[0, 1]).map(|token| tree::write(std::slice::from_ref(token)));
    let (root, trust) = signers::authority();
    let trust = Trust::new(trust.with_stamping(stamp_anchors.clone()));
    let ((head, key), (deputy, _)) = (signers::person(&root, 10), signers::person(&root, 11));
    let by_one = sign_detached(&content(ACT), &[&head], today()).expect("keys sign");
    let by_two =
        sign_stamped(&content(ACT), &[&head, &deputy], today(), |_| token.clone()).expect("keys sign");
    let signers = [head.fingerprint(), deputy.fingerprint()];
    Scene { trust, signers, key, by_one, by_two, stamp, stamp_anchors, genuine }
});

/// Edits a sample by value, then by byte. A signature may be made anew in between, as its signer could.
pub fn check(said: &[u8]) {
    let [which, values, rest @ ..] = said else { return };
    let (values, bytes) = rest.split_at((4 * usize::from(*values)).min(rest.len()));
    let sample = match which % 4 {
        0 => &SCENE.stamp,
        1 => &SCENE.by_two,
        _ => &SCENE.by_one,
    };
    let mut nodes = tree::read(sample);
    tree::edit(&mut nodes, values);
    let anew = which % 4 != 0 && which / 4 % 2 == 1;
    if anew {
        sign_anew(&mut nodes);
    }
    let der = edits::edited(tree::write(&nodes), bytes);
    if which % 4 == 0 { check_stamp(&der) } else { check_signature(&der, anew) }
}

fn check_stamp(der: &[u8]) {
    let judge = |imprint| verify_stamp(der, imprint, &SCENE.stamp_anchors);
    assert!(judge(&IMPRINT).is_ok_and(|stamp| stamp == SCENE.genuine) || judge(&IMPRINT).is_err());
    assert!(judge(&[8; 32]).is_err(), "it stamps another hash");
    assert!(verify_token(der, ACT, &SCENE.stamp_anchors).is_err(), "it is a whole response");
}

fn check_signature(der: &[u8], anew: bool) {
    let judge = |content: &Digested, beside| verify_detached(der, content, beside, &SCENE.trust, today());
    assert!(judge(&content(b"another"), None).is_err(), "it signs another content");
    let beside = Some(at("2026-11-14T00:00:00Z"));
    let found = judge(&content(ACT), beside);
    let Ok(found) = found else {
        assert!(judge(&content(ACT), None).is_err(), "it counts without what is said beside it");
        return;
    };
    assert!(!found.is_empty() && found.iter().all(|one| SCENE.signers.contains(&one.fingerprint)));
    assert!(found.iter().all(|one| one.stamped_at.is_none()), "nobody stamped it");
    if !anew {
        assert!(found.iter().all(|one| one.signed_at == today()), "the time is not the one that was signed");
        assert_eq!(judge(&content(ACT), None).map(|found| found.len()), Ok(found.len()));
    }
}

/// Puts a good signature of the first signer's attributes in place of the one that is there, if both still are.
fn sign_anew(nodes: &mut [tree::Node]) {
    // ContentInfo, [0], SignedData, its last value, the first SignerInfo, its attributes.
    let signed_data = [0, 1, 0];
    let Some(last) = tree::at(nodes, &signed_data).and_then(|node| node.len().checked_sub(1)) else { return };
    let within = |place: usize| [&signed_data[..], &[last, 0, place]].concat();
    let Some(attributes) = tree::at(nodes, &within(3)) else { return };
    let message = tree::write(&[attributes.under(0x31)]);
    if let Some(signature) = tree::at(nodes, &within(5)) {
        signature.fill(SCENE.key.sign(&message).expect("the key signs"));
    }
}

fn content(bytes: &[u8]) -> Digested {
    let mut digests = Digests::default();
    digests.push(bytes);
    digests.finish()
}

const ACT: &[u8] = b"a draft act";
/// Made by `openssl ts`, over bytes of 7; the authority's certificate is in it, the root beside it.
const STAMP: &str = include_str!("../samples/stamp.pem");
const STAMP_ROOT: &[u8] = include_bytes!("../samples/stamp_root.pem");
const IMPRINT: [u8; 32] = [7; 32];
