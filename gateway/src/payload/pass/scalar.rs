//! Strings and numbers, checked where they are read.

use super::program::{FRACTION, Found, INTEGER, NumberRule, Rule, Sort, TextCheck, TextRule};
use super::{Inside, Reading, format};
use crate::payload::document::{Kind, digest};
use crate::payload::tape::Place;

impl<'d> Reading<'_, 'd> {
    #[inline]
    pub(super) fn check_text(&mut self, rule: &TextRule, inside: Inside<'d>) -> Option<()> {
        if !inside.escaped {
            let bytes = inside.bytes.len() as u64;
            match rule.sort {
                // There are at most as many code points as bytes, and at least a fourth.
                Sort::Length if bytes <= rule.most && bytes / 4 >= rule.least => return Some(()),
                Sort::Date => return self.fit(format::is_date(inside.bytes)),
                Sort::Length | Sort::Other => {}
            }
        }
        self.check_text_closely(rule, inside)
    }

    #[inline(never)]
    fn check_text_closely(&mut self, rule: &TextRule, inside: Inside<'d>) -> Option<()> {
        self.check_inside(inside, |reading, text| reading.check_text_of(rule, text))
    }

    /// Checks what a string means, as UTF-8.
    pub(super) fn check_inside(
        &mut self,
        inside: Inside<'d>,
        check: impl FnOnce(&mut Self, &[u8]) -> Option<()>,
    ) -> Option<()> {
        if !inside.escaped {
            return check(self, inside.bytes);
        }
        self.decode(inside)?;
        let decoded = std::mem::take(&mut self.decoded);
        let checked = check(self, decoded.as_bytes());
        self.decoded = decoded;
        checked
    }

    #[inline]
    fn check_text_of(&mut self, rule: &TextRule, text: &[u8]) -> Option<()> {
        let bytes = text.len() as u64;
        if bytes > rule.most || bytes / 4 < rule.least {
            self.check_length(rule, text)?;
        }
        if let Some(values) = &rule.values {
            self.fit(values.find(text, digest(text)).is_some())?;
        }
        for check in &rule.checks {
            self.check(check, text)?;
        }
        Some(())
    }

    #[inline(never)]
    fn check_length(&mut self, rule: &TextRule, text: &[u8]) -> Option<()> {
        // Every code point has exactly one byte that continues nothing.
        let points = text.iter().filter(|byte| (**byte as i8) >= -0x40).count() as u64;
        self.fit((rule.least..=rule.most).contains(&points))
    }

    #[inline]
    pub(super) fn check(&mut self, check: &TextCheck, text: &[u8]) -> Option<()> {
        match check {
            TextCheck::Date => self.fit(format::is_date(text)),
            TextCheck::Row(row) => self.fit(row.matches(text)),
            TextCheck::Format(quick, _) if quick(text) => Some(()),
            TextCheck::Format(_, asked) => {
                let text = std::str::from_utf8(text).ok()?;
                self.fit(asked.0.is_valid(Place::Name(text)))
            }
            TextCheck::Pattern(found) => self.check_pattern(found, text),
        }
    }

    #[inline(never)]
    fn check_pattern(&mut self, Found { matches, fails }: &Found, text: &[u8]) -> Option<()> {
        self.burn(text.len())?;
        let text = std::str::from_utf8(text).ok()?;
        if matches.0.is_valid(Place::Name(text)) {
            return Some(());
        }
        // The engine may fail, which is neither.
        if fails.0.is_valid(Place::Name(text)) { self.fit(false) } else { None }
    }

    /// Reads a number from its first byte on.
    #[inline]
    pub(super) fn number(&mut self, start: &'d [u8], rule: &Rule) -> Option<&'d [u8]> {
        let (negative, digits) = match start {
            [b'-', after @ ..] => (true, after),
            _ => (false, start),
        };
        let mut rest = digits;
        let mut value = 0_i64;
        while let [digit @ b'0'..=b'9', after @ ..] = rest {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit & 15));
            rest = after;
        }
        let count = digits.len() - rest.len();
        if count == 0 || (count > 1 && digits[0] == b'0') {
            return None;
        }
        if let [b'.' | b'e' | b'E', ..] = rest {
            return self.real(start, rest, rule);
        }
        self.allow(rule, INTEGER)?;
        match &rule.number {
            Some(bounds) if count <= SURE_DIGITS && bounds.least <= bounds.most => {
                let value = if negative { -value } else { value };
                let bounded = bounds.least <= value && value <= bounds.most;
                self.fit(bounded && (bounds.step == 1 || value % bounds.step == 0))?;
            }
            None if count <= SURE_DIGITS => {}
            _ => self.integer_asked(start, rest, rule)?,
        }
        Some(rest)
    }

    #[inline(never)]
    fn integer_asked(&mut self, start: &'d [u8], rest: &'d [u8], rule: &Rule) -> Option<()> {
        self.number_asked(rule.number.as_deref(), self.source(start, rest)?, Kind::Integer)
    }

    /// Reads a number that is not written as an integer; `rest` follows its digits.
    #[inline(never)]
    fn real(&mut self, start: &'d [u8], rest: &'d [u8], rule: &Rule) -> Option<&'d [u8]> {
        let mut rest = rest;
        if let [b'.', after @ ..] = rest {
            rest = digits(after)?;
        }
        if let [b'e' | b'E', b'+' | b'-', after @ ..] | [b'e' | b'E', after @ ..] = rest {
            rest = digits(after)?;
        }
        let source = self.source(start, rest)?;
        let value: f64 = source.parse().ok()?;
        if !value.is_finite() {
            return None;
        }
        self.allow(rule, if value.fract() == 0.0 { INTEGER } else { FRACTION })?;
        if let Some(rule) = &rule.number {
            if rule.low.0.is_nan() {
                self.number_asked(Some(rule), source, Kind::Real)?;
            } else {
                let above = value > rule.low.0 || (rule.low.1 && value == rule.low.0);
                self.fit(above && (value < rule.high.0 || (rule.high.1 && value == rule.high.0)))?;
            }
        }
        Some(rest)
    }

    /// Leaves a number to the judge.
    #[inline(never)]
    fn number_asked(&mut self, rule: Option<&NumberRule>, source: &str, kind: Kind) -> Option<()> {
        if !source.parse::<f64>().is_ok_and(f64::is_finite) {
            return None;
        }
        let asked = rule.and_then(|rule| rule.rest.as_ref());
        self.fit(asked.is_none_or(|asked| asked.0.is_valid(Place::Number(source, kind))))
    }
}

/// What follows the digits, of which there is one at least.
fn digits(rest: &[u8]) -> Option<&[u8]> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count > 0 { rest.get(count..) } else { None }
}

/// An integer of no more digits is surely one of 64 bits, and of all that a double tells apart.
const SURE_DIGITS: usize = 15;
