//! Is the record whole? Read offline, in constant memory, without trusting the program that wrote it (D3).
//!
//! What it finds: any byte changed, any entry removed, inserted, repeated or moved, within the log; an end that was
//! cut off, as far as the checkpoint reaches; a closing without its opening; time that ran backwards.
//!
//! What it cannot find: the whole log rolled back together with its checkpoint, or rewritten from some entry on with
//! all hashes made anew. Both need a witness that saw a checkpoint and keeps it elsewhere.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    MAX_OPEN,
    checkpoint::{self, Checkpoint},
    line::{Entry, Head, Leaf, Record, Skeleton, leaf_hash},
    reader::{Lines, Piece, Segment},
};

/// Reads the whole log in `dir` and says what is wrong with it. Locks nothing; the writer may run.
///
/// # Errors
/// A file cannot be read.
pub fn verify(dir: &Path) -> io::Result<Verification> {
    // Before the segments: a writer that runs only adds to what it names.
    let checkpoint = match Checkpoint::read(dir) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
        Err(_) | Ok(None) => None,
        Ok(found) => found,
    };
    let segments = Segment::list(dir)?;
    let mut reading = Reading::new(checkpoint.as_ref());
    for (number, segment) in segments.iter().enumerate() {
        reading.read(segment, if number + 1 == segments.len() { PATIENCE } else { 0 })?;
    }
    let here = Place { path: dir.join(checkpoint::NAME).into(), line: 0, index: reading.next };
    match &checkpoint {
        None => reading.find(&here, Problem::NoCheckpoint),
        Some(known) => {
            if known.head.size > reading.next {
                reading.find(&here, Problem::CutOff { size: known.head.size });
            }
            if reading.origin.as_ref().is_some_and(|origin| *origin != known.origin) {
                reading.find(&here, Problem::OtherOrigin { origin: known.origin.clone() });
            }
        }
    }
    if segments.is_empty() {
        reading.find(&Place { path: dir.into(), ..here }, Problem::NoSegments);
    }
    Ok(reading.finish())
}

/// What reading a whole log found.
#[derive(Debug, Default)]
pub struct Verification {
    /// Entries that were read.
    pub entries: u64,
    /// Segments that were read.
    pub segments: usize,
    /// Exchanges that were permitted.
    pub openings: u64,
    /// Calls that were refused.
    pub refusals: u64,
    /// Exchanges that are open at the end: running now, or interrupted by a crash that nobody recovered from yet.
    pub open_at_end: u64,
    /// What is not as it should be, in order of index; at most [`Self::MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more_findings: u64,
}

impl Verification {
    /// Findings that are told one by one.
    pub const MAX_FINDINGS: usize = 1000;

    /// Whether nothing speaks against the record.
    pub fn is_whole(&self) -> bool {
        self.more_findings == 0 && self.findings.iter().all(|finding| finding.severity() == Severity::Notice)
    }
}

/// Something that is not as it should be, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// The line in it, from 1; 0 for the file as a whole.
    pub line: u64,
    /// The entry that should stand there.
    pub index: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The line is no entry.
    #[error("not an entry")]
    NotAnEntry,
    /// Its bytes are not those that its successor, or the checkpoint, names.
    #[error("changed: its bytes are not those that were chained")]
    Changed,
    /// Entries before this one are missing.
    #[error("{count} entries are missing before entry {found}")]
    Missing {
        /// How many.
        count: u64,
        /// The index that was found.
        found: u64,
    },
    /// An entry with an index that was there already.
    #[error("repeated, moved or inserted: entry {found} again")]
    Repeated {
        /// The index that was found.
        found: u64,
    },
    /// A closing that closes nothing.
    #[error("closes {opening}, which is not an open exchange")]
    NothingToClose {
        /// The index that it names.
        opening: u64,
    },
    /// More exchanges are open than a gateway would have opened.
    #[error("more exchanges are open than can be; entry {opening} was never closed")]
    NeverClosed {
        /// The oldest.
        opening: u64,
    },
    /// Time ran backwards by more than requests last.
    #[error("{seconds} s earlier than an entry before it")]
    TimeBackwards {
        /// By how much.
        seconds: i64,
    },
    /// What follows, to the end of the file, does not begin with a line.
    #[error("no line here, though the file goes on")]
    NoLine,
    /// A segment does not begin with its header, or a header stands elsewhere.
    #[error("segment header missing or misplaced")]
    Header,
    /// A header's list of open exchanges is not what was open.
    #[error("the segment's header does not name the exchanges that were open")]
    HeaderList,
    /// The log begins later than with its first entry: earlier segments were archived.
    #[error("the log begins at entry {index}; what is before is not here")]
    BeginsLater {
        /// The first entry.
        index: u64,
    },
    /// The log ends before the entry up to which it was durable once.
    #[error("the end was cut off: the checkpoint knows {size} entries")]
    CutOff {
        /// Entries that the checkpoint knows.
        size: u64,
    },
    /// The checkpoint names another log.
    #[error("the checkpoint is of the log {origin}")]
    OtherOrigin {
        /// Which.
        origin: String,
    },
    /// There is no readable checkpoint, so a cut end would not be found.
    #[error("no readable checkpoint")]
    NoCheckpoint,
    /// There is no log.
    #[error("no segments")]
    NoSegments,
}

/// Whether a finding speaks against the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The record is not as it was written.
    Broken,
    /// Worth knowing.
    Notice,
}

impl Finding {
    /// Whether it speaks against the record.
    pub fn severity(&self) -> Severity {
        match self.problem {
            Problem::TimeBackwards { .. } | Problem::BeginsLater { .. } | Problem::NoSegments => {
                Severity::Notice
            }
            Problem::NotAnEntry
            | Problem::Changed
            | Problem::Missing { .. }
            | Problem::Repeated { .. }
            | Problem::NothingToClose { .. }
            | Problem::NeverClosed { .. }
            | Problem::NoLine
            | Problem::Header
            | Problem::HeaderList
            | Problem::CutOff { .. }
            | Problem::OtherOrigin { .. }
            | Problem::NoCheckpoint => Severity::Broken,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{} (entry {})", self.line, self.index)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// One pass over the log.
struct Reading {
    checkpoint: Option<Head>,
    found: Verification,
    /// Index of the next entry.
    next: u64,
    origin: Option<String>,
    /// The line before, and its leaf hash unless it cannot be relied on.
    last: Option<(Place, Option<Leaf>)>,
    /// A line that the next one contradicts: it was changed, unless the one after says that the next one was.
    suspect: Option<Place>,
    open: BTreeMap<u64, Uuid>,
    open_known: OpenKnown,
    latest: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    path: Arc<Path>,
    line: u64,
    index: u64,
}

/// Whether all entries since the last header were read, so that `open` is what was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenKnown {
    Yes,
    FromNextHeader,
}

/// How far a segment's header was read: the exchanges it names so far, or all.
enum HeaderList {
    Reading(BTreeMap<u64, Uuid>),
    Read,
}

impl Reading {
    fn new(checkpoint: Option<&Checkpoint>) -> Self {
        Self {
            checkpoint: checkpoint.map(|known| known.head),
            found: Verification::default(),
            next: 0,
            origin: None,
            last: None,
            suspect: None,
            open: BTreeMap::new(),
            open_known: OpenKnown::Yes,
            latest: Timestamp::MIN,
        }
    }

    fn read(&mut self, segment: &Segment, patience: u32) -> io::Result<()> {
        let mut place = Place { path: segment.path.as_path().into(), line: 0, index: segment.first };
        if self.found.segments == 0 && segment.first > 0 {
            self.find(&place, Problem::BeginsLater { index: segment.first });
            self.next = segment.first;
            self.open_known = OpenKnown::FromNextHeader;
        }
        self.found.segments += 1;
        let mut header = HeaderList::Reading(BTreeMap::new());
        let mut lines = segment.lines()?;
        let mut patience = patience;
        loop {
            place.index = self.next;
            place.line += 1;
            if let Piece::Line(line) = lines.next_piece()? {
                self.read_line(line, &place, &mut header);
                continue;
            }
            if !has_more(&mut lines)? {
                return Ok(());
            }
            if patience == 0 {
                self.find(&place, Problem::NoLine);
                return Ok(());
            }
            // The writer may be in the middle of a batch.
            patience -= 1;
            place.line -= 1;
            std::thread::sleep(PAUSE);
        }
    }

    fn read_line(&mut self, line: &[u8], place: &Place, header: &mut HeaderList) {
        self.found.entries += 1;
        let Some((entry, skeleton)) = Entry::parse(line).zip(Skeleton::parse(line)) else {
            self.find(place, Problem::NotAnEntry);
            self.accuse_suspect();
            self.last = Some((place.clone(), None));
            self.open_known = OpenKnown::FromNextHeader;
            self.next += 1;
            return;
        };
        let index = entry.index;
        if index < self.next {
            self.find(place, Problem::Repeated { found: index });
            return;
        }
        if index > self.next {
            self.find(place, Problem::Missing { count: index - self.next, found: index });
            self.last = None;
            self.open_known = OpenKnown::FromNextHeader;
        }
        self.next = index.saturating_add(1);
        self.check_record(&entry, place, header);
        self.check_chain(line, &skeleton, place);
        self.check_time(skeleton.at, place);
    }

    fn check_chain(&mut self, line: &[u8], entry: &Skeleton<'_>, place: &Place) {
        let before = match (&self.last, &self.origin) {
            (Some((before, leaf)), _) => leaf.map(|leaf| (before.clone(), leaf)),
            (None, Some(origin)) if entry.index == 0 => Some((place.clone(), leaf_hash(origin.as_bytes()))),
            (None, _) => None,
        };
        match before {
            Some((before, leaf)) if entry.prev() != Some(leaf) => match self.suspect.take() {
                // Both neighbours contradict it.
                Some(_) => self.find(&before, Problem::Changed),
                None => self.suspect = Some(before),
            },
            Some(_) | None => self.accuse_suspect(),
        }
        let leaf = leaf_hash(line);
        let contradicted = self.checkpoint.is_some_and(|known| known.size == self.next && known.leaf != leaf);
        if contradicted {
            self.suspect = None;
            self.find(place, Problem::Changed);
        }
        self.last = Some((place.clone(), (!contradicted).then_some(leaf)));
    }

    fn check_record(&mut self, entry: &Entry, place: &Place, header: &mut HeaderList) {
        if let Record::Segment(found) = &entry.record {
            self.origin.get_or_insert_with(|| found.origin.clone().into_owned());
            let HeaderList::Reading(list) = header else { return self.find(place, Problem::Header) };
            list.extend(found.open.iter().copied());
            if !found.more {
                if self.open_known == OpenKnown::Yes && *list != self.open {
                    self.find(place, Problem::HeaderList);
                }
                self.open = std::mem::take(list);
                self.open_known = OpenKnown::Yes;
                *header = HeaderList::Read;
            }
            return;
        }
        if matches!(header, HeaderList::Reading(_)) {
            self.find(place, Problem::Header);
            *header = HeaderList::Read;
        }
        match &entry.record {
            Record::Segment(_) => {}
            Record::Opening(opening) => {
                self.found.openings += 1;
                self.open.insert(entry.index, opening.exchange);
                // Bounds memory, whoever wrote the log.
                if self.open.len() > 2 * MAX_OPEN
                    && let Some((opening, _)) = self.open.pop_first()
                {
                    self.find(place, Problem::NeverClosed { opening });
                }
            }
            Record::Closing { opening, exchange, .. } => {
                let opened = self.open.remove(opening);
                if opened != Some(*exchange) && self.open_known == OpenKnown::Yes {
                    self.find(place, Problem::NothingToClose { opening: *opening });
                }
            }
            Record::Refused(_) => self.found.refusals += 1,
        }
    }

    fn check_time(&mut self, at: Timestamp, place: &Place) {
        let back = self.latest.duration_since(at);
        if self.latest != Timestamp::MIN && back > LONGEST_REQUEST {
            self.find(place, Problem::TimeBackwards { seconds: back.as_secs() });
            self.latest = at;
        }
        self.latest = self.latest.max(at);
    }

    fn accuse_suspect(&mut self) {
        if let Some(suspect) = self.suspect.take() {
            self.find(&suspect, Problem::Changed);
        }
    }

    fn find(&mut self, place: &Place, problem: Problem) {
        if self.found.findings.len() == Verification::MAX_FINDINGS {
            self.found.more_findings += 1;
            return;
        }
        let Place { path, line, index } = place;
        self.found.findings.push(Finding { path: path.to_path_buf(), line: *line, index: *index, problem });
    }

    fn finish(mut self) -> Verification {
        self.accuse_suspect();
        // A change is found by what follows it, so it would come after what it caused there.
        self.found.findings.sort_by_key(|finding| finding.index);
        self.found.open_at_end = self.open.len() as u64;
        self.found
    }
}

/// Whether anything but zeros stands behind where `lines` is; it stays there.
fn has_more(lines: &mut Lines) -> io::Result<bool> {
    let offset = lines.offset;
    lines.refresh()?;
    let used = lines.rest(|_| {})?;
    lines.offset = offset;
    lines.refresh()?;
    Ok(used > offset)
}

/// An entry's time is when its request was received, which may be so much before it was written.
const LONGEST_REQUEST: SignedDuration = SignedDuration::from_mins(10);
/// How often, and after what pause, the end of the last segment is read again if a batch seems half written.
const PATIENCE: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);
