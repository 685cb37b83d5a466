//! Only what the agreement names passes (B7).

use std::borrow::Cow;

use super::document::{Document, Kind};
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

    /// How many members and elements were withheld, each with all it held.
    #[must_use]
    pub fn withheld_total(&self) -> u64 {
        self.withheld_total
    }
}

/// Copies from `document`, read from `bytes`, what `selection` names.
///
/// Objects and arrays on the way to something named stay, even if nothing is left in them.
pub(super) fn trim<'a>(
    bytes: &'a [u8],
    document: &Document<'a>,
    selection: &Selection,
    names: &Names,
) -> Result<Trimmed<'a>, Violation> {
    let untouched = |body| Trimmed { body, withheld: Vec::new(), withheld_total: 0 };
    if selection.whole(&[0]) {
        return Ok(untouched(Cow::Borrowed(bytes)));
    }
    if selection.is_empty() || !matches!(document.kind(0), Kind::Array | Kind::Object) {
        return Err(Violation::whole("nothing-agreed", "the agreement names nothing of such a document"));
    }
    let mut knife = Knife {
        bytes,
        document,
        selection,
        names,
        kept: Vec::with_capacity(bytes.len()),
        reached: vec![0],
        path: Vec::new(),
        tally: Tally { total: 0, places: vec![Tallied::default()] },
    };
    knife.container(0, 0);
    if knife.tally.total == 0 {
        return Ok(untouched(Cow::Borrowed(bytes)));
    }
    let withheld = knife.tally.report();
    Ok(Trimmed { body: Cow::Owned(knife.kept), withheld, withheld_total: knife.tally.total })
}

struct Knife<'k, 'a> {
    bytes: &'a [u8],
    document: &'k Document<'a>,
    selection: &'k Selection,
    names: &'k Names,
    kept: Vec<u8>,
    /// A stack: for each container being cut, the places of the selection that its path leads to.
    reached: Vec<u32>,
    path: Vec<Segment<'k>>,
    tally: Tally<'k>,
}

/// One step of the path to a container, and its place in the tally once that is known.
struct Segment<'k> {
    name: Option<(&'k str, u32)>,
    place: Option<u32>,
}

impl<'k> Knife<'k, '_> {
    /// Keeps what is named of the container at `slot`; its places of the selection start at `from`.
    fn container(&mut self, slot: u32, from: usize) {
        let document = self.document;
        let object = document.kind(slot) == Kind::Object;
        let to = self.reached.len();
        self.kept.push(if object { b'{' } else { b'[' });
        let first = self.kept.len();
        let mut next = slot + 1;
        for index in 0..document.count(slot) {
            let key = next;
            let name = object.then(|| (document.text(key), document.digest(key)));
            let value = key + u32::from(object);
            next = document.after(value);
            match name {
                Some((name, digest)) => self.selection.follow(from..to, name, digest, &mut self.reached),
                None => self.selection.follow_element(from..to, index, &mut self.reached),
            }
            let whole = self.selection.whole(&self.reached[to..]);
            let on_the_way =
                self.reached.len() > to && matches!(document.kind(value), Kind::Array | Kind::Object);
            if whole || on_the_way {
                if self.kept.len() > first {
                    self.kept.push(b',');
                }
                let (start, end) = (document.range(key).start, document.range(value).end);
                if whole {
                    self.kept.extend_from_slice(&self.bytes[start..end]);
                } else {
                    if object {
                        self.kept.extend_from_slice(&self.bytes[document.range(key)]);
                        self.kept.push(b':');
                    }
                    self.path.push(Segment { name, place: None });
                    self.container(value, to);
                    self.path.pop();
                }
            } else {
                self.withhold(name);
            }
            self.reached.truncate(to);
        }
        self.kept.push(if object { b'}' } else { b']' });
    }

    fn withhold(&mut self, name: Option<(&'k str, u32)>) {
        self.tally.total += 1;
        let is_known = |name: &str| self.names.contains(name) || self.selection.names(name);
        let mut place = 0;
        for segment in &mut self.path {
            let Some(known) = segment.place.or_else(|| self.tally.place(place, segment.name, is_known))
            else {
                return;
            };
            segment.place = Some(known);
            place = known;
        }
        if let Some(place) = self.tally.place(place, name, is_known) {
            self.tally.places[place as usize].count += 1;
        }
    }
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
    /// The path that leads from `above` through `name`; through any name, unless it `is_known`.
    fn place(
        &mut self,
        above: u32,
        name: Option<(&'k str, u32)>,
        is_known: impl Fn(&str) -> bool,
    ) -> Option<u32> {
        if let Some(place) = self.find(above, name) {
            return Some(place);
        }
        let name = name.filter(|(name, _)| is_known(name));
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

    fn find(&mut self, above: u32, name: Option<(&'k str, u32)>) -> Option<u32> {
        let Tallied { below, likely, .. } = &self.places[above as usize];
        let fits = |place: &u32| match (self.places[*place as usize].name, name) {
            (Some((known, known_digest)), Some((name, digest))) => digest == known_digest && name == known,
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
