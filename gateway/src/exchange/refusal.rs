//! The only place where an error becomes a response.

use agreements::Denial;
use agreements::cited::cited_in;
use agreements::refusal::{Culprit, Language, Row};
use bytes::Bytes;
use certs::trust::Untrusted;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::contract::Unusable;
use super::document::INFECTED;
use super::{repeat, rows};
use crate::clock_watch::ClockUntrusted;
use crate::exchange_log::LogError;
use crate::framing::FramingViolation;
use crate::payload::Violation;
use crate::registry::Unconfirmed;

/// A call that does not pass, with what its answer and its entry say.
#[derive(Debug)]
pub struct Refusal {
    row: &'static Row,
    /// The row's code, or a more exact one of its family.
    code: &'static str,
    culprit: Culprit,
    retry_after_seconds: Option<u32>,
    violation: Option<Box<Violation>>,
    /// The first exchange under the idempotency key.
    first: Option<Uuid>,
    /// What happened, for the log of the process: never in an answer.
    context: String,
    after: After,
}

/// What becomes of the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It goes on.
    KeepAlive,
    /// Nothing on it can be believed any more.
    Close,
}

impl Refusal {
    /// A refusal for a reason of the process.
    pub fn new(row: &'static Row, context: impl ToString) -> Self {
        Self {
            row,
            code: row.code,
            culprit: row.culprit,
            retry_after_seconds: None,
            violation: None,
            first: None,
            context: context.to_string(),
            after: After::KeepAlive,
        }
    }

    /// A payload that does not fit its schema.
    pub fn of_payload(row: &'static Row, violation: Violation) -> Self {
        Self { violation: Some(Box::new(violation.clone())), ..Self::new(row, violation) }
    }

    /// The same refusal, with a time after which asking again may help.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The same refusal of a repeat, with the first exchange under its key.
    pub fn first(self, exchange: Uuid) -> Self {
        Self { first: Some(exchange), ..self }
    }

    /// The same refusal, with a more exact code of its row's family.
    pub fn more_exactly(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The clause or standard that asks for it.
    pub fn clause(&self) -> &'static str {
        self.row.clause
    }

    /// Whose doing it is.
    pub fn culprit(&self) -> Culprit {
        self.culprit
    }

    /// What a scanner found in the document.
    pub fn found(&self) -> Option<&str> {
        self.violation.as_ref().filter(|_| self.code == INFECTED).map(|violation| violation.reason.as_str())
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What happened, for the log of the process.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// What becomes of the connection.
    pub fn after(&self) -> After {
        self.after
    }

    /// The answer: a problem document (RFC 9457) in the language that the caller accepts best.
    pub fn response(&self, exchange: Uuid, entry: Option<&str>, asked: &HeaderMap) -> Response<Bytes> {
        let accepted = asked.get(header::ACCEPT_LANGUAGE).and_then(|field| field.to_str().ok());
        let language = Language::accepted(accepted.unwrap_or(""));
        let mut problem = json!({
            "type": format!("urn:kelisim:refusal:{}", self.code),
            "title": self.code.replace('-', " "),
            "status": self.row.status,
            "detail": self.row.words.in_language(language),
            "code": self.code,
            "clause": self.row.clause,
            "culprit": self.culprit.as_str(),
            "exchange": exchange.to_string(),
        });
        let acts: Vec<String> = cited_in(self.row.clause).map(|act| act.told(language)).collect();
        if !acts.is_empty() {
            problem["acts"] = acts.into();
        }
        if let Some(entry) = entry {
            problem["entry"] = entry.into();
        }
        if let Some(violation) = &self.violation {
            problem["pointer"] = violation.pointer.as_str().into();
            problem["keyword"] = violation.code.into();
            problem["reason"] = violation.reason.as_str().into();
        }
        if let Some(first) = self.first {
            problem["first_exchange"] = first.to_string().into();
        }
        let mut response = Response::new(Bytes::from(problem.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert("kelisim-refusal", HeaderValue::from_static(self.code));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(first) = self.first {
            repeat::name_first(headers, first);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        let place = if let Denial::ParameterNotDeclared { parameter, .. }
        | Denial::ParameterMissing { parameter, .. } = &denial
        {
            Some(in_query(parameter))
        } else {
            matches!(denial, Denial::OperationUnknown(_)).then(|| "/path".to_owned())
        };
        let (code, reason) = (denial.row().code, denial.to_string());
        let violation = place.map(|pointer| Box::new(Violation { pointer, code, reason }));
        Self { culprit: denial.culprit(), violation, ..Self::new(denial.row(), &denial) }
    }
}

/// The place of a parameter, as a JSON Pointer. Told to who sent its name, and to nobody else: it stands in no log.
fn in_query(name: &str) -> String {
    let name: String = name.chars().take(MOST_NAME).collect();
    format!("/query/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl From<FramingViolation> for Refusal {
    fn from(violation: FramingViolation) -> Self {
        let code = violation.code();
        Self { code, after: After::Close, ..Self::new(&rows::REQUEST_MALFORMED, violation) }
    }
}

impl From<adapters::Unreadable> for Refusal {
    fn from(unreadable: adapters::Unreadable) -> Self {
        let (code, pointer, reason) = (unreadable.code(), unreadable.pointer(), unreadable.to_string());
        let violation = Some(Box::new(Violation { pointer, code, reason }));
        Self { code, violation, ..Self::new(&rows::REQUEST_UNREADABLE, unreadable) }
    }
}

impl From<Untrusted> for Refusal {
    fn from(untrusted: Untrusted) -> Self {
        let row = match untrusted {
            Untrusted::Revoked { .. } => &rows::CERTIFICATE_REVOKED,
            Untrusted::Expired { .. } => &rows::CERTIFICATE_EXPIRED,
            _ => &rows::CERTIFICATE_UNTRUSTED,
        };
        Self::new(row, untrusted)
    }
}

impl From<Unconfirmed> for Refusal {
    fn from(unconfirmed: Unconfirmed) -> Self {
        Self::new(&rows::REGISTRY_UNCONFIRMED, unconfirmed).retry_after(5)
    }
}

impl From<ClockUntrusted> for Refusal {
    fn from(untrusted: ClockUntrusted) -> Self {
        Self::new(&rows::CLOCK_UNTRUSTED, untrusted).retry_after(60)
    }
}

impl From<Unusable> for Refusal {
    fn from(unusable: Unusable) -> Self {
        Self::new(&rows::CONTRACT_UNUSABLE, unusable)
    }
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        let row = match error {
            LogError::Overloaded => &rows::GATEWAY_BUSY,
            LogError::Unwitnessed => &rows::LOG_UNWITNESSED,
            LogError::Full => &rows::LOG_FULL,
            LogError::Closed | LogError::TooLong { .. } | LogError::NoRandomness | LogError::Unknown => {
                &rows::LOG_UNAVAILABLE
            }
        };
        Self::new(row, error).retry_after(5)
    }
}

/// Characters of a parameter's name that are told back.
const MOST_NAME: usize = 128;
