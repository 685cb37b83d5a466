//! Only what the agreement names passes (B7).

use std::borrow::Cow;
use std::ops::Range;

use super::document::digest;
use super::scan;
use super::selection::Selection;
use super::violation::{Names, Violation, cut, push};

/// Proof that a document fits a schema and holds nothing but what was named. Only
/// [`super::Schema::check_and_trim`] makes one.
#[derive(Debug)]
pub struct Trimmed<'a> {
    body: Cow<'a, [u8]>,
    withheld: Vec<Withheld>,
    withheld_total: u64,
}

/// Something that the document had and the agreement does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Where: a JSON Pointer in which `*` stands for any element, and for names that neither the schema nor the
    /// selection contains.
    pub pointer: String,
    /// How often.
    pub count: u64,
}

impl<'a> Trimmed<'a> {
    /// What may be released; borrowed if it is all that there was.
    #[must_use]
    pub fn body(&self) -> &Cow<'a, [u8]> {
        &self.body
    }

    /// [`Trimmed::body`], without a copy.
    #[must_use]
    pub fn into_body(self) -> Cow<'a, [u8]> {
        self.body
    }

    /// What was withheld: the first 64 kinds.
    #[must_use]
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// [`Trimmed::withheld`], without a copy.
    #[must_use]
    pub fn take_withheld(&mut self) -> Vec<Withheld> {
        std::mem::take(&mut self.withheld)
    }

    /// How many members and elements were withheld, each with all it held.
    #[must_use]
    pub fn withheld_total(&self) -> u64 {
        self.withheld_total
    }
}

/// Copies from `bytes`, a document found to be JSON, what `selection` names.
///
/// Objects and arrays on the way to something named stay, even if nothing is left in them.
pub(super) fn trim<'a>(
    bytes: &'a [u8],
    selection: &Selection,
    names: &Names,
) -> Result<Trimmed<'a>, Violation> {
    let untouched = |body| Trimmed { body, withheld: Vec::new(), withheld_total: 0 };
    if selection.whole(&[0]) {
        return Ok(untouched(Cow::Borrowed(bytes)));
    }
    let start = scan::space(bytes, 0);
    if selection.is_empty() || !matches!(bytes.get(start), Some(b'{' | b'[')) {
        return Err(Violation::whole("nothing-agreed", "the agreement names nothing of such a document"));
    }
    let mut knife = Knife {
        bytes,
        selection,
        names,
        kept: Vec::with_capacity(bytes.len()),
        reached: Vec::with_capacity(32),
        path: Vec::with_capacity(8),
        decoded: String::new(),
        tally: Tally { total: 0, places: vec![Tallied::default()] },
    };
    knife.reached.push(0);
    if knife.container(start, 0).is_none() {
        return Err(Violation::whole("json-syntax", "the document could not be followed"));
    }
    if knife.tally.total == 0 {
        return Ok(untouched(Cow::Borrowed(bytes)));
    }
    let withheld = knife.tally.report();
    Ok(Trimmed { body: Cow::Owned(knife.kept), withheld, withheld_total: knife.tally.total })
}

struct Knife<'k> {
    bytes: &'k [u8],
    selection: &'k Selection,
    names: &'k Names,
    kept: Vec<u8>,
    /// A stack: for each container being cut, the places of the selection that its path leads to.
    reached: Vec<u32>,
    path: Vec<Segment<'k>>,
    /// What the last name with escapes means.
    decoded: String,
    tally: Tally<'k>,
}

/// A member's name and its digest.
type Name<'k> = (&'k [u8], u32);

/// One step of the path to a container, and its place in the tally once that is known.
struct Segment<'k> {
    name: Option<Name<'k>>,
    place: Option<u32>,
}

impl<'k> Knife<'k> {
    /// Keeps what is named of the container at `at`, and returns where it ends; its places of the selection start at
    /// `from`. `None`: this is not JSON, which would be a bug of ours.
    fn container(&mut self, at: usize, from: usize) -> Option<usize> {
        let bytes = self.bytes;
        let (opening, object) = (*bytes.get(at)?, bytes.get(at) == Some(&b'{'));
        let closing = if object { b'}' } else { b']' };
        let to = self.reached.len();
        self.kept.push(opening);
        let first = self.kept.len();
        let mut next = scan::space(bytes, at + 1);
        let mut index = 0;
        while *bytes.get(next)? != closing {
            if index > 0 {
                next = scan::space(bytes, next + 1);
            }
            let (start, mut name_end, mut value, mut name) = (next, next, next, None);
            if object {
                name_end = scan::string_end(bytes, start)?;
                name = self.follow(from..to, bytes.get(start + 1..name_end - 1)?)?;
                value = scan::space(bytes, scan::space(bytes, name_end) + 1);
            } else {
                self.selection.follow_element(from..to, index, &mut self.reached);
            }
            let whole = self.selection.whole(&self.reached[to..]);
            let on_the_way = self.reached.len() > to && matches!(bytes.get(value)?, b'{' | b'[');
            if (whole || on_the_way) && self.kept.len() > first {
                self.kept.push(b',');
            }
            let end = if whole {
                let end = scan::value_end(bytes, value)?;
                self.kept.extend_from_slice(bytes.get(start..end)?);
                end
            } else if on_the_way {
                if object {
                    self.kept.extend_from_slice(bytes.get(start..name_end)?);
                    self.kept.push(b':');
                }
                self.path.push(Segment { name, place: None });
                let end = self.container(value, to)?;
                self.path.pop();
                end
            } else {
                self.withhold(name);
                scan::value_end(bytes, value)?
            };
            self.reached.truncate(to);
            index += 1;
            next = scan::space(bytes, end);
        }
        self.kept.push(closing);
        Some(next + 1)
    }

    /// Reaches where the name `written` leads to; returns the name unless it is one that nobody needs to be told.
    fn follow(&mut self, from: Range<usize>, written: &'k [u8]) -> Option<Option<Name<'k>>> {
        if memchr::memchr(b'\\', written).is_none() {
            let name = (written, digest(written));
            self.selection.follow(from, name.0, name.1, &mut self.reached);
            return Some(Some(name));
        }
        scan::decode(std::str::from_utf8(written).ok()?, &mut self.decoded).ok()?;
        let digest = digest(self.decoded.as_bytes());
        self.selection.follow(from, self.decoded.as_bytes(), digest, &mut self.reached);
        Some(known(self.names, self.selection, &self.decoded).map(|name| (name.as_bytes(), digest)))
    }

    fn withhold(&mut self, name: Option<Name<'k>>) {
        self.tally.total += 1;
        let known = |name: &[u8]| known(self.names, self.selection, std::str::from_utf8(name).ok()?);
        let mut place = 0;
        for segment in &mut self.path {
            let Some(found) = segment.place.or_else(|| self.tally.place(place, segment.name, known)) else {
                return;
            };
            segment.place = Some(found);
            place = found;
        }
        if let Some(place) = self.tally.place(place, name, known) {
            self.tally.places[place as usize].count += 1;
        }
    }
}

/// The name, as the schema or the selection has it.
fn known<'k>(names: &'k Names, selection: &'k Selection, name: &str) -> Option<&'k str> {
    names.find(name).or_else(|| selection.find_name(name))
}

/// What was withheld, by path. Bounded: what comes after is only counted.
struct Tally<'k> {
    total: u64,
    /// The first is the document itself.
    places: Vec<Tallied<'k>>,
}

#[derive(Default)]
struct Tallied<'k> {
    above: u32,
    name: Option<(&'k str, u32)>,
    count: u64,
    below: Vec<u32>,
    /// Where in `below` to look first: records repeat their members in the same order.
    likely: usize,
}

impl<'k> Tally<'k> {
    /// The path that leads from `above` through `name`; through any name, unless it is `known`.
    fn place(
        &mut self,
        above: u32,
        name: Option<Name<'_>>,
        known: impl Fn(&[u8]) -> Option<&'k str>,
    ) -> Option<u32> {
        if let Some(place) = self.find(above, name) {
            return Some(place);
        }
        let name = name.and_then(|(name, digest)| Some((known(name)?, digest)));
        if name.is_none()
            && let Some(place) = self.find(above, None)
        {
            return Some(place);
        }
        if self.places.len() >= MOST_PLACES {
            return None;
        }
        let place = self.places.len() as u32;
        self.places.push(Tallied { above, name, ..Tallied::default() });
        self.places[above as usize].below.push(place);
        Some(place)
    }

    fn find(&mut self, above: u32, name: Option<Name<'_>>) -> Option<u32> {
        let Tallied { below, likely, .. } = &self.places[above as usize];
        let fits = |place: &u32| match (self.places[*place as usize].name, name) {
            (Some((known, known_digest)), Some((name, digest))) => {
                digest == known_digest && name == known.as_bytes()
            }
            (None, None) => true,
            _ => false,
        };
        let (before, after) = below.split_at(*likely);
        let found = after.iter().position(fits).map(|at| at + before.len());
        let found = found.or_else(|| before.iter().position(fits))?;
        let place = below[found];
        self.places[above as usize].likely = (found + 1) % self.places[above as usize].below.len();
        Some(place)
    }

    fn report(&self) -> Vec<Withheld> {
        let counted = self.places.iter().filter(|place| place.count > 0).take(MOST_REPORTED);
        counted.map(|place| Withheld { pointer: self.pointer(place), count: place.count }).collect()
    }

    fn pointer(&self, place: &Tallied<'_>) -> String {
        let mut segments = vec![place.name];
        let mut above = place.above;
        while above > 0 {
            let place = &self.places[above as usize];
            segments.push(place.name);
            above = place.above;
        }
        let mut pointer = String::new();
        for segment in segments.into_iter().rev() {
            push(&mut pointer, segment.map_or("*", |(name, _)| name));
        }
        cut(pointer)
    }
}

/// Paths followed while counting.
const MOST_PLACES: usize = 1024;
const MOST_REPORTED: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::payload::{Limits, Schema};

    fn trimmed<'a>(body: &'a str, pointers: &[&str]) -> Result<Trimmed<'a>, Violation> {
        let text = json!({"properties": {"people": {"items": {"properties": {"iin": true, "name": true}}}}});
        let pointers: Vec<String> = pointers.iter().map(ToString::to_string).collect();
        let schema = Schema::compile(&text, Limits::default()).unwrap();
        schema.check_and_trim(body.as_bytes(), &Selection::parse(&pointers).unwrap())
    }

    fn left(body: &str, pointers: &[&str]) -> String {
        String::from_utf8(trimmed(body, pointers).unwrap().into_body().into_owned()).unwrap()
    }

    /// B7
    #[test]
    fn what_the_agreement_does_not_name_is_withheld_and_told() {
        let body = r#"{"people": [{"iin": "1", "name": "A", "1990": 1}, {"name" :"\u0411" , "iin":"2"}], "n": 1.50}"#;
        let trimmed = trimmed(body, &["/people/*/name"]).unwrap();
        let left = std::str::from_utf8(trimmed.body()).unwrap();
        assert_eq!(left, r#"{"people":[{"name": "A"},{"name" :"\u0411"}]}"#);
        let withheld: Vec<_> = trimmed.withheld().iter().map(|at| (at.pointer.as_str(), at.count)).collect();
        assert_eq!(withheld, [("/people/*/iin", 2), ("/people/*/*", 1), ("/*", 1)]);
        assert_eq!(trimmed.withheld_total(), 4);
    }

    #[test]
    fn a_document_of_which_all_is_named_is_not_copied() {
        for pointers in [&[""][..], &["/*"], &["/people", "/n"]] {
            let trimmed = trimmed(r#" {"people":[ ], "n":1} "#, pointers).unwrap();
            assert!(matches!(trimmed.into_body(), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn escaped_names_are_compared_by_what_they_mean() {
        assert_eq!(left(r#"{"\u0069in":1,"name":2}"#, &["/iin"]), r#"{"\u0069in":1}"#);
        assert_eq!(
            left(r#"{"a/b":1,"m~n":2,"*":3,"x":4}"#, &["/a~1b", "/m~0n", "/~2"]),
            r#"{"a/b":1,"m~n":2,"*":3}"#
        );
    }

    #[test]
    fn containers_on_the_way_stay_and_values_do_not() {
        assert_eq!(
            left(r#"{"a":{"c":1},"b":[{"c":1},2,[3]]}"#, &["/a/b", "/b/*/d"]),
            r#"{"a":{},"b":[{},[]]}"#
        );
        assert_eq!(left(r#"[1,[2,3],[4]]"#, &["/1/0", "/2"]), r#"[[2],[4]]"#);
    }

    #[test]
    fn a_document_of_which_nothing_can_be_named_is_refused() {
        for (body, pointers) in [("{}", &[][..]), ("5", &["/a"]), ("\"a\"", &["/*"])] {
            assert_eq!(trimmed(body, pointers).unwrap_err().code, "nothing-agreed");
        }
    }

    #[test]
    fn what_is_told_of_many_fields_is_bounded() {
        let members: Vec<String> = (0..5_000).map(|n| format!("\"k{n}\":{{\"iin\":1}}")).collect();
        let body = format!("{{{}}}", members.join(","));
        let named: Vec<String> = (0..5_000).map(|n| format!("/k{n}/name")).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        let trimmed = trimmed(&body, &named).unwrap();
        assert_eq!(trimmed.withheld().len(), MOST_REPORTED);
        assert_eq!(trimmed.withheld_total(), 5_000);
    }
}
