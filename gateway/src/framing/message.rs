//! Where one HTTP/1 message ends and the next begins: head, body, chunks, trailers.

use super::head::{BodyFraming, Head, split_header};
use super::{FramingViolation, TRAILER_BYTES, TRAILER_LINES};

/// How far a look at some bytes came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advance {
    /// So many of the bytes are in order and may pass. The next look begins behind them.
    pub(super) cleared: usize,
    pub(super) then: Then,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The message goes on with what follows the cleared bytes.
    More,
    /// The message ends with the cleared bytes.
    Boundary,
    /// What follows the cleared bytes is wrong.
    Violated(FramingViolation),
}

/// The place in the stream of messages.
///
/// Owns no bytes: what [`Messages::advance`] did not clear, its caller shows again with more behind it.
#[derive(Debug, Default)]
pub(super) struct Messages {
    place: Place,
    head: Head,
    heads: u64,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    Head,
    Content {
        left: u64,
    },
    ChunkSize {
        digits: u8,
        size: u64,
    },
    ChunkSizeFeed {
        size: u64,
    },
    ChunkContent {
        left: u64,
    },
    ChunkEnd,
    ChunkEndFeed,
    Trailers {
        bytes: usize,
        lines: usize,
    },
}

impl Messages {
    /// Looks at the bytes that follow those cleared before, up to the end of one message.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Advance {
        let mut cleared = 0;
        loop {
            match self.step(&bytes[cleared..]) {
                Ok(Step::Cleared(count)) => cleared += count,
                Ok(Step::Ended(count)) => {
                    self.place = Place::Head;
                    return Advance { cleared: cleared + count, then: Then::Boundary };
                }
                Ok(Step::Starved) => return Advance { cleared, then: Then::More },
                Err(violation) => return Advance { cleared, then: Then::Violated(violation) },
            }
        }
    }

    /// Whether the next byte belongs to a head.
    pub(super) fn in_head(&self) -> bool {
        matches!(self.place, Place::Head)
    }

    /// Heads completed so far.
    pub(super) fn heads(&self) -> u64 {
        self.heads
    }

    fn step(&mut self, bytes: &[u8]) -> Result<Step, FramingViolation> {
        if bytes.is_empty() {
            return Ok(Step::Starved);
        }
        match self.place {
            Place::Head => self.head(bytes),
            Place::Content { left } => {
                let count = within(bytes, left);
                self.place = Place::Content { left: left - count as u64 };
                Ok(if left == count as u64 { Step::Ended(count) } else { Step::Cleared(count) })
            }
            Place::ChunkSize { digits, size } => self.chunk_size(bytes[0], digits, size),
            Place::ChunkSizeFeed { size } => {
                // RFC 9112 §7.1: CR or LF alone does not end the line, whatever other recipients think.
                if bytes[0] != b'\n' {
                    return Err(FramingViolation::CarriageReturnBare);
                }
                self.place = if size == 0 {
                    Place::Trailers { bytes: 0, lines: 0 }
                } else {
                    Place::ChunkContent { left: size }
                };
                Ok(Step::Cleared(1))
            }
            Place::ChunkContent { left } => {
                let count = within(bytes, left);
                let left = left - count as u64;
                self.place = if left == 0 { Place::ChunkEnd } else { Place::ChunkContent { left } };
                Ok(Step::Cleared(count))
            }
            Place::ChunkEnd => self.expect(bytes[0], b'\r', Place::ChunkEndFeed),
            Place::ChunkEndFeed => self.expect(bytes[0], b'\n', Place::ChunkSize { digits: 0, size: 0 }),
            Place::Trailers { bytes: before, lines } => self.trailer(bytes, before, lines),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Step, FramingViolation> {
        let Some(head) = self.head.advance(bytes)? else { return Ok(Step::Starved) };
        self.head = Head::default();
        self.heads += 1;
        self.place = match head.body {
            BodyFraming::Length(0) => return Ok(Step::Ended(head.bytes)),
            BodyFraming::Length(left) => Place::Content { left },
            BodyFraming::Chunked => Place::ChunkSize { digits: 0, size: 0 },
        };
        Ok(Step::Cleared(head.bytes))
    }

    fn chunk_size(&mut self, byte: u8, digits: u8, size: u64) -> Result<Step, FramingViolation> {
        self.place = match (byte, char::from(byte).to_digit(16)) {
            // Sixteen digits fill a u64, and with CR LF make the longest line there is: 18 bytes.
            (_, Some(digit)) if digits < 16 => {
                Place::ChunkSize { digits: digits + 1, size: size << 4 | u64::from(digit) }
            }
            (b'\r', None) if digits > 0 => Place::ChunkSizeFeed { size },
            (b';' | b' ' | b'\t', None) if digits > 0 => return Err(FramingViolation::ChunkExtension),
            (b'\n', None) if digits > 0 => return Err(FramingViolation::LineFeedBare),
            _ => return Err(FramingViolation::ChunkSizeMalformed),
        };
        Ok(Step::Cleared(1))
    }

    fn expect(&mut self, byte: u8, expected: u8, next: Place) -> Result<Step, FramingViolation> {
        if byte != expected {
            return Err(FramingViolation::ChunkUnterminated);
        }
        self.place = next;
        Ok(Step::Cleared(1))
    }

    fn trailer(&mut self, bytes: &[u8], before: usize, lines: usize) -> Result<Step, FramingViolation> {
        let Some(feed) = memchr::memchr(b'\n', bytes) else {
            let fits = before + bytes.len() <= TRAILER_BYTES;
            return if fits { Ok(Step::Starved) } else { Err(FramingViolation::TrailersTooLong) };
        };
        let after = before + feed + 1;
        if after > TRAILER_BYTES {
            return Err(FramingViolation::TrailersTooLong);
        }
        let Some(line) = bytes[..feed].strip_suffix(b"\r") else {
            return Err(FramingViolation::LineFeedBare);
        };
        if line.is_empty() {
            return Ok(Step::Ended(feed + 1));
        }
        if lines == TRAILER_LINES {
            return Err(FramingViolation::TrailersTooLong);
        }
        let (name, _) = split_header(line)?;
        if is_forbidden_in_trailers(name) {
            return Err(FramingViolation::TrailerForbidden);
        }
        self.place = Place::Trailers { bytes: after, lines: lines + 1 };
        Ok(Step::Cleared(feed + 1))
    }
}

enum Step {
    Cleared(usize),
    Ended(usize),
    /// Needs more bytes than there are.
    Starved,
}

fn within(bytes: &[u8], left: u64) -> usize {
    usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()))
}

/// RFC 9110 §6.5.1: framing, routing, authentication, control data and content format, and whatever is ours.
fn is_forbidden_in_trailers(name: &[u8]) -> bool {
    let ours = name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"kelisim-"));
    ours || FORBIDDEN_IN_TRAILERS.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden.as_bytes()))
}

const FORBIDDEN_IN_TRAILERS: &[&str] = &[
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
