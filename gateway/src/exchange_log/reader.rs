//! Segments as files, read line by line in bounded memory. Safe while the writer runs.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::MAX_LINE;

/// A segment on disk, named by the index of its first entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

impl Segment {
    pub(super) fn of(dir: &Path, first: u64) -> Self {
        Self { first, path: dir.join(format!("{first:020}.jsonl")) }
    }

    /// The segments in `dir`, in order.
    pub(super) fn list(dir: &Path) -> io::Result<Vec<Self>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
            let Some(digits) = digits.filter(|digits| digits.len() == 20) else { continue };
            segments.extend(digits.parse().ok().map(|first| Self::of(dir, first)));
        }
        segments.sort_unstable_by_key(|segment| segment.first);
        Ok(segments)
    }

    /// Its lines from `offset` on, for reading much at once.
    pub(super) fn leaves(&self, offset: u64) -> io::Result<Leaves> {
        Ok(Leaves { source: Source::File(File::open(&self.path)?), offset, buffer: vec![0], start: 1 })
    }

    pub(super) fn lines(&self) -> io::Result<Lines> {
        Ok(Lines {
            file: BufReader::with_capacity(64 << 10, File::open(&self.path)?),
            offset: 0,
            line: Vec::new(),
        })
    }
}

/// Reads a segment line by line.
#[derive(Debug)]
pub(super) struct Lines {
    file: BufReader<File>,
    /// Where the next line begins.
    pub(super) offset: u64,
    line: Vec<u8>,
}

/// What stands at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line, without its newline.
    Line(&'a [u8]),
    /// Bytes that are no line: no newline within the bound or before the file ends, or zero bytes before it.
    Torn,
    /// A zero byte, or the end of the file: nothing was written from here.
    Unwritten,
}

impl Lines {
    /// What stands at `offset`; past it if it is a line, otherwise stays.
    pub(super) fn next_piece(&mut self) -> io::Result<Piece<'_>> {
        self.line.clear();
        if self.file.fill_buf()?.first().is_none_or(|byte| *byte == 0) {
            return Ok(Piece::Unwritten);
        }
        let read = self.file.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut self.line)?;
        if self.line.pop_if(|byte| *byte == b'\n').is_none() || memchr::memchr(0, &self.line).is_some() {
            self.file.seek(SeekFrom::Start(self.offset))?;
            return Ok(Piece::Torn);
        }
        self.offset += read as u64;
        Ok(Piece::Line(&self.line))
    }

    /// Reads again what may have been written since at `offset`.
    pub(super) fn refresh(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.offset)).map(drop)
    }

    /// From `offset` to the end: calls `each` with what stands between newlines and zero bytes, whatever it is, and
    /// returns the offset after the last byte that is not zero.
    ///
    /// A page that a crash kept from being written leaves zeros before, within and after lines that were.
    pub(super) fn rest(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<u64> {
        let mut used = self.offset;
        self.line.clear();
        loop {
            let buffer = self.file.fill_buf()?;
            let zeros = buffer.iter().position(|byte| *byte != 0).unwrap_or(buffer.len());
            let buffer = &buffer[zeros..];
            let end = memchr::memchr2(0, b'\n', buffer);
            let piece = &buffer[..end.unwrap_or(buffer.len())];
            let ended = zeros > 0 || (zeros == 0 && buffer.is_empty());
            if ended && !self.line.is_empty() {
                each(&self.line);
                self.line.clear();
            }
            if zeros == 0 && buffer.is_empty() {
                return Ok(used);
            }
            // Longer than a line can be it is no line, so its end need not be kept.
            self.line.extend_from_slice(&piece[..piece.len().min(MAX_LINE - self.line.len())]);
            let newline = usize::from(end.is_some_and(|end| buffer[end] == b'\n'));
            if newline == 1 {
                each(&self.line);
                self.line.clear();
            }
            let seen = piece.len() + newline;
            if seen > 0 {
                used = self.offset + (zeros + seen) as u64;
            }
            self.offset += (zeros + seen) as u64;
            self.file.consume(zeros + seen);
        }
    }
}

/// Reads a segment in large pieces, and its lines as the leaves that RFC 6962 hashes: after a zero byte.
#[derive(Debug)]
pub(super) struct Leaves {
    source: Source,
    /// Where the next line begins.
    pub(super) offset: u64,
    /// A byte, then what was read and not yet told, from `start` on; `start` is never 0.
    buffer: Vec<u8>,
    start: usize,
}

/// Where the bytes of a segment are.
#[derive(Debug)]
enum Source {
    File(File),
    /// What would stand from an offset on.
    Memory(Vec<u8>, u64),
}

impl Leaves {
    /// Of what would stand in a segment from `offset` on.
    pub(super) fn of(bytes: Vec<u8>, offset: u64) -> Self {
        Self { source: Source::Memory(bytes, offset), offset, buffer: vec![0], start: 1 }
    }

    /// The next line, with a zero byte before it and without its newline; `None`: no whole line stands there (yet).
    pub(super) fn next_leaf(&mut self) -> io::Result<Option<&[u8]>> {
        let mut seen = self.start;
        loop {
            if self.buffer.get(self.start) == Some(&0) {
                break;
            }
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[seen..]) {
                let (begin, end) = (self.start - 1, seen + length);
                if end - begin > MAX_LINE + 1 {
                    break;
                }
                // In the place of the newline before, which nobody needs any more.
                self.buffer[begin] = 0;
                self.offset += (end - begin) as u64;
                self.start = end + 1;
                return Ok(Some(&self.buffer[begin..end]));
            }
            let waiting = self.buffer.len() - self.start;
            if waiting > MAX_LINE || self.fill()? == 0 {
                break;
            }
            seen = self.start + waiting;
        }
        self.forget();
        Ok(None)
    }

    /// Whether anything but zeros follows in memory.
    pub(super) fn has_more(&self) -> bool {
        match &self.source {
            Source::File(_) => false,
            Source::Memory(bytes, begin) => {
                let from = usize::try_from(self.offset - begin).unwrap_or(usize::MAX);
                bytes.get(from..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0))
            }
        }
    }

    /// Forgets what was read ahead: it may be written meanwhile.
    pub(super) fn forget(&mut self) {
        self.buffer.truncate(1);
        self.start = 1;
    }

    /// Reads on behind what the buffer holds; says how many bytes.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(1..self.start);
        self.start = 1;
        let held = self.buffer.len();
        let from = self.offset + held as u64 - 1;
        match &self.source {
            Source::File(file) => {
                self.buffer.resize(held + READ_BYTES, 0);
                let read = file.read_at(&mut self.buffer[held..], from)?;
                self.buffer.truncate(held + read);
            }
            Source::Memory(bytes, begin) => {
                let from = usize::try_from(from - begin).unwrap_or(usize::MAX);
                self.buffer.extend_from_slice(bytes.get(from..).unwrap_or_default());
            }
        }
        Ok(self.buffer.len() - held)
    }
}

/// Read at once: large enough that calls cost nothing beside hashing, small enough for the processor's cache.
const READ_BYTES: usize = 256 << 10;
