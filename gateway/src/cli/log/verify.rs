//! `kelisim log verify`: whether the record is whole, and where it is not.

use std::path::PathBuf;

use certs::TrustAnchors;
use clap::Args;
use serde_json::{Value, json};

use super::super::table::Table;
use super::super::{Answer, Common, Exit, Failure};
use super::receipts::read_policy;
use crate::clock;
use crate::exchange_index::{Journal, JournalError};
use crate::exchange_log::{Evidence, Severity, StampAuthorities, verify_with};

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log verify /mnt/copy/log --policy log.policy --checkpoint witness.checkpoint --authority time.pem

Reads all entries, and holds them against the chain, the tiles and every checkpoint that is kept or named. Without a
policy no signature is checked, without an authority no time stamp. Where no folder is named, the journals of searches and
of who kept the record are held against their chains too. Ends with 1 if anything speaks against the record. A gateway may
write meanwhile.")]
pub(in crate::cli) struct VerifyArgs {
    /// The log's folder [default: that of the configuration]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Whose signatures count (C2SP tlog-policy) [default: log.policy of the data folder, unless a folder is named]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere, as by a witness; may be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Certificates of the authorities whose time stamps count, PEM [default: log.time_stamps.anchors, if there is an
    /// authority, unless a folder is named]
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
}

impl VerifyArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let journals = if self.folder.is_none() { journals(common)? } else { Vec::new() };
        let ours = self.folder.is_none() && common.folder().dir().join("log.policy").exists();
        let policy = if ours || self.policy.is_some() {
            Some(read_policy(self.policy.as_deref(), common)?)
        } else {
            None
        };
        let authorities = authorities(self.authority, self.folder.is_none(), common)?;
        let dir = super::dir_or(self.folder, common)?;
        let evidence = Evidence { policy, checkpoints: self.checkpoint, authorities };
        let found = verify_with(&dir, &evidence).map_err(|error| {
            let what = format!("cannot read {} or a checkpoint: {error}", dir.display());
            Failure::new(Exit::Environment, what, "name the log's folder, and see who may read it")
        })?;
        let mut table = Table::new(["", "FILE", "LINE", "BYTE", "ENTRY", "FINDING"]);
        let mut listed = Vec::new();
        for finding in &found.findings {
            let severity = match finding.severity() {
                Severity::Broken => "broken",
                Severity::Notice => "notice",
            };
            let file = finding.path.strip_prefix(&dir).unwrap_or(&finding.path).display().to_string();
            let place = [finding.line, finding.offset, finding.index].map(|number| number.to_string());
            let [line, byte, index] = place;
            table.row([severity.into(), file, line, byte, index, finding.problem.to_string()]);
            listed.push(json!({
                "severity": severity,
                "file": finding.path,
                "line": finding.line,
                "byte": finding.offset,
                "index": finding.index,
                "problem": finding.problem.to_string(),
            }));
        }
        let whole = found.is_whole() && journals.iter().all(|journal| journal.broken.is_none());
        let mut text = format!(
            "{}: {} entries, segments: {}; {} exchanges permitted, {} calls refused, {} open at the end\n\
             {} entries sealed, held against {} checkpoints{}\n",
            if whole { "WHOLE" } else { "NOT WHOLE" },
            found.entries,
            found.segments,
            found.openings,
            found.refusals,
            found.open_at_end,
            found.sealed,
            found.checkpoints,
            found.witnessed.map(|size| format!("; witnesses saw {size} entries")).unwrap_or_default(),
        );
        if let Some((size, stamp)) = &found.stamped {
            text.push_str(&format!(
                "{} time stamps; {} says that the first {size} entries were there at {}\n",
                found.stamps, stamp.authority, stamp.at
            ));
        }
        for journal in &journals {
            text.push_str(&journal.told());
        }
        if found.minimum > 0 {
            text.push_str(&format!(
                "from entry {} on; what is before was pruned, as the log declares\n",
                found.minimum
            ));
        }
        if !found.findings.is_empty() {
            text.push_str(&format!("\n{table}"));
        }
        if found.more_findings > 0 {
            text.push_str(&format!("and {} more\n", found.more_findings));
        }
        if !found.open.is_empty() {
            text.push_str("\nopenings without closings:\n");
            found
                .open
                .iter()
                .for_each(|(index, exchange)| text.push_str(&format!("{index:<10} {exchange}\n")));
        }
        let open: Vec<_> = found
            .open
            .iter()
            .map(|(index, exchange)| json!({ "index": index, "exchange": exchange }))
            .collect();
        let json = json!({
            "whole": whole,
            "entries": found.entries,
            "segments": found.segments,
            "permitted": found.openings,
            "refused": found.refusals,
            "open_at_end": found.open_at_end,
            "open": open,
            "minimum": found.minimum,
            "sealed": found.sealed,
            "checkpoints": found.checkpoints,
            "witnessed": found.witnessed,
            "stamps": found.stamps,
            "stamped": found.stamped.as_ref().map(|(size, stamp)| {
                json!({ "size": size, "at": stamp.at, "authority": stamp.authority })
            }),
            "findings": listed,
            "more_findings": found.more_findings,
            "journals": journals.iter().map(Verified::json).collect::<Vec<_>>(),
        });
        let answer = Answer::new(json, text);
        Ok(if whole { answer } else { answer.negative() })
    }
}

/// Whose time stamps count: those in a file, or of the authority that stamps our own log.
fn authorities(
    named: Option<PathBuf>,
    ours: bool,
    common: &Common,
) -> Result<Option<StampAuthorities>, Failure> {
    let path = match named {
        Some(path) => path,
        None if ours => {
            let config = common.config()?;
            let stamps = &config.log.time_stamps;
            if stamps.authority.is_none() {
                return Ok(None);
            }
            config.path(&stamps.anchors)
        }
        None => return Ok(None),
    };
    let unusable = |error: &dyn std::error::Error| {
        let what = format!("{}: {}", path.display(), crate::telemetry::chain(error));
        Failure::new(Exit::Environment, what, "name the certificates of time-stamping authorities, as PEM")
    };
    let pem = std::fs::read(&path).map_err(|error| unusable(&error))?;
    let anchors = TrustAnchors::of_any_time_from_pem(&pem).map_err(|error| unusable(&error))?;
    Ok(Some(StampAuthorities { anchors, now: clock::now() }))
}

/// What was found of a journal.
struct Verified {
    path: PathBuf,
    /// Up to this line each fits the one before it.
    lines: u64,
    /// The first line that does not.
    broken: Option<u64>,
}

/// The journals that the configuration names, each held against its chain.
fn journals(common: &Common) -> Result<Vec<Verified>, Failure> {
    let config = common.config()?;
    let paths = [&config.log.searches, &config.log.keeping.journal].map(|path| config.path(path));
    let verified = paths.into_iter().map(|path| match Journal::at(&path).verify() {
        Ok(lines) => Ok(Verified { path, lines, broken: None }),
        Err(JournalError::Broken { path, line }) => {
            Ok(Verified { path, lines: line.saturating_sub(2), broken: Some(line) })
        }
        Err(error @ JournalError::Io { .. }) => {
            Err(Failure::of(Exit::Environment, &error, "see who may read it"))
        }
    });
    verified.collect()
}

impl Verified {
    fn told(&self) -> String {
        let file = self.path.display();
        match self.broken {
            None => format!(
                "{file}: whole, {} lines; newer ones that were taken away leave no trace\n",
                self.lines
            ),
            Some(line) => {
                format!(
                    "{file}: broken: line {line}, or the one before it, was changed; {} lines are whole\n",
                    self.lines
                )
            }
        }
    }

    fn json(&self) -> Value {
        json!({
            "file": self.path,
            "whole": self.broken.is_none(),
            "lines": self.lines,
            "broken_at_or_before": self.broken,
        })
    }
}
