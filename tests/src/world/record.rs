//! The exchange log, read as it grows.

use std::path::{Path, PathBuf};

use gateway::exchange_log::{Closing, Entry, Filter, Opening, Record, Refused, Verification, search, verify};
use uuid::Uuid;

use super::wait::until;

/// A gateway's exchange log.
#[derive(Debug, Clone)]
pub struct Log {
    dir: PathBuf,
}

impl Log {
    /// The log in a folder.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All entries.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn entries(&self) -> Vec<Entry> {
        search(&self.dir, Filter::default()).unwrap().map(Result::unwrap).collect()
    }

    /// The entries of one exchange, as they are now.
    ///
    /// # Panics
    /// If the log cannot be read.
    pub fn of(&self, exchange: Uuid) -> Vec<Record> {
        let filter = Filter { exchange: Some(exchange), ..Filter::default() };
        search(&self.dir, filter).unwrap().map(|entry| entry.unwrap().record).collect()
    }

    /// How an exchange was opened, if it was.
    pub fn opening(&self, exchange: Uuid) -> Option<Opening<'static>> {
        self.of(exchange).into_iter().find_map(|record| match record {
            Record::Opening(opening) => Some(*opening),
            Record::Closing { .. } | Record::Refused(_) | Record::Segment(_) => None,
        })
    }

    /// How a call was refused, if it was.
    pub fn refused(&self, exchange: Uuid) -> Option<Refused<'static>> {
        self.of(exchange).into_iter().find_map(|record| match record {
            Record::Refused(refused) => Some(*refused),
            Record::Opening(_) | Record::Closing { .. } | Record::Segment(_) => None,
        })
    }

    /// How an exchange was closed, once it is.
    pub async fn closing(&self, exchange: Uuid) -> Closing<'static> {
        until("an exchange to be closed", || {
            self.of(exchange).into_iter().find_map(|record| match record {
                Record::Closing { closing, .. } => Some(closing),
                Record::Opening(_) | Record::Refused(_) | Record::Segment(_) => None,
            })
        })
        .await
    }

    /// The code with which an exchange was refused, at its beginning or at its end.
    pub async fn code(&self, exchange: Uuid) -> String {
        match self.refused(exchange) {
            Some(refused) => refused.code.into_owned(),
            None => self.closing(exchange).await.code.map_or(String::new(), |code| code.as_str().to_owned()),
        }
    }

    /// Whether the log is whole.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn verified(&self) -> Verification {
        verify(&self.dir).unwrap()
    }
}
