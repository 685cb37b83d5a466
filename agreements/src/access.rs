//! How operators prove who they are to the API: certificates, a password, tokens. What is secret is not here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BoundCertificate, CommandName, TokenId, Trace};

/// A means of access that is granted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Access {
    /// A password, in place of the one before.
    Password,
    /// A token: reads what its operator may see, and issues the commands that it names.
    Token {
        /// How it is named; what goes with the name is secret.
        id: TokenId,
        /// What it may issue of what its operator may; nothing, if empty.
        #[serde(default)]
        commands: Vec<CommandName>,
        /// First moment at which it counts no more.
        expires: Timestamp,
    },
}

/// A means of access that is taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Revoked {
    /// The password, and with it every session.
    Password,
    /// A token.
    Token {
        /// Which.
        id: TokenId,
    },
}

/// All means of access of one operator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperatorAccess {
    /// Client certificates.
    pub certificates: Vec<BoundCertificate>,
    /// The event that granted the password: one kept under an earlier event counts no more.
    pub password: Option<u64>,
    /// Tokens.
    pub tokens: Vec<Token>,
    /// What somebody else gave, and nobody confirmed yet: nothing of it counts.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
}

impl OperatorAccess {
    /// What waits under an event.
    pub(crate) fn waiting_under(&self, grant: u64) -> Option<&Waiting> {
        self.waiting.iter().find(|one| one.grant == grant)
    }

    /// Whether there is a password, waiting or not.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some() || self.waiting.iter().any(|one| one.given == Given::Password)
    }

    /// Whether there is a token of that name, waiting or not.
    pub(crate) fn has_token(&self, id: &TokenId) -> bool {
        let waits = |one: &Waiting| matches!(&one.given, Given::Token(token) if token.id == *id);
        self.tokens.iter().any(|one| one.id == *id) || self.waiting.iter().any(waits)
    }

    /// Whether any of it lets its operator in.
    pub(crate) fn lets_in(&self) -> bool {
        !self.certificates.is_empty() || self.password.is_some() || !self.tokens.is_empty()
    }
}

/// Whether a means of access that is given counts at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It does.
    #[default]
    AtOnce,
    /// Once somebody else than the giver has confirmed it.
    OnceConfirmed,
}

/// A means of access that waits for another person's confirmation (E4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// The event that gave it.
    pub grant: u64,
    /// What was given.
    pub given: Given,
    /// Who gave it, when and why.
    pub by: Trace,
}

/// What lets somebody in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// A password.
    Password,
    /// A token.
    Token(Token),
    /// A client certificate.
    Certificate(BoundCertificate),
}

/// A token as the registry knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// How it is named.
    pub id: TokenId,
    /// What it may issue.
    pub commands: Vec<CommandName>,
    /// First moment at which it counts no more.
    pub expires: Timestamp,
}
