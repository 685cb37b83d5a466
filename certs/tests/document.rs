//! Detached signatures as OpenSSL makes them.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;
#[path = "support/time_authority.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod time_authority;

use std::fs;

use certs::document::{Digests, DocumentFault, sign_stamped, verify_detached};
use certs::keys::Identity;
use certs::stamp::StampRequest;
use certs::{Trust, TrustAnchors, TrustSet};
use jiff::{SignedDuration, Timestamp};
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use support::{Ca, root};
use time_authority::{TimeAuthority, now, openssl};

/// C5: what another program signed in the profile counts, and without what the profile adds it does not.
#[test]
fn signatures_of_openssl_count_where_they_name_their_certificate() {
    let (dir, root) = (tempfile::tempdir().unwrap(), root("root"));
    let at = |name: &str| dir.path().join(name).display().to_string();
    fs::write(at("act"), b"a draft act\n").unwrap();
    let trust = Trust::new(set(&root));
    let judge = || {
        let mut content = Digests::default();
        content.push(&fs::read(at("act")).unwrap());
        let der = fs::read(at("act.p7s")).unwrap();
        verify_detached(&der, &content.finish(), None, &trust, now()).map(|found| found.len())
    };
    let pss = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:-1"];
    for (kind, hash, options) in [
        (&PKCS_RSA_SHA256, "sha256", &[][..]),
        (&PKCS_RSA_SHA256, "sha512", &[]),
        (&PKCS_RSA_SHA256, "sha256", &pss),
        (&PKCS_ECDSA_P384_SHA384, "sha384", &[]),
    ] {
        let leaf = root.leaf_of(KeyPair::generate_for(kind).unwrap(), |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
            params.not_before = rcgen::date_time_ymd(2020, 1, 2);
            params.not_after = rcgen::date_time_ymd(2029, 12, 31);
        });
        fs::write(at("leaf.pem"), &leaf.pem).unwrap();
        fs::write(at("leaf.key"), leaf.key.serialize_pem()).unwrap();
        let sign = |more: &[&str]| {
            let (act, out, signer, key) = (at("act"), at("act.p7s"), at("leaf.pem"), at("leaf.key"));
            let mut arguments = vec!["cms", "-sign", "-binary", "-in", &act, "-outform", "DER", "-out", &out];
            arguments.extend(["-signer", &signer, "-inkey", &key, "-md", hash]);
            arguments.extend(options);
            arguments.extend(more);
            openssl(&arguments);
        };
        sign(&["-cades"]);
        assert_eq!(judge(), Ok(1), "{hash} {options:?}");
        sign(&[]);
        let bare = Err(DocumentFault::Algorithm("it does not name its signer's certificate"));
        assert_eq!(judge(), bare, "{hash} {options:?}");
        sign(&["-cades", "-nodetach"]);
        assert_eq!(judge(), Err(DocumentFault::Malformed("it holds a content of its own")));
    }
}

/// C5: a time stamp says by when it was signed, whatever the signer says; of an authority that is believed, and over it.
#[test]
fn time_stamp_of_an_authority_that_is_believed_decides_as_of_when_a_certificate_is_judged() {
    let root = root("root");
    let [believed, stranger] =
        [(); 2].map(|()| TimeAuthority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]));
    let anchors = TrustAnchors::from_pem(&believed.anchors_pem(), now()).unwrap();
    let (knows, knows_none) = (Trust::new(set(&root).with_stamping(anchors)), Trust::new(set(&root)));
    let person = |until: i32| {
        let leaf = root.leaf_of(KeyPair::generate().unwrap(), |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
            params.not_before = rcgen::date_time_ymd(2020, 1, 2);
            params.not_after = rcgen::date_time_ymd(until, 1, 2);
        });
        Identity::from_pem(leaf.pem.as_bytes(), leaf.key.serialize_pem().as_bytes()).unwrap()
    };
    let (lasting, ended) = (person(2099), person(2022));
    let mut content = Digests::default();
    content.push(b"a draft act");
    let content = content.finish();
    let (of_2021, now) = ("2021-05-05T05:05:05Z".parse::<Timestamp>().unwrap(), now());
    let stamped = |by: &TimeAuthority, of: &[u8]| {
        let imprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, of);
        by.token(&StampRequest::new(imprint.as_ref().try_into().unwrap(), [7; 8]).der())
    };
    let judge = |signer: &Identity, at, trust, stamp: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
        let der = sign_stamped(&content, &[signer], at, stamp).unwrap();
        let found = verify_detached(&der, &content, None, trust, now)?;
        Ok(found[0].stamped_at.map(|at| at.duration_since(now).abs() < SignedDuration::from_mins(1)))
    };
    let by = |authority| move |signature: &[u8]| Some(stamped(authority, signature));
    assert_eq!(judge(&lasting, now, &knows, &by(&believed)), Ok(Some(true)));
    assert_eq!(judge(&lasting, now, &knows, &|_| None), Ok(None));
    // Dated back to when the certificate was in force, it shows by its stamp that it was not.
    assert_eq!(judge(&ended, of_2021, &knows, &|_| None), Ok(None));
    assert_eq!(judge(&ended, of_2021, &knows, &by(&believed)), Err(DocumentFault::SignerExpired));
    let ahead = now + SignedDuration::from_mins(5) - SignedDuration::from_secs(1);
    assert_eq!(judge(&lasting, ahead, &knows, &by(&believed)), Ok(Some(true)), "clocks differ");
    // What says nothing is as none.
    assert_eq!(judge(&lasting, now, &knows_none, &by(&believed)), Ok(None));
    assert_eq!(judge(&lasting, now, &knows, &by(&stranger)), Ok(None));
    assert_eq!(judge(&lasting, now, &knows, &|_| Some(stamped(&believed, b"another signature"))), Ok(None));
    assert_eq!(judge(&lasting, now, &knows, &|_| Some(vec![0x30, 0])), Ok(None));
}

fn set(root: &Ca) -> TrustSet {
    root.set(&[], &[root.crl_with(&[], |list| list.next_update = rcgen::date_time_ymd(2099, 1, 1))])
}
