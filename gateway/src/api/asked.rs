//! What is asked and what is answered, as the operations of the API see it: read, bounded, and with a known caller.

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use agreements::{SystemId, almaty, end_of};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::Caller;
use super::problem::Problem;
use crate::clock;

/// A request whose path, caller and size are known to be right.
pub struct Asked {
    /// Who asks; absent where anybody may.
    pub caller: Option<Caller>,
    /// The portal that asks, where portals do.
    pub portal: Option<SystemId>,
    /// From where.
    pub address: IpAddr,
    /// The places of the path.
    pub path: Vec<(String, String)>,
    /// The parameters, each named once.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its media type.
    pub media_type: Cow<'static, str>,
    /// Its body.
    pub body: Bytes,
    /// The revision of the registry that it shows.
    pub revision: Option<u64>,
    /// What its tag goes by.
    pub tagged: Tagged,
    /// Its tag, without quotes.
    pub etag: Option<String>,
    /// Further headers.
    pub headers: HeaderMap,
}

/// What the tag of an answer goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// The registry's revision, if it is said: what is shown changes only with that.
    Revision,
    /// What is shown itself.
    Content,
}

impl Asked {
    /// The caller of an operation that asks for one.
    ///
    /// # Errors
    /// `unauthenticated`.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| Problem::new("unauthenticated", "this needs an operator"))
    }

    /// What stands in a place of the path.
    ///
    /// # Errors
    /// `not-found`, if nothing of that name can be.
    pub fn place<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let text = self.path.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::new("not-found", format!("there can be no such {name}")))
    }

    /// A parameter.
    ///
    /// # Errors
    /// `parameter-malformed`.
    pub fn parameter<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some((_, text)) = self.query.iter().find(|(known, _)| known == name) else { return Ok(None) };
        let read = text.parse().map(Some);
        read.map_err(|_| Problem::new("parameter-malformed", format!("{name}: {text:?} is none")))
    }

    /// A parameter that is a word of a type's JSON form.
    ///
    /// # Errors
    /// `parameter-malformed`.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some((_, text)) = self.query.iter().find(|(known, _)| known == name) else { return Ok(None) };
        let read = serde_json::from_value(Value::from(text.as_str())).map(Some);
        read.map_err(|error| Problem::new("parameter-malformed", format!("{name}: {error}")))
    }

    /// The moment whose state is asked for: `at`, a date (its end) or a timestamp.
    ///
    /// # Errors
    /// `parameter-malformed`: it is neither, or still to come.
    pub fn at(&self) -> Result<Option<Timestamp>, Problem> {
        let Some((_, text)) = self.query.iter().find(|(known, _)| known == "at") else { return Ok(None) };
        let now = clock::now();
        let wrong = |why: &str| Problem::new("parameter-malformed", format!("at: {text:?} {why}"));
        if let Ok(at) = text.parse::<Timestamp>() {
            return if at > now { Err(wrong("is still to come")) } else { Ok(Some(at)) };
        }
        let Ok(day) = text.parse::<Date>().map_err(|_| ()) else {
            return Err(wrong("is neither a date nor an RFC 3339 timestamp"));
        };
        if day > now.to_zoned(almaty()).date() {
            return Err(wrong("is still to come"));
        }
        // Of today too: all that ask about today ask about the same moment, which the newest registry shows.
        Ok(Some(last_of(day)))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `body-malformed` says where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let read = read(&mut json)?;
        json.end().map_err(|error| Problem::new("body-malformed", error.to_string()))?;
        Ok(read)
    }
}

impl Reply {
    /// An answer of JSON.
    ///
    /// # Errors
    /// Never in practice: what the registry holds has a JSON form.
    pub fn json(value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Problem::new("registry-unavailable", error.to_string()))?;
        Ok(Self::new("application/json", body))
    }

    /// An answer of any type.
    pub fn new(media_type: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            media_type: media_type.into(),
            body: body.into(),
            revision: None,
            tagged: Tagged::Revision,
            etag: None,
            headers: HeaderMap::new(),
        }
    }

    /// An answer without a body.
    pub fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, ..Self::new("", Bytes::new()) }
    }

    /// The same, saying which revision it shows.
    #[must_use]
    pub fn of(self, revision: u64) -> Self {
        Self { revision: Some(revision), etag: Some(revision.to_string()), ..self }
    }

    /// The same without a tag: what is shown changes with the day as well.
    #[must_use]
    pub fn untagged(self) -> Self {
        Self { revision: None, etag: None, ..self }
    }

    /// The same, of one thing that was read at a revision: its tag changes with that thing only.
    #[must_use]
    pub fn object(self, revision: u64) -> Self {
        Self { revision: Some(revision), tagged: Tagged::Content, ..self }
    }

    /// The same, with another status.
    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same, with a header.
    #[must_use]
    pub fn with(mut self, name: header::HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).map(|value| (name, value)).ok());
        self
    }
}

/// The last moment of a day in Almaty: of that day still, not of the next.
fn last_of(day: Date) -> Timestamp {
    let end = end_of(day, &almaty());
    end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end)
}

/// Reads JSON and says where it is wrong.
///
/// # Errors
/// `body-malformed`.
pub(super) fn read<'de, T: DeserializeOwned, D: serde::Deserializer<'de>>(json: D) -> Result<T, Problem>
where
    D::Error: std::fmt::Display,
{
    serde_path_to_error::deserialize(json).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { format!("{place}: ") };
        Problem::new("body-malformed", format!("{place}{}", error.inner()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moment_of_a_day_is_of_that_day() {
        let day: Date = "2026-03-01".parse().unwrap();
        let last = last_of(day).to_zoned(almaty());
        assert_eq!(last.date(), day);
        assert!(last.time() > "23:59:59".parse().unwrap());
    }
}
