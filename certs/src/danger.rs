//! Everything that weakens a check, and nothing else. Whoever calls it says `danger` where it stands.

use crate::certificate::Malformed;
use crate::trust::{Revocation, TrustAnchors, TrustSet};
use rustls_pki_types::CertificateDer;

/// Makes a set that accepts certificates without asking whether they are revoked.
///
/// Only for looking at files (`kelisim certs verify` without `--crls`), and its answer must say so; and for who calls an
/// API from the command line (`kelisim --server`), as browsers do.
///
/// # Errors
/// [`Malformed`] if an issuing authority is not a certificate.
pub fn danger_trust_without_revocation(
    anchors: TrustAnchors,
    issuing: Vec<CertificateDer<'static>>,
) -> Result<TrustSet, Malformed> {
    let mut set = TrustSet::load(anchors, issuing, &[])?;
    set.revocation = Revocation::DangerNotAsked;
    Ok(set)
}
