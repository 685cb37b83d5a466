//! Who sees which events, and finds which organisations (E4): what their organisation did, and what happened to what they see.

use std::collections::BTreeSet;

use agreements::{Actor, Bin, Event, Header, Recorded, Registry, Role, SystemId, Viewer};
use serde_json::Value;

/// Which organisations somebody finds: all, if all systems; else their own, and those to whom belongs what they see.
pub(super) fn finds_holder(
    registry: &Registry,
    viewer: &Viewer<'_>,
    own: Bin,
) -> impl Fn(Bin) -> bool + use<> {
    let all = viewer.finds_everything();
    let mut some = BTreeSet::from([own]);
    if !all {
        let systems = registry.systems().filter(|one| viewer.sees_system(one));
        some.extend(systems.flat_map(|one| [one.card.holder, one.card.owner]));
        let objects = registry.objects().filter(|one| viewer.sees_object(one));
        some.extend(objects.flat_map(|one| [one.card.holder, one.card.owner]));
        let filed = registry.applications().filter(|one| viewer.sees_application(one));
        some.extend(filed.map(|one| one.application.holder()));
    }
    move |bin| all || some.contains(&bin)
}

/// Whether somebody sees that something happened.
pub(super) fn sees_event(
    registry: &Registry,
    viewer: &Viewer<'_>,
    actor: &Actor,
    recorded: &Recorded,
) -> bool {
    match actor.role {
        Role::Administrator | Role::ServiceIntegrator | Role::Regulator | Role::NationalOperator => {
            return true;
        }
        Role::HolderOfficer if recorded.actor.holder == actor.holder => return true,
        _ if recorded.actor.id == actor.id => return true,
        _ => {}
    }
    let Ok(said) = serde_json::to_value::<&Event>(&recorded.event) else { return false };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let system = said.get("system").or_else(|| said.pointer("/card/id")).and_then(text);
    if let Some(id) = system.and_then(|id| id.parse::<SystemId>().ok()) {
        return registry.system(&id).is_some_and(|system| viewer.sees_system(system));
    }
    let document = said.get("document").and_then(Value::as_str);
    let header: Option<Header> = document.and_then(|text| serde_json::from_str(text).ok());
    let number = match header {
        Some(header) => Some(header.number),
        None => said.get("number").and_then(text).and_then(|number| number.parse().ok()),
    };
    number.is_some_and(|number| {
        registry.versions(&number).last().is_some_and(|newest| viewer.sees_agreement(newest))
    })
}
