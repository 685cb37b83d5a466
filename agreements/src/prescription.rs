//! Prescriptions: the regulator's signed orders against a system or an agreement.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AgreementNumber, DataTypeId, OperationId, PrescriptionNumber, Signature, SystemId, Words};

/// Whom an order is against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A system, in all its exchanges on either side.
    System(SystemId),
    /// An agreement, in all its versions.
    Agreement(AgreementNumber),
}

/// An operation of a provider's data type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedOperation {
    /// Whose.
    pub provider: SystemId,
    /// Of which data type.
    pub data_type: DataTypeId,
    /// Which.
    pub operation: OperationId,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Nothing passes.
    Suspend,
    /// Only these operations pass.
    LimitTo(Vec<NamedOperation>),
    /// Something is corrected until the end of a day; after it nothing passes.
    CorrectBy(Date),
    /// The record of its exchanges is kept until the order is lifted, whatever retention says; calls pass as before.
    KeepRecord,
}

/// What the regulator signs, in its canonical form (RFC 8785).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrescriptionText {
    /// Its number.
    pub prescription: PrescriptionNumber,
    /// Against whom.
    pub against: Target,
    /// What.
    pub order: Order,
    /// Why.
    pub reason: Words,
    /// The clause that was violated.
    pub clause: Words,
    /// Where and until when it may be appealed.
    pub appeal: Words,
}

/// The order that lifts another, as the regulator signs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftingText {
    /// Which order is lifted.
    pub lifts: PrescriptionNumber,
    /// Why.
    pub reason: Words,
}

/// A prescription in the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prescription {
    /// What it says.
    pub text: PrescriptionText,
    /// The regulator's signature.
    pub signature: Signature,
    /// When it was issued.
    pub issued: Timestamp,
    /// The order that lifted it.
    pub lifted: Option<Lifted>,
}

/// How a prescription was lifted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lifted {
    /// What the order says.
    pub text: LiftingText,
    /// The regulator's signature.
    pub signature: Signature,
    /// When.
    pub at: Timestamp,
}

/// Most operations that an order may name.
pub(crate) const MOST_OPERATIONS: usize = 200;
