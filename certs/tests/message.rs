//! Message signatures against certificates: what a system signed counts for that message, under that certificate, now.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::message::{
    Content, ContentDigest, Demand, Message, MessageFault, Target, sign_message, verify_message,
};
use certs::tls::Identity;
use jiff::SignedDuration;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use support::{Leaf, root, today};

const BODY: &[u8] = br#"{"title":"Draft act"}"#;
const TARGET: Target<'static> =
    Target { method: "POST", authority: "gateway.example", path: "/portal/draft/acts", query: None };

const CONTENT: Demand<'static> = Demand { content: Content::Some, fields: &[], request_fields: &[] };

/// The fields of a request that a system signed over what has to be covered.
fn signed(leaf: &Leaf, created: i64) -> Vec<(&'static str, Vec<u8>)> {
    let content = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, BODY)));
    let list = r#"("@method" "@authority" "@path" "@query" "content-digest")"#;
    let keyid = certs::fingerprint(&leaf.der);
    let parameters =
        format!("{list};created={created};keyid=\"{keyid}\";alg=\"ecdsa-p256-sha256\";nonce=\"7\"");
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
        verify_message(&message, &CONTENT, certificate, at)
    };
    let verified = judge(TARGET, &fields, &leaf.der, now).unwrap();
    assert_eq!(verified.created.as_second(), now.as_second());
    assert!(verified.covers_only(&["@method", "@authority", "@path", "@query", "content-digest"], &[]));
    assert!(!verified.covers_only(&["@method", "@authority", "@path", "@query"], &["content-digest"]));
    let content = ContentDigest::read(&fields[0].1).unwrap();
    assert!(content.is_of(BODY) && !content.is_of(br#"{"title":"Another"}"#));

    assert_eq!(judge(TARGET, &fields, &other.der, now), Err(MessageFault::OtherKey), "of another system");
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

/// C5: of each kind of key, under a certificate that bears it; and what a signature says of itself is known here.
#[test]
fn answers_count_by_every_kind_of_key_for_the_one_request_that_they_answer() {
    let (root, now) = (root("root"), today());
    let asked: &[(&str, &[u8])] = &[("kelisim-exchange", b"7")];
    let demand = Demand { request_fields: &["kelisim-exchange"], ..Demand::default() };
    for kind in [&PKCS_RSA_SHA256, &PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let leaf = root.leaf_of(KeyPair::generate_for(kind).unwrap(), |_| {});
        let chain = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&leaf.der)
        );
        let identity = Identity::from_pem(chain.as_bytes(), leaf.key.serialize_pem().as_bytes()).unwrap();
        let said = format!(";created={};keyid=\"{}\"", now.as_second(), identity.fingerprint());
        let judge = |list: &str, parameters: &str, request_fields: &[(&str, &[u8])]| {
            let input = format!("s={list}{parameters}");
            let signed = Message { target: TARGET, status: Some(200), fields: &[], request_fields: asked };
            let made = sign_message(&signed, &input, &identity)?;
            let fields: &[(&str, &[u8])] =
                &[("signature-input", input.as_bytes()), ("signature", made.as_bytes())];
            let message = Message { fields, request_fields, ..signed };
            verify_message(&message, &demand, &leaf.der, now).map(drop)
        };
        let whole = r#"("@status" "@method";req "kelisim-exchange";req)"#;
        assert_eq!(judge(whole, &said, asked), Ok(()), "{kind:?}");
        let other: &[(&str, &[u8])] = &[("kelisim-exchange", b"8")];
        assert_eq!(judge(whole, &said, other), Err(MessageFault::Forged), "{kind:?}: an answer to another");
        let bare = judge(r#"("@status" "@method";req)"#, &said, asked);
        assert_eq!(bare, Err(MessageFault::NotCovered("the field that tells the request from others")));
        let unnamed = format!(";created={}", now.as_second());
        assert_eq!(judge(whole, &unnamed, asked), Err(MessageFault::OtherKey));
        for (more, expected) in [
            (";nonce=\"7\";expires=1", MessageFault::Expired),
            (";nonce=7", MessageFault::Malformed),
            (";tag=\"x\"", MessageFault::Unsupported("the signature has a parameter that is not known here")),
        ] {
            assert_eq!(judge(whole, &format!("{said}{more}"), asked), Err(expected), "{more}");
        }
        let long = format!("{said};nonce=\"{}\"", "7".repeat(65));
        assert_eq!(judge(whole, &long, asked), Err(MessageFault::Malformed));
    }
}
