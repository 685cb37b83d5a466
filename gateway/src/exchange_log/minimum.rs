//! The minimum index: from which entry on the log's folder holds what was sealed (C2SP `tlog-tiles`, pruning).
//!
//! It is declared in a note that the log's key signs, beside the checkpoint, with when, by whom and why. The tree does
//! not change: receipts of entries before it stay true, and so do roots and proofs of what remains. A folder that
//! begins later than its note says was not pruned but damaged.

use std::{fmt, fs, io, path::Path, str::FromStr};

use jiff::Timestamp;

use crate::transparency::{
    key::{Scheme, SigningKey, VerifierKey},
    note::{Note, NoteError},
    parse_number,
};

/// A declaration that a log's folder begins at an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimumIndex {
    /// The log's name.
    pub origin: String,
    /// The first entry that is there.
    pub index: u64,
    /// When it was declared.
    pub at: Timestamp,
    /// Who declared it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl MinimumIndex {
    /// The note of it, signed by those of `keys` that sign notes.
    ///
    /// # Errors
    /// None of the keys does, or the text cannot be that of a note.
    pub fn signed(&self, keys: &[SigningKey]) -> Result<Note, NoteError> {
        let mut note = Note::unsigned(self.to_string())?;
        if note.text().parse::<Self>().as_ref() != Ok(self) {
            return Err(NoteError::Form("its lines"));
        }
        for key in keys.iter().filter(|key| key.verifier().scheme() == Scheme::Ed25519) {
            note.sign(key)?;
        }
        if note.signatures().is_empty() { Err(NoteError::Unsigned) } else { Ok(note) }
    }

    /// Reads a note, once one of `keys` that bears the log's own name signed it.
    ///
    /// # Errors
    /// As [`Note::verify`]; [`NoteError::Form`] if the text is none.
    pub fn verified(note: &Note, keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let signed = note.verify(keys)?;
        let minimum: Self = note.text().parse()?;
        let own = signed.iter().any(|signed| signed.key.name().as_str() == minimum.origin);
        if own { Ok(minimum) } else { Err(NoteError::Unsigned) }
    }
}

impl fmt::Display for MinimumIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, index, at, by, reason } = self;
        // The first line is no log's name, and the second no number: a checkpoint is never taken for it, nor it for one.
        write!(f, "{HEAD}\n{origin}\n{index}\n{at}\n{by}\n{reason}\n")
    }
}

impl FromStr for MinimumIndex {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let form = || NoteError::Form("the lines of a minimum index");
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or_else(form)?.split('\n').collect();
        let [HEAD, origin, index, at, by, reason] = lines[..] else { return Err(form()) };
        if origin.is_empty() || by.is_empty() || reason.is_empty() {
            return Err(form());
        }
        let (index, at) = (parse_number(index).ok_or_else(form)?, at.parse().map_err(|_| form())?);
        Ok(Self { origin: origin.into(), index, at, by: by.into(), reason: reason.into() })
    }
}

/// The note in a log's folder, whoever signed it; `None`: nothing was pruned.
///
/// # Errors
/// It cannot be read, or is malformed.
pub fn minimum_in(dir: &Path) -> io::Result<Option<(Note, MinimumIndex)>> {
    let bytes = match fs::read(dir.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let read = Note::parse(&bytes).and_then(|note| note.text().parse().map(|minimum| (note, minimum)));
    read.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Name of the note in the log's folder.
pub(super) const NAME: &str = "minimum-index";
const HEAD: &str = "kelisim/minimum-index/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transparency::checkpoint::Checkpoint;

    fn minimum() -> MinimumIndex {
        MinimumIndex {
            origin: "gateway.example/log".into(),
            index: 512,
            at: "2026-11-22T06:00:00Z".parse().unwrap(),
            by: "administrator".into(),
            reason: "retention ended".into(),
        }
    }

    /// D3
    #[test]
    fn what_is_declared_is_signed_by_the_log_and_taken_for_nothing_else() {
        let key = |name: &str| SigningKey::generate(&name.parse().unwrap(), Scheme::Ed25519).unwrap().0;
        let (own, other) = (key("gateway.example/log"), key("other.example/log"));
        let known = [own.verifier().clone(), other.verifier().clone()];
        let note = minimum().signed(&[own]).unwrap();
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(MinimumIndex::verified(&read, &known), Ok(minimum()));
        assert!(read.text().parse::<Checkpoint>().is_err(), "nobody takes it for a checkpoint");
        let forged = minimum().signed(&[other]).unwrap();
        assert_eq!(MinimumIndex::verified(&forged, &known), Err(NoteError::Unsigned), "of another log");
        let lines = MinimumIndex { reason: "a\n9".into(), ..minimum() };
        assert!(lines.signed(&[key("gateway.example/log")]).is_err());
    }
}
