//! What a body's media type says of its parts.

use http::HeaderValue;

use super::head::{Malformed, parameters};

/// Which multipart it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `multipart/form-data`: parts have names.
    FormData,
    /// `multipart/related`: the first part is what the others belong to.
    Related,
}

/// What stands between parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    pub(super) kind: Kind,
    /// With the two hyphens before it.
    pub(super) delimiter: Vec<u8>,
    /// What names the root part of a related body, if it is named.
    pub(super) start: Option<String>,
}

impl Boundary {
    /// Reads a `Content-Type`.
    ///
    /// # Errors
    /// [`Malformed`]: it is neither of the two, or does not say what stands between its parts.
    pub fn of(content_type: &HeaderValue) -> Result<Self, Malformed> {
        let wrong = Malformed("the media type is not that of a card with files");
        let text = content_type.to_str().map_err(|_| wrong)?;
        let (media_type, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let kind = match media_type.trim().to_ascii_lowercase().as_str() {
            "multipart/form-data" => Kind::FormData,
            "multipart/related" => Kind::Related,
            _ => return Err(wrong),
        };
        let (mut delimiter, mut start) = (None, None);
        for (name, value) in parameters(rest.as_bytes())? {
            match (name.as_str(), kind) {
                ("boundary", _) => delimiter = Some(value),
                ("start", Kind::Related) => start = Some(value),
                // RFC 2387 §3.1: the type of the root, which is the card.
                ("type", Kind::Related) if value.eq_ignore_ascii_case("application/json") => {}
                _ => return Err(Malformed("the media type has a parameter that is not its own")),
            }
        }
        let delimiter = delimiter.ok_or(Malformed("no boundary is named"))?;
        // RFC 2046 §5.1.1
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        if !(1..=70).contains(&delimiter.len()) || !delimiter.bytes().all(allowed) || delimiter.ends_with(' ')
        {
            return Err(Malformed("the boundary is none"));
        }
        Ok(Self { kind, delimiter: [b"--", delimiter.as_bytes()].concat(), start })
    }

    /// Which multipart it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Boundary, Malformed> {
        Boundary::of(&HeaderValue::try_from(text).unwrap())
    }

    #[test]
    fn boundary_is_read_in_the_ways_it_may_be_written() {
        for text in [
            "multipart/form-data; boundary=a-b",
            "Multipart/Form-Data;boundary=\"a-b\"",
            "multipart/related; type=\"application/json\"; boundary=a-b",
        ] {
            assert_eq!(read(text).unwrap().delimiter, b"--a-b", "{text}");
        }
        assert_eq!(
            read("multipart/related; boundary=a; start=\"<c@d>\"").unwrap().start.as_deref(),
            Some("<c@d>")
        );
    }

    #[test]
    fn what_names_no_boundary_or_two_is_refused() {
        for text in [
            "multipart/mixed; boundary=a",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=\"a \"",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=a; charset=utf-8",
            "multipart/form-data; boundary=\"a\\\"b\"",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data boundary=a",
            "multipart/related; type=text/html; boundary=a",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&format!("multipart/form-data; boundary={}", "x".repeat(71))).is_err());
    }
}
