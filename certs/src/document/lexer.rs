//! The one object of a PDF in which a signature stands, read strictly (ISO 32000-1 §7.3).

use std::ops::Range;

/// A value, as far as it matters here.
pub(super) enum Value {
    Dictionary(Dictionary),
    Array(Vec<Value>),
    /// A name, without its slash, as it is meant.
    Name(Vec<u8>),
    /// A string in hexadecimal, by its place with its brackets.
    Hexadecimal(Range<usize>),
    /// A string in parentheses, as it is spelled.
    Text(Vec<u8>),
    /// A whole number from 0 on.
    Number(u64),
    /// Anything else.
    Other,
}

/// Names with their values, none twice.
pub(super) struct Dictionary(pub(super) Vec<(Vec<u8>, Value)>);

/// Reads bytes as one value and nothing else.
pub(super) fn read(bytes: &[u8]) -> Result<Value, &'static str> {
    let mut lexer = Lexer { bytes, at: 0, values: 0 };
    let value = lexer.value(0)?;
    lexer.skip_blanks();
    if lexer.at == bytes.len() { Ok(value) } else { Err("something stands behind its dictionary") }
}

/// Where the content of the last object begins: behind `12 0 obj`.
pub(super) fn object_before(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    while let Some(at) = memchr::memmem::rfind(&bytes[..end], b"obj") {
        let before = bytes[..at].trim_ascii_end();
        let generation = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let number = before[..before.len() - generation].trim_ascii_end();
        let digits = number.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let apart = number.len() + generation < before.len() && before.len() < at;
        if generation > 0 && digits > 0 && apart {
            return Some(at + 3);
        }
        end = at;
    }
    None
}

/// Whether a byte goes on with a name or a keyword.
pub(super) fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !b"()<>[]{}/%".contains(&byte)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

impl Value {
    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The dictionaries in it that have a member of that name.
    pub(super) fn dictionaries_with<'a>(&'a self, name: &[u8], found: &mut Vec<&'a Dictionary>) {
        match self {
            Self::Dictionary(dictionary) => {
                if dictionary.0.iter().any(|(known, _)| known == name) {
                    found.push(dictionary);
                }
                dictionary.0.iter().for_each(|(_, value)| value.dictionaries_with(name, found));
            }
            Self::Array(values) => values.iter().for_each(|value| value.dictionaries_with(name, found)),
            Self::Name(_) | Self::Hexadecimal(_) | Self::Text(_) | Self::Number(_) | Self::Other => {}
        }
    }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Lexer<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, &'static str> {
        self.skip_blanks();
        self.values += 1;
        if depth > DEEPEST || self.values > MOST_VALUES {
            return Err("its dictionary is too deep, or too long");
        }
        let start = self.at;
        match self.rest() {
            [b'<', b'<', ..] => self.dictionary(depth),
            [b'<', ..] => {
                let length = self.rest().iter().position(|byte| *byte == b'>').ok_or(BROKEN)?;
                self.at += length + 1;
                Ok(Value::Hexadecimal(start..self.at))
            }
            [b'(', ..] => self.text(),
            [b'[', ..] => {
                self.at += 1;
                let mut values = Vec::new();
                loop {
                    self.skip_blanks();
                    if self.rest().first() == Some(&b']') {
                        self.at += 1;
                        return Ok(Value::Array(values));
                    }
                    values.push(self.value(depth + 1)?);
                }
            }
            [b'/', ..] => self.name().map(Value::Name),
            [first, ..] if is_regular(*first) => {
                let word = self.word();
                if word.iter().all(u8::is_ascii_digit) && word.len() <= 15 {
                    if self.skip_reference() {
                        return Ok(Value::Other);
                    }
                    return Ok(Value::Number(
                        word.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')),
                    ));
                }
                Ok(Value::Other)
            }
            _ => Err(BROKEN),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Value, &'static str> {
        self.at += 2;
        let mut members: Vec<(Vec<u8>, Value)> = Vec::new();
        loop {
            self.skip_blanks();
            match self.rest() {
                [b'>', b'>', ..] => {
                    self.at += 2;
                    return Ok(Value::Dictionary(Dictionary(members)));
                }
                [b'/', ..] => {
                    let name = self.name()?;
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err("a member of its dictionary is there twice");
                    }
                    members.push((name, self.value(depth + 1)?));
                }
                _ => return Err(BROKEN),
            }
        }
    }

    /// A name, its escapes resolved.
    fn name(&mut self) -> Result<Vec<u8>, &'static str> {
        self.at += 1;
        let word = self.word();
        let mut name = Vec::with_capacity(word.len());
        let mut bytes = word.iter();
        while let Some(byte) = bytes.next() {
            if *byte != b'#' {
                name.push(*byte);
                continue;
            }
            let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
            let (high, low) = (digit(bytes.next()).ok_or(BROKEN)?, digit(bytes.next()).ok_or(BROKEN)?);
            name.push(u8::try_from(high << 4 | low).map_err(|_| BROKEN)?);
        }
        Ok(name)
    }

    fn text(&mut self) -> Result<Value, &'static str> {
        let start = self.at + 1;
        let (mut open, mut escaped) = (0_usize, false);
        for (at, byte) in self.bytes.iter().enumerate().skip(self.at) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        self.at = at + 1;
                        return Ok(Value::Text(self.bytes[start..at].to_vec()));
                    }
                }
                _ => {}
            }
        }
        Err(BROKEN)
    }

    /// Behind a whole number: what makes it a reference, `0 R`.
    fn skip_reference(&mut self) -> bool {
        let before = self.at;
        self.skip_blanks();
        let generation = self.word();
        if !generation.is_empty() && generation.iter().all(u8::is_ascii_digit) {
            self.skip_blanks();
            if self.word() == b"R" {
                return true;
            }
        }
        self.at = before;
        false
    }

    fn word(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().iter().take_while(|byte| is_blank(**byte)).count();
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }
}

const BROKEN: &str = "its dictionary cannot be read";
const DEEPEST: usize = 8;
const MOST_VALUES: usize = 1000;
