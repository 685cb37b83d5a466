//! Tokens: JWS in compact serialisation (RFC 7515 §7.1) with the issuer's chain, for what is shown once and not kept.

use agreements::Fingerprint;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::jws::{Algorithm, Signer, SigningFault};
use super::verify::{SignatureFault, matches};
use crate::trust::{Purpose, Trust};

/// Proof that whoever holds a certificate that counts signed these bytes; only [`verify_token`] makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedToken {
    /// The issuer's certificate.
    pub fingerprint: Fingerprint,
    /// What it says.
    pub payload: Vec<u8>,
}

/// The protected header. Whatever else one might put there is refused, so nothing is ever passed over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    alg: Algorithm,
    /// RFC 7515 §4.1.6: base64 (not base64url) of DER, leaf first.
    x5c: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
}

impl Signer {
    /// A token over `payload`.
    ///
    /// # Errors
    /// [`SigningFault`] if the key does not sign.
    pub fn token(&self, payload: &[u8]) -> Result<String, SigningFault> {
        let x5c = self.certificates().iter().map(|der| STANDARD.encode(der)).collect();
        let header = TokenHeader { alg: self.algorithm(), x5c, typ: Some("JWT".to_owned()) };
        let header = serde_json::to_vec(&header).map_err(|_| SigningFault)?;
        let protected = URL_SAFE_NO_PAD.encode(header);
        let signature = self.signature(&protected, payload)?;
        Ok(format!("{protected}.{}.{signature}", URL_SAFE_NO_PAD.encode(payload)))
    }
}

/// Verifies a token at `now`: its issuer's chain counts now, and its key signed what the token says.
///
/// # Errors
/// [`SignatureFault`] says why it does not count.
pub fn verify_token(token: &str, trust: &Trust, now: Timestamp) -> Result<VerifiedToken, SignatureFault> {
    if token.len() > MOST_TOKEN_BYTES {
        return Err(SignatureFault::TooLarge);
    }
    let mut pieces = token.split('.');
    let (Some(protected), Some(payload), Some(signature), None) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return Err(SignatureFault::Malformed);
    };
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| SignatureFault::Malformed);
    let (header, payload, signature) = (bytes(protected)?, bytes(payload)?, bytes(signature)?);
    let header: TokenHeader = serde_json::from_slice(&header).map_err(SignatureFault::Header)?;
    let chain: Option<Vec<CertificateDer<'static>>> =
        header.x5c.iter().map(|text| STANDARD.decode(text).ok().map(CertificateDer::from)).collect();
    let chain = trust.verify(&chain.ok_or(SignatureFault::Malformed)?, Purpose::Signing, now)?;
    matches(&chain, header.alg, protected, &payload, &signature)?;
    Ok(VerifiedToken { fingerprint: chain.fingerprint(), payload })
}

/// A header field of a request holds no more.
const MOST_TOKEN_BYTES: usize = 12 << 10;
