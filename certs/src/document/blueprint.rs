//! Making a detached signature: for stand-ins that sign documents, and for tests that bend one piece of it.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use rustls::SignatureScheme;

use super::cms::DATA;
use super::{Digested, Digests};
use crate::certificate::{Certificate, KeyKind};
use crate::der::{self, wrap};
use crate::keys::Identity;
use crate::sign::SigningFault;
use crate::signed_data::{
    CONTENT_TYPE, MESSAGE_DIGEST, SHA_256, SHA_384, SHA_512, SIGNED_DATA, SIGNING_CERTIFICATE_V2,
    SIGNING_TIME, TIME_STAMP_TOKEN,
};

/// Signs a content with each of these identities, as of `at`: a detached `SignedData` in DER.
///
/// # Errors
/// [`SigningFault`] if a key does not sign.
pub fn sign_detached(
    content: &Digested,
    signers: &[&Identity],
    at: Timestamp,
) -> Result<Vec<u8>, SigningFault> {
    sign_stamped(content, signers, at, |_| None)
}

/// The same, with a time-stamp token over each signature, if `stamp` has one for it.
///
/// # Errors
/// [`SigningFault`] if a key does not sign.
pub fn sign_stamped(
    content: &Digested,
    signers: &[&Identity],
    at: Timestamp,
    stamp: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, SigningFault> {
    let infos = signers.iter().map(|signer| Blueprint::new(content, signer, at)?.stamped(signer, &stamp));
    let infos = infos.collect::<Result<Vec<_>, _>>()?;
    Ok(signed_data(&infos, signers.iter().flat_map(|signer| signer.certificates()).map(AsRef::as_ref)))
}

/// Signs a PDF as it is, in a revision of its own at its end.
///
/// The revision is the least that a reader of signatures needs: an object, and where it stands. Forms that show the
/// signature on a page are for programs that make documents.
///
/// # Errors
/// [`SigningFault`] if the key does not sign.
pub fn sign_pdf(document: &[u8], signer: &Identity, at: Timestamp) -> Result<Vec<u8>, SigningFault> {
    revised(document, signer, at, |_| {})
}

/// The same, with the revision bent before it is signed.
pub(super) fn revised(
    document: &[u8],
    signer: &Identity,
    at: Timestamp,
    bend: impl FnOnce(&mut String),
) -> Result<Vec<u8>, SigningFault> {
    revised_so(document, at, bend, |content| sign_detached(&content.finish(), &[signer], at))
}

/// The same, signed in a way of its own.
pub(super) fn revised_so(
    document: &[u8],
    at: Timestamp,
    bend: impl FnOnce(&mut String),
    signs: impl FnOnce(Digests) -> Result<Vec<u8>, SigningFault>,
) -> Result<Vec<u8>, SigningFault> {
    let object = document.len() + 1;
    let date = at.strftime("D:%Y%m%d%H%M%S+00'00'");
    let mut text = format!(
        "\n9000 0 obj\n<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M ({date})\n\
         /ByteRange [0 {:010} {:010} {:010}] /Contents <{}> >>\nendobj\nxref\n9000 1\n{object:010} 00000 n \n\
         trailer\n<< /Size 9001 >>\nstartxref\n0\n%%EOF\n",
        0,
        0,
        0,
        "0".repeat(2 * STRING_BYTES),
    );
    bend(&mut text);
    let start = text.find("<0000").ok_or(SigningFault)?;
    let end = start + text[start..].find('>').ok_or(SigningFault)? + 1;
    let [first, second] = [start, end].map(|at| document.len() + at);
    let numbers = format!("{first:010} {second:010} {:010}", text.len() - end);
    let text = text.replacen("0000000000 0000000000 0000000000", &numbers, 1);
    let mut content = Digests::default();
    [document, &text.as_bytes()[..start], &text.as_bytes()[end..]].iter().for_each(|part| content.push(part));
    let der = signs(content)?;
    let digits: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    if digits.len() > end - start - 2 {
        return Err(SigningFault);
    }
    let string = format!("{digits}{}", "0".repeat(end - start - 2 - digits.len()));
    Ok([document, &text.as_bytes()[..=start], string.as_bytes(), &text.as_bytes()[end - 1..]].concat())
}

/// One signer's part, before it is signed.
pub(super) struct Blueprint {
    pub(super) version: u8,
    pub(super) issuer_and_serial: Vec<u8>,
    pub(super) digest: Vec<u8>,
    /// Each whole; they are written in the order of a set.
    pub(super) attributes: Vec<Vec<u8>>,
    /// The whole `AlgorithmIdentifier`.
    pub(super) algorithm: Vec<u8>,
    pub(super) scheme: SignatureScheme,
}

impl Blueprint {
    pub(super) fn new(content: &Digested, signer: &Identity, at: Timestamp) -> Result<Self, SigningFault> {
        let leaf = &signer.certificates()[0];
        let certificate = Certificate::read(leaf).map_err(|_| SigningFault)?;
        let serial = wrap(der::INTEGER, &[certificate.serial]);
        let (scheme, hash, algorithm) = match signer.kind {
            KeyKind::Rsa => (SignatureScheme::RSA_PKCS1_SHA256, SHA_256, RSA_SHA256_NULL),
            KeyKind::P256 => (SignatureScheme::ECDSA_NISTP256_SHA256, SHA_256, ECDSA_SHA256),
            KeyKind::P384 => (SignatureScheme::ECDSA_NISTP384_SHA384, SHA_384, ECDSA_SHA384),
            KeyKind::Ed25519 => (SignatureScheme::ED25519, SHA_512, ED25519),
        };
        let named = wrap(der::OCTET_STRING, &[digest(&SHA256, leaf).as_ref()]);
        let named = wrap(der::SEQUENCE, &[&wrap(der::SEQUENCE, &[&wrap(der::SEQUENCE, &[&named])])]);
        let time = at.strftime("%y%m%d%H%M%SZ").to_string();
        Ok(Self {
            version: 1,
            issuer_and_serial: wrap(der::SEQUENCE, &[certificate.issuer, &serial]),
            digest: wrap(der::SEQUENCE, &[&wrap(der::OID, &[hash])]),
            attributes: vec![
                attribute(CONTENT_TYPE, &wrap(der::OID, &[DATA])),
                attribute(SIGNING_TIME, &wrap(der::UTC_TIME, &[time.as_bytes()])),
                attribute(MESSAGE_DIGEST, &wrap(der::OCTET_STRING, &[content.by(hash).unwrap_or_default()])),
                attribute(SIGNING_CERTIFICATE_V2, &named),
            ],
            algorithm: wrap(der::SEQUENCE, &[algorithm]),
            scheme,
        })
    }

    /// The `SignerInfo`.
    #[cfg(test)]
    pub(super) fn made(self, signer: &Identity) -> Result<Vec<u8>, SigningFault> {
        self.stamped(signer, |_| None)
    }

    /// The `SignerInfo`, with a time-stamp token over its signature.
    pub(super) fn stamped(
        mut self,
        signer: &Identity,
        stamp: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Vec<u8>, SigningFault> {
        self.attributes.sort();
        let key = signer.certified.key.choose_scheme(&[self.scheme]).ok_or(SigningFault)?;
        let attributes = self.attributes.concat();
        let signature = key.sign(&wrap(der::SET, &[&attributes])).map_err(|_| SigningFault)?;
        let stamp = stamp(&signature).map(|token| attribute(TIME_STAMP_TOKEN, &token));
        let stamp = stamp.map(|stamp| wrap(der::constructed(1), &[&stamp])).unwrap_or_default();
        let parts = [
            &[der::INTEGER, 1, self.version][..],
            &self.issuer_and_serial,
            &self.digest,
            &wrap(der::constructed(0), &[&attributes]),
            &self.algorithm,
            &wrap(der::OCTET_STRING, &[&signature]),
            &stamp,
        ];
        Ok(wrap(der::SEQUENCE, &parts))
    }
}

/// A whole `SignedData` without content.
pub(super) fn signed_data<'a>(infos: &[Vec<u8>], certificates: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut brought: Vec<&[u8]> = Vec::new();
    for der in certificates {
        if !brought.contains(&der) {
            brought.push(der);
        }
    }
    let hashes = [SHA_256, SHA_384, SHA_512].map(|hash| wrap(der::SEQUENCE, &[&wrap(der::OID, &[hash])]));
    enveloped(&[
        &[der::INTEGER, 1, 1],
        &wrap(der::SET, &[&hashes.concat()]),
        &wrap(der::SEQUENCE, &[&wrap(der::OID, &[DATA])]),
        &wrap(der::constructed(0), &brought),
        &wrap(der::SET, &[&infos.concat()]),
    ])
}

/// A `ContentInfo` of a `SignedData` of these parts.
pub(super) fn enveloped(parts: &[&[u8]]) -> Vec<u8> {
    let signed = wrap(der::SEQUENCE, parts);
    wrap(der::SEQUENCE, &[&wrap(der::OID, &[SIGNED_DATA]), &wrap(der::constructed(0), &[&signed])])
}

/// An attribute with one value.
pub(super) fn attribute(id: &[u8], value: &[u8]) -> Vec<u8> {
    wrap(der::SEQUENCE, &[&wrap(der::OID, &[id]), &wrap(der::SET, &[value])])
}

/// As much room for a signature as common programs leave.
const STRING_BYTES: usize = 8 << 10;
const RSA_SHA256_NULL: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];
const ECDSA_SHA256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_SHA384: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
