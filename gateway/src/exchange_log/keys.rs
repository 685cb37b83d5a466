//! The keys that sign a log's checkpoints, from their files.
//!
//! Trust: whoever reads one can sign another past in the log's name; only witnesses and copies elsewhere find that. A
//! file that others may read is refused.

use std::path::{Path, PathBuf};

use crate::transparency::key::{KeyError, KeyName, Scheme, SigningKey};

/// Why a log's key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogKeyError {
    /// The file cannot be read, or others may read it.
    #[error(transparent)]
    File(#[from] certs::keys::KeyError),
    /// It holds no key.
    #[error("{path} holds no signing key")]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// The key is of another log.
    #[error("{path} is the key of {name}, not of this log, {origin}")]
    OtherLog {
        /// The file.
        path: PathBuf,
        /// Whose key it is.
        name: KeyName,
        /// The log.
        origin: String,
    },
    /// Checkpoints need the one signature that every reader knows.
    #[error("none of the log's keys is of the type Ed25519 for notes")]
    NoEd25519,
    /// The log's name cannot be that of a key.
    #[error("{origin} cannot name a key")]
    Name {
        /// The log's name.
        origin: String,
        /// Why.
        source: KeyError,
    },
}

/// Reads a log's keys.
///
/// # Errors
/// [`LogKeyError`]: checkpoints of this log cannot be signed with them.
pub fn read_keys(paths: &[PathBuf], origin: &str) -> Result<Vec<SigningKey>, LogKeyError> {
    let keys = paths.iter().map(|path| read(path, origin)).collect::<Result<Vec<_>, _>>()?;
    if keys.iter().any(|key| key.verifier().scheme() == Scheme::Ed25519) {
        Ok(keys)
    } else {
        Err(LogKeyError::NoEd25519)
    }
}

fn read(path: &Path, origin: &str) -> Result<SigningKey, LogKeyError> {
    let secret = certs::keys::read_secret(path)?;
    let not_a_key = |source| LogKeyError::NotAKey { path: path.to_owned(), source };
    let text = str::from_utf8(&secret).map_err(|_| not_a_key(KeyError::Form))?;
    let key: SigningKey = text.parse().map_err(not_a_key)?;
    if key.verifier().name().as_str() != origin {
        let (name, origin) = (key.verifier().name().clone(), origin.to_owned());
        return Err(LogKeyError::OtherLog { path: path.to_owned(), name, origin });
    }
    Ok(key)
}

/// Makes a key for the log of this name, with the text that its file, of mode 600, should hold.
///
/// # Errors
/// [`LogKeyError::Name`]; or the system gives no random bytes.
pub fn make_key(origin: &str, scheme: Scheme) -> Result<(SigningKey, String), LogKeyError> {
    let name = |source| LogKeyError::Name { origin: origin.to_owned(), source };
    SigningKey::generate(&origin.parse().map_err(name)?, scheme).map_err(name)
}
