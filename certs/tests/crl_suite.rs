//! BoringSSL's 66 revocation lists, judged by the same function as the gateway's verifier uses.
#![allow(clippy::unwrap_used, reason = "tests may")]

use std::path::Path;

use certs::Certificate;
use certs::revocation::{self, Status};
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::pem::{PemObject, SectionKind};

/// Cases whose answer differs from the suite's, each with its reason. A stale line fails the test.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// A6
#[test]
fn every_list_of_the_suite_is_judged_as_its_name_says() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/suites/pki/crl_unittest"));
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = match name.split('_').next() {
            Some("good") => Verdict::Good,
            Some("revoked") => Verdict::Revoked,
            Some("bad" | "invalid") => Verdict::NotSettled,
            _ => panic!("{name} says nothing"),
        };
        let as_named = judge(&std::fs::read_to_string(&path).unwrap()) == expected;
        let excepted = EXCEPTIONS.iter().any(|(exception, _)| *exception == name);
        cases += 1;
        if as_named == excepted {
            wrong.push(name);
        }
    }
    assert_eq!(cases, 66);
    assert!(wrong.is_empty(), "differs from the suite, or is excepted without need: {wrong:?}");
}

#[derive(PartialEq)]
enum Verdict {
    Good,
    Revoked,
    NotSettled,
}

fn judge(text: &str) -> Verdict {
    let at: Timestamp = "2017-03-09T00:00:00Z".parse().unwrap();
    let part = |label: &str| {
        let begin = format!("-----BEGIN {label}-----");
        let end = format!("-----END {label}-----");
        let body = text.split_once(&begin)?.1.split_once(&end)?.0;
        // The labels of the suite are its own: give them one that every PEM reader knows.
        let pem = format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----\n");
        let (_, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(pem.as_bytes()).unwrap();
        Some(der)
    };
    let authorities: Vec<Vec<u8>> =
        ["CA CERTIFICATE", "CA CERTIFICATE 2"].into_iter().filter_map(part).collect();
    let issuers: Vec<_> = authorities.iter().map(|der| Certificate::read(der).unwrap()).collect();
    let (leaf, crl) = (part("CERTIFICATE").unwrap(), part("CRL").unwrap());
    let leaf = Certificate::read(&leaf).unwrap();
    match revocation::check(&leaf, &issuers, &crl, at, Some(SignedDuration::from_hours(7 * 24))) {
        Ok(Status::Good { .. }) => Verdict::Good,
        Ok(Status::Revoked { .. }) => Verdict::Revoked,
        Err(_) => Verdict::NotSettled,
    }
}
