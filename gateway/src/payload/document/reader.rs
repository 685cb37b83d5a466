//! The pass over the text that makes a [`Document`], or finds the [`Fault`].

use std::cell::Cell;
use std::collections::HashMap;

use crate::payload::scan::{self, BadEscape};

use super::{Document, Fault, Index, Kind, MOST_ERRORS, SCANNED_MEMBERS, Slot, Step, digest, digest_within};

impl<'a> Document<'a> {
    /// Reads the whole of `bytes`, nested at most `depth` deep.
    pub(in crate::payload) fn read(bytes: &'a [u8], depth: u16) -> Result<Self, Box<Fault>> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(fault("json-too-large", "longer than 4 GiB", 0));
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(fault("json-bom", "starts with a byte order mark", 0));
        }
        let text = simdutf8::compat::from_utf8(bytes)
            .map_err(|error| fault("json-utf8", "not UTF-8", error.valid_up_to()))?;
        let document = Self {
            text,
            slots: Vec::with_capacity((bytes.len() / 8).clamp(4, 1 << 16)),
            decoded: String::new(),
            decoded_ranges: Vec::new(),
            indexes: HashMap::new(),
            fuel: Cell::new(u64::MAX),
            errors: Cell::new(MOST_ERRORS),
        };
        let mut reader = Reader { bytes, at: 0, document };
        reader.space();
        reader.value(depth)?;
        reader.space();
        if reader.at < bytes.len() {
            return Err(fault("json-syntax", "something follows the document", reader.at));
        }
        Ok(reader.document)
    }
}

/// Where the reading stands. Its text is known to be UTF-8.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    document: Document<'a>,
}

impl Reader<'_> {
    /// Reads a value that nests at most `depth` deep, from its first byte on.
    fn value(&mut self, depth: u16) -> Result<(), Box<Fault>> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Kind::True),
            Some(b'f') => self.word("false", Kind::False),
            Some(b'n') => self.word("null", Kind::Null),
            Some(_) => Err(self.syntax("expected a value")),
            None => Err(self.syntax("ends before the document does")),
        }
    }

    fn object(&mut self, depth: u16) -> Result<(), Box<Fault>> {
        let (slot, depth) = self.open(Kind::Object, depth)?;
        let mut count = 0;
        // One bit for each digest seen: a clear bit proves that the name is new.
        let mut seen = 0_u64;
        let mut index = None;
        if self.peek() != Some(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.syntax("expected the name of a member"));
                }
                let key = self.string()?;
                if !self.is_new(slot, key, count, &mut seen, &mut index) {
                    let at = self.document.range(key).start;
                    return Err(fault("json-duplicate-key", "two members of one name", at));
                }
                self.space();
                if self.peek() != Some(b':') {
                    return Err(self.syntax("expected a colon"));
                }
                self.at += 1;
                self.space();
                self.value(depth)
                    .map_err(|fault| within(fault, Step::Member(self.document.text(key).to_owned())))?;
                count += 1;
                if self.ends(b'}', "expected a comma or the end of the object")? {
                    break;
                }
            }
        }
        if let Some(index) = index {
            self.document.indexes.insert(slot, index);
        }
        self.close(slot, count);
        Ok(())
    }

    fn array(&mut self, depth: u16) -> Result<(), Box<Fault>> {
        let (slot, depth) = self.open(Kind::Array, depth)?;
        let mut count = 0;
        if self.peek() != Some(b']') {
            loop {
                self.value(depth).map_err(|fault| within(fault, Step::Element(count)))?;
                count += 1;
                if self.ends(b']', "expected a comma or the end of the array")? {
                    break;
                }
            }
        }
        self.close(slot, count);
        Ok(())
    }

    fn open(&mut self, kind: Kind, depth: u16) -> Result<(u32, u16), Box<Fault>> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(fault("json-depth", "nested too deeply", self.at));
        };
        let slot = self.push(kind, self.at, 0, 0);
        self.at += 1;
        self.space();
        Ok((slot, depth))
    }

    fn close(&mut self, slot: u32, count: usize) {
        let link = self.document.slots.len() as u32;
        self.at += 1;
        let slot = &mut self.document.slots[slot as usize];
        (slot.link, slot.count, slot.end) = (link, count as u32, self.at as u32);
    }

    /// Whether `end` comes next; otherwise a comma was read.
    fn ends(&mut self, end: u8, expected: &'static str) -> Result<bool, Box<Fault>> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(byte) if byte == end => Ok(true),
            _ => Err(self.syntax(expected)),
        }
    }

    /// Whether the name at `key` is none of the `count` names before it in the object at `slot`.
    fn is_new(
        &mut self,
        slot: u32,
        key: u32,
        count: usize,
        seen: &mut u64,
        index: &mut Option<Index>,
    ) -> bool {
        let Slot { kind, start, end, .. } = self.document.slots[key as usize];
        let digest = if kind == Kind::Text {
            digest_within(self.bytes, start as usize + 1, (end - start) as usize - 2)
        } else {
            digest(self.document.text(key).as_bytes())
        };
        self.document.slots[key as usize].link = digest;
        let document = &self.document;
        if count < SCANNED_MEMBERS {
            let bit = 1 << (digest & 63);
            let new =
                *seen & bit == 0 || document.scan(slot + 1, count, document.text(key), digest).is_none();
            *seen |= bit;
            return new;
        }
        let index = index.get_or_insert_with(|| {
            let mut index = Index::default();
            let mut before = slot + 1;
            for _ in 0..count {
                index.insert(document, before);
                before = document.after(before + 1);
            }
            index
        });
        index.insert(document, key)
    }

    fn string(&mut self) -> Result<u32, Box<Fault>> {
        let start = self.at;
        self.at += 1;
        self.plain();
        if self.peek() != Some(b'"') {
            return self.escaped(start);
        }
        self.at += 1;
        Ok(self.push(Kind::Text, start, 0, 0))
    }

    /// Moves to the next byte of a string that does not stand for itself, or to the end.
    fn plain(&mut self) {
        self.at = scan::plain(self.bytes, self.at);
    }

    #[cold]
    fn escaped(&mut self, start: usize) -> Result<u32, Box<Fault>> {
        let first = self.document.decoded.len();
        let mut copied = start + 1;
        loop {
            self.document.decoded.push_str(&self.document.text[copied..self.at]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let meant = self.escape()?;
                    self.document.decoded.push(meant);
                }
                Some(_) => return Err(self.syntax("a control character in a string")),
                None => return Err(self.syntax("ends within a string")),
            }
            copied = self.at;
            self.plain();
        }
        self.at += 1;
        let document = &mut self.document;
        let count = document.decoded_ranges.len() as u32;
        document.decoded_ranges.push((first as u32, document.decoded.len() as u32));
        Ok(self.push(Kind::Escaped, start, 0, count))
    }

    /// Reads an escape sequence, from its backslash on.
    fn escape(&mut self) -> Result<char, Box<Fault>> {
        let (meant, next) = scan::escape(self.bytes, self.at).map_err(|bad| match bad {
            BadEscape::Unknown(at) => fault("json-syntax", "no such escape", at),
            BadEscape::Digits(at) => fault("json-syntax", "expected four hexadecimal digits", at),
            BadEscape::Surrogate(at) => fault("json-surrogate", "half of a surrogate pair", at),
        })?;
        self.at = next;
        Ok(meant)
    }

    fn number(&mut self) -> Result<(), Box<Fault>> {
        let start = self.at;
        let mut kind = Kind::Integer;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            kind = Kind::Real;
            self.at += 1;
            self.digits()?;
        }
        let mut risky = self.at - start > LARGEST_SAFE_DIGITS;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            (kind, risky) = (Kind::Real, true);
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if risky && !self.document.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(fault("json-number", "a number too large for a double", start));
        }
        self.push(kind, start, 0, 0);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Box<Fault>> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("expected a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<(), Box<Fault>> {
        let start = self.at;
        if !self.bytes[start..].starts_with(word.as_bytes()) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        self.push(kind, start, 0, 0);
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, link: u32, count: u32) -> u32 {
        let slots = &mut self.document.slots;
        slots.push(Slot { kind, start: start as u32, end: self.at as u32, link, count });
        slots.len() as u32 - 1
    }

    #[inline]
    fn space(&mut self) {
        self.at = scan::space(self.bytes, self.at);
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[cold]
    fn syntax(&self, reason: &'static str) -> Box<Fault> {
        fault("json-syntax", reason, self.at)
    }
}

#[cold]
fn fault(code: &'static str, reason: &'static str, at: usize) -> Box<Fault> {
    Box::new(Fault { code, reason, at, path: Vec::new() })
}

#[cold]
fn within(mut fault: Box<Fault>, step: Step) -> Box<Fault> {
    fault.path.push(step);
    fault
}

/// A number of fewer characters, without exponent, is surely within the range of a double.
const LARGEST_SAFE_DIGITS: usize = 300;
