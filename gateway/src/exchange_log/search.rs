//! Finding entries in the segments, and following their end (D2). Locks nothing; the writer may run.
//!
//! It reads what is there and does not check the chain: `verify` does.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    MAX_OPEN,
    line::{Entry, Record, Skeleton},
    reader::{Lines, Piece, Segment},
};

/// What to look for. Everything that is given must fit; an exchange's closing comes with its opening.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This exchange.
    pub exchange: Option<Uuid>,
    /// Asked by this system.
    pub consumer: Option<String>,
    /// Asked of this system.
    pub provider: Option<String>,
    /// Under this agreement.
    pub agreement: Option<String>,
    /// Refused, at the beginning or at the end, with this code.
    pub code: Option<String>,
    /// Received at this time or later.
    pub from: Option<Timestamp>,
    /// Received before this time.
    pub to: Option<Timestamp>,
    /// At most so many entries.
    pub limit: Option<usize>,
}

/// Why a search ended early.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no entry: the log is damaged there.
    #[error("{path} is damaged before byte {offset}; run `kelisim log verify`")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the line ends.
        offset: u64,
    },
}

/// The entries in `dir` that fit, oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn search(dir: &Path, filter: Filter) -> Result<Entries, SearchError> {
    let segments = Segment::list(dir).map_err(io_at(dir))?;
    let needle = filter.exchange.map(|exchange| exchange.hyphenated().to_string());
    let left = filter.limit.unwrap_or(usize::MAX);
    Ok(Entries { segments: segments.into(), reading: None, needle, filter, closings: BTreeSet::new(), left })
}

/// The consents with which exchanges were opened at `from` or later, each with when; oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn consents_since(
    dir: &Path,
    from: Timestamp,
) -> Result<impl Iterator<Item = Result<(Uuid, Timestamp), SearchError>>, SearchError> {
    let mut entries = search(dir, Filter { from: Some(from), ..Filter::default() })?;
    // Nearly all lines have none, and need not be parsed; in what a peer chose, quotes are escaped.
    entries.needle = Some("\"consent\":\"".to_owned());
    Ok(entries.filter_map(|entry| match entry {
        Ok(Entry { record: Record::Opening(opening), .. }) => {
            opening.consent.map(|consent| Ok((consent, opening.at)))
        }
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    }))
}

/// Entries that a search finds, one by one; ends after its first error.
#[derive(Debug)]
pub struct Entries {
    segments: VecDeque<Segment>,
    reading: Option<Reading>,
    needle: Option<String>,
    filter: Filter,
    /// Openings that fitted and whose closing is still to come; bounded, as open exchanges are.
    closings: BTreeSet<u64>,
    left: usize,
}

impl Iterator for Entries {
    type Item = Result<Entry, SearchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let found = self.advance().transpose()?;
        self.left = if found.is_ok() { self.left - 1 } else { 0 };
        Some(found)
    }
}

impl Entries {
    fn advance(&mut self) -> Result<Option<Entry>, SearchError> {
        loop {
            let Some(reading) = &mut self.reading else {
                let Some(segment) = self.next_segment()? else { return Ok(None) };
                self.reading = Some(Reading::of(segment)?);
                continue;
            };
            let Some(entry) = reading.next_entry(self.needle.as_deref())? else {
                self.reading = None;
                continue;
            };
            if fits(&self.filter, &mut self.closings, &entry) {
                return Ok(Some(entry));
            }
        }
    }

    /// The next segment that can hold something that fits.
    fn next_segment(&mut self) -> Result<Option<Segment>, SearchError> {
        while let Some(segment) = self.segments.pop_front() {
            // All that is in it was received before the next one was begun.
            let begun_next = self.segments.front().map(begun).transpose()?.flatten();
            if self.filter.from.zip(begun_next).is_some_and(|(from, next)| next < from) {
                continue;
            }
            // What was received before `to` was written soon after.
            let late = self.filter.to.and_then(|to| to.checked_add(LONGEST_REQUEST).ok());
            if late.zip(begun(&segment)?).is_some_and(|(late, begun)| begun > late) {
                self.segments.clear();
                return Ok(None);
            }
            return Ok(Some(segment));
        }
        Ok(None)
    }
}

/// Whether `entry` is looked for; remembers which closings are.
fn fits(filter: &Filter, closings: &mut BTreeSet<u64>, entry: &Entry) -> bool {
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
    };
    let within =
        |at: Timestamp| filter.from.is_none_or(|from| at >= from) && filter.to.is_none_or(|to| at < to);
    match &entry.record {
        Record::Segment(_) => false,
        Record::Opening(opening) => {
            let fits = filter.exchange.is_none_or(|exchange| exchange == opening.exchange)
                && is(&filter.consumer, Some(&opening.consumer))
                && is(&filter.provider, Some(&opening.provider))
                && is(&filter.agreement, Some(&opening.agreement))
                && within(opening.at);
            if fits {
                closings.insert(entry.index);
                if closings.len() > 2 * MAX_OPEN {
                    closings.pop_first();
                }
            }
            // The code of an exchange that was opened stands in its closing.
            fits && filter.code.is_none()
        }
        Record::Closing { opening, closing, .. } => {
            closings.remove(opening) && is(&filter.code, closing.code.as_ref().map(|code| code.as_str()))
        }
        Record::Refused(refused) => {
            filter.exchange.is_none_or(|exchange| exchange == refused.exchange)
                && is(&filter.consumer, refused.consumer.as_deref())
                && is(&filter.provider, refused.provider.as_ref().map(|claim| claim.as_str()))
                && is(&filter.agreement, refused.agreement.as_ref().map(|claim| claim.as_str()))
                && is(&filter.code, Some(&refused.code))
                && within(refused.at)
        }
    }
}

/// The last `count` entries in `dir`, oldest first, and then, if it should follow, those to come.
///
/// # Errors
/// The folder cannot be read, or the end of the log is damaged.
pub fn tail(dir: &Path, count: usize, follow: Follow) -> Result<Tail, SearchError> {
    let segments = Segment::list(dir).map_err(io_at(dir))?;
    let mut recent = VecDeque::new();
    let mut end = None;
    for segment in segments.into_iter().rev() {
        let missing = count - recent.len();
        let mut reading = Reading::of(segment)?;
        let mut some = VecDeque::new();
        while let Some(entry) = reading.next_entry(None)? {
            some.push_back(entry);
            if some.len() > missing {
                some.pop_front();
            }
        }
        some.append(&mut recent);
        recent = some;
        end.get_or_insert(reading);
        if recent.len() == count {
            break;
        }
    }
    Ok(Tail { dir: dir.to_owned(), recent, end, follow })
}

/// Whether a tail goes on when it has told what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// It ends.
    No,
    /// It waits for more, and never ends by itself.
    Yes,
}

/// The log's end, entry by entry.
#[derive(Debug)]
pub struct Tail {
    dir: PathBuf,
    recent: VecDeque<Entry>,
    end: Option<Reading>,
    follow: Follow,
}

impl Iterator for Tail {
    type Item = Result<Entry, SearchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(entry) = self.recent.pop_front() {
            return Some(Ok(entry));
        }
        if self.follow == Follow::No {
            return None;
        }
        let found = self.wait_for_entry();
        if found.is_err() {
            self.follow = Follow::No;
        }
        found.transpose()
    }
}

impl Tail {
    fn wait_for_entry(&mut self) -> Result<Option<Entry>, SearchError> {
        let Some(reading) = &mut self.end else { return Ok(None) };
        loop {
            // Asked before reading: a segment that has a successor grows no more.
            let successor = Segment::of(&self.dir, reading.next);
            let sealed = successor.path.exists() && successor.first > reading.segment.first;
            reading.lines.refresh().map_err(io_at(&reading.segment.path))?;
            if let Some(entry) = reading.next_entry(None)? {
                return Ok(Some(entry));
            }
            if sealed && reading.next == successor.first {
                *reading = Reading::of(successor)?;
            } else {
                std::thread::sleep(POLL);
            }
        }
    }
}

/// A segment being read, and the index that comes next in it.
#[derive(Debug)]
struct Reading {
    segment: Segment,
    lines: Lines,
    next: u64,
}

impl Reading {
    fn of(segment: Segment) -> Result<Self, SearchError> {
        let lines = segment.lines().map_err(io_at(&segment.path))?;
        Ok(Self { next: segment.first, segment, lines })
    }

    /// The next entry, past headers, and past lines without `needle` unread.
    fn next_entry(&mut self, needle: Option<&str>) -> Result<Option<Entry>, SearchError> {
        let path = &self.segment.path;
        loop {
            let offset = self.lines.offset;
            let Piece::Line(line) = self.lines.next_piece().map_err(io_at(path))? else { return Ok(None) };
            if needle.is_some_and(|needle| memchr::memmem::find(line, needle.as_bytes()).is_none()) {
                continue;
            }
            let entry =
                Entry::parse(line).ok_or_else(|| SearchError::Damaged { path: path.clone(), offset })?;
            self.next = entry.index + 1;
            if !matches!(entry.record, Record::Segment(_)) {
                return Ok(Some(entry));
            }
        }
    }
}

/// When a segment was begun, if its header is there.
fn begun(segment: &Segment) -> Result<Option<Timestamp>, SearchError> {
    let mut lines = segment.lines().map_err(io_at(&segment.path))?;
    let Piece::Line(line) = lines.next_piece().map_err(io_at(&segment.path))? else { return Ok(None) };
    Ok(Skeleton::parse(line).map(|header| header.at))
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> SearchError {
    let path = path.to_owned();
    move |source| SearchError::Io { path, source }
}

/// A request may be received so much before its entry is written.
const LONGEST_REQUEST: SignedDuration = SignedDuration::from_mins(10);
const POLL: Duration = Duration::from_millis(200);
