//! A strict reader of DER, for the few structures that we judge ourselves.
//!
//! It borrows, never panics and never allocates: what it is given comes from strangers. [`wrap`] writes what we say ourselves.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The bytes are not DER of the expected shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not valid DER")]
pub(crate) struct BadDer;

/// What is left to read of one constructed value.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// One tag, length and value.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// The same with tag and length.
    pub(crate) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads `bytes` as exactly one value with `tag`.
    pub(crate) fn only(bytes: &'a [u8], tag: u8) -> Result<&'a [u8], BadDer> {
        let mut reader = Self::new(bytes);
        let content = reader.expect(tag)?;
        reader.end()?;
        Ok(content)
    }

    pub(crate) fn next(&mut self) -> Result<Element<'a>, BadDer> {
        let [tag, first, after @ ..] = self.rest else { return Err(BadDer) };
        if tag & 0x1f == 0x1f {
            return Err(BadDer); // no structure here uses tags above 30
        }
        let (length, after) = match first {
            0..=0x7f => (usize::from(*first), after),
            0x81..=0x84 => {
                let (digits, after) = after.split_at_checked(usize::from(first & 0x7f)).ok_or(BadDer)?;
                let length = digits.iter().fold(0u64, |sum, digit| sum << 8 | u64::from(*digit));
                if digits[0] == 0 || length < 0x80 {
                    return Err(BadDer);
                }
                (usize::try_from(length).map_err(|_| BadDer)?, after)
            }
            _ => return Err(BadDer),
        };
        let (content, rest) = after.split_at_checked(length).ok_or(BadDer)?;
        let whole = &self.rest[..self.rest.len() - rest.len()];
        self.rest = rest;
        Ok(Element { tag: *tag, content, whole })
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], BadDer> {
        let element = self.next()?;
        if element.tag == tag { Ok(element.content) } else { Err(BadDer) }
    }

    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BadDer> {
        if self.peek() == Some(tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    pub(crate) fn integer(&mut self) -> Result<&'a [u8], BadDer> {
        let content = self.expect(INTEGER)?;
        match content {
            [] => Err(BadDer),
            [0x00, next, ..] if next & 0x80 == 0 => Err(BadDer),
            [0xff, next, ..] if next & 0x80 != 0 => Err(BadDer),
            _ => Ok(content),
        }
    }

    /// A `BOOLEAN DEFAULT FALSE` with `tag`; DER never writes the default down, but old authorities do.
    pub(crate) fn flag(&mut self, tag: u8) -> Result<bool, BadDer> {
        match self.optional(tag)? {
            None | Some([0x00]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(BadDer),
        }
    }

    /// A bit string of whole bytes, such as a key or a signature.
    pub(crate) fn bit_bytes(&mut self) -> Result<&'a [u8], BadDer> {
        match self.expect(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(BadDer),
        }
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, BadDer> {
        let element = self.next()?;
        time(element.tag, element.content)
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn end(&self) -> Result<(), BadDer> {
        if self.is_empty() { Ok(()) } else { Err(BadDer) }
    }
}

/// Reads a `UTCTime` or `GeneralizedTime` as RFC 5280 §4.1.2.5 allows them: to the second, in UTC.
pub(crate) fn time(tag: u8, content: &[u8]) -> Result<Timestamp, BadDer> {
    let (century_known, digits) = match (tag, content) {
        (UTC_TIME, [digits @ .., b'Z']) if digits.len() == 12 => (false, digits),
        (GENERALIZED_TIME, [digits @ .., b'Z']) if digits.len() == 14 => (true, digits),
        _ => return Err(BadDer),
    };
    let mut pairs = [0i8; 7];
    for (pair, two) in pairs.iter_mut().rev().zip(digits.rchunks(2)) {
        let [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = two else { return Err(BadDer) };
        *pair = ((tens - b'0') * 10 + (ones - b'0')).cast_signed();
    }
    let [century, year, month, day, hour, minute, second] = pairs;
    let century = match (century_known, year) {
        (true, _) => i16::from(century),
        (false, 50..) => 19,
        (false, _) => 20,
    };
    let civil = DateTime::new(century * 100 + i16::from(year), month, day, hour, minute, second, 0)
        .map_err(|_| BadDer)?;
    // RFC 5280 §4.1.2.5: 99991231235959Z means "no end"; it lies a day after what a Timestamp can hold.
    Ok(civil.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

/// A value of these parts under `tag`.
pub(crate) fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let digits = length.to_be_bytes();
    let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
    let mut der = vec![tag];
    if length < 0x80 {
        der.extend(u8::try_from(length));
    } else {
        der.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
        der.extend_from_slice(digits);
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag of a primitive context-specific value.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag of a constructed context-specific value.
pub(crate) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_must_be_minimal_and_inside() {
        for bad in [&[0x04, 0x81, 0x01, 0x00][..], &[0x04, 0x80], &[0x04, 2, 0], &[0x1f, 0x01, 0x00], &[4]] {
            assert!(Reader::new(bad).next().is_err(), "{bad:02x?}");
        }
        assert_eq!(Reader::only(&[0x04, 1, 7], OCTET_STRING), Ok(&[7][..]));
        assert_eq!(Reader::only(&[0x04, 1, 7, 0], OCTET_STRING), Err(BadDer));
    }

    #[test]
    fn times_are_read_to_the_second() {
        let stamp = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(time(UTC_TIME, b"170302001122Z"), Ok(stamp("2017-03-02T00:11:22Z")));
        assert_eq!(time(UTC_TIME, b"500101000000Z"), Ok(stamp("1950-01-01T00:00:00Z")));
        assert_eq!(time(GENERALIZED_TIME, b"20500101000000Z"), Ok(stamp("2050-01-01T00:00:00Z")));
        assert_eq!(time(GENERALIZED_TIME, b"99991231235959Z"), Ok(Timestamp::MAX));
        for bad in [&b"171302001122Z"[..], b"1703020011Z", b"17030200112 Z", b"170302001122+"] {
            assert!(time(UTC_TIME, bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_run_on(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            let mut seen = 0;
            while let Ok(element) = reader.next() {
                seen += element.whole.len();
            }
            prop_assert!(seen <= bytes.len());
            let _ = time(UTC_TIME, &bytes);
            let _ = time(GENERALIZED_TIME, &bytes);
        }
    }
}
