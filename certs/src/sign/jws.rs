//! The signature itself: its header, its algorithms, and making one.

use agreements::Side;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::certificate::KeyKind;
use crate::der::{self, BadDer, Reader};
use crate::keys::Identity;

/// One signature of a JWS in general JSON serialisation (RFC 7515 §7.2.1), without its payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwsSignature {
    /// The protected header, base64url.
    pub protected: String,
    /// The signature, base64url.
    pub signature: String,
}

/// A JWS in general JSON serialisation, for programs that nobody here wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneralJws {
    /// The stored bytes, base64url; `None` if they travel apart (RFC 7515 appendix F).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// Everybody's signatures.
    pub signatures: Vec<JwsSignature>,
}

/// Signs with one identity.
#[derive(Clone, Debug)]
pub struct Signer {
    identity: Identity,
}

/// The protected header. Whatever else one might put there is refused, so nothing is ever passed over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) alg: Algorithm,
    /// RFC 7515 §4.1.6: base64 (not base64url) of DER, leaf first.
    pub(super) x5c: Vec<String>,
    #[serde(rename = "kelisim-role")]
    pub(super) role: Side,
    #[serde(rename = "kelisim-signed-at")]
    pub(super) signed_at: Timestamp,
    /// RFC 7515 §4.1.11. We do not write it, so that common tools can check the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crit: Option<Vec<String>>,
}

/// The algorithms that count; "none" and those with shared keys cannot even be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    RS256,
    PS256,
    ES256,
    ES384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl GeneralJws {
    /// Joins the stored bytes and their signatures.
    pub fn new(payload: &[u8], signatures: Vec<JwsSignature>) -> Self {
        Self { payload: Some(URL_SAFE_NO_PAD.encode(payload)), signatures }
    }
}

impl Signer {
    /// Signs with `identity`.
    pub fn new(identity: Identity) -> Self {
        Self { identity }
    }

    /// Signs `payload`, bytes that are kept as they are.
    ///
    /// # Errors
    /// [`SigningFault`] if the key does not sign.
    pub fn sign(
        &self,
        payload: &[u8],
        role: Side,
        signed_at: Timestamp,
    ) -> Result<JwsSignature, SigningFault> {
        let alg = Algorithm::of(self.identity.kind);
        let x5c = self.identity.certificates().iter().map(|der| STANDARD.encode(der)).collect();
        let header = Header { alg, x5c, role, signed_at, crit: None };
        let header = serde_json::to_vec(&header).map_err(|_| SigningFault)?;
        let protected = URL_SAFE_NO_PAD.encode(header);
        let signature = self.signature(&protected, payload)?;
        Ok(JwsSignature { protected, signature })
    }

    /// The signature under a protected header, base64url.
    pub(super) fn signature(&self, protected: &str, payload: &[u8]) -> Result<String, SigningFault> {
        let (alg, key) = (self.algorithm(), &self.identity.certified.key);
        let signer = key.choose_scheme(&[alg.scheme()]).ok_or(SigningFault)?;
        let made = signer.sign(&signing_input(protected, payload)).map_err(|_| SigningFault)?;
        let made = match alg {
            Algorithm::ES256 => fixed(&made, 32)?,
            Algorithm::ES384 => fixed(&made, 48)?,
            Algorithm::RS256 | Algorithm::PS256 | Algorithm::EdDsa => made,
        };
        Ok(URL_SAFE_NO_PAD.encode(made))
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        Algorithm::of(self.identity.kind)
    }

    pub(super) fn certificates(&self) -> &[CertificateDer<'static>] {
        self.identity.certificates()
    }
}

impl Header {
    /// Checks `crit`: it may name only extensions that we understand, once, and that are there.
    pub(super) fn crit_is_understood(&self) -> bool {
        self.crit.as_ref().is_none_or(|names| {
            let known = ["kelisim-role", "kelisim-signed-at"];
            !names.is_empty()
                && names.iter().all(|name| known.contains(&name.as_str()))
                && names.iter().enumerate().all(|(index, name)| !names[..index].contains(name))
        })
    }

    pub(super) fn chain(&self) -> Option<Vec<CertificateDer<'static>>> {
        self.x5c.iter().map(|text| STANDARD.decode(text).ok().map(CertificateDer::from)).collect()
    }
}

impl Algorithm {
    fn of(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa => Self::PS256,
            KeyKind::P256 => Self::ES256,
            KeyKind::P384 => Self::ES384,
            KeyKind::Ed25519 => Self::EdDsa,
        }
    }

    pub(super) fn key_kind(self) -> KeyKind {
        match self {
            Self::RS256 | Self::PS256 => KeyKind::Rsa,
            Self::ES256 => KeyKind::P256,
            Self::ES384 => KeyKind::P384,
            Self::EdDsa => KeyKind::Ed25519,
        }
    }

    fn scheme(self) -> SignatureScheme {
        match self {
            Self::RS256 => SignatureScheme::RSA_PKCS1_SHA256,
            Self::PS256 => SignatureScheme::RSA_PSS_SHA256,
            Self::ES256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            Self::ES384 => SignatureScheme::ECDSA_NISTP384_SHA384,
            Self::EdDsa => SignatureScheme::ED25519,
        }
    }
}

/// RFC 7515 §5.1: what is signed.
pub(super) fn signing_input(protected: &str, payload: &[u8]) -> Vec<u8> {
    let mut input = String::with_capacity(protected.len() + 1 + payload.len() * 4 / 3 + 4);
    input.push_str(protected);
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut input);
    input.into_bytes()
}

/// RFC 7518 §3.4: both numbers of an ECDSA signature at full width, rather than as DER.
pub(crate) fn fixed(signature: &[u8], width: usize) -> Result<Vec<u8>, BadDer> {
    let mut numbers = Reader::new(Reader::only(signature, der::SEQUENCE)?);
    let mut out = Vec::with_capacity(2 * width);
    for _ in 0..2 {
        let number = numbers.integer()?;
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        out.resize(out.len() + width.checked_sub(digits.len()).ok_or(BadDer)?, 0);
        out.extend_from_slice(digits);
    }
    numbers.end()?;
    Ok(out)
}

/// The key does not sign; a broken library or device.
#[derive(Debug, thiserror::Error)]
#[error("the key did not sign")]
pub struct SigningFault;

impl From<BadDer> for SigningFault {
    fn from(BadDer: BadDer) -> Self {
        Self
    }
}
