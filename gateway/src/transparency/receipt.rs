//! Receipts: that an entry is in a log, for whoever has the log's public key and nothing else (C2SP `tlog-proof`).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::note::{Note, NoteError};
use super::policy::{Accepted, NotAccepted, Policy};
use super::{Hash, NotProven, parse_number, verify_inclusion};

/// A proof that entry `index` of a log is in the tree of a checkpoint. Nothing of it may be believed before
/// [`Receipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What the maker adds; here the entry itself. Not vouched for by anything but the proof.
    pub extra: Option<Vec<u8>>,
    /// The entry's place.
    pub index: u64,
    /// The hashes beside its path, from the leaf up.
    pub hashes: Vec<Hash>,
    /// The checkpoint, signed.
    pub note: Note,
}

/// Why text is no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReceipt {
    /// Longer than any can be.
    #[error("longer than a proof can be")]
    TooLong,
    /// A line is not what the specification has there.
    #[error("line {0} is not that of a proof")]
    Line(usize),
    /// The checkpoint is no note.
    #[error("the checkpoint in it is malformed")]
    Note(#[from] NoteError),
}

/// Why a receipt shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// The checkpoint is not accepted.
    #[error("its checkpoint is not accepted")]
    Checkpoint(#[from] NotAccepted),
    /// The proof does not lead from the entry to the checkpoint.
    #[error("the entry is not in the checkpoint's tree at that place")]
    Entry(#[from] NotProven),
}

impl Receipt {
    /// Most bytes of a receipt.
    pub const MAX_BYTES: usize = 2 * Note::MAX_BYTES;

    /// Reads a receipt.
    ///
    /// # Errors
    /// [`NotAReceipt`] names the line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAReceipt> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(NotAReceipt::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| NotAReceipt::Line(1))?;
        let (head, note) = text.split_once("\n\n").ok_or(NotAReceipt::Line(1))?;
        let mut lines = head.split('\n').enumerate().peekable();
        if lines.next().is_none_or(|(_, line)| line != FIRST) {
            return Err(NotAReceipt::Line(1));
        }
        let extra = match lines.peek().and_then(|(_, line)| line.strip_prefix("extra ")) {
            None => None,
            Some(extra) => {
                lines.next();
                Some(BASE64_STANDARD.decode(extra).map_err(|_| NotAReceipt::Line(2))?)
            }
        };
        let (at, line) = lines.next().ok_or(NotAReceipt::Line(2))?;
        let index = line.strip_prefix("index ").and_then(parse_number).ok_or(NotAReceipt::Line(at + 1))?;
        let hash = |(at, line): (usize, &str)| line.parse().map_err(|_| NotAReceipt::Line(at + 1));
        let hashes = lines.map(hash).collect::<Result<Vec<Hash>, _>>()?;
        // A tree has at most 63 levels above its leaves.
        if hashes.len() > 63 {
            return Err(NotAReceipt::TooLong);
        }
        Ok(Self { extra, index, hashes, note: Note::parse(note.as_bytes())? })
    }

    /// Whether `entry` stands at the receipt's index in a log that `policy` accepts.
    ///
    /// # Errors
    /// [`NotShown`]: nothing is shown.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<Accepted, NotShown> {
        let accepted = policy.accept(&self.note)?;
        let tree = &accepted.checkpoint;
        verify_inclusion(&Hash::of_leaf(entry), self.index, tree.size, &self.hashes, &tree.root)?;
        Ok(accepted)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

const FIRST: &str = "c2sp.org/tlog-proof@v1";

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Checkpoint;
    use super::super::key::{Scheme, SigningKey};
    use super::super::tree::tests::leaves;
    use super::super::{inclusion, root};
    use super::*;

    fn receipt() -> (Receipt, Policy) {
        let (key, _) = SigningKey::generate(&"log.example".parse().unwrap(), Scheme::Ed25519).unwrap();
        let tree = leaves(9);
        let mut note = Checkpoint::new("log.example", 9, root(&tree, 9).unwrap()).note().unwrap();
        note.sign(&key).unwrap();
        let policy = format!("log {}\nquorum none\n", key.verifier()).parse().unwrap();
        (Receipt { extra: None, index: 5, hashes: inclusion(&tree, 5, 9).unwrap(), note }, policy)
    }

    #[test]
    fn receipt_is_read_as_it_was_written_and_shows_its_entry_alone() {
        let (receipt, policy) = receipt();
        for extra in [None, Some(b"{\"index\":5}".to_vec())] {
            let receipt = Receipt { extra, ..receipt.clone() };
            assert_eq!(Receipt::parse(receipt.to_string().as_bytes()), Ok(receipt.clone()));
            assert_eq!(receipt.verify(&5_u64.to_be_bytes(), &policy).unwrap().checkpoint.size, 9);
            assert!(receipt.verify(&6_u64.to_be_bytes(), &policy).is_err());
            let elsewhere = Receipt { index: 4, ..receipt };
            assert!(elsewhere.verify(&5_u64.to_be_bytes(), &policy).is_err());
        }
    }

    #[test]
    fn no_byte_of_a_receipt_can_be_flipped_unnoticed() {
        let (receipt, policy) = receipt();
        let text = receipt.to_string().into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            if let Ok(receipt) = Receipt::parse(&changed) {
                assert!(receipt.verify(&5_u64.to_be_bytes(), &policy).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_no_receipt_is_refused_with_its_line() {
        let text = receipt().0.to_string();
        for (from, to, line) in
            [("@v1", "@v2", 1), ("index 5", "index 05", 2), ("index 5", "extra !\nindex 5", 2)]
        {
            assert_eq!(Receipt::parse(text.replacen(from, to, 1).as_bytes()), Err(NotAReceipt::Line(line)));
        }
        assert!(Receipt::parse(b"").is_err());
        assert_eq!(Receipt::parse(&vec![b'a'; Receipt::MAX_BYTES + 1]), Err(NotAReceipt::TooLong));
    }
}
