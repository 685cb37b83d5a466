//! How values look in an entry: times, digests, and text that a peer chose.

use std::borrow::Cow;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Text that a peer chose; longer than [`Claim::MAX_BYTES`] it is cut, and ends in `…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claim<'a>(Cow<'a, str>);

impl<'a> Claim<'a> {
    /// Most bytes of one claim. All claims of an entry together, each byte escaped, fit into [`super::MAX_LINE`].
    pub const MAX_BYTES: usize = 192;

    /// Takes what fits.
    pub fn new(text: &'a str) -> Self {
        if text.len() <= Self::MAX_BYTES {
            return Self(Cow::Borrowed(text));
        }
        let mut cut = text[..text.floor_char_boundary(Self::MAX_BYTES - '…'.len_utf8())].to_owned();
        cut.push('…');
        Self(Cow::Owned(cut))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<std::net::IpAddr> for Claim<'_> {
    fn from(address: std::net::IpAddr) -> Self {
        Self(Cow::Owned(address.to_string()))
    }
}

/// SHA-256 of a body; hexadecimal in the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sha256(pub [u8; 32]);

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_hex(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_hex(&String::deserialize(deserializer)?)
            .map(Self)
            .ok_or_else(|| D::Error::custom("64 lower-case hexadecimal digits expected"))
    }
}

/// For `#[serde(with)]`: a certificate's fingerprint in hexadecimal.
pub(super) mod fingerprint {
    use agreements::Fingerprint;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize_hex(value.as_bytes(), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
        super::Sha256::deserialize(deserializer).map(|digest| Fingerprint::new(digest.0))
    }
}

/// For `#[serde(serialize_with)]`: RFC 3339 with microseconds always, so that text order is time order.
pub(super) fn micros<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(time(*at).as_ref())
}

/// RFC 3339 with microseconds always.
pub(super) fn time(at: Timestamp) -> Stack<32> {
    let mut text = Stack { bytes: [0; 32], len: 0 };
    PRINTER.print_timestamp(&at, &mut text).expect("the longest timestamp fits");
    text
}

fn serialize_hex<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(hex(digest).as_ref())
}

/// A digest in hexadecimal.
pub(super) fn hex(digest: &[u8; 32]) -> Stack<64> {
    let mut bytes = [0; 64];
    for (at, byte) in digest.iter().enumerate() {
        bytes[2 * at] = DIGITS[usize::from(byte >> 4)];
        bytes[2 * at + 1] = DIGITS[usize::from(byte & 15)];
    }
    Stack { bytes, len: 64 }
}

pub(super) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte);
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(digest)
}

/// Text on its way into a line, without allocation.
pub(super) struct Stack<const MOST: usize> {
    bytes: [u8; MOST],
    len: usize,
}

impl<const MOST: usize> AsRef<str> for Stack<MOST> {
    fn as_ref(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("only text was written")
    }
}

impl<const MOST: usize> jiff::fmt::Write for Stack<MOST> {
    fn write_str(&mut self, text: &str) -> Result<(), jiff::Error> {
        let room = self.bytes.get_mut(self.len..self.len + text.len());
        room.expect("what is written fits").copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_claim_is_cut_between_characters() {
        let long = "қ".repeat(Claim::MAX_BYTES);
        let claim = Claim::new(&long);
        assert!(claim.as_str().len() <= Claim::MAX_BYTES && claim.as_str().ends_with("қ…"));
        assert_eq!(Claim::new("short").as_str(), "short");
    }

    #[test]
    fn digest_is_read_as_it_was_written() {
        let digest = Sha256(std::array::from_fn(|n| (n * 37) as u8));
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Sha256>(&text).unwrap(), digest);
        assert!(serde_json::from_str::<Sha256>(&text.to_uppercase()).is_err());
    }

    #[test]
    fn time_has_microseconds_even_when_they_are_zero() {
        #[derive(Serialize)]
        struct At(#[serde(serialize_with = "micros")] Timestamp);
        let text = |at: &str| serde_json::to_string(&At(at.parse().unwrap())).unwrap();
        assert_eq!(text("2026-11-22T01:02:03Z"), "\"2026-11-22T01:02:03.000000Z\"");
        assert_eq!(text("-009999-01-02T01:59:59.123456789Z"), "\"-009999-01-02T01:59:59.123456Z\"");
    }
}
