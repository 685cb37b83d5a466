//! `kelisim log compare`: parties' own records, held against the log.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::table::Table;
use super::super::{Answer, Common, Exit, Failure};
use crate::exchange_log::{Comparison, Filter, compare, read_own};

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log compare provider.csv consumer.jsonl --provider address-register --consumer portal

A record is an exchange, and its time and the SHA-256 of a body if they are known: CSV with the columns exchange, time and
digest, or a JSON object a line. Refused calls may be noted and need not; with --provider, exchanges too of which no whole
request reached it, such as an answer that was given again. Ends with 1 unless all agree.")]
pub(in crate::cli) struct CompareArgs {
    /// Records of a party, and of the other
    #[arg(value_name = "FILE", num_args = 1..=2, required = true)]
    files: Vec<PathBuf>,
    /// The log's folder [default: that of the configuration]
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
    /// Exchanges that this system asked for
    #[arg(long, value_name = "SYSTEM")]
    consumer: Option<String>,
    /// Exchanges that this system was asked for
    #[arg(long, value_name = "SYSTEM")]
    provider: Option<String>,
    /// How far apart times may be, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    tolerance: u32,
}

impl CompareArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let dir = super::dir_or(self.log, common)?;
        let tolerance = SignedDuration::from_secs(self.tolerance.into());
        let mut table = Table::new(["RECORDS", "", "LINE", "ENTRY", "EXCHANGE", "WHAT"]);
        let (mut text, mut told, mut agrees) = (String::new(), Vec::new(), true);
        for file in &self.files {
            let filter = Filter {
                consumer: self.consumer.clone(),
                provider: self.provider.clone(),
                ..Filter::default()
            };
            let found = compare(&dir, read(file)?, filter, tolerance)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            text.push_str(&format!(
                "{name}: {} matched, {} not in the log, {} not in the records, {} different, {} repeated\n",
                found.matched,
                found.not_in_log.len(),
                found.not_in_records.len(),
                found.different.len(),
                found.repeated.len()
            ));
            agrees &= found.agrees();
            told.push(tell(&name, &found, &mut table));
        }
        if !agrees {
            text.push_str(&format!("\n{table}"));
        }
        let answer = Answer::new(json!({ "agrees": agrees, "records": told }), text);
        Ok(if agrees { answer } else { answer.negative() })
    }
}

fn tell(name: &str, found: &Comparison, table: &mut Table) -> Value {
    let mut listed = Vec::new();
    let mut add = |kind: &str, line: Option<u64>, index: Option<u64>, exchange: String, what: String| {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let row = json!({ "kind": kind, "line": line, "index": index, "exchange": exchange, "what": what });
        table.row([name.to_owned(), kind.to_owned(), number(line), number(index), exchange, what]);
        listed.push(row);
    };
    for record in &found.not_in_log {
        add("missing", Some(record.line), None, record.exchange.to_string(), "not in the log".into());
    }
    for (index, exchange) in &found.not_in_records {
        add("missing", None, Some(*index), exchange.to_string(), "not in the records".into());
    }
    for one in &found.different {
        add(
            "different",
            Some(one.record.line),
            Some(one.index),
            one.record.exchange.to_string(),
            one.what.to_string(),
        );
    }
    for record in &found.repeated {
        add("repeated", Some(record.line), None, record.exchange.to_string(), "noted before".into());
    }
    json!({ "records": name, "matched": found.matched, "agrees": found.agrees(), "findings": listed })
}

fn read(path: &Path) -> Result<Vec<crate::exchange_log::OwnRecord>, Failure> {
    let fail = |error: &dyn std::error::Error| {
        let what = format!("{}: {}", path.display(), crate::telemetry::chain(error));
        Failure::new(Exit::Environment, what, "name a file of CSV or JSON lines: exchange, time, digest")
    };
    let file = File::open(path).map_err(|error| fail(&error))?;
    read_own(BufReader::new(file)).map_err(|error| fail(&error))
}
