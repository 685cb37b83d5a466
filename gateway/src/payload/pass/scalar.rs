//! Strings and numbers, checked where they are read.

use super::program::{FRACTION, Found, INTEGER, NumberRule, Plain, TextCheck, TextRule};
use super::{Inside, Reading, Stop, allow, fit, format};
use crate::payload::document::{Kind, digest};
use crate::payload::tape::Place;

impl Reading<'_, '_> {
    #[inline]
    pub(super) fn check_text(&mut self, rule: &TextRule, inside: Inside) -> Result<(), Stop> {
        if inside.escaped {
            return self.check_inside(inside, |reading, text| reading.check_whole(rule, text));
        }
        // Most strings of a schema have only a length, which bytes bound already.
        let bytes = (inside.end - inside.start) as u64;
        if rule.values.is_none() && rule.checks.is_empty() && bytes <= rule.most && bytes / 4 >= rule.least {
            return Ok(());
        }
        let text = self.text.get(inside.start..inside.end).ok_or(Stop::Unsure)?;
        self.check_whole(rule, text)
    }

    /// Checks what a string means.
    pub(super) fn check_inside(
        &mut self,
        inside: Inside,
        check: impl FnOnce(&mut Self, &str) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if !inside.escaped {
            let text = self.text.get(inside.start..inside.end).ok_or(Stop::Unsure)?;
            return check(self, text);
        }
        self.decode(inside)?;
        let decoded = std::mem::take(&mut self.decoded);
        let checked = check(self, &decoded);
        self.decoded = decoded;
        checked
    }

    fn check_whole(&mut self, rule: &TextRule, text: &str) -> Result<(), Stop> {
        let bytes = text.len() as u64;
        if bytes > rule.most || bytes / 4 < rule.least {
            // Every code point has exactly one byte that continues nothing.
            let points = text.bytes().filter(|byte| (*byte as i8) >= -0x40).count() as u64;
            fit((rule.least..=rule.most).contains(&points))?;
        }
        if let Some(values) = &rule.values {
            fit(values.find(text.as_bytes(), digest(text.as_bytes())).is_some())?;
        }
        rule.checks.iter().try_for_each(|check| self.check(check, text))
    }

    #[inline]
    pub(super) fn check(&mut self, check: &TextCheck, text: &str) -> Result<(), Stop> {
        match check {
            TextCheck::Date => fit(format::is_date(text.as_bytes())),
            TextCheck::Row(row) => fit(row.matches(text.as_bytes())),
            TextCheck::Format(quick, asked) => {
                fit(quick(text.as_bytes()) || asked.0.is_valid(Place::Name(text)))
            }
            TextCheck::Pattern(asked) => {
                let Found { matches, fails } = &**asked;
                self.burn(text.len())?;
                if matches.0.is_valid(Place::Name(text)) {
                    return Ok(());
                }
                // The engine may fail, which is neither.
                Err(if fails.0.is_valid(Place::Name(text)) { Stop::Misfit } else { Stop::Unsure })
            }
        }
    }

    pub(super) fn number(&mut self, plain: &Plain) -> Result<(), Stop> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let mut value = 0_i64;
        let digits = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit & 15));
            self.at += 1;
        }
        let count = self.at - digits;
        if count == 0 || (count > 1 && self.bytes.get(digits) == Some(&b'0')) {
            return Err(Stop::Unsure);
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return self.real(plain, start);
        }
        allow(plain, INTEGER)?;
        if count > SURE_DIGITS {
            return self.number_asked(plain.number.as_deref(), start, Kind::Integer);
        }
        let Some(rule) = plain.number.as_deref() else { return Ok(()) };
        let value = if negative { -value } else { value };
        if rule.least > rule.most {
            return self.number_asked(Some(rule), start, Kind::Integer);
        }
        fit((rule.least..=rule.most).contains(&value) && (rule.step == 1 || value % rule.step == 0))
    }

    /// Reads the rest of a number that is not written as an integer.
    #[inline(never)]
    fn real(&mut self, plain: &Plain, start: usize) -> Result<(), Stop> {
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.text.get(start..self.at).ok_or(Stop::Unsure)?;
        let value: f64 = text.parse().map_err(|_| Stop::Unsure)?;
        if !value.is_finite() {
            return Err(Stop::Unsure);
        }
        allow(plain, if value.fract() == 0.0 { INTEGER } else { FRACTION })?;
        let Some(rule) = plain.number.as_deref() else { return Ok(()) };
        if rule.low.0.is_nan() {
            return self.number_asked(Some(rule), start, Kind::Real);
        }
        let above = value > rule.low.0 || (rule.low.1 && value == rule.low.0);
        fit(above && (value < rule.high.0 || (rule.high.1 && value == rule.high.0)))
    }

    /// Leaves to the judge the number that was just read, from `start` on.
    #[inline(never)]
    fn number_asked(&mut self, rule: Option<&NumberRule>, start: usize, kind: Kind) -> Result<(), Stop> {
        let source = self.text.get(start..self.at).ok_or(Stop::Unsure)?;
        if !source.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(Stop::Unsure);
        }
        let asked = rule.and_then(|rule| rule.rest.as_ref());
        fit(asked.is_none_or(|asked| asked.0.is_valid(Place::Number(source, kind))))
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Stop::Unsure) }
    }
}

/// An integer of no more digits is surely one of 64 bits, and of all that a double tells apart.
const SURE_DIGITS: usize = 15;
