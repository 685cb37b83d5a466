//! What a certificate says, read strictly, for the checks that webpki leaves to us.

use std::net::IpAddr;

use jiff::Timestamp;
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as algs;

use crate::der::{self, BadDer, Reader};
use crate::name::{ComparableName, Subject};

/// A certificate whose structure was read; nothing about it is verified by that.
#[derive(Clone)]
pub struct Certificate<'a> {
    pub(crate) version: u8,
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key: PublicKey<'a>,
    pub(crate) extensions: Extensions<'a>,
    pub(crate) signed: Signed<'a>,
}

/// The extensions that we judge.
#[derive(Clone, Default)]
pub(crate) struct Extensions<'a> {
    /// `None` without the extension.
    pub(crate) authority: Option<bool>,
    pub(crate) key_usage: Option<KeyUsage>,
    /// `None` without the extension.
    pub(crate) distribution_points: Option<Vec<DistributionPoint<'a>>>,
    /// `basicConstraints` is there and critical.
    pub(crate) authority_is_critical: bool,
    /// Whether `extendedKeyUsage` is critical, and its value.
    pub(crate) extended_usage: Option<(bool, &'a [u8])>,
    /// `nameConstraints` is there.
    pub(crate) constrains_names: bool,
    /// `subjectAltName` is there and not critical.
    pub(crate) other_names_may_be_ignored: bool,
    /// `subjectAltName`, as it stands.
    other_names: &'a [u8],
    /// A critical extension that neither we nor webpki knows.
    pub(crate) unknown_critical: bool,
}

/// The bits of `keyUsage`, first bit highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUsage(u16);

/// One place where the issuer says its revocations are published.
#[derive(Clone)]
pub(crate) struct DistributionPoint<'a> {
    pub(crate) uris: Vec<&'a [u8]>,
    /// For some reasons only, or published by somebody else: of no use to us.
    pub(crate) partial_or_indirect: bool,
}

/// A public key with its algorithm.
#[derive(Clone, Copy)]
pub(crate) struct PublicKey<'a> {
    /// The whole `SubjectPublicKeyInfo`.
    pub(crate) info: &'a [u8],
    /// The content of the `AlgorithmIdentifier`.
    algorithm: &'a [u8],
    pub(crate) bits: &'a [u8],
}

/// Kinds of key that we accept, anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// Something signed: a certificate or a revocation list.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    /// The content of the part that is signed.
    pub(crate) content: &'a [u8],
    message: &'a [u8],
    /// The content of the `AlgorithmIdentifier`.
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not exactly one certificate.
    pub fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_der(der).map_err(|BadDer| Malformed)
    }

    fn read_der(der: &'a [u8]) -> Result<Self, BadDer> {
        let signed = Signed::read(der)?;
        let mut tbs = Reader::new(signed.content);
        let version = match tbs.optional(der::constructed(0))? {
            None => 1,
            Some(explicit) => match Reader::only(explicit, der::INTEGER)? {
                [1] => 2,
                [2] => 3,
                _ => return Err(BadDer),
            },
        };
        let serial = tbs.integer()?;
        if tbs.expect(der::SEQUENCE)? != signed.algorithm {
            return Err(BadDer);
        }
        let issuer = tbs.next()?.whole;
        let mut validity = Reader::new(tbs.expect(der::SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        validity.end()?;
        let subject = tbs.next()?.whole;
        let key = PublicKey::read(tbs.next()?.whole)?;
        tbs.optional(der::context(1))?;
        tbs.optional(der::context(2))?;
        let extensions = match tbs.optional(der::constructed(3))? {
            Some(list) if version == 3 => Extensions::read(Reader::only(list, der::SEQUENCE)?)?,
            Some(_) => return Err(BadDer),
            None => Extensions::default(),
        };
        tbs.end()?;
        Ok(Self { version, serial, issuer, subject, not_before, not_after, key, extensions, signed })
    }

    /// Whom the certificate names.
    ///
    /// # Errors
    /// [`Malformed`] if the name is not one.
    pub fn subject(&self) -> Result<Subject, Malformed> {
        Subject::read(self.subject).map_err(|BadDer| Malformed)
    }

    /// The DNS names and addresses that it is for, to be shown or asked for again: what counts is what webpki makes of them.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut names =
            Reader::new(Reader::only(self.extensions.other_names, der::SEQUENCE).unwrap_or_default());
        while let Ok(name) = names.next() {
            if name.tag == der::context(2) {
                all.extend(std::str::from_utf8(name.content).map(str::to_owned));
            } else if name.tag == der::context(7) {
                let four = <[u8; 4]>::try_from(name.content).map(IpAddr::from);
                let sixteen = <[u8; 16]>::try_from(name.content).map(IpAddr::from);
                all.extend(four.or(sixteen).map(|address| address.to_string()));
            }
        }
        all
    }

    pub(crate) fn subject_name(&self) -> Result<ComparableName, BadDer> {
        ComparableName::read(self.subject)
    }

    pub(crate) fn issuer_name(&self) -> Result<ComparableName, BadDer> {
        ComparableName::read(self.issuer)
    }
}

/// The bytes are not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate")]
pub struct Malformed;

impl<'a> Extensions<'a> {
    fn read(list: &'a [u8]) -> Result<Self, BadDer> {
        let mut found = Self::default();
        for_each_extension(list, |id, critical, value| {
            match id {
                BASIC_CONSTRAINTS => {
                    let mut content = Reader::new(Reader::only(value, der::SEQUENCE)?);
                    found.authority = Some(content.flag(der::BOOLEAN)?);
                    found.authority_is_critical = critical;
                    if !content.is_empty() {
                        content.integer()?;
                    }
                    content.end()?;
                }
                KEY_USAGE => found.key_usage = Some(KeyUsage::read(value)?),
                DISTRIBUTION_POINTS => found.distribution_points = Some(DistributionPoint::read_all(value)?),
                // What these three say is read by webpki, and by whom it matters to.
                SUBJECT_ALT_NAME => {
                    found.other_names_may_be_ignored = !critical;
                    found.other_names = value;
                }
                NAME_CONSTRAINTS => {
                    check_name_constraints(value)?;
                    found.constrains_names = true;
                }
                EXTENDED_KEY_USAGE => found.extended_usage = Some((critical, value)),
                // Must be critical (RFC 5280 §4.2.1.11, .14), and we follow no policies: never pass it over.
                POLICY_CONSTRAINTS | INHIBIT_ANY_POLICY => found.unknown_critical = true,
                _ => found.unknown_critical |= critical,
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// RFC 5280 §4.2.1.10: it constrains something.
fn check_name_constraints(value: &[u8]) -> Result<(), BadDer> {
    let mut content = Reader::new(Reader::only(value, der::SEQUENCE)?);
    let permitted = content.optional(der::constructed(0))?;
    let excluded = content.optional(der::constructed(1))?;
    content.end()?;
    let empty = |subtrees: Option<&[u8]>| subtrees.is_none_or(<[u8]>::is_empty);
    if empty(permitted) && empty(excluded) { Err(BadDer) } else { Ok(()) }
}

impl KeyUsage {
    pub(crate) const DIGITAL_SIGNATURE: Self = Self(0x8000);
    pub(crate) const KEY_CERT_SIGN: Self = Self(0x0400);
    pub(crate) const CRL_SIGN: Self = Self(0x0200);

    fn read(value: &[u8]) -> Result<Self, BadDer> {
        match Reader::only(value, der::BIT_STRING)? {
            [0..=7, one] => Ok(Self(u16::from(*one) << 8)),
            [0..=7, one, two] => Ok(Self(u16::from_be_bytes([*one, *two]))),
            _ => Err(BadDer),
        }
    }

    pub(crate) fn allows(self, usage: Self) -> bool {
        self.0 & usage.0 != 0
    }
}

impl<'a> DistributionPoint<'a> {
    fn read_all(value: &'a [u8]) -> Result<Vec<Self>, BadDer> {
        let mut list = Reader::new(Reader::only(value, der::SEQUENCE)?);
        let mut points = Vec::new();
        while !list.is_empty() {
            let mut point = Reader::new(list.expect(der::SEQUENCE)?);
            let uris = match point.optional(der::constructed(0))? {
                Some(name) => point_uris(name)?.unwrap_or_default(),
                None => Vec::new(),
            };
            let reasons = point.optional(der::context(1))?;
            let issuer = point.optional(der::constructed(2))?;
            point.end()?;
            points.push(Self { uris, partial_or_indirect: reasons.is_some() || issuer.is_some() });
        }
        if points.is_empty() { Err(BadDer) } else { Ok(points) }
    }
}

/// The URIs of a `DistributionPointName`; `None` for one relative to the issuer.
pub(crate) fn point_uris(name: &[u8]) -> Result<Option<Vec<&[u8]>>, BadDer> {
    let mut choice = Reader::new(name);
    let element = choice.next()?;
    choice.end()?;
    if element.tag == der::constructed(1) {
        return Ok(None);
    }
    if element.tag != der::constructed(0) || element.content.is_empty() {
        return Err(BadDer);
    }
    let (mut names, mut uris) = (Reader::new(element.content), Vec::new());
    while !names.is_empty() {
        let name = names.next()?;
        if name.tag == der::context(6) {
            uris.push(name.content);
        }
    }
    Ok(Some(uris))
}

/// Reads `Extensions`: at least one, none twice.
pub(crate) fn for_each_extension<'a>(
    list: &'a [u8],
    mut each: impl FnMut(&'a [u8], bool, &'a [u8]) -> Result<(), BadDer>,
) -> Result<(), BadDer> {
    let (mut list, mut seen) = (Reader::new(list), Vec::new());
    list.peek().ok_or(BadDer)?;
    while !list.is_empty() {
        let mut extension = Reader::new(list.expect(der::SEQUENCE)?);
        let id = extension.expect(der::OID)?;
        let critical = extension.flag(der::BOOLEAN)?;
        let value = extension.expect(der::OCTET_STRING)?;
        extension.end()?;
        if seen.contains(&id) || seen.len() == MOST_EXTENSIONS {
            return Err(BadDer);
        }
        seen.push(id);
        each(id, critical, value)?;
    }
    Ok(())
}

impl<'a> PublicKey<'a> {
    fn read(info: &'a [u8]) -> Result<Self, BadDer> {
        let mut content = Reader::new(Reader::only(info, der::SEQUENCE)?);
        let algorithm = content.expect(der::SEQUENCE)?;
        let bits = content.bit_bytes()?;
        content.end()?;
        Ok(Self { info, algorithm, bits })
    }

    /// The content of the `AlgorithmIdentifier`.
    pub(crate) fn algorithm(&self) -> &'a [u8] {
        self.algorithm
    }

    /// The kind of key, if it is one we accept: RSA of 2048 to 8192 bits, P-256, P-384, Ed25519.
    pub(crate) fn kind(&self) -> Result<KeyKind, WeakKey> {
        match self.algorithm {
            RSA_ENCRYPTION => {
                let bits = self.rsa_bits().map_err(|BadDer| WeakKey::Unsupported)?;
                if (2048..=8192).contains(&bits) { Ok(KeyKind::Rsa) } else { Err(WeakKey::RsaBits(bits)) }
            }
            EC_P256 => Ok(KeyKind::P256),
            EC_P384 => Ok(KeyKind::P384),
            ED25519 => Ok(KeyKind::Ed25519),
            _ => Err(WeakKey::Unsupported),
        }
    }

    fn rsa_bits(&self) -> Result<usize, BadDer> {
        let mut key = Reader::new(Reader::only(self.bits, der::SEQUENCE)?);
        let modulus = key.integer()?;
        let exponent = key.integer()?;
        key.end()?;
        // An exponent of one, or an even one, makes no key at all.
        if matches!(exponent, [0..=1]) || exponent[exponent.len() - 1].is_multiple_of(2) {
            return Err(BadDer);
        }
        match modulus {
            [0, digits @ ..] => {
                Ok(digits.len() * 8 - digits.first().map_or(0, |d| d.leading_zeros() as usize))
            }
            [first @ 1..0x80, ..] => Ok(modulus.len() * 8 - first.leading_zeros() as usize),
            _ => Err(BadDer),
        }
    }
}

/// Why a key does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Too small to be safe, or too large to be served.
    #[error("RSA key of {0} bits, need 2048 to 8192")]
    RsaBits(usize),
    /// None of RSA, P-256, P-384, Ed25519.
    #[error("key of a kind that is not accepted")]
    Unsupported,
}

impl<'a> Signed<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, BadDer> {
        let mut outer = Reader::new(Reader::only(der, der::SEQUENCE)?);
        let tbs = outer.next()?;
        if tbs.tag != der::SEQUENCE {
            return Err(BadDer);
        }
        let algorithm = outer.expect(der::SEQUENCE)?;
        let signature = outer.bit_bytes()?;
        outer.end()?;
        Ok(Self { content: tbs.content, message: tbs.whole, algorithm, signature })
    }

    /// Whether `key` made the signature, with an algorithm that we accept.
    pub(crate) fn by(&self, key: PublicKey<'_>) -> bool {
        ALGORITHMS.iter().any(|algorithm| {
            algorithm.signature_alg_id().as_ref() == self.algorithm
                && algorithm.public_key_alg_id().as_ref() == key.algorithm
                && algorithm.verify_signature(key.bits, self.message, self.signature).is_ok()
        })
    }
}

/// Signature algorithms accepted in chains and revocation lists: no SHA-1, no P-521, no RSA below 2048 bits.
pub(crate) static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algs::ECDSA_P256_SHA256,
    algs::ECDSA_P256_SHA384,
    algs::ECDSA_P256_SHA512,
    algs::ECDSA_P384_SHA256,
    algs::ECDSA_P384_SHA384,
    algs::ECDSA_P384_SHA512,
    algs::ED25519,
    algs::RSA_PKCS1_2048_8192_SHA256,
    algs::RSA_PKCS1_2048_8192_SHA384,
    algs::RSA_PKCS1_2048_8192_SHA512,
    algs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

const MOST_EXTENSIONS: usize = 64;
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 0x1d, 54];
const RSA_ENCRYPTION: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];
const EC_P256: &[u8] =
    &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const EC_P384: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 34];
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
