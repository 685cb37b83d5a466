//! What the regulator says to an agreement before it (B9; Portal 17-18): signed, with remarks and remedies or a reason.
//!
//! Agreeing without a remark is a signature over the agreement's own bytes. Everything else is a statement of its own, so that
//! nobody can take a refusal for a concurrence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AgreementNumber, Signature, Words};

/// A remark, with what would remove its cause (Portal 17.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// What is remarked on.
    pub remark: Words,
    /// What is proposed.
    pub remedy: Words,
}

/// What the regulator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// It concurs; the holders mend what is remarked on as they go.
    AgreedWithRemarks,
    /// It does not concur.
    Refused,
    /// The holders are to rework it: the next version follows.
    Returned,
}

impl Ruling {
    /// Whether the agreement is in force by it.
    pub fn agrees(self) -> bool {
        match self {
            Self::AgreedWithRemarks => true,
            Self::Refused | Self::Returned => false,
        }
    }
}

/// What the regulator signs, in its canonical form (RFC 8785).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulingText {
    /// On which agreement.
    pub agreement: AgreementNumber,
    /// On which version.
    pub version: u32,
    /// SHA-256 of that version's canonical form, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub document_sha256: String,
    /// What is decided.
    pub ruling: Ruling,
    /// Why; said of what is refused.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub reason: Words,
    /// What is remarked on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

/// A ruling in the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ruled {
    /// What it says.
    pub text: RulingText,
    /// The regulator's signature.
    pub signature: Signature,
    /// When it was entered.
    pub at: Timestamp,
}

/// Nobody answers more.
pub(crate) const MOST_REMARKS: usize = 100;
