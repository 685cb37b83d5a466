//! `kelisim log withheld`: what consumers and providers send beyond what is agreed, by field.

use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use super::{Answer, Common, Failure, searching};
use crate::cli::Exit;
use crate::cli::table::Table;
use crate::exchange_index::{Cursor, Index, Kind, Query, Viewer};

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log withheld --provider address-register --from 2026-11-01T00:00:00+05:00

Counted by an index (log.index in the configuration), newest exchanges first; each look is written down, with --as and
--reason. Under WAY stands who sends it: the consumer with its requests, the provider with its responses. Whose agreement has them
refused (`\"excess\"`, `\"request_excess\"`) is counted too: nothing of such requests and answers passed.")]
pub(in crate::cli) struct WithheldArgs {
    /// Asked of this system
    #[arg(long, value_name = "SYSTEM")]
    provider: Option<String>,
    /// Asked for by this system
    #[arg(long, value_name = "SYSTEM")]
    consumer: Option<String>,
    /// Under this agreement
    #[arg(long, value_name = "NUMBER")]
    agreement: Option<String>,
    /// Received then or later
    #[arg(long, value_name = "RFC3339")]
    from: Option<Timestamp>,
    /// Received before then
    #[arg(long, value_name = "RFC3339")]
    to: Option<Timestamp>,
    /// Go on where the last answer ended
    #[arg(long, value_name = "PLACE")]
    after: Option<Cursor>,
}

impl WithheldArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let words = [
            (Kind::Provider, self.provider),
            (Kind::Consumer, self.consumer),
            (Kind::Agreement, self.agreement),
        ];
        let words = words.into_iter().filter_map(|(kind, word)| Some((kind, word?))).collect();
        let query = Query { from: self.from, to: self.to, words, ..Query::default() };
        searching::record(common, &config, &query)?;
        let dir = config.path(&config.log.dir);
        let opened = match &config.log.index {
            Some(path) => Index::open_to_search(&config.path(path), &dir)?,
            None => None,
        };
        let Some(index) = opened else {
            return Err(Failure::new(
                Exit::Environment,
                "there is no index of this log, by which fields are counted",
                "name one as log.index in the configuration, then run `kelisim log index`",
            ));
        };
        let index = index.with(Arc::new(super::personal(&config)?));
        let found = index.excesses(&query, &Viewer::All, self.after)?;
        if found.elsewhere > 0 {
            eprintln!("{} more exchanges are in the log's folder no longer", found.elsewhere);
        }
        if let Some(next) = found.next {
            eprintln!("older exchanges were not counted: --after {next}");
        }
        let headings = [
            "PROVIDER",
            "CONSUMER",
            "AGREEMENT",
            "DATA TYPE",
            "OPERATION",
            "WAY",
            "FIELD",
            "EXCHANGES",
            "TIMES",
            "LAST",
        ];
        let mut table = Table::new(headings);
        for one in &found.fields {
            table.row([
                one.provider.clone(),
                one.consumer.clone(),
                one.agreement.clone(),
                one.data_type.clone(),
                one.operation.clone(),
                one.way.to_string(),
                one.field.clone(),
                one.exchanges.to_string(),
                one.count.to_string(),
                one.last.to_string(),
            ]);
        }
        let text = if found.fields.is_empty() {
            "nobody sent more than agreed".to_owned()
        } else {
            table.to_string()
        };
        Answer::of(&found, text)
    }
}
