//! A `SignedData` (RFC 5652 §5), read strictly: what can be read in two ways is refused. Signatures on documents are such,
//! and time stamps.
//!
//! Nothing here says who may sign, or what: [`crate::document`] and [`crate::stamp`] do.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use jiff::Timestamp;

use crate::certificate::{ALGORITHMS, Certificate};
use crate::der::{self, BadDer, Reader};

/// What somebody signed, as it stands there.
pub(crate) struct SignedData<'a> {
    /// OID of what the content is.
    pub(crate) content_type: &'a [u8],
    /// The content, if it is not kept elsewhere.
    pub(crate) content: Option<&'a [u8]>,
    /// Those that it brings, each whole.
    pub(crate) certificates: Vec<&'a [u8]>,
    /// At least one.
    pub(crate) signers: Vec<SignerInfo<'a>>,
}

/// One signer. Signed is all but the signature itself, by way of the attributes.
pub(crate) struct SignerInfo<'a> {
    /// Issuer and serial number of the signer's certificate, as in one.
    issuer: &'a [u8],
    serial: &'a [u8],
    /// OID of the digest algorithm.
    pub(crate) digest: &'a [u8],
    /// The signed attributes, as they stand.
    attributes: &'a [u8],
    /// The content of the signature's `AlgorithmIdentifier`.
    algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// The attributes beside it, which it is not over.
    pub(crate) unsigned: &'a [u8],
}

/// What the signed attributes say.
#[derive(Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) digest: Option<&'a [u8]>,
    pub(crate) signed_at: Option<Timestamp>,
    /// The `SigningCertificateV2`, which names the signer's certificate by its hash.
    pub(crate) certificate: Option<&'a [u8]>,
    /// The same as it was before, by SHA-1.
    pub(crate) old_certificate: Option<&'a [u8]>,
}

/// Why it cannot count, whoever signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadSignedData {
    /// It is not what it must be, or can be read in two ways.
    Malformed(&'static str),
    /// It is made in a way that does not count.
    Algorithm(&'static str),
    /// Nobody signed.
    NoSigners,
    /// A signer is not named by issuer and serial number.
    Unnamed,
    /// It does not bring its signer's certificate.
    NoCertificate,
    /// A signature is not by the key of its signer's certificate.
    Forged,
}

impl<'a> SignedData<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, BadSignedData> {
        if der.len() > MOST_BYTES {
            return Err(BadSignedData::Malformed("it is larger than a signature can be"));
        }
        let mut outer = Reader::new(Reader::only(der, der::SEQUENCE)?);
        if outer.expect(der::OID)? != SIGNED_DATA {
            return Err(BadSignedData::Malformed("it is no signed data"));
        }
        let mut signed = Reader::new(Reader::only(outer.expect(der::constructed(0))?, der::SEQUENCE)?);
        outer.end()?;
        if !matches!(signed.integer()?, [1 | 3 | 4 | 5]) {
            return Err(BadSignedData::Malformed("its version is unknown"));
        }
        let mut digests = Reader::new(signed.expect(der::SET)?);
        while !digests.is_empty() {
            digests.expect(der::SEQUENCE)?;
        }
        let mut encapsulated = Reader::new(signed.expect(der::SEQUENCE)?);
        let content_type = encapsulated.expect(der::OID)?;
        let content = encapsulated.optional(der::constructed(0))?;
        let content = content.map(|content| Reader::only(content, der::OCTET_STRING)).transpose()?;
        encapsulated.end()?;
        let mut certificates = Vec::new();
        if let Some(list) = signed.optional(der::constructed(0))? {
            let mut list = Reader::new(list);
            while !list.is_empty() {
                let one = list.next()?;
                if one.tag != der::SEQUENCE || certificates.len() == MOST_CERTIFICATES {
                    return Err(BadSignedData::Malformed(
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
                return Err(BadSignedData::Malformed("it has too many signers"));
            }
            signers.push(SignerInfo::read(list.expect(der::SEQUENCE)?)?);
        }
        if signers.is_empty() {
            return Err(BadSignedData::NoSigners);
        }
        Ok(Self { content_type, content, certificates, signers })
    }
}

impl<'a> SignerInfo<'a> {
    fn read(content: &'a [u8]) -> Result<Self, BadSignedData> {
        let mut signer = Reader::new(content);
        // Version 3 names the key alone, which is rare.
        if signer.integer()? != [1] {
            return Err(BadSignedData::Unnamed);
        }
        let mut id = Reader::new(signer.expect(der::SEQUENCE)?);
        let (issuer, serial) = (id.next()?.whole, id.integer()?);
        id.end()?;
        let mut digest = Reader::new(signer.expect(der::SEQUENCE)?);
        let oid = digest.expect(der::OID)?;
        digest.optional(der::NULL)?;
        digest.end()?;
        let Some(attributes) = signer.optional(der::constructed(0))? else {
            return Err(BadSignedData::Malformed("it has no signed attributes"));
        };
        let algorithm = signer.expect(der::SEQUENCE)?;
        let signature = signer.expect(der::OCTET_STRING)?;
        let unsigned = signer.optional(der::constructed(1))?.unwrap_or_default();
        signer.end()?;
        Ok(Self { issuer, serial, digest: oid, attributes, algorithm, signature, unsigned })
    }

    /// OID of the signature's algorithm.
    pub(crate) fn algorithm(&self) -> Result<&'a [u8], BadSignedData> {
        Ok(Reader::new(self.algorithm).expect(der::OID)?)
    }

    /// The certificate that it names, and as it stands there.
    pub(crate) fn certificate(
        &self,
        among: &[&'a [u8]],
    ) -> Result<(&'a [u8], Certificate<'a>), BadSignedData> {
        let mut found = None;
        for der in among {
            let malformed = |_| BadSignedData::Malformed("one of its certificates is none");
            let certificate = Certificate::read(der).map_err(malformed)?;
            if certificate.issuer == self.issuer && certificate.serial == self.serial {
                match found {
                    None => found = Some((*der, certificate)),
                    Some(_) => return Err(BadSignedData::Malformed("its signer has two certificates")),
                }
            }
        }
        found.ok_or(BadSignedData::NoCertificate)
    }

    pub(crate) fn attributes(&self) -> Result<Attributes<'a>, BadSignedData> {
        Attributes::read(self.attributes)
    }

    /// Checks that the key of this certificate signed the attributes.
    pub(crate) fn check_signature(&self, certificate: &Certificate<'_>) -> Result<(), BadSignedData> {
        let fits = ALGORITHMS.iter().filter(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == certificate.key.algorithm()
                && self.is_by(algorithm.signature_alg_id().as_ref())
        });
        // RFC 5652 §5.4: signed is the attributes' DER as a SET, whatever tag they stand under.
        let message = der::wrap(der::SET, &[self.attributes]);
        let mut fits = fits.peekable();
        if fits.peek().is_none() {
            return Err(BadSignedData::Algorithm(
                "its algorithm is none of its signer's key, or of its hash",
            ));
        }
        let genuine =
            fits.any(|one| one.verify_signature(certificate.key.bits, &message, self.signature).is_ok());
        if genuine { Ok(()) } else { Err(BadSignedData::Forged) }
    }

    /// Whether it names this algorithm, as certificates do; and the hash that it uses as that of the content.
    fn is_by(&self, identifier: &[u8]) -> bool {
        let oid = Reader::new(identifier).expect(der::OID).unwrap_or_default();
        let of_rsa = [(RSA_SHA256, SHA_256), (RSA_SHA384, SHA_384), (RSA_SHA512, SHA_512)];
        if let Some((_, hash)) = of_rsa.iter().find(|(known, _)| *known == oid) {
            let mut named = Reader::new(self.algorithm);
            let Ok(name) = named.expect(der::OID) else { return false };
            let bare = named.optional(der::NULL).is_ok() && named.is_empty();
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
    fn read(content: &'a [u8]) -> Result<Self, BadSignedData> {
        let (mut list, mut read) = (Reader::new(content), Self::default());
        let (mut before, mut count): (&[u8], usize) = (&[], 0);
        while !list.is_empty() {
            let attribute = list.next()?;
            // X.690 §11.6: a set in DER is in order, and so none is there twice; twice the same kind neither.
            if attribute.tag != der::SEQUENCE || attribute.whole <= before || count == MOST_ATTRIBUTES {
                return Err(BadSignedData::Malformed("its attributes are not in order, or too many"));
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
                SIGNING_CERTIFICATE => &mut read.old_certificate,
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

impl From<BadDer> for BadSignedData {
    fn from(BadDer: BadDer) -> Self {
        Self::Malformed("it is not DER of the structure that it should have")
    }
}

/// The hash of this OID, if it is one of those that count.
pub(crate) fn hash(oid: &[u8]) -> Option<&'static digest::Algorithm> {
    match oid {
        SHA_256 => Some(&SHA256),
        SHA_384 => Some(&SHA384),
        SHA_512 => Some(&SHA512),
        _ => None,
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
            Some(algorithm) => algorithm,
            None => return Ok(false),
        },
    };
    Ok(first.expect(der::OCTET_STRING)? == digest::digest(algorithm, signer).as_ref())
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

const TWICE: BadSignedData = BadSignedData::Malformed("an attribute is there twice");
/// Most bytes of it, with the certificates and time stamps that it brings.
pub(crate) const MOST_BYTES: usize = 64 << 10;
const MOST_CERTIFICATES: usize = 16;
const MOST_SIGNERS: usize = 8;
const MOST_ATTRIBUTES: usize = 32;

pub(crate) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
pub(crate) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
pub(crate) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
pub(crate) const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
pub(crate) const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
/// The attribute of a signature under which a stamp of it stands (RFC 5126 §6.1.1).
pub(crate) const TIME_STAMP_TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 14];
pub(crate) const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
pub(crate) const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
pub(crate) const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
const RSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const ECDSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
