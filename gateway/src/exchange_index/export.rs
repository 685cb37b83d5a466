//! Hits as CSV and as JSON lines.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::query::Hit;
use crate::exchange_log::Record;
use crate::personal::PersonalKeys;

/// The first line of a CSV file.
pub fn csv_heading() -> String {
    COLUMNS.join(",") + "\n"
}

/// A hit as a line of CSV (RFC 4180).
pub fn csv_line(hit: &Hit, personal: &PersonalKeys) -> String {
    let mut entry: Value = serde_json::from_str(&hit.entry.line).unwrap_or_default();
    personal.reveal(&hit.entry, &mut entry);
    let closing: Value =
        hit.closing.as_ref().and_then(|closing| serde_json::from_str(&closing.line).ok()).unwrap_or_default();
    let cells = COLUMNS.map(|column| {
        let value = match column {
            "closing_index" => &closing["index"],
            "closed" => &closing["at"],
            "outcome" | "status" | "response_bytes" | "response_digest" | "trimmed" | "duration_us" => {
                &closing[column]
            }
            // Of a refusal it stands in the entry, of an exchange in its closing.
            "code" if entry["code"].is_null() => &closing["code"],
            _ => &entry[column],
        };
        match value {
            Value::Null => String::new(),
            Value::String(text) => cell(text),
            other => cell(&other.to_string()),
        }
    });
    cells.join(",") + "\n"
}

/// A hit as a line of JSON: the entry as it stands in the log, its closing, and what its sealed parts say.
pub fn json_line(hit: &Hit, personal: &PersonalKeys) -> String {
    let mut line = format!("{{\"entry\":{}", hit.entry.line);
    if let Some(closing) = &hit.closing {
        line.push_str(&format!(",\"closing\":{}", closing.line));
    }
    let mut parts = Value::Object(Map::new());
    personal.reveal(&hit.entry, &mut parts);
    if parts.as_object().is_some_and(|parts| !parts.is_empty()) {
        line.push_str(&format!(",\"personal\":{parts}"));
    }
    line.push_str("}\n");
    line
}

/// The last line of a CSV file that leaves some out: its `kind` is `elsewhere`, its `code` their number. None otherwise.
pub fn csv_trailer(elsewhere: usize) -> String {
    let cells = COLUMNS.map(|column| match column {
        "kind" => "elsewhere".to_owned(),
        "code" => elsewhere.to_string(),
        _ => String::new(),
    });
    if elsewhere == 0 { String::new() } else { cells.join(",") + "\n" }
}

/// The last line of JSON lines that leave some out: their number, as `elsewhere`. None otherwise.
pub fn json_trailer(elsewhere: usize) -> String {
    if elsewhere == 0 { String::new() } else { format!("{{\"elsewhere\":{elsewhere}}}\n") }
}

impl Hit {
    /// When the request was received.
    pub fn at(&self) -> Option<Timestamp> {
        match &self.entry.record {
            Record::Opening(opening) => Some(opening.at),
            Record::Refused(refused) => Some(refused.at),
            Record::Closing { .. } | Record::Segment(_) => None,
        }
    }

    /// How it ended, if that is known: the outcome's word or the refusal's code.
    pub fn ended(&self) -> Option<&str> {
        match (&self.entry.record, self.closing.as_ref().map(|closing| &closing.record)) {
            (Record::Refused(refused), _) => Some(&refused.code),
            (_, Some(Record::Closing { closing, .. })) => Some(closing.outcome.as_str()),
            (_, _) => None,
        }
    }
}

/// Text that a spreadsheet shows as it is: quoted where it must be, and never a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

const COLUMNS: [&str; 24] = [
    "index",
    "kind",
    "at",
    "exchange",
    "consumer",
    "consumer_holder",
    "provider",
    "provider_holder",
    "data_type",
    "operation",
    "agreement",
    "purpose",
    "basis",
    "user",
    "user_address",
    "peer_address",
    "case",
    "code",
    "closing_index",
    "closed",
    "outcome",
    "status",
    "response_bytes",
    "duration_us",
];
