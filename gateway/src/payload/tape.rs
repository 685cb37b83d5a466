//! A [`Document`] as the `jsonschema` library sees it.
//!
//! Every look into a container or a long string costs fuel. Once it is spent, containers look empty, so that
//! validation soon ends; its verdict is then worth nothing, and the schema module refuses the document. This holds even schemas
//! that visit a value exponentially often.
//!
//! Errors get `null` for every value: what they would copy is personal data, and could be the whole document
//! many times over.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object, cmp, unique};
use serde_json::{Number, Value};

use super::document::{Document, Kind, Name};

/// The representation: documents as tapes.
pub(super) struct Tape;

/// A value of a document, or one that stands alone.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    At(&'a Document<'a>, u32),
    /// A member's name that is looked at as a value, or any other string.
    Name(&'a str),
    /// A number as it was written.
    Number(&'a str, Kind),
}

impl Json for Tape {
    type Node<'a> = Place<'a>;
    type PreparedKey = Name;
    type StringBuffer = ();
    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> Name {
        Name::new(key)
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Place<'_>) -> T) -> T {
        f(Place::Name(string))
    }
}

impl<'a> Place<'a> {
    fn kind(self) -> Kind {
        match self {
            Place::At(document, slot) => document.kind(slot),
            Place::Name(_) => Kind::Text,
            Place::Number(_, kind) => kind,
        }
    }

    fn str(self) -> Option<&'a str> {
        match self {
            Place::At(document, slot) => {
                let text =
                    matches!(document.kind(slot), Kind::Text | Kind::Escaped).then(|| document.text(slot))?;
                (text.len() < FREE_BYTES || document.burn(text.len() / FREE_BYTES)).then_some(text)
            }
            Place::Name(name) => Some(name),
            Place::Number(..) => None,
        }
    }

    fn number(self) -> Option<Number> {
        let (source, kind) = match self {
            Place::At(document, slot) => (document.source(slot), document.kind(slot)),
            Place::Number(source, kind) => (source, kind),
            Place::Name(_) => return None,
        };
        match kind {
            Kind::Integer => {
                let exact = source.parse().map(u64::into).or_else(|_| source.parse().map(i64::into));
                exact.ok().or_else(|| Number::from_f64(source.parse().ok()?))
            }
            Kind::Real => Number::from_f64(source.parse().ok()?),
            _ => None,
        }
    }

    fn inside(self, kind: Kind) -> Option<Inside<'a>> {
        let Place::At(document, slot) = self else { return None };
        (document.kind(slot) == kind).then(|| {
            let count = document.count(slot);
            let left = if document.burn(1 + count) { count } else { 0 };
            Inside { document, slot, next: slot + 1, left }
        })
    }

    /// The value as a tree.
    fn tree(self) -> Value {
        if let Some(text) = self.str() {
            return Value::from(text);
        }
        match self.kind() {
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Integer | Kind::Real => self.number().map_or(Value::Null, Value::Number),
            Kind::Array => self.inside(Kind::Array).into_iter().flatten().map(Place::tree).collect(),
            Kind::Object => {
                let members = self.inside(Kind::Object).into_iter().flat_map(Members);
                members.map(|(name, value)| (name.to_owned(), value.tree())).collect()
            }
            Kind::Null | Kind::Text | Kind::Escaped => Value::Null,
        }
    }
}

impl<'a> Node<'a, Tape> for Place<'a> {
    type Object = Inside<'a>;
    type Array = Inside<'a>;
    type Number = Number;

    fn as_object(&self) -> Option<Inside<'a>> {
        self.inside(Kind::Object)
    }

    fn as_array(&self) -> Option<Inside<'a>> {
        self.inside(Kind::Array)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Number> {
        self.number()
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    fn is_number(&self) -> bool {
        matches!(self.kind(), Kind::Integer | Kind::Real)
    }

    fn is_string(&self) -> bool {
        matches!(self.kind(), Kind::Text | Kind::Escaped)
    }

    fn json_type(&self) -> JsonType {
        match self.kind() {
            Kind::Null => JsonType::Null,
            Kind::False | Kind::True => JsonType::Boolean,
            Kind::Integer | Kind::Real => JsonType::Number,
            Kind::Text | Kind::Escaped => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn string_length(&self) -> Option<u64> {
        // Every code point has exactly one byte that continues nothing.
        let bytes = self.str()?.as_bytes();
        Some(bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count() as u64)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match expected {
            Value::Null => self.is_null(),
            Value::Bool(expected) => self.as_boolean() == Some(*expected),
            Value::Number(expected) => {
                self.number().is_some_and(|number| cmp::equal_numbers(&number, expected))
            }
            Value::String(expected) => self.str() == Some(expected),
            Value::Array(expected) => self.as_array().is_some_and(|mut found| {
                found.left == expected.len()
                    && expected
                        .iter()
                        .all(|expected| found.next().is_some_and(|value| value.equals_value(expected)))
            }),
            Value::Object(expected) => self.as_object().is_some_and(|found| {
                found.left == expected.len()
                    && found.members().all(|(name, value)| {
                        expected.get(name).is_some_and(|expected| value.equals_value(expected))
                    })
            }),
        }
    }

    /// Called for each error made, and for nothing else.
    fn to_value(&self) -> Cow<'a, Value> {
        if let Place::At(document, _) = self {
            document.err();
        }
        Cow::Owned(Value::Null)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self {
            Place::At(document, slot) => NodeIdentity::tagged(std::ptr::from_ref(*document) as usize, *slot),
            Place::Name(text) | Place::Number(text, _) => {
                NodeIdentity::tagged(text.as_ptr() as usize, u32::MAX)
            }
        })
    }
}

/// What a container holds; iterates over its slots (of an object: over the names).
pub(super) struct Inside<'a> {
    document: &'a Document<'a>,
    slot: u32,
    next: u32,
    left: usize,
}

impl<'a> Iterator for Inside<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        self.left = self.left.checked_sub(1)?;
        let slot = self.next;
        self.next = self.document.after(slot);
        Some(Place::At(self.document, slot))
    }
}

impl<'a> Array<'a, Tape> for Inside<'a> {
    type Node = Place<'a>;
    type ElementsIter = Self;

    fn len(&self) -> usize {
        self.left
    }

    fn elements(&self) -> Self {
        Inside { ..*self }
    }

    fn is_unique(&self) -> bool {
        let values: Vec<Value> = self.elements().map(Place::tree).collect();
        unique::is_unique(&values)
    }
}

impl<'a> Object<'a, Tape> for Inside<'a> {
    type Node = Place<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.left
    }

    fn get(&self, key: &Name) -> Option<Place<'a>> {
        if self.left == 0 {
            return None;
        }
        self.document.member(self.slot, key).map(|slot| Place::At(self.document, slot))
    }

    fn members(&self) -> Members<'a> {
        Members(Inside { ..*self })
    }
}

/// An object's members in document order.
pub(super) struct Members<'a>(Inside<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Place<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let inside = &mut self.0;
        inside.left = inside.left.checked_sub(1)?;
        let key = inside.next;
        inside.next = inside.document.after(key + 1);
        Some((inside.document.text(key), Place::At(inside.document, key + 1)))
    }
}

/// Strings below this length are looked at for nothing; longer ones cost one unit for each such length.
const FREE_BYTES: usize = 32;
