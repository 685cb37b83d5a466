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

use super::document::{Document, digest, digest_within};
use super::scan;
use super::tape::{Place, Tape};

mod compile;
mod format;
mod pattern;
mod program;
mod scalar;
mod table;

use program::{
    ANYTHING, ARRAY, ArrayRule, Asked, FALSE, Mixed, NULL, OBJECT, ObjectRule, Plain, Program, Rule, RuleId,
    TEXT, TRUE,
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
            bytes,
            at: scan::space(bytes, 0),
            fuel: FUEL + FUEL_A_BYTE * bytes.len(),
            strangers: Vec::new(),
            decoded: String::new(),
        };
        match reading.value(self.0.root, depth) {
            Ok(()) if scan::space(bytes, reading.at) == bytes.len() => Verdict::Fits,
            Err(Stop::Misfit) => Verdict::Misfit,
            Ok(()) | Err(Stop::Unsure) => Verdict::Unsure,
        }
    }
}

/// Where the reading stands. Its text is known to be UTF-8.
struct Reading<'p, 'd> {
    program: &'p Program,
    text: &'d str,
    bytes: &'d [u8],
    at: usize,
    /// Bytes that may still be read again.
    fuel: usize,
    /// A stack: for each open object, its members that its rule does not know.
    strangers: Vec<Stranger>,
    /// What a string with escapes means.
    decoded: String,
}

struct Stranger {
    digest: u32,
    start: u32,
    end: u32,
}

/// Why the reading went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Misfit,
    Unsure,
}

/// The inside of a string.
#[derive(Clone, Copy)]
struct Inside {
    start: usize,
    end: usize,
    escaped: bool,
}

impl<'p, 'd> Reading<'p, 'd> {
    /// Reads a value that nests at most `depth` deep, from its first byte on.
    fn value(&mut self, id: RuleId, depth: u16) -> Result<(), Stop> {
        let program = self.program;
        let plain = match program.rules.get(id as usize) {
            Some(Rule::Plain(plain)) => plain,
            Some(Rule::Mixed(mixed)) => return self.mixed(mixed, depth),
            Some(Rule::Asked(asked)) => return self.asked(asked, depth),
            None => return Err(Stop::Unsure),
        };
        match self.peek() {
            Some(b'"') => {
                let inside = self.string()?;
                allow(plain, TEXT)?;
                plain.text.as_deref().map_or(Ok(()), |rule| self.check_text(rule, inside))
            }
            Some(b'{') => {
                allow(plain, OBJECT)?;
                self.object(plain.object.as_deref().unwrap_or(&program.open), depth)
            }
            Some(b'[') => {
                allow(plain, ARRAY)?;
                self.array(plain.array.as_deref(), depth)
            }
            Some(b'-' | b'0'..=b'9') => self.number(plain),
            Some(b't') => self.word(b"true", plain, TRUE),
            Some(b'f') => self.word(b"false", plain, FALSE),
            Some(b'n') => self.word(b"null", plain, NULL),
            _ => Err(Stop::Unsure),
        }
    }

    fn object(&mut self, rule: &'p ObjectRule, depth: u16) -> Result<(), Stop> {
        let depth = depth.checked_sub(1).ok_or(Stop::Unsure)?;
        let strangers = self.strangers.len();
        let mut many = None;
        let (mut seen, mut required, mut count) = ([0_u64; 4], 0, 0_u64);
        let mut guess = &rule.first;
        self.at = scan::space(self.bytes, self.at + 1);
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                let place = guess.place();
                let likely = rule.members.get(place);
                let after = likely.and_then(|member| member.spelling.as_ref()?.after(self.bytes, self.at));
                let (name, known) = match (after, likely) {
                    (Some(after), Some(member)) => {
                        let inside = Inside { start: self.at + 1, end: after - 1, escaped: false };
                        self.at = after;
                        (inside, Some((place, member)))
                    }
                    _ => {
                        let (name, place) = self.name(rule, strangers, &mut many)?;
                        let known = place.and_then(|place| Some((place, rule.members.get(place)?)));
                        if let Some((place, _)) = known {
                            guess.learn(place);
                        }
                        (name, known)
                    }
                };
                if let Some((place, member)) = known {
                    let (word, bit) = (&mut seen[place / 64 % 4], 1 << (place % 64));
                    if *word & bit != 0 {
                        return Err(Stop::Unsure);
                    }
                    *word |= bit;
                    required += u32::from(member.required);
                    guess = &member.next;
                }
                self.colon()?;
                let own = known.and_then(|(_, member)| member.rule);
                if rule.patterns.is_empty() {
                    self.value(own.unwrap_or(rule.others), depth)?;
                } else {
                    self.patterned(rule, name, own, depth)?;
                }
                count += 1;
                if self.ends(b'}')? {
                    break;
                }
            }
        }
        self.strangers.truncate(strangers);
        fit(required == rule.required && (rule.least..=rule.most).contains(&count))
    }

    /// Reads a member's name that was not the one expected, and finds its place among those that `rule` knows. It is
    /// new among the strangers of this object, which start at `from`; if they are many, it is added to those.
    #[inline(never)]
    fn name(
        &mut self,
        rule: &ObjectRule,
        from: usize,
        many: &mut Option<HashSet<&'d str>>,
    ) -> Result<(Inside, Option<usize>), Stop> {
        if self.peek() != Some(b'"') {
            return Err(Stop::Unsure);
        }
        let inside = self.string()?;
        if inside.escaped {
            // Only names that the schema knows are compared by what they mean; here, strangers are by their bytes.
            self.decode(inside)?;
            let found = rule.table.find(self.decoded.as_bytes(), digest(self.decoded.as_bytes()));
            return found.map(|place| (inside, Some(place))).ok_or(Stop::Unsure);
        }
        let Inside { start, end, .. } = inside;
        let digest = digest_within(self.bytes, start, end - start);
        let name = self.bytes.get(start..end).ok_or(Stop::Unsure)?;
        if let Some(place) = rule.table.find(name, digest) {
            return Ok((inside, Some(place)));
        }
        if let Some(many) = many {
            let name = self.text.get(start..end).ok_or(Stop::Unsure)?;
            return if many.insert(name) { Ok((inside, None)) } else { Err(Stop::Unsure) };
        }
        let before = &self.strangers[from..];
        let same = |stranger: &Stranger| {
            let range = stranger.start as usize..stranger.end as usize;
            stranger.digest == digest && self.bytes.get(range).is_none_or(|other| other == name)
        };
        if before.iter().any(same) {
            return Err(Stop::Unsure);
        }
        self.strangers.push(Stranger { digest, start: start as u32, end: end as u32 });
        if self.strangers.len() - from > FEW_STRANGERS {
            // Keyed by a secret hash, so that no document can make it slow.
            let texts = self.strangers[from..].iter();
            let texts = texts.map(|stranger| self.text.get(stranger.start as usize..stranger.end as usize));
            *many = Some(texts.collect::<Option<_>>().ok_or(Stop::Unsure)?);
        }
        Ok((inside, None))
    }

    /// Reads a member's value, of whose name the patterns of `rule` have something to say.
    fn patterned(
        &mut self,
        rule: &'p ObjectRule,
        name: Inside,
        own: Option<RuleId>,
        depth: u16,
    ) -> Result<(), Stop> {
        let mut rules: Vec<RuleId> = own.into_iter().collect();
        for (pattern, rule) in &rule.patterns {
            match self.check_inside(name, |reading, text| reading.check(pattern, text)) {
                Ok(()) => rules.push(*rule),
                Err(Stop::Misfit) => {}
                Err(Stop::Unsure) => return Err(Stop::Unsure),
            }
        }
        if rules.is_empty() {
            rules.push(rule.others);
        }
        self.all(&rules, depth)
    }

    fn array(&mut self, rule: Option<&'p ArrayRule>, depth: u16) -> Result<(), Stop> {
        let depth = depth.checked_sub(1).ok_or(Stop::Unsure)?;
        let start = self.at;
        let (first, rest) = rule.map_or((&[][..], ANYTHING), |rule| (&rule.first[..], rule.rest));
        let mut count = 0;
        self.at = scan::space(self.bytes, self.at + 1);
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.value(*first.get(count).unwrap_or(&rest), depth)?;
                count += 1;
                if self.ends(b']')? {
                    break;
                }
            }
        }
        let Some(rule) = rule else { return Ok(()) };
        fit((rule.least..=rule.most).contains(&(count as u64)))?;
        match &rule.unique {
            Some(unique) if count > 1 => self.ask(unique, start, depth + 1),
            _ => Ok(()),
        }
    }

    /// Reads a value that several rules apply to.
    #[inline(never)]
    fn mixed(&mut self, rule: &'p Mixed, depth: u16) -> Result<(), Stop> {
        let start = self.at;
        self.all(&rule.all, depth)?;
        let end = self.at;
        for group in &rule.any {
            let mut found = false;
            for id in group {
                found = found || self.again(*id, start, end, depth)?;
            }
            fit(found)?;
        }
        for group in &rule.one {
            let mut found = 0;
            for id in group {
                found += usize::from(self.again(*id, start, end, depth)?);
            }
            fit(found == 1)?;
        }
        for id in &rule.none {
            let fits = self.again(*id, start, end, depth)?;
            fit(!fits)?;
        }
        if let Some([condition, then, other]) = rule.choice {
            let branch = if self.again(condition, start, end, depth)? { then } else { other };
            let fits = branch == ANYTHING || self.again(branch, start, end, depth)?;
            fit(fits)?;
        }
        self.at = end;
        Ok(())
    }

    /// Reads a value that each of `rules` applies to.
    fn all(&mut self, rules: &[RuleId], depth: u16) -> Result<(), Stop> {
        let Some((first, others)) = rules.split_first() else { return self.value(ANYTHING, depth) };
        let start = self.at;
        self.value(*first, depth)?;
        let end = self.at;
        for id in others {
            let fits = self.again(*id, start, end, depth)?;
            fit(fits)?;
        }
        self.at = end;
        Ok(())
    }

    /// Reads the value from `start` to `end` again, and tells whether the rule holds.
    fn again(&mut self, id: RuleId, start: usize, end: usize, depth: u16) -> Result<bool, Stop> {
        self.burn(end - start)?;
        let strangers = self.strangers.len();
        self.at = start;
        match self.value(id, depth) {
            Ok(()) => Ok(true),
            Err(Stop::Misfit) => {
                self.strangers.truncate(strangers);
                Ok(false)
            }
            Err(Stop::Unsure) => Err(Stop::Unsure),
        }
    }

    /// Reads a value of which only the judge can tell.
    fn asked(&mut self, asked: &Asked, depth: u16) -> Result<(), Stop> {
        let start = self.at;
        self.value(ANYTHING, depth)?;
        self.ask(asked, start, depth)
    }

    /// Asks about the value that was just read, from `start` on. A no is never sure: the judge's engine for patterns has
    /// failures of its own.
    #[inline(never)]
    fn ask(&mut self, asked: &Asked, start: usize, depth: u16) -> Result<(), Stop> {
        let bytes = self.bytes.get(start..self.at).ok_or(Stop::Unsure)?;
        self.burn(bytes.len() + ASKED_FUEL)?;
        let document = Document::read(bytes, depth).map_err(|_| Stop::Unsure)?;
        document.fuel.set((ASKED_FUEL + FUEL_A_BYTE * bytes.len()) as u64);
        let fits = asked.0.is_valid(Place::At(&document, 0)) && document.fuel.get() > 0;
        if fits { Ok(()) } else { Err(Stop::Unsure) }
    }

    fn string(&mut self) -> Result<Inside, Stop> {
        let start = self.at + 1;
        let mut end = scan::plain(self.bytes, start);
        let mut escaped = false;
        while self.bytes.get(end) == Some(&b'\\') {
            escaped = true;
            let (_, next) = scan::escape(self.bytes, end).map_err(|_| Stop::Unsure)?;
            end = scan::plain(self.bytes, next);
        }
        if self.bytes.get(end) != Some(&b'"') {
            return Err(Stop::Unsure);
        }
        self.at = end + 1;
        Ok(Inside { start, end, escaped })
    }

    /// Puts what the string means into `decoded`.
    fn decode(&mut self, inside: Inside) -> Result<(), Stop> {
        let text = self.text.get(inside.start..inside.end).ok_or(Stop::Unsure)?;
        scan::decode(text, &mut self.decoded).map_err(|_| Stop::Unsure)
    }

    fn word(&mut self, word: &[u8], plain: &Plain, kind: u8) -> Result<(), Stop> {
        if self.bytes.get(self.at..self.at + word.len()) != Some(word) {
            return Err(Stop::Unsure);
        }
        self.at += word.len();
        allow(plain, kind)
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Stop> {
        let at = scan::space(self.bytes, self.at);
        if self.bytes.get(at) != Some(&b':') {
            return Err(Stop::Unsure);
        }
        self.at = scan::space(self.bytes, at + 1);
        Ok(())
    }

    /// Steps over `end` or a comma, and tells whether it was the end.
    #[inline]
    fn ends(&mut self, end: u8) -> Result<bool, Stop> {
        let at = scan::space(self.bytes, self.at);
        match self.bytes.get(at) {
            Some(b',') => {
                self.at = scan::space(self.bytes, at + 1);
                Ok(false)
            }
            Some(byte) if *byte == end => {
                self.at = at + 1;
                Ok(true)
            }
            _ => Err(Stop::Unsure),
        }
    }

    fn burn(&mut self, bytes: usize) -> Result<(), Stop> {
        self.fuel = self.fuel.checked_sub(bytes).ok_or(Stop::Unsure)?;
        Ok(())
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[inline]
fn allow(plain: &Plain, kind: u8) -> Result<(), Stop> {
    fit(plain.kinds & kind != 0)
}

#[inline]
fn fit(fits: bool) -> Result<(), Stop> {
    if fits { Ok(()) } else { Err(Stop::Misfit) }
}

/// Bytes that any document may have read again, further ones for each of its own, and what it costs to ask the judge.
const FUEL: usize = 64 << 10;
const FUEL_A_BYTE: usize = 16;
const ASKED_FUEL: usize = 256;

/// Up to here the unknown members of an object are compared with each other.
const FEW_STRANGERS: usize = 16;
