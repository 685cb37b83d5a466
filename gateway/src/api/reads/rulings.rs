//! What the regulator said to agreements by statements of its own, and protocols of disagreement.

use agreements::{Agreement, AgreementNumber, Protocol, Registry, Ruled, Ruling, Viewer};
use serde_json::json;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Input, Media, Operation, at, named, parameter, place};
use super::super::paging;
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::agreements::versions;
use super::{list, one, page};

pub(super) fn operations() -> Vec<Operation> {
    let part = "agreements";
    let of_version = || -> [Input; 3] {
        [
            place("number", "The agreement's number", named("AgreementNumber")),
            place("version", "The version", versions()),
            at(),
        ]
    };
    let agreement = || parameter("agreement", "Those on an agreement", named("AgreementNumber"));
    vec![
        Operation::read(
            "list-rulings",
            "/v1/rulings",
            "Lists what the regulator said to agreements that one sees: remarks, refusals, returns; a concurrence without a remark \
             is a signature under the agreement itself",
            part,
            paging::media(named("Ruled")),
            rulings,
        )
        .with(list([agreement(), parameter("ruling", "Those that say so", named("Ruling"))])),
        Operation::read(
            "ruling",
            "/v1/agreements/{number}/versions/{version}/ruling",
            "Shows what the regulator said to a version of an agreement, with its signature",
            part,
            Media::named("Ruled"),
            ruling,
        )
        .with(of_version()),
        Operation::read(
            "list-protocols",
            "/v1/protocols",
            "Lists protocols of disagreement under agreements that one sees",
            part,
            paging::media(named("Protocol")),
            protocols,
        )
        .with(list([
            agreement(),
            parameter(
                "standing",
                "Those that both holders signed, or that wait for one of them",
                json!({ "enum": ["signed", "waits"] }),
            ),
        ])),
        Operation::read(
            "protocol",
            "/v1/agreements/{number}/versions/{version}/protocol",
            "Shows the protocol of disagreement under a version of an agreement, with its signatures",
            part,
            Media::named("Protocol"),
            protocol,
        )
        .with(of_version()),
    ]
}

/// Versions of agreements that somebody sees.
fn seen<'r>(
    registry: &'r Registry,
    viewer: &Viewer<'r>,
    number: Option<&AgreementNumber>,
) -> Vec<&'r Agreement> {
    let sees = |one: &&Agreement| viewer.sees_agreement(one);
    match number {
        Some(number) => registry.versions(number).filter(sees).collect(),
        None => registry.agreements().filter(sees).collect(),
    }
}

fn rulings(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let number: Option<AgreementNumber> = asked.parameter("agreement")?;
    let wanted = asked.word::<Ruling>("ruling")?;
    page(
        shared,
        asked,
        |registry, viewer| {
            let ruled = seen(registry, viewer, number.as_ref()).into_iter();
            let ruled = ruled.filter_map(|one| one.ruled.as_deref());
            ruled.filter(|one| wanted.is_none_or(|wanted| one.text.ruling == wanted)).collect()
        },
        |one: &Ruled| key(&one.text.agreement, one.text.version),
        Clone::clone,
    )
}

fn ruling(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (number, version): (AgreementNumber, u32) = (asked.place("number")?, asked.place("version")?);
    one(shared, asked, |registry, viewer| {
        let seen = registry.agreement(&number, version).filter(|one| viewer.sees_agreement(one));
        seen.and_then(|seen| seen.ruled.as_deref().cloned())
    })
}

fn protocols(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let number: Option<AgreementNumber> = asked.parameter("agreement")?;
    let signed = match asked.parameter::<String>("standing")?.as_deref() {
        None => None,
        Some("signed") => Some(true),
        Some("waits") => Some(false),
        Some(_) => return Err(Problem::new("parameter-malformed", "standing: signed or waits")),
    };
    page(
        shared,
        asked,
        |registry, viewer| {
            let attached = seen(registry, viewer, number.as_ref()).into_iter();
            let attached = attached.filter_map(|one| one.protocol.as_deref());
            attached.filter(|one| signed.is_none_or(|signed| one.is_signed_by_both() == signed)).collect()
        },
        |one: &Protocol| key(&one.text.agreement, one.text.version),
        Clone::clone,
    )
}

fn protocol(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (number, version): (AgreementNumber, u32) = (asked.place("number")?, asked.place("version")?);
    one(shared, asked, |registry, viewer| {
        let seen = registry.agreement(&number, version).filter(|one| viewer.sees_agreement(one));
        seen.and_then(|seen| seen.protocol.as_deref().cloned())
    })
}

/// Versions rise as numbers do.
fn key(number: &AgreementNumber, version: u32) -> String {
    format!("{number}\0{version:010}")
}
