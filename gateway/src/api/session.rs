//! Logging in, asking who one is, and leaving.

use std::net::IpAddr;

use agreements::{Bin, OperatorId, OperatorStanding, Role, almaty};
use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Lockout, verify_password};
use super::asked::{Asked, Reply};
use super::auth::{COOKIE, Means};
use super::operation::{Access, Cost, Does, EVERYBODY, Media, Operation};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// Who.
    #[schema(max_length = 64)]
    operator: String,
    /// Their password.
    #[schema(max_length = 256)]
    password: String,
    /// How the session is handed over.
    #[serde(default)]
    deliver: Deliver,
}

/// How a session is handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deliver {
    /// As a cookie, for browsers.
    #[default]
    Cookie,
    /// In the answer, to be sent as `Authorization: Bearer`.
    Bearer,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Present {
    /// The operator.
    operator: OperatorId,
    /// Their role.
    role: Role,
    /// Whom they act for.
    holder: Bin,
    /// When the session ends at the latest; absent where there is none.
    expires: Option<Timestamp>,
    /// The session, where it was to be handed over here.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
}

/// Operations on sessions.
pub(super) fn operations() -> Vec<Operation> {
    let session = |id: &str, method, summary: &str, access, does| Operation {
        id: id.to_owned(),
        method,
        path: "/v1/session".to_owned(),
        summary: summary.to_owned(),
        part: "session",
        access,
        inputs: Vec::new(),
        body: None,
        answer: Media::named("Present"),
        otherwise: None,
        status: 200,
        problems: Vec::new(),
        cost: Cost::Usual,
        does,
    };
    let roles = Access::Roles(EVERYBODY);
    vec![
        Operation {
            body: Some(Media::named("Login")),
            status: 201,
            problems: vec!["login-failed", "locked-out", "too-many-requests"],
            cost: Cost::Hashes,
            ..session("log-in", Method::POST, "Begins a session", Access::Public, Does::Asked(log_in))
        },
        session("who-am-i", Method::GET, "Says who is asking", roles, Does::Asked(who)),
        Operation {
            answer: Media::none(),
            status: 204,
            ..session("log-out", Method::DELETE, "Ends the session", roles, Does::Asked(log_out))
        },
    ]
}

fn log_in(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    shared.may_log_in(asked.address)?;
    let login: Login = asked.json()?;
    let (account, now) = (login.operator.as_str(), clock::now());
    not_locked_out(shared, account, asked.address)?;
    let known = shared.newest(|registry| {
        let operator = account.parse::<OperatorId>().ok().and_then(|id| registry.operator(&id).cloned());
        let today = now.to_zoned(almaty()).date();
        let operator = operator.filter(|one| {
            registry
                .operator_standing(&one.id, today)
                .is_none_or(|standing| standing == OperatorStanding::Active)
        });
        let granted = operator.as_ref().and_then(|one| registry.access(&one.id)).and_then(|one| one.password);
        Ok(operator.zip(granted))
    })?;
    let hash = match &known {
        Some((operator, granted)) => shared.access().password(operator.id.as_str(), *granted)?,
        None => None,
    };
    // As long for nobody as for somebody.
    let right = verify_password(&login.password, hash.as_deref());
    let Some((operator, granted)) = known.filter(|_| right) else {
        failed(shared, account, asked.address)?;
        return Err(Problem::new("login-failed", "no operator has this name and password"));
    };
    let secret = {
        let access = shared.access();
        access.succeeded(account)?;
        access.begin_session(&operator.id, granted, shared.session_life(), now)?
    };
    let present = Present {
        operator: operator.id,
        role: operator.role,
        holder: operator.holder,
        expires: now.checked_add(shared.config.session_most()).ok(),
        session: (login.deliver == Deliver::Bearer).then(|| secret.text()),
    };
    let reply = Reply::json(&present)?.status(StatusCode::CREATED);
    Ok(match login.deliver {
        Deliver::Bearer => reply,
        Deliver::Cookie => reply.with(SET_COOKIE, &cookie(&secret.text())),
    })
}

/// E4: an operator's own password changes by who knows the one before, not by whoever found a session open.
///
/// # Errors
/// `old-password-wrong`, and what a login that fails is refused with.
pub(super) fn knows_password(
    shared: &Shared,
    operator: &OperatorId,
    old: Option<&str>,
    address: IpAddr,
) -> Result<(), Problem> {
    let granted = shared.newest(|registry| Ok(registry.access(operator).and_then(|held| held.password)))?;
    let Some(granted) = granted else { return Ok(()) };
    shared.may_log_in(address)?;
    not_locked_out(shared, operator.as_str(), address)?;
    let hash = shared.access().password(operator.as_str(), granted)?;
    if old.is_some_and(|old| verify_password(old, hash.as_deref())) {
        return Ok(());
    }
    failed(shared, operator.as_str(), address)?;
    Err(Problem::new("old-password-wrong", "say the password that you have as `old`"))
}

fn not_locked_out(shared: &Shared, account: &str, address: IpAddr) -> Result<(), Problem> {
    let now = clock::now();
    let lockout = Lockout { free: shared.config.login_failures, first: shared.config.first_lock() };
    let Some(locked) = shared.access().locked(account, address, lockout, now)? else { return Ok(()) };
    let wait = locked.until.as_second().saturating_sub(now.as_second()).try_into().unwrap_or(1);
    Err(Problem::new("locked-out", format!("try again in {wait} s")).after(wait))
}

fn failed(shared: &Shared, account: &str, address: IpAddr) -> Result<(), Problem> {
    let now = clock::now();
    let access = shared.access();
    access.failed(account, address, now)?;
    access.sweep_failures(now)?;
    shared.metrics.api_logins_failed.inc();
    Ok(())
}

fn who(_shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let caller = asked.caller()?;
    let expires = match &caller.means {
        Means::Session(_, expires) => Some(*expires),
        Means::Certificate | Means::Token(_) => None,
    };
    let actor = &caller.actor;
    let (operator, role, holder) = (actor.id.clone(), actor.role, actor.holder);
    Reply::json(&Present { operator, role, holder, expires, session: None })
}

fn log_out(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    if let Means::Session(secret, _) = &asked.caller()?.means {
        shared.access().end_session(secret)?;
    }
    Ok(Reply::empty()
        .with(SET_COOKIE, &format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")))
}

fn cookie(secret: &str) -> String {
    format!("{COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict")
}
