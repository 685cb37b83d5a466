//! Checkpoints: what a log states about its tree, as the text of a note (C2SP `tlog-checkpoint`).

use std::fmt;
use std::str::FromStr;

use super::key::VerifierKey;
use super::note::{Note, NoteError, Signed};
use super::{Hash, parse_number};

/// A tree's head: of which log, how many entries, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries the tree has.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Hash,
    /// Further lines, which no witness vouches for.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without further lines.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// A note of it, still to be signed.
    ///
    /// # Errors
    /// [`NoteError::Form`]: the origin or a further line is empty, or has a newline or another control character.
    pub fn note(&self) -> Result<Note, NoteError> {
        let note = Note::unsigned(self.to_string())?;
        // What a line break in a line would make of it must not be signed.
        if note.text().parse::<Self>().as_ref() == Ok(self) {
            Ok(note)
        } else {
            Err(NoteError::Form("its lines"))
        }
    }

    /// Reads a note by a log: the checkpoint, once `keys` signed it, and who did.
    ///
    /// # Errors
    /// As [`Note::verify`]; [`NoteError::Form`] if the text is no checkpoint.
    pub fn verified<'k>(note: &Note, keys: &'k [VerifierKey]) -> Result<(Self, Vec<Signed<'k>>), NoteError> {
        let signed = note.verify(keys)?;
        Ok((note.text().parse()?, signed))
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let form = || NoteError::Form("the lines of a checkpoint");
        let mut lines = text.strip_suffix('\n').ok_or_else(form)?.split('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty()).ok_or_else(form);
        let origin = next()?.to_owned();
        let size = parse_number(next()?).ok_or_else(form)?;
        let root = next()?.parse().map_err(|_| form())?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(form());
        }
        Ok(Self { origin, size, root, extensions })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_checkpoint_of_the_specification_is_read_and_written() {
        let checkpoint: Checkpoint = TEXT.parse().unwrap();
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), TEXT);
        let more = format!("{TEXT}further\n");
        assert_eq!(more.parse::<Checkpoint>().unwrap().to_string(), more);
    }

    #[test]
    fn what_is_spelled_otherwise_is_no_checkpoint() {
        for text in [
            TEXT.trim_end(),
            "",
            "\n",
            &format!("{TEXT}\n"),
            &format!("{TEXT}\nfurther\n"),
            &format!("\n{TEXT}"),
            &TEXT.replace("20852163", "020852163"),
            &TEXT.replace("20852163", "+20852163"),
            &TEXT.replace("20852163", "-1"),
            &TEXT.replace("20852163", "18446744073709551616"),
            &TEXT.replace("20852163", " 20852163"),
            &TEXT.replace("q2I=", "q2I"),
            &TEXT.replace("q2I=", "q2J="),
            &TEXT.replace("CsUY", "Cs-Y"),
            &TEXT.replace("CsUY", ""),
        ] {
            assert!(text.parse::<Checkpoint>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_line_break_in_an_origin_makes_no_other_checkpoint() {
        let forged = Checkpoint::new("a\n9\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", 1, Hash([0; 32]));
        assert!(forged.note().is_err());
        assert!(Checkpoint::new("", 1, Hash([0; 32])).note().is_err());
        assert!(Checkpoint::new("a.example", 1, Hash([0; 32])).note().is_ok());
    }
}
