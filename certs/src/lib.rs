//! Who is on the line: trust anchors, verification, revocation, keys, signatures, the trial authority.
//!
//! ```text
//! trust       anchors + issuing authorities + revocation lists → TrustSet; Trust = the set in force,
//!             swapped whole, with a cache of verified chains; status() asks again on every call
//! revocation  what one revocation list settles about one certificate
//! keys        private keys and identities from files that nobody else may read
//! tls         mutual TLS: Acceptor for those who call us, Connector for those whom we call
//! sign        RFC 8785 canonical JSON and JWS signatures with `x5c`
//! message     signatures of HTTP messages (RFC 9421), digests of their content (RFC 9530)
//! signed_data CMS, as signatures on documents and time stamps bear it
//! document    signatures on documents: detached CMS, and within a PDF
//! stamp       time stamps of RFC 3161: asked for, and verified
//! authority   the trial certification authority
//! tool        the cryptographic tool, and its version
//! inspect     `kelisim certs verify`: the same verifier on files
//! danger      whatever weakens a check
//! ```
//!
//! This is the only crate that names rustls and webpki. It holds no business rules: that a certificate
//! belongs to a system is the registry's knowledge, by [`agreements::Fingerprint`]. Time is an argument.

pub mod authority;
mod certificate;
pub mod danger;
mod der;
pub mod document;
pub mod inspect;
pub mod keys;
pub mod message;
mod name;
pub mod revocation;
pub mod sign;
mod signed_data;
pub mod stamp;
pub mod tls;
pub mod tool;
pub mod trust;

// Tests of the crate from within share their support with those from outside.
#[cfg(test)]
extern crate self as certs;

use agreements::Fingerprint;
use aws_lc_rs::digest;
pub use certificate::{Certificate, Malformed, WeakKey};
pub use name::Subject;
pub use rustls_pki_types::CertificateDer;
pub use trust::{Purpose, Trust, TrustAnchors, TrustSet, Untrusted, VerifiedChain};

/// The fingerprint by which the registry binds a certificate (DER) to a system.
pub fn fingerprint(certificate: &[u8]) -> Fingerprint {
    Fingerprint::new(sha256(&[certificate]))
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}
