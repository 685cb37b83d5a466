//! Personal parts of entries that can be erased: sealed under a key that can be destroyed, in a tree that stays.
//!
//! The official, the address of their computer and the case of a call (D1) stand in the entry as one ciphertext where the
//! category of the data says so (`log.keeping.erasable`). The leaf of the tree is the ciphertext: whoever destroys the
//! key takes what it said, and no proof. There is a key for each class — a category, or refused calls — and month.
//!
//! Trust: whoever reads the keys and the log reads the parts. A key that was copied before is not erased by removing it.

mod keys;

pub use keys::{KeyState, PersonalError, PersonalKeys};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::exchange_log::{Entry, Record};

/// What an entry says of people who ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// The official in whose name the consumer asks.
    pub user: Option<String>,
    /// The address of the official's computer.
    pub user_address: Option<String>,
    /// The case.
    pub case: Option<String>,
}

/// What became of an entry's personal parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// They stand in the entry as they are.
    Plain,
    /// They were sealed, and say this.
    Sealed(Personal),
    /// Their key was destroyed.
    Erased,
    /// Their key is not here, or is another one.
    NoKey,
}

impl Personal {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn parts(&self) -> [Option<&str>; 3] {
        [self.user.as_deref(), self.user_address.as_deref(), self.case.as_deref()]
    }

    /// Each part after its length and one, in two bytes; none: nothing was said.
    fn to_bytes(parts: [Option<&str>; 3]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        for part in parts {
            let length = part.map_or(0, |part| part.len() + 1);
            // Claims have 192 bytes at most.
            bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(part.unwrap_or_default().as_bytes());
        }
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut part = || -> Option<Option<String>> {
            let (length, rest) = bytes.split_first_chunk()?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (part, rest) = rest.split_at_checked(length.saturating_sub(1))?;
            bytes = rest;
            let text = String::from_utf8(part.to_vec()).ok()?;
            Some((length > 0).then_some(text))
        };
        let read = Self { user: part()?, user_address: part()?, case: part()? };
        bytes.is_empty().then_some(read)
    }
}

impl PersonalKeys {
    /// What the personal parts of an entry say.
    pub fn of(&self, entry: &Entry) -> Opened {
        let (sealed, exchange): (_, Uuid) = match &entry.record {
            Record::Opening(opening) => (&opening.sealed, opening.exchange),
            Record::Refused(refused) => (&refused.sealed, refused.exchange),
            Record::Closing { .. } | Record::Segment(_) => return Opened::Plain,
        };
        sealed.as_ref().map_or(Opened::Plain, |sealed| self.open_sealed(sealed, exchange))
    }

    /// Adds to an entry's document, as it is shown, what its sealed parts say, or why they say nothing.
    pub fn reveal(&self, entry: &Entry, document: &mut Value) {
        let parts = match self.of(entry) {
            Opened::Plain => return,
            Opened::Sealed(personal) => personal,
            Opened::Erased => {
                document["personal"] = json!("erased");
                return;
            }
            Opened::NoKey => {
                document["personal"] = json!("no key");
                return;
            }
        };
        for (name, part) in ["user", "user_address", "case"].into_iter().zip(parts.parts()) {
            if let Some(part) = part {
                document[name] = json!(part);
            }
        }
    }
}
