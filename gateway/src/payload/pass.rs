//! A document read and checked in one pass over its bytes, without a tape.
//!
//! The pass follows the keywords that nearly all schemas are made of, at a fraction of the judge's cost. It is
//! believed only when it says that a document fits: that it then fits for the judge too is what the tests of `differential` hold
//! against the library. Whatever else it says, the judge is asked, and its verdict and words are given.
//!
//! Work is bounded: a value is read once, and again only for rules that apply to it together (`allOf`, `anyOf`, …), which
//! costs fuel. Memory too: nothing is kept but the names of members that the schema does not know.

use std::collections::HashSet;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::document::{Document, digest};
use super::scan;
use super::tape::{Place, Tape};

mod compile;
mod format;
mod pattern;
mod program;
mod scalar;
mod table;

use program::{
    ANYTHING, ARRAY, ArrayRule, Asked, Beyond, FALSE, FRACTION, INTEGER, Mixed, NULL, OBJECT, ObjectRule,
    Program, Rule, RuleId, TEXT, TRUE,
};

/// A schema that the pass can follow.
#[derive(Debug)]
pub(super) struct Pass(Program);

/// What the pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is JSON that we accept, and fits.
    Fits,
    /// It does not fit; the judge should find the same.
    Misfit,
    /// Only the judge can tell.
    Unsure,
}

impl Pass {
    /// Compiles `schema`, which the library has accepted; `None` if the pass cannot follow it.
    ///
    /// `ask` makes a validator of a part of the schema.
    pub(super) fn compile(
        schema: &Value,
        draft: Draft,
        ask: &dyn Fn(&Value) -> Option<Validator<Tape>>,
    ) -> Option<Self> {
        compile::compile(schema, draft, ask).map(Self)
    }

    /// Reads the whole of `bytes`, nested at most `depth` deep.
    pub(super) fn verdict(&self, bytes: &[u8], depth: u16) -> Verdict {
        if u32::try_from(bytes.len()).is_err() {
            return Verdict::Unsure;
        }
        let Ok(text) = simdutf8::basic::from_utf8(bytes) else { return Verdict::Unsure };
        let mut reading = Reading {
            program: &self.0,
            text,
            fuel: FUEL + FUEL_A_BYTE * bytes.len(),
            strangers: Vec::new(),
            decoded: String::new(),
            misfit: false,
        };
        match reading.value(scan::after_space(bytes), self.0.root, depth) {
            Some(rest) if scan::after_space(rest).is_empty() => Verdict::Fits,
            None if reading.misfit => Verdict::Misfit,
            _ => Verdict::Unsure,
        }
    }
}

/// What is remembered on the way. Where the reading stands is what its functions take and return: the bytes still to be read;
/// `None` ends it, [`Reading::misfit`] tells why.
struct Reading<'p, 'd> {
    program: &'p Program,
    /// The whole document, known to be UTF-8.
    text: &'d str,
    /// Bytes that may still be read again.
    fuel: usize,
    /// A stack: for each open object, the names that its rule does not know, with their digests.
    strangers: Vec<(u32, &'d [u8])>,
    /// What a string with escapes means.
    decoded: String,
    /// Whether the reading ended because a value does not fit. Otherwise only the judge can tell.
    misfit: bool,
}

/// The inside of a string.
#[derive(Clone, Copy)]
struct Inside<'d> {
    bytes: &'d [u8],
    escaped: bool,
}

impl<'p, 'd> Reading<'p, 'd> {
    /// Reads a value that nests at most `depth` deep, from its first byte on.
    #[inline]
    fn value(&mut self, rest: &'d [u8], id: RuleId, depth: u16) -> Option<&'d [u8]> {
        let rule = self.program.rules.get(id as usize)?;
        match rest {
            // Most values are strings.
            [b'"', after @ ..] if rule.kinds & TEXT != 0 => {
                let (inside, rest) = string(after)?;
                if let Some(rule) = &rule.text {
                    self.check_text(rule, inside)?;
                }
                Some(rest)
            }
            _ => self.other_value(rest, rule, depth),
        }
    }

    #[inline(never)]
    fn other_value(&mut self, rest: &'d [u8], rule: &'p Rule, depth: u16) -> Option<&'d [u8]> {
        let allowed = |kind| rule.kinds & kind != 0;
        match rest {
            [b'-' | b'0'..=b'9', ..] if allowed(INTEGER | FRACTION) => self.number(rest, rule),
            [b'{', after @ ..] if allowed(OBJECT) => {
                self.object(after, rule.object.as_deref().unwrap_or(&self.program.open), depth)
            }
            [b'[', ..] if allowed(ARRAY) => self.array(rest, rule.array.as_deref(), depth),
            [b't', b'r', b'u', b'e', after @ ..] if allowed(TRUE) => Some(after),
            [b'f', b'a', b'l', b's', b'e', after @ ..] if allowed(FALSE) => Some(after),
            [b'n', b'u', b'l', b'l', after @ ..] if allowed(NULL) => Some(after),
            _ => match rule.beyond.as_deref() {
                Some(Beyond::Mixed(mixed)) => self.mixed(rest, mixed, depth),
                Some(Beyond::Asked(asked)) => self.asked(rest, asked, depth),
                None => self.misplaced(rest, rule),
            },
        }
    }

    /// Ends the reading at what is either of a kind that may not stand here, or no value at all.
    #[cold]
    fn misplaced<T>(&mut self, rest: &[u8], rule: &Rule) -> Option<T> {
        let kinds = match *rest.first()? {
            b'"' => TEXT,
            b'{' => OBJECT,
            b'[' => ARRAY,
            b'-' | b'0'..=b'9' => INTEGER | FRACTION,
            b't' => TRUE,
            b'f' => FALSE,
            b'n' => NULL,
            _ => return None,
        };
        self.misfit = rule.kinds & kinds == 0;
        None
    }

    /// Reads an object from behind its brace.
    fn object(&mut self, rest: &'d [u8], rule: &'p ObjectRule, depth: u16) -> Option<&'d [u8]> {
        let depth = depth.checked_sub(1)?;
        let strangers = self.strangers.len();
        let mut many = None;
        let (mut seen, mut required, mut count) = ([0_u64; 4], 0, 0_u64);
        let mut guess = &rule.first;
        let mut rest = scan::after_space(rest);
        if let [b'}', after @ ..] = rest {
            rest = after;
        } else {
            loop {
                let mut place = guess.place();
                let mut member = rule.members.get(place);
                let mut name = Inside { bytes: &[], escaped: false };
                let likely = member.and_then(|member| member.spelling.as_ref()?.after(rest));
                if let Some(after) = likely {
                    rest = scan::after_space(after);
                } else {
                    let found;
                    (name, rest, found) = self.name(rest, rule, strangers, &mut many)?;
                    rest = scan::after_space(scan::after_space(rest).strip_prefix(b":")?);
                    member = found.and_then(|found| rule.members.get(found));
                    if let Some(found) = found {
                        guess.learn(found);
                        place = found;
                    }
                }
                let mut own = None;
                if let Some(member) = member {
                    let (word, bit) = (&mut seen[place / 64 % 4], 1 << (place % 64));
                    if *word & bit != 0 {
                        return None;
                    }
                    *word |= bit;
                    required += u32::from(member.required);
                    guess = &member.next;
                    own = member.rule;
                }
                rest = if rule.patterns.is_empty() {
                    self.value(rest, own.unwrap_or(rule.others), depth)?
                } else {
                    self.patterned(rest, rule, name, own, depth)?
                };
                count += 1;
                match scan::after_space(rest).split_first()? {
                    (b',', after) => rest = scan::after_space(after),
                    (b'}', after) => {
                        rest = after;
                        break;
                    }
                    _ => return None,
                }
            }
        }
        self.strangers.truncate(strangers);
        self.fit(required == rule.required && rule.least <= count && count <= rule.most)?;
        Some(rest)
    }

    /// Reads a member's name that was not the one expected, and finds its place among those that `rule` knows. It is
    /// new among the strangers of this object, which start at `from`; if they are many, it is added to those.
    #[inline(never)]
    fn name(
        &mut self,
        rest: &'d [u8],
        rule: &ObjectRule,
        from: usize,
        many: &mut Option<HashSet<&'d [u8]>>,
    ) -> Option<(Inside<'d>, &'d [u8], Option<usize>)> {
        let (inside, rest) = string(rest.strip_prefix(b"\"")?)?;
        if inside.escaped {
            // Only names that the schema knows are compared by what they mean; here, strangers are by their bytes.
            self.decode(inside)?;
            let place = rule.table.find(self.decoded.as_bytes(), digest(self.decoded.as_bytes()))?;
            return Some((inside, rest, Some(place)));
        }
        let name = inside.bytes;
        let digest = digest(name);
        if let Some(place) = rule.table.find(name, digest) {
            return Some((inside, rest, Some(place)));
        }
        let new = match many {
            Some(many) => many.insert(name),
            None => !self.strangers[from..].contains(&(digest, name)),
        };
        if !new {
            return None;
        }
        if many.is_none() {
            self.strangers.push((digest, name));
            if self.strangers.len() - from > FEW_STRANGERS {
                // Keyed by a secret hash, so that no document can make it slow.
                *many = Some(self.strangers[from..].iter().map(|(_, name)| *name).collect());
            }
        }
        Some((inside, rest, None))
    }

    /// Reads a member's value, of whose name the patterns of `rule` have something to say.
    fn patterned(
        &mut self,
        rest: &'d [u8],
        rule: &'p ObjectRule,
        name: Inside<'d>,
        own: Option<RuleId>,
        depth: u16,
    ) -> Option<&'d [u8]> {
        let mut rules: Vec<RuleId> = own.into_iter().collect();
        for (pattern, rule) in &rule.patterns {
            if self.check_inside(name, |reading, text| reading.check(pattern, text)).is_some() {
                rules.push(*rule);
            } else if !std::mem::take(&mut self.misfit) {
                return None;
            }
        }
        if rules.is_empty() {
            rules.push(rule.others);
        }
        self.all(rest, &rules, depth)
    }

    /// Reads an array from its bracket on.
    fn array(&mut self, start: &'d [u8], rule: Option<&'p ArrayRule>, depth: u16) -> Option<&'d [u8]> {
        let inner = depth.checked_sub(1)?;
        let (first, others) = rule.map_or((&[][..], ANYTHING), |rule| (&rule.first[..], rule.rest));
        let mut count = 0;
        let mut rest = scan::after_space(start.strip_prefix(b"[")?);
        if let [b']', after @ ..] = rest {
            rest = after;
        } else {
            loop {
                rest = self.value(rest, *first.get(count).unwrap_or(&others), inner)?;
                count += 1;
                match scan::after_space(rest).split_first()? {
                    (b',', after) => rest = scan::after_space(after),
                    (b']', after) => {
                        rest = after;
                        break;
                    }
                    _ => return None,
                }
            }
        }
        let Some(rule) = rule else { return Some(rest) };
        self.fit((rule.least..=rule.most).contains(&(count as u64)))?;
        if let Some(unique) = &rule.unique
            && count > 1
        {
            self.ask(unique, start, rest, depth)?;
        }
        Some(rest)
    }

    /// Reads a value that several rules apply to.
    #[inline(never)]
    fn mixed(&mut self, start: &'d [u8], rule: &'p Mixed, depth: u16) -> Option<&'d [u8]> {
        let rest = self.all(start, &rule.all, depth)?;
        let bytes = start.len() - rest.len();
        for group in &rule.any {
            let mut found = false;
            for id in group {
                found = found || self.again(start, bytes, *id, depth)?;
            }
            self.fit(found)?;
        }
        for group in &rule.one {
            let mut found = 0;
            for id in group {
                found += usize::from(self.again(start, bytes, *id, depth)?);
            }
            self.fit(found == 1)?;
        }
        for id in &rule.none {
            let fits = self.again(start, bytes, *id, depth)?;
            self.fit(!fits)?;
        }
        if let Some([condition, then, other]) = rule.choice {
            let branch = if self.again(start, bytes, condition, depth)? { then } else { other };
            let fits = branch == ANYTHING || self.again(start, bytes, branch, depth)?;
            self.fit(fits)?;
        }
        Some(rest)
    }

    /// Reads a value that each of `rules` applies to.
    fn all(&mut self, start: &'d [u8], rules: &[RuleId], depth: u16) -> Option<&'d [u8]> {
        let (first, others) = rules.split_first().unwrap_or((&ANYTHING, &[]));
        let rest = self.value(start, *first, depth)?;
        for id in others {
            let fits = self.again(start, start.len() - rest.len(), *id, depth)?;
            self.fit(fits)?;
        }
        Some(rest)
    }

    /// Reads a value of so many bytes again, and tells whether the rule holds.
    fn again(&mut self, start: &'d [u8], bytes: usize, id: RuleId, depth: u16) -> Option<bool> {
        self.burn(bytes)?;
        let strangers = self.strangers.len();
        if self.value(start, id, depth).is_some() {
            return Some(true);
        }
        self.strangers.truncate(strangers);
        std::mem::take(&mut self.misfit).then_some(false)
    }

    /// Reads a value of which only the judge can tell.
    fn asked(&mut self, start: &'d [u8], asked: &Asked, depth: u16) -> Option<&'d [u8]> {
        let rest = self.value(start, ANYTHING, depth)?;
        self.ask(asked, start, rest, depth)?;
        Some(rest)
    }

    /// Asks about the value that was just read, from `start` to `rest`. A no is never sure: the library's engine for
    /// patterns has failures of its own.
    #[inline(never)]
    fn ask(&mut self, asked: &Asked, start: &'d [u8], rest: &'d [u8], depth: u16) -> Option<()> {
        let bytes = &start[..start.len() - rest.len()];
        self.burn(bytes.len() + ASKED_FUEL)?;
        let document = Document::read(bytes, depth).ok()?;
        document.fuel.set((ASKED_FUEL + FUEL_A_BYTE * bytes.len()) as u64);
        (asked.0.is_valid(Place::At(&document, 0)) && document.fuel.get() > 0).then_some(())
    }

    /// Puts what the string means into `decoded`.
    fn decode(&mut self, inside: Inside<'d>) -> Option<()> {
        scan::decode(std::str::from_utf8(inside.bytes).ok()?, &mut self.decoded).ok()
    }

    /// The text from `start` to `rest`, both of which are ends of the document.
    fn source(&self, start: &[u8], rest: &[u8]) -> Option<&'d str> {
        self.text.get(self.text.len() - start.len()..self.text.len() - rest.len())
    }

    fn burn(&mut self, bytes: usize) -> Option<()> {
        self.fuel = self.fuel.checked_sub(bytes)?;
        Some(())
    }

    #[inline]
    fn allow(&mut self, rule: &Rule, kind: u8) -> Option<()> {
        self.fit(rule.kinds & kind != 0)
    }

    #[inline]
    fn fit(&mut self, fits: bool) -> Option<()> {
        if fits {
            return Some(());
        }
        self.misfit = true;
        None
    }
}

/// Reads a string from behind its quote.
#[inline(always)]
fn string(rest: &[u8]) -> Option<(Inside<'_>, &[u8])> {
    let mut end = scan::plain_run(rest);
    let mut escaped = false;
    if *rest.get(end)? != b'"' {
        (escaped, end) = (true, scan::escaped_run(rest, end)?);
    }
    let (bytes, rest) = rest.split_at_checked(end)?;
    Some((Inside { bytes, escaped }, rest.get(1..)?))
}

/// Bytes that any document may have read again, further ones for each of its own, and what it costs to ask the judge.
const FUEL: usize = 64 << 10;
const FUEL_A_BYTE: usize = 16;
const ASKED_FUEL: usize = 256;

/// Up to here the unknown members of an object are compared with each other.
const FEW_STRANGERS: usize = 16;
