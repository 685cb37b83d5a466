//! Why commands are refused.

use strum::{IntoStaticStr, VariantNames};

use crate::spelling::{Spelled, SpelledList};
use crate::{
    AgreementNumber, ApplicationFault, ApplicationNumber, Bin, CheckKind, DocumentKind, EndpointFault, Gap,
    HolidayFault, InformationFault, ObjectId, OperatorId, OperatorStanding, Party, Problem, Role, Side,
    Stage, SystemId, SystemStatus, UserId,
};

/// Why a command was not carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "fields are named by their types")]
pub enum CommandError {
    #[error("role {} may not do this", Spelled(role))]
    NotInRole { role: Role },
    #[error("this belongs to organisation {owner}, not to {actor}")]
    NotYours { owner: Bin, actor: Bin },
    #[error("{what} is outside what {actor} may see")]
    OutOfReach { what: String, actor: OperatorId },
    #[error("operator {operator} is {}", Spelled(standing))]
    #[strum(serialize = "operator-not-active")]
    NotActive { operator: OperatorId, standing: OperatorStanding },
    #[error("{operator} {did}: another operator has to do this")]
    SamePerson { operator: OperatorId, did: &'static str },
    #[error("nobody would be left who administers the gateway")]
    LastAdministrator,
    #[error("a {} needs {what}", Spelled(role))]
    ReachMissing { role: Role, what: &'static str },
    #[error("{what} is not in the registry")]
    Unknown { what: String },
    #[error("{what} is in the registry already")]
    Exists { what: String },
    #[error("application of {system} lacks {}", SpelledList(missing))]
    #[strum(serialize = "application-incomplete")]
    Incomplete { system: SystemId, missing: Vec<DocumentKind> },
    #[error("application {number} lacks {} things", .gaps.len())]
    #[strum(serialize = "application-lacking")]
    Lacking { number: ApplicationNumber, gaps: Vec<Gap> },
    #[error("application {number} is {outcome}")]
    #[strum(serialize = "application-settled")]
    Settled { number: ApplicationNumber, outcome: &'static str },
    #[error("the application cannot be kept: {0}")]
    #[strum(serialize = "application-unusable")]
    Application(ApplicationFault),
    #[error("the information cannot be kept: {0}")]
    #[strum(serialize = "information-unusable")]
    Information(InformationFault),
    #[error("{what}: {fault}")]
    #[strum(serialize = "calendar-entry-wrong")]
    Calendar { what: String, fault: HolidayFault },
    #[error("{what} is not given, or lies after today")]
    #[strum(serialize = "date-wrong")]
    Date { what: &'static str },
    #[error("nothing is said")]
    NothingSaid,
    #[error("system {system} names no network that it may connect from")]
    NoNetworks { system: SystemId },
    #[error("the endpoint of system {system} cannot be used: {fault}")]
    #[strum(serialize = "endpoint-unusable")]
    Endpoint { system: SystemId, fault: EndpointFault },
    #[error("system {system} is {}", Spelled(status))]
    #[strum(serialize = "wrong-status")]
    SystemStatus { system: SystemId, status: SystemStatus },
    #[error("object {object} is no longer in operation")]
    ObjectEnded { object: ObjectId },
    #[error("system {system} lacks {what}, which goes to the regulator with the agreement")]
    NoConformity { system: SystemId, what: &'static str },
    #[error("{number} ends before it begins")]
    EmptyValidity { number: String },
    #[error("agreement {number} version {version} is {}", Spelled(stage))]
    #[strum(serialize = "wrong-stage")]
    Stage { number: AgreementNumber, version: u32, stage: Stage },
    #[error("agreement {number} version {found} cannot follow: {expected} is the next")]
    #[strum(serialize = "wrong-version")]
    Version { number: AgreementNumber, expected: u32, found: u32 },
    #[error("agreement {number} version {version} is signed: a change is a new version")]
    SignedAlready { number: AgreementNumber, version: u32 },
    #[error("the document is no agreement: {0}")]
    #[strum(serialize = "document-unreadable")]
    Unreadable(String),
    #[error("the draft has {} problems", .0.len())]
    #[strum(serialize = "draft-has-problems")]
    Draft(Vec<Problem>),
    #[error("the signature is for the {}, and the signer's organisation {bin} is not theirs", Spelled(found))]
    #[strum(serialize = "signature-by-stranger")]
    Stranger { found: Side, bin: Bin },
    #[error("the {} has not signed", Spelled(.0))]
    Unsigned(Side),
    #[error("{paper} is not among what the holders signed")]
    PaperNotAttached { paper: String },
    #[error("{paper} was recorded without its document, so it cannot be attached")]
    PaperWithoutDocument { paper: String },
    #[error("the depositary does not keep {}", .missing.join(", "))]
    #[strum(serialize = "document-not-kept")]
    NotKept { missing: Vec<String> },
    #[error("a reason is needed")]
    NoReason,
    #[error("{number} version {version} is old: {newest} is the newest")]
    #[strum(serialize = "agreement-version-old")]
    OldVersion { number: AgreementNumber, version: u32, newest: u32 },
    #[error("list {found} of officials under {number} cannot follow: {expected} is the next")]
    #[strum(serialize = "user-list-old")]
    OldList { number: AgreementNumber, expected: u32, found: u32 },
    #[error("the agreement asks for trained officials, and the certificate of {} {fault}", .official.as_str())]
    #[strum(serialize = "training-unfit")]
    TrainingUnfit { official: UserId, fault: &'static str },
    #[error("the agreement names who signs for the {}, and {signer} is not among them", Spelled(side))]
    #[strum(serialize = "signer-not-named")]
    NotNamed { side: Side, signer: String },
    #[error("{signer} has not signed for the {}", Spelled(side))]
    SignerMissing { side: Side, signer: String },
    #[error("the delegation {0}")]
    #[strum(serialize = "delegation-unfit")]
    DelegationUnfit(&'static str),
    #[error("the act {0}")]
    #[strum(serialize = "act-unfit")]
    ActUnfit(&'static str),
    #[error("the template {0}")]
    #[strum(serialize = "template-unfit")]
    TemplateUnfit(&'static str),
    #[error("the ruling {0}")]
    #[strum(serialize = "ruling-unfit")]
    RulingUnfit(&'static str),
    #[error("the protocol of disagreement {0}")]
    #[strum(serialize = "protocol-unfit")]
    ProtocolUnfit(&'static str),
    #[error("the prescription {0}")]
    #[strum(serialize = "prescription-unfit")]
    PrescriptionUnfit(&'static str),
    #[error("the readiness check lacks {party} {}", Spelled(check))]
    #[strum(serialize = "readiness-not-checked")]
    NotChecked { party: Party, check: CheckKind },
    #[error("the readiness check has {0}")]
    #[strum(serialize = "readiness-unfit")]
    CheckUnfit(&'static str),
    #[error("{party} {system} changed after revision {revision}, on which its readiness was checked")]
    #[strum(serialize = "readiness-outdated")]
    ChangedSince { party: Party, system: SystemId, revision: u64 },
    #[error("data type {0}: {1}")]
    #[strum(serialize = "data-type-wrong")]
    DataType(String, String),
}

impl CommandError {
    /// The stable name of the reason.
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// All reasons' names.
    pub const CODES: &'static [&'static str] = <Self as VariantNames>::VARIANTS;
}
