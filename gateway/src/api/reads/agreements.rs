//! Agreements and their versions.

use agreements::{
    Agreement, AgreementNumber, AgreementText, Bin, Fit, ListedUser, Point, Problem as Fault, Registry,
    Stage, SystemId, almaty, diff, fits, lint, remarks,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, named, parameter, place};
use super::super::paging;
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{list, one_read, page};
use crate::clock;

/// A version of an agreement in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AgreementLine {
    /// Its number.
    number: AgreementNumber,
    /// Its version.
    version: u32,
    /// The system that asks.
    consumer: SystemId,
    /// The system that answers.
    provider: SystemId,
    /// Where it stands: what was agreed has expired once its period is over.
    stage: Stage,
}

/// An agreement: its versions, the newest whole, and the officials who may ask under it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AgreementSheet {
    /// All versions, oldest first.
    versions: Vec<AgreementLine>,
    /// The newest version.
    newest: Agreement,
    /// The officials who may ask.
    users: Vec<ListedUser>,
    /// What the templates of the newest version's purposes say to it.
    fits: Vec<Fit>,
    /// The serial of their list; 0 before the first.
    list: u32,
}

/// A draft to be looked at before it is drafted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LintRequest {
    /// The draft.
    #[schema(value_type = Object)]
    document: Value,
}

/// What a draft still lacks.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct LintReport {
    /// Each problem with its clause; none if it can be signed.
    problems: Vec<Fault>,
    /// What it leaves open that it could close, if it can be signed.
    remarks: Vec<Fault>,
    /// What the templates of its purposes say to it, if it can be signed.
    fits: Vec<Fit>,
}

/// What a version allows that another does not, and the reverse.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct AgreementDiff {
    /// The agreement.
    number: AgreementNumber,
    /// From which version.
    from: u32,
    /// To which.
    to: u32,
    /// Each point with its direction, in the order of the fields.
    points: Vec<Point>,
}

impl AgreementLine {
    fn on(agreement: &Agreement, day: Date) -> Self {
        let header = &agreement.header;
        Self {
            number: header.number.clone(),
            version: header.version,
            consumer: header.consumer.clone(),
            provider: header.provider.clone(),
            stage: agreement.stage_on(day),
        }
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let part = "agreements";
    let number = || place("number", "The agreement's number", named("AgreementNumber"));
    let lint = Operation::read(
        "lint",
        "/v1/lint",
        "Says what a draft of an agreement lacks, against which clause, and whether it is within the templates of its purposes; changes nothing",
        part,
        Media::named("LintReport"),
        judge,
    )
    .asking("LintRequest");
    vec![
        Operation::read(
            "list-agreements",
            "/v1/agreements",
            "Lists versions of agreements to which one is a party, or which one supervises",
            part,
            paging::media(named("AgreementLine")),
            agreements,
        )
        .with(list([
            parameter("consumer", "Those of a consumer", named("SystemId")),
            parameter("provider", "Those of a provider", named("SystemId")),
            parameter("holder", "Those of an organisation's systems", named("Bin")),
            parameter("stage", "Those at a stage", named("Stage")),
        ])),
        Operation::read(
            "agreement",
            "/v1/agreements/{number}",
            "Shows an agreement: its versions, the newest whole",
            part,
            Media::named("AgreementSheet"),
            agreement,
        )
        .with([number(), at()]),
        Operation::read(
            "agreement-version",
            "/v1/agreements/{number}/versions/{version}",
            "Shows a version of an agreement with its signatures and its history",
            part,
            Media::named("Agreement"),
            version,
        )
        .with([
            number(),
            place(
                "version",
                "The version",
                versions(),
            ),
            at(),
        ]),
        Operation::read(
            "diff",
            "/v1/agreements/{number}/diff",
            "Says point by point what a version of an agreement allows that another does not, and the reverse",
            part,
            Media::named("AgreementDiff"),
            differing,
        )
        .with([
            number(),
            parameter("from", "From which version; the one before where it is absent", versions()),
            parameter("to", "To which; the newest where it is absent", versions()),
            at(),
        ])
        .failing(&["document-unreadable"]),
        lint,
    ]
}

pub(super) fn versions() -> Value {
    serde_json::json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
}

fn agreements(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let consumer: Option<SystemId> = asked.parameter("consumer")?;
    let provider: Option<SystemId> = asked.parameter("provider")?;
    let (holder, stage) = (asked.parameter::<Bin>("holder")?, asked.word::<Stage>("stage")?);
    let day = shown_on(asked)?;
    page(
        shared,
        asked,
        |registry, viewer| {
            registry
                .agreements()
                .filter(|one| consumer.as_ref().is_none_or(|id| one.header.consumer == *id))
                .filter(|one| provider.as_ref().is_none_or(|id| one.header.provider == *id))
                .filter(|one| stage.as_ref().is_none_or(|stage| one.stage_on(day) == *stage))
                .filter(|one| holder.is_none_or(|bin| is_of(registry, one, bin)))
                .filter(|one| viewer.sees_agreement(one))
                .collect()
        },
        // Versions rise as numbers do.
        |one: &Agreement| format!("{}\0{:010}", one.header.number, one.header.version),
        |one| AgreementLine::on(one, day),
    )
}

/// The day that is shown.
fn shown_on(asked: &Asked) -> Result<Date, Problem> {
    Ok(asked.at()?.unwrap_or_else(clock::now).to_zoned(almaty()).date())
}

fn is_of(registry: &Registry, agreement: &Agreement, bin: Bin) -> bool {
    let sides = [&agreement.header.consumer, &agreement.header.provider];
    sides.iter().any(|id| registry.system(id).is_some_and(|system| system.card.holder == bin))
}

fn agreement(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (number, day): (AgreementNumber, Date) = (asked.place("number")?, shown_on(asked)?);
    one_read(shared, asked, |registry, viewer| {
        let seen: Vec<&Agreement> =
            registry.versions(&number).filter(|one| viewer.sees_agreement(one)).collect();
        let Some(newest) = seen.last() else { return Ok(None) };
        let newest = shared.whole(newest)?;
        let versions = seen.into_iter().map(|one| AgreementLine::on(one, day)).collect();
        let fits = newest.text.as_ref().map_or_else(Vec::new, |text| fits(text, registry));
        let (users, list) = (registry.users(&number).to_vec(), registry.user_list(&number));
        let list = list.map_or(0, |known| known.list.serial);
        Ok(Some(AgreementSheet { versions, newest, users, list, fits }))
    })
}

fn version(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (number, version): (AgreementNumber, u32) = (asked.place("number")?, asked.place("version")?);
    one_read(shared, asked, |registry, viewer| {
        let seen = registry.agreement(&number, version).filter(|one| viewer.sees_agreement(one));
        seen.map(|seen| shared.whole(seen)).transpose()
    })
}

fn differing(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let number: AgreementNumber = asked.place("number")?;
    let (from, to) = (asked.parameter::<u32>("from")?, asked.parameter::<u32>("to")?);
    one_read(shared, asked, |registry, viewer| {
        let seen =
            |version: &u32| registry.agreement(&number, *version).filter(|one| viewer.sees_agreement(one));
        let newest = registry.versions(&number).last().map(|one| one.header.version);
        let Some(to) = to.or(newest) else { return Ok(None) };
        let from = from.unwrap_or(to.saturating_sub(1));
        let (Some(before), Some(after)) = (seen(&from), seen(&to)) else { return Ok(None) };
        let read = |one: &Agreement| {
            serde_json::from_str::<AgreementText>(&one.document.text()).map_err(|error| {
                let version = one.header.version;
                Problem::new("document-unreadable", format!("version {version} is not complete: {error}"))
            })
        };
        let points = diff(&read(before)?, &read(after)?);
        Ok(Some(AgreementDiff { number: number.clone(), from, to, points }))
    })
}

fn judge(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let LintRequest { document } = asked.json()?;
    shared.newest(|registry| {
        let report = match lint(&document, registry) {
            Ok(text) => LintReport {
                problems: Vec::new(),
                remarks: remarks(&text, registry),
                fits: fits(&text, registry),
            },
            Err(problems) => LintReport { problems, remarks: Vec::new(), fits: Vec::new() },
        };
        Reply::json(&report)
    })
}
