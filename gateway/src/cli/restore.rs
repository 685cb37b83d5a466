//! `kelisim restore`: a data folder from a backup, after all of it was checked.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::backup::{failed, still_needs};
use super::progress::Progress;
use super::table::facts;
use super::{Answer, Common, Exit, Failure};
use crate::office::Manifest;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim restore /backup/kelisim-2026-11-22 --dir /var/lib/kelisim
  kelisim check-config --dir /var/lib/kelisim

Checks the digest of every file, and every event of the registry with its link to the one before. Only then
the folder stands at its place, which must be empty. Says what the folder still needs, and how it comes back:
the gateway does not start before the exchange log is there, or log.origin names a new one.")]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "BACKUP")]
    from: PathBuf,
}

impl Restore {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let Some(dir) = &common.dir else {
            // Never the folder that happens to be the present one.
            let todo = "name the new data folder with --dir";
            return Err(Failure::new(Exit::Usage, "where is the backup to be restored?", todo));
        };
        let mut told = Progress::default().told();
        let restored = Manifest::restore(&self.from, dir, &mut told);
        let manifest = restored.map_err(|error| failed(&error))?;
        let text = facts([
            ("restored", dir.display().to_string()),
            ("registry", format!("revision {}, hash {}", manifest.revision, manifest.hash)),
            ("still needs", still_needs(&manifest)),
            ("next", format!("kelisim check-config --dir {}", dir.display())),
        ]);
        Ok(Answer::new(json!({ "dir": dir, "manifest": manifest }), text))
    }
}
