//! Somebody who signs, under an authority that is trusted: with keys that are the same each time, so that what a fuzzer
//! found is found again.

use certs::TrustSet;
use certs::tls::Identity;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, SerialNumber};

use super::support::{Ca, Leaf, root_with};

/// The authority, with its list of revoked certificates in force.
pub fn authority() -> (Ca, TrustSet) {
    let root = root_with("root", key(1), |_| {});
    let trust = root.set(&[], &[root.crl(&[])]);
    (root, trust)
}

/// Somebody who signs documents, by number.
pub fn person(root: &Ca, number: u8) -> (Identity, KeyPair) {
    let leaf = root.leaf_of(key(number), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        params.serial_number = Some(SerialNumber::from(u64::from(number)));
    });
    (identity(&leaf), leaf.key)
}

/// A certificate with its key.
pub fn identity(leaf: &Leaf) -> Identity {
    Identity::from_pem(leaf.pem.as_bytes(), leaf.key.serialize_pem().as_bytes())
        .expect("they belong together")
}

/// An Ed25519 key: its signatures are the same each time.
pub fn key(number: u8) -> KeyPair {
    // RFC 8410 §7: a private key in PKCS #8, of 32 bytes.
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    KeyPair::try_from(&[&head[..], &[number; 32]].concat()[..]).expect("any 32 bytes are a key")
}
