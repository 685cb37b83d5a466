//! Reconciling a party's own records of exchanges with the log (D1: each holder keeps its own accounting as well).
//!
//! A record is an exchange, a time and a digest. CSV with a first line that names columns `exchange`, `time` and
//! `digest` in any order, or a JSON object a line with members of these names. What a party writes is text that it chose:
//! it is bounded, and a line that is no record is told, not skipped.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, Read},
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Filter, Record, SearchError, search,
    text::{Sha256, parse_hex},
};

/// What a party wrote about an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRecord {
    /// The line in its file, from 1.
    pub line: u64,
    /// The exchange, as `Kelisim-Exchange` named it.
    pub exchange: Uuid,
    /// When, as the party's clock had it.
    pub time: Option<Timestamp>,
    /// SHA-256 of the body that it sent or got.
    pub digest: Option<Sha256>,
}

/// A party's records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The file.
    #[error("the records cannot be read")]
    Io(#[from] io::Error),
    /// A line is no record.
    #[error("line {line}: {fault}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong.
        fault: &'static str,
    },
}

/// Reads a party's records, CSV or JSON lines, as the first byte tells.
///
/// # Errors
/// [`OwnError`] names the first line that is no record.
pub fn read_own(mut reader: impl BufRead) -> Result<Vec<OwnRecord>, OwnError> {
    let mut records = Vec::new();
    let mut columns = None;
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        if reader.by_ref().take(MAX_RECORD + 1).read_line(&mut text)? == 0 {
            break;
        }
        let fault = |fault| OwnError::Line { line, fault };
        if text.len() as u64 > MAX_RECORD {
            return Err(fault("longer than a record can be"));
        }
        let record = text.trim().trim_start_matches('\u{feff}');
        if record.is_empty() {
            continue;
        }
        if record.starts_with('{') {
            let form: Form<'_> = serde_json::from_str(record)
                .map_err(|_| fault("not an object with exchange, and time and digest if they are known"))?;
            records.push(form.record(line).map_err(fault)?);
            continue;
        }
        let fields = csv_fields(record).ok_or_else(|| fault("a quote is not closed"))?;
        let Some(columns) = &columns else {
            columns = Some(Columns::of(&fields).ok_or_else(|| fault("no column is named exchange"))?);
            continue;
        };
        records.push(columns.form(&fields).record(line).map_err(fault)?);
    }
    Ok(records)
}

#[derive(Deserialize)]
struct Form<'a> {
    #[serde(borrow)]
    exchange: std::borrow::Cow<'a, str>,
    #[serde(default, borrow)]
    time: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    digest: Option<std::borrow::Cow<'a, str>>,
}

impl Form<'_> {
    fn record(&self, line: u64) -> Result<OwnRecord, &'static str> {
        let given = |text: &Option<std::borrow::Cow<'_, str>>| {
            text.as_deref().map(str::trim).unwrap_or_default().to_owned()
        };
        let (time, digest) = (given(&self.time), given(&self.digest));
        let time =
            if time.is_empty() { None } else { Some(time.parse().map_err(|_| "time is not RFC 3339")?) };
        let digest = if digest.is_empty() {
            None
        } else {
            let hex = digest.to_ascii_lowercase();
            Some(Sha256(parse_hex(&hex).ok_or("digest is not 64 hexadecimal digits")?))
        };
        let exchange = self.exchange.trim().parse().map_err(|_| "exchange is no number of an exchange")?;
        Ok(OwnRecord { line, exchange, time, digest })
    }
}

/// Which field of a CSV line is which.
struct Columns {
    exchange: usize,
    time: Option<usize>,
    digest: Option<usize>,
}

impl Columns {
    fn of(names: &[String]) -> Option<Self> {
        let at = |wanted: &str| names.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
        Some(Self { exchange: at("exchange")?, time: at("time"), digest: at("digest") })
    }

    fn form<'f>(&self, fields: &'f [String]) -> Form<'f> {
        let field = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
        Form {
            exchange: field(self.exchange).into(),
            time: self.time.map(|at| field(at).into()),
            digest: self.digest.map(|at| field(at).into()),
        }
    }
}

/// The fields of a CSV line (RFC 4180, without line breaks in fields; `;` too, as spreadsheets here write it).
fn csv_fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' | ';' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    (!quoted).then_some(fields)
}

/// What log and records have in common, and what not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Exchanges that both have, with the same digest and about the same time.
    pub matched: u64,
    /// Records of exchanges that the log does not have.
    pub not_in_log: Vec<OwnRecord>,
    /// Exchanges that the log has, within the time of the records, and the records should have and do not.
    pub not_in_records: Vec<(u64, Uuid)>,
    /// Exchanges that both have and differ about.
    pub different: Vec<Difference>,
    /// Records of an exchange that has one before.
    pub repeated: Vec<OwnRecord>,
}

impl Comparison {
    /// Whether both sides say the same.
    pub fn agrees(&self) -> bool {
        let Self { matched: _, not_in_log, not_in_records, different, repeated } = self;
        not_in_log.is_empty() && not_in_records.is_empty() && different.is_empty() && repeated.is_empty()
    }
}

/// An exchange that log and records differ about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The record.
    pub record: OwnRecord,
    /// Index of the exchange's first entry.
    pub index: u64,
    /// What differs.
    pub what: Differs,
}

/// What can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    /// The digest is neither that of the request nor that of the answer.
    #[error("the digest is neither that of the request nor that of the answer")]
    Digest,
    /// The times are further apart than clocks may be.
    #[error("the times are {seconds} s apart")]
    Time {
        /// How far.
        seconds: i64,
    },
}

/// Who can have noted an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    ToBoth,
    /// The provider was not asked, or not for the whole of it.
    ToConsumer,
}

/// Holds `records` of a party against the exchanges in the log's folder that fit `filter`, which names the party.
///
/// The log's exchanges are missed in the records only from the first to the last time that the records tell, if they do;
/// in those of a provider, only if it may have got the request.
///
/// # Errors
/// The log cannot be read.
pub fn compare(
    dir: &Path,
    records: Vec<OwnRecord>,
    filter: Filter,
    tolerance: SignedDuration,
) -> Result<Comparison, SearchError> {
    let mut found = Comparison::default();
    let mut own: HashMap<Uuid, (OwnRecord, Option<u64>)> = HashMap::with_capacity(records.len());
    let (mut first, mut last) = (None::<Timestamp>, None::<Timestamp>);
    for record in records {
        first = first.min(record.time).or(first).or(record.time);
        last = last.max(record.time);
        match own.entry(record.exchange) {
            std::collections::hash_map::Entry::Occupied(_) => found.repeated.push(record),
            std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert((record, None))),
        }
    }
    let noted: HashSet<Uuid> = own.keys().copied().collect();
    // Digests of exchanges whose closing is still to be read.
    let mut pending: HashMap<u64, (Uuid, Timestamp, [Option<Sha256>; 2])> = HashMap::new();
    let of_provider = filter.provider.is_some();
    let mut settle = |found: &mut Comparison,
                      (index, exchange, at): (u64, _, Timestamp),
                      digests: [_; 3],
                      known: Known| {
        let Some((record, seen)) = own.get_mut(&exchange) else {
            let within = first.is_none_or(|first| at >= first) && last.is_none_or(|last| at <= last);
            if within && known == Known::ToBoth {
                found.not_in_records.push((index, exchange));
            }
            return;
        };
        *seen = Some(index);
        let apart = record.time.map_or(SignedDuration::ZERO, |time| time.duration_since(at).abs());
        let what = if record.digest.is_some() && !digests.contains(&record.digest) {
            Some(Differs::Digest)
        } else {
            (apart > tolerance).then_some(Differs::Time { seconds: apart.as_secs() })
        };
        match what {
            Some(what) => found.different.push(Difference { record: record.clone(), index, what }),
            None => found.matched += 1,
        }
    };
    let mut refused_calls = Vec::new();
    for entry in search(dir, filter)? {
        let entry = entry?;
        match entry.record {
            Record::Opening(opening) => {
                // The provider has what passed, where that is not what the consumer sent.
                let digests = [opening.request_digest, opening.passed_digest];
                pending.insert(entry.index, (opening.exchange, opening.at, digests));
            }
            Record::Closing { opening, closing, .. } => {
                if let Some((exchange, at, [request, passed])) = pending.remove(&opening) {
                    let request = closing.request_digest.or(request);
                    let known = match of_provider && !closing.outcome.reaches_provider() {
                        true => Known::ToConsumer,
                        false => Known::ToBoth,
                    };
                    settle(
                        &mut found,
                        (opening, exchange, at),
                        [request, passed, closing.response_digest],
                        known,
                    );
                }
            }
            // A refused call was no exchange: nobody but the caller can have noted it, and it need not.
            Record::Refused(refused) if noted.contains(&refused.exchange) => {
                refused_calls.push((entry.index, refused.exchange));
            }
            Record::Refused(_) => {}
            Record::Segment(_) => {}
        }
    }
    // Bounded as open exchanges are.
    for (index, (exchange, at, [request, passed])) in pending {
        settle(&mut found, (index, exchange, at), [request, passed, None], Known::ToBoth);
    }
    for (index, exchange) in refused_calls {
        if let Some((_, seen)) = own.get_mut(&exchange) {
            *seen = Some(index);
            found.matched += 1;
        }
    }
    found.not_in_log =
        own.into_values().filter(|(_, seen)| seen.is_none()).map(|(record, _)| record).collect();
    found.not_in_log.sort_by_key(|record| record.line);
    found.not_in_records.sort_unstable();
    found.different.sort_by_key(|difference| difference.index);
    Ok(found)
}

/// Longest line of a party's records.
const MAX_RECORD: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10";

    #[test]
    fn csv_and_json_lines_are_read_alike() {
        let digest = "ab".repeat(32);
        let csv = format!(
            "\u{feff}Digest;note;exchange;time\r\n{digest};\"a;b\"\"\";{ONE};2026-03-01T05:00:00+05:00\r\n"
        );
        let json = format!(
            "\n{{\"exchange\":\"{ONE}\",\"time\":\"2026-03-01T00:00:00Z\",\"digest\":\"{digest}\",\"note\":1}}\n"
        );
        let read = |text: &str| read_own(text.as_bytes()).unwrap();
        assert_eq!(read(&csv), read(&json));
        assert_eq!(read(&csv)[0].digest, Some(Sha256([0xab; 32])));
        assert_eq!(
            read(&format!("exchange\n{ONE}\n"))[0],
            OwnRecord { line: 2, exchange: ONE.parse().unwrap(), time: None, digest: None }
        );
    }

    #[test]
    fn line_that_is_no_record_is_told() {
        for (text, line) in [
            ("a,b\n", 1),
            ("exchange\nnonsense\n", 2),
            ("exchange,time\n019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10,yesterday\n", 2),
            ("exchange\n\"019c\n", 2),
            ("{\"exchange\":1}\n", 1),
        ] {
            assert!(
                matches!(read_own(text.as_bytes()), Err(OwnError::Line { line: at, .. }) if at == line),
                "{text}"
            );
        }
        let long = "x".repeat(5000);
        assert!(matches!(read_own(long.as_bytes()), Err(OwnError::Line { line: 1, .. })));
    }
}
