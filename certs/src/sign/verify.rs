//! Whether a signature counts.
//!
//! Choice: a signature is judged as of `kelisim-signed-at` (C5: "certificates valid at signing time"), with
//! what the revocation lists say now: a certificate revoked, or known to be invalid, at or before that time
//! voids it; one revoked later does not. Whoever steals a key can backdate, so a signature that *arrives* must
//! also hold at that moment ([`verify_received`]), and its arrival must be recorded; then [`verify`] is enough
//! for ever after. Authorities drop expired certificates from their lists, so a revocation before the expiry
//! of a certificate may be unknown after it: one more reason to record arrivals.

use agreements::{Fingerprint, Side};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::jws::{Algorithm, Header, JwsSignature, signing_input};
use crate::certificate::Certificate;
use crate::name::Subject;
use crate::trust::{Purpose, Trust, Untrusted, VerifiedChain};

/// Proof that somebody signed these bytes for this side; only [`verify`] makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedSignature {
    /// The signer's certificate.
    pub fingerprint: Fingerprint,
    /// Who signed: name, identification number, and for which body.
    pub subject: Subject,
    /// For whom.
    pub role: Side,
    /// When, by the signer's own word.
    pub signed_at: Timestamp,
    /// The chain that was presented.
    pub chain: VerifiedChain,
}

/// Verifies a signature over `payload`. `now` is the time of checking, at which the revocation lists must be in
/// force; the certificate is judged as of when the signer says to have signed.
///
/// # Errors
/// [`SignatureFault`] says why it does not count.
pub fn verify(
    payload: &[u8],
    signature: &JwsSignature,
    trust: &Trust,
    now: Timestamp,
) -> Result<VerifiedSignature, SignatureFault> {
    if signature.protected.len() > MOST_HEADER_BYTES || signature.signature.len() > MOST_SIGNATURE_BYTES {
        return Err(SignatureFault::TooLarge);
    }
    let header = URL_SAFE_NO_PAD.decode(&signature.protected).map_err(|_| SignatureFault::Malformed)?;
    let header: Header = serde_json::from_slice(&header).map_err(SignatureFault::Header)?;
    let made = URL_SAFE_NO_PAD.decode(&signature.signature).map_err(|_| SignatureFault::Malformed)?;
    if !header.crit_is_understood() {
        return Err(SignatureFault::CriticalHeader);
    }
    let Header { role, signed_at, alg, .. } = header;
    if signed_at > now.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX) {
        return Err(SignatureFault::SignedInTheFuture { signed_at });
    }
    let certificates = header.chain().ok_or(SignatureFault::Malformed)?;
    let chain = trust.verify_signing(&certificates, signed_at, now)?;
    matches(&chain, alg, &signature.protected, payload, &made)?;
    let (fingerprint, subject) = (chain.fingerprint(), chain.subject().clone());
    Ok(VerifiedSignature { fingerprint, subject, role, signed_at, chain })
}

/// Whether the leaf's key made a signature over these bytes under that header.
pub(super) fn matches(
    chain: &VerifiedChain,
    alg: Algorithm,
    protected: &str,
    payload: &[u8],
    made: &[u8],
) -> Result<(), SignatureFault> {
    let leaf = Certificate::read(&chain.certificates()[0]).map_err(|_| SignatureFault::Malformed)?;
    // The key decides which algorithms are possible, never the header alone.
    if leaf.key.kind() != Ok(alg.key_kind()) {
        return Err(SignatureFault::AlgorithmMismatch);
    }
    UnparsedPublicKey::new(algorithm(alg), leaf.key.bits)
        .verify(&signing_input(protected, payload), made)
        .map_err(|_| SignatureFault::Forged)
}

/// Verifies a signature that arrives at `now`: the certificate must count now as well as when it was used, so
/// that whoever holds a revoked key gains nothing by backdating.
///
/// # Errors
/// [`SignatureFault`] says why it does not count.
pub fn verify_received(
    payload: &[u8],
    signature: &JwsSignature,
    trust: &Trust,
    now: Timestamp,
) -> Result<VerifiedSignature, SignatureFault> {
    let verified = verify(payload, signature, trust, now)?;
    trust.verify(verified.chain.certificates(), Purpose::Signing, now)?;
    Ok(verified)
}

/// Why a signature does not count. The codes are stable.
#[derive(Debug, thiserror::Error)]
pub enum SignatureFault {
    /// Larger than any honest one.
    #[error("signature or header too large")]
    TooLarge,
    /// Not base64url, or a chain that is not base64.
    #[error("malformed signature")]
    Malformed,
    /// The header is not what it must be; an algorithm that does not count is told here as well.
    #[error("unacceptable signature header")]
    Header(#[source] serde_json::Error),
    /// `crit` names what we do not understand.
    #[error("critical header that is not understood")]
    CriticalHeader,
    /// The signer's clock is wrong, or worse.
    #[error("signed in the future, at {signed_at}")]
    SignedInTheFuture {
        /// The time given.
        signed_at: Timestamp,
    },
    /// The signer's certificate does not count.
    #[error("the signer's certificate does not count")]
    Signer(#[from] Untrusted),
    /// The header names an algorithm that the key does not have.
    #[error("algorithm and key do not fit")]
    AlgorithmMismatch,
    /// The signature is not over these bytes by this key: one of them was changed.
    #[error("signature does not match the content")]
    Forged,
}

impl SignatureFault {
    /// The stable name of the reason; for the signer's certificate that of the [`Untrusted`] within.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "signature-too-large",
            Self::Malformed => "signature-malformed",
            Self::Header(_) => "signature-header",
            Self::CriticalHeader => "signature-critical-header",
            Self::SignedInTheFuture { .. } => "signature-from-the-future",
            Self::Signer(untrusted) => untrusted.code(),
            Self::AlgorithmMismatch => "signature-algorithm",
            Self::Forged => "signature-forged",
        }
    }
}

fn algorithm(alg: Algorithm) -> &'static dyn VerificationAlgorithm {
    match alg {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDsa => &ED25519,
    }
}

const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
const MOST_HEADER_BYTES: usize = 128 << 10;
const MOST_SIGNATURE_BYTES: usize = 2 << 10;
