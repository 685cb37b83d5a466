//! What is signed: a node believes none of it that it did not verify itself.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::prescription::Lifted;
use crate::{
    Agreement, AgreementNumber, Bin, Delegated, Delegation, ListedUser, Prescription, Protocol, Registry,
    Ruled, Side, Signature, SystemId,
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
    /// What the regulator decided on a version of an agreement by a statement of its own.
    Ruling(&'r Agreement, &'r Ruled),
    /// A protocol of disagreement: by both holders.
    Protocol(&'r Protocol),
}

/// The bytes that are signed: as they are kept, or as the canonical form (RFC 8785) of a value.
#[derive(Debug)]
pub enum SignedForm<'r> {
    /// These very bytes.
    Kept(Cow<'r, str>),
    /// The canonical form of this.
    CanonicalOf(Value),
    /// The canonical form of `value`, whose `document_sha256` is that of `document`.
    About {
        /// What is signed.
        value: Value,
        /// What it is about.
        document: Cow<'r, str>,
    },
}

impl<'r> Signed<'r> {
    /// What is signed.
    pub fn form(self) -> SignedForm<'r> {
        match self {
            Self::Agreement(agreement) => SignedForm::Kept(agreement.document.text()),
            Self::Users(approved) => SignedForm::CanonicalOf(json!(approved.list)),
            Self::Delegation(delegation) => SignedForm::CanonicalOf(json!(delegation.text)),
            Self::Prescription(prescription) => SignedForm::CanonicalOf(json!(prescription.text)),
            Self::Lifting(lifted) => SignedForm::CanonicalOf(json!(lifted.text)),
            Self::Ruling(agreement, ruled) => {
                SignedForm::About { value: json!(ruled.text), document: agreement.document.text() }
            }
            Self::Protocol(protocol) => SignedForm::CanonicalOf(json!(protocol.text)),
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
            Self::Ruling(_, ruled) => std::slice::from_ref(&ruled.signature),
            Self::Protocol(protocol) => &protocol.signatures,
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
            Self::Prescription(_) | Self::Lifting(_) | Self::Ruling(..) => [None, None, registry.regulator()],
            Self::Protocol(protocol) => match protocol.of(registry) {
                Some(Agreement { header, .. }) => [holder(&header.consumer), holder(&header.provider), None],
                None => [None, None, None],
            },
        }
    }

    /// What stands beside this and must stand with it: an agreement may be in force by the regulator's ruling.
    pub fn beside(self) -> Option<Self> {
        match self {
            Self::Agreement(agreement) => {
                let ruled = agreement.ruled.as_deref().filter(|ruled| ruled.text.ruling.agrees());
                ruled.map(|ruled| Self::Ruling(agreement, ruled))
            }
            Self::Users(_)
            | Self::Delegation(_)
            | Self::Prescription(_)
            | Self::Lifting(_)
            | Self::Ruling(..)
            | Self::Protocol(_) => None,
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
            (Self::Protocol(protocol), Side::Consumer) => &protocol.of(registry)?.header.consumer,
            (Self::Protocol(protocol), Side::Provider) => &protocol.of(registry)?.header.provider,
            _ => return None,
        };
        registry.delegation_for(system, signer, Delegated::Signing, at)
    }
}
