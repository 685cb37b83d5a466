//! Whether a message signature counts.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use jiff::{SignedDuration, Timestamp};
use sfv::{BareItem, Dictionary, InnerList, Key, ListEntry, Parser};

use super::base::{Component, Message, base};
use crate::certificate::{Certificate, KeyKind};

/// Proof that the holder of a key signed a message as it is; only [`verify_message`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedMessage {
    /// When it was signed, by the signer's word, which is near to now.
    pub created: Timestamp,
    covered: Vec<Component>,
}

/// What a signature has to cover besides what every one has to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demand<'a> {
    /// Whether the message has a body.
    pub content: Content,
    /// Fields of the message.
    pub fields: &'a [&'a str],
    /// Fields of the request, if it is an answer, which tell it from any other: then its target need not be covered.
    pub request_fields: &'a [&'a str],
}

/// Whether a message has a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Content {
    /// It has none.
    #[default]
    Empty,
    /// It has one, and says its digest: that it is its own, [`ContentDigest`](super::ContentDigest) tells.
    Some,
}

impl VerifiedMessage {
    /// Whether it covers nothing but some of these components of the message, and some of its request's.
    pub fn covers_only(&self, own: &[&str], of_request: &[&str]) -> bool {
        self.covered.iter().all(|one| {
            let known = if one.of_request { of_request } else { own };
            known.contains(&one.name.as_str())
        })
    }
}

/// Verifies the one signature of a message against the key of a certificate (DER), whose standing is for others to judge.
///
/// It covers at least the method, the whole target and, if there is a body, its digest; of an answer, the status, the digest
/// and the method and target of what it answers; and what `demand` names. Its `keyid` is the certificate's fingerprint.
///
/// # Errors
/// [`MessageFault`] says why it does not count.
pub fn verify_message(
    message: &Message<'_>,
    demand: &Demand<'_>,
    certificate: &[u8],
    now: Timestamp,
) -> Result<VerifiedMessage, MessageFault> {
    let leaf = Certificate::read(certificate).map_err(|_| MessageFault::Key)?;
    let kind = leaf.key.kind().map_err(|_| MessageFault::Key)?;
    let (inner, made) = signature(message)?;
    parameters(&inner, &crate::fingerprint(certificate).to_string())?;
    let (signed, covered) = base(message, &inner)?;
    covers(message, demand, &covered)?;
    let created = created(&inner, now)?;
    matches(kind, leaf.key.bits, &inner, &signed, &made)?;
    Ok(VerifiedMessage { created, covered })
}

/// Why a message signature does not count. The codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// There is none.
    #[error("the message bears no signature")]
    Unsigned,
    /// There are several, or several fields.
    #[error("the message bears more than one signature")]
    Several,
    /// The fields are not what they must be.
    #[error("the signature is malformed")]
    Malformed,
    /// It is made in a way that is not known here.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A field that it covers is not there.
    #[error("a field that the signature covers is missing")]
    ComponentMissing,
    /// What must be covered is not.
    #[error("the signature does not cover {0}")]
    NotCovered(&'static str),
    /// It does not say when it was made, or not a time that is near.
    #[error("the signature was not made just now")]
    NotNow,
    /// It expired.
    #[error("the signature expired")]
    Expired,
    /// It names an algorithm that the key does not have.
    #[error("algorithm and key do not fit")]
    Algorithm,
    /// It names another key than that of the certificate, or none.
    #[error("the signature does not name the certificate's key")]
    OtherKey,
    /// The certificate's key is none that counts.
    #[error("the certificate's key does not count")]
    Key,
    /// The digest is not well-formed, or not that of the body.
    #[error("the digest is not that of the content")]
    Digest,
    /// It is not over this message by this key.
    #[error("the signature does not match the message")]
    Forged,
}

impl MessageFault {
    /// The stable name of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "message-unsigned",
            Self::Several => "message-signatures",
            Self::Malformed => "message-signature-malformed",
            Self::Unsupported(_) => "message-signature-unsupported",
            Self::ComponentMissing | Self::NotCovered(_) => "message-signature-coverage",
            Self::NotNow | Self::Expired => "message-signature-time",
            Self::OtherKey => "message-signature-key",
            Self::Algorithm | Self::Key => "message-signature-algorithm",
            Self::Digest => "content-digest",
            Self::Forged => "message-signature-forged",
        }
    }
}

/// The one signature: what it says that it is over, and its bytes.
fn signature(message: &Message<'_>) -> Result<(InnerList, Vec<u8>), MessageFault> {
    let only = |name: &str| {
        let mut values = message.fields.iter().filter(|(known, _)| *known == name);
        let (_, value) = values.next().ok_or(MessageFault::Unsigned)?;
        if values.next().is_some() {
            return Err(MessageFault::Several);
        }
        Ok(*value)
    };
    let (label, inner) = listed(only("signature-input")?)?;
    match member(only("signature")?)? {
        (other, ListEntry::Item(item)) if label == other => match item.bare_item {
            BareItem::ByteSequence(made) if item.params.is_empty() => Ok((inner, made)),
            _ => Err(MessageFault::Malformed),
        },
        _ => Err(MessageFault::Malformed),
    }
}

/// What one `Signature-Input` says, with its label.
pub(super) fn listed(value: &[u8]) -> Result<(Key, InnerList), MessageFault> {
    match member(value)? {
        (label, ListEntry::InnerList(inner)) => Ok((label, inner)),
        (_, ListEntry::Item(_)) => Err(MessageFault::Malformed),
    }
}

/// The one member of a dictionary (RFC 9651 §3.2).
fn member(value: &[u8]) -> Result<(Key, ListEntry), MessageFault> {
    if value.len() > MOST_FIELD_BYTES {
        return Err(MessageFault::Malformed);
    }
    let mut parsed: Dictionary = Parser::new(value).parse().map_err(|_| MessageFault::Malformed)?;
    match (parsed.pop(), parsed.is_empty()) {
        (Some(member), true) => Ok(member),
        (Some(_), false) => Err(MessageFault::Several),
        (None, _) => Err(MessageFault::Unsigned),
    }
}

/// It says nothing of itself but what is known here, and names the key by its certificate.
fn parameters(inner: &InnerList, fingerprint: &str) -> Result<(), MessageFault> {
    for (name, value) in &inner.params {
        match (name.as_str(), value) {
            ("created" | "expires" | "alg" | "keyid", _) => {}
            ("nonce", BareItem::String(nonce)) if nonce.as_str().len() <= MOST_NONCE_BYTES => {}
            ("nonce", _) => return Err(MessageFault::Malformed),
            _ => {
                return Err(MessageFault::Unsupported(
                    "the signature has a parameter that is not known here",
                ));
            }
        }
    }
    match inner.params.get("keyid") {
        Some(BareItem::String(keyid)) if keyid.as_str() == fingerprint => Ok(()),
        None | Some(BareItem::String(_)) => Err(MessageFault::OtherKey),
        Some(_) => Err(MessageFault::Malformed),
    }
}

/// What has to be covered is.
fn covers(message: &Message<'_>, demand: &Demand<'_>, covered: &[Component]) -> Result<(), MessageFault> {
    let of_request = message.status.is_some();
    let covers = |name: &str, of_request: bool| {
        covered.iter().any(|one| one.name == name && one.of_request == of_request)
    };
    if of_request && !covers("@status", false) {
        return Err(MessageFault::NotCovered("the status"));
    }
    if !covers("@method", of_request) {
        return Err(MessageFault::NotCovered("the method"));
    }
    let parts = ["@authority", "@path", "@query"].iter().all(|part| covers(part, of_request));
    let told_apart = of_request && !demand.request_fields.is_empty();
    if !parts && !told_apart && !covers("@target-uri", of_request) {
        return Err(MessageFault::NotCovered("the whole target"));
    }
    if demand.content == Content::Some && !covers("content-digest", false) {
        return Err(MessageFault::NotCovered("the content"));
    }
    if !demand.fields.iter().all(|name| covers(name, false)) {
        return Err(MessageFault::NotCovered("a field that has to be covered"));
    }
    if !demand.request_fields.iter().all(|name| covers(name, true)) {
        return Err(MessageFault::NotCovered("the field that tells the request from others"));
    }
    Ok(())
}

/// When it was made: now, and not too long ago; what says that it has expired has.
fn created(inner: &InnerList, now: Timestamp) -> Result<Timestamp, MessageFault> {
    let time = |name: &str| match inner.params.get(name) {
        None => Ok(None),
        Some(BareItem::Integer(seconds)) => {
            Timestamp::from_second((*seconds).into()).map(Some).map_err(|_| MessageFault::Malformed)
        }
        Some(_) => Err(MessageFault::Malformed),
    };
    let created = time("created")?.ok_or(MessageFault::NotNow)?;
    if created.duration_since(now).abs() > CLOCK_SKEW {
        return Err(MessageFault::NotNow);
    }
    match time("expires")? {
        Some(expires) if expires < now => Err(MessageFault::Expired),
        _ => Ok(created),
    }
}

/// Whether it is over these bytes by this key; the key decides the algorithm, and only RSA leaves a choice.
fn matches(
    kind: KeyKind,
    key: &[u8],
    inner: &InnerList,
    signed: &str,
    made: &[u8],
) -> Result<(), MessageFault> {
    let named = match inner.params.get("alg") {
        None => None,
        Some(BareItem::String(named)) => Some(named.as_str()),
        Some(_) => return Err(MessageFault::Malformed),
    };
    let algorithm: &'static dyn VerificationAlgorithm = match (kind, named) {
        (KeyKind::Rsa, None | Some("rsa-pss-sha512")) => &RSA_PSS_2048_8192_SHA512,
        (KeyKind::Rsa, Some("rsa-v1_5-sha256")) => &RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::P256, None | Some("ecdsa-p256-sha256")) => &ECDSA_P256_SHA256_FIXED,
        (KeyKind::P384, None | Some("ecdsa-p384-sha384")) => &ECDSA_P384_SHA384_FIXED,
        (KeyKind::Ed25519, None | Some("ed25519")) => &ED25519,
        _ => return Err(MessageFault::Algorithm),
    };
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(signed.as_bytes(), made).map_err(|_| MessageFault::Forged)
}

const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
const MOST_FIELD_BYTES: usize = 2 << 10;
const MOST_NONCE_BYTES: usize = 64;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
