//! What may be read: the registry's resources, as they are and as they were.

mod agreements;
mod calendar;
mod history;
mod orders;
mod parties;
mod registration;
mod rulings;
mod systems;
mod templates;

use ::agreements::{Actor, Eyes, Registry, Viewer, almaty};
use serde::Serialize;

use super::asked::{Asked, Reply};
use super::operation::{Input, Operation, at};
use super::paging::{self, Page};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;

pub(in crate::api) use self::agreements::{
    AgreementDiff, AgreementLine, AgreementSheet, LintReport, LintRequest,
};
pub(in crate::api) use self::calendar::{CalendarYear, DueDay, TermList};
pub(in crate::api) use self::registration::DeadlineLine;
pub(in crate::api) use self::systems::{DataTypeSheet, SystemLine};
pub(in crate::api) use self::templates::TemplateSheet;

/// All operations that read the registry.
pub(in crate::api) fn operations() -> Vec<Operation> {
    let mut all = parties::operations();
    all.extend(systems::operations());
    all.extend(registration::operations());
    all.extend(templates::operations());
    all.extend(agreements::operations());
    all.extend(rulings::operations());
    all.extend(orders::operations());
    all.extend(calendar::operations());
    all.extend(history::operations());
    all
}

/// A list's parameters: its page, its date, and its own.
fn list(own: impl IntoIterator<Item = Input>) -> Vec<Input> {
    paging::inputs().into_iter().chain([at()]).chain(own).collect()
}

/// A page of the registry as the caller sees it.
fn page<T, V: Serialize>(
    shared: &Shared,
    asked: &Asked,
    items: impl for<'r> Fn(&'r Registry, &Viewer<'r>) -> Vec<&'r T>,
    key: impl Fn(&T) -> String,
    show: impl Fn(&T) -> V,
) -> Result<Reply, Problem> {
    let page = Page::of(asked)?;
    let eyes = eyes(shared, &asked.caller()?.actor)?;
    shared.at(asked.at()?, |registry| {
        let seen = items(registry, &eyes.on(registry));
        page.reply(seen.into_iter(), |item| key(item), show, registry.revision())
    })
}

/// One thing of the registry as the caller sees it.
fn one<V: Serialize>(
    shared: &Shared,
    asked: &Asked,
    find: impl FnOnce(&Registry, &Viewer<'_>) -> Option<V>,
) -> Result<Reply, Problem> {
    one_read(shared, asked, |registry, viewer| Ok(find(registry, viewer)))
}

/// The same, where more than the registry in memory is read: that this cannot be done is not that there is none.
fn one_read<V: Serialize>(
    shared: &Shared,
    asked: &Asked,
    find: impl FnOnce(&Registry, &Viewer<'_>) -> Result<Option<V>, Problem>,
) -> Result<Reply, Problem> {
    let eyes = eyes(shared, &asked.caller()?.actor)?;
    shared.at(asked.at()?, |registry| {
        let found = find(registry, &eyes.on(registry))?;
        let found =
            found.ok_or_else(|| Problem::new("not-found", "there is none, or it is not yours to see"))?;
        Ok(Reply::json(&found)?.object(registry.revision()))
    })
}

/// With whose eyes somebody looks: by what they are today, also at another day.
pub(in crate::api) fn eyes(shared: &Shared, actor: &Actor) -> Result<Eyes, Problem> {
    shared.newest(|registry| Ok(Eyes::of(registry, actor, today())))
}

/// The day on which somebody looks: roles end.
pub(in crate::api) fn today() -> jiff::civil::Date {
    clock::now().to_zoned(almaty()).date()
}
