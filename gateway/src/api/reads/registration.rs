//! Applications, other objects, and what is due.

use agreements::{Accounted, ApplicationNumber, Filed, Notice, ObjectId, almaty, is_told, notices};

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, place};
use super::super::paging::{self, Page};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{list, one, page};
use crate::clock;

pub(super) fn operations() -> Vec<Operation> {
    let part = "registration";
    vec![
        Operation::read(
            "list-applications",
            "/v1/applications",
            "Lists applications to register, account for or update",
            part,
            paging::media(named("Filed")),
            applications,
        )
        .with(list([])),
        Operation::read(
            "application",
            "/v1/applications/{number}",
            "Shows an application and what became of it",
            part,
            Media::named("Filed"),
            application,
        )
        .with([place("number", "The application's number", named("ApplicationNumber")), at()]),
        Operation::read(
            "list-objects",
            "/v1/objects",
            "Lists objects that are accounted for beside systems",
            part,
            paging::media(named("Accounted")),
            objects,
        )
        .with(list([])),
        Operation::read(
            "object",
            "/v1/objects/{id}",
            "Shows an object with all that is known of it",
            part,
            Media::named("Accounted"),
            object,
        )
        .with([place("id", "The object", named("ObjectId")), at()]),
        Operation::read(
            "list-notices",
            "/v1/notices",
            "Lists what is due or overdue, and what ends soon",
            part,
            paging::media(named("Notice")),
            due,
        )
        .with(paging::inputs()),
    ]
}

fn applications(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    page(
        shared,
        asked,
        |registry, viewer| registry.applications().filter(|filed| viewer.sees_application(filed)).collect(),
        |filed: &Filed| format!("{:010}", filed.number.0),
        Clone::clone,
    )
}

fn application(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let number: ApplicationNumber = asked.place("number")?;
    one(shared, asked, |registry, viewer| {
        registry.application(number).filter(|filed| viewer.sees_application(filed)).cloned()
    })
}

fn objects(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    page(
        shared,
        asked,
        |registry, viewer| registry.objects().filter(|object| viewer.sees_object(object)).collect(),
        |object: &Accounted| object.card.id.to_string(),
        Clone::clone,
    )
}

fn object(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let id: ObjectId = asked.place("id")?;
    one(shared, asked, |registry, viewer| {
        registry.object(&id).filter(|object| viewer.sees_object(object)).cloned()
    })
}

fn due(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let page = Page::of(asked)?;
    let actor = &asked.caller()?.actor;
    let today = clock::now().to_zoned(almaty()).date();
    shared.newest(|registry| {
        let mut told: Vec<Notice> = notices(registry, today);
        told.retain(|notice| is_told(notice, actor.role, actor.holder));
        told.sort();
        let told = told.into_iter().enumerate();
        // Another day, other notices, at the same revision.
        let reply =
            page.reply(told, |(at, _)| format!("{at:010}"), |(_, notice)| notice, registry.revision())?;
        Ok(Reply { revision: None, ..reply })
    })
}
