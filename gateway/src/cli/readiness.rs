//! `kelisim readiness`: a two-sided check of an agreement's systems, made and recorded; `kelisim agreement readiness`: what
//! the newest one found, or another record of one (B5).

use std::path::Path;

use agreements::{
    CheckKind, Command, CommandError, Means, Party, ReadinessCheck, Ready, entitled, wanted_checks,
};
use certs::keys::Identity;
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::agreement::Which;
use super::desk::{Desk, kebab, read_json};
use super::table::{Table, moment, short};
use super::{Answer, Common, Exit, Failure};
use crate::readiness::{Plan, Prober, accept};

pub(super) const AFTER_HELP: &str = "\
Example:
  kelisim agreement readiness ar-2026-1
  kelisim agreement readiness ar-2026-1 found.json --as integrator --reason 'report 3'

In JSON:
  { \"revision\": 120, \"checks\": [
    { \"party\": \"provider\", \"check\": { \"kind\": \"reachability\" }, \"outcome\": \"passed\", \"detail\": \"4 ms\" } ] }

The revision is the registry's, on which the check was made. Outcomes are passed, failed and unmeasured; what was not
measured needs \"accepted\" as well: why transfer may follow all the same. The record says that it was made by hand. Without a
file it says what is to be checked, and ends with 1 unless a check is on record that holds.";

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim readiness ar-2026-1 --as integrator --reason 'before the first transfer'

It reaches the provider with the gateway's own certificate, asks it for a sample of each data type that the agreement
names, holds the answers against their schemas, and looks at the consumer's certificate. Asked is only what reads and
needs nothing to be named, or what the data type declares as a sample. What was found is recorded, and ends with 1
unless both systems are ready; with --dry-run nothing is recorded.

Where personal data passes, what cannot be measured needs --accept-unmeasured, which stands on record beside each such
check. How the consumer connects is known to the gateway alone: it is measured over the API (--server).")]
pub(super) struct Readiness {
    #[command(flatten)]
    which: Which,
    /// Why transfer may follow though something cannot be measured; asked for where personal data passes
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    accept_unmeasured: Option<String>,
    /// Check, and record nothing
    #[arg(long)]
    dry_run: bool,
}

impl Readiness {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let mut desk = Desk::open(common)?;
        let (number, version) = (&self.which.number, desk.version(&self.which.number, self.which.version)?);
        // Nobody has a provider asked who may not record what it answered.
        let role = desk.actor()?.role;
        if !entitled(agreements::CommandName::RecordReadiness).contains(&role) {
            return Err(CommandError::NotInRole { role }.into());
        }
        let plan = Plan::of(desk.registry(), number, version).map_err(|unplannable| {
            Failure::of(Exit::Refused, &unplannable, "see `kelisim agreement show`")
        })?;
        let mut checks = look(&desk, &plan)?;
        if let Some(why) = &self.accept_unmeasured {
            accept(&mut checks, why);
        }
        let ready = plan.passes(&checks);
        let mut table = Table::new(["SIDE", "CHECK", "OUTCOME", "DETAIL"]);
        for one in &checks {
            table.row([side(one.party), named(&one.check), kebab(&one.outcome), detail(one)]);
        }
        let word = if ready { "ready" } else { "not ready" };
        let json = json!({
            "agreement": number, "version": version, "ready": ready, "checks": checks, "recorded": !self.dry_run,
        });
        let answer = Answer::new(json, format!("{number} version {version}: {word}\n{table}"));
        let answer =
            if self.dry_run { answer } else { answer.and(desk.issue(plan.record(checks), "recorded")?) };
        Ok(if ready { answer } else { answer.negative() })
    }
}

fn look(desk: &Desk<'_>, plan: &Plan) -> Result<Vec<ReadinessCheck>, Failure> {
    let own = &desk.config.identity;
    let identity = Identity::from_files(&desk.config.path(&own.certificate), &desk.config.path(&own.key))?;
    let unready =
        |error: &dyn std::error::Error| Failure::of(Exit::Environment, error, "run `kelisim check-config`");
    let prober =
        Prober::new(&desk.config, &identity, desk.office.trust()).map_err(|error| unready(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| unready(&error))?;
    // When consumers were last seen is known to the running gateway alone.
    Ok(runtime.block_on(prober.check(plan, None)))
}

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
    desk.issue(
        Command::RecordReadiness { number: which.number, version, revision, means: Means::ByHand, checks },
        done,
    )
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
        Ready::Failed(party) => format!("the newest check failed on the side of the {party}"),
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
        let (outcome, detail) =
            found.map_or_else(|| ("-".into(), String::new()), |one| (kebab(&one.outcome), detail(one)));
        table.row([side(*party), named(check), outcome, short(&detail)]);
    }
    let wanted: Vec<_> =
        wanted.iter().map(|(party, check)| json!({ "party": party, "check": check })).collect();
    let json = json!({
        "agreement": which.number, "version": version, "ready": ready, "holds": holds,
        "newest": agreement.readiness, "wanted": wanted, "revision": registry.revision(),
    });
    let how = match agreement.readiness.as_ref().and_then(|newest| newest.means) {
        Some(Means::Measured) => "; it was measured",
        Some(Means::ByHand) => "; it was recorded by hand",
        None => "",
    };
    let answer = Answer::new(json, format!("{standing}{how}\n{table}"));
    Ok(if holds { answer } else { answer.negative() })
}

/// What was found, and why transfer may follow though nothing was.
fn detail(one: &ReadinessCheck) -> String {
    match &one.accepted {
        Some(why) => format!("{}; accepted: {why}", one.detail),
        None => one.detail.to_string(),
    }
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
