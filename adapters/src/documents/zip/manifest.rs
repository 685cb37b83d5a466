//! What an office document's list of parts, and their relationships, say of macros, whatever the parts are called.
//!
//! XML writes one text in several ways: in UTF-8 or UTF-16, with characters or references to them. These are undone as it
//! passes. What would be read otherwise still, other encodings and definitions of its own, such lists may not have
//! (ECMA-376-2, 8.1.4), and is refused.

use super::super::Unfit;
use super::super::lookout::Lookout;

/// Such a part as it passes.
#[derive(Debug)]
pub(super) struct Manifest {
    reference: Reference,
    macros: [Lookout; SIGNS.len()],
    definitions: Lookout,
    /// The declaration, without blanks, until it was read.
    declaration: Option<Vec<u8>>,
    found: Option<Unfit>,
}

/// Where in `&name;` or `&#number;` a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    Outside,
    Begun,
    Named,
    Numbered,
    Decimal(u32),
    Hexadecimal(u32),
}

impl Manifest {
    /// Of a part of that name, if it is one.
    pub(super) fn of(name: &[u8]) -> Option<Box<Self>> {
        let name = name.to_ascii_lowercase();
        (name == CONTENT_TYPES || name.ends_with(b".rels")).then(|| {
            Box::new(Self {
                reference: Reference::Outside,
                macros: SIGNS.map(|sign| Lookout::new(sign, u64::MAX / 2)),
                definitions: Lookout::new(b"<!doctype", u64::MAX / 2),
                declaration: Some(Vec::new()),
                found: None,
            })
        })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(STEP_BYTES) {
            // In UTF-16 every other byte of what is looked for is nought.
            let text: Vec<u8> =
                bytes.iter().filter(|byte| **byte != 0).filter_map(|byte| self.plain(*byte)).collect();
            text.iter().for_each(|byte| self.declares(*byte));
            if self.definitions.meets(&text) {
                self.found.get_or_insert(Unfit::Unchecked("a list of its parts has definitions of its own"));
            }
            for sign in &mut self.macros {
                if sign.meets(&text) {
                    self.found = Some(Unfit::Macros);
                }
            }
        }
    }

    /// What was found, at its end.
    pub(super) fn found(&self) -> Option<Unfit> {
        let unended = self.declaration.as_ref().filter(|text| !text.is_empty()).map(|_| ENCODING);
        self.found.or(unended)
    }

    /// A byte as XML means it, in lower case, if it stands for itself or ends what stands for one.
    fn plain(&mut self, byte: u8) -> Option<u8> {
        use Reference::{Begun, Decimal, Hexadecimal, Named, Numbered, Outside};
        let digit = char::from(byte).to_digit(16);
        self.reference = match (self.reference, byte, digit) {
            (_, b'&', _) => Begun,
            (Outside, ..) => return Some(byte.to_ascii_lowercase()),
            (Decimal(number) | Hexadecimal(number), b';', _) => {
                self.reference = Outside;
                return u8::try_from(number).ok().map(|byte| byte.to_ascii_lowercase());
            }
            (_, b';', _) => Outside,
            (Begun, b'#', _) => Numbered,
            (Numbered, b'x', _) => Hexadecimal(0),
            (Numbered, b'0'..=b'9', Some(digit)) => Decimal(digit),
            (Decimal(number), b'0'..=b'9', Some(digit)) => {
                Decimal(number.saturating_mul(10).saturating_add(digit))
            }
            (Hexadecimal(number), _, Some(digit)) => {
                Hexadecimal(number.saturating_mul(16).saturating_add(digit))
            }
            (Begun | Named, b'a'..=b'z' | b'A'..=b'Z', _) => Named,
            // No reference, and no XML: what follows is looked at as it stands.
            _ => Outside,
        };
        None
    }

    /// What its first tag says of its encoding.
    fn declares(&mut self, byte: u8) {
        // Blanks, and what says in which order bytes stand, before the first sign.
        let Some(text) = self.declaration.as_mut().filter(|_| byte > b' ' && byte < 0x80) else { return };
        text.push(byte);
        if byte != b'>' && text.len() < DECLARATION_BYTES {
            return;
        }
        let is_known = match text.strip_prefix(b"<?xml") {
            Some(declaration) if byte == b'>' => is_known(declaration),
            Some(_) => false,
            None => text.starts_with(b"<"),
        };
        self.declaration = None;
        if !is_known {
            self.found.get_or_insert(ENCODING);
        }
    }
}

/// Whether a declaration names no encoding, or one in which what is looked for reads the same.
fn is_known(declaration: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(declaration) else { return false };
    let mut said = text.split("encoding=");
    let (_, Some(encoding), None) = (said.next(), said.next(), said.next()) else {
        return !text.contains("encoding");
    };
    let known = |name: &&str| {
        ['"', '\''].iter().any(|quote| {
            encoding
                .strip_prefix(*quote)
                .is_some_and(|rest| rest.strip_prefix(*name).is_some_and(|rest| rest.starts_with(*quote)))
        })
    };
    ENCODINGS.iter().any(known)
}

/// What office documents call the list of their parts' types.
pub(super) const CONTENT_TYPES: &[u8] = b"[content_types].xml";

/// Media types and relationships that only documents with macros have: of the main part, of macros, of sheets of macros. A
/// document with macros within, as an object, is another document.
const SIGNS: [&[u8]; 7] = [
    b"macroenabled.main",
    b"macroenabledtemplate.main",
    b"ms-office.vbaproject",
    b"relationships/vbaproject",
    b"macrosheet+xml",
    b"relationships/xlmacrosheet",
    b"relationships/xlintlmacrosheet",
];

const ENCODINGS: [&str; 6] = ["utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "iso-8859-1"];

/// Longer than any declaration with one encoding.
const DECLARATION_BYTES: usize = 256;

/// How many bytes are undone at a time.
const STEP_BYTES: usize = 1 << 10;

const ENCODING: Unfit = Unfit::Unchecked("a list of its parts is in an encoding that none of them may have");

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8]) -> Option<Unfit> {
        let judge = |cut: usize| {
            let mut manifest = Manifest::of(b"word/_rels/document.xml.rels").unwrap();
            text.chunks(cut).for_each(|piece| manifest.push(piece));
            manifest.found()
        };
        let whole = judge(usize::MAX);
        (1..30).for_each(|cut| assert_eq!(judge(cut), whole, "in pieces of {cut}"));
        whole
    }

    fn wide(text: &str) -> Vec<u8> {
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn macros_are_found_in_whatever_way_xml_writes_them() {
        let kind = "http://schemas.microsoft.com/office/2006/relationships/";
        for text in [
            format!("<Relationships><Relationship Type=\"{kind}vbaProject\"/>"),
            format!("<Relationships><Relationship Type=\"{kind}&#118;ba&#x00050;r&#0000111;ject\"/>"),
            format!("<?xml version='1.0' encoding='UTF-8'?><R Title='&amp;&lt;' Type='{kind}VBAPROJECT'/>"),
            "<Override ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/>".to_owned(),
            "<Override ContentType=\"application/vnd.ms-excel.macrosheet+xml\"/>".to_owned(),
        ] {
            assert_eq!(found(text.as_bytes()), Some(Unfit::Macros), "{text}");
            assert_eq!(found(&wide(&text)), Some(Unfit::Macros), "{text}");
        }
        for text in [
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<Relationships/>",
            "<?xml version='1.0'?><Types Title='Сту &amp; vbaProject'/>",
            "<Default Extension=\"xlsm\" ContentType=\"application/vnd.ms-excel.sheet.macroEnabled.12\"/>",
            "",
        ] {
            assert_eq!(found(text.as_bytes()), None, "{text}");
            assert_eq!(found(&wide(text)), None, "{text}");
        }
    }

    #[test]
    fn lists_that_others_could_read_otherwise_are_not_taken() {
        for text in [
            "<?xml version='1.0' encoding='UTF-7'?><Types/>",
            "<?xml version='1.0' encoding = \"ibm037\"?><Types/>",
            "<?xml version='1.0' encoding='utf-8' encoding='utf-7'?><Types/>",
            "<!DOCTYPE Types [<!ENTITY a \"vba\">]><Types/>",
            "Lo\u{94}",
            "<?xml version='1.0'",
        ] {
            assert!(matches!(found(text.as_bytes()), Some(Unfit::Unchecked(_))), "{text}");
        }
    }
}
