//! Path templates of operations, such as `/persons/{iin}/orders`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// A path with named places, compared segment by segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Place(String),
}

/// Why a text is no path template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path template is '/' or '/'-separated segments of letters, digits, '-', '.', '_' or one '{{name}}': {0:?}"
)]
pub struct TemplateError(String);

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] if a segment is empty, a dot segment, or neither literal nor one place.
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        let wrong = || TemplateError(text.to_owned());
        let rest = text.strip_prefix('/').ok_or_else(wrong)?;
        let mut segments = Vec::new();
        for piece in rest.split('/').filter(|_| !rest.is_empty()) {
            let place = piece.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
            let name = place.unwrap_or(piece);
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
            if name.is_empty() || !plain || name == "." || name == ".." {
                return Err(wrong());
            }
            segments.push(match place {
                Some(name) => Segment::Place(name.to_owned()),
                None => Segment::Literal(piece.to_owned()),
            });
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// Whether decoded path segments are of this form.
    pub fn matches<S: AsRef<str>>(&self, path: &[S]) -> bool {
        path.len() == self.segments.len()
            && self.segments.iter().zip(path).all(|(segment, piece)| match segment {
                Segment::Literal(literal) => literal == piece.as_ref(),
                Segment::Place(_) => !piece.as_ref().is_empty(),
            })
    }

    /// Whether some path is of both forms.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (Segment::Literal(one), Segment::Literal(other)) => one == other,
                (Segment::Place(_), _) | (_, Segment::Place(_)) => true,
            })
    }

    /// Whether all paths of this form are of the other's too, and not the other way round: of two that match, this one
    /// is meant (OpenAPI 3.1 §4.8.8.2).
    pub fn is_narrower_than(&self, other: &Self) -> bool {
        let places = |one: &Self| one.segments.iter().filter(|one| matches!(one, Segment::Place(_))).count();
        let within = |pair| !matches!(pair, (&Segment::Place(_), &Segment::Literal(_)));
        self.overlaps(other)
            && self.segments.iter().zip(&other.segments).all(within)
            && places(self) < places(other)
    }

    /// What stands in the place `name` of a matching path.
    pub fn place<'p, S: AsRef<str>>(&self, name: &str, path: &'p [S]) -> Option<&'p str> {
        let at = self.segments.iter().position(|s| matches!(s, Segment::Place(place) if place == name))?;
        path.get(at).map(AsRef::as_ref)
    }

    /// Whether it has a place of that name.
    pub fn has_place(&self, name: &str) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Place(place) if place == name))
    }

    /// The decoded segments with `places` filled in; `None` unless exactly these are its places, and none is empty or a
    /// dot segment.
    pub fn filled<'a>(&'a self, places: &'a BTreeMap<String, String>) -> Option<Vec<&'a str>> {
        let fills = |value: &str| !matches!(value, "" | "." | "..");
        let known = places.iter().all(|(name, value)| self.has_place(name) && fills(value));
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => Some(literal.as_str()),
            Segment::Place(name) => places.get(name).map(String::as_str),
        });
        segments.collect::<Option<_>>().filter(|_| known)
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl utoipa::PartialSchema for PathTemplate {
    fn schema() -> RefOr<Schema> {
        let segment = r"([A-Za-z0-9._-]+|\{[A-Za-z0-9._-]+\})";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^/({segment}(/{segment})*)?$")))
            .examples(["/persons/{iin}"])
            .into()
    }
}

impl utoipa::ToSchema for PathTemplate {}

impl TryFrom<String> for PathTemplate {
    type Error = TemplateError;
    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::new(&text)
    }
}

impl From<PathTemplate> for String {
    fn from(template: PathTemplate) -> String {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_matches_segment_by_segment() {
        let template = PathTemplate::new("/persons/{iin}/orders").unwrap();
        assert!(template.matches(&["persons", "860101300123", "orders"]));
        assert!(!template.matches(&["persons", "", "orders"]));
        assert!(!template.matches(&["persons", "1"]));
        assert_eq!(template.place("iin", &["persons", "7", "orders"]), Some("7"));
        assert!(PathTemplate::new("/").unwrap().matches::<&str>(&[]));
        let places = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (right, empty, more) =
            (places(&[("iin", "7")]), places(&[("iin", "")]), places(&[("iin", "7"), ("x", "8")]));
        assert_eq!(template.filled(&right).unwrap(), ["persons", "7", "orders"]);
        assert!([empty, more, places(&[])].iter().all(|wrong| template.filled(wrong).is_none()));
    }

    #[test]
    fn of_two_templates_that_match_the_narrower_is_meant() {
        let stand = |one: &str, other: &str| {
            let (one, other) = (PathTemplate::new(one).unwrap(), PathTemplate::new(other).unwrap());
            assert_eq!(one.overlaps(&other), other.overlaps(&one));
            (one.overlaps(&other), one.is_narrower_than(&other), other.is_narrower_than(&one))
        };
        assert_eq!(stand("/persons/all", "/persons/{iin}"), (true, true, false));
        assert_eq!(stand("/persons/{iin}", "/persons/{id}"), (true, false, false));
        assert_eq!(
            stand("/{what}/all", "/persons/{iin}"),
            (true, false, false),
            "each is narrower somewhere"
        );
        assert_eq!(stand("/persons/all", "/persons/some"), (false, false, false));
        assert_eq!(stand("/persons/{iin}", "/persons/{iin}/orders"), (false, false, false));
    }

    #[test]
    fn a_template_cannot_climb_or_hide() {
        for bad in ["", "persons", "//", "/a/../b", "/{}", "/a{b}", "/a b", "/a/"] {
            assert!(PathTemplate::new(bad).is_err(), "{bad}");
        }
    }
}
