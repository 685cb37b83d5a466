//! Prescriptions of the regulator, and delegations of holders.

use agreements::{
    AgreementNumber, Bin, Delegation, DelegationNumber, Prescription, PrescriptionNumber, Registry, SystemId,
    Target, Viewer,
};
use serde_json::json;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, parameter, place};
use super::super::paging;
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{list, one, page};

pub(super) fn operations() -> Vec<Operation> {
    let read = |id, path, summary, answer, does| Operation::read(id, path, summary, "orders", answer, does);
    let orders = "Lists prescriptions against what one sees, lifted ones too";
    let delegations =
        "Lists delegations in which one's organisation is a side, or all to those who supervise";
    vec![
        read(
            "list-prescriptions",
            "/v1/prescriptions",
            orders,
            paging::media(named("Prescription")),
            prescriptions,
        )
        .with(list([
            parameter("system", "Those against a system", named("SystemId")),
            parameter("agreement", "Those against an agreement", named("AgreementNumber")),
            parameter(
                "standing",
                "Those that stand, or that were lifted",
                json!({ "enum": ["stands", "lifted"] }),
            ),
        ])),
        read(
            "prescription",
            "/v1/prescriptions/{number}",
            "Shows a prescription with the regulator's signature, and how it was lifted",
            Media::named("Prescription"),
            prescription,
        )
        .with([place("number", "The prescription", named("PrescriptionNumber")), at()]),
        read(
            "list-delegations",
            "/v1/delegations",
            delegations,
            paging::media(named("Delegation")),
            delegated,
        )
        .with(list([
            parameter("principal", "Those of a holder", named("Bin")),
            parameter("delegate", "Those to a body", named("Bin")),
        ])),
        read(
            "delegation",
            "/v1/delegations/{number}",
            "Shows a delegation with the signature of the holder's head",
            Media::named("Delegation"),
            delegation,
        )
        .with([place("number", "The delegation", named("DelegationNumber")), at()]),
    ]
}

fn prescriptions(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let system: Option<SystemId> = asked.parameter("system")?;
    let agreement: Option<AgreementNumber> = asked.parameter("agreement")?;
    let stands = match asked.parameter::<String>("standing")?.as_deref() {
        None => None,
        Some("stands") => Some(true),
        Some("lifted") => Some(false),
        Some(_) => return Err(Problem::new("parameter-malformed", "standing: stands or lifted")),
    };
    page(
        shared,
        asked,
        |registry, viewer| {
            let against = |target: &Target| match target {
                Target::System(id) => agreement.is_none() && system.as_ref().is_none_or(|one| one == id),
                Target::Agreement(number) => {
                    system.is_none() && agreement.as_ref().is_none_or(|one| one == number)
                }
            };
            let all = registry.prescriptions().filter(|one| against(&one.text.against));
            all.filter(|one| stands.is_none_or(|stands| one.lifted.is_none() == stands))
                .filter(|one| sees(registry, viewer, &one.text.against))
                .collect()
        },
        |one: &Prescription| one.text.prescription.to_string(),
        Clone::clone,
    )
}

fn prescription(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let number: PrescriptionNumber = asked.place("number")?;
    one(shared, asked, |registry, viewer| {
        registry.prescription(&number).filter(|one| sees(registry, viewer, &one.text.against)).cloned()
    })
}

/// As one sees what it is against.
fn sees(registry: &Registry, viewer: &Viewer<'_>, against: &Target) -> bool {
    match against {
        Target::System(id) => registry.system(id).is_some_and(|system| viewer.sees_system(system)),
        Target::Agreement(number) => {
            registry.versions(number).last().is_some_and(|newest| viewer.sees_agreement(newest))
        }
    }
}

fn delegated(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (principal, delegate) = (asked.parameter::<Bin>("principal")?, asked.parameter::<Bin>("delegate")?);
    page(
        shared,
        asked,
        |registry, viewer| {
            let all = registry.delegations().filter(|one| viewer.sees_delegation(one));
            all.filter(|one| principal.is_none_or(|bin| one.text.principal == bin))
                .filter(|one| delegate.is_none_or(|bin| one.text.delegate == bin))
                .collect()
        },
        |one: &Delegation| one.text.delegation.to_string(),
        Clone::clone,
    )
}

fn delegation(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let number: DelegationNumber = asked.place("number")?;
    one(shared, asked, |registry, viewer| {
        registry.delegation(&number).filter(|one| viewer.sees_delegation(one)).cloned()
    })
}
