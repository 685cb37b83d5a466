//! What a body of documents is held to, and what becomes of one that does not fit.

use adapters::documents::{ArchiveLimits, Inspection, Unfit};
use adapters::multipart::{Boundary, Form, FormBounds, FormUnfit};
use agreements::{ANY_DOCUMENT, Documents, Operation, Payload};
use certs::message::MessageFault;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{Refusal, answer, rows, signed};
use crate::payload::Violation;

/// Whose body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// What is wrong with it.
#[derive(Debug)]
pub(super) enum Flaw {
    TooLarge(u64),
    Late,
    Broken(hyper::Error),
    Document(Unfit),
    Form(FormUnfit),
    /// It is not what its signature is over.
    Content,
}

/// What a body is looked through for, as it passes.
#[derive(Debug, Default)]
pub(super) enum Check {
    #[default]
    Finished,
    Document(Box<Inspection>),
    Form(Box<Form>),
}

impl Side {
    pub(super) fn refusal(self, flaw: &Flaw) -> Refusal {
        let unfit = |row, code, reason: String| {
            let violation = Violation { pointer: String::new(), code, reason };
            Refusal::of_payload(row, violation).more_exactly(code)
        };
        let (too_large, late, broken, document) = match self {
            Self::Request => (
                &rows::REQUEST_TOO_LARGE,
                &rows::REQUEST_TIMEOUT,
                &rows::REQUEST_INCOMPLETE,
                &rows::REQUEST_DOCUMENT,
            ),
            Self::Response => (
                &rows::RESPONSE_TOO_LARGE,
                &rows::PROVIDER_TIMEOUT,
                &rows::PROVIDER_FAILED,
                &rows::RESPONSE_DOCUMENT,
            ),
        };
        match flaw {
            Flaw::TooLarge(most) | Flaw::Document(Unfit::TooLarge(most)) => {
                Refusal::new(too_large, format!("more than {most} bytes"))
            }
            Flaw::Late => Refusal::new(late, "the body did not go on in time"),
            Flaw::Broken(error) => Refusal::new(broken, crate::telemetry::chain(error)),
            Flaw::Document(found) => unfit(document, found.code(), found.to_string()),
            Flaw::Form(FormUnfit::File { nth, unfit: Unfit::TooLarge(most) }) => {
                Refusal::new(too_large, format!("file {nth} has more than {most} bytes"))
            }
            Flaw::Form(found) => unfit(document, found.code(), found.to_string()),
            Flaw::Content => signed::refusal(self, &MessageFault::Digest),
        }
    }
}

impl Check {
    /// Of a request's body under that head, with the media type under which its provider gets it.
    ///
    /// # Errors
    /// It is of another type than agreed.
    pub(super) fn of_request(
        agreed: &Payload,
        documents: &Documents,
        headers: &HeaderMap,
    ) -> Result<(Self, HeaderValue), Refusal> {
        let other = || Refusal::new(&rows::REQUEST_MEDIA_TYPE, "another media type than agreed");
        if agreed.media_type == ANY_DOCUMENT {
            let (check, media_type) = Self::document(documents, headers).ok_or_else(other)?;
            return Ok((check, HeaderValue::from_static(media_type)));
        }
        if answer::media_type(headers).is_none_or(|one| !one.eq_ignore_ascii_case(&agreed.media_type)) {
            return Err(other());
        }
        let content_type = headers.get(CONTENT_TYPE).ok_or_else(other)?;
        let malformed = |unfit| Side::Request.refusal(&Flaw::Form(FormUnfit::Malformed(unfit)));
        let boundary = Boundary::of(content_type).map_err(malformed)?;
        let bounds = FormBounds {
            formats: documents.formats.clone(),
            files: documents.max_files,
            file_bytes: documents.max_file_bytes,
            card_bytes: MOST_CARD_BYTES,
            archives: ArchiveLimits::default(),
        };
        Ok((Self::Form(Box::new(Form::new(&boundary, bounds))), content_type.clone()))
    }

    /// Of a document by itself under that head, with its media type as the gateway says it.
    pub(super) fn document(documents: &Documents, headers: &HeaderMap) -> Option<(Self, &'static str)> {
        let media_type = answer::media_type(headers)?;
        let declared = Inspection::declared(&documents.formats, Some(media_type), None).ok()?;
        let inspection = Inspection::new(declared, documents.max_file_bytes, ArchiveLimits::default());
        Some((Self::Document(Box::new(inspection)), declared.media_type()))
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        match self {
            Self::Finished => Ok(()),
            Self::Document(inspection) => inspection.push(bytes).map_err(Flaw::Document),
            Self::Form(form) => form.push(bytes).map_err(Flaw::Form),
        }
    }

    /// Whether what has to be known before anything passes is known.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            Self::Finished | Self::Document(_) => true,
            Self::Form(form) => form.card().is_some(),
        }
    }

    /// The card, once, when it was read.
    pub(super) fn take_card(&mut self) -> Option<Vec<u8>> {
        let Self::Form(form) = self else { return None };
        let card = form.card().filter(|card| !card.is_empty())?.to_vec();
        form.forget_card();
        Some(card)
    }

    pub(super) fn finish(self) -> Result<(), Flaw> {
        match self {
            Self::Finished => Ok(()),
            Self::Document(inspection) => inspection.finish().map(drop).map_err(Flaw::Document),
            Self::Form(form) => form.finish().map(drop).map_err(Flaw::Form),
        }
    }
}

/// Whether an operation takes or gives documents.
pub(super) fn carries(operation: &Operation) -> bool {
    [&operation.request, &operation.response].into_iter().flatten().any(|payload| payload.documents.is_some())
}

/// Most bytes of a card: it is held until it was checked.
const MOST_CARD_BYTES: usize = 256 << 10;
