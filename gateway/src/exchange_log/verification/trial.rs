//! What verification would find if a log were another: its own code, from a state that it had, on bytes that are not there.
//!
//! Findings are only ever added, and each is about a place: once a line is found to be wrong, whatever follows in the log
//! cannot take that back. So a million changes are judged by reading, for each, the few lines that follow it.

use std::{io, path::Path};

use super::{
    super::reader::{Leaves, Segment},
    Evidence, Finding, Problem, Severity, Verification,
    reading::{At, Reading},
    sealed::Sealed,
    seen::Seen,
};
use crate::exchange_log::checkpoint::Checkpoint;

/// A log in one segment, and the verification of it before any of its lines.
#[derive(Debug)]
pub struct Trials {
    segments: Vec<Segment>,
    checkpoint: Option<Checkpoint>,
    sealed: Sealed,
    bytes: Vec<u8>,
    /// Where each line begins, and where the last ends.
    lines: Vec<usize>,
}

impl Trials {
    /// Reads a log that is not written to.
    ///
    /// # Errors
    /// A file cannot be read, or the log has not just one segment.
    pub fn of(dir: &Path, evidence: &Evidence) -> io::Result<Self> {
        let segments = Segment::list(dir)?;
        let [segment] = &segments[..] else { return Err(io::Error::other("not a log of one segment")) };
        let mut bytes = std::fs::read(&segment.path)?;
        bytes.truncate(memchr::memchr(0, &bytes).unwrap_or(bytes.len()));
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', &bytes).map(|end| end + 1)).collect();
        let (checkpoint, sealed) = (Checkpoint::read(dir)?, Sealed::read(dir, evidence)?);
        Ok(Self { segments, checkpoint, sealed, bytes, lines })
    }

    /// The segment's lines, newlines included, end to end.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.lines.len() - 1
    }

    /// The bytes from line `from` up to line `to`, both counted from 0.
    pub fn between(&self, from: usize, to: usize) -> &[u8] {
        &self.bytes[self.lines[from]..self.lines[to.min(self.lines())]]
    }

    /// Verification as it stands before the first line.
    pub fn begin(&self) -> Trial<'_> {
        let head = self.checkpoint.as_ref().map(|known| known.head);
        let mut reading = Reading::new(&self.segments, head, self.sealed.clone());
        let at = reading.begin(0);
        Trial { trials: self, reading, at, line: 0 }
    }
}

/// Verification as it stands before a line.
#[derive(Debug, Clone)]
pub struct Trial<'a> {
    trials: &'a Trials,
    reading: Reading<'a>,
    at: At,
    line: usize,
}

impl Trial<'_> {
    /// The line that comes next, counted from 0.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Goes on over the next line, as it is.
    ///
    /// # Panics
    /// If there is none, or something is found.
    pub fn step(&mut self) {
        let mut leaves = self.leaves(self.trials.between(self.line, self.line + 1).to_vec());
        let read = self.reading.step(&mut self.at, &mut leaves).expect("what is in memory can be read");
        assert!(read && self.first().is_none(), "{:?}", self.first());
        self.line += 1;
    }

    /// The first that is found broken if `bytes` stand here, and after them what the log has from line `then` on.
    pub fn finds(&self, bytes: &[u8], then: usize) -> Option<Finding> {
        let lines = self.trials.lines();
        // A line is judged by the one after it, at the latest by the one after that; if not, all that follows is read.
        for following in [FOLLOWING, lines] {
            let (from, to) = (then.min(lines), then.saturating_add(following).min(lines));
            let window = [bytes, self.trials.between(from, to)].concat();
            let mut trial = self.clone();
            let mut leaves = trial.leaves(window);
            while trial.reading.step(&mut trial.at, &mut leaves).expect("what is in memory can be read") {
                if let Some(found) = trial.first() {
                    return Some(found.clone());
                }
            }
            if leaves.has_more() {
                trial.reading.no_line(&trial.at, leaves.offset);
                return trial.first().cloned();
            }
            if to == lines {
                let found = trial.reading.finish().findings;
                return found.into_iter().find(|finding| finding.severity() == Severity::Broken);
            }
        }
        None
    }

    /// What is found first if `line`, which has no newline, stands here: what verification asks of each line before anything
    /// else. `None`: it stands where it should, or is no entry.
    ///
    /// The same as [`Trial::finds`] says of it, whatever follows, without reading on.
    pub fn finds_displaced(&self, line: &[u8]) -> Option<Problem> {
        self.reading.out_of_order(&Seen::of(line)?)
    }

    /// What is found in all if the log ends here.
    pub fn ends(self) -> Verification {
        self.reading.finish()
    }

    fn leaves(&self, bytes: Vec<u8>) -> Leaves {
        Leaves::of(bytes, self.trials.lines[self.line] as u64)
    }

    fn first(&self) -> Option<&Finding> {
        let broken = self.reading.findings().iter().filter(|found| found.severity() == Severity::Broken);
        broken.min_by_key(|found| found.index)
    }
}

/// Lines that are read behind a change before all are.
const FOLLOWING: usize = 3;
