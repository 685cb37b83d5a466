//! Time stamps (RFC 3161): asking an authority to state that something existed, and verifying what it states, to us or to
//! others who put it into their signatures.
//!
//! Choice: revocation of the authority's certificate is not asked about. A stamp supports what other signatures say; one
//! of a revoked authority is for people to judge, who have the stamp, the chain in it and its time.

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::certificate::{ALGORITHMS, Certificate};
use crate::der::{self, BadDer, Reader};
use crate::trust::TrustAnchors;

/// A request for a time stamp over a SHA-256 hash.
#[derive(Debug, Clone)]
pub struct StampRequest {
    imprint: [u8; 32],
    nonce: [u8; 8],
}

/// A time stamp that was verified; only [`StampRequest::verify`], [`verify_stamp`] and [`verify_token`] make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// When the authority saw the hash, by its own clock.
    pub at: Timestamp,
    /// The authority, as its certificate names it.
    pub authority: String,
}

/// Why a response is no stamp of what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampFault {
    /// Larger than any honest one.
    #[error("larger than a time stamp can be")]
    TooLarge,
    /// Not a time-stamp response with one signer.
    #[error("malformed")]
    Malformed,
    /// The authority refused.
    #[error("refused with status {0}")]
    Refused(u8),
    /// It stamped something else.
    #[error("it stamps another hash")]
    OtherImprint,
    /// It answers another request.
    #[error("it answers another request: its nonce differs")]
    OtherNonce,
    /// Its time is not that of now.
    #[error("its time, {at}, is not that of the request")]
    OtherTime {
        /// The time that it states.
        at: Timestamp,
    },
    /// The signer's certificate is not in it, or not the one that signed attributes name.
    #[error("it does not bring its signer's certificate")]
    NoSigner,
    /// The signer's certificate does not lead to an anchor, or is not for stamping time and that alone.
    #[error("its signer is no time-stamping authority that is trusted")]
    Signer,
    /// The signature is not the signer's.
    #[error("its signature is not its signer's")]
    Forged,
}

impl From<BadDer> for StampFault {
    fn from(BadDer: BadDer) -> Self {
        Self::Malformed
    }
}

impl StampRequest {
    /// A request for a stamp over the SHA-256 hash `imprint`. `nonce` is random.
    pub fn new(imprint: [u8; 32], nonce: [u8; 8]) -> Self {
        // DER writes an integer without leading zeros, and a positive one with its first bit clear.
        let [first, rest @ ..] = nonce;
        let mut nonce = [0x40 | (first & 0x3f), 0, 0, 0, 0, 0, 0, 0];
        nonce[1..].copy_from_slice(&rest);
        Self { imprint, nonce }
    }

    /// The request in DER, the body of a POST as `application/timestamp-query`.
    pub fn der(&self) -> Vec<u8> {
        let algorithm = wrap(der::SEQUENCE, &[&wrap(der::OID, &[SHA_256]), &[0x05, 0x00]]);
        let imprint = wrap(der::SEQUENCE, &[&algorithm, &wrap(der::OCTET_STRING, &[&self.imprint])]);
        let nonce = wrap(der::INTEGER, &[&self.nonce]);
        let with_certificate = [der::BOOLEAN, 1, 0xff];
        wrap(der::SEQUENCE, &[&[der::INTEGER, 1, 1], &imprint, &nonce, &with_certificate])
    }

    /// Verifies what the authority answered at `now`.
    ///
    /// # Errors
    /// [`StampFault`]: nothing is stamped.
    pub fn verify(
        &self,
        response: &[u8],
        anchors: &TrustAnchors,
        now: Timestamp,
    ) -> Result<Stamp, StampFault> {
        let (stamp, nonce) = judge(response, &self.imprint, anchors)?;
        if nonce != Some(&self.nonce[..]) {
            return Err(StampFault::OtherNonce);
        }
        if stamp.at.duration_since(now).abs() > CLOCK_SKEW {
            return Err(StampFault::OtherTime { at: stamp.at });
        }
        Ok(stamp)
    }
}

/// Verifies a stamp that was kept, over the SHA-256 hash `imprint`, as of the time that it states: its signer's chain and
/// anchor were in force then.
///
/// # Errors
/// [`StampFault`].
pub fn verify_stamp(
    response: &[u8],
    imprint: &[u8; 32],
    anchors: &TrustAnchors,
) -> Result<Stamp, StampFault> {
    judge(response, imprint, anchors).map(|(stamp, _)| stamp)
}

/// Verifies a token over `of`, as signatures bear one (ETSI EN 319 122-1 §5.3), as of the time that it states.
///
/// # Errors
/// [`StampFault`].
pub fn verify_token(token: &[u8], of: &[u8], anchors: &TrustAnchors) -> Result<Stamp, StampFault> {
    if token.len() > MOST_BYTES {
        return Err(StampFault::TooLarge);
    }
    let token = Token::read(token)?;
    let info = Info::read(token.content)?;
    let hash = hash(info.hash).ok_or(StampFault::OtherImprint)?;
    if info.imprint != digest::digest(hash, of).as_ref() {
        return Err(StampFault::OtherImprint);
    }
    let authority = token.verify(anchors, info.at)?;
    Ok(Stamp { at: info.at, authority })
}

fn judge<'a>(
    response: &'a [u8],
    imprint: &[u8; 32],
    anchors: &TrustAnchors,
) -> Result<(Stamp, Option<&'a [u8]>), StampFault> {
    if response.len() > MOST_BYTES {
        return Err(StampFault::TooLarge);
    }
    let mut response = Reader::new(Reader::only(response, der::SEQUENCE)?);
    let mut status = Reader::new(response.expect(der::SEQUENCE)?);
    match status.integer()? {
        // Granted, and granted with changes, which the checks below see.
        [0 | 1] => {}
        [other] => return Err(StampFault::Refused(*other)),
        _ => return Err(StampFault::Malformed),
    }
    let token = Token::read(response.next()?.whole)?;
    response.end()?;
    let info = Info::read(token.content)?;
    if info.hash != SHA_256 || info.imprint != imprint {
        return Err(StampFault::OtherImprint);
    }
    let authority = token.verify(anchors, info.at)?;
    Ok((Stamp { at: info.at, authority }, info.nonce))
}

/// What is stamped: `TSTInfo`.
struct Info<'a> {
    /// OID of the hash.
    hash: &'a [u8],
    imprint: &'a [u8],
    at: Timestamp,
    nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    fn read(der: &'a [u8]) -> Result<Self, StampFault> {
        let mut info = Reader::new(Reader::only(der, der::SEQUENCE)?);
        if info.integer()? != [1] {
            return Err(StampFault::Malformed);
        }
        info.expect(der::OID)?; // the authority's policy
        let mut imprint = Reader::new(info.expect(der::SEQUENCE)?);
        let hash = Reader::new(imprint.expect(der::SEQUENCE)?).expect(der::OID)?;
        let bytes = imprint.expect(der::OCTET_STRING)?;
        imprint.end()?;
        info.integer()?; // serial number
        let at = time(info.expect(der::GENERALIZED_TIME)?)?;
        info.optional(der::SEQUENCE)?; // accuracy
        info.flag(der::BOOLEAN)?; // ordering
        let nonce = if info.peek() == Some(der::INTEGER) { Some(info.integer()?) } else { None };
        Ok(Self { hash, imprint: bytes, at, nonce })
    }
}

/// RFC 3161 §2.4.2: as in certificates, perhaps with a fraction of a second, which is left out.
fn time(text: &[u8]) -> Result<Timestamp, BadDer> {
    let whole = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    let seconds: Vec<u8> = whole.iter().copied().filter(|byte| *byte != b'Z').chain([b'Z']).collect();
    der::time(der::GENERALIZED_TIME, &seconds)
}

/// A CMS `SignedData` (RFC 5652 §5) with one signer.
struct Token<'a> {
    /// What is signed.
    content: &'a [u8],
    certificates: Vec<&'a [u8]>,
    /// Issuer and serial number of the signer's certificate, as in one.
    issuer: &'a [u8],
    serial: &'a [u8],
    /// OID of the digest algorithm.
    digest: &'a [u8],
    /// The signed attributes, as they stand.
    attributes: &'a [u8],
    /// OID of the signature algorithm.
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    fn read(der: &'a [u8]) -> Result<Self, StampFault> {
        let mut outer = Reader::new(Reader::only(der, der::SEQUENCE)?);
        if outer.expect(der::OID)? != SIGNED_DATA {
            return Err(StampFault::Malformed);
        }
        let mut signed = Reader::new(Reader::only(outer.expect(der::constructed(0))?, der::SEQUENCE)?);
        outer.end()?;
        signed.integer()?;
        signed.expect(SET)?;
        let mut encapsulated = Reader::new(signed.expect(der::SEQUENCE)?);
        if encapsulated.expect(der::OID)? != TST_INFO {
            return Err(StampFault::Malformed);
        }
        let content = Reader::only(encapsulated.expect(der::constructed(0))?, der::OCTET_STRING)?;
        let mut certificates = Vec::new();
        if let Some(list) = signed.optional(der::constructed(0))? {
            let mut list = Reader::new(list);
            while !list.is_empty() && certificates.len() < MOST_CERTIFICATES {
                certificates.push(list.next()?.whole);
            }
        }
        signed.optional(der::constructed(1))?; // revocation lists
        let mut signers = Reader::new(signed.expect(SET)?);
        signed.end()?;
        let mut signer = Reader::new(signers.expect(der::SEQUENCE)?);
        signers.end()?;
        // Version 1: by issuer and serial number. Authorities that name the key alone are rare; they are refused.
        if signer.integer()? != [1] {
            return Err(StampFault::NoSigner);
        }
        let mut id = Reader::new(signer.expect(der::SEQUENCE)?);
        let (issuer, serial) = (id.next()?.whole, id.integer()?);
        id.end()?;
        let digest = Reader::new(signer.expect(der::SEQUENCE)?).expect(der::OID)?;
        let attributes = signer.expect(der::constructed(0))?;
        let algorithm = Reader::new(signer.expect(der::SEQUENCE)?).expect(der::OID)?;
        let signature = signer.expect(der::OCTET_STRING)?;
        Ok(Self { content, certificates, issuer, serial, digest, attributes, algorithm, signature })
    }

    /// Verifies signature and signer; says who the signer is.
    fn verify(&self, anchors: &TrustAnchors, at: Timestamp) -> Result<String, StampFault> {
        let (signer, certificate) = self.signer()?;
        self.check_attributes(signer)?;
        let fits = |algorithm: &&&dyn rustls_pki_types::SignatureVerificationAlgorithm| {
            algorithm.public_key_alg_id().as_ref() == certificate.key.algorithm()
                && self.names(algorithm.signature_alg_id().as_ref())
        };
        // RFC 5652 §5.4: signed is the attributes' DER as a SET, whatever tag they stand under.
        let message = wrap(SET, &[self.attributes]);
        let genuine = ALGORITHMS.iter().filter(fits).any(|algorithm| {
            algorithm.verify_signature(certificate.key.bits, &message, self.signature).is_ok()
        });
        if !genuine {
            return Err(StampFault::Forged);
        }
        self.check_chain(signer, &certificate, anchors, at)?;
        certificate.subject().map(|subject| subject.display).map_err(|_| StampFault::Malformed)
    }

    fn signer(&self) -> Result<(&'a [u8], Certificate<'a>), StampFault> {
        for der in &self.certificates {
            if let Ok(certificate) = Certificate::read(der)
                && certificate.issuer == self.issuer
                && certificate.serial == self.serial
            {
                return Ok((der, certificate));
            }
        }
        Err(StampFault::NoSigner)
    }

    /// Whether a signature algorithm, as certificates name it, is the one that is named here.
    fn names(&self, identifier: &[u8]) -> bool {
        let named = Reader::new(identifier).expect(der::OID).unwrap_or_default();
        // CMS may name the key's algorithm alone, and the digest beside it.
        let with = match self.digest {
            SHA_256 => RSA_SHA256,
            SHA_384 => RSA_SHA384,
            SHA_512 => RSA_SHA512,
            _ => return false,
        };
        named == if self.algorithm == RSA { with } else { self.algorithm }
    }

    fn check_attributes(&self, signer: &[u8]) -> Result<(), StampFault> {
        let hash = hash(self.digest).ok_or(StampFault::Forged)?;
        let (mut kind, mut digest, mut names_signer) = (false, false, false);
        let mut attributes = Reader::new(self.attributes);
        while !attributes.is_empty() {
            let mut attribute = Reader::new(attributes.expect(der::SEQUENCE)?);
            let id = attribute.expect(der::OID)?;
            let mut values = Reader::new(attribute.expect(SET)?);
            let value = values.next()?;
            match id {
                CONTENT_TYPE => kind = value.tag == der::OID && value.content == TST_INFO,
                MESSAGE_DIGEST => {
                    digest = value.content == digest::digest(hash, self.content).as_ref();
                }
                // RFC 3161 §2.4.1: the certificate is named by its hash, so that no other takes its place.
                SIGNING_CERTIFICATE => {
                    names_signer |= first_hash(value.content, &digest::SHA1_FOR_LEGACY_USE_ONLY, signer)?
                }
                SIGNING_CERTIFICATE_V2 => names_signer |= first_hash(value.content, &SHA256, signer)?,
                _ => {}
            }
        }
        match (kind && digest, names_signer) {
            (true, true) => Ok(()),
            (true, false) => Err(StampFault::NoSigner),
            (false, _) => Err(StampFault::Forged),
        }
    }

    fn check_chain(
        &self,
        signer: &[u8],
        certificate: &Certificate<'_>,
        anchors: &TrustAnchors,
        at: Timestamp,
    ) -> Result<(), StampFault> {
        let refused = |_| StampFault::Signer;
        let leaf = CertificateDer::from(signer);
        let end_entity = EndEntityCert::try_from(&leaf).map_err(refused)?;
        let others: Vec<CertificateDer<'_>> = self
            .certificates
            .iter()
            .filter(|der| **der != signer)
            .map(|der| CertificateDer::from(*der))
            .collect();
        // webpki asks of no anchor whether it was in force.
        let anchors = anchors.anchors.iter().filter(|anchor| anchor.was_in_force(at));
        let anchors: Vec<_> = anchors.map(|anchor| anchor.webpki.clone()).collect();
        let seconds = at.as_second().try_into().map_err(|_| StampFault::Signer)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let usage = KeyUsage::required(TIME_STAMPING);
        end_entity
            .verify_for_usage(ALGORITHMS, &anchors, &others, time, usage, None, None)
            .map_err(refused)?;
        certificate.key.kind().map_err(|_| StampFault::Signer)?;
        // RFC 3161 §2.3: for stamping time alone, and critically so.
        let Some((true, usages)) = certificate.extensions.extended_usage else {
            return Err(StampFault::Signer);
        };
        let mut usages = Reader::new(Reader::only(usages, der::SEQUENCE)?);
        let alone = usages.expect(der::OID)? == TIME_STAMPING && usages.is_empty();
        if alone { Ok(()) } else { Err(StampFault::Signer) }
    }
}

/// Whether the first `ESSCertID` of a `SigningCertificate` is the hash of `signer`.
pub(crate) fn first_hash(
    value: &[u8],
    default: &'static digest::Algorithm,
    signer: &[u8],
) -> Result<bool, BadDer> {
    let mut list = Reader::new(value);
    let mut first = Reader::new(Reader::new(list.expect(der::SEQUENCE)?).expect(der::SEQUENCE)?);
    let algorithm = match first.optional(der::SEQUENCE)? {
        None => default,
        Some(named) => match hash(Reader::new(named).expect(der::OID)?) {
            Some(hash) => hash,
            None => return Ok(false),
        },
    };
    Ok(first.expect(der::OCTET_STRING)? == digest::digest(algorithm, signer).as_ref())
}

/// The hash that an OID names, if it counts.
fn hash(oid: &[u8]) -> Option<&'static digest::Algorithm> {
    match oid {
        SHA_256 => Some(&SHA256),
        SHA_384 => Some(&SHA384),
        SHA_512 => Some(&SHA512),
        _ => None,
    }
}

/// A value of these parts under `tag`.
pub(crate) fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let digits = length.to_be_bytes();
    let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
    let mut der = vec![tag];
    if length < 0x80 {
        der.extend(u8::try_from(length));
    } else {
        der.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
        der.extend_from_slice(digits);
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// How far the authority's clock and ours may be apart.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
const MOST_BYTES: usize = 64 << 10;
const MOST_CERTIFICATES: usize = 16;
const SET: u8 = 0x31;
pub(crate) const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
pub(crate) const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
pub(crate) const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
pub(crate) const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
pub(crate) const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
pub(crate) const RSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
pub(crate) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
pub(crate) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
pub(crate) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
pub(crate) const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
/// The attribute of a signature under which a stamp of it stands (RFC 5126 §6.1.1).
pub(crate) const TIME_STAMP_TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 14];
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
