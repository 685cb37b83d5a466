//! Applications, other objects, and what is due.

use agreements::{
    Accounted, Actor, AgreementNumber, ApplicationNumber, Deadline, DeadlineStanding, Eyes, Filed, Notice,
    ObjectId, Registry, Role, almaty, is_told, notices,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, parameter, place};
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
        Operation::read(
            "list-deadlines",
            "/v1/deadlines",
            "Lists steps of the law with their last days: those that one owes or is owed, all to those who supervise",
            part,
            paging::media(named("DeadlineLine")),
            deadlines,
        )
        .with(paging::inputs())
        .with([at(), parameter("standing", "Those that stand so; overdue, say", named("DeadlineStanding"))]),
    ]
}

/// A step of the law with its last day, and where it stands today.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DeadlineLine {
    /// The step.
    #[serde(flatten)]
    deadline: Deadline,
    /// Where it stands.
    standing: DeadlineStanding,
}

fn deadlines(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let page = Page::of(asked)?;
    let wanted = asked.word::<DeadlineStanding>("standing")?;
    let (actor, at) = (&asked.caller()?.actor, asked.at()?);
    let today = at.unwrap_or_else(clock::now).to_zoned(almaty()).date();
    let eyes = super::eyes(shared, actor)?;
    shared.at(at, |registry| {
        let theirs = theirs(registry, eyes, actor);
        let lines = registry.deadlines().into_iter().filter(|one| theirs(one));
        let lines = lines.map(|deadline| DeadlineLine { standing: deadline.standing(today), deadline });
        let chosen = lines.filter(|line| wanted.is_none_or(|wanted| line.standing == wanted)).enumerate();
        // Another day, other standings, at the same revision.
        let reply =
            page.reply(chosen, |(at, _)| format!("{at:010}"), |(_, line)| line, registry.revision())?;
        Ok(reply.untagged())
    })
}

/// Whose deadlines somebody is told of: those of all, or of what they see.
fn theirs<'r>(registry: &'r Registry, eyes: Eyes, actor: &Actor) -> impl Fn(&Deadline) -> bool + use<'r> {
    let viewer = eyes.on(registry);
    let (role, holder) = (actor.role, actor.holder);
    move |deadline| {
        let whole = match role {
            Role::Administrator | Role::ServiceIntegrator | Role::Regulator | Role::NationalOperator => true,
            Role::HolderOfficer
            | Role::RegionalOperator
            | Role::SectorAuthority
            | Role::TerritorialUnit
            | Role::ResponsibleEmployee
            | Role::Expert => false,
        };
        let owes = role == Role::HolderOfficer && deadline.owed_by == Some(holder);
        let sees = || {
            let mut words = deadline.about.split([' ', ',']);
            match (words.next(), words.next()) {
                (Some("application"), Some(number)) => {
                    let filed = number.parse().ok().and_then(|number| registry.application(number));
                    filed.is_some_and(|filed| viewer.sees_application(filed))
                }
                (Some("system"), Some(id)) => {
                    let system = id.parse().ok().and_then(|id| registry.system(&id));
                    system.is_some_and(|system| viewer.sees_system(system))
                }
                (Some("agreement"), Some(number)) => {
                    let number = number.parse::<AgreementNumber>().ok();
                    let of = number.and_then(|number| registry.versions(&number).last());
                    of.is_some_and(|agreement| viewer.sees_agreement(agreement))
                }
                (Some("object"), Some(id)) => {
                    let object = id.parse().ok().and_then(|id| registry.object(&id));
                    object.is_some_and(|object| viewer.sees_object(object))
                }
                _ => false,
            }
        };
        whole || owes || sees()
    }
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
        Ok(reply.untagged())
    })
}
