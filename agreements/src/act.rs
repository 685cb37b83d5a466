//! Acts: the law as dated data, with validity and successor, never constants in the code.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ActId;

/// A version of an act in the dated register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Its code.
    pub id: ActId,
    /// Its title.
    pub title: String,
    /// The version that agreements cite, usually the date of its text.
    pub version: String,
    /// First day in force.
    pub in_force_from: Date,
    /// Last day in force, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_until: Option<Date>,
    /// Last day of agreements that stand on it, where that is later than its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreements_until: Option<Date>,
    /// What came in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<ActId>,
}

/// What allows an exchange (Interaction 17.4; HR 13, 22; Law 2.2, 5.11, 7.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The act: a normative act, a ratified treaty, a joint procedure, or a sector's list of documents.
    pub act: ActId,
    /// Its version.
    pub version: String,
    /// Its clause.
    pub clause: String,
    /// What kind of act it is.
    #[serde(default)]
    pub kind: BasisKind,
}

/// Kinds of basis (B10).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BasisKind {
    /// A clause of a normative act.
    #[default]
    Act,
    /// A ratified treaty.
    Treaty,
    /// A procedure that central and local bodies set jointly.
    JointProcedure,
    /// A sector act that lists the documents.
    SectorAct,
}
