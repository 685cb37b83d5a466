//! Signatures by national algorithms: what they say of themselves, read as strictly as of others.
//!
//! Whether they are by the keys that they name is for a service elsewhere to say. Nothing here is a proof: a
//! [`NationalSigner`] counts when that service vouched for it, and not before.

use agreements::Fingerprint;
use jiff::Timestamp;

use super::cms::{self, DATA};
use super::{Digested, DocumentFault};
use crate::certificate::Certificate;
use crate::name::Subject;
use crate::signed_data::{SignerInfo, first_hash};
use crate::trust::{Purpose, Trust, Untrusted, check_leaf};

/// Who a signature by a national algorithm says made it; a service has to vouch for that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NationalSigner {
    /// The signer's certificate.
    pub fingerprint: Fingerprint,
    /// Whom it names.
    pub subject: Subject,
    /// When it was signed, by the signer's own word.
    pub signed_at: Timestamp,
    /// Before when, by the word of a time-stamping authority that is believed.
    pub stamped_at: Option<Timestamp>,
    /// The certificate's serial number: a DER integer's bytes.
    pub serial: Vec<u8>,
    /// The signature of the certificate's issuer under it, by which no other certificate can take its place.
    pub certificate_signature: Vec<u8>,
}

/// Whether a detached signature (DER) is for a service to verify; what cannot be read is not.
pub fn is_national(der: &[u8]) -> bool {
    cms::read(der).is_ok_and(|signed| signed.signers.iter().any(cms::is_national))
}

/// Reads a detached signature (DER) of which at least one signer signed by a national algorithm: each of its signers, in
/// their order. Those who signed otherwise are verified.
///
/// The arguments are those of [`verify_detached`](super::verify_detached).
///
/// # Errors
/// [`DocumentFault`] says why it cannot count, whatever a service says of it.
pub fn read_national(
    der: &[u8],
    content: &Digested,
    said_beside: Option<Timestamp>,
    trust: &Trust,
    now: Timestamp,
) -> Result<Vec<NationalSigner>, DocumentFault> {
    let signed = cms::read(der)?;
    let read = |signer: &SignerInfo<'_>| {
        let (leaf, certificate) = signer.certificate(&signed.certificates)?;
        let (signed_at, stamped_at) = if cms::is_national(signer) {
            says(signer, leaf, &certificate, content, said_beside, trust, now)?
        } else {
            let verified = cms::verify(signer, &signed, content, said_beside, trust, now)?;
            (verified.signed_at, verified.stamped_at)
        };
        let unnamed = |_| DocumentFault::Malformed("its signer's certificate names nobody");
        Ok(NationalSigner {
            fingerprint: crate::fingerprint(leaf),
            subject: certificate.subject().map_err(unnamed)?,
            signed_at,
            stamped_at,
            serial: certificate.serial.to_vec(),
            certificate_signature: certificate.signed.signature.to_vec(),
        })
    };
    signed.signers.iter().map(read).collect()
}

/// What can be judged without the algorithm; when it was signed, and before when by a stamp that is believed.
fn says(
    signer: &SignerInfo<'_>,
    leaf: &[u8],
    certificate: &Certificate<'_>,
    content: &Digested,
    said_beside: Option<Timestamp>,
    trust: &Trust,
    now: Timestamp,
) -> Result<(Timestamp, Option<Timestamp>), DocumentFault> {
    let attributes = signer.attributes()?;
    if attributes.content_type != Some(DATA) {
        return Err(DocumentFault::Malformed("its attributes name another type of content, or none"));
    }
    // Common tools of the national authority leave it out; where it is there it binds.
    if let Some(named) = attributes.certificate
        && !first_hash(named, &aws_lc_rs::digest::SHA256, leaf)?
    {
        return Err(DocumentFault::Malformed("it names another certificate as its signer's"));
    }
    let digest = attributes.digest.ok_or(DocumentFault::Malformed("it has no digest"))?;
    if content.by(signer.digest).is_some_and(|of_content| of_content != digest) {
        return Err(DocumentFault::OtherContent);
    }
    let (signed_at, stamped_at) = cms::times(signer, attributes.signed_at.or(said_beside), trust, now)?;
    let at = stamped_at.unwrap_or(signed_at);
    if at < certificate.not_before || at > certificate.not_after {
        return Err(DocumentFault::SignerExpired);
    }
    check_leaf(certificate, Purpose::Signing)?;
    if certificate.extensions.unknown_critical {
        return Err(Untrusted::UnknownCriticalExtension.into());
    }
    Ok((signed_at, stamped_at))
}
