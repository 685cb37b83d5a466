//! `kelisim agreement readiness`: what a two-sided check of an agreement's systems found (B5).

use std::path::Path;

use agreements::{CheckKind, Command, Party, ReadinessCheck, Ready, wanted_checks};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::agreement::Which;
use super::desk::{Desk, kebab, read_json};
use super::table::{Table, moment, short};
use super::{Answer, Exit, Failure};

pub(super) const AFTER_HELP: &str = "\
Example:
  kelisim agreement readiness ar-2026-1
  kelisim agreement readiness ar-2026-1 found.json --as integrator

In JSON:
  { \"revision\": 120, \"checks\": [
    { \"party\": \"provider\", \"check\": { \"kind\": \"reachability\" }, \"outcome\": \"passed\", \"detail\": \"4 ms\" } ] }

The revision is the registry's, on which the check was made. Outcomes are passed, failed and unmeasured. Without a
file it says what is to be checked, and ends with 1 unless a check is on record that holds.";

/// What a check found, as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    revision: u64,
    checks: Vec<ReadinessCheck>,
}

pub(super) fn record(desk: &mut Desk<'_>, which: Which, file: &Path) -> Result<Answer, Failure> {
    let version = desk.version(&which.number, which.version)?;
    let Found { revision, checks } = read_json(file)?;
    let done = format!("readiness under {} version {version} is recorded", which.number);
    desk.issue(Command::RecordReadiness { number: which.number, version, revision, checks }, done)
}

pub(super) fn show(desk: &Desk<'_>, which: Which) -> Result<Answer, Failure> {
    let version = desk.version(&which.number, which.version)?;
    let registry = desk.registry();
    let known = registry.agreement(&which.number, version);
    let Some((agreement, text)) = known.and_then(|one| Some((one, one.text.as_ref()?))) else {
        let what = format!("{} version {version} is not signed: there is nothing to check", which.number);
        return Err(Failure::new(Exit::Refused, what, "see `kelisim agreement list`"));
    };
    let now = crate::clock::now();
    let ready = registry.ready(agreement);
    let holds = matches!(ready, Ready::Until(until) if now < until);
    let standing = match ready {
        Ready::Unchecked => "never checked".to_owned(),
        Ready::Failed => "the newest check failed".to_owned(),
        Ready::Outdated(party) => format!("the {party} changed since the newest check"),
        Ready::Until(until) if until == Timestamp::MAX => "ready until a system changes".to_owned(),
        Ready::Until(until) if holds => format!("ready until {}", moment(until)),
        Ready::Until(until) => format!("the newest check held until {}", moment(until)),
    };
    let checks = agreement.readiness.as_ref().map_or(&[][..], |newest| &newest.checks);
    let mut table = Table::new(["SIDE", "CHECK", "OUTCOME", "DETAIL"]);
    let wanted = wanted_checks(text);
    for (party, check) in &wanted {
        let found = checks.iter().find(|one| one.party == *party && one.check == *check);
        let (outcome, detail) = found
            .map_or_else(|| ("-".into(), String::new()), |one| (kebab(&one.outcome), one.detail.clone()));
        table.row([side(*party), named(check), outcome, short(&detail)]);
    }
    let wanted: Vec<_> =
        wanted.iter().map(|(party, check)| json!({ "party": party, "check": check })).collect();
    let json = json!({
        "agreement": which.number, "version": version, "ready": ready, "holds": holds,
        "newest": agreement.readiness, "wanted": wanted, "revision": registry.revision(),
    });
    let answer = Answer::new(json, format!("{standing}\n{table}"));
    Ok(if holds { answer } else { answer.negative() })
}

fn side(party: Party) -> String {
    party.to_string()
}

fn named(check: &CheckKind) -> String {
    match check {
        CheckKind::Certificate => "certificate".into(),
        CheckKind::Clock => "clock".into(),
        CheckKind::Reachability => "reachability".into(),
        CheckKind::Protocol => "protocol".into(),
        CheckKind::Sample { data_type, version } => format!("sample of {data_type} {version}"),
    }
}
