//! Problems: every answer that is none, in one form (RFC 9457) with a stable code.

use agreements::CommandError;
use agreements::cited::cited_in;
use axum::body::Body;
use http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::access::AccessError;
use super::words::{self, Language};
use crate::office::DepositError;
use crate::registry::{Failure, StoreError};

/// Why a request was not carried out. Unless its code says otherwise, nothing has changed.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its stable name: a row of [`words::all`].
    pub code: &'static str,
    /// What exactly, in English.
    pub detail: String,
    /// What is wrong with each field, where that is known.
    pub problems: Vec<Value>,
    retry_after: Option<u64>,
}

/// A problem on the wire (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:kelisim:problem:` and the code.
    pub r#type: String,
    /// What kind of problem it is, in the language asked for.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What exactly is wrong, in English.
    pub detail: String,
    /// The stable name of the problem, for programs.
    pub code: String,
    /// What is wrong with each field, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Value>,
    /// The acts whose clauses those name, by their titles, in the language asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<String>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), problems: Vec::new(), retry_after: None }
    }

    /// The same, to be tried again after some seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// The status that goes with the code.
    pub fn status(&self) -> StatusCode {
        words::row(self.code).status()
    }

    /// The document in a language.
    pub fn document(&self, language: Language) -> ProblemDocument {
        let row = words::row(self.code);
        let clauses: Vec<&str> = self.problems.iter().filter_map(|one| one["clause"].as_str()).collect();
        ProblemDocument {
            r#type: format!("urn:kelisim:problem:{}", self.code),
            title: row.title(language).to_owned(),
            status: row.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_owned(),
            problems: self.problems.clone(),
            acts: cited_in(&clauses.join(";")).map(|act| act.told(language.into())).collect(),
        }
    }

    /// The answer in a language.
    pub fn response(&self, language: Language) -> Response<Body> {
        let text = serde_json::to_string(&self.document(language)).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        let mut say = |name: HeaderName, value: &str| {
            headers.extend(HeaderValue::from_str(value).map(|value| (name, value)).ok());
        };
        say(CONTENT_TYPE, MEDIA_TYPE);
        say(CONTENT_LANGUAGE, language.as_str());
        if self.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1: a 401 names a way to authenticate.
            say(WWW_AUTHENTICATE, "Bearer realm=\"kelisim\"");
        }
        if let Some(seconds) = self.retry_after {
            say(RETRY_AFTER, &seconds.to_string());
        }
        response
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let problems = match &error {
            CommandError::Draft(problems) => {
                problems.iter().filter_map(|one| serde_json::to_value(one).ok()).collect()
            }
            CommandError::Incomplete { missing, .. } => {
                missing.iter().filter_map(|one| serde_json::to_value(one).ok()).collect()
            }
            CommandError::NotKept { missing } => missing.iter().map(|one| one.as_str().into()).collect(),
            _ => Vec::new(),
        };
        Self { problems, ..Self::new(error.code(), error.to_string()) }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error.into(),
            Failure::Store(StoreError::Conflict { expected, found }) => {
                let detail = format!("the registry is at revision {found}, not {expected}");
                Self::new("precondition-failed", detail)
            }
            Failure::Store(StoreError::Repeated) => Self::new("idempotency-key-reused", "choose another key"),
            Failure::TooManyKeys => Self::new("too-many-requests", failure.to_string()).after(3_600),
            Failure::Busy(_) => Self::new("busy", failure.to_string()).after(1),
            Failure::Documents(error) => DepositError::Io(error).into(),
            failure @ (Failure::Store(_) | Failure::OutOfStep(_) | Failure::Elsewhere(_)) => {
                // Which file, and why, is for the operator of the gateway.
                tracing::error!(error = %crate::telemetry::chain(&failure), "the API cannot use the registry");
                Self::new("registry-unavailable", "the registry cannot be read or written now").after(5)
            }
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        tracing::error!(error = %crate::telemetry::chain(&error), "the API cannot use the access store");
        Self::new("access-unavailable", "the access store cannot be read or written now").after(5)
    }
}

/// RFC 9457 §3.
pub const MEDIA_TYPE: &str = "application/problem+json";
