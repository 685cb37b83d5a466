//! `kelisim log archive`, `prune` and `restore-archive`: what becomes of the record with the years.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::super::desk::Desk;
use super::super::progress::Progress;
use super::super::{Answer, Common, Exit, Failure};
use crate::clock;
use crate::config::Config;
use crate::exchange_index::Journal;
use crate::exchange_log::keeping::{
    Archive, KeepingError, Pruned, Pruning, Retention, archive, plan, prune, restore,
};
use crate::exchange_log::{LogKeyError, read_keys};
use crate::registry::proof::Proofs;
use crate::registry::sqlite::SqliteStore;
use crate::transparency::key::SigningKey;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log archive
  kelisim log archive --dry-run

Complete segments go to log.keeping.archive with their tiles, bundles and checkpoints, and are read back before they
count as archived. The gateway does the same every log.keeping.archive_hours. Nothing is removed.")]
pub(in crate::cli) struct ArchiveArgs {
    /// Only say what would be archived
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log prune --dry-run
  kelisim log prune --reason 'retention of 2021 ended'

What goes is in the archive, is read back from it once more, is kept long enough by its agreement, its category and
log.keeping.years, and is under no order of the regulator (order \"keep-record\" of `kelisim prescription issue`). The log's
key signs from which entry on it is there; proofs of what remains stay as they are. A gateway may write meanwhile.")]
pub(in crate::cli) struct PruneArgs {
    /// Only say what would go, and why the rest stays
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log restore-archive --back-to 0 --reason 'inquiry 12'

What comes back is held against the tree of the log before it stands in the folder. To look at it apart, name a copy of the
log's folder with --log.")]
pub(in crate::cli) struct RestoreArgs {
    /// Bring back all entries from this one on
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    back_to: u64,
    /// The log's folder [default: that of the configuration]
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
}

impl ArchiveArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let dir = config.path(&config.log.dir);
        let to = match self.dry_run {
            true => None,
            false => Some(open(&config)?),
        };
        let done = archive(&dir, to.as_ref(), usize::MAX, clock::now(), &mut Progress::default().told())?;
        if !self.dry_run && !done.segments.is_empty() {
            write_down(common, &config, "archive", &json!({ "segments": done.segments, "end": done.end }))?;
        }
        let text = format!(
            "{} {} segments, {} files, {} bytes; {} the first {} entries\n",
            if self.dry_run { "would archive" } else { "archived" },
            done.segments.len(),
            done.files,
            done.bytes,
            if self.dry_run { "then the archive would hold" } else { "the archive holds" },
            done.end,
        );
        let json = json!({
            "dry_run": self.dry_run, "segments": done.segments, "files": done.files, "bytes": done.bytes, "end": done.end,
        });
        Ok(Answer::new(json, text))
    }
}

impl PruneArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let desk = Desk::open(common)?;
        let config = &desk.config;
        if !self.dry_run && common.reason.trim().is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                "nothing goes without a reason",
                "say why with --reason TEXT",
            ));
        }
        let (at, by) = (clock::now(), who(common));
        let retention = retention(&desk, at)?;
        let to = open(config)?;
        let keys = keys(config)?;
        let pruning = Pruning {
            origin: &config.log.origin,
            keys: &keys,
            archive: &to,
            retention: &retention,
            witnessed: !config.witnesses.list.is_empty(),
            at,
            by: &by,
            reason: &common.reason,
        };
        let dir = config.path(&config.log.dir);
        let mut progress = Progress::default().told();
        let found = plan(&dir, &pruning, &mut progress)?;
        if self.dry_run {
            return Ok(told(&found, "would prune"));
        }
        if found.to > found.from {
            // Before anything goes.
            write_down(common, config, "prune", &json!({ "from": found.from, "to": found.to }))?;
        }
        let pruned = prune(&dir, &pruning, &mut progress)?;
        Ok(told(&pruned, "pruned"))
    }
}

/// The rules of retention as the registry has them now.
pub(super) fn retention(desk: &Desk<'_>, at: Timestamp) -> Result<Retention, Failure> {
    let config = &desk.config;
    let store = SqliteStore::open(&config.path(&config.registry.path));
    let store = store.map_err(crate::registry::Failure::from)?;
    let proofs = Proofs::new(std::sync::Arc::clone(desk.office.trust())).with_evidence(Box::new(store));
    let keeping = &config.log.keeping;
    let categories = keeping.categories.iter().map(|(category, years)| (super::kebab(category), *years));
    let registry = desk.registry();
    let prove = |signed: agreements::Signed<'_>| proofs.prove(signed, registry, at);
    Ok(Retention::of(registry, keeping.years, &categories.collect(), at, &prove))
}

fn told(pruned: &Pruned, what: &str) -> Answer {
    let blocks = pruned.blocks.as_ref().map(ToString::to_string);
    let mut text = format!("{what} {} segments, {} bytes", pruned.segments.len(), pruned.bytes);
    text.push_str(&match pruned.to > pruned.from {
        true => format!(": the log begins at entry {}, no more at {}\n", pruned.to, pruned.from),
        false => format!("; the log begins at entry {}\n", pruned.from),
    });
    if let Some(blocks) = &blocks {
        text.push_str(&format!("no more, since {blocks}\n"));
    }
    let json = json!({
        "from": pruned.from, "to": pruned.to, "segments": pruned.segments, "bytes": pruned.bytes, "blocked_by": blocks,
    });
    Answer::new(json, text)
}

impl RestoreArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let dir = self.log.unwrap_or_else(|| config.path(&config.log.dir));
        let (to, keys) = (open(&config)?, keys(&config)?);
        write_down(common, &config, "restore-archive", &json!({ "back_to": self.back_to, "log": dir }))?;
        let (at, by) = (clock::now(), who(common));
        let done = (&keys[..], at, by.as_str(), common.reason.as_str());
        let restored = restore(&dir, &to, self.back_to, done, &mut Progress::default().told())?;
        let text = format!(
            "brought back {} segments: the log begins at entry {}; `kelisim log verify` reads all of it\n",
            restored.segments.len(),
            restored.minimum
        );
        Ok(Answer::new(json!({ "segments": restored.segments, "minimum": restored.minimum }), text))
    }
}

fn open(config: &Config) -> Result<Archive, Failure> {
    Ok(Archive::open(&config.archive(), &config.log.origin)?)
}

fn keys(config: &Config) -> Result<Vec<SigningKey>, Failure> {
    let paths: Vec<PathBuf> = config.log.keys.iter().map(|path| config.path(path)).collect();
    read_keys(&paths, &config.log.origin).map_err(|error: LogKeyError| {
        Failure::of(Exit::Environment, &error, "run it where the log's keys may be read")
    })
}

/// Who does it, as far as the command line knows.
pub(super) fn who(common: &Common) -> String {
    let named = common.operator.as_ref().map(ToString::to_string);
    let named = named.or_else(|| std::env::var("KELISIM_AS").ok());
    named.unwrap_or_else(|| format!("uid={}", rustix::process::getuid().as_raw()))
}

/// Writes down what is done to the record (E4).
pub(super) fn write_down(
    common: &Common,
    config: &Config,
    did: &str,
    what: &impl Serialize,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Did<'a, T> {
        at: Timestamp,
        operator: &'a str,
        via: String,
        reason: &'a str,
        did: &'a str,
        what: &'a T,
    }
    let via = format!("cli:uid={}", rustix::process::getuid().as_raw());
    let said = Did { at: clock::now(), operator: &who(common), via, reason: &common.reason, did, what };
    Journal::at(&config.path(&config.log.keeping.journal)).write(&said).map_err(|error| {
        let todo =
            "what is done to the record is written down first: see log.keeping.journal in the configuration";
        Failure::of(Exit::Environment, &error, todo)
    })
}

impl From<KeepingError> for Failure {
    fn from(error: KeepingError) -> Self {
        let (exit, todo) = match &error {
            KeepingError::Io { .. } | KeepingError::Store { .. } => {
                (Exit::Environment, "see log.dir and log.keeping.archive, and who may use them")
            }
            KeepingError::Bucket { .. } => (
                Exit::Environment,
                "see log.keeping.archive and log.keeping.s3: the store, and the key to it",
            ),
            KeepingError::NotArchived { .. } => (
                Exit::Refused,
                "nothing was removed: put the archive right, then remove its line from archived.jsonl",
            ),
            KeepingError::NotSealed { .. } => {
                (Exit::Refused, "nothing of it was taken: the archive was changed, or is of another log")
            }
            KeepingError::Differs { .. } | KeepingError::Tile(_) | KeepingError::Damaged { .. } => {
                (Exit::Refused, "run `kelisim log verify`")
            }
            KeepingError::Note { .. } => (Exit::Environment, "see log.keys, and `kelisim log verify`"),
            KeepingError::InUse(_) => (Exit::Environment, "try again when it has ended"),
        };
        Self::of(exit, &error, todo)
    }
}
