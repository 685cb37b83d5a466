//! Why a chain does not count.

use jiff::Timestamp;

use crate::certificate::WeakKey;
use crate::der::BadDer;
use crate::revocation::CrlFault;

/// Why a chain does not count. The codes are stable: they stand in log lines, metrics and refusals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Nothing was presented.
    #[error("no certificate was presented")]
    NoCertificate,
    /// More certificates, or more bytes of them, than anybody needs.
    #[error("the presented chain is too large")]
    ChainTooLarge,
    /// Bytes that are not a certificate, or one that contradicts itself.
    #[error("a certificate of the chain is malformed: {0}")]
    Malformed(String),
    /// No path from the leaf to a trust anchor.
    #[error("no path to a trust anchor")]
    ChainIncomplete,
    /// A certificate of the chain has ended.
    #[error("a certificate of the chain expired at {not_after}")]
    Expired {
        /// Its last moment.
        not_after: Timestamp,
    },
    /// A certificate of the chain has not begun.
    #[error("a certificate of the chain is not valid before {not_before}")]
    NotYetValid {
        /// Its first moment.
        not_before: Timestamp,
    },
    /// A certificate of the chain was revoked.
    #[error("certificate {serial} was revoked at {since}")]
    Revoked {
        /// Its serial number, in hexadecimal.
        serial: String,
        /// When it was revoked, or became invalid.
        since: Timestamp,
    },
    /// There is no revocation list of the certificate's issuer.
    #[error("no revocation list of {issuer}")]
    CrlMissing {
        /// The issuer's name.
        issuer: String,
    },
    /// The issuer's revocation lists are too old.
    #[error("the revocation list of {issuer} is too old")]
    CrlExpired {
        /// The issuer's name.
        issuer: String,
    },
    /// The issuer's revocation lists do not settle the certificate.
    #[error("the revocation list of {issuer} settles nothing")]
    CrlInvalid {
        /// The issuer's name.
        issuer: String,
        /// Why the last of them does not.
        #[source]
        fault: CrlFault,
    },
    /// The certificate is not for this use.
    #[error("the certificate is not for this use: {0}")]
    WrongKeyUsage(&'static str),
    /// A key of the chain does not count.
    #[error("a key of the chain does not count")]
    WeakKey(#[source] WeakKey),
    /// A signature in the chain does not verify, or with an algorithm that is not accepted.
    #[error("a signature in the chain does not verify: {0}")]
    BadSignature(String),
    /// An authority of the chain may not issue this certificate.
    #[error("an authority of the chain may not issue this certificate: {0}")]
    NotAnAuthority(&'static str),
    /// A name in the certificate is outside of what its issuer may name.
    #[error("a name is outside of what the issuer may name")]
    NameConstraint,
    /// A critical extension that we do not know.
    #[error("a certificate has an unknown critical extension")]
    UnknownCriticalExtension,
    /// The certificate is for another name.
    #[error("the certificate is not for the name {name}")]
    NameMismatch {
        /// The name that was called.
        name: String,
    },
    /// Verifying the chain would cost more than we are willing to spend.
    #[error("the chain is too costly to verify")]
    TooCostly,
    /// A trust anchor of the chain was refused when it was enrolled (files only: the gateway does not start).
    #[error("the trust anchor was refused: {0}")]
    AnchorRefused(String),
}

impl Untrusted {
    /// The stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::ChainTooLarge => "chain-too-large",
            Self::Malformed(_) => "malformed",
            Self::ChainIncomplete => "chain-incomplete",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Revoked { .. } => "revoked",
            Self::CrlMissing { .. } => "crl-missing",
            Self::CrlExpired { .. } => "crl-expired",
            Self::CrlInvalid { .. } => "crl-invalid",
            Self::WrongKeyUsage(_) => "wrong-key-usage",
            Self::WeakKey(_) => "weak-key",
            Self::BadSignature(_) => "bad-signature",
            Self::NotAnAuthority(_) => "not-an-authority",
            Self::NameConstraint => "name-constraint",
            Self::UnknownCriticalExtension => "unknown-critical-extension",
            Self::NameMismatch { .. } => "name-mismatch",
            Self::TooCostly => "too-costly",
            Self::AnchorRefused(_) => "anchor-refused",
        }
    }
}

impl From<BadDer> for Untrusted {
    fn from(bad: BadDer) -> Self {
        Self::Malformed(bad.to_string())
    }
}

impl From<webpki::Error> for Untrusted {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        let moment = |time: rustls_pki_types::UnixTime| {
            i64::try_from(time.as_secs()).ok().and_then(|s| Timestamp::from_second(s).ok())
        };
        match error {
            E::UnknownIssuer => Self::ChainIncomplete,
            E::CertExpired { not_after, .. } => {
                Self::Expired { not_after: moment(not_after).unwrap_or(Timestamp::MAX) }
            }
            E::CertNotValidYet { not_before, .. } => {
                Self::NotYetValid { not_before: moment(not_before).unwrap_or(Timestamp::MAX) }
            }
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => {
                Self::WrongKeyUsage("its extended key usage does not include it")
            }
            E::CaUsedAsEndEntity => Self::WrongKeyUsage("it is an authority's"),
            E::EndEntityUsedAsCa => Self::NotAnAuthority("it is not an authority"),
            E::PathLenConstraintViolated => Self::NotAnAuthority("the path below it is too long"),
            E::NameConstraintViolation => Self::NameConstraint,
            E::UnsupportedCriticalExtension => Self::UnknownCriticalExtension,
            E::InvalidSignatureForPublicKey
            | E::SignatureAlgorithmMismatch
            | E::UnsupportedSignatureAlgorithmContext(_)
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::BadSignature(error.to_string()),
            E::MaximumSignatureChecksExceeded
            | E::MaximumPathBuildCallsExceeded
            | E::MaximumPathDepthExceeded
            | E::MaximumNameConstraintComparisonsExceeded => Self::TooCostly,
            other => Self::Malformed(other.to_string()),
        }
    }
}
