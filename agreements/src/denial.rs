//! Why a call is not permitted: a cause, and for each cause one stable code.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{Culprit, Row, rows};
use crate::spelling::Spelled;
use crate::{
    ActId, AgreementNumber, Category, CollectionPurpose, DataTypeId, Fingerprint, OperationId, Phase,
    PrescriptionNumber, SystemId,
};

/// Which side of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The system that asks.
    Consumer,
    /// The system that answers.
    Provider,
}

/// Which conformity document (Interaction 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Paper {
    /// The attestation.
    Attestation,
    /// The quality certificate.
    QualityCertificate,
}

/// Why a call is not permitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields are named by their types")]
pub enum Denial {
    /// A6, C1: the certificate is bound to no system.
    #[error("certificate {0} is bound to no system")]
    CertificateNotRegistered(Fingerprint),
    /// A4: a side is suspended.
    #[error("{party} {system} is suspended")]
    SystemSuspended { party: Party, system: SystemId },
    /// A4: a side has ended.
    #[error("{party} {system} is decommissioned")]
    SystemDecommissioned { party: Party, system: SystemId },
    /// A5: trial systems exchange in the trial environment, production systems in the other.
    #[error("{party} {system} is in {} operation, this gateway is not", Spelled(phase))]
    WrongEnvironment { party: Party, system: SystemId, phase: Phase },
    /// A9: the peer's address is in none of the system's networks.
    #[error("{system} does not connect from this network")]
    NetworkNotRegistered { system: SystemId },
    /// A1: no attestation or no quality certificate, or not valid yet.
    #[error("{party} {system} has no valid {paper}")]
    PaperMissing { party: Party, system: SystemId, paper: Paper },
    /// A1: it ended.
    #[error("{paper} of {party} {system} ended at {at}")]
    PaperEnded { party: Party, system: SystemId, paper: Paper, at: Timestamp },
    /// A1: it is suspended.
    #[error("{paper} of {party} {system} is suspended since {at}")]
    PaperSuspended { party: Party, system: SystemId, paper: Paper, at: Timestamp },
    /// A1: it was withdrawn.
    #[error("{paper} of {party} {system} was withdrawn at {at}")]
    PaperWithdrawn { party: Party, system: SystemId, paper: Paper, at: Timestamp },
    /// The provider is not registered.
    #[error("no such provider")]
    ProviderUnknown,
    /// The provider never said where it listens.
    #[error("provider {0} has no endpoint")]
    ProviderWithoutEndpoint(SystemId),
    /// C2: nothing is agreed between the two.
    #[error("no agreement between {consumer} and {provider}")]
    NoAgreement { consumer: SystemId, provider: SystemId },
    /// B3: the regulator has not concurred.
    #[error("the regulator has not concurred in {0}")]
    AgreementNotConcurred(AgreementNumber),
    /// B4: this node could not verify the agreement's signatures.
    #[error("signatures of {number} are not proven: {fault}")]
    AgreementUnproven { number: AgreementNumber, fault: &'static str },
    /// B9: suspended.
    #[error("agreement {0} is suspended")]
    AgreementSuspended(AgreementNumber),
    /// B9: terminated.
    #[error("agreement {0} is terminated")]
    AgreementTerminated(AgreementNumber),
    /// B2.2: before the access period.
    #[error("access period of {0} has not begun")]
    AgreementNotYetInForce(AgreementNumber),
    /// B2.2: after the access period.
    #[error("access period of {0} is over")]
    AgreementExpired(AgreementNumber),
    /// B2.2: not at this hour or on this day.
    #[error("{0} allows access on other days or hours")]
    OutsideAccessHours(AgreementNumber),
    /// B5: no readiness check is on record.
    #[error("no readiness check of {0} is on record")]
    ReadinessMissing(AgreementNumber),
    /// B5: the newest readiness check failed.
    #[error("the newest readiness check of {number} failed on the side of the {party}")]
    ReadinessFailed { number: AgreementNumber, party: Party },
    /// B5: a system changed since the newest readiness check.
    #[error("the {party} changed since the readiness check of {number}")]
    ReadinessOutdated { number: AgreementNumber, party: Party },
    /// B5: the newest readiness check is older than the agreement allows.
    #[error("the readiness check of {number} held until {until}")]
    ReadinessStale { number: AgreementNumber, until: Timestamp },
    /// A prescription of the regulator stops a system or an agreement.
    #[error("prescription {0} stops it")]
    PrescriptionSuspends(PrescriptionNumber),
    /// What a prescription asked for was due.
    #[error("what prescription {prescription} asks for was due before {since}")]
    PrescriptionOverdue { prescription: PrescriptionNumber, since: Timestamp },
    /// A prescription leaves only other operations.
    #[error("prescription {prescription} does not name operation {operation}")]
    PrescriptionLimits { prescription: PrescriptionNumber, operation: OperationId },
    /// B2.1: the agreement does not name the data type.
    #[error("{number} does not name the data type")]
    DataTypeNotAgreed { number: AgreementNumber },
    /// C2: the data type has no such operation.
    #[error("{0} has no such operation")]
    OperationUnknown(DataTypeId),
    /// B2.1: the agreement does not name the operation.
    #[error("{number} does not name operation {operation}")]
    OperationNotAgreed { number: AgreementNumber, operation: OperationId },
    /// B7: the operation has no such parameter.
    // D4: its name is the caller's own text, which no log line repeats.
    #[error("operation {operation} has no such parameter")]
    ParameterNotDeclared { operation: OperationId, parameter: String },
    /// C2: a parameter is missing.
    #[error("operation {operation} needs the parameter {parameter}")]
    ParameterMissing { operation: OperationId, parameter: String },
    /// B8: a state secret never passes.
    #[error("{0} is a state secret")]
    StateSecret(DataTypeId),
    /// B1: the category was raised above what the agreement protects.
    #[error("{data_type} is now {}", Spelled(category))]
    CategoryRaised { data_type: DataTypeId, category: Category },
    /// B8: no act on which the agreement stands lets data for official use pass.
    #[error("{data_type} is for official use, and no basis of agreement {number} lets such data pass")]
    OfficialUseNotAllowed { number: AgreementNumber, data_type: DataTypeId },
    /// B2.3: several purposes are agreed, and none is named.
    #[error("{0} has several purposes, and the call names none")]
    PurposeMissing(AgreementNumber),
    /// B7: the agreement does not name the purpose.
    #[error("{0} does not name the purpose")]
    PurposeNotAgreed(AgreementNumber),
    /// B7: personal data is used only for what it was collected for.
    #[error("{data_type} was collected for {collected}")]
    CollectionPurposeMismatch { data_type: DataTypeId, collected: CollectionPurpose },
    /// B7: the data became personal, and the version that was agreed on does not say what for it was collected.
    #[error(
        "{data_type} is now {}, and the agreed version does not say what for it was collected",
        Spelled(category)
    )]
    CollectionPurposeUnknown { data_type: DataTypeId, category: Category },
    /// B2.5: the agreement asks for the case.
    #[error("{0} asks for the case")]
    CaseMissing(AgreementNumber),
    /// B10: an act that the agreement stands on is not in force.
    #[error("basis of {number}, act {act}, is not in force")]
    BasisNotInForce { number: AgreementNumber, act: ActId },
    /// B10: the time is over that agreements were given after an act that they stand on lost force.
    #[error("{number} stands on act {act}, and its time after that is over")]
    BasisLapsed { number: AgreementNumber, act: ActId },
    /// B6, B7: personal data passes to listed officials or with consent.
    #[error("{data_type} is personal data, and {number} asks for neither listed officials nor consent")]
    UsersNotLimited { number: AgreementNumber, data_type: DataTypeId },
    /// B6: this node could not verify the list's signature.
    #[error("the list of officials under {number} is not proven: {fault}")]
    UsersUnproven { number: AgreementNumber, fault: &'static str },
    /// B6: the agreement asks for a listed user, and the call names none.
    #[error("{0} asks for a user")]
    UserMissing(AgreementNumber),
    /// B6: the user is not on the list.
    #[error("the user is not on the list of {0}")]
    UserNotListed(AgreementNumber),
    /// B6: the user's training certificate ended.
    #[error("the training certificate of {number}'s user ended at {at}")]
    UserTrainingEnded { number: AgreementNumber, at: Timestamp },
    /// B6: the user holds no training certificate.
    #[error("{0} asks for a training certificate")]
    UserNotTrained(AgreementNumber),
}

impl Denial {
    /// Code, clause, status and words of this cause.
    pub fn row(&self) -> &'static Row {
        match self {
            Self::CertificateNotRegistered(_) => &rows::CERTIFICATE_NOT_REGISTERED,
            Self::SystemSuspended { .. } => &rows::SYSTEM_SUSPENDED,
            Self::SystemDecommissioned { .. } => &rows::SYSTEM_DECOMMISSIONED,
            Self::WrongEnvironment { .. } => &rows::WRONG_ENVIRONMENT,
            Self::NetworkNotRegistered { .. } => &rows::NETWORK_NOT_REGISTERED,
            Self::PaperMissing { paper: Paper::Attestation, .. } => &rows::ATTESTATION_MISSING,
            Self::PaperEnded { paper: Paper::Attestation, .. } => &rows::ATTESTATION_ENDED,
            Self::PaperSuspended { paper: Paper::Attestation, .. } => &rows::ATTESTATION_SUSPENDED,
            Self::PaperWithdrawn { paper: Paper::Attestation, .. } => &rows::ATTESTATION_WITHDRAWN,
            Self::PaperMissing { paper: Paper::QualityCertificate, .. } => &rows::QUALITY_CERTIFICATE_MISSING,
            Self::PaperEnded { paper: Paper::QualityCertificate, .. } => &rows::QUALITY_CERTIFICATE_ENDED,
            Self::PaperSuspended { paper: Paper::QualityCertificate, .. } => {
                &rows::QUALITY_CERTIFICATE_SUSPENDED
            }
            Self::PaperWithdrawn { paper: Paper::QualityCertificate, .. } => {
                &rows::QUALITY_CERTIFICATE_WITHDRAWN
            }
            Self::ProviderUnknown => &rows::PROVIDER_UNKNOWN,
            Self::ProviderWithoutEndpoint(_) => &rows::PROVIDER_WITHOUT_ENDPOINT,
            Self::NoAgreement { .. } => &rows::NO_AGREEMENT,
            Self::AgreementNotConcurred(_) => &rows::AGREEMENT_NOT_CONCURRED,
            Self::AgreementUnproven { .. } => &rows::AGREEMENT_UNPROVEN,
            Self::AgreementSuspended(_) => &rows::AGREEMENT_SUSPENDED,
            Self::AgreementTerminated(_) => &rows::AGREEMENT_TERMINATED,
            Self::AgreementNotYetInForce(_) => &rows::AGREEMENT_NOT_YET_IN_FORCE,
            Self::AgreementExpired(_) => &rows::AGREEMENT_EXPIRED,
            Self::OutsideAccessHours(_) => &rows::OUTSIDE_ACCESS_HOURS,
            Self::ReadinessMissing(_) => &rows::READINESS_MISSING,
            Self::ReadinessFailed { .. } => &rows::READINESS_FAILED,
            Self::ReadinessOutdated { .. } => &rows::READINESS_OUTDATED,
            Self::ReadinessStale { .. } => &rows::READINESS_STALE,
            Self::PrescriptionSuspends(_) => &rows::PRESCRIPTION_SUSPENDS,
            Self::PrescriptionOverdue { .. } => &rows::PRESCRIPTION_OVERDUE,
            Self::PrescriptionLimits { .. } => &rows::PRESCRIPTION_LIMITS,
            Self::BasisLapsed { .. } => &rows::BASIS_LAPSED,
            Self::UsersUnproven { .. } => &rows::USERS_UNPROVEN,
            Self::DataTypeNotAgreed { .. } => &rows::DATA_TYPE_NOT_AGREED,
            Self::OperationUnknown(_) => &rows::OPERATION_UNKNOWN,
            Self::OperationNotAgreed { .. } => &rows::OPERATION_NOT_AGREED,
            Self::ParameterNotDeclared { .. } => &rows::PARAMETER_NOT_DECLARED,
            Self::ParameterMissing { .. } => &rows::PARAMETER_MISSING,
            Self::StateSecret(_) => &rows::STATE_SECRET,
            Self::CategoryRaised { .. } => &rows::CATEGORY_RAISED,
            Self::OfficialUseNotAllowed { .. } => &rows::OFFICIAL_USE_NOT_ALLOWED,
            Self::PurposeMissing(_) => &rows::PURPOSE_MISSING,
            Self::PurposeNotAgreed(_) => &rows::PURPOSE_NOT_AGREED,
            Self::CollectionPurposeMismatch { .. } => &rows::COLLECTION_PURPOSE_MISMATCH,
            Self::CollectionPurposeUnknown { .. } => &rows::COLLECTION_PURPOSE_UNKNOWN,
            Self::UsersNotLimited { .. } => &rows::USERS_NOT_LIMITED,
            Self::CaseMissing(_) => &rows::CASE_MISSING,
            Self::BasisNotInForce { .. } => &rows::BASIS_NOT_IN_FORCE,
            Self::UserMissing(_) => &rows::USER_MISSING,
            Self::UserNotListed(_) => &rows::USER_NOT_LISTED,
            Self::UserTrainingEnded { .. } => &rows::USER_TRAINING_ENDED,
            Self::UserNotTrained(_) => &rows::USER_NOT_TRAINED,
        }
    }

    /// Whose doing it is.
    pub fn culprit(&self) -> Culprit {
        match self {
            Self::SystemSuspended { party, .. }
            | Self::SystemDecommissioned { party, .. }
            | Self::WrongEnvironment { party, .. }
            | Self::PaperMissing { party, .. }
            | Self::PaperEnded { party, .. }
            | Self::PaperSuspended { party, .. }
            | Self::PaperWithdrawn { party, .. }
            | Self::ReadinessFailed { party, .. }
            | Self::ReadinessOutdated { party, .. } => match party {
                Party::Consumer => Culprit::Consumer,
                Party::Provider => Culprit::Provider,
            },
            Self::CertificateNotRegistered(_)
            | Self::NetworkNotRegistered { .. }
            | Self::ProviderUnknown
            | Self::ProviderWithoutEndpoint(_)
            | Self::NoAgreement { .. }
            | Self::AgreementNotConcurred(_)
            | Self::AgreementUnproven { .. }
            | Self::AgreementSuspended(_)
            | Self::AgreementTerminated(_)
            | Self::AgreementNotYetInForce(_)
            | Self::AgreementExpired(_)
            | Self::OutsideAccessHours(_)
            | Self::ReadinessMissing(_)
            | Self::ReadinessStale { .. }
            | Self::PrescriptionSuspends(_)
            | Self::PrescriptionOverdue { .. }
            | Self::PrescriptionLimits { .. }
            | Self::BasisLapsed { .. }
            | Self::UsersUnproven { .. }
            | Self::DataTypeNotAgreed { .. }
            | Self::OperationUnknown(_)
            | Self::OperationNotAgreed { .. }
            | Self::ParameterNotDeclared { .. }
            | Self::ParameterMissing { .. }
            | Self::StateSecret(_)
            | Self::CategoryRaised { .. }
            | Self::OfficialUseNotAllowed { .. }
            | Self::PurposeMissing(_)
            | Self::PurposeNotAgreed(_)
            | Self::CollectionPurposeMismatch { .. }
            | Self::CollectionPurposeUnknown { .. }
            | Self::UsersNotLimited { .. }
            | Self::CaseMissing(_)
            | Self::BasisNotInForce { .. }
            | Self::UserMissing(_)
            | Self::UserNotListed(_)
            | Self::UserTrainingEnded { .. }
            | Self::UserNotTrained(_) => self.row().culprit,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumer => "consumer",
            Self::Provider => "provider",
        })
    }
}

impl fmt::Display for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attestation => "attestation",
            Self::QualityCertificate => "quality certificate",
        })
    }
}
