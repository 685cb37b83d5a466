//! The first members of a line, read by hand: reading a whole log at once must not parse each line as JSON.
//!
//! Lines that we wrote begin in one way only (`line`). A line that begins otherwise goes through the JSON parser,
//! which has the last word on whether it is an entry.

use super::line::{Kind, Skeleton};

/// What order and chain need of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glance<'a> {
    pub(super) index: u64,
    /// Base64 of the hash of the line before.
    pub(super) prev: &'a [u8],
    pub(super) kind: Kind,
    /// What follows the kind, as it was written.
    pub(super) rest: &'a [u8],
}

impl<'a> Glance<'a> {
    /// The beginning of a line as we write them; `None` says nothing against it.
    pub(super) fn at(line: &'a [u8]) -> Option<Self> {
        let (index, rest) = number(line.strip_prefix(b"{\"index\":")?)?;
        let (_, rest) = number(rest.strip_prefix(b",\"batch\":")?)?;
        let (prev, rest) = rest.strip_prefix(b",\"prev\":\"")?.split_at_checked(44)?;
        let rest = rest.strip_prefix(b"\",\"kind\":\"")?;
        let end = memchr::memchr(b'"', rest.get(..8)?)?;
        let kind = match &rest[..end] {
            b"opening" => Kind::Opening,
            b"closing" => Kind::Closing,
            b"refused" => Kind::Refused,
            b"segment" => Kind::Segment,
            _ => return None,
        };
        Some(Self { index, prev, kind, rest: &rest[end + 1..] })
    }
}

/// Index and chain of a line, however it is spelled; `None`: it is no entry.
pub(super) fn index_and_prev(line: &[u8]) -> Option<(u64, [u8; 44])> {
    if let Some(Glance { index, prev, .. }) = Glance::at(line) {
        return Some((index, prev.try_into().ok()?));
    }
    let skeleton = Skeleton::parse(line)?;
    Some((skeleton.index, super::line::base64(&skeleton.prev()?)))
}

/// The digits at the beginning, as JSON spells a number, and what follows.
pub(super) fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    if digits.is_empty() || digits.len() > 19 || (digits.len() > 1 && digits[0] == b'0') {
        return None;
    }
    Some((digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')), rest))
}
