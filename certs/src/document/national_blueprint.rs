//! Making what has the form of a signature by a national algorithm: for stand-ins that sign documents, and for tests.
//!
//! There is no such algorithm in here: signatures are arbitrary bytes, and the digest of the content is its SHA-512, so that a
//! stand-in can tell one content from another.

use jiff::{SignedDuration, Timestamp};

use super::blueprint::{attribute, enveloped, revised_so};
use super::cms::DATA;
use super::{Digested, Digests};
use crate::der::{self, wrap};
use crate::sign::SigningFault;
use crate::signed_data::{CONTENT_TYPE, MESSAGE_DIGEST, SHA_512, SIGNING_TIME};

/// Which of the national standards it is made out to be by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NationalAlgorithm {
    /// GOST 34.310-2004 with GOST 34.311-95.
    Gost2004,
    /// GOST R 34.10-2015 of 512 bits with GOST R 34.11-2015.
    Gost2015,
}

/// Somebody with a certificate that the national authority could have issued.
#[derive(Debug, Clone)]
pub struct NationalPerson {
    certificate: Vec<u8>,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    seal: Vec<u8>,
    algorithm: NationalAlgorithm,
    name: String,
    bin: Option<String>,
}

impl NationalPerson {
    /// With a certificate of half a year before and after `at`; `serial` tells it from others.
    pub fn new(
        algorithm: NationalAlgorithm,
        serial: u8,
        name: &str,
        iin: &str,
        bin: Option<&str>,
        at: Timestamp,
    ) -> Self {
        let issuer = distinguished(&[(COMMON_NAME, "National authority (GOST)"), (COUNTRY, "KZ")]);
        let iin = format!("IIN{iin}");
        let mut named = vec![(COMMON_NAME, name), (SERIAL_NUMBER, &*iin), (COUNTRY, "KZ")];
        let unit = bin.map(|bin| format!("BIN{bin}"));
        named.extend(unit.as_deref().map(|unit| (UNIT, unit)));
        // As the authority's: twenty bytes, of which the first has its highest bit.
        let serial = [&[0, 0x90][..], &[7; 18], &[serial]].concat();
        let half = SignedDuration::from_hours(24 * 183);
        let time =
            |at: Timestamp| wrap(der::UTC_TIME, &[at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes()]);
        let by = algorithm.signature();
        let key = wrap(der::SEQUENCE, &[&wrap(der::OID, &[algorithm.key()])]);
        let key = wrap(der::SEQUENCE, &[&key, &wrap(der::BIT_STRING, &[&[0], &[4; 130]])]);
        // Critical: digitalSignature, nonRepudiation, keyAgreement.
        let usage = wrap(
            der::SEQUENCE,
            &[&wrap(der::OID, &[KEY_USAGE]), &[1, 1, 0xff], &wrap(der::OCTET_STRING, &[&[3, 2, 3, 0xc8]])],
        );
        let certified = wrap(
            der::SEQUENCE,
            &[
                &wrap(der::constructed(0), &[&[der::INTEGER, 1, 2]]),
                &wrap(der::INTEGER, &[&serial]),
                &by,
                &issuer,
                &wrap(der::SEQUENCE, &[&time(at - half), &time(at + half)]),
                &distinguished(&named),
                &key,
                &wrap(der::constructed(3), &[&wrap(der::SEQUENCE, &[&usage])]),
            ],
        );
        let seal = [&serial[..], &[0x5a; 107]].concat();
        let certificate = wrap(der::SEQUENCE, &[&certified, &by, &wrap(der::BIT_STRING, &[&[0], &seal])]);
        let (name, bin) = (name.to_owned(), bin.map(str::to_owned));
        Self { certificate, issuer, serial, seal, algorithm, name, bin }
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Whom it names.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For which body.
    pub fn bin(&self) -> Option<&str> {
        self.bin.as_deref()
    }

    /// Its serial number.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// What stands under it as its issuer's signature.
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }

    /// The `SignerInfo`, with `more` attributes.
    pub(super) fn signs(&self, content: &Digested, at: Timestamp, more: &[Vec<u8>]) -> Vec<u8> {
        let time = at.strftime("%y%m%d%H%M%SZ").to_string();
        let digest = content.by(SHA_512).unwrap_or_default();
        let mut attributes = vec![
            attribute(CONTENT_TYPE, &wrap(der::OID, &[DATA])),
            attribute(SIGNING_TIME, &wrap(der::UTC_TIME, &[time.as_bytes()])),
            attribute(MESSAGE_DIGEST, &wrap(der::OCTET_STRING, &[digest])),
        ];
        attributes.extend_from_slice(more);
        attributes.sort();
        wrap(
            der::SEQUENCE,
            &[
                &[der::INTEGER, 1, 1],
                &wrap(der::SEQUENCE, &[&self.issuer, &wrap(der::INTEGER, &[&self.serial])]),
                &wrap(der::SEQUENCE, &[&wrap(der::OID, &[self.algorithm.digest()]), &[5, 0]]),
                &wrap(der::constructed(0), &[&attributes.concat()]),
                &self.algorithm.signature(),
                &wrap(der::OCTET_STRING, &[&[0xa5; 128]]),
            ],
        )
    }
}

/// What has the form of a detached signature over `content` by each of `signers`, as of `at`.
pub fn sign_nationally(content: &Digested, signers: &[&NationalPerson], at: Timestamp) -> Vec<u8> {
    let infos: Vec<u8> = signers.iter().flat_map(|signer| signer.signs(content, at, &[])).collect();
    let mut brought: Vec<&[u8]> = signers.iter().map(|signer| signer.certificate()).collect();
    brought.dedup();
    let digests = signers.first().map_or(&[][..], |signer| signer.algorithm.digest());
    enveloped(&[
        &[der::INTEGER, 1, 1],
        &wrap(der::SET, &[&wrap(der::SEQUENCE, &[&wrap(der::OID, &[digests]), &[5, 0]])]),
        &wrap(der::SEQUENCE, &[&wrap(der::OID, &[DATA])]),
        &wrap(der::constructed(0), &brought),
        &wrap(der::SET, &[&infos]),
    ])
}

/// A PDF as it is, with a revision of its own at its end that has the form of a signature.
///
/// # Errors
/// [`SigningFault`]: there is no room for it.
pub fn sign_pdf_nationally(
    document: &[u8],
    signer: &NationalPerson,
    at: Timestamp,
) -> Result<Vec<u8>, SigningFault> {
    let signs = |content: Digests| Ok(sign_nationally(&content.finish(), &[signer], at));
    revised_so(document, at, |_| {}, signs)
}

impl NationalAlgorithm {
    fn signature(self) -> Vec<u8> {
        let oid = match self {
            Self::Gost2004 => &[0x2a, 0x83, 0x0e, 3, 10, 1, 1, 1, 2][..],
            Self::Gost2015 => &[0x2a, 0x83, 0x0e, 3, 10, 1, 1, 2, 3, 2],
        };
        wrap(der::SEQUENCE, &[&wrap(der::OID, &[oid]), &[5, 0]])
    }

    const fn digest(self) -> &'static [u8] {
        match self {
            Self::Gost2004 => &[0x2a, 0x83, 0x0e, 3, 10, 1, 3, 1],
            Self::Gost2015 => &[0x2a, 0x83, 0x0e, 3, 10, 1, 3, 3],
        }
    }

    const fn key(self) -> &'static [u8] {
        match self {
            Self::Gost2004 => &[0x2a, 0x83, 0x0e, 3, 10, 1, 1, 1, 1],
            Self::Gost2015 => &[0x2a, 0x83, 0x0e, 3, 10, 1, 1, 2, 2],
        }
    }
}

/// A `Name` of these attributes.
fn distinguished(named: &[(u8, &str)]) -> Vec<u8> {
    let each = named.iter().flat_map(|(kind, text)| {
        let one =
            [&wrap(der::OID, &[&[0x55, 4, *kind]])[..], &wrap(UTF8_STRING, &[text.as_bytes()])].concat();
        wrap(der::SET, &[&wrap(der::SEQUENCE, &[&one])])
    });
    wrap(der::SEQUENCE, &[&each.collect::<Vec<u8>>()])
}

const UTF8_STRING: u8 = 0x0c;
const COMMON_NAME: u8 = 3;
const SERIAL_NUMBER: u8 = 5;
const COUNTRY: u8 = 6;
const UNIT: u8 = 11;
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
