//! Detached signatures as OpenSSL makes them.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use certs::Trust;
use certs::document::{Digests, DocumentFault, verify_detached};
use jiff::Timestamp;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use support::root;

/// C5: what another program signed in the profile counts, and without what the profile adds it does not.
#[test]
fn signatures_of_openssl_count_where_they_name_their_certificate() {
    let (dir, root) = (tempfile::tempdir().unwrap(), root("root"));
    let at = |name: &str| dir.path().join(name).display().to_string();
    fs::write(at("act"), b"a draft act\n").unwrap();
    let trust = Trust::new(root.set(
        &[],
        &[root.crl_with(&[], |list| {
            list.next_update = rcgen::date_time_ymd(2099, 1, 1);
        })],
    ));
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

fn openssl(arguments: &[&str]) {
    let run = Command::new(Path::new("openssl")).args(arguments).output().unwrap();
    assert!(run.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[expect(clippy::disallowed_methods, reason = "openssl reads the clock as well")]
fn now() -> Timestamp {
    Timestamp::now()
}
