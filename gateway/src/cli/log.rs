//! `kelisim log`: the exchange log, searched, shown, verified and followed.

mod compare;
mod erasing;
mod excess;
mod keeping;
mod receipts;
mod searching;
mod verify;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Heard, print};
use super::desk::kebab;
use super::{Answer, Common, Failure};
use crate::config::Config;
use crate::exchange_index::Query;
use crate::exchange_log::{Entry, Filter, Follow, Record, SearchError, search, tail};
use crate::personal::{Opened, PersonalKeys};

#[derive(Subcommand)]
pub(super) enum LogCommand {
    /// Find entries
    Search(Box<searching::Search>),
    /// Count what providers send beyond what is agreed, by field
    Withheld(excess::WithheldArgs),
    /// Make or complete the index by which entries are found at once
    Index(searching::IndexArgs),
    /// Show all that is written of an exchange
    #[command(after_help = "Example:\n  kelisim log show --exchange 019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10")]
    Show {
        /// Which, as Kelisim-Exchange named it
        #[arg(long, value_name = "ID")]
        exchange: Uuid,
    },
    /// Check that the record is whole: nothing changed, removed, inserted or moved, nothing that was signed taken back
    Verify(verify::VerifyArgs),
    /// Hold parties' own records of exchanges against the log
    Compare(compare::CompareArgs),
    /// Make the proof of an entry, for whoever has the log's public key
    Proof(receipts::ProofArgs),
    /// Verify the proof of an entry, offline
    VerifyProof(receipts::VerifyProofArgs),
    /// Print the log's public keys
    Keys(receipts::KeysArgs),
    /// Put complete parts of the log into the archive
    Archive(keeping::ArchiveArgs),
    /// Remove what is archived and need be kept here no longer
    Prune(keeping::PruneArgs),
    /// Bring pruned parts back
    RestoreArchive(keeping::RestoreArgs),
    /// Destroy a key of personal parts: officials, addresses, cases
    Erase(erasing::EraseArgs),
    /// Show the newest entries
    #[command(
        after_help = "Example:\n  kelisim log tail -n 20 --follow\n\nWith --follow, --json prints a document a line."
    )]
    Tail {
        /// How many
        #[arg(short = 'n', value_name = "COUNT", default_value_t = 10)]
        count: usize,
        /// Wait for more
        #[arg(long, short)]
        follow: bool,
    },
}

/// The folder that was named, or that of the configuration.
fn dir_or(named: Option<PathBuf>, common: &Common) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return Ok(named);
    }
    let config = common.config()?;
    Ok(config.path(&config.log.dir))
}

pub(super) fn run(common: &Common, command: LogCommand) -> Result<Answer, Failure> {
    let dir = || dir_or(None, common);
    match command {
        LogCommand::Search(search) => search.run(common),
        LogCommand::Withheld(withheld) => withheld.run(common),
        LogCommand::Index(index) => index.run(common),
        LogCommand::Show { exchange } => {
            let query = Query { exchange: Some(exchange), ..Query::default() };
            searching::record(common, &common.config()?, &query)?;
            show(&dir()?, exchange, &personal(&common.config()?)?)
        }
        LogCommand::Verify(verify) => verify.run(common),
        LogCommand::Compare(compare) => compare.run(common),
        LogCommand::Proof(proof) => proof.run(common),
        LogCommand::VerifyProof(proof) => proof.run(common),
        LogCommand::Keys(keys) => keys.run(common),
        LogCommand::Archive(archive) => archive.run(common),
        LogCommand::Prune(prune) => prune.run(common),
        LogCommand::RestoreArchive(restore) => restore.run(common),
        LogCommand::Erase(erase) => erase.run(common),
        LogCommand::Tail { count, follow } => {
            // Whoever looks at the newest entries looks at the record, too.
            searching::record(common, &common.config()?, &Query::default())?;
            let (follow, form) = match (follow, common.json) {
                (true, true) => (Follow::Yes, Form::Documents),
                (true, false) => (Follow::Yes, Form::Lines),
                (false, true) => (Follow::No, Form::Array),
                (false, false) => (Follow::No, Form::Lines),
            };
            list(tail(&dir()?, count, follow)?, form, &personal(&common.config()?)?)
        }
    }
}

/// How entries are printed, one by one: there may be more than memory holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Array,
    Documents,
}

fn list(
    entries: impl Iterator<Item = Result<Entry, SearchError>>,
    form: Form,
    personal: &PersonalKeys,
) -> Result<Answer, Failure> {
    let opening = match form {
        Form::Lines => HEADINGS,
        Form::Array => "[",
        Form::Documents => "",
    };
    let mut failed = None;
    let mut heard = print(opening)?;
    let mut between = "\n";
    for entry in entries {
        if heard == Heard::Closed {
            return Ok(Answer::silent());
        }
        match entry {
            Ok(entry) => {
                heard = match form {
                    Form::Lines => print(&format!("{}\n", line(&entry)))?,
                    Form::Array => print(&format!("{between}{}", document(&entry, personal)))?,
                    Form::Documents => print(&format!("{}\n", document(&entry, personal)))?,
                };
                between = ",\n";
            }
            Err(error) => failed = Some(error),
        }
    }
    if form == Form::Array {
        // Whole also when the reading was not.
        let _: Heard = print("\n]\n")?;
    }
    failed.map_or(Ok(Answer::silent()), |error| Err(error.into()))
}

fn line(entry: &Entry) -> String {
    let (at, exchange, what) = match &entry.record {
        Record::Segment(header) => {
            let by = header.cryptography.as_ref().map(|tool| format!("  {tool}")).unwrap_or_default();
            (header.at, String::new(), format!("segment{by}"))
        }
        Record::Opening(opening) => {
            let what = format!(
                "permit   {} -> {} {} {} under {} for {}",
                opening.consumer,
                opening.provider,
                opening.data_type,
                opening.operation,
                opening.agreement,
                opening.purpose
            );
            (opening.at, opening.exchange.to_string(), what)
        }
        Record::Closing { exchange, closing, .. } => {
            let status = closing.status.map(|status| format!(" {status}")).unwrap_or_default();
            let code = closing.code.as_ref().map(|code| format!(" {}", code.as_str())).unwrap_or_default();
            let what = format!("end      {}{status}{code}", kebab(&closing.outcome));
            (closing.at, exchange.to_string(), what)
        }
        Record::Refused(refused) => {
            let asked = |claim: &Option<crate::exchange_log::Claim<'_>>| {
                claim.as_ref().map_or_else(|| "?".to_owned(), |claim| visible(claim.as_str()))
            };
            let what = format!(
                "refuse   {} -> {} {}: {}",
                refused.consumer.as_deref().unwrap_or("?"),
                asked(&refused.provider),
                asked(&refused.data_type),
                refused.code
            );
            (refused.at, refused.exchange.to_string(), what)
        }
    };
    format!("{:<8}  {:<27}  {exchange:<36}  {what}", entry.index, at.to_string())
}

/// Text that a peer chose, as a terminal may show it.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn show(dir: &Path, exchange: Uuid, personal: &PersonalKeys) -> Result<Answer, Failure> {
    let filter = Filter { exchange: Some(exchange), ..Filter::default() };
    let entries = search(dir, filter)?.collect::<Result<Vec<Entry>, _>>()?;
    let documents: Vec<Value> = entries.iter().map(|entry| shown(entry, personal)).collect();
    let mut text = String::new();
    for document in &documents {
        let Value::Object(members) = document else { continue };
        let width = members.keys().map(String::len).max().unwrap_or_default();
        for (name, value) in members {
            let value = value.as_str().map_or_else(|| value.to_string(), visible);
            text.push_str(&format!("{name:width$}  {value}\n"));
        }
        text.push('\n');
    }
    let json = json!({ "exchange": exchange, "entries": documents });
    if entries.is_empty() {
        return Ok(Answer::new(json, format!("nothing is written of exchange {exchange}")).negative());
    }
    Ok(Answer::new(json, text.trim_end()))
}

/// An entry as it is shown to people: with what its sealed parts say.
fn shown(entry: &Entry, personal: &PersonalKeys) -> Value {
    let mut document = serde_json::from_str(&entry.line).unwrap_or_default();
    personal.reveal(entry, &mut document);
    document
}

/// An entry for a program: as it stands in the log, unless there are sealed parts to be read.
fn document<'e>(entry: &'e Entry, personal: &PersonalKeys) -> Cow<'e, str> {
    match personal.of(entry) {
        Opened::Plain => Cow::Borrowed(&entry.line),
        Opened::Sealed(_) | Opened::Erased | Opened::NoKey => Cow::Owned(shown(entry, personal).to_string()),
    }
}

/// The keys of personal parts, to read with.
fn personal(config: &Config) -> Result<PersonalKeys, Failure> {
    Ok(PersonalKeys::to_read(&config.path(&config.log.keeping.personal_keys))?)
}

const HEADINGS: &str = "ENTRY     AT                           EXCHANGE                              WHAT\n";
