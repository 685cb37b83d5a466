//! Signatures by national algorithms: what is read of them, and what cannot count whatever anybody says of it.

use jiff::SignedDuration;
use rcgen::PKCS_ED25519;

use super::blueprint::{Blueprint, attribute, enveloped, sign_pdf};
use super::cms::DATA;
use super::support::{root, today};
use super::tests::{person, trust};
use super::*;
use crate::der::{self, wrap};
use crate::signed_data::SIGNING_CERTIFICATE_V2;
use crate::trust::Trust;

const ACT: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n0\n%%EOF\n";

fn content(bytes: &[u8]) -> Digested {
    let mut digests = Digests::default();
    digests.push(bytes);
    digests.finish()
}

fn head(algorithm: NationalAlgorithm) -> NationalPerson {
    NationalPerson::new(algorithm, 1, "Head", "860101300123", Some("000140000011"), today())
}

fn nobody() -> Trust {
    trust(&root("root"), &[])
}

/// A `SignedData` of these infos and certificates.
fn signed_data(infos: &[Vec<u8>], certificates: &[&[u8]]) -> Vec<u8> {
    enveloped(&[
        &[der::INTEGER, 1, 1],
        &wrap(der::SET, &[]),
        &wrap(der::SEQUENCE, &[&wrap(der::OID, &[DATA])]),
        &wrap(der::constructed(0), certificates),
        &wrap(der::SET, &[&infos.concat()]),
    ])
}

fn replaced(bytes: &[u8], this: &[u8], that: &[u8]) -> Vec<u8> {
    let at = bytes.windows(this.len()).position(|window| window == this).unwrap();
    [&bytes[..at], that, &bytes[at + this.len()..]].concat()
}

/// C5
#[test]
fn each_national_algorithm_is_told_from_others_and_never_counts_here() {
    for algorithm in [NationalAlgorithm::Gost2004, NationalAlgorithm::Gost2015] {
        let head = head(algorithm);
        let der = sign_nationally(&content(ACT), &[&head], today());
        assert!(is_national(&der));
        let refused = verify_detached(&der, &content(ACT), None, &nobody(), today());
        assert_eq!(refused.err(), Some(DocumentFault::National));
        let signers = read_national(&der, &content(ACT), None, &nobody(), today()).unwrap();
        let [signer] = &signers[..] else { panic!("{signers:?}") };
        assert_eq!(signer.subject.common_name.as_deref(), Some("Head"));
        assert_eq!(signer.subject.bin.as_ref().unwrap().to_string(), "000140000011");
        assert_eq!(signer.subject.iin.as_deref(), Some("860101300123"));
        assert_eq!((signer.signed_at, &signer.serial[..]), (today(), head.serial()));
        assert_eq!(signer.certificate_signature, head.seal());
        assert_eq!(signer.fingerprint, crate::fingerprint(head.certificate()));
    }
    let root = root("root");
    let other = sign_detached(&content(ACT), &[&person(&root, 10, &PKCS_ED25519, |_| {})], today()).unwrap();
    assert!(!is_national(&other) && !is_national(b"") && !is_national(&[0x30, 0x80]));
}

/// C5: as strict as with those that are verified here.
#[test]
fn national_signature_that_cannot_count_is_refused_before_anybody_is_asked() {
    let (head, act) = (head(NationalAlgorithm::Gost2015), content(ACT));
    let der = sign_nationally(&act, &[&head], today());
    let judge = |der: &[u8]| read_national(der, &act, None, &nobody(), today()).err();
    let untrusted = |code| Some(DocumentFault::SignerUntrusted(code));
    let hash = wrap(der::OCTET_STRING, &[&[7; 32]]);
    let named = wrap(der::SEQUENCE, &[&wrap(der::SEQUENCE, &[&wrap(der::SEQUENCE, &[&hash])])]);
    let other = head.signs(&act, today(), &[attribute(SIGNING_CERTIFICATE_V2, &named)]);
    let other = signed_data(&[other], &[head.certificate()]);
    let own = enveloped(&[
        &[der::INTEGER, 1, 1],
        &wrap(der::SET, &[]),
        &wrap(der::SEQUENCE, &[&wrap(der::OID, &[DATA]), &[0xa0, 3, 4, 1, 7]]),
        &wrap(der::SET, &[&head.signs(&act, today(), &[])]),
    ]);
    let hours = SignedDuration::from_hours;
    let past = NationalPerson::new(
        NationalAlgorithm::Gost2015,
        1,
        "Head",
        "860101300123",
        None,
        today() - hours(24 * 400),
    );
    let malformed = |words| Some(DocumentFault::Malformed(words));
    for (what, der, fault) in [
        ("as it is", der.clone(), None),
        ("another certificate named", other, malformed("it names another certificate as its signer's")),
        ("a content of its own", own, malformed("it holds a content of its own")),
        (
            "no certificate",
            signed_data(&[head.signs(&act, today(), &[])], &[]),
            malformed("it does not bring its signer's certificate"),
        ),
        (
            "two certificates of one number",
            signed_data(
                &[head.signs(&act, today(), &[])],
                &[head.certificate(), &replaced(head.certificate(), b"Head", b"Mead")],
            ),
            malformed("its signer has two certificates"),
        ),
        ("from the future", sign_nationally(&act, &[&head], today() + hours(1)), Some(DocumentFault::Time)),
        (
            "after its certificate's end",
            sign_nationally(&act, &[&past], today()),
            Some(DocumentFault::SignerExpired),
        ),
        (
            "for key agreement only",
            replaced(&der, &[3, 2, 3, 0xc8], &[3, 2, 3, 0x08]),
            untrusted("wrong-key-usage"),
        ),
        ("an authority", replaced(&der, &[3, 2, 3, 0xc8], &[3, 2, 3, 0x84]), untrusted("wrong-key-usage")),
        ("nobody", signed_data(&[], &[head.certificate()]), Some(DocumentFault::Unsigned)),
    ] {
        assert_eq!(judge(&der), fault, "{what}");
    }
}

/// C5: who signed otherwise beside them is verified here as well.
#[test]
fn whoever_signed_otherwise_in_the_same_signature_has_to_count_too() {
    let (root, national, act) = (root("root"), head(NationalAlgorithm::Gost2004), content(ACT));
    let trust = trust(&root, &[]);
    let other = person(&root, 10, &PKCS_ED25519, |_| {});
    let both = |signed: &Digested| {
        let infos = [
            national.signs(&act, today(), &[]),
            Blueprint::new(signed, &other, today()).unwrap().made(&other).unwrap(),
        ];
        let der = signed_data(&infos, &[national.certificate(), other.certificates()[0].as_ref()]);
        read_national(&der, &act, None, &trust, today()).map(|signers| signers.len())
    };
    assert_eq!(both(&act), Ok(2));
    assert_eq!(both(&content(b"another")), Err(DocumentFault::OtherContent));
}

/// C5: what is shown is what the range names, however the file comes.
#[test]
fn national_signature_within_a_pdf_is_shown_with_the_very_bytes_that_it_is_over() {
    let (root, head) = (root("root"), head(NationalAlgorithm::Gost2015));
    let (trust, clerk) = (trust(&root, &[]), person(&root, 10, &PKCS_ED25519, |_| {}));
    let long = [ACT, &vec![b'%'; 300_000], b"\n"].concat();
    let first = sign_pdf_nationally(&long, &head, today()).unwrap();
    let behind = sign_pdf_nationally(&sign_pdf(&long, &clerk, today()).unwrap(), &head, today()).unwrap();
    let before = sign_pdf(&first, &clerk, today()).unwrap();
    for (what, pdf, until, verified) in [
        ("alone", &first, first.len(), 0),
        ("behind another", &behind, behind.len(), 1),
        ("before another", &before, first.len(), 1),
    ] {
        let start = {
            let all: Vec<usize> = pdf[..until]
                .windows(11)
                .enumerate()
                .filter(|(_, window)| window == b"/Contents <")
                .map(|(at, _)| at + 10)
                .collect();
            *all.last().unwrap()
        };
        let end = start + pdf[start..].iter().position(|byte| *byte == b'>').unwrap() + 1;
        let over = [&pdf[..start], &pdf[end..until]].concat();
        for piece in [1_000, 16 << 10, pdf.len()] {
            let (mut signed, mut shown) = (SignedPdf::showing(), Vec::new());
            for piece in pdf.chunks(piece) {
                signed.push(piece).unwrap();
                shown.extend(signed.shown());
            }
            let found = signed.finish(&trust, today()).unwrap();
            shown.extend(&found.rest);
            assert!(shown == over, "{what}, in pieces of {piece}");
            let (signer, der) = found.national.unwrap();
            assert_eq!((signer.serial.as_slice(), found.verified.len()), (head.serial(), verified));
            assert!(is_national(&der));
        }
        let mut unshown = SignedPdf::default();
        unshown.push(pdf).unwrap();
        assert_eq!(unshown.finish(&trust, today()).err(), Some(DocumentFault::National), "{what}");
    }
    let mut twice = SignedPdf::showing();
    let again = twice.push(&sign_pdf_nationally(&first, &head, today()).unwrap());
    let again = again.and_then(|()| twice.finish(&trust, today()).map(drop));
    assert_eq!(again, Err(DocumentFault::NationalTwice));
}
