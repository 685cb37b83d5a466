//! Proofs of single entries (C2SP `tlog-proof`): for the two parties of an exchange and the regulator, nobody else.

use serde_json::json;
use uuid::Uuid;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Access, Media, Operation, parameter, place};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::search::{exchange, find};
use super::{PART, PARTIES, sight, unavailable, write_down};
use crate::exchange_index::{Sought, Viewer};
use crate::exchange_log::{Entry, ReceiptError, Record, Wanted, receipt_of};
use crate::transparency::receipt::Receipt;

pub(super) fn operations() -> Vec<Operation> {
    let read = |id, path, summary, does| {
        let answer = Media { types: &["text/plain"], schema: json!({ "type": "string" }) };
        let mut operation =
            Operation::read(id, path, summary, PART, answer, does).failing(&["not-sealed", "archived"]);
        operation.access = Access::Roles(PARTIES);
        operation
    };
    vec![
        read(
            "exchange-proof",
            "/v1/exchanges/{exchange}/proof",
            "Proves what is written of an exchange: of its end, or of its beginning",
            of_exchange as _,
        )
        .with([
            exchange(),
            parameter(
                "of",
                "Which entry; the closing of a refused call is its only entry",
                json!({ "enum": ["closing", "opening"], "default": "closing" }),
            ),
        ]),
        read(
            "entry-proof",
            "/v1/log/entries/{index}/proof",
            "Proves an entry, by its place as Kelisim-Entry named it",
            of_entry as _,
        )
        .with([place("index", "The entry's place", json!({ "type": "integer", "minimum": 0 }))]),
    ]
}

fn of_exchange(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let named: Uuid = asked.place("exchange")?;
    let opening = match asked.parameter::<String>("of")?.as_deref() {
        None | Some("closing") => false,
        Some("opening") => true,
        Some(_) => return Err(Problem::new("parameter-malformed", "of: closing or opening")),
    };
    let hit = find(shared, asked, named)?;
    let entry = match (&hit.entry.record, hit.closing) {
        (Record::Opening(_), None) if !opening => {
            return Err(Problem::new("not-sealed", "the exchange has not ended yet").after(1));
        }
        (Record::Opening(_), Some(closing)) if !opening => closing.index,
        (Record::Opening(_) | Record::Refused(_) | Record::Closing { .. } | Record::Segment(_), _) => {
            hit.entry.index
        }
    };
    reply(&receipt(shared, entry)?)
}

fn of_entry(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let index: u64 = asked.place("index")?;
    let viewer = sight(shared, &asked.caller()?.actor)?;
    write_down(shared, asked, &viewer, Sought::Entries { first: index, count: 1 })?;
    let receipt = receipt(shared, index)?;
    if viewer == Viewer::All || sees(shared, &viewer, &receipt)? {
        return reply(&receipt);
    }
    Err(Problem::new("not-found", "there is none, or it is not yours to see"))
}

fn receipt(shared: &Shared, index: u64) -> Result<Receipt, Problem> {
    receipt_of(&shared.record.log, Wanted::Index(index)).map_err(|error| match error {
        ReceiptError::NotSealed { .. } => Problem::new("not-sealed", error.to_string()).after(1),
        ReceiptError::Pruned { .. } => Problem::new("archived", error.to_string()),
        ReceiptError::NoSuchExchange(_) => Problem::new("not-found", error.to_string()),
        error => unavailable(error),
    })
}

/// Whether the entry in a receipt is theirs to see: of a closing, whether its opening is.
fn sees(shared: &Shared, viewer: &Viewer, receipt: &Receipt) -> Result<bool, Problem> {
    let Some(entry) = receipt.extra.as_deref().and_then(Entry::parse) else { return Ok(false) };
    if let Record::Closing { opening, .. } = entry.record {
        // Closed after a prune of its opening: nobody can tell whose it is any more.
        return match self::receipt(shared, opening) {
            Ok(opening) => {
                Ok(opening.extra.as_deref().and_then(Entry::parse).is_some_and(|one| viewer.sees(&one)))
            }
            Err(problem) if problem.code == "archived" => Ok(false),
            Err(problem) => Err(problem),
        };
    }
    Ok(viewer.sees(&entry))
}

fn reply(receipt: &Receipt) -> Result<Reply, Problem> {
    Ok(Reply::new("text/plain; charset=utf-8", receipt.to_string()))
}
