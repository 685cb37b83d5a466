//! An entry as bytes: one line of JSON, and how it hangs on the line before it.
//!
//! ```text
//! {"index":7,"batch":5,"prev":"<base64>","kind":"closing","salt":"<base64>",…}
//! ```
//!
//! `prev` is the RFC 6962 leaf hash, SHA-256(0x00 ‖ line without its newline), of the previous line; that of the
//! first line is the leaf hash of the log's origin. So the leaf of an entry in the Merkle tree to come is its line,
//! and its leaf hash is already here. `batch` is the index at which the write began that carried the line:
//! everything before it was durable by then, which lets recovery tell a torn write from damage. The salt keeps a
//! published leaf hash from being guessed back to an entry.

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    members::{push_closing, push_number, push_opening},
    records::{Closing, Opening, Refused, SegmentHeader},
};

/// Leaf hash of a line.
pub(super) type Leaf = [u8; 32];

/// Where the log's end is: how many entries there are, and the leaf hash of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) leaf: Leaf,
}

impl Head {
    pub(super) fn of_empty(origin: &str) -> Self {
        Self { size: 0, leaf: leaf_hash(origin.as_bytes()) }
    }

    /// Appends the line of `body` to `lines` and moves to it. `lines` is not empty: its last byte ends a line.
    pub(super) fn append(&mut self, batch: u64, body: &[u8], lines: &mut Vec<u8>) {
        let before = lines.len() - 1;
        lines.extend_from_slice(b"{\"index\":");
        push_number(lines, self.size);
        lines.extend_from_slice(b",\"batch\":");
        push_number(lines, batch);
        lines.extend_from_slice(b",\"prev\":\"");
        lines.extend_from_slice(&base64(&self.leaf));
        lines.extend_from_slice(b"\",");
        lines.extend_from_slice(body);
        // The byte before the line serves as RFC 6962's 0x00 for a moment, so that one pass hashes both.
        let newline = std::mem::replace(&mut lines[before], 0);
        self.leaf = sha256(&lines[before..]);
        lines[before] = newline;
        lines.push(b'\n');
        self.size += 1;
    }

    /// Moves over a line that was read.
    pub(super) fn accept<'a>(&mut self, line: &'a [u8]) -> Result<Skeleton<'a>, Break> {
        let skeleton = Skeleton::parse(line).ok_or(Break::NotAnEntry)?;
        if skeleton.index != self.size {
            return Err(Break::Index { expected: self.size, found: skeleton.index });
        }
        if skeleton.prev.as_bytes() != base64(&self.leaf) {
            return Err(Break::Chain);
        }
        *self = Self { size: self.size + 1, leaf: leaf_hash(line) };
        Ok(skeleton)
    }
}

/// Why a line does not continue the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    NotAnEntry,
    Index { expected: u64, found: u64 },
    Chain,
}

/// The members of an entry that order, chain and search need.
#[derive(Debug, Deserialize)]
pub(super) struct Skeleton<'a> {
    pub(super) index: u64,
    pub(super) batch: u64,
    prev: &'a str,
    pub(super) kind: Kind,
    pub(super) at: Timestamp,
    #[serde(default)]
    pub(super) exchange: Option<Uuid>,
    /// On a closing: the index of its opening.
    #[serde(default)]
    pub(super) opening: Option<u64>,
}

impl<'a> Skeleton<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// What the line says of the one before it.
    pub(super) fn prev(&self) -> Option<Leaf> {
        BASE64_STANDARD.decode(self.prev).ok()?.try_into().ok()
    }
}

/// Kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Segment,
    Opening,
    Closing,
    Refused,
}

/// An entry that was read, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the log.
    pub index: u64,
    /// What it says.
    pub record: Record,
    /// Its bytes as they stand in the log, without the newline: the leaf.
    pub line: String,
}

/// What an entry says, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A segment begins.
    Segment(SegmentHeader<'static>),
    /// A call was permitted.
    Opening(Box<Opening<'static>>),
    /// An opened exchange ended.
    Closing {
        /// Index of its opening.
        opening: u64,
        /// Its exchange.
        exchange: Uuid,
        /// How it ended.
        closing: Closing<'static>,
    },
    /// A call was refused.
    Refused(Box<Refused<'static>>),
}

impl Entry {
    /// Reads a line; `None` if it is not an entry.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let skeleton = Skeleton::parse(line)?;
        let record = match skeleton.kind {
            Kind::Segment => Record::Segment(serde_json::from_slice(line).ok()?),
            Kind::Opening => Record::Opening(serde_json::from_slice(line).ok()?),
            Kind::Refused => Record::Refused(serde_json::from_slice(line).ok()?),
            Kind::Closing => Record::Closing {
                opening: skeleton.opening?,
                exchange: skeleton.exchange?,
                closing: serde_json::from_slice(line).ok()?,
            },
        };
        Some(Self { index: skeleton.index, record, line: str::from_utf8(line).ok()?.to_owned() })
    }
}

/// What makes equal entries differ.
pub(super) type Salt = [u8; 16];

/// Appends what follows `prev` in an opening's line.
pub(super) fn opening_body(out: &mut Vec<u8>, salt: &Salt, opening: &Opening<'_>) {
    begin(out, "\"kind\":\"opening\",\"decision\":\"permit\"", salt);
    push_opening(out, opening);
    out.push(b'}');
}

/// Appends what follows `prev` in a closing's line.
pub(super) fn closing_body(
    out: &mut Vec<u8>,
    salt: &Salt,
    opening: u64,
    exchange: Uuid,
    closing: &Closing<'_>,
) {
    begin(out, "\"kind\":\"closing\"", salt);
    out.extend_from_slice(b",\"opening\":");
    push_number(out, opening);
    out.extend_from_slice(b",\"exchange\":\"");
    out.extend_from_slice(exchange.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    out.push(b'"');
    push_closing(out, closing);
    out.push(b'}');
}

/// Appends what follows `prev` in a refusal's line.
pub(super) fn refused_body(out: &mut Vec<u8>, salt: &Salt, refused: &Refused<'_>) {
    begin(out, "\"kind\":\"refused\",\"decision\":\"refuse\"", salt);
    push_members(out, refused);
}

/// Appends what follows `prev` in the line of a segment's header.
pub(super) fn segment_body(out: &mut Vec<u8>, salt: &Salt, header: &SegmentHeader<'_>) {
    begin(out, "\"kind\":\"segment\"", salt);
    push_members(out, header);
}

/// RFC 6962 §2.1: the hash of a leaf.
pub(super) fn leaf_hash(leaf: &[u8]) -> Leaf {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[0]);
    context.update(leaf);
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn sha256(bytes: &[u8]) -> Leaf {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn begin(out: &mut Vec<u8>, kind: &str, salt: &Salt) {
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b",\"salt\":\"");
    let mut text = [0; 24];
    BASE64_STANDARD.encode_slice(salt, &mut text).expect("16 bytes are 24 characters");
    out.extend_from_slice(&text);
    out.push(b'"');
}

/// The members of `record` after a comma, and the closing brace.
fn push_members(out: &mut Vec<u8>, record: &impl Serialize) {
    let brace = out.len();
    serde_json::to_writer(&mut *out, record).expect("records are text and numbers, and memory does not fail");
    out[brace] = b',';
}

pub(super) fn base64(leaf: &Leaf) -> [u8; 44] {
    let mut text = [0; 44];
    BASE64_STANDARD.encode_slice(leaf, &mut text).expect("32 bytes are 44 characters");
    text
}
