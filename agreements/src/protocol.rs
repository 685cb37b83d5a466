//! The protocol of disagreement (B9; Portal 21): attached to a version, signed by the heads of both holders.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Agreement, AgreementNumber, Registry, Side, Signature, Words};

/// What both heads sign, in its canonical form (RFC 8785).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtocolText {
    /// To which agreement it is attached.
    pub agreement: AgreementNumber,
    /// To which version.
    pub version: u32,
    /// SHA-256 of the protocol, which the depositary keeps, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub document: String,
    /// On what the two do not agree, in short.
    pub about: Words,
}

/// A protocol in the registry: it stands once both have signed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Protocol {
    /// What it says.
    pub text: ProtocolText,
    /// Its signatures, in the order in which they came.
    pub signatures: Vec<Signature>,
}

impl Protocol {
    /// The version that it is attached to.
    pub(crate) fn of<'r>(&self, registry: &'r Registry) -> Option<&'r Agreement> {
        registry.agreement(&self.text.agreement, self.text.version)
    }

    /// Whether both holders have signed it.
    pub fn is_signed_by_both(&self) -> bool {
        let signed = |side| self.signatures.iter().any(|signature| signature.side == side);
        signed(Side::Consumer) && signed(Side::Provider)
    }
}
