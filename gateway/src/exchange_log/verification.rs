//! Is the record whole? Read offline, in constant memory, without trusting the program that wrote it (D3).
//!
//! What it finds: any byte changed, any entry removed, inserted, repeated or moved; an end that was cut off, as far as
//! any checkpoint reaches that it is given; a past that was written anew, if it is given a checkpoint of the old one; a
//! tile or bundle that differs; a signature that is forged; a closing without its opening; time that ran backwards.
//!
//! What it cannot find: another past, signed with the log's own key, of which nobody kept a checkpoint elsewhere.
//!
//! ```text
//! reading  one pass over the segments    seen  what a line says, by hand
//! sealed   checkpoints, tiles, bundles   trial   what would be found, were a line another
//! stamps   an authority's time stamps
//! ```

mod reading;
mod sealed;
mod seen;
mod stamps;
mod trial;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use certs::TrustAnchors;
use certs::stamp::Stamp;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    checkpoint::{self, Checkpoint},
    reader::Segment,
};
use crate::transparency::policy::Policy;
use reading::Reading;
use sealed::Sealed;
pub use stamps::EXTENSION as STAMP_EXTENSION;
pub use trial::{Trial, Trials};

/// What the log is held against, beside itself.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Whose signatures count. Without it no signature is checked.
    pub policy: Option<Policy>,
    /// Checkpoints that were kept elsewhere, as by witnesses.
    pub checkpoints: Vec<PathBuf>,
    /// Whose time stamps count. Without it none is checked.
    pub authorities: Option<StampAuthorities>,
}

/// Whose time stamps over checkpoints count.
#[derive(Debug, Clone)]
pub struct StampAuthorities {
    /// Whom their signers must lead to; also those whose time is over.
    pub anchors: TrustAnchors,
    /// Stamps state no later time.
    pub now: Timestamp,
}

/// [`verify_with`] what is in the folder alone.
///
/// # Errors
/// A file cannot be read.
pub fn verify(dir: &Path) -> io::Result<Verification> {
    verify_with(dir, &Evidence::default())
}

/// Reads the whole log in `dir` and says what is wrong with it. Locks nothing; the writer may run.
///
/// # Errors
/// A file cannot be read.
pub fn verify_with(dir: &Path, evidence: &Evidence) -> io::Result<Verification> {
    // Before the segments: a writer that runs only adds to what they name.
    let checkpoint = match Checkpoint::read(dir) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
        Err(_) | Ok(None) => None,
        Ok(found) => found,
    };
    let sealed = Sealed::read(dir, evidence)?;
    let segments = Segment::list(dir)?;
    let mut reading = Reading::new(&segments, checkpoint.as_ref().map(|known| known.head), sealed);
    for number in 0..segments.len() {
        reading.read(number)?;
    }
    let mut found = reading.finish();
    let here = |problem| Finding {
        path: dir.join(checkpoint::NAME),
        line: 0,
        offset: 0,
        index: found.next,
        problem,
    };
    let mut more = Vec::new();
    match &checkpoint {
        None => more.push(here(Problem::NoCheckpoint)),
        Some(known) => {
            if known.head.size > found.next {
                more.push(here(Problem::CutOff { size: known.head.size }));
            }
            if found.origin.as_ref().is_some_and(|origin| *origin != known.origin) {
                more.push(here(Problem::OtherOrigin { origin: known.origin.clone() }));
            }
        }
    }
    if segments.is_empty() {
        more.push(Finding { path: dir.to_owned(), ..here(Problem::NoSegments) });
    }
    more.into_iter().for_each(|finding| found.add(finding));
    Ok(found)
}

/// What reading a whole log found.
#[derive(Debug, Clone, Default)]
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
    /// The oldest of them, at most [`Self::MAX_OPEN_TOLD`]: index of the opening, and exchange.
    pub open: Vec<(u64, Uuid)>,
    /// Checkpoints that the entries were held against.
    pub checkpoints: usize,
    /// Entries under the newest checkpoint in the folder.
    pub sealed: u64,
    /// Entries under the newest checkpoint that as many witnesses cosigned as the policy asks for, if it asks.
    pub witnessed: Option<u64>,
    /// Time stamps that were verified.
    pub stamps: usize,
    /// Of these the one over the newest checkpoint, and how many entries that has.
    pub stamped: Option<(u64, Stamp)>,
    /// The first entry that the folder holds, as the log declares; 0: it holds all.
    pub minimum: u64,
    /// Index behind the last entry.
    next: u64,
    /// Whose log it says it is.
    origin: Option<String>,
    /// What is not as it should be, in order of index; at most [`Self::MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more_findings: u64,
}

impl Verification {
    /// Findings that are told one by one.
    pub const MAX_FINDINGS: usize = 1000;
    /// Open exchanges that are told one by one.
    pub const MAX_OPEN_TOLD: usize = 100;

    fn add(&mut self, finding: Finding) {
        if self.findings.len() == Self::MAX_FINDINGS {
            self.more_findings += 1;
        } else {
            self.findings.push(finding);
        }
    }

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
    /// Byte in it at which the line begins.
    pub offset: u64,
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
    /// The log begins later than with its first entry, as it declares: what is before was pruned.
    #[error("the log begins at entry {index}, as it declares: what is before was pruned")]
    Pruned {
        /// The first entry.
        index: u64,
    },
    /// The log begins later than it declares, or declares nothing: what is before was taken away.
    #[error("the log begins at entry {index}, and no declaration of its own says so")]
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
    /// A checkpoint that is kept is malformed.
    #[error("no checkpoint: {why}")]
    NoNote {
        /// Why.
        why: String,
    },
    /// A checkpoint is not signed as the policy asks.
    #[error("not accepted: {why}")]
    NotAccepted {
        /// Why.
        why: String,
    },
    /// Signatures were not checked.
    #[error("signatures were not checked: no policy was given")]
    NoPolicy,
    /// A policy was given, and there is nothing that was signed.
    #[error("the log was never sealed, or all its checkpoints were removed")]
    NotSealed,
    /// The policy asks for witnesses, and no checkpoint has their cosignatures.
    #[error("no checkpoint bears the cosignatures that the policy asks for")]
    NotWitnessed,
    /// There are time stamps, and they were not checked.
    #[error("time stamps were not checked: no authority was named")]
    NoAuthority,
    /// A checkpoint that is kept has no time stamp: it was none's turn, the authority was away, or the stamp was removed.
    #[error("this checkpoint has no time stamp, and {others} before it have none")]
    NotStamped {
        /// How many others, with fewer entries.
        others: u64,
    },
    /// An authority was named, and no checkpoint has its stamp.
    #[error("no checkpoint bears a time stamp of the authorities that were named")]
    NothingStamped,
    /// What stands as a time stamp is none of its checkpoint.
    #[error("no time stamp of its checkpoint: {why}")]
    BadStamp {
        /// Why.
        why: String,
    },
    /// The stamp says that its checkpoint existed before one of its entries was received.
    #[error("stamped {seconds} s before the checkpoint's last entries were received, as these say")]
    StampTooEarly {
        /// By how much.
        seconds: i64,
    },
    /// The entries lead to another root than was signed.
    #[error("the first {size} entries are not those that were signed")]
    OtherRoot {
        /// How many.
        size: u64,
    },
    /// The entry's hash is not the one in the tile; the checkpoints tell which of the two was changed.
    #[error("not the entry that the tile names")]
    NotAsSealed,
    /// A tile or bundle is not what the entries give.
    #[error("differs from the entries, from entry {index} on")]
    TileDiffers {
        /// The first that differs.
        index: u64,
    },
    /// A tile or bundle is not there, or cannot be read.
    #[error("missing or unreadable, though a checkpoint covers it")]
    TileMissing,
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
            Problem::TimeBackwards { .. }
            | Problem::Pruned { .. }
            | Problem::NoPolicy
            | Problem::NoAuthority
            | Problem::NotStamped { .. }
            | Problem::NoSegments => Severity::Notice,
            Problem::NotAnEntry
            | Problem::BeginsLater { .. }
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
            | Problem::NoNote { .. }
            | Problem::NotAccepted { .. }
            | Problem::NotSealed
            | Problem::NotWitnessed
            | Problem::NothingStamped
            | Problem::BadStamp { .. }
            | Problem::StampTooEarly { .. }
            | Problem::OtherRoot { .. }
            | Problem::NotAsSealed
            | Problem::TileDiffers { .. }
            | Problem::TileMissing
            | Problem::NoCheckpoint => Severity::Broken,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{} (byte {}, entry {})", self.line, self.offset, self.index)?;
        }
        write!(f, ": {}", self.problem)
    }
}
