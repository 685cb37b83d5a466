//! Organisations and the people who act for them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Bin, OperatorId, Region, SystemId, Trace};

/// An organisation that has or runs systems (Law 1.28, 1.30).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Its number.
    pub bin: Bin,
    /// Its name, as registered.
    pub name: String,
    /// Where it is; absent for the whole Republic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// What somebody may do and see (E4). The table of rights is [`crate::entitled`], that of sight [`crate::Viewer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the gateway: organisations, operators, certificates.
    Administrator,
    /// Acts for a holder of systems.
    HolderOfficer,
    /// Checks and registers systems.
    ServiceIntegrator,
    /// Concurs in agreements and supervises them; keeps the register of acts.
    Regulator,
    /// Acts for the systems of a region: e-akimat's (HR 1.5).
    RegionalOperator,
    /// Customer and controller of a sector's systems (HR 4).
    SectorAuthority,
    /// The same in one region (HR 27-29).
    TerritorialUnit,
    /// Ensures interaction, technically runs register and depositary (Law 9).
    NationalOperator,
    /// Answers for what is registered of an object; sees it (Registration 12).
    ResponsibleEmployee,
    /// Sees what they were asked to look at, until a day (HR 27-28).
    Expert,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Administrator,
        Self::HolderOfficer,
        Self::ServiceIntegrator,
        Self::Regulator,
        Self::RegionalOperator,
        Self::SectorAuthority,
        Self::TerritorialUnit,
        Self::NationalOperator,
        Self::ResponsibleEmployee,
        Self::Expert,
    ];

    /// Whether it decides what others ask for, so that one person alone does not give it to somebody.
    pub fn approves(self) -> bool {
        match self {
            Self::Administrator | Self::ServiceIntegrator | Self::Regulator => true,
            Self::HolderOfficer
            | Self::RegionalOperator
            | Self::SectorAuthority
            | Self::TerritorialUnit
            | Self::NationalOperator
            | Self::ResponsibleEmployee
            | Self::Expert => false,
        }
    }
}

/// How far an operator's role reaches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// In which region: for regional operators and territorial units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Last day of the role; experts have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// Which systems, for experts; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<SystemId>,
}

impl Reach {
    /// Whether nothing is bounded by it.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody who issues commands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// How they are named in the history.
    pub id: OperatorId,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whom they act for.
    pub holder: Bin,
    /// How far the role reaches.
    #[serde(default, skip_serializing_if = "Reach::is_whole")]
    pub reach: Reach,
}

/// Where an operator stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorStanding {
    /// Acts.
    #[default]
    Active,
    /// Was enrolled by one, and waits for another's confirmation.
    Unconfirmed,
    /// Stopped for a time.
    Suspended,
    /// Gone; the history keeps them.
    Removed,
    /// The last day of the role is over.
    Ended,
}

impl OperatorStanding {
    /// Whether they are gone.
    pub fn is_removed(self) -> bool {
        self == Self::Removed
    }
}

/// How an operator came to where they stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Enrolment {
    /// Where they stand, but for the end of their role.
    pub standing: OperatorStanding,
    /// Who enrolled them as they are now.
    pub by: Trace,
    /// Who took the last step since.
    pub since: Option<Trace>,
}

/// Who issued a command, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The operator.
    pub id: OperatorId,
    /// The role they acted in.
    pub role: Role,
    /// The organisation they acted for.
    pub holder: Bin,
    /// How the command came, for instance `cli:uid=1000`.
    pub via: String,
}
