//! Time stamps, made by `openssl ts`, which nobody here wrote.
#![allow(clippy::unwrap_used, reason = "tests may")]

use certs::TrustAnchors;
use certs::stamp::{Stamp, StampFault, StampRequest, verify_stamp};
use jiff::SignedDuration;

#[path = "support/time_authority.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod time_authority;

use time_authority::{TimeAuthority, now};

#[test]
fn stamp_of_openssl_is_verified_with_its_imprint_nonce_signer_and_time() {
    for key in [&["rsa:2048"][..], &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]] {
        let authority = TimeAuthority::new(key);
        let request = StampRequest::new([7; 32], [0xff, 0, 1, 2, 3, 4, 5, 6]);
        let response = authority.answer(&request.der());
        let now = now();
        let Stamp { at, authority: name } = request.verify(&response, &anchors(&authority), now).unwrap();
        assert!(
            at.duration_since(now).abs() < SignedDuration::from_mins(1) && name.contains("Stamper"),
            "{name}"
        );
        assert_eq!(verify_stamp(&response, &[7; 32], &anchors(&authority)).unwrap().at, at);

        let fault =
            |request: &StampRequest, now| request.verify(&response, &anchors(&authority), now).unwrap_err();
        let other = StampRequest::new([8; 32], [0xff, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(fault(&other, now), StampFault::OtherImprint);
        assert_eq!(fault(&StampRequest::new([7; 32], [1; 8]), now), StampFault::OtherNonce);
        let late = now + SignedDuration::from_mins(6);
        assert_eq!(fault(&request, late), StampFault::OtherTime { at });
        let stranger = TimeAuthority::new(key);
        assert_eq!(verify_stamp(&response, &[7; 32], &anchors(&stranger)), Err(StampFault::Signer));
    }
}

#[test]
fn no_byte_of_what_is_stamped_or_signed_can_be_flipped() {
    let authority = TimeAuthority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let request = StampRequest::new([7; 32], [1; 8]);
    let response = authority.answer(&request.der());
    let anchors = anchors(&authority);
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
    let authority = TimeAuthority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let anchors = anchors(&authority);
    let refused = [0x30, 5, 0x30, 3, 2, 1, 2];
    assert_eq!(verify_stamp(&refused, &[7; 32], &anchors), Err(StampFault::Refused(2)));
    assert_eq!(verify_stamp(b"", &[7; 32], &anchors), Err(StampFault::Malformed));
    assert_eq!(verify_stamp(&vec![0x30; 1 << 20], &[7; 32], &anchors), Err(StampFault::TooLarge));
}

fn anchors(authority: &TimeAuthority) -> TrustAnchors {
    TrustAnchors::from_pem(&authority.anchors_pem(), now()).unwrap()
}
