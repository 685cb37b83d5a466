//! Only what the agreement names passes (B7).

use std::borrow::Cow;
use std::collections::HashMap;

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
        tally: Tally::default(),
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

/// One step of the path to a container, and its number in the tally once that is known.
struct Segment<'k> {
    name: Option<&'k str>,
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
            let name = object.then(|| document.text(key));
            let value = key + u32::from(object);
            next = document.after(value);
            match name {
                Some(name) => self.selection.follow(from..to, name, &mut self.reached),
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

    fn withhold(&mut self, name: Option<&'k str>) {
        self.tally.total += 1;
        let mut place = 0;
        for segment in &mut self.path {
            let Some(known) = segment.place.or_else(|| {
                let name = segment.name.filter(|name| is_known(name, self.names, self.selection));
                self.tally.place(place, name)
            }) else {
                return;
            };
            segment.place = Some(known);
            place = known;
        }
        let name = name.filter(|name| is_known(name, self.names, self.selection));
        if let Some(place) = self.tally.place(place, name) {
            self.tally.places[place as usize - 1].count += 1;
        }
    }
}

fn is_known(name: &str, names: &Names, selection: &Selection) -> bool {
    names.contains(name) || selection.names(name)
}

/// What was withheld, by path. Bounded: what comes after is only counted.
#[derive(Default)]
struct Tally<'k> {
    total: u64,
    /// Number `n` stands at `n - 1`; 0 is the document itself.
    places: Vec<Tallied<'k>>,
    numbers: HashMap<(u32, Option<&'k str>), u32>,
}

struct Tallied<'k> {
    above: u32,
    name: Option<&'k str>,
    count: u64,
}

impl<'k> Tally<'k> {
    /// The number of the path that leads from the one numbered `above` through `name` (`None`: any).
    fn place(&mut self, above: u32, name: Option<&'k str>) -> Option<u32> {
        if let Some(number) = self.numbers.get(&(above, name)) {
            return Some(*number);
        }
        if self.places.len() >= MOST_PLACES {
            return None;
        }
        self.places.push(Tallied { above, name, count: 0 });
        let number = self.places.len() as u32;
        self.numbers.insert((above, name), number);
        Some(number)
    }

    fn report(&self) -> Vec<Withheld> {
        let counted = self.places.iter().filter(|place| place.count > 0).take(MOST_REPORTED);
        counted.map(|place| Withheld { pointer: self.pointer(place), count: place.count }).collect()
    }

    fn pointer(&self, place: &Tallied<'_>) -> String {
        let mut segments = vec![place.name];
        let mut above = place.above;
        while above > 0 {
            let place = &self.places[above as usize - 1];
            segments.push(place.name);
            above = place.above;
        }
        let mut pointer = String::new();
        for segment in segments.into_iter().rev() {
            push(&mut pointer, segment.unwrap_or("*"));
        }
        cut(pointer)
    }
}

/// Paths followed while counting.
const MOST_PLACES: usize = 1024;
const MOST_REPORTED: usize = 64;
