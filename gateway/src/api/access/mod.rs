//! The access store: what proves that a caller is an operator, hashed.
//!
//! Owner: the API and `kelisim operator`. Trust: whoever can write this file can put a password or token of their own
//! under an operator whom the registry grants one, and act as them; they cannot grant what the registry does not, nor
//! widen a token, nor bring back what was revoked. Each change of access is an event of the registry.
//!
//! Durability: what was kept survives a crash. Consistency: one writer at a time, by SQLite. What is lost here can be
//! granted anew.

mod lockout;
mod secret;
mod sessions;

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use agreements::{OperatorId, TokenId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

pub use self::lockout::{Locked, Lockout};
pub use self::secret::{PasswordFault, Secret, TokenText, hash_password, verify_password};
pub use self::sessions::{Session, SessionLife};

/// The store, opened.
#[derive(Debug)]
pub struct AccessStore {
    connection: Connection,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be made readable by its owner alone.
    #[error("the access store cannot be made")]
    Io(#[from] std::io::Error),
    /// SQLite reports a failure.
    #[error("the access store failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The machine gives no random bytes, or a hash cannot be computed.
    #[error("no secret can be made")]
    Secret,
}

impl AccessStore {
    /// Opens the file, made if there is none, readable by its owner alone.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn open(path: &Path) -> Result<Self, AccessError> {
        // SQLite gives its journals the rights of the file.
        std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch(include_str!("sql/schema.sql"))?;
        Ok(Self { connection })
    }

    /// Looks whether the file is an access store, and changes nothing.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn look(path: &Path) -> Result<(), AccessError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection.pragma_query(None, "schema_version", |_| Ok(()))?)
    }

    /// Keeps the hash of a password that event `granted` of the registry granted; an older one does not replace it.
    ///
    /// # Errors
    /// [`AccessError`]; then the operator has no password, since the one before counts no more.
    pub fn set_password(&self, operator: &OperatorId, granted: u64, hash: &str) -> Result<(), AccessError> {
        let set = include_str!("sql/password_set.sql");
        self.connection.execute(set, params![operator.as_str(), granted, hash])?;
        Ok(())
    }

    /// The hash of an operator's password, if it is the one that event `granted` granted.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn password(&self, operator: &str, granted: u64) -> Result<Option<String>, AccessError> {
        let get = include_str!("sql/password_get.sql");
        let kept: Option<(u64, String)> =
            self.connection.query_row(get, [operator], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(kept.filter(|(since, _)| *since == granted).map(|(_, hash)| hash))
    }

    /// Keeps the hash of a token's secret. It counts once the registry grants the token.
    ///
    /// # Errors
    /// [`AccessError`]. A token of that name that is there stays what it is.
    pub fn set_token(&self, id: &TokenId, secret: &Secret) -> Result<(), AccessError> {
        let hash = secret.hash();
        self.connection.execute(include_str!("sql/token_set.sql"), params![id.as_str(), &hash[..]])?;
        Ok(())
    }

    /// Whether `secret` is the one of a token.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn token_is(&self, id: &TokenId, secret: &Secret) -> Result<bool, AccessError> {
        let get = include_str!("sql/token_get.sql");
        let kept: Option<Vec<u8>> =
            self.connection.query_row(get, [id.as_str()], |row| row.get(0)).optional()?;
        Ok(kept.is_some_and(|hash| secret.has(&hash)))
    }

    /// Forgets a token that was not granted, or was revoked.
    ///
    /// # Errors
    /// [`AccessError`]; what the registry does not grant does not count anyway.
    pub fn forget_token(&self, id: &TokenId) -> Result<(), AccessError> {
        self.connection.execute(include_str!("sql/token_forget.sql"), [id.as_str()])?;
        Ok(())
    }
}
