//! Readiness over HTTP: what is known of it, and a check that goes on while nobody waits for it (B5).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agreements::{
    Agreement, AgreementNumber, CheckKind, CommandName, Eyes, Party, Readiness, Ready, Registry, entitled,
    wanted_checks,
};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::asked::{Asked, Reply};
use super::auth::Caller;
use super::operation::{Access, Does, Media, Operation, at, named, place};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;
use crate::readiness::{Plan, Unplannable, accept};

/// Whether the systems of an agreement are known to be ready.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadinessSheet {
    /// The agreement.
    number: AgreementNumber,
    /// Its version.
    version: u32,
    /// What the newest check comes to.
    ready: Ready,
    /// Whether calls may pass on it now.
    holds: bool,
    /// The newest check.
    newest: Option<Readiness>,
    /// What a check covers.
    wanted: Vec<WantedCheck>,
    /// Whether a check goes on.
    under_way: bool,
    /// Why the last check that was asked for here is not on record, if it is not.
    unrecorded: Option<Unrecorded>,
}

/// Something that a check covers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WantedCheck {
    /// Of which side.
    party: Party,
    /// What.
    check: CheckKind,
}

/// Why a check is not on record.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Unrecorded {
    /// When it ended.
    at: Timestamp,
    /// The code of the problem.
    code: String,
    /// What exactly.
    detail: String,
}

/// A check that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadinessRequest {
    /// Why: stands in the history.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    reason: String,
    /// Why transfer may follow though something could not be measured: stands beside each such check. Asked for where personal
    /// data passes.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    accept_unmeasured: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    let path = "/v1/agreements/{number}/versions/{version}/readiness";
    let places = || {
        let version = serde_json::json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX });
        [
            place("number", "The agreement's number", named("AgreementNumber")),
            place("version", "The version", version),
        ]
    };
    let sheet = || Media::named("ReadinessSheet");
    let summary =
        "Shows whether the systems of an agreement are known to be ready, and whether a check goes on";
    let known = Operation::read("readiness", path, summary, "agreements", sheet(), known).with(places());
    let summary = "Has the systems of an agreement checked: on the line, and by what is registered; the check goes on \
                   after the answer, and `readiness` shows what came of it";
    let begin = Operation {
        method: Method::POST,
        access: Access::Roles(entitled(CommandName::RecordReadiness)),
        inputs: places().into(),
        body: Some(Media::named("ReadinessRequest")),
        status: 202,
        does: Does::Check,
        ..Operation::read("check-readiness", path, summary, "agreements", sheet(), never)
    };
    vec![known.with([at()]), begin.failing(&["not-in-role", "no-reason", "wrong-stage", "unknown", "busy"])]
}

/// What is carried out by [`begin`].
fn never(_: &Shared, _: &Asked) -> Result<Reply, Problem> {
    Err(Problem::new("not-found", "a check is begun, not read"))
}

fn known(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let (number, version) = which(asked)?;
    let eyes = super::reads::eyes(shared, &asked.caller()?.actor)?;
    shared.at(asked.at()?, |registry| {
        let agreement = seen(registry, eyes, &number, version)?;
        let sheet = sheet(shared, registry, agreement);
        Ok(Reply::json(&sheet)?.object(registry.revision()))
    })
}

/// Begins a check, or says that one goes on.
///
/// # Errors
/// `not-found`, `no-reason`, `wrong-stage`, `unknown`, `busy`.
pub(super) fn begin(shared: &Arc<Shared>, asked: &Asked) -> Result<Reply, Problem> {
    let (number, version) = which(asked)?;
    let caller = asked.caller()?.clone();
    let ReadinessRequest { reason, accept_unmeasured } = asked.json()?;
    if reason.trim().is_empty() {
        return Err(agreements::CommandError::NoReason.into());
    }
    if reason.chars().count() > MOST_REASON {
        return Err(Problem::new("body-malformed", format!("reason: at most {MOST_REASON} characters")));
    }
    if accept_unmeasured
        .as_ref()
        .is_some_and(|why| why.trim().is_empty() || why.chars().count() > MOST_REASON)
    {
        let detail = format!("accept_unmeasured: 1 to {MOST_REASON} characters");
        return Err(Problem::new("body-malformed", detail));
    }
    let eyes = super::reads::eyes(shared, &caller.actor)?;
    let plan = shared.newest(|registry| {
        seen(registry, eyes.clone(), &number, version)?;
        Plan::of(registry, &number, version).map_err(|unplannable| {
            let code = match &unplannable {
                Unplannable::Unknown(..) => "not-found",
                Unplannable::Stage(..) => "wrong-stage",
                Unplannable::Unregistered(_) => "unknown",
            };
            Problem::new(code, unplannable.to_string())
        })
    })?;
    if let Some(entered) = Entered::of(shared, &plan)? {
        // Ends with its deadline, or with the API's runtime: then nothing is recorded.
        tokio::runtime::Handle::current().spawn(entered.carry_out(plan, caller, reason, accept_unmeasured));
    }
    shared.newest(|registry| {
        let agreement = seen(registry, eyes, &number, version)?;
        Ok(Reply::json(&sheet(shared, registry, agreement))?.status(StatusCode::ACCEPTED))
    })
}

fn which(asked: &Asked) -> Result<(AgreementNumber, u32), Problem> {
    Ok((asked.place("number")?, asked.place("version")?))
}

fn seen<'r>(
    registry: &'r Registry,
    eyes: Eyes,
    number: &AgreementNumber,
    version: u32,
) -> Result<&'r Agreement, Problem> {
    let viewer = eyes.on(registry);
    let agreement = registry.agreement(number, version).filter(|one| viewer.sees_agreement(one));
    agreement.ok_or_else(|| Problem::new("not-found", "there is none, or it is not yours to see"))
}

fn sheet(shared: &Shared, registry: &Registry, agreement: &Agreement) -> ReadinessSheet {
    let (number, version) = (agreement.header.number.clone(), agreement.header.version);
    let ready = registry.ready(agreement);
    let wanted = agreement.text.as_ref().map(|text| wanted_checks(text)).unwrap_or_default();
    let known = shared.underway.known().get(&(number.clone(), version)).cloned();
    ReadinessSheet {
        number,
        version,
        ready,
        holds: matches!(ready, Ready::Until(until) if clock::now() < until),
        newest: agreement.readiness.clone(),
        wanted: wanted.into_iter().map(|(party, check)| WantedCheck { party, check }).collect(),
        under_way: matches!(known, Some(Stand::UnderWay)),
        unrecorded: match known {
            Some(Stand::Unrecorded(why)) => Some(why),
            Some(Stand::UnderWay) | None => None,
        },
    }
}

/// Checks that go on, and why the last ones are not on record. Gone with the process.
#[derive(Debug)]
pub(super) struct Underway {
    running: Semaphore,
    // Never held across an await.
    known: Mutex<BTreeMap<Key, Stand>>,
}

type Key = (AgreementNumber, u32);

#[derive(Debug, Clone)]
enum Stand {
    UnderWay,
    Unrecorded(Unrecorded),
}

impl Default for Underway {
    fn default() -> Self {
        Self { running: Semaphore::new(MOST_RUNNING), known: Mutex::default() }
    }
}

impl Underway {
    fn known(&self) -> MutexGuard<'_, BTreeMap<Key, Stand>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A check that goes on; however it ends, it goes on no more.
struct Entered {
    shared: Arc<Shared>,
    key: Key,
}

impl Entered {
    /// `None` if a check of the same agreement goes on.
    fn of(shared: &Arc<Shared>, plan: &Plan) -> Result<Option<Self>, Problem> {
        let key = (plan.number.clone(), plan.version);
        let mut known = shared.underway.known();
        if matches!(known.get(&key), Some(Stand::UnderWay)) {
            return Ok(None);
        }
        if known.values().filter(|stand| matches!(stand, Stand::UnderWay)).count() >= MOST_WAITING {
            return Err(Problem::new("busy", "too many readiness checks at once").after(5));
        }
        if known.len() >= MOST_KNOWN {
            known.retain(|_, stand| matches!(stand, Stand::UnderWay));
        }
        known.insert(key.clone(), Stand::UnderWay);
        Ok(Some(Self { shared: Arc::clone(shared), key }))
    }

    async fn carry_out(self, plan: Plan, caller: Caller, reason: String, accepted: Option<String>) {
        let shared = Arc::clone(&self.shared);
        let Ok(_place) = shared.underway.running.acquire().await else { return };
        let bound = plan.consumer_certificates.iter().map(|bound| &bound.fingerprint);
        let mut checks = shared.prober.check(&plan, shared.arrivals.last(bound)).await;
        if let Some(why) = accepted {
            accept(&mut checks, &why);
        }
        let registry = Arc::clone(&shared);
        let record =
            tokio::task::spawn_blocking(move || registry.issue(plan.record(checks), &caller, &reason, None));
        if let Ok(Err(problem)) = record.await {
            let (code, detail) = (problem.code.to_owned(), problem.detail);
            let why = Unrecorded { at: clock::now(), code, detail };
            shared.underway.known().insert(self.key.clone(), Stand::Unrecorded(why));
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut known = self.shared.underway.known();
        if matches!(known.get(&self.key), Some(Stand::UnderWay)) {
            known.remove(&self.key);
        }
    }
}

/// Checks that look at their lines at once; others wait.
const MOST_RUNNING: usize = 2;

/// Checks that run or wait.
const MOST_WAITING: usize = 32;

/// Those, and reasons of earlier ones that are not on record.
const MOST_KNOWN: usize = 256;

const MOST_REASON: usize = 500;
