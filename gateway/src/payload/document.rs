//! Strict JSON (RFC 8259) read in one pass into a tape of offsets.
//!
//! Refused, beyond bad syntax: a byte order mark, two members of one name, lone surrogates, numbers too large
//! for a double, nesting beyond the limit. A number finer than a double is compared as the nearest double, but
//! its bytes pass untouched. A tape takes at most 20 bytes for every two bytes of text.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;

mod reader;

/// A document whose every rule of JSON holds.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    slots: Vec<Slot>,
    /// Text of the strings that were written with escapes, one after another.
    decoded: String,
    decoded_ranges: Vec<(u32, u32)>,
    /// By the slot of the object; only for objects of more than [`SCANNED_MEMBERS`] members.
    indexes: HashMap<u32, Index>,
    /// What is left of the work that validation may spend.
    pub(super) fuel: Cell<u64>,
    /// How many more errors may be made before the fuel counts as spent.
    errors: Cell<u32>,
}

/// A value, or the name of a member (always followed by the member's value).
#[derive(Debug, Clone, Copy)]
struct Slot {
    kind: Kind,
    /// Where it stands in the text, quotes and brackets included.
    start: u32,
    end: u32,
    /// Containers: the slot after the last one inside. Names: their [`digest`].
    link: u32,
    /// Containers: how many elements or members. Escaped strings: where in `decoded_ranges`.
    count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    /// Neither fraction nor exponent.
    Integer,
    Real,
    Text,
    Escaped,
    Array,
    Object,
}

/// Why a document is not the JSON that we accept.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) reason: &'static str,
    /// Byte offset in the document.
    pub(super) at: usize,
    /// From the innermost container outwards.
    pub(super) path: Vec<Step>,
}

/// One step of a path.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Element(usize),
    Member(String),
}

/// A member's name, made ready for [`Document::member`].
#[derive(Debug)]
pub(super) struct Name {
    text: Box<str>,
    digest: u32,
}

impl Name {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), digest: digest(text.as_bytes()) }
    }
}

impl<'a> Document<'a> {
    #[inline]
    pub(super) fn kind(&self, slot: u32) -> Kind {
        self.slots[slot as usize].kind
    }

    /// Spends `work`, and tells whether any fuel is left then.
    #[inline]
    pub(super) fn burn(&self, work: usize) -> bool {
        let left = self.fuel.get().saturating_sub(work as u64);
        self.fuel.set(left);
        left > 0
    }

    /// Where the value stands in the text.
    #[inline]
    pub(super) fn range(&self, slot: u32) -> Range<usize> {
        let slot = &self.slots[slot as usize];
        slot.start as usize..slot.end as usize
    }

    /// The value as it was written.
    pub(super) fn source(&self, slot: u32) -> &'a str {
        &self.text[self.range(slot)]
    }

    /// Elements or members of a container.
    #[inline]
    pub(super) fn count(&self, slot: u32) -> usize {
        self.slots[slot as usize].count as usize
    }

    /// A string's meaning, escapes resolved.
    #[inline]
    pub(super) fn text(&self, slot: u32) -> &str {
        let slot = &self.slots[slot as usize];
        if slot.kind == Kind::Escaped {
            let (start, end) = self.decoded_ranges[slot.count as usize];
            &self.decoded[start as usize..end as usize]
        } else {
            &self.text[slot.start as usize + 1..slot.end as usize - 1]
        }
    }

    /// Counts an error; too many end the validation, for they are kept in memory.
    pub(super) fn err(&self) {
        match self.errors.get().checked_sub(1) {
            Some(left) => self.errors.set(left),
            None => self.fuel.set(0),
        }
    }

    /// The slot after the value, whatever it holds.
    #[inline]
    pub(super) fn after(&self, slot: u32) -> u32 {
        let found = &self.slots[slot as usize];
        if matches!(found.kind, Kind::Array | Kind::Object) { found.link } else { slot + 1 }
    }

    /// The value of the member `name` of the object at `slot`.
    pub(super) fn member(&self, slot: u32, name: &Name) -> Option<u32> {
        let count = self.count(slot);
        if count > SCANNED_MEMBERS {
            return self.indexes.get(&slot)?.find(self, &name.text).map(|key| key + 1);
        }
        self.scan(slot + 1, count, &name.text, name.digest).map(|key| key + 1)
    }

    /// The element at the place `index` of the array at `slot`.
    pub(super) fn element(&self, slot: u32, index: usize) -> Option<u32> {
        (index < self.count(slot)).then(|| (0..index).fold(slot + 1, |element, _| self.after(element)))
    }

    /// The first of `count` names from `key` on that is `text`.
    fn scan(&self, mut key: u32, count: usize, text: &str, digest: u32) -> Option<u32> {
        for _ in 0..count {
            if self.slots[key as usize].link == digest && self.text(key) == text {
                return Some(key);
            }
            key = self.after(key + 1);
        }
        None
    }
}

/// Names of a large object. Keyed by a secret hash, so that no document can make it slow.
#[derive(Debug, Default)]
struct Index {
    secret: RandomState,
    keys: HashMap<u64, u32>,
}

impl Index {
    /// Adds `key`, unless its name is there already.
    fn insert(&mut self, document: &Document<'_>, key: u32) -> bool {
        let text = document.text(key);
        let mut hash = self.secret.hash_one(text);
        while let Some(found) = self.keys.get(&hash) {
            if document.text(*found) == text {
                return false;
            }
            hash = hash.wrapping_add(1);
        }
        self.keys.insert(hash, key);
        true
    }

    fn find(&self, document: &Document<'_>, text: &str) -> Option<u32> {
        let mut hash = self.secret.hash_one(text);
        while let Some(found) = self.keys.get(&hash) {
            if document.text(*found) == text {
                return Some(*found);
            }
            hash = hash.wrapping_add(1);
        }
        None
    }
}

/// Tells most names apart; whoever must be sure compares the names too.
pub(super) fn digest(name: &[u8]) -> u32 {
    digest_within(name, 0, name.len())
}

/// The digest of the `len` bytes from `start` on.
#[inline]
pub(super) fn digest_within(bytes: &[u8], start: usize, len: usize) -> u32 {
    let (first, last) = if len >= 8 {
        (word(bytes, start), word(bytes, start + len - 8))
    } else if bytes.len() - start >= 8 {
        // What follows the name is cut off.
        (word(bytes, start) & ((1 << (8 * len)) - 1), 0)
    } else {
        let mut padded = [0; 8];
        padded[..len].copy_from_slice(&bytes[start..start + len]);
        (u64::from_le_bytes(padded), 0)
    };
    let mixed = (first ^ last.rotate_left(29) ^ len as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as u32
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were taken"))
}

/// Up to here an object's names are compared with each other; a larger object gets an [`Index`].
const SCANNED_MEMBERS: usize = 32;

/// Of some 400 bytes each.
const MOST_ERRORS: u32 = 5_000;
