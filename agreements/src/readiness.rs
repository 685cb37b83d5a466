//! Readiness: the two-sided check that precedes transfer (B5; HR 26.6, 28.1), as it is recorded.
//!
//! Checking is done elsewhere: here is what a check must cover, and for how long it holds.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Actor, AgreementNumber, AgreementText, Category, Command, DataTypeId, Party, Registry};

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CheckKind {
    /// The certificate is good, and how long it remains so.
    Certificate,
    /// How far the clock is off (Portal 62.3).
    Clock,
    /// The system is there.
    Reachability,
    /// It speaks the protocol that is agreed on.
    Protocol,
    /// A sample of a data type fits its schema.
    Sample {
        /// Which.
        data_type: DataTypeId,
        /// Its version.
        version: u32,
    },
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// Otherwise: there is no transfer.
    Failed,
    /// It cannot be measured from here, and its detail says why: a sample of an operation that changes data, say.
    Unmeasured,
}

/// One check of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadinessCheck {
    /// Of which side.
    pub party: Party,
    /// Of what.
    pub check: CheckKind,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// What was found.
    #[schema(value_type = String)]
    pub detail: Arc<str>,
    /// Why transfer may follow though it was not measured: the word of who has the check on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub accepted: Option<Arc<str>>,
}

/// How what stands on record was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// By the gateway, on the line and by what it knows.
    Measured,
    /// Somebody says so.
    #[default]
    ByHand,
}

/// A two-sided check of an agreement's systems, as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// When it was recorded.
    pub at: Timestamp,
    /// By whom.
    #[schema(value_type = Actor)]
    pub by: Arc<Actor>,
    /// The registry's revision on which the check was made: what changed since, it does not cover.
    pub revision: u64,
    /// How it was found; records of earlier builds do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// What was found.
    pub checks: Vec<ReadinessCheck>,
}

impl Readiness {
    /// On which side transfer may not follow under an agreement: the consumer's first, whose system asks.
    pub fn failed(&self, text: &AgreementText) -> Option<Party> {
        failed(&self.checks, self.means, text)
    }
}

/// On which side transfer may not follow what was found, the consumer's first: something failed, what only the line itself can
/// show was not measured, or something else was not and nobody gave their reason, where one is asked for.
pub fn failed(checks: &[ReadinessCheck], means: Option<Means>, text: &AgreementText) -> Option<Party> {
    let asked = match means {
        Some(Means::ByHand) => true,
        Some(Means::Measured) => passes_personal_data(text),
        // It was judged so when it was made: an earlier day is told as it was.
        None => false,
    };
    let failed =
        checks.iter().filter(|one| match (one.outcome, &one.check, one.party) {
            (CheckOutcome::Passed, ..) => false,
            (CheckOutcome::Failed, ..) => true,
            // A provider that could not be reached was not checked at all.
            (CheckOutcome::Unmeasured, CheckKind::Certificate | CheckKind::Reachability, Party::Provider) => {
                true
            }
            (CheckOutcome::Unmeasured, CheckKind::Certificate | CheckKind::Reachability, Party::Consumer)
            | (
                CheckOutcome::Unmeasured,
                CheckKind::Clock | CheckKind::Protocol | CheckKind::Sample { .. },
                _,
            ) => asked && one.accepted.is_none(),
        });
    failed.map(|one| one.party).min()
}

fn passes_personal_data(text: &AgreementText) -> bool {
    let category = text.protection.category;
    text.personal_data.is_some() || matches!(category, Category::Personal | Category::Special)
}

/// What a check of an agreement's readiness must cover: certificate, clock, reachability and protocol of both sides, and
/// a sample of each data type of the provider.
pub fn wanted_checks(text: &AgreementText) -> Vec<(Party, CheckKind)> {
    let mut wanted = Vec::new();
    for party in [Party::Consumer, Party::Provider] {
        let kinds = [CheckKind::Certificate, CheckKind::Clock, CheckKind::Reachability, CheckKind::Protocol];
        wanted.extend(kinds.map(|kind| (party, kind)));
    }
    wanted.extend(text.data.iter().map(|grant| {
        let (data_type, version) = (grant.data_type.clone(), grant.version);
        (Party::Provider, CheckKind::Sample { data_type, version })
    }));
    wanted
}

/// The command that records, by hand, a check in which everything came out alike: for systems that are stand-ins.
pub fn checked_alike(
    registry: &Registry,
    number: &AgreementNumber,
    version: u32,
    outcome: CheckOutcome,
    detail: &str,
) -> Option<Command> {
    let text = registry.agreement(number, version)?.text.as_ref()?;
    let detail: Arc<str> = detail.into();
    let checks = wanted_checks(text)
        .into_iter()
        .map(|(party, check)| ReadinessCheck {
            party,
            check,
            outcome,
            detail: detail.clone(),
            accepted: None,
        })
        .collect();
    let (number, revision) = (number.clone(), registry.revision());
    Some(Command::RecordReadiness { number, version, revision, checks, means: Means::ByHand })
}

/// Whether an agreement's systems are known to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// No check is on record.
    Unchecked,
    /// The newest check failed, on this side; where it failed on both, the consumer's.
    Failed(Party),
    /// A system changed since: its networks, endpoint, phase or make, or it got a certificate.
    Outdated(Party),
    /// The newest check holds until then.
    Until(Timestamp),
}

/// How long a check holds under an agreement.
pub(crate) fn holds_until(checked: Timestamp, text: &AgreementText) -> Timestamp {
    let Some(days) = text.protection.readiness_days else { return Timestamp::MAX };
    let most = SignedDuration::from_hours(24 * i64::from(days));
    checked.checked_add(most).unwrap_or(Timestamp::MAX)
}

/// Most checks of one record: those of both sides and of every data type that an agreement may name.
pub(crate) const MOST_CHECKS: usize = 8 + 200;

/// Most characters of a check's detail.
pub(crate) const DETAIL: usize = 500;
