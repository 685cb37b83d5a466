//! Entity tags: what is shown of one thing has a tag of its own, which changes with it and with nothing else.
//!
//! A tag names the path that was read and a digest of what was shown there: `"systems/portal~Xk3…"`. `If-Match` with it has
//! that path read again, as the same caller, before the command: whatever else changed meanwhile does not matter. Lists and
//! commands answer with the registry's revision, and `If-Match` with that asks for a registry in which nothing changed.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};

use super::asked::{Asked, Reply};
use super::operation::{Does, Operation};
use super::problem::Problem;
use super::record;
use super::shared::Shared;

/// What a command is to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// Anything.
    Any,
    /// The registry at a revision.
    Revision(u64),
    /// What was shown at a path.
    Shown {
        /// The tag, without quotes.
        tag: String,
    },
}

/// The tag of what is shown at a path.
pub(super) fn tag(path: &str, body: &[u8]) -> String {
    let path = path.strip_prefix(VERSION).unwrap_or(path);
    let hash = digest(&SHA256, body);
    format!("{path}~{}", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..HASH_BYTES]))
}

/// The one spelling of a path: its template with what stands in its places.
pub(super) fn path(template: &str, places: &[(String, String)]) -> String {
    places.iter().fold(template.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
}

/// What `If-Match` expects (RFC 9110 §13.1.1).
///
/// # Errors
/// `header-malformed`.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(header::IF_MATCH) { Err(wrong()) } else { Ok(Expected::Any) };
    };
    if value == "*" {
        return Ok(Expected::Any);
    }
    let text = value.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
    let text = text.filter(|text| text.len() <= MOST_BYTES && !text.contains('"')).ok_or_else(wrong)?;
    if text.contains('~') {
        return Ok(Expected::Shown { tag: text.to_owned() });
    }
    let revision = text.split(['-', ';']).next().and_then(|number| number.parse().ok());
    revision.map(Expected::Revision).ok_or_else(wrong)
}

/// Reads again what a tag was of; the revision at which it still is so.
///
/// # Errors
/// `precondition-failed` if it is not; `header-malformed` if nothing here gave such a tag.
pub(super) fn still(
    shared: &Shared,
    asked: &Asked,
    operations: &[Operation],
    tag: &str,
) -> Result<u64, Problem> {
    let (path, _) = tag.split_once('~').ok_or_else(wrong)?;
    let path = format!("{VERSION}{path}");
    let role = asked.caller()?.actor.role;
    let found = operations.iter().find_map(|one| match one.does {
        // Only what the asker may read; and nothing of the record, where each reading is written down as a person's.
        Does::Asked(does)
            if one.method == http::Method::GET && one.part != record::PART && one.open_to(role) =>
        {
            Some((does, places(&one.path, &path)?))
        }
        _ => None,
    });
    let (does, places) = found.ok_or_else(wrong)?;
    let again = Asked {
        caller: asked.caller.clone(),
        portal: None,
        address: asked.address,
        path: places,
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let gone = || Problem::new("precondition-failed", format!("{path} is not what was read"));
    let reply: Reply = match does(shared, &again) {
        Err(problem) if problem.code == "not-found" => return Err(gone()),
        other => other?,
    };
    let revision = reply.revision.ok_or_else(wrong)?;
    if self::tag(&path, &reply.body) == tag { Ok(revision) } else { Err(gone()) }
}

/// What stands in the places of a template, if a path is of its form.
fn places(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (mut asked, mut places) = (path.split('/'), Vec::new());
    for piece in template.split('/') {
        let given = asked.next()?;
        match piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}')) {
            Some(name) if !given.is_empty() => places.push((name.to_owned(), given.to_owned())),
            None if piece == given => {}
            _ => return None,
        }
    }
    asked.next().is_none().then_some(places)
}

fn wrong() -> Problem {
    Problem::new("header-malformed", "If-Match: one ETag as it was given, or *")
}

const VERSION: &str = "/v1/";

/// Of the hash: enough that nobody finds two things of one tag.
const HASH_BYTES: usize = 16;

const MOST_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(value: &str) -> Result<Expected, &'static str> {
        let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_str(value).unwrap())]);
        expected(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn a_tag_is_of_a_path_and_of_what_is_shown_there() {
        let (one, other) = (tag("/v1/systems/portal", b"{}"), tag("/v1/systems/portal", b"{ }"));
        assert!(one.starts_with("systems/portal~") && one != other);
        assert_eq!(read(&format!("\"{one}\"")), Ok(Expected::Shown { tag: one }));
        assert_eq!(read("\"17\""), Ok(Expected::Revision(17)));
        assert_eq!(read("\"17-csv\""), Ok(Expected::Revision(17)));
        assert_eq!(read("*"), Ok(Expected::Any));
        for bad in ["17", "\"\"", "W/\"17\"", "\"a\", \"b\"", "\"yesterday\""] {
            assert_eq!(read(bad), Err("header-malformed"), "{bad}");
        }
        assert_eq!(expected(&HeaderMap::new()).unwrap(), Expected::Any);
    }

    #[test]
    fn a_path_is_read_by_its_template() {
        let template = "/v1/agreements/{number}/versions/{version}";
        let read = places(template, "/v1/agreements/a-1/versions/2").unwrap();
        assert_eq!(read, [("number".into(), "a-1".into()), ("version".into(), "2".into())]);
        for other in ["/v1/agreements/a-1", "/v1/agreements//versions/2", "/v1/agreements/a/versions/2/x"] {
            assert_eq!(places(template, other), None, "{other}");
        }
    }
}
