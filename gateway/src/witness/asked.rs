//! What a log asks of a witness: to cosign a checkpoint that grew out of the one it knows.

use std::fmt::Write;

use crate::transparency::checkpoint::Checkpoint;
use crate::transparency::note::{Note, NoteError};
use crate::transparency::{Hash, parse_number};

/// A request's body, read: nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The size that the witness cosigned last, as the log thinks.
    pub old: u64,
    /// Hashes that lead from that tree to the new one.
    pub proof: Vec<Hash>,
    /// The new checkpoint with its signatures.
    pub note: Note,
    /// What its text says.
    pub checkpoint: Checkpoint,
}

impl Asked {
    /// Most bytes of a body.
    pub const MAX_BYTES: usize = Note::MAX_BYTES + MAX_PROOF * 64;

    /// Reads a body.
    ///
    /// # Errors
    /// [`Malformed`] says in which part it is not as the specification has it.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        // The first empty line ends the proof; a note has one of its own before its signatures.
        let head = body.windows(2).position(|pair| pair == b"\n\n").ok_or(Malformed::Head)?;
        let (head, note) = (&body[..head], &body[head + 2..]);
        let mut lines = str::from_utf8(head).map_err(|_| Malformed::Head)?.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(parse_number);
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF {
                return Err(Malformed::Proof);
            }
            proof.push(line.parse().map_err(|_| Malformed::Proof)?);
        }
        let note = Note::parse(note)?;
        let checkpoint = note.text().parse()?;
        Ok(Self { old: old.ok_or(Malformed::Head)?, proof, note, checkpoint })
    }

    /// The body of a request.
    pub fn body(old: u64, proof: &[Hash], note: &Note) -> String {
        let mut body = format!("old {old}\n");
        for hash in proof {
            // Writing to memory cannot fail.
            let _ = writeln!(body, "{hash}");
        }
        body + "\n" + &note.to_string()
    }
}

/// Why a body is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first line.
    #[error("the body does not begin with the old size, hashes and an empty line")]
    Head,
    /// A line of the proof, or their number.
    #[error("the proof is not at most 63 lines with a hash each")]
    Proof,
    /// The checkpoint.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// tlog-witness: a client sends no more.
const MAX_PROOF: usize = 63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\n";
    const NOTE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

    #[test]
    fn the_body_of_the_specification_is_read_and_written() {
        let asked = Asked::parse(format!("{HEAD}{NOTE}").as_bytes()).unwrap();
        assert_eq!((asked.old, asked.proof.len(), asked.checkpoint.size), (20_852_014, 2, 20_852_163));
        assert_eq!(Asked::body(asked.old, &asked.proof, &asked.note), format!("{HEAD}{NOTE}"));
        let first = Asked::parse(format!("old 0\n\n{NOTE}").as_bytes()).unwrap();
        assert_eq!((first.old, first.proof.len()), (0, 0));
    }

    #[test]
    fn what_is_spelled_otherwise_is_refused() {
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        assert!(Asked::parse(format!("old 1\n{}\n{NOTE}", hash.repeat(63)).as_bytes()).is_ok());
        for body in [
            String::new(),
            NOTE.to_owned(),
            format!("old 1\n{}\n{NOTE}", hash.repeat(64)),
            format!("old 01\n\n{NOTE}"),
            format!("old +1\n\n{NOTE}"),
            format!("old  1\n\n{NOTE}"),
            format!("OLD 1\n\n{NOTE}"),
            format!("old 1\nnonsense\n\n{NOTE}"),
            format!("old 1\n\n{}", NOTE.trim_end()),
            format!("old 1\r\n\r\n{NOTE}"),
            format!("old 1\n{NOTE}"),
            "old 1\n\ntext\n\n— a AAAAAAA=\n".to_owned(),
        ] {
            assert!(Asked::parse(body.as_bytes()).is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(cut in 0..HEAD.len() + NOTE.len(), noise in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut body = format!("{HEAD}{NOTE}").into_bytes();
            body.splice(cut.., noise);
            let _ = Asked::parse(&body);
        }
    }
}
