//! Distinguished names: comparing them as RFC 5280 §7.1 asks, and who stands behind a certificate.

use std::fmt;

use agreements::Bin;

use crate::der::{BadDer, OID, Reader, SEQUENCE, SET};

/// A distinguished name in a form whose bytes are equal exactly if the names match (RFC 5280 §7.1:
/// letter case, repeated spaces and the kind of string do not count).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ComparableName(Box<[u8]>);

impl ComparableName {
    /// Reads a whole `Name`, with its outer sequence.
    pub(crate) fn read(name: &[u8]) -> Result<Self, BadDer> {
        let mut bytes = Vec::with_capacity(name.len() + 16);
        let mut sets = Reader::new(Reader::only(name, SEQUENCE)?);
        while !sets.is_empty() {
            let mut attributes = Vec::new();
            let mut set = Reader::new(sets.expect(SET)?);
            while !set.is_empty() {
                attributes.push(Attribute::read(&mut set)?.comparable());
            }
            attributes.sort_unstable();
            push(&mut bytes, &(attributes.len() as u64).to_be_bytes());
            attributes.iter().for_each(|attribute| push(&mut bytes, attribute));
        }
        Ok(Self(bytes.into()))
    }
}

impl fmt::Debug for ComparableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComparableName({} bytes)", self.0.len())
    }
}

/// Whom a certificate names, in the words of Kazakhstan's registration certificates.
///
/// Everything here was written by the certification authority; control characters are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// `CN`: the code of a system, or the name of a person.
    pub common_name: Option<String>,
    /// `O`: the body or company.
    pub organisation: Option<String>,
    /// `serialNumber` `IIN…`: the individual's identification number, twelve digits.
    pub iin: Option<String>,
    /// `OU` `BIN…`: the body's business identification number, twelve digits.
    pub bin: Option<Bin>,
    /// The whole name, for people: `CN=…, O=…`.
    pub display: String,
}

impl Subject {
    /// Reads a whole `Name`. A number that is given twice, differently, is no number.
    pub(crate) fn read(name: &[u8]) -> Result<Self, BadDer> {
        let mut subject = Self::default();
        let (mut iins, mut bins) = (Vec::new(), Vec::new());
        let mut sets = Reader::new(Reader::only(name, SEQUENCE)?);
        while !sets.is_empty() {
            let mut set = Reader::new(sets.expect(SET)?);
            while !set.is_empty() {
                let attribute = Attribute::read(&mut set)?;
                let Some(text) = attribute.text() else { continue };
                let text: String = text
                    .chars()
                    .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
                    .collect();
                let label = match attribute.oid {
                    [0x55, 4, 3] => "CN",
                    [0x55, 4, 5] => "serialNumber",
                    [0x55, 4, 6] => "C",
                    [0x55, 4, 10] => "O",
                    [0x55, 4, 11] => "OU",
                    _ => "…",
                };
                if label != "…" {
                    let separator = if subject.display.is_empty() { "" } else { ", " };
                    subject.display.push_str(&format!("{separator}{label}={text}"));
                }
                match label {
                    "CN" => subject.common_name = Some(text),
                    "O" => subject.organisation = Some(text),
                    "serialNumber" => iins.extend(number(&text, "IIN")),
                    "OU" => bins.extend(number(&text, "BIN")),
                    _ => {}
                }
            }
        }
        subject.iin = single(iins);
        subject.bin = single(bins).and_then(|bin| Bin::new(&bin).ok());
        Ok(subject)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display)
    }
}

struct Attribute<'a> {
    oid: &'a [u8],
    tag: u8,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn read(set: &mut Reader<'a>) -> Result<Self, BadDer> {
        let mut attribute = Reader::new(set.expect(SEQUENCE)?);
        let oid = attribute.expect(OID)?;
        let value = attribute.next()?;
        attribute.end()?;
        Ok(Self { oid, tag: value.tag, value: value.content })
    }

    fn text(&self) -> Option<String> {
        match self.tag {
            // UTF8String, NumericString, PrintableString, IA5String
            0x0c | 0x12 | 0x13 | 0x16 => String::from_utf8(self.value.to_vec()).ok(),
            // BMPString
            0x1e if self.value.len().is_multiple_of(2) => {
                let units = self.value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                char::decode_utf16(units).collect::<Result<_, _>>().ok()
            }
            _ => None,
        }
    }

    fn comparable(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.value.len() + 16);
        push(&mut bytes, self.oid);
        match self.text() {
            Some(text) => {
                let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
                push(&mut bytes, words.join(" ").to_ascii_lowercase().as_bytes());
            }
            None => {
                bytes.push(self.tag);
                push(&mut bytes, self.value);
            }
        }
        bytes
    }
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

fn number(text: &str, prefix: &str) -> Option<String> {
    let digits = text.strip_prefix(prefix)?;
    (digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.to_owned())
}

fn single(mut numbers: Vec<String>) -> Option<String> {
    numbers.dedup();
    if numbers.len() == 1 { numbers.pop() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        let sets: Vec<u8> = attributes
            .iter()
            .flat_map(|(kind, tag, text)| {
                let pair = [wrap(OID, &[0x55, 4, *kind]), wrap(*tag, text)].concat();
                wrap(SET, &wrap(SEQUENCE, &pair))
            })
            .collect();
        wrap(SEQUENCE, &sets)
    }

    #[test]
    fn names_match_without_regard_to_case_spaces_and_kind_of_string() {
        let one = ComparableName::read(&name(&[(3, 0x0c, b"Test Intermediate CA")])).unwrap();
        let same = ComparableName::read(&name(&[(3, 0x13, b" tEST iNTERMEDIATE  ca")])).unwrap();
        let other = ComparableName::read(&name(&[(3, 0x0c, b"TestIntermediate CA")])).unwrap();
        let two =
            ComparableName::read(&name(&[(3, 0x0c, b"Test Intermediate CA"), (10, 0x0c, b"x")])).unwrap();
        assert!(one == same && one != other && one != two);
    }

    #[test]
    fn identification_numbers_are_twelve_digits_and_given_once() {
        let person = |units: &[&[u8]]| {
            let mut parts = vec![(3, 0x0c, &b"AIGERIM"[..]), (5, 0x13, &b"IIN880101400001"[..])];
            parts.extend(units.iter().map(|unit| (11, 0x0c, *unit)));
            Subject::read(&name(&parts)).unwrap()
        };
        assert_eq!(person(&[b"BIN990240001234"]).bin, Bin::new("990240001234").ok());
        assert_eq!(person(&[b"BIN990240001234"]).iin.as_deref(), Some("880101400001"));
        assert_eq!(person(&[b"BIN990240001234", b"BIN000000000000"]).bin, None);
        assert_eq!(person(&[b"BIN99024000123"]).bin, None);
        assert_eq!(person(&[b"BIN\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0"]).bin, None);
    }

    #[test]
    fn control_characters_never_reach_a_log_line() {
        let subject = Subject::read(&name(&[(3, 0x0c, b"a\nERROR b")])).unwrap();
        assert_eq!(subject.to_string(), "CN=a\u{fffd}ERROR b");
    }
}
