//! Time stamps, made by `openssl ts`, which nobody here wrote.
#![allow(clippy::unwrap_used, reason = "tests may")]

use std::fs;
use std::path::Path;
use std::process::Command;

use certs::TrustAnchors;
use certs::stamp::{Stamp, StampFault, StampRequest, verify_stamp};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

#[test]
fn stamp_of_openssl_is_verified_with_its_imprint_nonce_signer_and_time() {
    for key in [&["rsa:2048"][..], &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]] {
        let authority = Authority::new(key);
        let request = StampRequest::new([7; 32], [0xff, 0, 1, 2, 3, 4, 5, 6]);
        let response = authority.answer(&request);
        let now = now();
        let Stamp { at, authority: name } = request.verify(&response, &authority.anchors(), now).unwrap();
        assert!(
            at.duration_since(now).abs() < SignedDuration::from_mins(1) && name.contains("Stamper"),
            "{name}"
        );
        assert_eq!(verify_stamp(&response, &[7; 32], &authority.anchors()).unwrap().at, at);

        let fault =
            |request: &StampRequest, now| request.verify(&response, &authority.anchors(), now).unwrap_err();
        let other = StampRequest::new([8; 32], [0xff, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(fault(&other, now), StampFault::OtherImprint);
        assert_eq!(fault(&StampRequest::new([7; 32], [1; 8]), now), StampFault::OtherNonce);
        let late = now + SignedDuration::from_mins(6);
        assert_eq!(fault(&request, late), StampFault::OtherTime { at });
        let stranger = Authority::new(key);
        assert_eq!(verify_stamp(&response, &[7; 32], &stranger.anchors()), Err(StampFault::Signer));
    }
}

#[test]
fn no_byte_of_what_is_stamped_or_signed_can_be_flipped() {
    let authority = Authority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let request = StampRequest::new([7; 32], [1; 8]);
    let response = authority.answer(&request);
    let anchors = authority.anchors();
    let genuine = verify_stamp(&response, &[7; 32], &anchors).unwrap();
    for at in 0..response.len() {
        let mut changed = response.clone();
        changed[at] ^= 1;
        // Some bytes, as of certificates that are not needed, are nobody's; none changes what is stated.
        if let Ok(stamp) = verify_stamp(&changed, &[7; 32], &anchors) {
            assert_eq!(stamp, genuine, "byte {at}");
        }
        for cut in [&response[..at], &changed[at..]] {
            assert!(verify_stamp(cut, &[7; 32], &anchors).is_err() || at == 0);
        }
    }
}

#[test]
fn what_is_no_stamp_is_refused() {
    let authority = Authority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let anchors = authority.anchors();
    let refused = [0x30, 5, 0x30, 3, 2, 1, 2];
    assert_eq!(verify_stamp(&refused, &[7; 32], &anchors), Err(StampFault::Refused(2)));
    assert_eq!(verify_stamp(b"", &[7; 32], &anchors), Err(StampFault::Malformed));
    assert_eq!(verify_stamp(&vec![0x30; 1 << 20], &[7; 32], &anchors), Err(StampFault::TooLarge));
}

/// A root and a time-stamping authority below it, in a folder.
struct Authority(TempDir);

impl Authority {
    fn new(key: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(
            at("root.ext"),
            "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n",
        )
        .unwrap();
        fs::write(
            at("tsa.ext"),
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n",
        )
        .unwrap();
        fs::write(at("serial"), "01\n").unwrap();
        fs::write(
            at("ts.conf"),
            format!(
                "[tsa]\nserial={}\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n\
                 ess_cert_id_chain=no\ness_cert_id_alg=sha256\naccuracy=secs:1\n",
                at("serial")
            ),
        )
        .unwrap();
        for (name, subject) in [("root", "/CN=Root of time"), ("tsa", "/CN=Stamper")] {
            let mut request = vec!["req", "-new", "-nodes", "-newkey"];
            request.extend(key);
            let (out, csr) = (at(&format!("{name}.key")), at(&format!("{name}.csr")));
            request.extend(["-keyout", &out, "-out", &csr, "-subj", subject]);
            openssl(&request);
        }
        let root = [
            "x509",
            "-req",
            "-in",
            &at("root.csr"),
            "-signkey",
            &at("root.key"),
            "-extfile",
            &at("root.ext"),
        ];
        openssl(&[&root[..], &["-days", "30", "-out", &at("root.pem")]].concat());
        let tsa = ["x509", "-req", "-in", &at("tsa.csr"), "-CA", &at("root.pem"), "-CAkey", &at("root.key")];
        let rest = ["-CAcreateserial", "-extfile", &at("tsa.ext"), "-days", "30", "-out", &at("tsa.pem")];
        openssl(&[&tsa[..], &rest].concat());
        Self(dir)
    }

    fn answer(&self, request: &StampRequest) -> Vec<u8> {
        let at = |name: &str| self.0.path().join(name).display().to_string();
        fs::write(at("query"), request.der()).unwrap();
        let reply =
            ["ts", "-reply", "-config", &at("ts.conf"), "-section", "tsa", "-queryfile", &at("query")];
        let rest = ["-signer", &at("tsa.pem"), "-inkey", &at("tsa.key"), "-out", &at("reply")];
        openssl(&[&reply[..], &rest].concat());
        fs::read(at("reply")).unwrap()
    }

    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_pem(&fs::read(self.0.path().join("root.pem")).unwrap(), now()).unwrap()
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
