//! Organisations and the people who act for them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Bin, OperatorId, Region};

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

/// What somebody may do (E4). The table of rights is [`crate::may`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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
}

/// Who issued a command, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
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
