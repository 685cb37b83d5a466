//! The trial authority issues what our own verifier believes, and revokes it.
#![allow(clippy::unwrap_used, reason = "tests may")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use certs::authority::{Authority, AuthorityError, PersonRequest, SystemRequest};
use certs::inspect::{Inspection, Revocation, Verdict, inspect};
use certs::keys::{read_certificates, read_crls};
use certs::sign::{Side, Signer, verify_received};
use certs::tls::Identity;
use certs::{Purpose, Trust, TrustAnchors, TrustSet};
use jiff::{SignedDuration, Timestamp};

fn now() -> Timestamp {
    "2026-11-15T12:00:00Z".parse().unwrap()
}

fn system() -> SystemRequest {
    SystemRequest {
        code: "address-register".into(),
        bin: "990240001234".parse().unwrap(),
        organisation: "Министерство цифрового развития".into(),
        names: vec!["address.test".into(), "127.0.0.1".into()],
        days: 365,
    }
}

fn person() -> PersonRequest {
    PersonRequest {
        name: "ӘЛИЕВА АЙГЕРІМ".into(),
        iin: "880101400001".into(),
        bin: "990240001234".parse().unwrap(),
        organisation: "Министерство цифрового развития".into(),
        days: 365,
    }
}

fn trust(authority: &Authority) -> Trust {
    let anchors = TrustAnchors::from_pem(authority.anchors_pem().unwrap().as_bytes(), now()).unwrap();
    let issuing = read_certificates(authority.issuing_pem().unwrap().as_bytes()).unwrap();
    let crls = read_crls(authority.crl_pem().unwrap().as_bytes()).unwrap();
    Trust::new(TrustSet::load(anchors, issuing, &crls).unwrap())
}

fn verdict(authority: &Authority, chain: &str, at: Timestamp) -> &'static str {
    let chain = read_certificates(chain.as_bytes()).unwrap();
    trust(authority)
        .verify(&chain, Purpose::Client, at)
        .map_or_else(|untrusted| untrusted.code(), |_| "trusted")
}

#[test]
fn system_is_issued_a_certificate_for_calling_and_being_called() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let issued = authority.issue_system(&system(), now()).unwrap();
    let chain = read_certificates(issued.chain.as_bytes()).unwrap();
    for purpose in [Purpose::Client, Purpose::Server] {
        let verified = trust(&authority).verify(&chain, purpose, now()).unwrap();
        assert_eq!(verified.fingerprint(), issued.fingerprint);
        assert_eq!(verified.serial(), issued.serial);
        assert_eq!(verified.subject().common_name.as_deref(), Some("address-register"));
        assert_eq!(verified.subject().bin, Some("990240001234".parse().unwrap()));
        assert!(verified.check_name("address.test").is_ok() && verified.check_name("127.0.0.1").is_ok());
    }
    assert!(Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).is_ok());
    assert_eq!(verdict(&authority, &issued.chain, now() - SignedDuration::from_mins(4)), "trusted");
}

#[test]
fn person_signs_and_is_named_by_the_signature() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let issued = authority.issue_person(&person(), now()).unwrap();
    let signer = Signer::new(Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap());
    let signature = signer.sign(b"{}", Side::Provider, now()).unwrap();
    let verified = verify_received(b"{}", &signature, &trust(&authority), now()).unwrap();
    assert_eq!(verified.subject.iin.as_deref(), Some("880101400001"));
    assert_eq!(verified.subject.bin, Some("990240001234".parse().unwrap()));
    assert_eq!(verified.subject.common_name.as_deref(), Some("ӘЛИЕВА АЙГЕРІМ"));
    assert_eq!(verdict(&authority, &issued.chain, now()), "wrong-key-usage");
}

#[test]
fn revoked_certificate_is_refused_and_the_revocation_outlasts_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let [one, two, three] = [(); 3].map(|()| authority.issue_system(&system(), now()).unwrap());
    authority.revoke(&one.serial, now()).unwrap();
    authority.revoke(&one.serial.to_uppercase(), now()).unwrap();
    authority.revoke_certificate(two.chain.as_bytes(), now()).unwrap();
    let again = Authority::open(folder.path()).unwrap();
    again.renew_crls(now()).unwrap();
    for (issued, expected) in [(&one, "revoked"), (&two, "revoked"), (&three, "trusted")] {
        assert_eq!(verdict(&again, &issued.chain, now()), expected);
    }
    assert!(matches!(again.revoke("00", now()), Err(AuthorityError::Unknown(_))));
}

#[test]
fn lists_last_as_long_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let issued = authority.issue_system(&system(), now()).unwrap();
    let after = |days: i64| now() + SignedDuration::from_hours(24 * days);
    assert_eq!(verdict(&authority, &issued.chain, after(29)), "trusted");
    assert_eq!(verdict(&authority, &issued.chain, after(30)), "crl-expired");
    authority.set_crl_days(2).unwrap();
    authority.renew_crls(now()).unwrap();
    assert_eq!(verdict(&authority, &issued.chain, after(2)), "crl-expired");
}

#[test]
fn what_two_programs_revoke_at_the_same_time_is_all_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let issued: Vec<_> = (0..12).map(|_| authority.issue_system(&system(), now()).unwrap()).collect();
    std::thread::scope(|scope| {
        for part in issued.chunks(3) {
            let other = Authority::open(folder.path()).unwrap();
            scope.spawn(move || part.iter().for_each(|issued| other.revoke(&issued.serial, now()).unwrap()));
        }
    });
    assert!(issued.iter().all(|issued| verdict(&authority, &issued.chain, now()) == "revoked"));
}

#[test]
fn folder_is_its_owners_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("authority");
    let authority = Authority::create(&dir, now()).unwrap();
    let before = authority.anchors_pem().unwrap();
    assert!(matches!(Authority::create(&dir, now()), Err(AuthorityError::Exists)));
    assert_eq!(authority.anchors_pem().unwrap(), before);
    assert!(Authority::open(folder.path()).is_err());
    for entry in fs::read_dir(&dir).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "lock") {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    fs::set_permissions(dir.join("issuing.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(authority.issue_system(&system(), now()), Err(AuthorityError::Key(_))));
}

#[test]
fn requests_that_would_mislead_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let refused = |request: &SystemRequest| {
        matches!(authority.issue_system(request, now()), Err(AuthorityError::Request(_)))
    };
    assert!(refused(&SystemRequest { code: " ".into(), ..system() }));
    assert!(refused(&SystemRequest { code: "a\nb".into(), ..system() }));
    assert!(refused(&SystemRequest { names: vec!["адрес.test".into()], ..system() }));
    let person = PersonRequest { iin: "1".into(), ..person() };
    assert!(matches!(authority.issue_person(&person, now()), Err(AuthorityError::Request(_))));
}

#[test]
fn files_are_judged_as_the_gateway_would() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), now()).unwrap();
    let issued = authority.issue_system(&system(), now()).unwrap();
    let (anchors, crls) = (authority.anchors_pem().unwrap(), authority.crl_pem().unwrap());
    let given = Inspection {
        anchors: anchors.as_bytes(),
        crls: Some(crls.as_bytes()),
        chain: issued.chain.as_bytes(),
        purpose: Purpose::Server,
        name: Some("address.test"),
        at: now(),
    };
    let says = |inspection| match inspect(inspection) {
        Verdict::Accepted { revocation: Revocation::Asked, .. } => "accepted",
        Verdict::Accepted { revocation: Revocation::NotAsked, .. } => "accepted, revocation not asked",
        Verdict::Rejected(untrusted) => untrusted.code(),
    };
    assert_eq!(says(given), "accepted");
    assert_eq!(says(Inspection { crls: None, ..given }), "accepted, revocation not asked");
    assert_eq!(says(Inspection { name: Some("other.test"), ..given }), "name-mismatch");
    assert_eq!(says(Inspection { chain: b"", ..given }), "malformed");
    assert_eq!(says(Inspection { crls: Some(b"x"), ..given }), "malformed");
    assert_eq!(says(Inspection { anchors: issued.chain.as_bytes(), ..given }), "anchor-refused");
    assert_eq!(says(Inspection { anchors: b"", ..given }), "anchor-refused");
    let later = now() + SignedDuration::from_hours(24 * 400);
    assert_eq!(says(Inspection { at: later, ..given }), "expired");
    authority.revoke(&issued.serial, now()).unwrap();
    let crls = authority.crl_pem().unwrap();
    assert_eq!(says(Inspection { crls: Some(crls.as_bytes()), ..given }), "revoked");
}
