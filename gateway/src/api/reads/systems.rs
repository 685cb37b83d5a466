//! Systems and data types.

use agreements::{
    Bin, Category, DataType, DataTypeId, Ownership, Phase, Published, Region, Registry, System, SystemId,
    SystemStatus, Viewer,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, parameter, place};
use super::super::paging::{self, Page};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{eyes, list, one, page};
use crate::versions::differences;

/// A system in short, as those may know it who draft agreements: an agreement names it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct SystemLine {
    /// How it is named.
    id: SystemId,
    /// Its title.
    name: String,
    /// Who runs it.
    holder: Bin,
    /// State or not.
    ownership: Ownership,
    /// Trial or production.
    phase: Phase,
    /// Where it stands.
    status: SystemStatus,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    /// Its registration or accounting code.
    code: String,
}

/// A data type with all its versions.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DataTypeSheet {
    /// Who provides it.
    provider: SystemId,
    /// Its code.
    id: DataTypeId,
    /// Its category now.
    category: Category,
    /// Its versions, oldest first.
    versions: Vec<DataType>,
}

impl From<&System> for SystemLine {
    fn from(system: &System) -> Self {
        let card = &system.card;
        Self {
            id: card.id.clone(),
            name: card.name.clone(),
            holder: card.holder,
            ownership: card.ownership,
            phase: card.phase,
            status: system.status,
            region: card.region.clone(),
            code: system.code.clone(),
        }
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let part = "systems";
    vec![
        Operation::read(
            "list-systems",
            "/v1/systems",
            "Lists systems in short: all, to those who draft agreements or supervise them all; else those that one sees",
            part,
            paging::media(named("SystemLine")),
            systems,
        )
        .with(list([
            parameter("holder", "Those that an organisation runs", named("Bin")),
            parameter("status", "Those of a status", named("SystemStatus")),
            parameter("phase", "Those of a phase", named("Phase")),
            parameter("region", "Those of a region", named("Region")),
        ])),
        Operation::read(
            "system",
            "/v1/systems/{id}",
            "Shows a system with all that is known of it, to those whose it is and to those who supervise",
            part,
            Media::named("System"),
            system,
        )
        .with([place("id", "The system", named("SystemId")), at()]),
        Operation::read(
            "list-data-types",
            "/v1/data-types",
            "Lists data types with their versions, of the systems that one finds in their list",
            part,
            paging::media(named("DataTypeSheet")),
            data_types,
        )
        .with(list([
            parameter("provider", "Those of a provider", named("SystemId")),
            parameter("category", "Those of a category", named("Category")),
        ])),
        Operation::read(
            "data-type",
            "/v1/data-types/{provider}/{id}",
            "Shows a data type with its versions",
            part,
            Media::named("DataTypeSheet"),
            data_type,
        )
        .with([
            place("provider", "Who provides it", named("SystemId")),
            place("id", "Its code", named("DataTypeId")),
            at(),
        ]),
        Operation::read(
            "data-type-diff",
            "/v1/data-types/{provider}/{id}/diff",
            "Tells whether a version of a data type admits more or less than the one before it",
            part,
            Media::named("Differences"),
            differing,
        )
        .with([
            place("provider", "Who provides it", named("SystemId")),
            place("id", "Its code", named("DataTypeId")),
            parameter("from", "The earlier version; the one before the later where it is absent", version()),
            parameter("to", "The later version; the newest where it is absent", version()),
            at(),
        ]),
    ]
}

fn version() -> serde_json::Value {
    serde_json::json!({ "type": "integer", "minimum": 1 })
}

fn systems(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (holder, region) = (asked.parameter::<Bin>("holder")?, asked.parameter::<Region>("region")?);
    let (status, phase) = (asked.word::<SystemStatus>("status")?, asked.word::<Phase>("phase")?);
    page(
        shared,
        asked,
        |registry, viewer| {
            registry
                .systems()
                .filter(|one| viewer.finds_system(one))
                .filter(|one| holder.is_none_or(|bin| one.card.holder == bin))
                .filter(|one| region.is_none() || one.card.region == region)
                .filter(|one| status.is_none_or(|status| one.status == status))
                .filter(|one| phase.is_none_or(|phase| one.card.phase == phase))
                .collect()
        },
        |one: &System| one.card.id.to_string(),
        |one| SystemLine::from(one),
    )
}

fn system(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let id: SystemId = asked.place("id")?;
    one(shared, asked, |registry, viewer| registry.system(&id).filter(|one| viewer.sees_system(one)).cloned())
}

fn data_types(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (provider, category) =
        (asked.parameter::<SystemId>("provider")?, asked.word::<Category>("category")?);
    let page = Page::of(asked)?;
    let eyes = eyes(shared, &asked.caller()?.actor)?;
    shared.at(asked.at()?, |registry| {
        let viewer = eyes.on(registry);
        let chosen = registry
            .data_types()
            .filter(|((of, _), _)| finds(registry, &viewer, of))
            .filter(|((of, _), _)| provider.as_ref().is_none_or(|provider| of == provider))
            .filter(|(_, published)| category.is_none_or(|category| published.category == category));
        let key = |((provider, id), _): &(&(SystemId, DataTypeId), &Published)| format!("{provider}\0{id}");
        let show = |((provider, id), published): (&(SystemId, DataTypeId), &Published)| {
            sheet(provider, id, published)
        };
        page.reply(chosen, key, show, registry.revision())
    })
}

fn data_type(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (provider, id): (SystemId, DataTypeId) = (asked.place("provider")?, asked.place("id")?);
    one(shared, asked, |registry, viewer| {
        let published = registry.published(&provider, &id).filter(|_| finds(registry, viewer, &provider));
        published.map(|published| sheet(&provider, &id, published))
    })
}

fn differing(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (provider, id): (SystemId, DataTypeId) = (asked.place("provider")?, asked.place("id")?);
    let (from, to) = (asked.parameter::<u32>("from")?, asked.parameter::<u32>("to")?);
    one(shared, asked, |registry, viewer| {
        let published = registry.published(&provider, &id).filter(|_| finds(registry, viewer, &provider))?;
        let versions = &published.versions;
        let to = to.or_else(|| versions.keys().last().copied())?;
        let from = from.unwrap_or(to.saturating_sub(1));
        Some(differences(versions.get(&from)?, versions.get(&to)?))
    })
}

/// Whether somebody finds what a system publishes: as they find the system.
fn finds(registry: &Registry, viewer: &Viewer<'_>, provider: &SystemId) -> bool {
    registry.system(provider).is_some_and(|system| viewer.finds_system(system))
}

fn sheet(provider: &SystemId, id: &DataTypeId, published: &Published) -> DataTypeSheet {
    DataTypeSheet {
        provider: provider.clone(),
        id: id.clone(),
        category: published.category,
        versions: published.versions.values().map(|version| (**version).clone()).collect(),
    }
}
