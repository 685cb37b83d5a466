//! Who asks: a client certificate, a token, or a session; and what each may do.
//!
//! The registry decides who is an operator and what they were granted; the access store only proves that the caller is
//! the one. Each request is judged anew, so that what is taken away is gone at the next request.

use agreements::{
    Actor, CommandError, CommandName, OperatorAccess, OperatorId, OperatorStanding, Registry, Role, almaty,
};
use certs::VerifiedChain;
use http::{HeaderMap, Method, header};
use jiff::Timestamp;

use super::access::{Secret, SessionLife, TokenText};
use super::operation::Access;
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;

/// An operator who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// As the history names them.
    pub actor: Actor,
    /// How they proved it.
    pub means: Means,
}

/// How somebody proved who they are.
#[derive(Debug, Clone)]
pub enum Means {
    /// By a client certificate.
    Certificate,
    /// By a session; when it ends.
    Session(Secret, Timestamp),
    /// By a token; what it may issue.
    Token(Vec<CommandName>),
}

/// What a request brings along.
struct Brought<'a> {
    bearer: Option<&'a str>,
    cookie: Option<&'a str>,
    chain: Option<&'a VerifiedChain>,
}

/// Says who asks.
///
/// # Errors
/// `unauthenticated`, `certificate-not-bound`, `certificate-void`, `cross-site`.
pub(super) fn authenticate(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
    chain: Option<&VerifiedChain>,
    address: std::net::IpAddr,
) -> Result<Caller, Problem> {
    let brought = Brought { bearer: bearer(headers)?, cookie: cookie(headers), chain };
    let via = |means: String| format!("api:{means} from {address}");
    if let Some(bearer) = brought.bearer {
        return match TokenText::parse(bearer) {
            Some(token) => by_token(shared, &token, via(format!("token={}", token.id))),
            None => by_session(shared, bearer, via("session".into())),
        };
    }
    if let Some(cookie) = brought.cookie {
        same_site(method, headers)?;
        return by_session(shared, cookie, via("session".into()));
    }
    let Some(chain) = brought.chain else { return Err(nobody()) };
    same_site(method, headers)?;
    shared
        .trust
        .status(chain, clock::now())
        .map_err(|untrusted| Problem::new("certificate-void", untrusted.to_string()))?;
    let fingerprint = chain.fingerprint();
    shared.newest(|registry| {
        let operator = registry.operator_bound_to(&fingerprint).ok_or_else(|| {
            Problem::new("certificate-not-bound", format!("certificate {fingerprint} is bound to nobody"))
        })?;
        let actor = actor(registry, operator, via(format!("certificate={fingerprint}")))?;
        Ok(Caller { actor, means: Means::Certificate })
    })
}

impl Caller {
    /// Whether a command may be issued, by role and by what the token was granted for. The rules ask further.
    ///
    /// # Errors
    /// `not-in-role`, `out-of-scope`.
    pub fn may(&self, command: CommandName) -> Result<(), Problem> {
        let role = self.actor.role;
        if !agreements::entitled(command).contains(&role) {
            return Err(not_in_role(role));
        }
        match &self.means {
            Means::Certificate | Means::Session(..) => Ok(()),
            Means::Token(commands) if commands.contains(&command) && !lets_in(command) => Ok(()),
            Means::Token(_) => {
                Err(Problem::new("out-of-scope", format!("the token may not issue {}", command.as_str())))
            }
        }
    }
}

/// Whether a command lets somebody in, or makes them more: by a token's, whoever has it would outlive its end.
fn lets_in(command: CommandName) -> bool {
    matches!(
        command,
        CommandName::GrantAccess
            | CommandName::ConfirmAccess
            | CommandName::BindOperatorCertificate
            | CommandName::RegisterOperator
            | CommandName::ConfirmOperator
            | CommandName::ResumeOperator
    )
}

/// That a role may not do something.
pub(super) fn not_in_role(role: Role) -> Problem {
    CommandError::NotInRole { role }.into()
}

fn by_token(shared: &Shared, token: &TokenText, via: String) -> Result<Caller, Problem> {
    if !shared.access().token_is(&token.id, &token.secret)? {
        return Err(nobody());
    }
    shared.newest(|registry| {
        let operator = registry.operator_of(&token.id).ok_or_else(nobody)?;
        let granted = registry.access(operator).and_then(|access| granted(access, token));
        let granted = granted.filter(|granted| granted.expires > clock::now()).ok_or_else(nobody)?;
        let actor = actor(registry, operator, via)?;
        Ok(Caller { actor, means: Means::Token(granted.commands.clone()) })
    })
}

fn granted<'a>(access: &'a OperatorAccess, token: &TokenText) -> Option<&'a agreements::Token> {
    access.tokens.iter().find(|granted| granted.id == token.id)
}

fn by_session(shared: &Shared, text: &str, via: String) -> Result<Caller, Problem> {
    let secret = Secret::parse(text).ok_or_else(nobody)?;
    let session = shared.access().session(&secret, shared.session_life(), clock::now())?;
    let session = session.ok_or_else(nobody)?;
    shared.newest(|registry| {
        // Begun with a password that was taken away or replaced since: over.
        let password = registry.access(&session.operator).and_then(|access| access.password);
        if password != Some(session.granted) {
            return Err(nobody());
        }
        let actor = actor(registry, &session.operator, via)?;
        Ok(Caller { actor, means: Means::Session(secret, session.expires) })
    })
}

fn actor(registry: &Registry, id: &OperatorId, via: String) -> Result<Actor, Problem> {
    let operator = registry.operator(id).ok_or_else(nobody)?;
    let today = clock::now().to_zoned(almaty()).date();
    match registry.operator_standing(id, today) {
        None | Some(OperatorStanding::Active) => {}
        Some(standing) => {
            return Err(CommandError::NotActive { operator: id.clone(), standing }.into());
        }
    }
    Ok(Actor { id: id.clone(), role: operator.role, holder: operator.holder, via })
}

/// Whether an operation has to be marked by who asks with what a browser sends by itself.
pub(super) fn needs_mark(method: &Method, access: Access) -> bool {
    match access {
        Access::Roles(_) => !method.is_safe(),
        Access::Public | Access::Portals => false,
    }
}

/// What a browser sends by itself must not be set off by another site's page.
fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let other = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    // Another site's page cannot set it without being asked about it, and the answer is no.
    if other || !headers.contains_key(OURS) {
        let detail = format!("with a cookie or a certificate, changes need the header {OURS}");
        return Err(Problem::new("cross-site", detail));
    }
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let read = value.to_str().ok().and_then(|value| value.split_once(' '));
    match read {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        _ => Err(nobody()),
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut named = cookies.flat_map(|value| value.split(';')).filter_map(|one| one.trim().split_once('='));
    named.find(|(name, _)| *name == COOKIE).map(|(_, secret)| secret)
}

fn nobody() -> Problem {
    Problem::new("unauthenticated", "log in, or send a token, or show a client certificate")
}

impl Shared {
    /// How long sessions last.
    pub fn session_life(&self) -> SessionLife {
        SessionLife { idle: self.config.session_idle(), most: self.config.session_most() }
    }
}

/// The session's cookie. The prefix makes browsers refuse it from elsewhere (RFC 6265bis §4.1.3.2).
pub const COOKIE: &str = "__Host-kelisim";

/// The header that a page of another site cannot send.
pub const OURS: &str = "kelisim-request";
