//! Whether a detached signature of a document counts.

use agreements::Fingerprint;
use aws_lc_rs::digest::SHA256;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;

use super::{Digested, DocumentFault};
use crate::der::{self, Reader};
use crate::name::Subject;
use crate::signed_data::{SignedData, SignerInfo, TIME_STAMP_TOKEN, first_hash};
use crate::stamp::verify_token;
use crate::trust::{Trust, TrustSet, VerifiedChain};

/// Proof that somebody signed a document as it is; only verification makes one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DocumentSignature {
    /// The signer's certificate.
    pub fingerprint: Fingerprint,
    /// Who signed: name, identification number, and for which body.
    pub subject: Subject,
    /// When, by the signer's own word.
    pub signed_at: Timestamp,
    /// Before when, by the word of a time-stamping authority that is believed.
    pub stamped_at: Option<Timestamp>,
    /// The chain that was presented.
    pub chain: VerifiedChain,
}

/// Verifies a detached signature (DER) of a content: each of its signers, in their order.
///
/// `now` is the time of checking, at which the revocation lists must be in force. A certificate is judged as of when an
/// authority whose time stamps are believed saw the signature; where the signature bears no such stamp, as of when its
/// holder says to have signed. `said_beside` is when that was where the document says it and the signature does not.
///
/// # Errors
/// [`DocumentFault`] says why one of them does not count; then none does.
pub fn verify_detached(
    der: &[u8],
    content: &Digested,
    said_beside: Option<Timestamp>,
    trust: &Trust,
    now: Timestamp,
) -> Result<Vec<DocumentSignature>, DocumentFault> {
    let signed = read(der)?;
    signed.signers.iter().map(|signer| verify(signer, &signed, content, said_beside, trust, now)).collect()
}

/// Reads a detached signature.
pub(super) fn read(der: &[u8]) -> Result<SignedData<'_>, DocumentFault> {
    let signed = SignedData::read(der)?;
    if signed.content_type != DATA {
        return Err(DocumentFault::Malformed("it signs something else than data"));
    }
    if signed.content.is_some() {
        // Who reads what it holds would read something else than what stands beside it.
        return Err(DocumentFault::Malformed("it holds a content of its own"));
    }
    Ok(signed)
}

/// Whether a signer signed by an algorithm of a national standard: another's to verify.
pub(super) fn is_national(signer: &SignerInfo<'_>) -> bool {
    let signed_by = signer.algorithm().unwrap_or_default();
    [signer.digest, signed_by].iter().any(|oid| NATIONAL.iter().any(|arc| oid.starts_with(arc)))
}

/// Verifies one of its signers.
pub(super) fn verify(
    signer: &SignerInfo<'_>,
    signed: &SignedData<'_>,
    content: &Digested,
    said_beside: Option<Timestamp>,
    trust: &Trust,
    now: Timestamp,
) -> Result<DocumentSignature, DocumentFault> {
    if is_national(signer) {
        return Err(DocumentFault::National);
    }
    let of_content = content.by(signer.digest);
    let of_content = of_content.ok_or(DocumentFault::Algorithm("its hash is none that counts"))?;
    let (der, certificate) = signer.certificate(&signed.certificates)?;
    let attributes = signer.attributes()?;
    if attributes.content_type != Some(DATA) {
        return Err(DocumentFault::Malformed("its attributes name another type of content, or none"));
    }
    // ETSI EN 319 122-1 §5.2.2: the certificate is named by its hash, so that no other takes its place.
    match attributes.certificate {
        Some(named) if first_hash(named, &SHA256, der)? => {}
        Some(_) => return Err(DocumentFault::Malformed("it names another certificate as its signer's")),
        None => return Err(DocumentFault::Algorithm("it does not name its signer's certificate")),
    }
    if attributes.digest.ok_or(DocumentFault::Malformed("it has no digest"))? != of_content {
        return Err(DocumentFault::OtherContent);
    }
    let weak = |_| DocumentFault::Algorithm("its signer's key is none that counts");
    certificate.key.kind().map_err(weak)?;
    signer.check_signature(&certificate)?;
    let (signed_at, stamped_at) = times(signer, attributes.signed_at.or(said_beside), trust, now)?;
    let others = signed.certificates.iter().filter(|other| **other != der);
    let chain: Vec<CertificateDer<'_>> =
        std::iter::once(&der).chain(others).map(|der| CertificateDer::from(*der)).collect();
    let chain = trust.verify_signing(&chain, stamped_at.unwrap_or(signed_at), now)?;
    let (fingerprint, subject) = (chain.fingerprint(), chain.subject().clone());
    Ok(DocumentSignature { fingerprint, subject, signed_at, stamped_at, chain })
}

/// When it was made, by the word that stands there, and before when, by that of an authority that is believed.
pub(super) fn times(
    signer: &SignerInfo<'_>,
    said_at: Option<Timestamp>,
    trust: &Trust,
    now: Timestamp,
) -> Result<(Timestamp, Option<Timestamp>), DocumentFault> {
    let is_after =
        |at: Timestamp, other: Timestamp| at > other.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    let said_at = said_at.ok_or(DocumentFault::Time)?;
    let stamped_at = stamped_at(signer, &trust.current())?;
    if is_after(said_at, now) || stamped_at.is_some_and(|at| is_after(said_at, at)) {
        return Err(DocumentFault::Time);
    }
    Ok((said_at, stamped_at))
}

/// The first time at which an authority that is believed saw the signature. Stamps of others, and what is none, count for
/// nothing: whoever passes a signature on can add and take away what stands here.
fn stamped_at(signer: &SignerInfo<'_>, set: &TrustSet) -> Result<Option<Timestamp>, DocumentFault> {
    let Some(anchors) = set.stamping() else { return Ok(None) };
    let (mut list, mut first, mut tried) = (Reader::new(signer.unsigned), None, 0);
    while !list.is_empty() {
        let mut attribute = Reader::new(list.expect(der::SEQUENCE)?);
        let id = attribute.expect(der::OID)?;
        let mut values = Reader::new(attribute.expect(der::SET)?);
        attribute.end()?;
        while id == TIME_STAMP_TOKEN && !values.is_empty() && tried < MOST_STAMPS {
            tried += 1;
            if let Ok(stamp) = verify_token(values.next()?.whole, signer.signature, anchors) {
                first = first.into_iter().chain([stamp.at]).min();
            }
        }
    }
    Ok(first)
}

/// How far the signer's clock may be ahead of ours.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Most time stamps of one signature that are looked at.
const MOST_STAMPS: usize = 4;
pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.398 (Kazakhstan), 1.2.643 and 1.3.6.1.4.1.6801.1.2 (Gamma Technologies, for ST RK 1073), under which the algorithms of
/// national standards stand.
const NATIONAL: [&[u8]; 3] =
    [&[0x2a, 0x83, 0x0e], &[0x2a, 0x85, 0x03], &[0x2b, 6, 1, 4, 1, 0xb5, 0x11, 1, 2]];
