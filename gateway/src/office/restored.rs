//! What a restore leaves in a data folder: the log that the folder had, which no backup holds.
//!
//! Without it the gateway would begin a second log under the name and the keys of the first: two histories under one
//! signature. Trust: whoever may write the folder may remove it; it is for those who mean well and have little time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::exchange_log::replace;

/// The log that a restored folder had when it was backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// The log's name.
    pub origin: String,
    /// How many entries it had at least.
    pub entries: u64,
    /// When the backup was begun.
    pub backed_up_at: Timestamp,
}

/// Why a restored folder is not to be served from yet.
#[derive(Debug, thiserror::Error)]
pub enum RestoredError {
    /// The log is not there, or an older copy of it.
    #[error(
        "this folder was restored from a backup of {backed_up_at}, when the log {origin} had {entries} entries; here it has \
         {found}"
    )]
    LogMissing {
        /// The log's name.
        origin: String,
        /// How many entries it had.
        entries: u64,
        /// How many there are.
        found: u64,
        /// When the backup was begun.
        backed_up_at: Timestamp,
    },
    /// The mark cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The mark was not written by a restore.
    #[error("{path} is not what a restore writes")]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Restored {
    /// What a backup of a folder whose log has `entries` is to remember: a folder to which the log did not come back yet
    /// remembers what it was told itself.
    pub(super) fn known(config: &Config, entries: u64, backed_up_at: Timestamp) -> Option<Self> {
        match Self::look(config, entries) {
            Err(RestoredError::LogMissing { origin, entries, backed_up_at, .. }) => {
                Some(Self { origin, entries, backed_up_at })
            }
            _ => {
                let origin = config.log.origin.clone();
                (entries > 0).then_some(Self { origin, entries, backed_up_at })
            }
        }
    }

    /// Leaves the mark in a folder, durably.
    ///
    /// # Errors
    /// It may be there or not.
    pub(super) fn leave(&self, dir: &Path) -> io::Result<()> {
        replace(&dir.join(MARK), &serde_json::to_vec_pretty(self)?)
    }

    /// Whether a gateway may begin with `found` entries of its log, as far as a restore is concerned.
    ///
    /// # Errors
    /// [`RestoredError`]: it would begin a second log under the name of the first.
    pub fn look(config: &Config, found: u64) -> Result<(), RestoredError> {
        let path = config.base.join(MARK);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(RestoredError::Io { path, source }),
        };
        let Self { origin, entries, backed_up_at } =
            serde_json::from_slice(&bytes).map_err(|source| RestoredError::Unreadable { path, source })?;
        // Under another name it is another log.
        if origin == config.log.origin && found < entries {
            return Err(RestoredError::LogMissing { origin, entries, found, backed_up_at });
        }
        Ok(())
    }
}

const MARK: &str = "restored.json";
