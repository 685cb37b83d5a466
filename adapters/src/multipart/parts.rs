//! Where one part ends and the next begins, in a stream that may be cut anywhere.

use memchr::memmem::Finder;

use super::Boundary;
use super::head::{Malformed, PartHead};

/// What is told of a body as it is read.
pub(super) trait Reader {
    /// What may be wrong with what is told.
    type Error: From<Malformed>;

    /// A part begins.
    fn begins(&mut self, head: PartHead) -> Result<(), Self::Error>;

    /// The next bytes of its content.
    fn content(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// It ends.
    fn ends(&mut self) -> Result<(), Self::Error>;
}

/// The place in a body.
#[derive(Debug)]
pub(super) struct Parts {
    place: Place,
    /// What was read and not yet told: a head that is not whole, or what may be a delimiter's beginning.
    held: Vec<u8>,
    /// Line end, hyphens and boundary.
    delimiter: Finder<'static>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first delimiter, which has no line end before it.
    First,
    Head,
    /// Behind a head: content, which does not begin as a delimiter does.
    Opening,
    Content,
    /// Behind a delimiter: a line end, or two hyphens.
    Behind,
    /// Behind the last: a line end, or nothing.
    Last,
}

impl Parts {
    pub(super) fn new(boundary: &Boundary) -> Self {
        let delimiter = [b"\r\n", boundary.delimiter.as_slice()].concat();
        // As if a line had ended before the body: the first delimiter is then as all others.
        Self { place: Place::First, held: b"\r\n".to_vec(), delimiter: Finder::new(&delimiter).into_owned() }
    }

    pub(super) fn push<R: Reader>(&mut self, bytes: &[u8], reader: &mut R) -> Result<(), R::Error> {
        let mut bytes = bytes;
        loop {
            // Content is told from where it lies, but for what may be cut at either end.
            if self.place == Place::Content && self.held.is_empty() {
                let told = self.content(bytes, reader)?;
                bytes = &bytes[told..];
                if self.place == Place::Content {
                    self.held.extend_from_slice(bytes);
                    return Ok(());
                }
            }
            // So few bytes at a time that what is held stays small.
            let count = bytes.len().min(STEP_BYTES);
            self.held.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            let (mut held, before) = (std::mem::take(&mut self.held), self.place);
            let told = self.step(&held, reader)?;
            held.drain(..told);
            self.held = held;
            if told == 0 && self.place == before && bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// Says at the end whether there is nothing left to come.
    pub(super) fn finish(&self) -> Result<(), Malformed> {
        match (self.place, self.held.as_slice()) {
            (Place::Last, b"" | b"\r\n") => Ok(()),
            _ => Err(Malformed("the last boundary is missing")),
        }
    }

    /// Takes what it can of the bytes, and says how many.
    fn step<R: Reader>(&mut self, bytes: &[u8], reader: &mut R) -> Result<usize, R::Error> {
        let delimiter = self.delimiter.needle();
        match self.place {
            Place::First => {
                let wanted = delimiter.len().min(bytes.len());
                if bytes[..wanted] != delimiter[..wanted] {
                    return Err(Malformed("something stands before the first boundary").into());
                }
                if wanted < delimiter.len() {
                    return Ok(0);
                }
                self.place = Place::Behind;
                Ok(wanted)
            }
            Place::Behind => match bytes {
                [] | [b'\r'] | [b'-'] => Ok(0),
                [b'\r', b'\n', ..] => {
                    self.place = Place::Head;
                    Ok(2)
                }
                [b'-', b'-', ..] => {
                    self.place = Place::Last;
                    Ok(2)
                }
                _ => Err(Malformed("something stands behind a boundary").into()),
            },
            Place::Head => {
                // An empty head ends at once.
                let (lines, whole) = match bytes {
                    [b'\r', b'\n', ..] => (0, 2),
                    _ => match memchr::memmem::find(bytes, b"\r\n\r\n") {
                        Some(at) => (at + 2, at + 4),
                        None if bytes.len() > MOST_HEAD_BYTES => {
                            return Err(Malformed("a part's head is too long").into());
                        }
                        None => return Ok(0),
                    },
                };
                if whole > MOST_HEAD_BYTES {
                    return Err(Malformed("a part's head is too long").into());
                }
                reader.begins(PartHead::read(&bytes[..lines])?)?;
                self.place = Place::Opening;
                Ok(whole)
            }
            Place::Opening => {
                let wanted = (delimiter.len() - 2).min(bytes.len());
                if bytes[..wanted] != delimiter[2..][..wanted] {
                    self.place = Place::Content;
                } else if wanted == delimiter.len() - 2 {
                    // RFC 2046 §5.1.1: the line end before a delimiter belongs to it. Here it would belong to the head
                    // too, and readers differ.
                    return Err(Malformed("a part ends before it begins").into());
                }
                Ok(0)
            }
            Place::Content => self.content(bytes, reader),
            Place::Last => {
                if bytes.len() > 2 || !b"\r\n".starts_with(bytes) {
                    return Err(Malformed("something stands behind the last boundary").into());
                }
                Ok(0)
            }
        }
    }

    /// Tells content up to a delimiter, or up to what may become one.
    fn content<R: Reader>(&mut self, bytes: &[u8], reader: &mut R) -> Result<usize, R::Error> {
        let delimiter = self.delimiter.needle();
        if let Some(at) = self.delimiter.find(bytes) {
            let whole = at + delimiter.len();
            reader.content(&bytes[..at])?;
            reader.ends()?;
            self.place = Place::Behind;
            return Ok(whole);
        }
        let mut told = bytes.len();
        let from = bytes.len().saturating_sub(delimiter.len() - 1);
        for at in from..bytes.len() {
            if bytes[at] == b'\r' && delimiter.starts_with(&bytes[at..]) {
                told = at;
                break;
            }
        }
        reader.content(&bytes[..told])?;
        Ok(told)
    }
}

/// Most bytes of one part's head.
const MOST_HEAD_BYTES: usize = 2 << 10;
/// How many bytes are taken at a time where they are held.
const STEP_BYTES: usize = 1 << 10;
