//! Objects of informatization beside systems (A3): resources, software, infrastructure; and what is kept of every object.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Actor, ApplicationNumber, Bin, Changed, Document, EndOfOperation, IdError, Information, ObjectId,
    Openness, OperatorId, Region, Significance, SystemId, Words,
};

/// What kind of object it is, beside systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// An electronic information resource.
    Resource,
    /// Software.
    Software,
    /// A component of the infrastructure.
    Infrastructure,
}

/// An object as its application stated it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectCard {
    /// How it is named.
    pub id: ObjectId,
    /// What kind it is.
    pub kind: ObjectKind,
    /// Its title.
    pub name: Words,
    /// Who has and runs it.
    pub holder: Bin,
    /// Who owns it.
    pub owner: Bin,
    /// Marked national or not.
    #[serde(default)]
    pub significance: Significance,
    /// Where it is; absent for the whole Republic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Its documents.
    #[serde(default)]
    pub documents: Vec<Document>,
}

/// Something registered or accounted for: a system or another object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A system.
    System(SystemId),
    /// Another object.
    Object(ObjectId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(id) => write!(f, "system {id}"),
            Self::Object(id) => write!(f, "object {id}"),
        }
    }
}

impl FromStr for Subject {
    type Err = IdError;

    /// Reads `portal`, a system, and `object/servers`, another object.
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix("object/") {
            Some(id) => ObjectId::new(id).map(Self::Object),
            None => SystemId::new(text).map(Self::System),
        }
    }
}

/// What a correction changes on the card itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardCorrection {
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Words>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Bin>,
    /// Whether the public register names it; for systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openness: Option<Openness>,
}

/// Who is responsible for keeping what is registered of an object up to date (Registration 12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Employee {
    /// Their name.
    pub name: Words,
    /// Their duty.
    #[serde(default)]
    pub duty: Words,
    /// The order that named them.
    #[serde(default)]
    pub order: Words,
    /// Who they are among the operators, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
}

/// Who did something, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

/// An employee with the day from which they are responsible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Who.
    pub employee: Employee,
    /// Since when, and who named them.
    pub trace: Trace,
}

/// A correction of what is registered (A4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// Who, when and why.
    pub trace: Trace,
    /// When what it tells of changed, where it is not an error that is put right.
    pub changed_on: Option<Date>,
    /// The discovery that it answers.
    pub discovery: Option<u32>,
    /// What it changed.
    pub changes: Vec<Changed>,
}

/// Something that somebody found wrong or missing (Registration 15.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Discovery {
    /// Its number within the object; the first is 1.
    pub number: u32,
    /// What is wrong or missing.
    pub what: Words,
    /// Who found it, and when.
    pub trace: Trace,
    /// When it was corrected.
    pub corrected: Option<Timestamp>,
}

/// A document that another has replaced. It is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Superseded {
    /// The document.
    pub document: Document,
    /// SHA-256 of the one in its place, in hexadecimal.
    pub by: String,
    /// Who replaced it, and when.
    pub trace: Trace,
}

/// What is kept of a system or another object beside its card.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dossier {
    /// The application by which it entered.
    pub application: Option<ApplicationNumber>,
    /// The fourteen kinds of information.
    pub information: Information,
    /// Responsible employees, the present one last.
    pub responsible: Vec<Named>,
    /// The sector authority: customer and controller of the sector's systems (HR 4).
    pub authority: Option<Bin>,
    /// Corrections, the newest last.
    pub corrections: Vec<Correction>,
    /// What was found wrong or missing.
    pub discoveries: Vec<Discovery>,
    /// Documents that others have replaced.
    pub superseded: Vec<Superseded>,
    /// How it ended.
    pub ended: Option<EndOfOperation>,
}

impl Dossier {
    /// Who is responsible now.
    pub fn employee(&self) -> Option<&Employee> {
        self.responsible.last().map(|named| &named.employee)
    }
}

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectStatus {
    /// Accounted for, with its code.
    Accounted,
    /// No longer in operation.
    Ended,
}

/// An object that is accounted for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Accounted {
    /// What its application stated, as corrected since.
    pub card: ObjectCard,
    /// Its accounting code.
    pub code: String,
    /// Where it stands.
    pub status: ObjectStatus,
    /// What else is kept of it.
    pub dossier: Dossier,
}
