//! Organisations, operators, acts.

use agreements::{Act, Bin, Holder, Operator, OperatorId, Role};
use serde_json::json;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, parameter, place};
use super::super::paging;
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::super::visibility::finds_holder;
use super::{list, one, page};

pub(super) fn operations() -> Vec<Operation> {
    let part = "parties";
    let bin = || place("bin", "The organisation's BIN", named("Bin"));
    let operator = || place("id", "The operator", named("OperatorId"));
    vec![
        Operation::read(
            "list-holders",
            "/v1/holders",
            "Lists organisations: all, to those who find all systems; else those to whom belongs what one sees",
            part,
            paging::media(named("Holder")),
            holders,
        )
        .with(list([])),
        Operation::read(
            "holder",
            "/v1/holders/{bin}",
            "Shows an organisation",
            part,
            Media::named("Holder"),
            holder,
        )
        .with([bin(), at()]),
        Operation::read(
            "list-operators",
            "/v1/operators",
            "Lists those who may issue commands",
            part,
            paging::media(named("Operator")),
            operators,
        )
        .with(list([
            parameter("role", "Those of a role", named("Role")),
            parameter("holder", "Those of an organisation", named("Bin")),
        ])),
        Operation::read(
            "operator",
            "/v1/operators/{id}",
            "Shows an operator",
            part,
            Media::named("Operator"),
            operator_card,
        )
        .with([operator(), at()]),
        Operation::read(
            "operator-access",
            "/v1/operators/{id}/access",
            "Shows an operator's certificates, password and tokens, without what is secret, and what waits to be confirmed",
            part,
            Media::named("OperatorAccess"),
            access,
        )
        .with([operator(), at()]),
        Operation::read(
            "list-acts",
            "/v1/acts",
            "Lists versions of acts",
            part,
            paging::media(named("Act")),
            acts,
        )
        .with(list([parameter(
            "in-force-on",
            "Those in force on a day",
            json!({ "type": "string", "format": "date" }),
        )])),
    ]
}

fn holders(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let own = asked.caller()?.actor.holder;
    page(
        shared,
        asked,
        |registry, viewer| {
            let finds = finds_holder(registry, viewer, own);
            registry.holders().filter(|one| finds(one.bin)).collect()
        },
        |one: &Holder| one.bin.to_string(),
        Clone::clone,
    )
}

fn holder(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let bin: Bin = asked.place("bin")?;
    let own = asked.caller()?.actor.holder;
    one(shared, asked, |registry, viewer| {
        registry.holder(bin).filter(|one| finds_holder(registry, viewer, own)(one.bin)).cloned()
    })
}

fn operators(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (role, holder) = (asked.word::<Role>("role")?, asked.parameter::<Bin>("holder")?);
    page(
        shared,
        asked,
        |registry, viewer| {
            let seen = registry.operators().filter(|one| viewer.sees_operator(one));
            seen.filter(|one| role.is_none_or(|role| one.role == role))
                .filter(|one| holder.is_none_or(|bin| one.holder == bin))
                .collect()
        },
        |one: &Operator| one.id.to_string(),
        Clone::clone,
    )
}

fn operator_card(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let id: OperatorId = asked.place("id")?;
    one(shared, asked, |registry, viewer| {
        registry.operator(&id).filter(|one| viewer.sees_operator(one)).cloned()
    })
}

/// One's own; everybody's for administrators and the regulator, who confirm what others gave.
fn access(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let id: OperatorId = asked.place("id")?;
    let actor = &asked.caller()?.actor;
    let theirs = actor.id == id || matches!(actor.role, Role::Administrator | Role::Regulator);
    one(shared, asked, |registry, _| {
        registry.operator(&id).filter(|_| theirs)?;
        Some(registry.access(&id).cloned().unwrap_or_default())
    })
}

fn acts(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let day: Option<jiff::civil::Date> = asked.parameter("in-force-on")?;
    page(
        shared,
        asked,
        |registry, _| {
            let in_force = |act: &Act, day| {
                act.in_force_from <= day && act.in_force_until.is_none_or(|until| day <= until)
            };
            registry.acts().filter(|act| day.is_none_or(|day| in_force(act, day))).collect()
        },
        |act: &Act| format!("{}\0{}", act.id, act.version),
        Clone::clone,
    )
}
