//! `kelisim log search`, `log show` and `log index`: by the index where there is one, and every search on record.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use agreements::SystemId;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Answer, Common, Failure, Form, Heard, list, print};
use crate::cli::desk::Desk;
use crate::cli::{Exit, subject_key};
use crate::clock;
use crate::config::Config;
use crate::exchange_index::{
    Cursor, Hit, Index, IndexError, Journal, JournalError, Kind, Query, Searched, Sought, Viewer,
    csv_heading, csv_line, csv_trailer, json_line, json_trailer,
};
use crate::exchange_log::{Entry, Filter, SearchError, search};
use crate::personal::PersonalKeys;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log search --consumer portal --code purpose-not-agreed --from 2026-03-01T00:00:00+05:00
  kelisim log search --holder 990140000021 --outcome timeout --export csv > timeouts.csv
  kelisim log search --outcome unsettled --from 2026-03-01T00:00:00+05:00

With an index (log.index in the configuration, see `kelisim log index`) the newest come first, page by page, each
exchange with its closing. Without one the whole log is read, oldest first. Each search is written down, with --as and
--reason.")]
pub(in crate::cli) struct Search {
    /// Of this exchange
    #[arg(long, value_name = "ID")]
    exchange: Option<Uuid>,
    /// Asked by this system
    #[arg(long, value_name = "SYSTEM")]
    consumer: Option<String>,
    /// Asked of this system
    #[arg(long, value_name = "SYSTEM")]
    provider: Option<String>,
    /// Under this agreement
    #[arg(long, value_name = "NUMBER")]
    agreement: Option<String>,
    /// Refused with this code
    #[arg(long)]
    code: Option<String>,
    /// Received then or later
    #[arg(long, value_name = "RFC3339")]
    from: Option<Timestamp>,
    /// Received before then
    #[arg(long, value_name = "RFC3339")]
    to: Option<Timestamp>,
    #[command(flatten)]
    indexed: Indexed,
    /// At most so many: entries without an index, exchanges and refusals with one [default: all; 100 a page]
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Go on where a page ended
    #[arg(long, value_name = "PLACE")]
    after: Option<Cursor>,
    /// Write all that fits, or as many as --limit says, to standard output
    #[arg(long, value_name = "FORM", conflicts_with = "after")]
    export: Option<Export>,
}

/// What only an index finds.
#[derive(Args)]
#[command(next_help_heading = "With an index")]
struct Indexed {
    /// Asked by or of this system; as often as needed
    #[arg(long = "system", value_name = "SYSTEM")]
    systems: Vec<String>,
    /// By or of a system of this organisation; as often as needed
    #[arg(long = "holder", value_name = "BIN")]
    holders: Vec<String>,
    /// By or of a system of an organisation in this region
    #[arg(long, value_name = "CODE", conflicts_with = "holders")]
    region: Option<String>,
    /// Of this data type
    #[arg(long, value_name = "CODE")]
    data_type: Option<String>,
    /// For this purpose
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// Of this case
    #[arg(long)]
    case: Option<String>,
    /// In this official's name
    #[arg(long)]
    user: Option<String>,
    /// About this person: their identifier, which is looked for by its keyed hashes and written down nowhere
    #[arg(long, value_name = "IDENTIFIER")]
    subject: Option<String>,
    /// The operator's or the regulator's share of a period's key, both of each period that is looked in
    #[arg(long = "share", value_name = "FILE", requires = "subject")]
    shares: Vec<PathBuf>,
    /// permit or refuse
    #[arg(long, value_name = "WHICH")]
    decision: Option<String>,
    /// How it ended, such as completed or timeout; unsettled: the provider may have acted, and the consumer has no answer
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// With this status of the provider
    #[arg(long)]
    status: Option<u16>,
    /// With this field beyond what is agreed, as `kelisim log withheld` names it
    #[arg(long, value_name = "POINTER")]
    withheld: Option<String>,
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Export {
    /// A table for spreadsheets
    Csv,
    /// A document a line
    Jsonl,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log index --rebuild

A gateway with log.index in its configuration keeps its index up by itself. An index may be removed at any time.")]
pub(in crate::cli) struct IndexArgs {
    /// Empty it first
    #[arg(long)]
    rebuild: bool,
    /// The index [default: log.index of the configuration]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Search {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let query = self.query(common, &config)?;
        record(common, &config, &query)?;
        let dir = config.path(&config.log.dir);
        let personal = Arc::new(super::personal(&config)?);
        let index = match &config.log.index {
            Some(path) => Index::open_to_search(&config.path(path), &dir)?,
            None => None,
        };
        let index = index.map(|index| index.with(Arc::clone(&personal)));
        match (index, self.export) {
            (Some(index), Some(form)) => export(&index, &query, form, self.limit, &personal),
            (Some(index), None) => self.page(common, &index, &query, &personal),
            (None, _) if self.needs_index() => Err(Failure::new(
                Exit::Environment,
                "there is no index of this log, and without one this cannot be looked for",
                "name one as log.index in the configuration, then run `kelisim log index`",
            )),
            (None, _) => {
                eprintln!("there is no index: the whole log is read");
                let filter = Filter {
                    exchange: self.exchange,
                    consumer: self.consumer,
                    provider: self.provider,
                    agreement: self.agreement,
                    code: self.code,
                    from: self.from,
                    to: self.to,
                    limit: self.limit,
                };
                let form = if common.json { Form::Array } else { Form::Lines };
                list(search(&dir, filter)?, form, &personal)
            }
        }
    }

    fn needs_index(&self) -> bool {
        let Indexed {
            systems,
            holders,
            region,
            data_type,
            purpose,
            case,
            user,
            subject,
            shares: _,
            decision,
            outcome,
            status,
            withheld,
        } = &self.indexed;
        let words = [region, data_type, purpose, case, user, subject, decision, outcome, withheld];
        !systems.is_empty()
            || !holders.is_empty()
            || words.iter().any(|word| word.is_some())
            || status.is_some()
            || self.export.is_some()
            || self.after.is_some()
    }

    fn query(&self, common: &Common, config: &Config) -> Result<Query, Failure> {
        let indexed = &self.indexed;
        let subjects = match &indexed.subject {
            None => None,
            Some(identifier) => Some(subject_key::hashes(config, identifier, &indexed.shares)?),
        };
        let holders = match &indexed.region {
            None if indexed.holders.is_empty() => None,
            None => Some(indexed.holders.clone()),
            Some(region) => Some(holders_in(common, region)?),
        };
        let words = [
            (Kind::Consumer, self.consumer.clone()),
            (Kind::Provider, self.provider.clone()),
            (Kind::Agreement, self.agreement.clone()),
            (Kind::Code, self.code.clone()),
            (Kind::DataType, indexed.data_type.clone()),
            (Kind::Purpose, indexed.purpose.clone()),
            (Kind::Case, indexed.case.clone()),
            (Kind::User, indexed.user.clone()),
            (Kind::Decision, indexed.decision.clone()),
            (Kind::Outcome, indexed.outcome.clone()),
            (Kind::Status, indexed.status.map(|status| status.to_string())),
            (Kind::Withheld, indexed.withheld.clone()),
        ];
        let words: Vec<_> = words.into_iter().filter_map(|(kind, word)| Some((kind, word?))).collect();
        for (kind, word) in &words {
            let todo = "see `kelisim log search --help`; docs/refusals.md lists the codes";
            kind.may_be(word).map_err(|error| Failure::of(Exit::Usage, &error, todo))?;
        }
        Ok(Query {
            exchange: self.exchange,
            from: self.from,
            to: self.to,
            systems: indexed.systems.clone(),
            holders,
            subjects,
            words,
        })
    }

    fn page(
        &self,
        common: &Common,
        index: &Index,
        query: &Query,
        personal: &PersonalKeys,
    ) -> Result<Answer, Failure> {
        let page = index.search(query, &Viewer::All, self.after, self.limit.unwrap_or(PAGE))?;
        let reach = index.reach()?;
        if page.hits.is_empty() {
            self.remark_strangers(common);
        }
        eprintln!("newest first, by an index of the first {} entries", reach.entries);
        if page.elsewhere > 0 {
            eprintln!("{} more fit, but are in the log's folder no longer", page.elsewhere);
        }
        if let Some(next) = page.next {
            eprintln!("there is more: --after {next}");
        }
        let entries = page.hits.into_iter().flat_map(|Hit { entry, closing }| [Some(entry), closing]);
        let entries = entries.flatten().map(Ok::<Entry, SearchError>);
        list(entries, if common.json { Form::Array } else { Form::Lines }, personal)
    }
}

impl Search {
    /// Where nothing was found: says which systems nobody registered, since a slip looks the same.
    fn remark_strangers(&self, common: &Common) {
        // What is looked for stands in the log, whether there is a registry beside it or not.
        let Ok(desk) = Desk::open(common) else { return };
        for name in self.consumer.iter().chain(&self.provider).chain(&self.indexed.systems) {
            let known = SystemId::new(name).is_ok_and(|id| desk.registry().system(&id).is_some());
            if !known {
                eprintln!("note: no system {name} is registered");
            }
        }
    }
}

/// All that fits, or the newest `limit` of it, page by page: there may be more than memory holds.
fn export(
    index: &Index,
    query: &Query,
    form: Export,
    limit: Option<usize>,
    personal: &PersonalKeys,
) -> Result<Answer, Failure> {
    if form == Export::Csv && print(&csv_heading())? == Heard::Closed {
        return Ok(Answer::silent());
    }
    let (mut after, mut count, mut elsewhere) = (None, 0, 0);
    loop {
        let left = limit.map_or(EXPORT_PAGE, |limit| EXPORT_PAGE.min(limit - count - elsewhere));
        let page = index.search(query, &Viewer::All, after, left)?;
        let line = match form {
            Export::Csv => csv_line,
            Export::Jsonl => json_line,
        };
        let lines: String = page.hits.iter().map(|hit| line(hit, personal)).collect();
        if print(&lines)? == Heard::Closed {
            return Ok(Answer::silent());
        }
        (count, elsewhere) = (count + page.hits.len(), elsewhere + page.elsewhere);
        after = page.next;
        if after.is_none() || limit.is_some_and(|limit| count + elsewhere >= limit) {
            break;
        }
        eprintln!("{count} so far");
    }
    let trailer = match form {
        Export::Csv => csv_trailer(elsewhere),
        Export::Jsonl => json_trailer(elsewhere),
    };
    if print(&trailer)? == Heard::Closed {
        return Ok(Answer::silent());
    }
    let whole = if after.is_none() { "in all" } else { "as --limit says, and there is more" };
    eprintln!("{count} {whole}; {elsewhere} more are in the log's folder no longer");
    Ok(Answer::silent())
}

/// Writes a search down, before anything is shown.
pub(super) fn record(common: &Common, config: &Config, query: &Query) -> Result<(), Failure> {
    let named = common.operator.as_ref().map(ToString::to_string);
    let operator = named.or_else(|| std::env::var("KELISIM_AS").ok());
    let via = format!("cli:uid={}", rustix::process::getuid().as_raw());
    let searched = Searched {
        at: clock::now(),
        operator: operator.as_deref(),
        via: &via,
        reason: &common.reason,
        viewer: &Viewer::All,
        query: Sought::Query(query),
    };
    Ok(Journal::at(&config.path(&config.log.searches)).record(&searched)?)
}

impl IndexArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let named = self.file.or_else(|| config.log.index.as_ref().map(|path| config.path(path)));
        let path = named.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "where is the index?",
                "name it as log.index in the configuration, or with --file",
            )
        })?;
        let personal = Arc::new(super::personal(&config)?);
        let mut index = Index::open(&path, &config.path(&config.log.dir))?.with(personal);
        if self.rebuild {
            index.clear()?;
        }
        let begun = Instant::now();
        let mut told = begun;
        while index.take_in(BATCH)? > 0 {
            if told.elapsed().as_secs() >= 1 {
                told = Instant::now();
                eprintln!("{} entries after {} s", index.reach()?.entries, begun.elapsed().as_secs());
            }
        }
        let reach = index.reach()?;
        let text =
            format!("{} holds the first {} entries: {} items\n", path.display(), reach.entries, reach.items);
        Ok(Answer::new(json!({ "index": path, "entries": reach.entries, "items": reach.items }), text))
    }
}

/// The organisations in a region, as registered.
fn holders_in(common: &Common, region: &str) -> Result<Vec<String>, Failure> {
    let desk = Desk::open(common)?;
    let within =
        |holder: &&agreements::Holder| holder.region.as_ref().is_some_and(|named| named.as_str() == region);
    Ok(desk.registry().holders().filter(within).map(|holder| holder.bin.to_string()).collect())
}

impl FromStr for Export {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(word, false)
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Log(error) => error.into(),
            IndexError::File(_) => {
                Self::of(Exit::Environment, &error, "an index may be removed and made again at any time")
            }
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let todo =
            "each search is written down first: see log.searches in the configuration, and who may write it";
        Self::of(Exit::Environment, &error, todo)
    }
}

/// Exchanges and refusals on a page.
const PAGE: usize = 100;
const EXPORT_PAGE: usize = 5_000;
/// Entries at once: what is lost if it is stopped.
const BATCH: usize = 50_000;
