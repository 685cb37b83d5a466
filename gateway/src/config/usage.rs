//! The feed "who used my data": which systems may ask it in a person's name, and what it leaves out.

use std::path::PathBuf;

use agreements::{Purpose, SystemId};
use serde::Deserialize;

/// The feed "who used my data".
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageConfig {
    /// Systems that may ask `GET /v2/findUsage` over the API, by their certificates: portals that know their visitors. Default: none, and nobody may.
    pub portals: Vec<SystemId>,
    /// Purposes whose exchanges are not shown, such as those of investigations which the law keeps secret. Default: none.
    pub hidden_purposes: Vec<Purpose>,
    /// A folder of shares (`*.share`) of both parties, for periods that are over: without them such periods are not looked in. Default: none.
    pub shares: Option<PathBuf>,
}
