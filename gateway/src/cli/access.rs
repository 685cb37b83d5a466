//! `kelisim operator password`, `token`, `certificate`, `revoke`: what lets an operator into the API.
//!
//! The registry is told that access was granted or taken, and why; what proves it goes to the access store alone.

use std::io::BufRead;

use agreements::{
    Access, Actor, Command, CommandName, Effect, Event, Fingerprint, Given, OperatorId, Recorded, Revoked,
    TokenId,
};
use certs::authority::PersonRequest;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::certificates::{kept, organisation, unused};
use super::common::word;
use super::desk::{Desk, read};
use super::table::{Table, moment};
use super::{Answer, Common, Exit, Failure};
use crate::api::access::{AccessError, AccessStore, Secret, TokenText, hash_password, verify_password};
use crate::clock;
use crate::office::OfficeError;

#[derive(Args)]
pub(super) struct PasswordArguments {
    /// Whose
    id: OperatorId,
    /// Make one and show it, rather than read it from standard input; one's own is asked for first
    #[arg(long)]
    generate: bool,
}

#[derive(Args)]
pub(super) struct TokenArguments {
    /// Whose
    id: OperatorId,
    /// How the token is named, for good
    name: TokenId,
    /// A command that it may issue, such as suspend-system; as often as needed. Without any it only reads
    #[arg(long = "command", value_name = "COMMAND", value_parser = word::<CommandName>)]
    commands: Vec<CommandName>,
    /// How many days it counts
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=730))]
    days: u16,
}

#[derive(Args)]
pub(super) struct CertificateArguments {
    /// Whose
    id: OperatorId,
    /// A certificate that they have, PEM; bound to them
    #[arg(long, value_name = "FILE", conflicts_with = "iin", required_unless_present = "iin")]
    chain: Option<std::path::PathBuf>,
    /// Or their IIN: the folder's trial authority issues one
    #[arg(long)]
    iin: Option<String>,
    /// How many days it lasts
    #[arg(long, default_value_t = 365)]
    days: u16,
}

#[derive(Subcommand)]
pub(super) enum RevokeCommand {
    /// The password, and with it every session
    #[command(after_help = "Example:\n  kelisim operator revoke password saule --reason 'left the body'")]
    Password {
        /// Whose
        id: OperatorId,
    },
    /// A token
    #[command(
        after_help = "Example:\n  kelisim operator revoke token saule backup-job --reason 'not used any more'"
    )]
    Token {
        /// Whose
        id: OperatorId,
        /// Its name
        name: TokenId,
    },
    /// A client certificate
    #[command(after_help = "Example:\n  kelisim operator revoke certificate 3f…a9 --reason 'card lost'")]
    Certificate {
        /// Its fingerprint
        fingerprint: Fingerprint,
    },
}

pub(super) fn password(common: &Common, asked: PasswordArguments) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    let actor = desk.actor()?;
    if common.server.is_some() {
        return password_at_server(&desk, &actor, asked);
    }
    let store = store(&desk)?;
    if actor.id == asked.id {
        knows(&desk, &store, &asked.id)?;
    }
    let made = if asked.generate { Some(Secret::fresh()?.text()) } else { None };
    let password = match &made {
        Some(made) => made.clone(),
        None => line()?,
    };
    let hash = hash_password(&password)
        .map_err(|fault| Failure::of(Exit::Usage, &fault, "choose another; --generate makes one"))?;
    let command = Command::GrantAccess { operator: asked.id.clone(), access: Access::Password };
    let events = desk.office.issue(command, &actor, desk.reason())?;
    let granted = events.iter().find(|one| matches!(one.event, Event::AccessGranted { .. }));
    let sequence = granted.map_or(0, |one| one.sequence);
    store.set_password(&asked.id, sequence, &hash)?;
    let done = format!("{} may log in with the new password", asked.id);
    let answer = desk.issued(&events, given(&events, done))?;
    Ok(match made {
        Some(made) => answer.and(Answer::new(json!({ "password": made }), format!("{made}\n"))),
        None => answer,
    })
}

/// The same where the registry and what proves access are at a server: it asks for one's own password before itself.
fn password_at_server(desk: &Desk<'_>, actor: &Actor, asked: PasswordArguments) -> Result<Answer, Failure> {
    let own = actor.id == asked.id;
    let has = desk.office.at(|server| if own { server.has_password(&asked.id) } else { Ok(false) });
    let old = if has.transpose()?.unwrap_or(false) { Some(line()?) } else { None };
    let made = if asked.generate { Some(Secret::fresh()?.text()) } else { None };
    let password = match &made {
        Some(made) => made.clone(),
        None => line()?,
    };
    let access = json!({ "password": { "password": password, "old": old } });
    let (events, _) = granted(desk, &asked.id, access)?;
    let done = format!("{} may log in with the new password", asked.id);
    let answer = desk.issued(&events, given(&events, done))?;
    Ok(match made {
        Some(made) => answer.and(Answer::new(json!({ "password": made }), format!("{made}\n"))),
        None => answer,
    })
}

/// Has a server grant a means of access; the secret that it made, if it makes one.
fn granted(
    desk: &Desk<'_>,
    operator: &OperatorId,
    access: Value,
) -> Result<(Vec<Recorded>, Option<String>), Failure> {
    let granted = desk.office.at(|server| server.grant(operator, access, desk.reason()));
    Ok(granted.ok_or(OfficeError::NoFolder)??)
}

pub(super) fn token(common: &Common, asked: TokenArguments) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    let expires = clock::now()
        .checked_add(SignedDuration::from_hours(24 * i64::from(asked.days)))
        .map_err(|error| Failure::of(Exit::Usage, &error, "choose fewer --days"))?;
    let actor = desk.actor()?;
    let done = format!("{} may use this token until {expires}; it is shown once", asked.id);
    if common.server.is_some() {
        let access = json!({ "token": { "id": asked.name, "commands": asked.commands, "expires": expires } });
        let (events, token) = granted(&desk, &asked.id, access)?;
        // Asked again after the connection broke, a server answers without the secret.
        let token = token.ok_or_else(|| {
            let todo = format!("take it away: kelisim operator revoke token {} {}", asked.id, asked.name);
            Failure::new(Exit::Environment, "the token was granted, and its secret was lost on the way", todo)
        })?;
        return Ok(desk.issued(&events, given(&events, done))?.and(shown(&token)));
    }
    let store = store(&desk)?;
    let secret = Secret::fresh()?;
    let access = Access::Token { id: asked.name.clone(), commands: asked.commands, expires };
    let events = desk.office.issue(
        Command::GrantAccess { operator: asked.id.clone(), access },
        &actor,
        desk.reason(),
    )?;
    store.set_token(&asked.name, &secret)?;
    let token = TokenText { id: asked.name, secret }.to_string();
    Ok(desk.issued(&events, given(&events, done))?.and(shown(&token)))
}

fn shown(token: &str) -> Answer {
    Answer::new(json!({ "token": token }), format!("{token}\n"))
}

/// What lets an operator in, without what is secret.
pub(super) fn show(common: &Common, id: &OperatorId) -> Result<Answer, Failure> {
    let desk = Desk::open(common)?;
    if desk.registry().operator(id).is_none() {
        let todo = "see `kelisim operator list`";
        return Err(Failure::new(Exit::Refused, format!("no operator {id}"), todo));
    }
    let held = desk.registry().access(id).cloned().unwrap_or_default();
    let mut table = Table::new(["MEANS", "NAME", "UNTIL", "STANDING"]);
    let mut row = |given: &Given, standing: String| {
        let (means, name, until) = match given {
            Given::Password => ("password", "-".to_owned(), "-".to_owned()),
            Given::Token(token) => ("token", token.id.to_string(), moment(token.expires)),
            Given::Certificate(bound) => {
                ("certificate", bound.fingerprint.to_string(), moment(bound.not_after))
            }
        };
        table.row([means.to_owned(), name, until, standing]);
    };
    let counts = || "counts".to_owned();
    if held.password.is_some() {
        row(&Given::Password, counts());
    }
    held.tokens.iter().for_each(|token| row(&Given::Token(token.clone()), counts()));
    held.certificates.iter().for_each(|bound| row(&Given::Certificate(bound.clone()), counts()));
    for waiting in &held.waiting {
        row(&waiting.given, format!("waits: given by {} in event {}", waiting.by.actor.id, waiting.grant));
    }
    Answer::of(&held, table.or("nothing lets them in"))
}

/// What was done, or that it waits for another person.
fn given(events: &[Recorded], done: String) -> String {
    let waits = events.iter().find(|one| {
        matches!(
            one.event,
            Event::AccessGranted { effect: Effect::OnceConfirmed, .. }
                | Event::OperatorCertificateBound { effect: Effect::OnceConfirmed, .. }
        )
    });
    match waits {
        None => done,
        Some(event) => format!(
            "{done}, once another administrator, the regulator or they themselves confirm it: \
             `kelisim operator confirm-access … {}`",
            event.sequence
        ),
    }
}

/// Whoever changes their own password knows the one before.
fn knows(desk: &Desk<'_>, store: &AccessStore, id: &OperatorId) -> Result<(), Failure> {
    let granted = desk.registry().access(id).and_then(|held| held.password);
    let Some(granted) = granted else { return Ok(()) };
    let hash = store.password(id.as_str(), granted)?;
    if verify_password(&line()?, hash.as_deref()) {
        return Ok(());
    }
    let todo = "give the password before as the first line of standard input; or have another give a new one";
    Err(Failure::new(Exit::Refused, format!("this is not the password of {id}"), todo))
}

pub(super) fn certificate(common: &Common, asked: CertificateArguments) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match (asked.chain, asked.iin) {
        (Some(chain), _) => bind(&mut desk, asked.id, &read(&chain)?),
        // The trial authority is in the folder.
        (None, Some(_)) if common.server.is_some() => Err(OfficeError::NoFolder.into()),
        (None, Some(iin)) => {
            let operator = desk.registry().operator(&asked.id).cloned().ok_or_else(|| {
                let todo = "see `kelisim operator list`";
                Failure::new(Exit::Refused, format!("no operator {}", asked.id), todo)
            })?;
            let folder = common.folder();
            let out = format!("operator-{}", asked.id);
            unused(&folder, &out)?;
            let request = PersonRequest {
                name: operator.name,
                iin,
                bin: operator.holder,
                organisation: organisation(&desk, operator.holder, None)?,
                days: asked.days,
            };
            let issued = folder.authority()?.issue_operator(&request, clock::now())?;
            let answer = kept(&folder, &out, &issued)?;
            Ok(answer.and(bind(&mut desk, asked.id, issued.chain.as_bytes())?))
        }
        (None, None) => Err(Failure::new(Exit::Usage, "no certificate", "give --chain or --iin")),
    }
}

pub(super) fn revoke(common: &Common, command: RevokeCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        RevokeCommand::Password { id } => {
            let done = format!("{id} has no password any more, and no session");
            desk.issue(Command::RevokeAccess { operator: id, access: Revoked::Password }, done)
        }
        RevokeCommand::Token { id, name } => {
            let done = format!("token {name} counts no more");
            let access = Revoked::Token { id: name.clone() };
            let answer = desk.issue(Command::RevokeAccess { operator: id, access }, done)?;
            // At a server it counts no more either: what proves it stays there, and proves nothing.
            if common.server.is_none() {
                store(&desk)?.forget_token(&name)?;
            }
            Ok(answer)
        }
        RevokeCommand::Certificate { fingerprint } => {
            let done = format!("{fingerprint} is bound to no operator now");
            desk.issue(Command::UnbindOperatorCertificate { certificate: fingerprint }, done)
        }
    }
}

/// Binds the first certificate of a chain, if this gateway would let its bearer in.
fn bind(desk: &mut Desk<'_>, operator: OperatorId, chain: &[u8]) -> Result<Answer, Failure> {
    let certificate = desk.certificate(chain)?;
    let done = format!("{} is {operator}, until {}", certificate.fingerprint, certificate.not_after);
    let (actor, command) = (desk.actor()?, Command::BindOperatorCertificate { operator, certificate });
    let events = desk.office.issue(command, &actor, desk.reason())?;
    desk.issued(&events, given(&events, done))
}

fn store(desk: &Desk<'_>) -> Result<AccessStore, Failure> {
    Ok(AccessStore::open(&desk.config.path(&desk.config.api.access))?)
}

/// The first line of standard input: on the command line others would see it.
fn line() -> Result<String, Failure> {
    let mut line = String::new();
    let todo = "give the password on standard input, or ask for one with --generate";
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::of(Exit::Environment, &error, todo))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        Self::of(Exit::Environment, &error, "see api.access in the configuration, and who may write it")
    }
}
