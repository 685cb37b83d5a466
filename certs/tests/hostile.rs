//! Bytes from strangers: whatever they are, the answer is a refusal and never a panic.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use certs::{Certificate, CertificateDer, Purpose, Subject, Trust, revocation};
use proptest::prelude::*;
use support::{root, today};

/// Changes, cuts and repeats parts of `bytes`.
fn bend(bytes: &[u8], changes: &[(usize, u8)], cut: usize, repeat: usize) -> Vec<u8> {
    let mut bent = bytes.to_vec();
    for (index, value) in changes {
        let index = index % bent.len();
        bent[index] = *value;
    }
    bent.truncate(bent.len() - cut % bent.len());
    let again = bent[bent.len() - repeat % bent.len()..].to_vec();
    bent.extend(again);
    bent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bent_certificates_and_lists_settle_nothing(
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in prop_oneof![Just(0_usize), any::<usize>()],
        repeat in prop_oneof![Just(0_usize), any::<usize>()],
    ) {
        thread_local! {
            static GIVEN: (Vec<u8>, Vec<u8>, Vec<u8>, Trust) = {
                let root = root("root");
                let crl = root.crl(&[1, 2, 7]);
                let trust = Trust::new(root.set(&[], &[root.crl(&[])]));
                (root.leaf(|_| {}).der.to_vec(), root.der.to_vec(), crl, trust)
            };
        }
        GIVEN.with(|(leaf, root, crl, trust)| {
            let (bent_leaf, bent_crl) = (bend(leaf, &changes, cut, repeat), bend(crl, &changes, cut, repeat));
            let bent_root = bend(root, &changes, cut, repeat);
            let issuers: Vec<_> = Certificate::read(root).into_iter().collect();
            let status = revocation::check(&Certificate::read(leaf).unwrap(), &issuers, &bent_crl, today(), None);
            prop_assert_eq!(status.is_ok(), bent_crl == *crl);
            let verdict = trust.verify(&[CertificateDer::from(&*bent_leaf)], Purpose::Client, today());
            prop_assert_eq!(verdict.is_ok(), bent_leaf == *leaf);
            // Read by its own key, as an anchor would be.
            if let Ok(certificate) = Certificate::read(&bent_root) {
                let _: Result<Subject, _> = certificate.subject();
                let _ = revocation::check(&certificate, std::slice::from_ref(&certificate), crl, today(), None);
            }
            Ok(())
        })?;
    }
}
