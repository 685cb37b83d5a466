//! Going through the segments entry by entry, from any place on, as an index that follows the log does; and reading one
//! line again where it stands. Locks nothing; the writer may run.

use std::{
    fs::File,
    io,
    num::NonZeroU64,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Advice, fadvise};

use super::{
    MAX_LINE, SearchError,
    line::{Entry, leaf_hash},
    reader::{Lines, Piece, Segment},
};

/// Where a line stands: its segment, by the index of that one's first entry, and the byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePlace {
    /// Index of the segment's first entry.
    pub segment: u64,
    /// Where the line begins.
    pub offset: u64,
}

/// A walk through a log, which goes on when there is more.
#[derive(Debug)]
pub struct Walk {
    dir: PathBuf,
    reading: Option<(Segment, Lines)>,
    next: u64,
}

impl Walk {
    /// From the log's first entry on.
    pub fn from_start(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), reading: None, next: 0 }
    }

    /// From what follows the entry at `place`.
    ///
    /// # Errors
    /// The segment cannot be read, or no entry stands there.
    pub fn after(dir: &Path, place: LinePlace) -> Result<Self, SearchError> {
        let segment = Segment::of(dir, place.segment);
        let at = |source| SearchError::Io { path: segment.path.clone(), source };
        let mut lines = segment.lines().map_err(at)?;
        lines.offset = place.offset;
        lines.refresh().map_err(at)?;
        let damaged = || SearchError::Damaged { path: segment.path.clone(), offset: place.offset };
        let entry = match lines.next_piece().map_err(at)? {
            Piece::Line(line) => Entry::parse(line).ok_or_else(damaged)?,
            Piece::Torn | Piece::Unwritten => return Err(damaged()),
        };
        Ok(Self { dir: dir.to_owned(), next: entry.index + 1, reading: Some((segment, lines)) })
    }

    /// Index of the entry that comes next.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The next entry, headers of segments too; `None`: that is all for now.
    ///
    /// # Errors
    /// A file cannot be read, or a line is no entry.
    pub fn next_entry(&mut self) -> Result<Option<(LinePlace, Entry)>, SearchError> {
        loop {
            let Some((segment, lines)) = &mut self.reading else {
                if !self.begin()? {
                    return Ok(None);
                }
                continue;
            };
            let at = |source| SearchError::Io { path: segment.path.clone(), source };
            let offset = lines.offset;
            match lines.next_piece().map_err(at)? {
                Piece::Line(line) => {
                    let entry = Entry::parse(line).filter(|entry| entry.index == self.next);
                    let entry =
                        entry.ok_or_else(|| SearchError::Damaged { path: segment.path.clone(), offset })?;
                    self.next += 1;
                    return Ok(Some((LinePlace { segment: segment.first, offset }, entry)));
                }
                // A line being written, or the end: what follows is in the next segment, or not there yet.
                Piece::Torn | Piece::Unwritten => {
                    let successor = Segment::of(&self.dir, self.next);
                    if self.next > segment.first && successor.path.exists() {
                        self.reading = None;
                        continue;
                    }
                    lines.refresh().map_err(at)?;
                    return Ok(None);
                }
            }
        }
    }

    /// Opens the segment that the next entry begins; `false`: it is not there yet.
    fn begin(&mut self) -> Result<bool, SearchError> {
        let segment = match self.next {
            // The first segment that is there: those before it may be archived.
            0 => Segment::list(&self.dir)
                .map_err(|source| SearchError::Io { path: self.dir.clone(), source })?
                .into_iter()
                .next(),
            next => Some(Segment::of(&self.dir, next)),
        };
        let Some(segment) = segment.filter(|segment| segment.path.exists()) else { return Ok(false) };
        let lines =
            segment.lines().map_err(|source| SearchError::Io { path: segment.path.clone(), source })?;
        self.next = segment.first;
        self.reading = Some((segment, lines));
        Ok(true)
    }
}

/// Reads entries where they stand.
#[derive(Debug)]
pub struct PlacedEntries {
    dir: PathBuf,
    /// The segment that was read last: what is looked for together often stands together.
    open: Option<(u64, File)>,
}

impl PlacedEntries {
    /// In the log in `dir`.
    pub fn of(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: None }
    }

    /// Has the disk bring what stands at `place`, without waiting for it; whether it can be read is seen when it is.
    pub fn expect(&mut self, place: LinePlace) {
        if let Ok(file) = self.segment(place.segment) {
            let _ = fadvise(file, place.offset, NonZeroU64::new(AT_ONCE), Advice::WillNeed);
        }
    }

    /// The entry that stands at `place`.
    ///
    /// # Errors
    /// The segment cannot be read, or no entry stands there.
    pub fn read(&mut self, place: LinePlace) -> Result<Entry, SearchError> {
        let path = Segment::of(&self.dir, place.segment).path;
        let at = |source| SearchError::Io { path: path.clone(), source };
        let file = self.segment(place.segment).map_err(at)?;
        let mut bytes = Vec::new();
        // Most lines fit at once.
        for most in [AT_ONCE as usize, MAX_LINE + 1] {
            let held = bytes.len();
            bytes.resize(most, 0);
            let read = read_from(file, &mut bytes[held..], place.offset + held as u64).map_err(at)?;
            bytes.truncate(held + read);
            if let Some(end) = memchr::memchr(b'\n', &bytes) {
                bytes.truncate(end);
                break;
            }
        }
        let damaged = || SearchError::Damaged { path: path.clone(), offset: place.offset };
        Entry::parse(&bytes).ok_or_else(damaged)
    }

    fn segment(&mut self, first: u64) -> io::Result<&File> {
        let file = match self.open.take() {
            Some((open, file)) if open == first => file,
            Some(_) | None => File::open(Segment::of(&self.dir, first).path)?,
        };
        Ok(&self.open.insert((first, file)).1)
    }
}

/// As much as there is.
fn read_from(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut held = 0;
    while held < buffer.len() {
        match file.read_at(&mut buffer[held..], offset + held as u64)? {
            0 => break,
            read => held += read,
        }
    }
    Ok(held)
}

/// The entry that stands at `place`.
///
/// # Errors
/// The segment cannot be read, or no entry stands there.
pub fn entry_at(dir: &Path, place: LinePlace) -> Result<Entry, SearchError> {
    PlacedEntries::of(dir).read(place)
}

/// The RFC 6962 leaf hash of an entry, by which an index knows it again.
pub fn hash_of(entry: &Entry) -> [u8; 32] {
    leaf_hash(entry.line.as_bytes())
}

/// Read at once of a line.
const AT_ONCE: u64 = 2 << 10;
