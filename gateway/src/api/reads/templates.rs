//! Templates: how far agreements for a purpose may go, as the regulator says.

use agreements::{Purpose, Template, TemplateStanding, Trace};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, parameter, place};
use super::super::paging;
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{list, one, page};

/// A version of a template, and whether it counts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TemplateVersion {
    /// What it says.
    template: Template,
    /// Whether it counts.
    standing: TemplateStanding,
    /// When, by whom and why it was recalled, if it was.
    recalled: Option<Trace>,
}

/// All templates of a purpose.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TemplateSheet {
    /// The purpose.
    purpose: Purpose,
    /// The version that holds; none where the newest was recalled.
    holds: Option<u32>,
    /// All versions, oldest first.
    versions: Vec<TemplateVersion>,
}

pub(super) fn operations() -> Vec<Operation> {
    let part = "parties";
    vec![
        Operation::read(
            "list-templates",
            "/v1/templates",
            "Lists versions of templates: how far agreements for a purpose may go",
            part,
            paging::media(named("Template")),
            templates,
        )
        .with(list([
            parameter("purpose", "Those of a purpose", named("Purpose")),
            parameter("standing", "Those that stand so", named("TemplateStanding")),
        ])),
        Operation::read(
            "template",
            "/v1/templates/{purpose}",
            "Shows the templates of a purpose: which holds, and what became of the others",
            part,
            Media::named("TemplateSheet"),
            template,
        )
        .with([place("purpose", "The purpose", named("Purpose")), at()]),
    ]
}

fn templates(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let purpose: Option<Purpose> = asked.parameter("purpose")?;
    let standing = asked.word::<TemplateStanding>("standing")?;
    page(
        shared,
        asked,
        |registry, _| {
            let all = registry.templates().filter(|one| purpose.as_ref().is_none_or(|of| one.purpose == *of));
            all.filter(|one| standing.is_none_or(|wanted| registry.template_standing(one) == wanted))
                .collect()
        },
        // Versions rise as numbers do.
        |one: &Template| format!("{}\0{:010}", one.purpose, one.version),
        Clone::clone,
    )
}

fn template(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let purpose: Purpose = asked.place("purpose")?;
    one(shared, asked, |registry, _| {
        let version = |template: &Template| TemplateVersion {
            template: template.clone(),
            standing: registry.template_standing(template),
            recalled: registry.recall_of(template).cloned(),
        };
        let versions: Vec<TemplateVersion> = registry.templates_of(&purpose).map(version).collect();
        let holds = registry.template(&purpose).map(|one| one.version);
        (!versions.is_empty()).then(|| TemplateSheet { purpose: purpose.clone(), holds, versions })
    })
}
