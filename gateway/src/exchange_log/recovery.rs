//! From a folder to a log that can go on: the same way after a clean stop, a crash, or for the first time.
//!
//! What a crash can leave: the last batch was not synced, so any part of its bytes may be there and any may be zero;
//! none of it was acknowledged. Each line tells where its batch began, so a bad place at index k is a torn end if no
//! later line says that its batch began after k. Otherwise what is bad was durable once: that is damage, and the log
//! does not start. A segment is begun only when all before it is durable, so an earlier segment is never torn; and
//! a log that ends before its checkpoint has lost durable entries.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    LogConfig, MAX_BATCH,
    checkpoint::Checkpoint,
    disk::{Disk, is_full},
    line::{Head, Kind, Leaf, Skeleton},
    reader::{Piece, Segment},
    records::SegmentHeader,
    sealer::SealError,
    stats::LogStats,
    storage::Storage,
    writer::{Header, WriteError, Writer},
};
use crate::cryptography::Cryptography;

/// What was found at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Entries in the log after recovery.
    pub entries: u64,
    /// Segments in the folder.
    pub segments: usize,
    /// Bytes of the last batch that were cut off: torn by a crash, never acknowledged.
    pub torn_bytes: u64,
    /// Exchanges that were open and have been closed as unknown.
    pub closed_as_unknown: u64,
}

/// Why the log does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process writes there.
    #[error("the exchange log in {dir} is in use by another process")]
    InUse {
        /// The log's folder.
        dir: PathBuf,
    },
    /// The folder or a file cannot be read or written.
    #[error("the exchange log cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder holds the log of somebody else.
    #[error("the log in this folder belongs to {found}, not to {expected}")]
    Origin {
        /// The configured origin.
        expected: String,
        /// The log's.
        found: String,
    },
    /// An entry that was durable once is not as it was.
    #[error("{path} is damaged at byte {offset}, where entry {index} should be; run `kelisim log verify`")]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// Which entry.
        index: u64,
    },
    /// Entries that were durable once are not there, or not those.
    #[error(
        "the log has {found} entries and its checkpoint is another at {checkpoint}; run `kelisim log verify`"
    )]
    BehindCheckpoint {
        /// Entries found.
        found: u64,
        /// Entries that were durable once.
        checkpoint: u64,
    },
    /// The log cannot be sealed, or contradicts what was signed.
    #[error("the exchange log cannot be sealed")]
    Seal(#[from] SealError),
    /// Recovery could not write.
    #[error("recovery of the exchange log failed")]
    Write(#[from] WriteError),
}

/// Reads the log's end, has `accept` judge how many entries there are before anything is changed, cuts what was torn,
/// and closes what was left open.
pub(super) fn recover(
    (disk, storage): (&dyn Disk, Box<dyn Storage>),
    stats: Arc<LogStats>,
    config: &LogConfig,
    accept: impl FnOnce(u64) -> Result<(), StartError>,
) -> Result<(Writer, RecoveryReport), StartError> {
    let (mut end, segments) = read_end(&config.dir, &config.origin)?;
    accept(end.head.size)?;

    let mut writer = Writer::new(storage, config.origin.clone(), config.clock, stats);
    writer.segment_bytes = config.segment_bytes;
    writer.cryptography.clone_from(&config.cryptography);
    writer.head = end.head;
    writer.open = std::mem::take(&mut end.open);
    if let Some(last) = segments.last() {
        let mut file = writer.storage.reopen(last.first).map_err(at(&last.path))?;
        // The process before this one may have failed to sync its last batch. What it wrote then stands in memory, where
        // we read it, and no sync of ours would bring it to the disk: it is written again, with zeros behind it in the
        // place of torn remains. A crash in here leaves the batch as it is or a torn end, which the next start cuts.
        let tail = last_batch(last, &end).map_err(at(&last.path))?;
        file.write_at(end.batch.1, &tail).map_err(at(&last.path))?;
        // From here what a killed process wrote whole is durable.
        file.sync().map_err(at(&last.path))?;
        writer.segment = Some((file, end.offset));
        writer.header = if end.offset == 0 { Header::Due } else { Header::Written };
    }
    // The crash may have come before a new segment's name was durable.
    disk.sync_dir(&config.dir).map_err(at(&config.dir))?;
    writer.ensure_header()?;
    let closed_as_unknown = writer.close_all_as_unknown()?;
    // C5: another tool, or another confirmation, than the segment in use says.
    if end.offset > 0 && config.cryptography.is_some() && end.cryptography != config.cryptography {
        writer.begin_anew()?;
    }
    match writer.checkpoint_now() {
        // The log itself does not depend on it.
        Err(WriteError::Checkpoint(error)) if is_full(&error) => {
            tracing::warn!(%error, "the exchange log's checkpoint was not written");
        }
        written => written?,
    }
    let report = RecoveryReport {
        entries: writer.head.size,
        segments: segments.len().max(1),
        torn_bytes: end.torn_bytes,
        closed_as_unknown,
    };
    Ok((writer, report))
}

/// How many entries the log in `dir` has, as a start finds it.
pub(super) fn entries(dir: &Path, origin: &str) -> Result<u64, StartError> {
    read_end(dir, origin).map(|(end, _)| end.head.size)
}

/// Reads the log's end, and which segments there are. Changes nothing.
fn read_end<'a>(dir: &Path, origin: &'a str) -> Result<(End<'a>, Vec<Segment>), StartError> {
    let checkpoint = Checkpoint::read(dir).map_err(at(&dir.join(super::checkpoint::NAME)))?;
    if let Some(found) = checkpoint.as_ref().map(|known| &known.origin)
        && *found != origin
    {
        return Err(StartError::Origin { expected: origin.into(), found: found.clone() });
    }
    let segments = Segment::list(dir).map_err(at(dir))?;
    let (to_read, prev) = segments_to_read(&segments)?;
    let mut head = Head::of_empty(origin);
    if let (Some(first), Some(leaf)) = (to_read.first().filter(|first| first.first > 0), prev) {
        head = Head { size: first.first, leaf };
    }
    let checkpoint = checkpoint.map(|known| known.head);
    let mut end = End {
        origin,
        checkpoint,
        head,
        open: BTreeMap::new(),
        cryptography: None,
        offset: 0,
        batch: (0, 0),
        torn_bytes: 0,
    };
    end.check_checkpoint()?;
    for (number, segment) in to_read.iter().enumerate() {
        end.read(segment, if number + 1 == to_read.len() { Place::Last } else { Place::Earlier })?;
    }
    if let Some(known) = checkpoint.filter(|known| known.size > end.head.size) {
        return Err(StartError::BehindCheckpoint { found: end.head.size, checkpoint: known.size });
    }
    Ok((end, segments))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::Io { path, source }
}

/// The last batch of a log as it was read, and zeros in the place of all that a batch after it can have written.
fn last_batch(segment: &Segment, end: &End<'_>) -> io::Result<Vec<u8>> {
    let file = File::open(&segment.path)?;
    let written = usize::try_from(end.offset - end.batch.1).expect("a batch fits into memory");
    let behind = file.metadata()?.len().saturating_sub(end.offset).min(MAX_BATCH as u64);
    let behind = usize::try_from(behind.max(end.torn_bytes)).expect("at most a batch");
    let mut bytes = vec![0; written + behind];
    file.read_exact_at(&mut bytes[..written], end.batch.1)?;
    Ok(bytes)
}

/// What reading found: the log's end, and what is open there.
struct End<'a> {
    origin: &'a str,
    checkpoint: Option<Head>,
    head: Head,
    open: BTreeMap<u64, Uuid>,
    /// What the newest header says of the cryptography.
    cryptography: Option<Cryptography>,
    /// The first index of the last batch that was read, and where in its segment it begins.
    batch: (u64, u64),
    /// Where the log ends in the last segment, and how much torn remains are behind that.
    offset: u64,
    torn_bytes: u64,
}

impl End<'_> {
    /// Reads a segment that continues what was read, or the first.
    fn read(&mut self, segment: &Segment, place: Place) -> Result<(), StartError> {
        let io = |source| StartError::Io { path: segment.path.clone(), source };
        let damaged = |offset, index| StartError::Damaged { path: segment.path.clone(), offset, index };
        if segment.first != self.head.size {
            // It was begun when all before it was durable, so something is missing.
            return Err(damaged(0, self.head.size));
        }
        let begin = self.head;
        self.batch = (begin.size, 0);
        let mut header = Header::Due;
        let mut lines = segment.lines().map_err(io)?;
        loop {
            self.offset = lines.offset;
            // A torn write leaves zeros where it left nothing: a whole line without them was written as it is.
            let Piece::Line(line) = lines.next_piece().map_err(io)? else { break };
            header = self.accept(line, header)?.ok_or_else(|| damaged(self.offset, self.head.size))?;
        }
        if header == Header::Due {
            // Torn while it was begun: what is there of its first batch goes with the header.
            (self.head, self.offset, lines.offset) = (begin, 0, 0);
            self.batch = (begin.size, 0);
        }
        lines.refresh().map_err(io)?;
        let mut durable_once = false;
        let used = lines.rest(|piece| {
            durable_once |= Skeleton::parse(piece).is_some_and(|later| later.batch > self.head.size);
        });
        self.torn_bytes = used.map_err(io)? - self.offset;
        let torn = self.torn_bytes > 0;
        if durable_once || self.torn_bytes > MAX_BATCH as u64 || (torn && place == Place::Earlier) {
            return Err(damaged(self.offset, self.head.size));
        }
        Ok(())
    }

    /// Moves over a line; `None` if it does not continue the log.
    fn accept(&mut self, line: &[u8], header: Header) -> Result<Option<Header>, StartError> {
        let Ok(entry) = self.head.accept(line) else { return Ok(None) };
        if entry.batch != self.batch.0 {
            self.batch = (entry.batch, self.offset);
        }
        self.check_checkpoint()?;
        let header = match (entry.kind, header) {
            (Kind::Segment, Header::Due) => {
                let Ok(SegmentHeader { origin, open, more, cryptography, .. }) = serde_json::from_slice(line)
                else {
                    return Ok(None);
                };
                if origin != self.origin {
                    return Err(StartError::Origin { expected: self.origin.into(), found: origin.into() });
                }
                self.open.extend(open);
                self.cryptography = cryptography.map(Cow::into_owned);
                if more { Header::Due } else { Header::Written }
            }
            (Kind::Segment, Header::Written) | (_, Header::Due) => return Ok(None),
            (Kind::Opening, Header::Written) => {
                let Some(exchange) = entry.exchange else { return Ok(None) };
                self.open.insert(entry.index, exchange);
                header
            }
            (Kind::Closing, Header::Written) => {
                let Some(opening) = entry.opening else { return Ok(None) };
                self.open.remove(&opening);
                header
            }
            (Kind::Refused, Header::Written) => header,
        };
        Ok(Some(header))
    }

    fn check_checkpoint(&self) -> Result<(), StartError> {
        match self.checkpoint {
            Some(known) if known.size == self.head.size && known.leaf != self.head.leaf => {
                Err(StartError::BehindCheckpoint { found: self.head.size, checkpoint: known.size })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Where a segment stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Earlier,
    Last,
}

/// The segments to read: from the last one with a whole header, which is the last or the one before it.
fn segments_to_read(segments: &[Segment]) -> Result<(&[Segment], Option<Leaf>), StartError> {
    for count in 1..=segments.len().min(2) {
        let some = &segments[segments.len() - count..];
        let io = |source| StartError::Io { path: some[0].path.clone(), source };
        if let Some(prev) = whole_header(&some[0]).map_err(io)? {
            return Ok((some, Some(prev)));
        }
    }
    match segments {
        [] => Ok((segments, None)),
        [only] if only.first == 0 => Ok((segments, None)),
        [first, ..] => {
            let (path, index) = (first.path.clone(), first.first);
            Err(StartError::Damaged { path, offset: 0, index })
        }
    }
}

/// What the first line of `segment` says of the line before it, if the segment's header is whole.
fn whole_header(segment: &Segment) -> io::Result<Option<Leaf>> {
    let mut lines = segment.lines()?;
    let mut prev = None;
    loop {
        let Piece::Line(line) = lines.next_piece()? else { return Ok(None) };
        let Some(entry) = Skeleton::parse(line).filter(|entry| entry.kind == Kind::Segment) else {
            return Ok(None);
        };
        prev = prev.or_else(|| entry.prev());
        match serde_json::from_slice::<SegmentHeader<'_>>(line) {
            Ok(header) if header.more => {}
            Ok(_) => return Ok(prev),
            Err(_) => return Ok(None),
        }
    }
}
