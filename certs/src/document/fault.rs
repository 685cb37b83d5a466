//! Why the signature of a document does not count: a stable code, and a reason that names nobody.

use crate::der::BadDer;
use crate::signed_data::BadSignedData;
use crate::trust::Untrusted;

/// Why the signature of a document does not count. The codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum DocumentFault {
    /// There is none.
    Unsigned,
    /// It is not what it must be, or can be read in two ways.
    Malformed(&'static str),
    /// It is made in a way that does not count: by hash, by kind of key, or by what it leaves out.
    Algorithm(&'static str),
    /// It is made by the national standard, which is for another to verify.
    National,
    /// It is the second such in one PDF.
    NationalTwice,
    /// Who verifies signatures by the national standard says that it does not hold.
    Invalid,
    /// It is over another content.
    OtherContent,
    /// It was added to after its last signature.
    Changed,
    /// It is not by the key of the certificate that it names.
    Forged,
    /// It does not say when it was made, or a time that is to come.
    Time,
    /// A certificate of the signer's had ended, or had not begun, when it signed.
    SignerExpired,
    /// A certificate of the signer's was revoked before it signed.
    SignerRevoked,
    /// The signer's certificate does not count: the name of why.
    SignerUntrusted(&'static str),
}

impl DocumentFault {
    /// The stable name of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "document-unsigned",
            Self::Malformed(_) => "document-signature-malformed",
            Self::Algorithm(_) => "document-signature-algorithm",
            Self::National => "document-signature-national",
            Self::NationalTwice => "document-signature-national-twice",
            Self::Invalid => "document-signature-invalid",
            Self::OtherContent => "document-signature-content",
            Self::Changed => "document-changed",
            Self::Forged => "document-signature-forged",
            Self::Time => "document-signature-time",
            Self::SignerExpired => "document-signer-expired",
            Self::SignerRevoked => "document-signer-revoked",
            Self::SignerUntrusted(_) => "document-signer-untrusted",
        }
    }
}

impl DocumentFault {
    /// What is wrong, in fixed words that name nobody.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unsigned => "the document bears no signature",
            Self::Malformed(what) | Self::Algorithm(what) => what,
            Self::National => "it is made by a national algorithm, which is not verified here",
            Self::NationalTwice => "a PDF bears more than one signature by a national algorithm",
            Self::Invalid => "the service that verifies national signatures says that it does not hold",
            Self::OtherContent => "the signature is over another document",
            Self::Changed => "something was added to the document after it was signed",
            Self::Forged => "the signature is not by the key of its signer's certificate",
            Self::Time => "it does not say when it was made, or a time that is to come",
            Self::SignerExpired => "its signer's certificate was not valid when it signed",
            Self::SignerRevoked => "its signer's certificate was revoked before it signed",
            Self::SignerUntrusted(code) => code,
        }
    }
}

impl From<BadDer> for DocumentFault {
    fn from(BadDer: BadDer) -> Self {
        BadSignedData::from(BadDer).into()
    }
}

impl From<BadSignedData> for DocumentFault {
    fn from(bad: BadSignedData) -> Self {
        match bad {
            BadSignedData::Malformed(what) => Self::Malformed(what),
            BadSignedData::Algorithm(what) => Self::Algorithm(what),
            BadSignedData::NoSigners => Self::Unsigned,
            BadSignedData::Unnamed => Self::Malformed("a signer is not named by issuer and serial number"),
            BadSignedData::NoCertificate => Self::Malformed("it does not bring its signer's certificate"),
            BadSignedData::Forged => Self::Forged,
        }
    }
}

impl From<Untrusted> for DocumentFault {
    fn from(untrusted: Untrusted) -> Self {
        match untrusted {
            Untrusted::Expired { .. } | Untrusted::NotYetValid { .. } => Self::SignerExpired,
            Untrusted::Revoked { .. } => Self::SignerRevoked,
            other => Self::SignerUntrusted(other.code()),
        }
    }
}
