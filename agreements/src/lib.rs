//! Who may exchange what, when and why: pure data and decisions.
//!
//! - nouns: [`System`], [`DataType`], [`Act`], [`AgreementText`] with its seven fields, [`Holder`], [`Operator`];
//! - registration: an [`Application`] enters a [`System`] or another object, whose [`Dossier`] goes on from there;
//! - change: a [`Command`] is checked by [`handle`], which yields [`Event`]s; [`Registry::apply`] takes them in;
//! - exchange: a [`Book`] is made of the registry, and [`decide`] judges a [`Call`] on it: [`Permit`] or [`Denial`].
//!
//! Nothing here does I/O, reads a clock, waits, or speaks TLS or SQL; signatures are verified elsewhere and come in as
//! facts.

mod id;
mod iin;
mod json_text;

mod spelling;
mod words;

mod access;
mod act;
mod agreement;
mod application;
mod calendar;
mod data_type;
mod delegation;
mod documents;
mod information;
mod object;
mod party;
mod period;
mod prescription;
mod protocol;
mod readiness;
mod ruling;
mod signatures;
mod signed;
mod system;
mod template;
mod terms;

mod bounds;
mod command;
mod deadlines;
mod diff;
mod draft;
mod handle;
mod notices;
mod references;
mod registry;
mod remarks;
mod rights;
mod visibility;

mod orders;

mod book;
pub mod cited;
mod decide;
mod denial;
pub mod refusal;

/// Names the rules by which events are folded: another text for each version of this crate.
pub const RULES: &str = env!("AGREEMENTS_RULES");

pub use access::{Access, Effect, Given, OperatorAccess, Revoked, Token, Waiting};
pub use act::{Act, Basis, BasisKind, OfficialUse};
pub use agreement::{
    Accounting, AgreementText, AnswerAfter, Attachment, ConsentClause, Excess, Grant, ListedUser,
    NamedPurpose, PersonalDataClause, PersonalField, Protection, Rate, Recovery, Side, Signature, Signers,
    Stage, TrainingCertificate, TrainingRecord, Users, Volume,
};
pub use application::{Application, ApplicationFault, ApplicationNumber, Applied, Filed, Gap, Outcome};
pub use book::{AgreementPage, Book, Changes, Followed, GrantPage, SystemPage};
pub use bounds::{Fit, Template, TemplateData, TemplateStanding, fits};
pub use calendar::{Calendar, CalendarDay, DayIs, DayKind, HolidayFault, OnWeekend, YearlyHoliday};
pub use command::{Command, CommandName, Event, Recorded};
pub use data_type::{
    Category, DataType, KeyAtProvider, Method, Operation, Parameter, Payload, PersonalData, Presence,
    Repeats, SampleRequest, SubjectPlace,
};
pub use deadlines::{Deadline, DeadlineStanding};
pub use decide::{Call, Claims, Permit, decide, stands};
pub use delegation::{Delegated, Delegation, DelegationText};
pub use denial::{Denial, Paper, Party};
pub use diff::{Direction, Point, diff};
pub use documents::{ANY_DOCUMENT, DocumentFormat, Documents};
pub use draft::{Problem, SEVEN_FIELDS, lint, with_papers};
pub use handle::{CommandError, handle};
pub use id::{
    ActId, AgreementNumber, Bin, CollectionPurpose, DataTypeId, DelegationNumber, Fingerprint, IdError,
    ObjectId, OperationId, OperatorId, PrescriptionNumber, Purpose, Region, SystemId, TokenId, UserId,
};
pub use iin::is_iin;
pub use information::{
    AssetOperation, BookEntry, Changed, Contract, ContractOutcome, DocumentChange, EndOfOperation,
    EntryIntoOperation, GeneralInformation, Information, InformationFault, InformationKind,
    InfrastructureItem, InvestmentResult, Need, ProcurementNotice, ResourceInformation, ResourceUse,
    ResourceUsed, SoftwareItem, TechnicalInformation, TestKind, TestOrAttestation,
};
pub use json_text::JsonText;
pub use notices::{Matter, Notice, Severity, is_told, notices};
pub use object::{
    Accounted, CardCorrection, Correction, Discovery, Dossier, Employee, Named, ObjectCard, ObjectKind,
    ObjectStatus, Subject, Superseded, Trace,
};
pub use party::{Actor, Enrolment, Holder, Operator, OperatorStanding, Reach, Role};
pub use period::{AccessPeriod, Day, Hours, Moment, almaty, end_of, start_of};
pub use prescription::{Lifted, LiftingText, NamedOperation, Order, Prescription, PrescriptionText, Target};
pub use protocol::{Protocol, ProtocolText};
pub use readiness::{
    CheckKind, CheckOutcome, Means, Readiness, ReadinessCheck, Ready, checked_alike, failed, wanted_checks,
};
pub use references::documents_of;
pub use registry::{
    Agreement, AgreementDocument, Header, Misfit, OutOfStep, Part, Published, Registry, Settling, Slice, Step,
};
pub use remarks::remarks;
pub use rights::{entitled, may};
pub use ruling::{Remark, Ruled, Ruling, RulingText};
pub use signatures::{SignatureKind, Signatures, SignedDocuments, Way};
pub use signed::{ApprovedUsers, Signed, SignedForm, UserList};
pub use system::{
    BoundCertificate, Conformity, Document, DocumentKind, Endpoint, EndpointFault, Openness, Ownership,
    Phase, Significance, System, SystemCard, SystemStatus,
};
pub use template::{PathTemplate, TemplateError};
pub use terms::{Counted, Term, TermKind, Terms};
pub use visibility::{Eyes, Viewer};
pub use words::{Words, WordsError};
