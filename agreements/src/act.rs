//! Acts: the law as dated data, with validity and successor, never constants in the code.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ActId, Bin, Users};

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
    /// What it is as a basis (B10). Absent of acts recorded before this was asked for: what was agreed on them goes on, and
    /// nothing new is agreed on them until they are recorded once more, with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<BasisKind>,
    /// The authority of the sector whose documents it lists: a sector's act says so, and no other (HR 22).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<Bin>,
    /// When the Republic ratified it: a treaty says so, and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratified: Option<Date>,
    /// Whether data for official use may pass on it (Portal 3).
    #[serde(default, skip_serializing_if = "OfficialUse::is_unsaid")]
    pub official_use: OfficialUse,
    /// In whose name systems may ask under agreements that stand on it, at the most (HR 20-21, 26.9).
    #[serde(default, skip_serializing_if = "Users::is_any")]
    pub officials: Users,
}

/// What an act says of data for official use (B8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OfficialUse {
    /// Nothing: such data does not pass on it.
    #[default]
    Unsaid,
    /// That such data may pass.
    Allowed,
}

impl OfficialUse {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }
}

impl Act {
    /// What is wrong with what it says of itself as a basis, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match (self.kind?, self.sector, self.ratified) {
            (BasisKind::SectorAct, None, _) => Some("is a sector's, and does not say whose"),
            (BasisKind::SectorAct, Some(_), None) => None,
            (BasisKind::Treaty, _, None) => Some("is a treaty, and does not say when it was ratified"),
            (BasisKind::Treaty, None, Some(ratified)) if self.in_force_from < ratified => {
                Some("comes into force before it was ratified")
            }
            (BasisKind::Treaty, None, Some(_)) => None,
            (_, Some(_), _) => Some("names a sector, and is no sector's"),
            (_, _, Some(_)) => Some("was ratified, and is no treaty"),
            (BasisKind::Act | BasisKind::JointProcedure, None, None) => None,
        }
    }

    /// Whether it says of `earlier`, which was recorded before acts said what they are as a basis, that, and all else alike.
    pub(crate) fn completes(&self, earlier: &Self) -> bool {
        let Self { kind, sector, ratified, official_use, officials, .. } = self.clone();
        let completed = Self { kind, sector, ratified, official_use, officials, ..earlier.clone() };
        earlier.kind.is_none() && *self == completed
    }

    /// Whether data for official use may pass on it. Acts of which nothing is known stop nothing that was agreed before.
    pub(crate) fn carries_official_use(&self) -> bool {
        self.kind.is_none() || self.official_use == OfficialUse::Allowed
    }
}

/// What allows an exchange (Interaction 17.4; HR 13, 22; Law 2.2, 5.11, 7.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The act: a normative act, a ratified treaty, a joint procedure, or a sector's act that lists documents.
    pub act: ActId,
    /// Its version.
    pub version: String,
    /// Its clause.
    pub clause: String,
    /// What kind of act it is, as the register of acts has it.
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
