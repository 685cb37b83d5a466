//! Searching the record: pages of what fits, newest first, and all that is written of one exchange.

use std::str::FromStr;

use agreements::Region;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Access, Input, Media, Operation, parameter, place};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{PART, READERS, broken, index, sight, write_down};
use crate::exchange_index::{Cursor, Hit, Kind, Query, Sought};

pub(super) fn operations() -> Vec<Operation> {
    let mut list = Operation::read(
        "list-exchanges",
        "/v1/exchanges",
        "Searches the record of exchanges and refused calls, newest first; every search is written down",
        PART,
        Media::json(page_schema()),
        list,
    )
    .with(filters())
    .with([
        parameter(
            "limit",
            "How many exchanges and refused calls at most",
            json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL }),
        ),
        parameter("cursor", "Where the last page said that the next begins", json!({ "type": "string" })),
    ]);
    let mut one = Operation::read(
        "exchange",
        "/v1/exchanges/{exchange}",
        "Shows all that is written of an exchange or a refused call",
        PART,
        Media::json(hit_schema()),
        one,
    )
    .with([exchange()]);
    (list.access, one.access) = (Access::Roles(READERS), Access::Roles(READERS));
    vec![list, one]
}

/// The place of an exchange in a path.
pub(super) fn exchange() -> Input {
    place(
        "exchange",
        "The exchange, as Kelisim-Exchange named it",
        json!({ "type": "string", "format": "uuid" }),
    )
}

/// What may be looked for.
pub(super) fn filters() -> Vec<Input> {
    let moment = || json!({ "type": "string", "format": "date-time" });
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": MOST_WORD });
    let several = || json!({ "type": "string", "minLength": 1, "maxLength": 4_096 });
    let mut inputs = vec![
        parameter("from", "Received then or later", moment()),
        parameter("until", "Received before then", moment()),
        parameter("system", "Asked by or of one of these systems, separated by commas", several()),
        parameter(
            "holder",
            "By or of a system of one of these organisations (BIN), separated by commas",
            several(),
        ),
        parameter("region", "By or of a system of an organisation in this region", text()),
        parameter(
            "subject",
            "About the person of one of these keyed hashes, separated by commas (`kelisim subject-key hash`); never their identifier",
            several(),
        ),
        parameter("exchange", "This exchange", json!({ "type": "string", "format": "uuid" })),
    ];
    inputs.extend(WORDS.map(|(name, _, meaning)| parameter(name, meaning, text())));
    inputs
}

/// Reads what is looked for.
pub(super) fn query(shared: &Shared, asked: &Asked) -> Result<Query, Problem> {
    let several = |name: &str| -> Result<Vec<String>, Problem> {
        let text: Option<String> = asked.parameter(name)?;
        let words: Vec<String> = text.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect();
        let wrong = |why: &str| Err(Problem::new("parameter-malformed", format!("{name}: {why}")));
        if words.len() > MOST_SEVERAL {
            return wrong("too many at once");
        }
        if words.iter().any(|word| word.is_empty() || word.len() > MOST_WORD) {
            return wrong("words separated by commas");
        }
        Ok(words)
    };
    let (systems, holders) = (several("system")?, several("holder")?);
    let subjects = several("subject")?;
    let region: Option<Region> = asked.parameter("region")?;
    let holders = match region {
        Some(_) if !holders.is_empty() => {
            return Err(Problem::new("parameter-malformed", "region: not beside holder"));
        }
        Some(region) => Some(shared.newest(|registry| {
            let within = registry.holders().filter(|holder| holder.region.as_ref() == Some(&region));
            Ok(within.map(|holder| holder.bin.to_string()).collect())
        })?),
        None => (!holders.is_empty()).then_some(holders),
    };
    let mut words = Vec::new();
    for (name, kind, _) in WORDS {
        let Some(word) = asked.parameter::<String>(name)? else { continue };
        if word.is_empty() || word.len() > MOST_WORD {
            return Err(Problem::new("parameter-malformed", format!("{name}: 1 to {MOST_WORD} bytes")));
        }
        let known = kind.may_be(&word);
        known.map_err(|error| Problem::new("parameter-malformed", format!("{name}: {error}")))?;
        words.push((kind, word));
    }
    Ok(Query {
        exchange: asked.parameter("exchange")?,
        from: asked.parameter("from")?,
        to: asked.parameter("until")?,
        systems,
        holders,
        subjects: (!subjects.is_empty()).then_some(subjects),
        words,
    })
}

fn list(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let limit = asked.parameter("limit")?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::new("parameter-malformed", format!("limit: 1 to {MOST}")));
    }
    let after = cursor(asked)?;
    let query = query(shared, asked)?;
    let viewer = sight(shared, &asked.caller()?.actor)?;
    let index = index(shared)?;
    write_down(shared, asked, &viewer, Sought::Query(&query))?;
    let page = index.search(&query, &viewer, after, limit).map_err(|error| broken(&error))?;
    let indexed = index.reach().map_err(|error| broken(&error))?.entries;
    Reply::json(&json!({
        "items": page.hits.iter().map(|hit| shown(shared, hit)).collect::<Vec<_>>(),
        "next": page.next.map(|next| next.to_string()),
        "elsewhere": page.elsewhere,
        "indexed": indexed,
    }))
}

/// Where to go on.
pub(super) fn cursor(asked: &Asked) -> Result<Option<Cursor>, Problem> {
    let Some(text) = asked.parameter::<String>("cursor")? else { return Ok(None) };
    let read = Cursor::from_str(&text);
    Ok(Some(read.map_err(|_| Problem::new("parameter-malformed", "cursor: none that was given"))?))
}

fn one(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let exchange: Uuid = asked.place("exchange")?;
    Reply::json(&shown(shared, &find(shared, asked, exchange)?))
}

/// An exchange as somebody sees it; written down that they looked.
pub(super) fn find(shared: &Shared, asked: &Asked, exchange: Uuid) -> Result<Hit, Problem> {
    let viewer = sight(shared, &asked.caller()?.actor)?;
    let query = Query { exchange: Some(exchange), ..Query::default() };
    let index = index(shared)?;
    write_down(shared, asked, &viewer, Sought::Query(&query))?;
    let page = index.search(&query, &viewer, None, 1).map_err(|error| broken(&error))?;
    if page.elsewhere > 0 {
        return Err(Problem::new("archived", "its entries are in the archive, and here no longer"));
    }
    let none = || Problem::new("not-found", "there is none (yet), or it is not yours to see");
    page.hits.into_iter().next().ok_or_else(none)
}

fn shown(shared: &Shared, hit: &Hit) -> Value {
    let entry = |entry: &crate::exchange_log::Entry| -> Value {
        let mut document = serde_json::from_str(&entry.line).unwrap_or_default();
        shared.personal.reveal(entry, &mut document);
        document
    };
    match &hit.closing {
        Some(closing) => json!({ "entry": entry(&hit.entry), "closing": entry(closing) }),
        None => json!({ "entry": entry(&hit.entry) }),
    }
}

fn hit_schema() -> Value {
    json!({
        "type": "object",
        "required": ["entry"],
        "properties": {
            "entry": { "type": "object", "description": "The opening or the refusal, as it stands in the log" },
            "closing": { "type": "object", "description": "How the exchange ended; absent while it is open" },
        },
    })
}

fn page_schema() -> Value {
    json!({
        "type": "object",
        "required": ["items", "next", "elsewhere", "indexed"],
        "properties": {
            "items": { "type": "array", "items": hit_schema() },
            "next": { "type": ["string", "null"], "description": "The cursor of the next page; null on the last" },
            "elsewhere": { "type": "integer", "minimum": 0, "description": "How many fit whose entries are archived" },
            "indexed": { "type": "integer", "minimum": 0, "description": "How many entries of the log were searched" },
        },
    })
}

/// Parameters that are a word of the index.
const WORDS: [(&str, Kind, &str); 12] = [
    ("consumer", Kind::Consumer, "Asked by this system"),
    ("provider", Kind::Provider, "Asked of this system"),
    ("agreement", Kind::Agreement, "Under this agreement"),
    ("data-type", Kind::DataType, "Of this data type"),
    ("purpose", Kind::Purpose, "For this purpose"),
    ("case", Kind::Case, "Of this case"),
    ("user", Kind::User, "In this official's name"),
    ("decision", Kind::Decision, "permit or refuse"),
    ("code", Kind::Code, "Refused, at the beginning or at the end, with this code"),
    (
        "outcome",
        Kind::Outcome,
        "How it ended, such as completed or timeout; unsettled: the provider may have acted, and the consumer has no answer",
    ),
    ("withheld", Kind::Withheld, "With this field (a JSON Pointer) beyond what is agreed"),
    ("status", Kind::Status, "With this status of the provider"),
];

const USUAL: usize = 50;
const MOST: usize = 200;
/// No word of the record is longer.
const MOST_WORD: usize = 256;
/// Systems or organisations asked about at once.
const MOST_SEVERAL: usize = 64;
