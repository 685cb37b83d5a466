//! What every command takes: which data folder, who acts and why, and in which form to answer.

use std::path::{Path, PathBuf};

use agreements::{OperatorId, almaty, end_of};
use clap::Args;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::Failure;
use crate::config::Config;
use crate::office::Folder;

/// Options of all commands.
#[derive(Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// The data folder [default: KELISIM_DIR, or this folder]
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "config")]
    pub(super) dir: Option<PathBuf>,
    /// The configuration file, where it is not DIR/kelisim.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The API of a gateway, to work there instead of on a data folder [default: KELISIM_SERVER]
    #[arg(long, global = true, value_name = "URL", conflicts_with_all = ["dir", "config"])]
    pub(super) server: Option<String>,
    /// The root that the server's certificate is believed by, PEM [default: KELISIM_CA]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// What the server knows the operator by: their certificate chain, PEM
    #[arg(long, global = true, value_name = "FILE", requires = "client_key")]
    pub(super) client_cert: Option<PathBuf>,
    /// And its private key, PEM, mode 600
    #[arg(long, global = true, value_name = "FILE", requires = "client_cert")]
    pub(super) client_key: Option<PathBuf>,
    /// Or a token, from a file [default: the token in KELISIM_TOKEN]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "client_cert")]
    pub(super) token_file: Option<PathBuf>,
    /// Who acts [default: KELISIM_AS, or the only administrator]
    #[arg(long = "as", global = true, value_name = "OPERATOR")]
    pub(super) operator: Option<OperatorId>,
    /// Why: stands in the history; needed for what changes what may pass or who may act, and for each step of an agreement
    #[arg(long, global = true, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) reason: String,
    /// Look at the registry as it was then; a date is its end [default: as it is]
    #[arg(long, global = true, value_name = "DATE|RFC3339", value_parser = past)]
    pub(super) at: Option<Timestamp>,
    /// Answer with one JSON document
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Common {
    /// The same, with what the environment says of servers where the command line says nothing of where to work.
    pub(super) fn with_environment(mut self) -> Self {
        let named = |name: &str| std::env::var_os(name).filter(|text| !text.is_empty());
        if self.server.is_none() && self.dir.is_none() && self.config.is_none() {
            self.server = named("KELISIM_SERVER").map(|text| text.to_string_lossy().into_owned());
        }
        self.ca = self.ca.or_else(|| named("KELISIM_CA").map(PathBuf::from));
        self
    }

    /// The data folder.
    pub(super) fn folder(&self) -> Folder {
        let parent = |file: &PathBuf| {
            file.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new(".")).to_owned()
        };
        let named = self.dir.clone().or_else(|| self.config.as_ref().map(parent));
        let dir = named.or_else(|| std::env::var_os("KELISIM_DIR").map(PathBuf::from));
        Folder::at(&dir.unwrap_or_else(|| ".".into()))
    }

    /// The configuration file.
    pub(super) fn config_path(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| self.folder().config_path())
    }

    /// The configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.config_path())?)
    }
}

/// Reads a word that a type's JSON form knows, such as a category or a role.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// Reads a moment, or a date, which stands for its last moment in Almaty.
fn past(text: &str) -> Result<Timestamp, String> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == DATE
    {
        return Ok(end_of(date, &almaty()) - SignedDuration::from_nanos(1));
    }
    text.parse().map_err(|_| {
        format!("{text:?} is neither a date, as 2026-03-01, nor a moment, as 2026-03-01T10:00:00+05:00")
    })
}

/// Characters of a date.
const DATE: usize = "2026-03-01".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_last_moment_in_almaty_and_a_moment_is_itself() {
        assert_eq!(past("2026-03-01").unwrap().to_string(), "2026-03-01T18:59:59.999999999Z");
        assert_eq!(past("2026-03-01T10:00:00+05:00").unwrap().to_string(), "2026-03-01T05:00:00Z");
        for wrong in ["2026-02-30", "yesterday", "2026-03-01T10:00:00", ""] {
            assert!(past(wrong).is_err(), "{wrong}");
        }
    }
}
