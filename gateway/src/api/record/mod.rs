//! The record of exchanges over HTTP: searches, exports, proofs, and the log itself for the regulator (D2, D3, E2).
//!
//! ```text
//! search   pages of what fits, and one exchange      export   all that fits, streamed
//! excess   what is sent beyond what is agreed
//! proofs   receipts, for parties and the regulator   tiles    checkpoint, tiles and bundles (C2SP tlog-tiles)
//! ```
//!
//! Each looks with the eyes of who asks, and writes down who looked for what before anything is shown.

mod excess;
mod export;
mod proofs;
mod search;
mod tiles;

use std::path::PathBuf;
use std::sync::Arc;

use agreements::{Actor, Role};

use super::asked::Asked;
use super::operation::{Input, Operation, Place, parameter};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;
use crate::exchange_index::{Index, IndexError, Journal, Searched, Sought, Viewer};
use crate::telemetry::chain;

pub(super) use self::export::give;

/// Where the record is.
#[derive(Debug, Clone)]
pub struct RecordPlaces {
    /// The log's folder.
    pub log: PathBuf,
    /// The index, if there is one.
    pub index: Option<PathBuf>,
    /// The journal of searches.
    pub searches: PathBuf,
}

/// All operations on the record.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = search::operations();
    all.extend(excess::operations());
    all.extend(export::operations());
    all.extend(proofs::operations());
    all.extend(tiles::operations());
    // What grows all the time has no ETag, and each look is written down with its reason.
    for operation in &mut all {
        operation.inputs.retain(|input| input.place != Place::Header);
        operation.inputs.push(reason());
        operation.problems.push("record-unavailable");
    }
    all
}

fn reason() -> Input {
    let schema = serde_json::json!({ "type": "string", "maxLength": MOST_REASON });
    parameter("reason", "Why you look: stands in the journal of searches", schema)
}

/// With whose eyes somebody looks (E4): the supervisor and the operator of the gateway see everything, all others what
/// the systems took part in that are theirs to see.
fn sight(shared: &Shared, actor: &Actor) -> Result<Viewer, Problem> {
    shared.newest(|registry| {
        let viewer = agreements::Viewer::new(registry, actor, super::reads::today());
        if viewer.sees_everything() {
            return Ok(Viewer::All);
        }
        let systems = registry.systems().filter(|system| viewer.sees_system(system));
        let systems = systems.map(|system| system.card.id.to_string()).collect();
        // What they took part in while the system was theirs stays theirs to see, whoever holds it now.
        let holders = match actor.role {
            Role::HolderOfficer => vec![actor.holder.to_string()],
            Role::Administrator
            | Role::ServiceIntegrator
            | Role::Regulator
            | Role::RegionalOperator
            | Role::SectorAuthority
            | Role::TerritorialUnit
            | Role::NationalOperator
            | Role::ResponsibleEmployee
            | Role::Expert => Vec::new(),
        };
        Ok(Viewer::Parties { holders, systems })
    })
}

/// Writes down who looks for what: only then may anything be shown.
fn write_down(shared: &Shared, asked: &Asked, viewer: &Viewer, sought: Sought<'_>) -> Result<(), Problem> {
    let reason: String = asked.parameter("reason")?.unwrap_or_default();
    if reason.len() > MOST_REASON {
        return Err(Problem::new("parameter-malformed", format!("reason: at most {MOST_REASON} bytes")));
    }
    let actor = &asked.caller()?.actor;
    let searched = Searched {
        at: clock::now(),
        operator: Some(actor.id.as_str()),
        via: &actor.via,
        reason: &reason,
        viewer,
        query: sought,
    };
    Journal::at(&shared.record.searches).record(&searched).map_err(unavailable)
}

/// The index, to search in it.
pub(super) fn index(shared: &Shared) -> Result<Index, Problem> {
    let Some(path) = &shared.record.index else {
        return Err(Problem::new(
            "record-unavailable",
            "this gateway keeps no index of its record: log.index",
        ));
    };
    let opened = Index::open_to_search(path, &shared.record.log).map_err(|error| broken(&error))?;
    let missing = || Problem::new("record-unavailable", "the index of the record is being made").after(5);
    Ok(opened.ok_or_else(missing)?.with(Arc::clone(&shared.personal)))
}

pub(super) fn broken(error: &IndexError) -> Problem {
    tracing::error!(error = %chain(error), "the API cannot search the record");
    Problem::new("record-unavailable", "the index of the record cannot be used now").after(5)
}

/// Which file, and why, is for the operator of the gateway.
pub(super) fn unavailable(error: impl std::error::Error) -> Problem {
    tracing::error!(error = %chain(&error), "the API cannot use the record");
    Problem::new("record-unavailable", "the record cannot be read, or the search not written down, now")
        .after(5)
}

/// Roles that look into the record: not those who run the machine or check applications.
const READERS: &[Role] = &[
    Role::HolderOfficer,
    Role::Regulator,
    Role::RegionalOperator,
    Role::SectorAuthority,
    Role::TerritorialUnit,
    Role::NationalOperator,
    Role::ResponsibleEmployee,
    Role::Expert,
];

/// The two parties of an exchange, and who supervises both.
const PARTIES: &[Role] = &[Role::HolderOfficer, Role::Regulator];

pub(super) const PART: &str = "record";
const MOST_REASON: usize = 512;
