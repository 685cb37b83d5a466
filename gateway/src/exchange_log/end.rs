//! Where a log ends, seen from outside before anybody recovers it. Changes nothing.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use memchr::memmem;

use super::{
    reader::{Piece, Segment},
    recovery::{self, StartError},
};
use crate::transparency::{checkpoint::Checkpoint, note::Note};

/// Where a log ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// How many entries it has; those that were pruned or archived count.
    pub entries: u64,
    /// The newest revision of the registry that its newest entries were decided on, if any was.
    pub registry_revision: Option<u64>,
}

impl LogEnd {
    /// A quick look at the end of the log in `dir`: lines are counted, not checked. A folder that is not there has none.
    ///
    /// # Errors
    /// The folder or a segment cannot be read.
    pub fn of(dir: &Path) -> io::Result<Self> {
        let segments = match Segment::list(dir) {
            Ok(segments) => segments,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut end = Self::default();
        for (back, segment) in segments.iter().rev().enumerate() {
            let mut lines = segment.lines()?;
            let mut count = 0;
            while let Piece::Line(line) = lines.next_piece()? {
                count += 1;
                end.registry_revision = end.registry_revision.max(revision(line));
            }
            if back == 0 {
                end.entries = segment.first + count;
            }
            if end.registry_revision.is_some() {
                break;
            }
        }
        Ok(end)
    }

    /// Reads the end of a log that nobody works on as a start would, up to where a start would begin to write. How many
    /// entries there are.
    ///
    /// # Errors
    /// [`StartError`]: a start would fail with the same.
    pub fn checked(dir: &Path, origin: &str) -> Result<u64, StartError> {
        recovery::entries(dir, origin)
    }
}

/// Whether a process works on the log in `dir`.
///
/// # Errors
/// The lock's file cannot be opened.
pub fn is_in_use(dir: &Path) -> io::Result<bool> {
    let file = match File::open(dir.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// How many entries the signed checkpoint at `path` speaks of, if there is one; its signature is not looked at.
///
/// # Errors
/// It cannot be read, or is no checkpoint.
pub fn checkpoint_size(path: &Path) -> io::Result<Option<u64>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let checkpoint = Note::parse(&bytes).and_then(|note| note.text().parse::<Checkpoint>());
    checkpoint
        .map(|known| Some(known.size))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// What a line says of the registry. Within a text of JSON a quote has a backslash before it: nothing that somebody claimed
/// is taken for the member.
fn revision(line: &[u8]) -> Option<u64> {
    let digits = &line[memmem::find(line, MEMBER)? + MEMBER.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

const MEMBER: &[u8] = b"\"registry_revision\":";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_that_a_claim_speaks_of_is_not_taken_for_the_entrys() {
        let entry = r#"{"kind":"opening","case":"\"registry_revision\":900,","registry_revision":12}"#;
        assert_eq!(revision(entry.as_bytes()), Some(12));
        assert_eq!(revision(br#"{"kind":"closing"}"#), None);
    }

    #[test]
    fn a_log_that_is_not_there_has_no_entries_and_is_used_by_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("log");
        assert_eq!(LogEnd::of(&absent).unwrap(), LogEnd::default());
        assert!(!is_in_use(&absent).unwrap());
    }
}
