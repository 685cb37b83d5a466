//! Who is believed, who is not and why, and when that is asked again.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use std::sync::Arc;

use certs::trust::{AnchorError, AnchorFault};
use certs::{CertificateDer, Purpose, Trust, TrustAnchors, Untrusted};
use jiff::SignedDuration;
use rcgen::{
    BasicConstraints, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope, CustomExtension,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
    date_time_ymd,
};
use support::{Ca, at, root, root_with, today};

/// A root, an issuing authority, and lists of both that revoke nothing.
struct Pki {
    root: Ca,
    issuing: Ca,
}

fn pki() -> Pki {
    let root = root("root");
    let issuing = root.below("issuing", |_| {});
    Pki { root, issuing }
}

impl Pki {
    fn crls(&self) -> [Vec<u8>; 2] {
        [self.root.crl(&[]), self.issuing.crl(&[])]
    }

    fn trust(&self) -> Trust {
        self.trust_with(&self.crls())
    }

    fn trust_with(&self, crls: &[Vec<u8>]) -> Trust {
        Trust::new(self.root.set(&[&self.issuing], crls))
    }

    fn code(&self, chain: &[&CertificateDer<'static>]) -> &'static str {
        code(&self.trust(), chain, Purpose::Client)
    }
}

fn code(trust: &Trust, chain: &[&CertificateDer<'static>], purpose: Purpose) -> &'static str {
    let chain: Vec<_> = chain.iter().map(|der| (*der).clone()).collect();
    trust.verify(&chain, purpose, today()).map_or_else(|untrusted| untrusted.code(), |_| "trusted")
}

/// A6
#[test]
fn system_of_the_issuing_authority_is_trusted_with_or_without_sending_it() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|_| {});
    for purpose in [Purpose::Client, Purpose::Server] {
        assert_eq!(code(&pki.trust(), &[&leaf.der], purpose), "trusted");
        assert_eq!(code(&pki.trust(), &[&leaf.der, &pki.issuing.der], purpose), "trusted");
    }
    assert_eq!(code(&pki.trust(), &[&leaf.der], Purpose::Signing), "wrong-key-usage");
}

#[test]
fn verified_chain_says_who_it_is() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|_| {});
    let chain = pki.trust().verify(std::slice::from_ref(&leaf.der), Purpose::Client, today()).unwrap();
    assert_eq!(chain.fingerprint(), certs::fingerprint(&leaf.der));
    assert_eq!(chain.subject().common_name.as_deref(), Some("system"));
    assert_eq!(chain.serial(), "07");
    assert_eq!(chain.not_after(), at("2027-06-01T00:00:00Z"));
    assert_eq!(chain.relied_on_until(), at("2026-12-01T00:00:00Z"), "the lists end before the certificates");
    assert!(chain.check_name("system.test").is_ok());
    for wrong in ["other.test", "sub.system.test", "127.0.0.1", "not a name", ""] {
        assert_eq!(chain.check_name(wrong).unwrap_err().code(), "name-mismatch");
    }
}

#[test]
fn nothing_too_much_and_garbage_are_refused_before_anything_costly() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|_| {});
    let trust = pki.trust();
    assert_eq!(code(&trust, &[], Purpose::Client), "no-certificate");
    assert_eq!(code(&trust, &[&leaf.der; 17], Purpose::Client), "chain-too-large");
    assert_eq!(code(&trust, &[&vec![0x30; 65 << 10].into()], Purpose::Client), "chain-too-large");
    assert_eq!(trust.verifications(), 0);
    assert_eq!(code(&trust, &[&vec![0x30, 0x80, 1].into()], Purpose::Client), "malformed");
    assert_eq!(code(&trust, &[&leaf.der, &vec![0x30, 0x80, 1].into()], Purpose::Client), "trusted");
}

#[test]
fn chain_to_no_anchor_is_incomplete() {
    let (pki, other) = (pki(), root("other"));
    let below = pki.issuing.below("below", |_| {});
    assert_eq!(pki.code(&[&other.leaf(|_| {}).der, &other.der]), "chain-incomplete");
    assert_eq!(pki.code(&[&below.leaf(|_| {}).der]), "chain-incomplete");
}

#[test]
fn authority_that_only_shares_a_name_and_key_usage_makes_no_chain() {
    let pki = pki();
    let impostor = root("impostor").below("issuing", |_| {});
    assert_eq!(pki.code(&[&impostor.leaf(|_| {}).der]), "bad-signature");
    assert_eq!(pki.code(&[&impostor.leaf(|_| {}).der, &impostor.der]), "bad-signature");
}

#[test]
fn certificate_counts_from_its_first_to_its_last_second() {
    let pki = pki();
    let leaf = [pki.issuing.leaf(|p| p.not_after = date_time_ymd(2026, 11, 20)).der];
    let late = [pki.issuing.leaf(|p| p.not_before = date_time_ymd(2026, 11, 10)).der];
    let trust = pki.trust();
    assert!(trust.verify(&leaf, Purpose::Client, at("2026-11-20T00:00:00.9Z")).is_ok());
    let expired = trust.verify(&leaf, Purpose::Client, at("2026-11-20T00:00:01Z")).unwrap_err();
    assert_eq!(expired, Untrusted::Expired { not_after: at("2026-11-20T00:00:00Z") });
    assert!(trust.verify(&late, Purpose::Client, at("2026-11-10T00:00:00Z")).is_ok());
    let early = trust.verify(&late, Purpose::Client, at("2026-11-09T23:59:59Z")).unwrap_err();
    assert_eq!(early, Untrusted::NotYetValid { not_before: at("2026-11-10T00:00:00Z") });
}

#[test]
fn expired_authority_ends_what_it_issued() {
    let root = root("root");
    let issuing = root.below("issuing", |p| p.not_after = date_time_ymd(2026, 11, 14));
    let trust = Trust::new(root.set(&[&issuing], &[root.crl(&[]), issuing.crl(&[])]));
    assert_eq!(code(&trust, &[&issuing.leaf(|_| {}).der], Purpose::Client), "expired");
}

#[test]
fn anchor_that_expired_since_it_was_enrolled_no_longer_counts() {
    let root = root_with("root", KeyPair::generate().unwrap(), |p| p.not_after = date_time_ymd(2026, 11, 18));
    let trust = Trust::new(root.set(&[], &[root.crl(&[])]));
    let leaf = [root.leaf(|_| {}).der];
    assert!(trust.verify(&leaf, Purpose::Client, today()).is_ok());
    assert_eq!(
        trust.verify(&leaf, Purpose::Client, at("2026-11-19T00:00:00Z")).unwrap_err().code(),
        "expired"
    );
}

/// A6
#[test]
fn revocation_of_the_leaf_or_of_its_authority_is_obeyed() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|_| {});
    let [root_list, issuing_list] = pki.crls();
    let leaf_revoked = pki.trust_with(&[root_list, pki.issuing.crl(&[5, 7, 9])]);
    let authority_revoked = pki.trust_with(&[pki.root.crl(&[3]), issuing_list]);
    assert_eq!(code(&leaf_revoked, &[&leaf.der], Purpose::Client), "revoked");
    assert_eq!(code(&authority_revoked, &[&leaf.der], Purpose::Client), "revoked");
    let reason = leaf_revoked.verify(&[leaf.der], Purpose::Client, today()).unwrap_err();
    assert_eq!(reason, Untrusted::Revoked { serial: "07".into(), since: at("2026-11-10T00:00:00Z") });
}

#[test]
fn every_certificate_below_the_anchor_needs_a_list_that_settles_it() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|_| {});
    let [root_list, issuing_list] = pki.crls();
    let says = |crls: &[Vec<u8>]| code(&pki.trust_with(crls), &[&leaf.der], Purpose::Client);
    assert_eq!(says(&[]), "crl-missing");
    assert_eq!(says(std::slice::from_ref(&root_list)), "crl-missing");
    assert_eq!(says(std::slice::from_ref(&issuing_list)), "crl-missing");
    assert_eq!(says(&[root_list.clone(), vec![0x30, 3, 1, 2, 3]]), "crl-missing");
    let old = pki.issuing.crl_with(&[], |p| p.next_update = date_time_ymd(2026, 11, 14));
    assert_eq!(says(&[root_list.clone(), old]), "crl-expired");
    let ahead = pki.issuing.crl_with(&[], |p| p.this_update = date_time_ymd(2026, 11, 16));
    assert_eq!(says(&[root_list.clone(), ahead]), "crl-invalid");
    let of_authorities = pki.issuing.crl_with(&[], |p| {
        p.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec!["http://a.test/crl".into()] },
            scope: Some(CrlScope::CaCertsOnly),
        });
    });
    assert_eq!(says(&[root_list.clone(), of_authorities]), "crl-invalid");
    let forged = root("root").below("issuing", |_| {}).crl(&[]);
    assert_eq!(says(&[root_list, forged]), "crl-missing");
}

#[test]
fn list_older_than_allowed_does_not_count_whatever_it_says() {
    let pki = pki();
    let set = pki.root.set(&[&pki.issuing], &pki.crls()).with_max_crl_age(SignedDuration::from_hours(7 * 24));
    assert_eq!(code(&Trust::new(set), &[&pki.issuing.leaf(|_| {}).der], Purpose::Client), "crl-expired");
}

#[test]
fn damaged_list_does_not_keep_the_revocations_of_the_others_from_counting() {
    let pki = pki();
    let crls = [vec![0xff; 100], pki.root.crl(&[]), pki.issuing.crl(&[7])];
    let set = pki.root.set(&[&pki.issuing], &crls);
    assert_eq!(set.unusable().len(), 1);
    assert_eq!(set.unusable()[0].index, 0);
    assert_eq!(code(&Trust::new(set), &[&pki.issuing.leaf(|_| {}).der], Purpose::Client), "revoked");
}

#[test]
fn any_list_in_force_may_revoke() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|_| {});
    let [root_list, good] = pki.crls();
    let bad = pki.issuing.crl(&[7]);
    for order in [[good.clone(), bad.clone()], [bad, good]] {
        let [one, two] = order;
        assert_eq!(
            code(&pki.trust_with(&[root_list.clone(), one, two]), &[&leaf.der], Purpose::Client),
            "revoked"
        );
    }
}

#[test]
fn certificate_for_another_use_is_refused() {
    let pki = pki();
    let only_server = pki.issuing.leaf(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let no_signing = pki.issuing.leaf(|p| p.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    let signs_certificates = pki.issuing.leaf(|p| {
        p.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    });
    assert_eq!(code(&pki.trust(), &[&only_server.der], Purpose::Server), "trusted");
    for der in [&only_server.der, &no_signing.der, &signs_certificates.der, &pki.issuing.der] {
        assert_eq!(pki.code(&[der]), "wrong-key-usage");
    }
}

#[test]
fn keys_of_other_kinds_do_not_count_anywhere_in_the_chain() {
    let pki = pki();
    let odd = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    assert_eq!(pki.code(&[&pki.issuing.leaf_of(odd(), |_| {}).der]), "weak-key");
    for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519, &rcgen::PKCS_RSA_SHA256] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        assert_eq!(pki.code(&[&pki.issuing.leaf_of(key, |_| {}).der]), "trusted");
    }
}

#[test]
fn every_changed_byte_of_a_certificate_is_noticed() {
    let pki = pki();
    let trust = pki.trust();
    let leaf = pki.issuing.leaf(|_| {}).der;
    for index in 0..leaf.len() {
        let mut changed = leaf.to_vec();
        changed[index] ^= 0x01;
        assert_ne!(code(&trust, &[&changed.into()], Purpose::Client), "trusted", "byte {index}");
    }
}

#[test]
fn who_is_no_authority_or_not_for_so_much_issues_nothing() {
    let root = root("root");
    let [without_right, not_ca, short] = [
        root.below("a", |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]),
        root.below("b", |p| p.is_ca = IsCa::ExplicitNoCa),
        root.below("c", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))),
    ];
    let below = short.below("d", |p| p.serial_number = Some(SerialNumber::from(4)));
    let all = [&root, &without_right, &not_ca, &short, &below];
    let crls: Vec<_> = all.iter().map(|ca| ca.crl(&[])).collect();
    let trust = Trust::new(root.set(&all[1..], &crls));
    for ca in [&without_right, &not_ca, &below] {
        assert_eq!(code(&trust, &[&ca.leaf(|_| {}).der], Purpose::Client), "not-an-authority");
    }
    assert_eq!(code(&trust, &[&short.leaf(|_| {}).der], Purpose::Client), "trusted");
}

#[test]
fn names_outside_of_the_authoritys_are_refused() {
    let root = root("root");
    let issuing = root.below("issuing", |p| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("gov.test".into())];
        p.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
    });
    let trust = Trust::new(root.set(&[&issuing], &[root.crl(&[]), issuing.crl(&[])]));
    assert_eq!(code(&trust, &[&issuing.leaf(|_| {}).der], Purpose::Client), "name-constraint");
}

#[test]
fn unknown_critical_extension_is_refused() {
    let pki = pki();
    let leaf = pki.issuing.leaf(|p| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 398, 9, 9], vec![5, 0]);
        extension.set_criticality(true);
        p.custom_extensions = vec![extension];
    });
    assert_eq!(pki.code(&[&leaf.der]), "unknown-critical-extension");
}

/// RFC 5280 §4.1.2.2, §4.2.1.10, §4.2.1.11
#[test]
fn what_no_authority_may_issue_is_refused_whoever_issued_it() {
    let pki = pki();
    let serial = |bytes: &[u8]| SerialNumber::from_slice(bytes);
    let extension =
        |id: u64, content: &[u8]| CustomExtension::from_oid_content(&[2, 5, 29, id], content.to_vec());
    let code = |bend: &dyn Fn(&mut rcgen::CertificateParams)| pki.code(&[&pki.issuing.leaf(bend).der]);
    assert_eq!(code(&|p| p.serial_number = Some(serial(&[0x7f; 20]))), "trusted");
    assert_eq!(code(&|p| p.serial_number = Some(serial(&[0x7f; 21]))), "malformed");
    assert_eq!(code(&|p| p.serial_number = Some(serial(&[0]))), "malformed");
    let names = [0x30, 9, 0xa0, 7, 0x30, 5, 0x82, 3, b'g', b'o', b'v'];
    assert_eq!(code(&|p| p.custom_extensions = vec![extension(30, &names)]), "malformed");
    assert_eq!(
        code(&|p| p.custom_extensions = vec![extension(36, &[0x30, 0])]),
        "unknown-critical-extension"
    );
}

#[test]
fn anchors_are_checked_when_they_are_enrolled() {
    let fault = |pem: &str| match TrustAnchors::from_pem(pem.as_bytes(), today()).unwrap_err() {
        AnchorError::Unfit { fault, .. } => fault,
        other => panic!("{other}"),
    };
    let bent = |bend: &dyn Fn(&mut rcgen::CertificateParams)| {
        root_with("root", KeyPair::generate().unwrap(), bend).pem
    };
    assert!(TrustAnchors::from_pem(bent(&|_| {}).as_bytes(), today()).is_ok());
    assert_eq!(fault(&bent(&|p| p.is_ca = IsCa::NoCa)), AnchorFault::NotAnAuthority);
    assert_eq!(fault(&bent(&|p| p.is_ca = IsCa::ExplicitNoCa)), AnchorFault::NotAnAuthority);
    assert_eq!(
        fault(&bent(&|p| p.key_usages = vec![KeyUsagePurpose::CrlSign])),
        AnchorFault::MayNotSignCertificates
    );
    assert!(matches!(
        fault(&bent(&|p| p.not_after = date_time_ymd(2026, 1, 1))),
        AnchorFault::OutOfTime { .. }
    ));
    assert!(matches!(
        fault(&bent(&|p| p.not_before = date_time_ymd(2027, 1, 1))),
        AnchorFault::OutOfTime { .. }
    ));
    assert_eq!(fault(&root("root").below("below", |_| {}).pem), AnchorFault::NotSelfSigned);
    assert_eq!(fault(&root("root").below("root", |_| {}).pem), AnchorFault::NotSelfSigned);
    let odd = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    assert!(matches!(fault(&root_with("root", odd, |_| {}).pem), AnchorFault::WeakKey(_)));
    assert_eq!(TrustAnchors::from_pem(b"", today()).unwrap_err(), AnchorError::None);
}

#[test]
fn known_chain_costs_no_verification_until_something_changes() {
    let pki = pki();
    let trust = pki.trust();
    let leaf = [pki.issuing.leaf(|_| {}).der];
    for _ in 0..3 {
        trust.verify(&leaf, Purpose::Client, today()).unwrap();
    }
    assert_eq!(trust.verifications(), 1);
    trust.verify(&leaf, Purpose::Server, today()).unwrap();
    assert_eq!(trust.verifications(), 2, "another purpose is another question");
    trust.replace(pki.root.set(&[&pki.issuing], &pki.crls()));
    trust.verify(&leaf, Purpose::Client, today()).unwrap();
    assert_eq!((trust.verifications(), trust.generation()), (3, 2));
    let ended = trust.verify(&leaf, Purpose::Client, at("2026-12-01T00:00:00Z"));
    assert_eq!(ended.unwrap_err().code(), "crl-expired");
    let before = trust.verify(&leaf, Purpose::Client, at("2026-05-01T00:00:00Z"));
    assert_eq!(before.unwrap_err().code(), "not-yet-valid");
}

/// B9
#[test]
fn revocation_reaches_a_chain_that_was_verified_before() {
    let pki = pki();
    let trust = pki.trust();
    let chain = trust.verify(&[pki.issuing.leaf(|_| {}).der], Purpose::Client, today()).unwrap();
    for _ in 0..3 {
        assert_eq!(trust.status(&chain, today()), Ok(()));
    }
    assert_eq!(trust.verifications(), 1);

    trust.replace(pki.root.set(&[&pki.issuing], &pki.crls()));
    for _ in 0..3 {
        assert_eq!(trust.status(&chain, today()), Ok(()));
    }
    assert_eq!(trust.verifications(), 2, "once for each set");

    trust.replace(pki.root.set(&[&pki.issuing], &[pki.root.crl(&[]), pki.issuing.crl(&[7])]));
    for _ in 0..3 {
        assert_eq!(trust.status(&chain, today()).unwrap_err().code(), "revoked");
    }
    assert_eq!(trust.verifications(), 3, "asking again costs nothing for a second");
    assert_eq!(trust.status(&chain.clone(), at("2026-11-15T12:00:01Z")).unwrap_err().code(), "revoked");
    assert_eq!(trust.verifications(), 4);
}

#[test]
fn list_that_comes_into_force_revokes_by_itself_and_one_that_ends_refuses() {
    let pki = pki();
    let [root_list, issuing_list] = pki.crls();
    let next = pki.issuing.crl_with(&[7], |p| p.this_update = date_time_ymd(2026, 11, 20));
    let trust = pki.trust_with(&[root_list, issuing_list, next]);
    let chain = trust.verify(&[pki.issuing.leaf(|_| {}).der], Purpose::Client, today()).unwrap();
    assert_eq!(trust.status(&chain, at("2026-11-19T23:59:59Z")), Ok(()));
    assert_eq!(trust.status(&chain, at("2026-11-20T00:00:00Z")).unwrap_err().code(), "revoked");
    assert_eq!(trust.status(&chain, at("2026-12-01T00:00:00Z")).unwrap_err().code(), "crl-expired");
}

#[test]
fn chain_verified_by_one_trust_is_verified_anew_by_another() {
    let (pki, other) = (pki(), pki());
    let chain = pki.trust().verify(&[pki.issuing.leaf(|_| {}).der], Purpose::Client, today()).unwrap();
    assert_eq!(
        other.trust().status(&chain, today()).unwrap_err().code(),
        "bad-signature",
        "same names, other keys"
    );
}

#[test]
fn replacing_the_set_while_others_verify_never_lets_a_revoked_chain_through_afterwards() {
    let pki = pki();
    let trust = Arc::new(pki.trust());
    let leaf = [pki.issuing.leaf(|_| {}).der];
    let chain = trust.verify(&leaf, Purpose::Client, today()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Ends only when this thread sees the revocation; then it must never see another answer.
                while trust.status(&chain, today()).is_ok()
                    && trust.verify(&leaf, Purpose::Client, today()).is_ok()
                {}
                for _ in 0..1000 {
                    assert_eq!(trust.status(&chain, today()).unwrap_err().code(), "revoked");
                }
                assert_eq!(trust.verify(&leaf, Purpose::Client, today()).unwrap_err().code(), "revoked");
            });
        }
        trust.replace(pki.root.set(&[&pki.issuing], &pki.crls()));
        trust.replace(pki.root.set(&[&pki.issuing], &[pki.root.crl(&[]), pki.issuing.crl(&[7])]));
    });
}
