//! How operators prove who they are to the API: certificates, a password, tokens. What is secret is not here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BoundCertificate, CommandName, TokenId};

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
