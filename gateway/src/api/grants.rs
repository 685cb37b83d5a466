//! Means of access granted by the API: the registry is told that they are, the access store what proves them.

use agreements::{Access, Command, CommandName, Event, OperatorId, Recorded, TokenId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::access::{PasswordFault, Secret, TokenText, hash_password};
use super::asked::{Asked, read};
use super::auth::Caller;
use super::problem::Problem;
use super::session::knows_password;
use super::shared::Shared;

/// A means of access to grant, with what only the access store is told.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum AccessGrant {
    /// A password, in place of the one before; it ends all sessions.
    Password {
        /// The password.
        #[schema(min_length = 12, max_length = 64)]
        password: String,
        /// The one before, from an operator who changes their own.
        #[serde(default)]
        #[schema(max_length = 256)]
        old: Option<String>,
    },
    /// A token; the answer holds it as `secret`, once.
    Token {
        /// How it is named.
        id: TokenId,
        /// What it may issue; nothing, if empty.
        #[serde(default)]
        commands: Vec<CommandName>,
        /// First moment at which it counts no more.
        expires: Timestamp,
    },
}

/// What proves a means of access, before the registry knows of it.
pub(super) enum Proof {
    /// A password's hash.
    Password(String),
    /// A token's secret.
    Token(Secret),
}

/// The command that grants, without what is secret; and the grant with it.
///
/// # Errors
/// `body-malformed`.
pub(super) fn command(mut fields: Map<String, Value>) -> Result<(Command, AccessGrant), Problem> {
    let grant: AccessGrant = read(fields.remove("access").unwrap_or_default())
        .map_err(|problem| Problem::new("body-malformed", format!("access: {}", problem.detail)))?;
    let operator: OperatorId = read(fields.remove("operator").unwrap_or_default())
        .map_err(|problem| Problem::new("body-malformed", format!("operator: {}", problem.detail)))?;
    if let Some(other) = fields.keys().next() {
        return Err(Problem::new("body-malformed", format!("unknown field `{other}`")));
    }
    let access = match &grant {
        AccessGrant::Password { .. } => Access::Password,
        AccessGrant::Token { id, commands, expires } => {
            Access::Token { id: id.clone(), commands: commands.clone(), expires: *expires }
        }
    };
    Ok((Command::GrantAccess { operator, access }, grant))
}

/// Makes what proves the grant.
///
/// # Errors
/// `password-unfit`, `old-password-wrong`, `access-unavailable`.
pub(super) fn before(
    shared: &Shared,
    asked: &Asked,
    caller: &Caller,
    command: &Command,
    grant: &AccessGrant,
) -> Result<Proof, Problem> {
    match grant {
        AccessGrant::Password { password, old } => {
            if let Command::GrantAccess { operator, .. } = command
                && *operator == caller.actor.id
            {
                knows_password(shared, operator, old.as_deref(), asked.address)?;
            }
            let hash = hash_password(password)
                .map_err(|fault: PasswordFault| Problem::new("password-unfit", fault.to_string()))?;
            Ok(Proof::Password(hash))
        }
        AccessGrant::Token { .. } => Ok(Proof::Token(Secret::fresh()?)),
    }
}

/// Keeps what proves the grant, once the registry knows of it; the token to show.
///
/// A crash in between leaves a grant that nobody can prove, never a proof that was not granted.
///
/// # Errors
/// `access-unavailable`: grant it again.
pub(super) fn after(
    shared: &Shared,
    grant: &AccessGrant,
    proof: Proof,
    recorded: &[Recorded],
) -> Result<Option<String>, Problem> {
    let granted = recorded.iter().find_map(|one| match &one.event {
        Event::AccessGranted { operator, .. } => Some((operator, one.sequence)),
        _ => None,
    });
    let Some((operator, sequence)) = granted else { return Ok(None) };
    match (grant, proof) {
        (_, Proof::Password(hash)) => {
            shared.access().set_password(operator, sequence, &hash)?;
            Ok(None)
        }
        (AccessGrant::Token { id, .. }, Proof::Token(secret)) => {
            shared.access().set_token(id, &secret)?;
            Ok(Some(TokenText { id: id.clone(), secret }.to_string()))
        }
        (AccessGrant::Password { .. }, Proof::Token(_)) => Ok(None),
    }
}
