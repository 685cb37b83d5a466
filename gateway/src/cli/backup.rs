//! `kelisim backup`: a copy of the data folder while it is worked on.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::progress::Progress;
use super::table::facts;
use super::{Answer, Common, Exit, Failure};
use crate::office::{BackupError, LeftOut, Manifest, PrivateKeys};

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim backup --dir /var/lib/kelisim --to /backup/kelisim-2026-11-22

Holds the registry as it is at one moment, the documents, the configuration, the trust files and other
databases of the folder. Not the exchange log, and private keys only with --with-keys. The gateway and
commands go on meanwhile. A folder without manifest.json is no backup.")]
pub(super) struct Backup {
    /// The folder to make or fill; it must be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copy private keys too: whoever reads the backup then can act as this gateway
    #[arg(long)]
    with_keys: bool,
}

impl Backup {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let keys = if self.with_keys { PrivateKeys::Kept } else { PrivateKeys::LeftOut };
        let mut told = Progress::default().told();
        let made = Manifest::back_up(&config, &common.config_path(), &self.to, keys, &mut told);
        let manifest = made.map_err(|error| failed(&error))?;
        let bytes: u64 = manifest.files.iter().map(|kept| kept.bytes).sum();
        let text = facts([
            ("backup", self.to.display().to_string()),
            ("registry", format!("revision {}, hash {}", manifest.revision, manifest.hash)),
            ("files", format!("{}, {} MiB", manifest.files.len(), bytes.div_ceil(1 << 20))),
            ("left out", left_out(&manifest)),
        ]);
        Ok(Answer::new(json!({ "backup": self.to, "manifest": manifest }), text))
    }
}

/// What a backup does not hold, a line each.
fn left_out(manifest: &Manifest) -> String {
    let line = |left: &LeftOut| format!("{}: {}", left.path.display(), left.why);
    manifest.left_out.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How it comes back, a line each.
pub(super) fn still_needs(manifest: &Manifest) -> String {
    let how = |left: &LeftOut| if left.bring.is_empty() { left.why.clone() } else { left.bring.clone() };
    let line = |left: &LeftOut| format!("{}: {}", left.path.display(), how(left));
    manifest.left_out.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What to do about a backup that was not made or not restored.
pub(super) fn failed(error: &BackupError) -> Failure {
    let (exit, todo) = match error {
        BackupError::NotEmpty(_) => (Exit::Environment, "name a folder that is empty or not there"),
        BackupError::NoBackup(_) => (Exit::Environment, "name the folder that `kelisim backup` filled"),
        BackupError::Damaged(_) | BackupError::OtherRegistry(_) => {
            (Exit::Refused, "take an older backup; nothing was restored")
        }
        BackupError::Io { .. } => (Exit::Environment, "see that the folder can be written and has room"),
        BackupError::Registry(_) => (Exit::Refused, "take an older backup, or look at the registry it is of"),
    };
    Failure::of(exit, error, todo)
}
