//! Message signatures against certificates: what a system signed counts for that message, under that certificate, now.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::message::{ContentDigest, Message, MessageFault, Target, verify_message};
use jiff::SignedDuration;
use rcgen::KeyPair;
use support::{Leaf, root, today};

const BODY: &[u8] = br#"{"title":"Draft act"}"#;
const TARGET: Target<'static> =
    Target { method: "POST", authority: "gateway.example", path: "/portal/draft/acts", query: None };

/// The fields of a request that a system signed over what has to be covered.
fn signed(leaf: &Leaf, created: i64) -> Vec<(&'static str, Vec<u8>)> {
    let content = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, BODY)));
    let list = r#"("@method" "@authority" "@path" "@query" "content-digest")"#;
    let parameters = format!("{list};created={created};alg=\"ecdsa-p256-sha256\";nonce=\"7\"");
    let base = format!(
        "\"@method\": POST\n\"@authority\": gateway.example\n\"@path\": /portal/draft/acts\n\"@query\": ?\n\
         \"content-digest\": {content}\n\"@signature-params\": {parameters}"
    );
    let key = leaf.key.serialize_der();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key).unwrap();
    let made = key.sign(&SystemRandom::new(), base.as_bytes()).unwrap();
    vec![
        ("content-digest", content.into_bytes()),
        ("signature-input", format!("kelisim={parameters}").into_bytes()),
        ("signature", format!("kelisim=:{}:", STANDARD.encode(made.as_ref())).into_bytes()),
    ]
}

/// C5
#[test]
fn message_counts_as_its_system_signed_it_and_in_no_other_way() {
    let root = root("root");
    let (leaf, other) = (
        root.leaf_of(KeyPair::generate().unwrap(), |_| {}),
        root.leaf_of(KeyPair::generate().unwrap(), |_| {}),
    );
    let now = today();
    let fields = signed(&leaf, now.as_second());
    let judge = |target: Target<'_>, fields: &[(&str, Vec<u8>)], certificate: &[u8], at| {
        let fields: Vec<(&str, &[u8])> =
            fields.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        let message = Message { target, status: None, fields: &fields, request_fields: &[] };
        verify_message(&message, true, certificate, at)
    };
    let verified = judge(TARGET, &fields, &leaf.der, now).unwrap();
    assert_eq!((verified.created.as_second(), verified.nonce.as_deref()), (now.as_second(), Some("7")));
    let content = ContentDigest::read(&fields[0].1).unwrap();
    assert!(content.is_of(BODY) && !content.is_of(br#"{"title":"Another"}"#));

    assert_eq!(judge(TARGET, &fields, &other.der, now), Err(MessageFault::Forged), "of another system");
    assert_eq!(judge(TARGET, &fields, b"no certificate", now), Err(MessageFault::Key));
    for target in [
        Target { method: "PUT", ..TARGET },
        Target { authority: "other.example", ..TARGET },
        Target { path: "/portal/draft/other", ..TARGET },
        Target { query: Some("a=b"), ..TARGET },
    ] {
        assert_eq!(judge(target, &fields, &leaf.der, now), Err(MessageFault::Forged), "{target:?}");
    }
    let mut changed = fields.clone();
    changed[0].1 = format!("sha-256=:{}:", STANDARD.encode([7; 32])).into_bytes();
    assert_eq!(judge(TARGET, &changed, &leaf.der, now), Err(MessageFault::Forged), "another content");
    let mut doubled = fields.clone();
    doubled.push(("content-digest", b"sha-256=:AAAA:".to_vec()));
    assert_eq!(
        judge(TARGET, &doubled, &leaf.der, now),
        Err(MessageFault::Forged),
        "a second digest beside it"
    );
    assert_eq!(judge(TARGET, &fields[..1], &leaf.der, now), Err(MessageFault::Unsigned));
    for minutes in [-6, 6] {
        let at = now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        assert_eq!(judge(TARGET, &fields, &leaf.der, at), Err(MessageFault::NotNow), "{minutes} minutes off");
    }
}
