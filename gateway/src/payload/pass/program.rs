//! A schema as rules that the pass follows.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use jsonschema::Validator;

use super::pattern::Row;
use super::table::Table;
use crate::payload::tape::Tape;

/// The rules of a schema; the first two are [`ANYTHING`] and [`NOTHING`].
#[derive(Debug)]
pub(super) struct Program {
    pub(super) rules: Vec<Rule>,
    pub(super) root: RuleId,
    /// What holds for an object of which nothing is said.
    pub(super) open: ObjectRule,
}

pub(super) type RuleId = u32;

/// What one value must be.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// The kinds of value that may stand here: bits such as [`NULL`].
    pub(super) kinds: u8,
    pub(super) text: Option<Box<TextRule>>,
    pub(super) number: Option<Box<NumberRule>>,
    pub(super) array: Option<Box<ArrayRule>>,
    pub(super) object: Option<Box<ObjectRule>>,
    /// What takes more than reading the value once; then nothing is said above, and `kinds` is empty.
    pub(super) beyond: Option<Box<Beyond>>,
}

#[derive(Debug)]
pub(super) enum Beyond {
    Mixed(Mixed),
    /// Only the judge can tell.
    Asked(Asked),
}

impl From<Beyond> for Rule {
    fn from(beyond: Beyond) -> Self {
        Self { beyond: Some(Box::new(beyond)), ..Self::default() }
    }
}

/// Several rules for one value, which is read anew for each of them.
#[derive(Debug, Default)]
pub(super) struct Mixed {
    /// All of these hold. The first is followed first.
    pub(super) all: Vec<RuleId>,
    /// Of each of these, at least one holds.
    pub(super) any: Vec<Vec<RuleId>>,
    /// Of each of these, exactly one holds.
    pub(super) one: Vec<Vec<RuleId>>,
    /// None of these holds.
    pub(super) none: Vec<RuleId>,
    /// If the first holds, so does the second, else the third.
    pub(super) choice: Option<[RuleId; 3]>,
}

/// Code points are counted.
#[derive(Debug)]
pub(super) struct TextRule {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) values: Option<Table>,
    pub(super) checks: Vec<TextCheck>,
    pub(super) sort: Sort,
}

/// What most texts are, which need no closer look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Nothing but the length is bounded.
    Length,
    /// A date, and nothing else is asked.
    Date,
    Other,
}

#[derive(Debug)]
pub(super) enum TextCheck {
    Date,
    Row(Row),
    /// What the function accepts fits surely; the judge tells of the rest.
    Format(fn(&[u8]) -> bool, Asked),
    Pattern(Box<Found>),
}

/// A pattern that takes the library's engine.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) matches: Asked,
    pub(super) fails: Asked,
}

#[derive(Debug)]
pub(super) struct NumberRule {
    /// For numbers written as integers of few digits.
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) step: i64,
    /// For other numbers, if nothing else is asked of them: each bound, and whether it is itself allowed.
    pub(super) low: (f64, bool),
    pub(super) high: (f64, bool),
    /// All that is asked, for numbers which the above cannot tell of.
    pub(super) rest: Option<Asked>,
}

#[derive(Debug)]
pub(super) struct ArrayRule {
    pub(super) least: u64,
    pub(super) most: u64,
    /// For the first elements, one each.
    pub(super) first: Vec<RuleId>,
    /// For those after.
    pub(super) rest: RuleId,
    pub(super) unique: Option<Asked>,
}

#[derive(Debug)]
pub(super) struct ObjectRule {
    pub(super) least: u64,
    pub(super) most: u64,
    /// How many of `members` are required.
    pub(super) required: u32,
    pub(super) table: Table,
    /// As in `table`; at most [`MOST_MEMBERS`].
    pub(super) members: Vec<Member>,
    pub(super) patterns: Vec<(TextCheck, RuleId)>,
    /// For members which neither `members` nor `patterns` has a rule for.
    pub(super) others: RuleId,
    /// Which member came first in the last object read.
    pub(super) first: Guess,
}

#[derive(Debug)]
pub(super) struct Member {
    /// `None`: it is only required.
    pub(super) rule: Option<RuleId>,
    pub(super) required: bool,
    pub(super) spelling: Option<Spelling>,
    /// Which member came next in the last object read.
    pub(super) next: Guess,
}

/// A place among [`ObjectRule::members`] where to look first. It may be wrong: producers keep to an order, so that it
/// seldom is.
#[derive(Debug)]
pub(super) struct Guess(AtomicU8);

impl Guess {
    pub(super) fn new(place: usize) -> Self {
        Self(AtomicU8::new(place.min(MOST_MEMBERS) as u8))
    }

    #[inline]
    pub(super) fn place(&self) -> usize {
        self.0.load(Ordering::Relaxed) as usize
    }

    /// Written only when wrong: a line of the cache that nobody writes costs nothing to share.
    pub(super) fn learn(&self, place: usize) {
        self.0.store(place as u8, Ordering::Relaxed);
    }
}

/// A name in quotes and the colon after it, as they stand in a document that escapes nothing of it.
#[derive(Debug)]
pub(super) struct Spelling {
    quoted: Box<[u8]>,
    head: u64,
    mask: u64,
    tail: u64,
}

impl Spelling {
    /// `None` if the name must be escaped.
    pub(super) fn of(name: &str) -> Option<Self> {
        if name.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            return None;
        }
        let quoted = format!("\"{name}\":").into_bytes().into_boxed_slice();
        let mut head = [0; 8];
        let short = quoted.len().min(8);
        head[..short].copy_from_slice(&quoted[..short]);
        let mask = if short == 8 { u64::MAX } else { (1 << (8 * short)) - 1 };
        let tail = quoted.last_chunk::<8>().map_or(0, |tail| u64::from_le_bytes(*tail));
        Some(Self { quoted, head: u64::from_le_bytes(head), mask, tail })
    }

    /// What follows, if `rest` starts with the name.
    #[inline]
    pub(super) fn after<'d>(&self, rest: &'d [u8]) -> Option<&'d [u8]> {
        let found = u64::from_le_bytes(*rest.first_chunk::<8>()?);
        if (found ^ self.head) & self.mask != 0 {
            return None;
        }
        let (name, after) = rest.split_at_checked(self.quoted.len())?;
        // The last eight bytes overlap the first in all but long names.
        if let Some(tail) = name.last_chunk::<8>()
            && (u64::from_le_bytes(*tail) != self.tail || (name.len() > 16 && *name != *self.quoted))
        {
            return None;
        }
        Some(after)
    }
}

/// A validator of the library for a part of the schema.
pub(super) struct Asked(pub(super) Validator<Tape>);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

pub(super) const ANYTHING: RuleId = 0;
pub(super) const NOTHING: RuleId = 1;

pub(super) const NULL: u8 = 1;
pub(super) const FALSE: u8 = 1 << 1;
pub(super) const TRUE: u8 = 1 << 2;
/// Of integral value, however written.
pub(super) const INTEGER: u8 = 1 << 3;
/// Any other number.
pub(super) const FRACTION: u8 = 1 << 4;
pub(super) const TEXT: u8 = 1 << 5;
pub(super) const ARRAY: u8 = 1 << 6;
pub(super) const OBJECT: u8 = 1 << 7;
pub(super) const EVERY: u8 = u8::MAX;

/// Places of members fit a byte, and one value of it means none.
pub(super) const MOST_MEMBERS: usize = 255;
