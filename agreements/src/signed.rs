//! What is signed: a node believes none of it that it did not verify itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::prescription::Lifted;
use crate::{
    Agreement, AgreementNumber, Bin, Delegated, Delegation, ListedUser, Prescription, Registry, Side,
    Signature, SystemId,
};

/// The officials who may ask under an agreement, as the consumer's head approved them (HR 20-21).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserList {
    /// Under which agreement.
    pub agreement: AgreementNumber,
    /// Counts the agreement's lists from 1, so that an old one cannot come again; 0 where it was never signed.
    pub serial: u32,
    /// Who.
    pub users: Vec<ListedUser>,
}

/// A list in the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApprovedUsers {
    /// What was signed.
    pub list: UserList,
    /// The signature of the consumer's head; none on lists of earlier builds, which do not count.
    pub signature: Option<Signature>,
}

/// Something signed, with its signatures.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'r> {
    /// A version of an agreement: by both holders and the regulator.
    Agreement(&'r Agreement),
    /// A list of officials: by the consumer's holder.
    Users(&'r ApprovedUsers),
    /// A delegation: by the holder who delegates.
    Delegation(&'r Delegation),
    /// A prescription: by the regulator.
    Prescription(&'r Prescription),
    /// The order that lifts a prescription: by the regulator.
    Lifting(&'r Lifted),
}

/// The bytes that are signed: as they are kept, or as the canonical form (RFC 8785) of a value.
#[derive(Debug)]
pub enum SignedForm<'r> {
    /// These very bytes.
    Kept(&'r str),
    /// The canonical form of this.
    CanonicalOf(Value),
}

impl<'r> Signed<'r> {
    /// What is signed.
    pub fn form(self) -> SignedForm<'r> {
        match self {
            Self::Agreement(agreement) => SignedForm::Kept(&agreement.document),
            Self::Users(approved) => SignedForm::CanonicalOf(json!(approved.list)),
            Self::Delegation(delegation) => SignedForm::CanonicalOf(json!(delegation.text)),
            Self::Prescription(prescription) => SignedForm::CanonicalOf(json!(prescription.text)),
            Self::Lifting(lifted) => SignedForm::CanonicalOf(json!(lifted.text)),
        }
    }

    /// By whom, as the registry keeps it.
    pub fn signatures(self) -> &'r [Signature] {
        match self {
            Self::Agreement(agreement) => &agreement.signatures,
            Self::Users(approved) => approved.signature.as_slice(),
            Self::Delegation(delegation) => std::slice::from_ref(&delegation.signature),
            Self::Prescription(prescription) => std::slice::from_ref(&prescription.signature),
            Self::Lifting(lifted) => std::slice::from_ref(&lifted.signature),
        }
    }

    /// For whom each side signs: consumer, provider, regulator. A side that does not sign this has nobody.
    pub fn parties(self, registry: &Registry) -> [Option<Bin>; 3] {
        let holder = |id: &SystemId| registry.system(id).map(|system| system.card.holder);
        match self {
            Self::Agreement(Agreement { header, .. }) => {
                [holder(&header.consumer), holder(&header.provider), registry.regulator()]
            }
            Self::Users(approved) => {
                [registry.consumer_of(&approved.list.agreement).and_then(holder), None, None]
            }
            Self::Delegation(delegation) => [Some(delegation.text.principal), None, None],
            Self::Prescription(_) | Self::Lifting(_) => [None, None, registry.regulator()],
        }
    }

    /// A delegation under which `signer` may sign this for a side at a moment (A10). Delegating is not delegated.
    pub fn delegation(
        self,
        side: Side,
        signer: Bin,
        at: Timestamp,
        registry: &Registry,
    ) -> Option<&Delegation> {
        let system = match (self, side) {
            (Self::Agreement(agreement), Side::Consumer) => &agreement.header.consumer,
            (Self::Agreement(agreement), Side::Provider) => &agreement.header.provider,
            (Self::Users(approved), Side::Consumer) => registry.consumer_of(&approved.list.agreement)?,
            _ => return None,
        };
        registry.delegation_for(system, signer, Delegated::Signing, at)
    }
}
