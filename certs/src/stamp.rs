//! Time stamps (RFC 3161): asking an authority to state that something existed, and verifying what it states, to us or to
//! others who put it into their signatures.
//!
//! Choice: revocation of the authority's certificate is not asked about. A stamp supports what other signatures say; one
//! of a revoked authority is for people to judge, who have the stamp, the chain in it and its time.

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256};
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::certificate::{ALGORITHMS, Certificate};
use crate::der::{self, BadDer, Reader, wrap};
use crate::signed_data::{BadSignedData, MOST_BYTES, SHA_256, SignedData, first_hash, hash};
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

impl From<BadSignedData> for StampFault {
    fn from(bad: BadSignedData) -> Self {
        match bad {
            BadSignedData::Malformed(_) | BadSignedData::NoSigners => Self::Malformed,
            BadSignedData::Unnamed | BadSignedData::NoCertificate => Self::NoSigner,
            BadSignedData::Algorithm(_) | BadSignedData::Forged => Self::Forged,
        }
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
    let token = SignedData::read(token)?;
    let (info, content) = Info::of(&token)?;
    let hash = hash(info.hash).ok_or(StampFault::OtherImprint)?;
    if info.imprint != digest::digest(hash, of).as_ref() {
        return Err(StampFault::OtherImprint);
    }
    let authority = signer(&token, content, anchors, info.at)?;
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
    let token = SignedData::read(response.next()?.whole)?;
    response.end()?;
    let (info, content) = Info::of(&token)?;
    if info.hash != SHA_256 || info.imprint != imprint {
        return Err(StampFault::OtherImprint);
    }
    let authority = signer(&token, content, anchors, info.at)?;
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
    /// What a token states, and as it stands there.
    fn of(token: &SignedData<'a>) -> Result<(Self, &'a [u8]), StampFault> {
        let content = token.content.filter(|_| token.content_type == TST_INFO);
        let content = content.ok_or(StampFault::Malformed)?;
        Ok((Self::read(content)?, content))
    }

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

/// Checks that an authority signed what is stamped, as of `at`; says who it is.
fn signer(
    token: &SignedData<'_>,
    content: &[u8],
    anchors: &TrustAnchors,
    at: Timestamp,
) -> Result<String, StampFault> {
    let [signer] = token.signers.as_slice() else { return Err(StampFault::Malformed) };
    let (der, certificate) = signer.certificate(&token.certificates)?;
    let attributes = signer.attributes()?;
    let of_content = digest::digest(hash(signer.digest).ok_or(StampFault::Forged)?, content);
    if attributes.content_type != Some(TST_INFO) || attributes.digest != Some(of_content.as_ref()) {
        return Err(StampFault::Forged);
    }
    // RFC 3161 §2.4.1, RFC 5816: the certificate is named by its hash, so that no other takes its place.
    let named =
        [(attributes.certificate, &SHA256), (attributes.old_certificate, &digest::SHA1_FOR_LEGACY_USE_ONLY)];
    let mut names_signer = false;
    for (value, default) in named.into_iter().filter_map(|(value, default)| Some((value?, default))) {
        names_signer |= first_hash(value, default, der)?;
    }
    if !names_signer {
        return Err(StampFault::NoSigner);
    }
    signer.check_signature(&certificate)?;
    check_chain(token, der, &certificate, anchors, at)?;
    certificate.subject().map(|subject| subject.display).map_err(|_| StampFault::Malformed)
}

fn check_chain(
    token: &SignedData<'_>,
    signer: &[u8],
    certificate: &Certificate<'_>,
    anchors: &TrustAnchors,
    at: Timestamp,
) -> Result<(), StampFault> {
    let refused = |_| StampFault::Signer;
    let leaf = CertificateDer::from(signer);
    let end_entity = EndEntityCert::try_from(&leaf).map_err(refused)?;
    let others: Vec<CertificateDer<'_>> = token
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
    end_entity.verify_for_usage(ALGORITHMS, &anchors, &others, time, usage, None, None).map_err(refused)?;
    certificate.key.kind().map_err(|_| StampFault::Signer)?;
    // RFC 3161 §2.3: for stamping time alone, and critically so.
    let Some((true, usages)) = certificate.extensions.extended_usage else {
        return Err(StampFault::Signer);
    };
    let mut usages = Reader::new(Reader::only(usages, der::SEQUENCE)?);
    let alone = usages.expect(der::OID)? == TIME_STAMPING && usages.is_empty();
    if alone { Ok(()) } else { Err(StampFault::Signer) }
}

/// How far the authority's clock and ours may be apart.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
