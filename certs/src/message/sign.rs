//! Signing a message: what systems do, and those that stand in for them.

use super::base::{Message, base};
use super::verify::{MessageFault, listed};
use crate::certificate::KeyKind;
use crate::keys::Identity;
use crate::sign::fixed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::SignatureScheme;

/// Signs a message with the key of an identity, as `input`, the value of its `Signature-Input`, says; what comes back is
/// the value of its `Signature`.
///
/// # Errors
/// [`MessageFault`]: `input` is not one signature, or covers what the message has not, or the key does not sign.
pub fn sign_message(message: &Message<'_>, input: &str, identity: &Identity) -> Result<String, MessageFault> {
    let (label, inner) = listed(input.as_bytes())?;
    let (signed, _) = base(message, &inner)?;
    let scheme = match identity.kind {
        KeyKind::Rsa => SignatureScheme::RSA_PSS_SHA512,
        KeyKind::P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
        KeyKind::P384 => SignatureScheme::ECDSA_NISTP384_SHA384,
        KeyKind::Ed25519 => SignatureScheme::ED25519,
    };
    let signer = identity.certified.key.choose_scheme(&[scheme]).ok_or(MessageFault::Key)?;
    let made = signer.sign(signed.as_bytes()).map_err(|_| MessageFault::Key)?;
    let made = match identity.kind {
        KeyKind::P256 => fixed(&made, 32).map_err(|_| MessageFault::Key)?,
        KeyKind::P384 => fixed(&made, 48).map_err(|_| MessageFault::Key)?,
        KeyKind::Rsa | KeyKind::Ed25519 => made,
    };
    Ok(format!("{label}=:{}:", STANDARD.encode(made)))
}
