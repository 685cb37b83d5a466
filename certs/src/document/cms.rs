//! A detached `SignedData` (RFC 5652 §5), read strictly: what can be read in two ways is refused.

use agreements::Fingerprint;
use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;

use super::{Digested, DocumentFault};
use crate::certificate::{ALGORITHMS, Certificate};
use crate::der::{self, Reader};
use crate::name::Subject;
use crate::stamp::{
    CONTENT_TYPE, MESSAGE_DIGEST, RSA, RSA_SHA256, RSA_SHA384, RSA_SHA512, SHA_256, SHA_384, SHA_512,
    SIGNED_DATA, SIGNING_CERTIFICATE_V2, TIME_STAMP_TOKEN, first_hash, verify_token, wrap,
};
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
    let signed = SignedData::read(der)?;
    signed.signers.iter().map(|signer| signer.verify(&signed, content, said_beside, trust, now)).collect()
}

struct SignedData<'a> {
    certificates: Vec<&'a [u8]>,
    signers: Vec<SignerInfo<'a>>,
}

/// One signer. Signed is all but the signature itself, by way of the attributes.
struct SignerInfo<'a> {
    /// Issuer and serial number of the signer's certificate, as in one.
    issuer: &'a [u8],
    serial: &'a [u8],
    /// OID of the digest algorithm.
    digest: &'a [u8],
    /// The signed attributes, as they stand.
    attributes: &'a [u8],
    /// The content of the signature's `AlgorithmIdentifier`.
    algorithm: &'a [u8],
    signature: &'a [u8],
    /// The attributes beside it, which it is not over.
    unsigned: &'a [u8],
}

/// What the signed attributes say.
#[derive(Default)]
struct Attributes<'a> {
    content_type: Option<&'a [u8]>,
    digest: Option<&'a [u8]>,
    signed_at: Option<Timestamp>,
    certificate: Option<&'a [u8]>,
}

impl<'a> SignedData<'a> {
    fn read(der: &'a [u8]) -> Result<Self, DocumentFault> {
        if der.len() > MOST_BYTES {
            return Err(DocumentFault::Malformed("it is larger than a signature can be"));
        }
        let mut outer = Reader::new(Reader::only(der, der::SEQUENCE)?);
        if outer.expect(der::OID)? != SIGNED_DATA {
            return Err(DocumentFault::Malformed("it is no signed data"));
        }
        let mut signed = Reader::new(Reader::only(outer.expect(der::constructed(0))?, der::SEQUENCE)?);
        outer.end()?;
        if !matches!(signed.integer()?, [1 | 3 | 4 | 5]) {
            return Err(DocumentFault::Malformed("its version is unknown"));
        }
        let mut digests = Reader::new(signed.expect(der::SET)?);
        while !digests.is_empty() {
            digests.expect(der::SEQUENCE)?;
        }
        let mut encapsulated = Reader::new(signed.expect(der::SEQUENCE)?);
        if encapsulated.expect(der::OID)? != DATA {
            return Err(DocumentFault::Malformed("it signs something else than data"));
        }
        if !encapsulated.is_empty() {
            // Who reads what it holds would read something else than what stands beside it.
            return Err(DocumentFault::Malformed("it holds a content of its own"));
        }
        let mut certificates = Vec::new();
        if let Some(list) = signed.optional(der::constructed(0))? {
            let mut list = Reader::new(list);
            while !list.is_empty() {
                let one = list.next()?;
                if one.tag != der::SEQUENCE || certificates.len() == MOST_CERTIFICATES {
                    return Err(DocumentFault::Malformed(
                        "its certificates are too many, or of another kind",
                    ));
                }
                certificates.push(one.whole);
            }
        }
        signed.optional(der::constructed(1))?; // revocation lists: those that are in force here count
        let mut list = Reader::new(signed.expect(der::SET)?);
        signed.end()?;
        let mut signers = Vec::new();
        while !list.is_empty() {
            if signers.len() == MOST_SIGNERS {
                return Err(DocumentFault::Malformed("it has too many signers"));
            }
            signers.push(SignerInfo::read(list.expect(der::SEQUENCE)?)?);
        }
        if signers.is_empty() {
            return Err(DocumentFault::Unsigned);
        }
        Ok(Self { certificates, signers })
    }
}

impl<'a> SignerInfo<'a> {
    fn read(content: &'a [u8]) -> Result<Self, DocumentFault> {
        let mut signer = Reader::new(content);
        if signer.integer()? != [1] {
            return Err(DocumentFault::Malformed("a signer is not named by issuer and serial number"));
        }
        let mut id = Reader::new(signer.expect(der::SEQUENCE)?);
        let (issuer, serial) = (id.next()?.whole, id.integer()?);
        id.end()?;
        let mut digest = Reader::new(signer.expect(der::SEQUENCE)?);
        let oid = digest.expect(der::OID)?;
        digest.optional(NULL)?;
        digest.end()?;
        let Some(attributes) = signer.optional(der::constructed(0))? else {
            return Err(DocumentFault::Malformed("it has no signed attributes"));
        };
        let algorithm = signer.expect(der::SEQUENCE)?;
        let signature = signer.expect(der::OCTET_STRING)?;
        let unsigned = signer.optional(der::constructed(1))?.unwrap_or_default();
        signer.end()?;
        Ok(Self { issuer, serial, digest: oid, attributes, algorithm, signature, unsigned })
    }

    fn verify(
        &self,
        signed: &SignedData<'a>,
        content: &Digested,
        said_beside: Option<Timestamp>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<DocumentSignature, DocumentFault> {
        let oid = Reader::new(self.algorithm).expect(der::OID)?;
        if [self.digest, oid].iter().any(|oid| NATIONAL.iter().any(|arc| oid.starts_with(arc))) {
            return Err(DocumentFault::National);
        }
        let of_content = content.by(self.digest);
        let of_content = of_content.ok_or(DocumentFault::Algorithm("its hash is none that counts"))?;
        let (der, certificate) = self.certificate(&signed.certificates)?;
        let attributes = Attributes::read(self.attributes)?;
        if attributes.content_type != Some(DATA) {
            return Err(DocumentFault::Malformed("its attributes name another type of content, or none"));
        }
        // ETSI EN 319 122-1 §5.2.2: the certificate is named by its hash, so that no other takes its place.
        match attributes.certificate {
            Some(named) if first_hash(named, &digest::SHA256, der)? => {}
            Some(_) => return Err(DocumentFault::Malformed("it names another certificate as its signer's")),
            None => return Err(DocumentFault::Algorithm("it does not name its signer's certificate")),
        }
        if attributes.digest.ok_or(DocumentFault::Malformed("it has no digest"))? != of_content {
            return Err(DocumentFault::OtherContent);
        }
        self.check_signature(&certificate)?;
        let signed_at = attributes.signed_at.or(said_beside).ok_or(DocumentFault::Time)?;
        if signed_at > now.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX) {
            return Err(DocumentFault::Time);
        }
        let stamped_at = self.stamped_at(&trust.current())?;
        if stamped_at.is_some_and(|at| signed_at > at.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX)) {
            return Err(DocumentFault::Time);
        }
        let others = signed.certificates.iter().filter(|other| **other != der);
        let chain: Vec<CertificateDer<'_>> =
            std::iter::once(&der).chain(others).map(|der| CertificateDer::from(*der)).collect();
        let chain = trust.verify_signing(&chain, stamped_at.unwrap_or(signed_at), now)?;
        let (fingerprint, subject) = (chain.fingerprint(), chain.subject().clone());
        Ok(DocumentSignature { fingerprint, subject, signed_at, stamped_at, chain })
    }

    /// The first time at which an authority that is believed saw the signature. Stamps of others, and what is none, count for
    /// nothing: whoever passes a signature on can add and take away what stands here.
    fn stamped_at(&self, set: &TrustSet) -> Result<Option<Timestamp>, DocumentFault> {
        let Some(anchors) = set.stamping() else { return Ok(None) };
        let (mut list, mut first, mut tried) = (Reader::new(self.unsigned), None, 0);
        while !list.is_empty() {
            let mut attribute = Reader::new(list.expect(der::SEQUENCE)?);
            let id = attribute.expect(der::OID)?;
            let mut values = Reader::new(attribute.expect(der::SET)?);
            attribute.end()?;
            while id == TIME_STAMP_TOKEN && !values.is_empty() && tried < MOST_STAMPS {
                tried += 1;
                if let Ok(stamp) = verify_token(values.next()?.whole, self.signature, anchors) {
                    first = first.into_iter().chain([stamp.at]).min();
                }
            }
        }
        Ok(first)
    }

    fn certificate(&self, among: &[&'a [u8]]) -> Result<(&'a [u8], Certificate<'a>), DocumentFault> {
        let mut found = None;
        for der in among {
            let malformed = |_| DocumentFault::Malformed("one of its certificates is none");
            let certificate = Certificate::read(der).map_err(malformed)?;
            if certificate.issuer == self.issuer && certificate.serial == self.serial {
                match found {
                    None => found = Some((*der, certificate)),
                    Some(_) => return Err(DocumentFault::Malformed("its signer has two certificates")),
                }
            }
        }
        found.ok_or(DocumentFault::Malformed("it does not bring its signer's certificate"))
    }

    fn check_signature(&self, certificate: &Certificate<'_>) -> Result<(), DocumentFault> {
        let weak = |_| DocumentFault::Algorithm("its signer's key is none that counts");
        certificate.key.kind().map_err(weak)?;
        let fits = ALGORITHMS.iter().filter(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == certificate.key.algorithm()
                && self.is_by(algorithm.signature_alg_id().as_ref())
        });
        // RFC 5652 §5.4: signed is the attributes' DER as a SET, whatever tag they stand under.
        let message = wrap(der::SET, &[self.attributes]);
        let mut fits = fits.peekable();
        if fits.peek().is_none() {
            return Err(DocumentFault::Algorithm(
                "its algorithm is none of its signer's key, or of its hash",
            ));
        }
        let genuine =
            fits.any(|one| one.verify_signature(certificate.key.bits, &message, self.signature).is_ok());
        if genuine { Ok(()) } else { Err(DocumentFault::Forged) }
    }

    /// Whether it names this algorithm, as certificates do; and the hash that it uses as that of the content.
    fn is_by(&self, identifier: &[u8]) -> bool {
        let oid = Reader::new(identifier).expect(der::OID).unwrap_or_default();
        let of_rsa = [(RSA_SHA256, SHA_256), (RSA_SHA384, SHA_384), (RSA_SHA512, SHA_512)];
        if let Some((_, hash)) = of_rsa.iter().find(|(known, _)| *known == oid) {
            let mut named = Reader::new(self.algorithm);
            let Ok(name) = named.expect(der::OID) else { return false };
            let bare = named.optional(NULL).is_ok() && named.is_empty();
            // RFC 3370 §3.2: it may name the key's algorithm alone.
            return self.digest == *hash && bare && (name == oid || name == RSA);
        }
        let hash = match oid {
            ECDSA_SHA256 => SHA_256,
            ECDSA_SHA384 => SHA_384,
            ECDSA_SHA512 => SHA_512,
            // RFC 8419 §3: beside Ed25519 stands SHA-512.
            ED25519 => SHA_512,
            // RSASSA-PSS names its hash in its parameters.
            _ => match [SHA_256, SHA_384, SHA_512].iter().find(|hash| contains(identifier, hash)) {
                Some(hash) => hash,
                None => return false,
            },
        };
        self.digest == hash && self.algorithm == identifier
    }
}

impl<'a> Attributes<'a> {
    fn read(content: &'a [u8]) -> Result<Self, DocumentFault> {
        let (mut list, mut read) = (Reader::new(content), Self::default());
        let (mut before, mut count): (&[u8], usize) = (&[], 0);
        while !list.is_empty() {
            let attribute = list.next()?;
            // X.690 §11.6: a set in DER is in order, and so none is there twice; twice the same kind neither.
            if attribute.tag != der::SEQUENCE || attribute.whole <= before || count == MOST_ATTRIBUTES {
                return Err(DocumentFault::Malformed("its attributes are not in order, or too many"));
            }
            (before, count) = (attribute.whole, count + 1);
            let mut attribute = Reader::new(attribute.content);
            let id = attribute.expect(der::OID)?;
            let mut values = Reader::new(attribute.expect(der::SET)?);
            attribute.end()?;
            let slot = match id {
                CONTENT_TYPE => &mut read.content_type,
                MESSAGE_DIGEST => &mut read.digest,
                SIGNING_CERTIFICATE_V2 => &mut read.certificate,
                SIGNING_TIME => {
                    let at = values.time()?;
                    values.end()?;
                    if read.signed_at.replace(at).is_some() {
                        return Err(TWICE);
                    }
                    continue;
                }
                _ => continue,
            };
            let tag = match id {
                CONTENT_TYPE => der::OID,
                MESSAGE_DIGEST => der::OCTET_STRING,
                _ => der::SEQUENCE,
            };
            let value = values.expect(tag)?;
            values.end()?;
            if slot.replace(value).is_some() {
                return Err(TWICE);
            }
        }
        Ok(read)
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

const TWICE: DocumentFault = DocumentFault::Malformed("an attribute is there twice");
/// How far the signer's clock may be ahead of ours.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Most bytes of a signature, with the certificates and time stamps that it brings.
pub(super) const MOST_BYTES: usize = 64 << 10;
const MOST_CERTIFICATES: usize = 16;
const MOST_SIGNERS: usize = 8;
const MOST_ATTRIBUTES: usize = 32;
/// Most time stamps of one signature that are looked at.
const MOST_STAMPS: usize = 4;
const NULL: u8 = 0x05;
pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
pub(super) const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const ECDSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.2.398 (Kazakhstan) and 1.2.643, under which the algorithms of national standards stand.
const NATIONAL: [&[u8]; 2] = [&[0x2a, 0x83, 0x0e], &[0x2a, 0x85, 0x03]];
