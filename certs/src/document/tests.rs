//! Signatures that count, and those that almost do.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use rustls::SignatureScheme;

use super::blueprint::{Blueprint, attribute, enveloped, signed_data};
use super::cms::DATA;
use super::support::{self, Ca, root, today};
use super::*;
use crate::der::{self, wrap};
use crate::keys::Identity;
use crate::signed_data::{
    CONTENT_TYPE, MESSAGE_DIGEST, MOST_BYTES, RSA, SHA_256, SHA_384, SIGNING_CERTIFICATE_V2, SIGNING_TIME,
};
use crate::trust::Trust;

const ACT: &[u8] = b"%PDF-1.7 a draft act";

fn content(bytes: &[u8]) -> Digested {
    let mut digests = Digests::default();
    bytes.chunks(7).for_each(|piece| digests.push(piece));
    digests.finish()
}

/// Somebody who signs for a body.
pub(super) fn person(
    root: &Ca,
    serial: u64,
    kind: &'static SignatureAlgorithm,
    bend: impl FnOnce(&mut CertificateParams),
) -> Identity {
    let leaf = root.leaf_of(KeyPair::generate_for(kind).unwrap(), |params| {
        params.distinguished_name.push(DnType::CommonName, format!("Head {serial}"));
        params.distinguished_name.push(DnType::OrganizationalUnitName, "BIN000140000011");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        params.serial_number = Some(SerialNumber::from(serial));
        bend(params);
    });
    Identity::from_pem(leaf.pem.as_bytes(), leaf.key.serialize_pem().as_bytes()).unwrap()
}

pub(super) fn trust(root: &Ca, revoked: &[u64]) -> Trust {
    Trust::new(root.set(&[], &[root.crl(revoked)]))
}

fn judge(der: &[u8], trust: &Trust) -> Result<usize, DocumentFault> {
    verify_detached(der, &content(ACT), None, trust, today()).map(|signers| signers.len())
}

/// C5
#[test]
fn each_kind_of_key_signs_a_document_and_no_other_document() {
    let root = root("root");
    let trust = trust(&root, &[]);
    let kinds = [&PKCS_RSA_SHA256, &PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519];
    let people: Vec<Identity> =
        (10..).zip(kinds).map(|(serial, kind)| person(&root, serial, kind, |_| {})).collect();
    for one in &people {
        let made = sign_detached(&content(ACT), &[one], today()).unwrap();
        let found = verify_detached(&made, &content(ACT), None, &trust, today()).unwrap();
        assert_eq!((found[0].fingerprint, found[0].signed_at), (one.fingerprint(), today()));
        assert_eq!(found[0].subject.bin.as_ref().unwrap().to_string(), "000140000011");
        let other = verify_detached(&made, &content(b"another"), None, &trust, today());
        assert_eq!(other.err(), Some(DocumentFault::OtherContent));
        let mut forged = made.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(judge(&forged, &trust), Err(DocumentFault::Forged));
    }
    let all: Vec<&Identity> = people.iter().collect();
    assert_eq!(judge(&sign_detached(&content(ACT), &all, today()).unwrap(), &trust), Ok(4));

    let rsa = &people[0];
    let mut pss = Blueprint::new(&content(ACT), rsa, today()).unwrap();
    pss.scheme = SignatureScheme::RSA_PSS_SHA256;
    pss.algorithm = wrap(der::SEQUENCE, &[rustls_pki_types::alg_id::RSA_PSS_SHA256.as_ref()]);
    assert_eq!(judge(&whole(pss, rsa), &trust), Ok(1));
    let mut bare = Blueprint::new(&content(ACT), rsa, today()).unwrap();
    bare.algorithm = wrap(der::SEQUENCE, &[&wrap(der::OID, &[RSA]), &[5, 0]]);
    assert_eq!(judge(&whole(bare, rsa), &trust), Ok(1), "named by the key's algorithm, as many tools do");
}

fn whole(blueprint: Blueprint, signer: &Identity) -> Vec<u8> {
    signed_data(&[blueprint.made(signer).unwrap()], signer.certificates().iter().map(AsRef::as_ref))
}

/// C5: what can be read in two ways, or leaves out what binds it, does not count though its signature does.
#[test]
fn signatures_that_leave_out_what_binds_them_or_can_be_read_in_two_ways_do_not_count() {
    use DocumentFault::{Algorithm, Forged, Malformed, National, OtherContent, Time};
    let root = root("root");
    let trust = trust(&root, &[]);
    let (head, other) = (
        person(&root, 10, &PKCS_ECDSA_P256_SHA256, |_| {}),
        person(&root, 11, &PKCS_ECDSA_P256_SHA256, |_| {}),
    );
    let bent = |bend: &dyn Fn(&mut Blueprint)| {
        let mut blueprint = Blueprint::new(&content(ACT), &head, today()).unwrap();
        bend(&mut blueprint);
        judge(&whole(blueprint, &head), &trust)
    };
    let theirs = Blueprint::new(&content(ACT), &other, today()).unwrap();
    let without =
        |id: &'static [u8]| move |one: &mut Blueprint| one.attributes.retain(|attribute| !is(attribute, id));
    let ordered = "its attributes are not in order, or too many";
    assert_eq!(bent(&|_| {}), Ok(1));
    assert_eq!(
        bent(&without(SIGNING_CERTIFICATE_V2)),
        Err(Algorithm("it does not name its signer's certificate"))
    );
    assert_eq!(bent(&without(MESSAGE_DIGEST)), Err(Malformed("it has no digest")));
    assert_eq!(bent(&without(SIGNING_TIME)), Err(Time));
    assert_eq!(
        bent(&without(CONTENT_TYPE)),
        Err(Malformed("its attributes name another type of content, or none"))
    );
    assert_eq!(
        bent(&|one| {
            let kept = theirs.attributes.iter().find(|one| is(one, SIGNING_CERTIFICATE_V2)).unwrap();
            one.attributes.retain(|attribute| !is(attribute, SIGNING_CERTIFICATE_V2));
            one.attributes.push(kept.clone());
        }),
        Err(Malformed("it names another certificate as its signer's"))
    );
    let digest_of = |bytes: &[u8]| {
        attribute(MESSAGE_DIGEST, &wrap(der::OCTET_STRING, &[content(bytes).by(SHA_256).unwrap()]))
    };
    assert_eq!(
        bent(&|one| one.attributes.push(digest_of(b"another"))),
        Err(Malformed("an attribute is there twice")),
        "a second digest beside the first"
    );
    assert_eq!(
        bent(&|one| {
            let both = [ACT, b"another"]
                .map(|bytes| wrap(der::OCTET_STRING, &[content(bytes).by(SHA_256).unwrap()]));
            one.attributes.retain(|attribute| !is(attribute, MESSAGE_DIGEST));
            let id = wrap(der::OID, &[MESSAGE_DIGEST]);
            one.attributes.push(wrap(der::SEQUENCE, &[&id, &wrap(der::SET, &[&both.concat()])]));
        }),
        Err(Malformed("it is not DER of the structure that it should have")),
        "a second value in it"
    );
    assert_eq!(
        bent(&|one| one.attributes.push(one.attributes[0].clone())),
        Err(Malformed(ordered)),
        "the same attribute twice"
    );
    assert_eq!(
        bent(&|one| {
            one.attributes.retain(|attribute| !is(attribute, MESSAGE_DIGEST));
            one.attributes.push(digest_of(b"another"));
        }),
        Err(OtherContent)
    );
    assert_eq!(
        bent(&|one| one.digest = wrap(der::SEQUENCE, &[&wrap(der::OID, &[SHA_384])])),
        Err(OtherContent),
        "another hash than was signed"
    );
    let sha1 = &[0x2b, 0x0e, 3, 2, 26][..];
    assert_eq!(
        bent(&|one| one.digest = wrap(der::SEQUENCE, &[&wrap(der::OID, &[sha1])])),
        Err(Algorithm("its hash is none that counts"))
    );
    let rsa = wrap(der::SEQUENCE, &[&wrap(der::OID, &[RSA]), &[5, 0]]);
    assert_eq!(
        bent(&|one| one.algorithm = rsa.clone()),
        Err(Algorithm("its algorithm is none of its signer's key, or of its hash"))
    );
    let gost = &[0x2a, 0x83, 0x0e, 3, 10, 1, 1, 1][..];
    assert_eq!(bent(&|one| one.algorithm = wrap(der::SEQUENCE, &[&wrap(der::OID, &[gost])])), Err(National));
    assert_eq!(
        bent(&|one| one.issuer_and_serial.clone_from(&theirs.issuer_and_serial)),
        Err(Malformed("it does not bring its signer's certificate"))
    );
    assert_eq!(
        bent(&|one| one.version = 3),
        Err(Malformed("a signer is not named by issuer and serial number"))
    );

    // One signer's certificate under another's key.
    let stolen = Blueprint::new(&content(ACT), &head, today()).unwrap().made(&other).unwrap();
    let stolen = signed_data(&[stolen], head.certificates().iter().map(AsRef::as_ref));
    assert_eq!(judge(&stolen, &trust), Err(Forged));
    // One that counts beside one that does not.
    let infos = [
        Blueprint::new(&content(ACT), &head, today()).unwrap().made(&head).unwrap(),
        Blueprint::new(&content(b"another"), &other, today()).unwrap().made(&other).unwrap(),
    ];
    let both = [head.certificates(), other.certificates()].concat();
    assert_eq!(judge(&signed_data(&infos, both.iter().map(AsRef::as_ref)), &trust), Err(OtherContent));
    assert_eq!(
        judge(&signed_data(&[], both.iter().map(AsRef::as_ref)), &trust),
        Err(DocumentFault::Unsigned)
    );
}

/// C5: a signature that wraps another content, or hides one, is none.
#[test]
fn signed_data_with_a_content_of_its_own_or_that_is_not_der_does_not_count() {
    let root = root("root");
    let trust = trust(&root, &[]);
    let head = person(&root, 10, &PKCS_ECDSA_P256_SHA256, |_| {});
    let info = Blueprint::new(&content(ACT), &head, today()).unwrap().made(&head).unwrap();
    let certificates = wrap(der::constructed(0), &[&head.certificates()[0]]);
    let with = |encapsulated: &[u8], more: &[u8]| {
        let parts: [&[u8]; 6] = [
            &[der::INTEGER, 1, 1],
            &wrap(der::SET, &[]),
            encapsulated,
            &certificates,
            &wrap(der::SET, &[&info]),
            more,
        ];
        judge(&enveloped(&parts), &trust)
    };
    let data = wrap(der::OID, &[DATA]);
    assert_eq!(with(&wrap(der::SEQUENCE, &[&data]), &[]), Ok(1));
    let wrapped = wrap(der::constructed(0), &[&wrap(der::OCTET_STRING, &[b"what others read"])]);
    assert_eq!(
        with(&wrap(der::SEQUENCE, &[&data, &wrapped]), &[]),
        Err(DocumentFault::Malformed("it holds a content of its own"))
    );
    assert_eq!(
        with(&wrap(der::SEQUENCE, &[&wrap(der::OID, &[CONTENT_TYPE])]), &[]),
        Err(DocumentFault::Malformed("it signs something else than data"))
    );
    let structure = Err(DocumentFault::Malformed("it is not DER of the structure that it should have"));
    assert_eq!(with(&wrap(der::SEQUENCE, &[&data]), &[5, 0]), structure, "something behind");
    let made = sign_detached(&content(ACT), &[&head], today()).unwrap();
    assert_eq!(judge(&[&made[..], &[0]].concat(), &trust), structure, "something behind it all");
    assert_eq!(judge(&made[..made.len() - 1], &trust), structure);
    // Indefinite length, which is BER.
    let indefinite = [&[0x30, 0x80][..], &made[4..], &[0, 0]].concat();
    assert_eq!(judge(&indefinite, &trust), structure);
    let large = vec![0x30; MOST_BYTES + 1];
    assert_eq!(judge(&large, &trust), Err(DocumentFault::Malformed("it is larger than a signature can be")));
    for at in 0..made.len() {
        let mut bent = made.clone();
        bent[at] ^= 0x10;
        let judged = verify_detached(&bent, &content(ACT), None, &trust, today());
        // Only what is not signed and says nothing may differ: nobody else signs by it.
        assert!(judged.is_err() || judged.unwrap()[0].fingerprint == head.fingerprint(), "byte {at}");
    }
}

/// C5: against certificates valid at signing time.
#[test]
fn signers_are_judged_as_of_when_they_signed() {
    let root = root("root");
    let minutes = |count| today() + SignedDuration::from_mins(count);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let made = |signer: &Identity, at| sign_detached(&content(ACT), &[signer], at).unwrap();
    let head = person(&root, 10, &PKCS_ECDSA_P256_SHA256, |_| {});
    let past = person(&root, 11, &PKCS_ECDSA_P256_SHA256, |params| {
        params.not_after = date_time_ymd(2026, 11, 1);
    });
    let good = trust(&root, &[]);
    assert_eq!(judge(&made(&past, at("2026-10-20T00:00:00Z")), &good), Ok(1), "it ended since");
    assert_eq!(judge(&made(&past, today()), &good), Err(DocumentFault::SignerExpired));
    assert_eq!(judge(&made(&head, at("2026-05-01T00:00:00Z")), &good), Err(DocumentFault::SignerExpired));
    assert_eq!(judge(&made(&head, minutes(4)), &good), Ok(1));
    assert_eq!(judge(&made(&head, minutes(6)), &good), Err(DocumentFault::Time));
    // Revoked on the tenth.
    let revoked = trust(&root, &[10]);
    assert_eq!(judge(&made(&head, at("2026-11-09T00:00:00Z")), &revoked), Ok(1));
    assert_eq!(judge(&made(&head, at("2026-11-11T00:00:00Z")), &revoked), Err(DocumentFault::SignerRevoked));
    let elsewhere = trust(&support::root("another"), &[]);
    assert_eq!(
        judge(&made(&head, today()), &elsewhere),
        Err(DocumentFault::SignerUntrusted("chain-incomplete"))
    );
    let caller = person(&root, 12, &PKCS_ECDSA_P256_SHA256, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(judge(&made(&caller, today()), &good), Err(DocumentFault::SignerUntrusted("wrong-key-usage")));
    let sealing = person(&root, 13, &PKCS_ECDSA_P256_SHA256, |params| {
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    });
    assert_eq!(
        judge(&made(&sealing, today()), &good),
        Err(DocumentFault::SignerUntrusted("wrong-key-usage"))
    );
    let unlisted = Trust::new(root.set(&[], &[]));
    assert_eq!(judge(&made(&head, today()), &unlisted), Err(DocumentFault::SignerUntrusted("crl-missing")));
}

/// Whether an attribute is of a kind.
fn is(attribute: &[u8], id: &[u8]) -> bool {
    attribute[2..].starts_with(&wrap(der::OID, &[id]))
}
