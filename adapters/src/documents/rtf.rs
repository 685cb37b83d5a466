//! A rich text as it passes, its groups followed to the brace that closes the first: what stands behind is not part of it.
//!
//! Braces count unless they are escaped or stand in what `\bin` counts off. Where readers could differ over what `\bin` counts
//! off, the text is refused.

use memchr::memchr3;

use super::Unfit;
use super::tail::Behind;

/// A rich text as it passes.
#[derive(Debug, Default)]
pub(super) struct Rtf {
    place: Place,
    depth: u64,
    behind: Behind,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    Text,
    /// Behind a backslash.
    Escape,
    /// A byte in so many hexadecimal digits more.
    Hex(u8),
    /// The letters of a control word: the first three, and how many.
    Word([u8; 3], u64),
    /// The number behind one.
    Number {
        is_bin: bool,
        is_negative: bool,
        digits: u64,
        number: u32,
    },
    Binary(u32),
    Done,
}

impl Rtf {
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Unfit> {
        while let Some(first) = bytes.first() {
            let taken = match self.place {
                Place::Text => match memchr3(b'{', b'}', b'\\', bytes) {
                    Some(at) => {
                        self.mark(bytes[at]);
                        at + 1
                    }
                    None => bytes.len(),
                },
                Place::Binary(left) => {
                    let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - taken as u32;
                    self.place = if left > 0 { Place::Binary(left) } else { Place::Text };
                    taken
                }
                Place::Done => return self.behind.push(bytes),
                place => usize::from(self.control(place, *first)? == Took::It),
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Says at the end whether it was whole.
    pub(super) fn finish(&self) -> Result<(), Unfit> {
        if matches!(self.place, Place::Done) { Ok(()) } else { Err(super::tail::MISSING) }
    }

    fn mark(&mut self, mark: u8) {
        match mark {
            b'{' => self.depth += 1,
            b'}' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.place = Place::Done;
                }
            }
            _ => self.place = Place::Escape,
        }
    }

    fn control(&mut self, place: Place, byte: u8) -> Result<Took, Unfit> {
        let (next, took) = match (place, byte) {
            (Place::Escape, b'\'') => (Place::Hex(2), Took::It),
            (Place::Escape, byte) if byte.is_ascii_alphabetic() => (Place::Word([byte, 0, 0], 1), Took::It),
            // A symbol: an escaped brace too.
            (Place::Escape, _) => (Place::Text, Took::It),
            (Place::Hex(left), byte) if byte.is_ascii_hexdigit() => {
                (if left > 1 { Place::Hex(left - 1) } else { Place::Text }, Took::It)
            }
            (Place::Hex(_), _) => return Err(Unfit::Damaged("an escaped character is none")),
            (Place::Word(mut first, count), byte) if byte.is_ascii_alphabetic() => {
                if let Some(letter) = usize::try_from(count).ok().and_then(|at| first.get_mut(at)) {
                    *letter = byte;
                }
                (Place::Word(first, count + 1), Took::It)
            }
            (Place::Word(first, count), b'-' | b'0'..=b'9') => {
                let is_bin = count == 3 && first.eq_ignore_ascii_case(b"bin");
                if is_bin && &first != b"bin" {
                    return Err(BINARY);
                }
                let number = Place::Number { is_bin, is_negative: byte == b'-', digits: 0, number: 0 };
                (number, if byte == b'-' { Took::It } else { Took::Nothing })
            }
            (Place::Number { is_bin, is_negative, digits, number }, b'0'..=b'9') => {
                let number = number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                (Place::Number { is_bin, is_negative, digits: digits + 1, number }, Took::It)
            }
            (Place::Number { is_bin: true, is_negative, digits, number }, _) => {
                if is_negative || digits > MOST_DIGITS || number > 0 && byte != b' ' {
                    return Err(BINARY);
                }
                let next = if number > 0 { Place::Binary(number) } else { Place::Text };
                (next, if byte == b' ' { Took::It } else { Took::Nothing })
            }
            // A blank behind a word belongs to it.
            (_, b' ') => (Place::Text, Took::It),
            (_, _) => (Place::Text, Took::Nothing),
        };
        self.place = next;
        Ok(took)
    }
}

/// Whether a byte was the control's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Took {
    It,
    Nothing,
}

/// Most digits of a number of bytes: with more, readers' numbers run over.
const MOST_DIGITS: u64 = 9;

const BINARY: Unfit = Unfit::Damaged("readers differ over which bytes of it are not text");
