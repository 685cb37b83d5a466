//! Commands: everything that operators do; and events: what the registry remembers of it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};
use utoipa::ToSchema;

use ipnet::IpNet;

use crate::{
    Access, Act, ActId, Actor, AgreementNumber, Application, ApplicationNumber, Bin, BoundCertificate,
    CalendarDay, CardCorrection, Category, Conformity, DataType, DataTypeId, DelegationNumber,
    DelegationText, Document, Effect, Employee, EndOfOperation, Endpoint, Fingerprint, Fit, Gap, Holder,
    Information, LiftingText, ListedUser, Means, ObjectCard, Operator, OperatorId, OperatorStanding, Paper,
    PrescriptionText, ProtocolText, Purpose, ReadinessCheck, Revoked, RulingText, Signature, Significance,
    Subject, SystemCard, SystemId, Template, Term, UserList, Words, YearlyHoliday,
};

/// Something an operator asks the registry to do.
///
/// On the wire it is its name with its fields: `{"suspend-system": {"system": "portal"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, EnumDiscriminants)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[strum_discriminants(name(CommandName))]
#[strum_discriminants(derive(Hash, PartialOrd, Ord, EnumIter, EnumString, IntoStaticStr))]
#[strum_discriminants(derive(Serialize, Deserialize, ToSchema), serde(rename_all = "kebab-case"))]
#[strum_discriminants(strum(serialize_all = "kebab-case"))]
#[strum_discriminants(doc = "A command's name, without what it says: rights, routes and documents go by it.")]
#[strum_discriminants(allow(missing_docs, reason = "each is the name of the command"))]
#[allow(missing_docs, reason = "fields are named by their types")]
pub enum Command {
    /// Enters an organisation, or corrects its card.
    RegisterHolder { holder: Holder },
    /// Lets somebody issue commands.
    RegisterOperator { operator: Operator },
    /// Confirms somebody whom another enrolled in a role that approves.
    ConfirmOperator { operator: OperatorId },
    /// Stops an operator for a time.
    SuspendOperator { operator: OperatorId },
    /// Lets a suspended operator act again.
    ResumeOperator { operator: OperatorId },
    /// Ends an operator for good.
    RemoveOperator { operator: OperatorId },
    /// Says which organisation is the regulator. Once.
    NameRegulator { bin: Bin },
    /// Binds a certificate to an operator, who then needs no password.
    BindOperatorCertificate { operator: OperatorId, certificate: BoundCertificate },
    /// Unbinds an operator's certificate.
    UnbindOperatorCertificate { certificate: Fingerprint },
    /// Grants a password or a token; the secret itself never comes here.
    GrantAccess { operator: OperatorId, access: Access },
    /// Confirms a means of access that somebody else gave to an operator who approves; `grant` is the event that gave it.
    ConfirmAccess { operator: OperatorId, grant: u64 },
    /// Takes a password or a token away.
    RevokeAccess { operator: OperatorId, access: Revoked },
    /// Enters a version of an act.
    RecordAct { act: Act },
    /// Says when a version of an act loses force.
    ///
    /// Agreements that stand on it are in force until a later day: as the regulator says, its own last day at the
    /// earliest, or else when the term of the register of terms is over, which begins today if the act's day is past.
    RepealAct {
        act: ActId,
        version: String,
        last_day: Date,
        #[serde(default)]
        successor: Option<ActId>,
        #[serde(default)]
        agreements_until: Option<Date>,
    },
    /// Says what a day of the calendar is (A8).
    SetCalendarDay { day: CalendarDay },
    /// Takes back what was said of a day.
    ClearCalendarDay { day: Date },
    /// Enters a holiday of every year, or corrects it.
    SetYearlyHoliday { holiday: YearlyHoliday },
    /// Says how long a term is, from a day on.
    SetTerm { term: Term },
    /// Requests registration or accounting, complete or not (Registration 7, 10).
    SubmitApplication { application: Box<Application> },
    /// Registers or accounts for what a complete application is for (Registration 8, 11); without a code, the next.
    AcceptApplication { number: ApplicationNumber, code: Option<String> },
    /// Returns an application with what is missing (Registration 8).
    ReturnApplication { number: ApplicationNumber, remarks: Vec<Words> },
    /// Takes an application back.
    WithdrawApplication { number: ApplicationNumber },
    /// Corrects what is registered: kinds of information, and what the card says (Registration 14-15).
    CorrectInformation {
        subject: Subject,
        card: CardCorrection,
        information: Box<Information>,
        changed_on: Option<Date>,
        discovery: Option<u32>,
    },
    /// Says that something registered is wrong or missing (Registration 15.2).
    ReportDiscovery { subject: Subject, what: Words },
    /// Names the responsible employee, in the place of another (Registration 12).
    NameResponsible { subject: Subject, employee: Employee },
    /// Files a document, in the place of another where it supersedes it (Registration 13).
    FileDocument { subject: Subject, document: Document, supersedes: Option<String> },
    /// Marks an object national, or no longer (Law 4.2.8).
    MarkSignificance { subject: Subject, significance: Significance },
    /// Says which sector authority is customer and controller of an object (HR 4).
    AssignAuthority { subject: Subject, authority: Option<Bin> },
    /// Ends operation with its reason and last day (annex 14).
    EndOperation { subject: Subject, end: EndOfOperation },
    /// Stops an attestation or a quality certificate for a time.
    SuspendPaper { system: SystemId, paper: Paper },
    /// Lets a suspended paper count again.
    ResumePaper { system: SystemId, paper: Paper },
    /// Registers a system in one step: the integrator's shortcut for an application that came whole on paper. It is
    /// recorded as an application that was accepted at once; without a code, it gets the next.
    RegisterSystem {
        card: SystemCard,
        #[serde(default)]
        code: Option<String>,
    },
    /// Corrects where a system may connect from and where it listens (A4, A9).
    UpdateSystem {
        system: SystemId,
        #[schema(value_type = Option<Vec<String>>)]
        networks: Option<Vec<IpNet>>,
        endpoint: Option<Endpoint>,
    },
    /// Stops a system for a time.
    SuspendSystem { system: SystemId },
    /// Lets a suspended system exchange again.
    ResumeSystem { system: SystemId },
    /// Ends a system for good.
    DecommissionSystem { system: SystemId },
    /// Moves a system from trial to production, with its act (Interaction 12-13).
    EnterProduction { system: SystemId, act: Document },
    /// Records a system's attestation.
    RecordAttestation { system: SystemId, conformity: Conformity },
    /// Withdraws a system's attestation.
    WithdrawAttestation { system: SystemId },
    /// Records a system's quality certificate.
    RecordQualityCertificate { system: SystemId, conformity: Conformity },
    /// Withdraws a system's quality certificate.
    WithdrawQualityCertificate { system: SystemId },
    /// Binds a certificate to a system.
    BindCertificate { system: SystemId, certificate: BoundCertificate },
    /// Unbinds a certificate.
    UnbindCertificate { certificate: Fingerprint },
    /// Publishes a version of a data type.
    PublishDataType { data_type: DataType },
    /// Changes a data type's category, for all its versions (Interaction 4).
    Categorise { provider: SystemId, data_type: DataTypeId, category: Category },
    /// Publishes a version of a template: how far agreements for a purpose may go.
    PublishTemplate { template: Template },
    /// Recalls the template that holds for a purpose: none holds until another version is published.
    RecallTemplate { purpose: Purpose, version: u32 },
    /// Draws up a version of an agreement: `document` is its canonical form (RFC 8785).
    DraftAgreement { document: String },
    /// Adds a holder's signature.
    SignAgreement { number: AgreementNumber, version: u32, signature: Signature },
    /// Puts an agreement before the regulator.
    SubmitAgreement { number: AgreementNumber, version: u32 },
    /// Takes an agreement back from the regulator.
    WithdrawAgreement { number: AgreementNumber, version: u32 },
    /// Concurs in an agreement without a remark: the regulator's signature over the agreement itself.
    ConcurInAgreement { number: AgreementNumber, version: u32, signature: Signature },
    /// Concurs with remarks, refuses, or returns for rework, by a statement that the regulator signs (Portal 17-18).
    RuleOnAgreement { ruling: RulingText, signature: Signature },
    /// Attaches a protocol of disagreement, or adds the other holder's signature to it (Portal 21).
    SignProtocol { protocol: ProtocolText, signature: Signature },
    /// Stops an agreement for a time.
    SuspendAgreement { number: AgreementNumber, version: u32 },
    /// Lets a suspended agreement work again.
    ResumeAgreement { number: AgreementNumber, version: u32 },
    /// Ends an agreement for good.
    TerminateAgreement { number: AgreementNumber, version: u32 },
    /// Records what a two-sided readiness check found, made on a revision of the registry (B5).
    ///
    /// That it was measured is said by the process that did, never by what comes in from outside.
    RecordReadiness {
        number: AgreementNumber,
        version: u32,
        revision: u64,
        #[serde(skip)]
        means: Means,
        checks: Vec<ReadinessCheck>,
    },
    /// Replaces the list of officials who may ask under an agreement, signed by the consumer's head (HR 20-21).
    ApproveUsers { list: UserList, signature: Signature },
    /// Has another body sign or operate for a holder, signed by the holder's head (HR 10.3, 10.8).
    RecordDelegation { delegation: DelegationText, signature: Signature },
    /// Ends a delegation: what was signed under it before stays signed.
    RevokeDelegation { delegation: DelegationNumber },
    /// Orders something against a system or an agreement, signed by the regulator.
    IssuePrescription { prescription: PrescriptionText, signature: Signature },
    /// Lifts such an order by another, signed by the regulator.
    LiftPrescription { lifting: LiftingText, signature: Signature },
}

impl Command {
    /// Which command it is.
    pub fn name(&self) -> CommandName {
        self.into()
    }
}

impl CommandName {
    /// All commands, in the order of [`Command`].
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Something that happened: append-only, numbered, never edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(missing_docs, reason = "each is the outcome of the command of the same subject")]
pub enum Event {
    HolderRegistered {
        holder: Holder,
    },
    OperatorRegistered {
        operator: Operator,
        #[serde(default)]
        standing: OperatorStanding,
    },
    OperatorConfirmed {
        operator: OperatorId,
    },
    OperatorSuspended {
        operator: OperatorId,
    },
    OperatorResumed {
        operator: OperatorId,
    },
    OperatorRemoved {
        operator: OperatorId,
    },
    OperatorCertificateBound {
        operator: OperatorId,
        certificate: BoundCertificate,
        #[serde(default)]
        effect: Effect,
    },
    OperatorCertificateUnbound {
        operator: OperatorId,
        certificate: Fingerprint,
    },
    AccessGranted {
        operator: OperatorId,
        access: Access,
        #[serde(default)]
        effect: Effect,
    },
    AccessConfirmed {
        operator: OperatorId,
        grant: u64,
    },
    AccessRevoked {
        operator: OperatorId,
        access: Revoked,
    },
    RegulatorNamed {
        bin: Bin,
    },
    ActRecorded {
        act: Act,
    },
    ActRepealed {
        act: ActId,
        version: String,
        last_day: Date,
        successor: Option<ActId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agreements_until: Option<Date>,
    },
    CalendarDaySet {
        day: CalendarDay,
    },
    CalendarDayCleared {
        day: Date,
    },
    YearlyHolidaySet {
        holiday: YearlyHoliday,
    },
    TermSet {
        term: Term,
    },
    ApplicationSubmitted {
        number: ApplicationNumber,
        application: Box<Application>,
        gaps: Vec<Gap>,
    },
    ApplicationAccepted {
        number: ApplicationNumber,
        code: String,
    },
    ApplicationReturned {
        number: ApplicationNumber,
        remarks: Vec<Words>,
    },
    ApplicationWithdrawn {
        number: ApplicationNumber,
    },
    ObjectAccounted {
        card: Box<ObjectCard>,
        code: String,
    },
    InformationCorrected {
        subject: Subject,
        card: CardCorrection,
        information: Box<Information>,
        changed_on: Option<Date>,
        discovery: Option<u32>,
    },
    DiscoveryReported {
        subject: Subject,
        what: Words,
    },
    ResponsibleNamed {
        subject: Subject,
        employee: Employee,
    },
    DocumentFiled {
        subject: Subject,
        document: Document,
        supersedes: Option<String>,
    },
    SignificanceMarked {
        subject: Subject,
        significance: Significance,
    },
    AuthorityAssigned {
        subject: Subject,
        authority: Option<Bin>,
    },
    OperationEnded {
        subject: Subject,
        end: EndOfOperation,
    },
    PaperSuspended {
        system: SystemId,
        paper: Paper,
    },
    PaperResumed {
        system: SystemId,
        paper: Paper,
    },
    SystemRegistered {
        card: SystemCard,
        code: String,
    },
    SystemUpdated {
        system: SystemId,
        #[schema(value_type = Option<Vec<String>>)]
        networks: Option<Vec<IpNet>>,
        endpoint: Option<Endpoint>,
    },
    SystemSuspended {
        system: SystemId,
    },
    SystemResumed {
        system: SystemId,
    },
    SystemDecommissioned {
        system: SystemId,
    },
    ProductionEntered {
        system: SystemId,
        act: Document,
    },
    AttestationRecorded {
        system: SystemId,
        conformity: Conformity,
    },
    AttestationWithdrawn {
        system: SystemId,
    },
    QualityCertificateRecorded {
        system: SystemId,
        conformity: Conformity,
    },
    QualityCertificateWithdrawn {
        system: SystemId,
    },
    CertificateBound {
        system: SystemId,
        certificate: BoundCertificate,
    },
    CertificateUnbound {
        system: SystemId,
        certificate: Fingerprint,
    },
    DataTypePublished {
        data_type: DataType,
    },
    DataTypeCategorised {
        provider: SystemId,
        data_type: DataTypeId,
        category: Category,
    },
    AgreementDrafted {
        document: String,
    },
    AgreementSigned {
        number: AgreementNumber,
        version: u32,
        signature: Signature,
    },
    TemplatePublished {
        template: Template,
    },
    TemplateRecalled {
        purpose: Purpose,
        version: u32,
    },
    AgreementSubmitted {
        number: AgreementNumber,
        version: u32,
        conformity: Vec<String>,
        /// What the templates of its purposes said to it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fits: Vec<Fit>,
    },
    AgreementConcurred {
        number: AgreementNumber,
        version: u32,
        signature: Signature,
        /// Remarks of earlier builds, which nobody signed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remarks: Vec<String>,
    },
    /// Of earlier builds, in which nobody signed a refusal.
    AgreementRefused {
        number: AgreementNumber,
        version: u32,
    },
    AgreementRuled {
        ruling: RulingText,
        signature: Signature,
    },
    AgreementWithdrawn {
        number: AgreementNumber,
        version: u32,
    },
    ProtocolSigned {
        protocol: ProtocolText,
        signature: Signature,
    },
    AgreementSuspended {
        number: AgreementNumber,
        version: u32,
    },
    AgreementResumed {
        number: AgreementNumber,
        version: u32,
    },
    AgreementTerminated {
        number: AgreementNumber,
        version: u32,
    },
    AgreementSuperseded {
        number: AgreementNumber,
        version: u32,
    },
    ReadinessRecorded {
        number: AgreementNumber,
        version: u32,
        revision: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        means: Option<Means>,
        checks: Vec<ReadinessCheck>,
    },
    UsersApproved {
        number: AgreementNumber,
        users: Vec<ListedUser>,
        #[serde(default)]
        serial: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Signature>,
    },
    DelegationRecorded {
        delegation: DelegationText,
        signature: Signature,
    },
    DelegationRevoked {
        delegation: DelegationNumber,
    },
    PrescriptionIssued {
        prescription: PrescriptionText,
        signature: Signature,
    },
    PrescriptionLifted {
        lifting: LiftingText,
        signature: Signature,
    },
}

/// An event as the registry keeps it: with its number, who caused it, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// Its number; the first is 1.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// What.
    pub event: Event,
}
