//! What a body of documents is held to, and what becomes of one that does not fit.

use adapters::documents::{ArchiveLimits, Inspection, Unfit};
use adapters::multipart::{Boundary, Form, FormBounds, FormUnfit, Notary, Unsigned};
use agreements::{ANY_DOCUMENT, DocumentFormat, Documents, Operation, Payload};
use certs::message::MessageFault;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{Refusal, answer, notary, rows, signed};
use crate::national;
use crate::payload::Violation;
use crate::scanner::Trouble;

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
    /// Whoever it goes to did not take it in time.
    Untaken,
    Broken(hyper::Error),
    Document(Unfit),
    Form(FormUnfit),
    /// It is not what its signature is over.
    Content,
    /// It is not signed as agreed.
    Unsigned(Unsigned),
    Scan(Trouble),
    /// It is signed by a national algorithm, and nobody says that it is so rightly.
    National(national::Trouble),
}

/// What a body is looked through for, as it passes.
#[derive(Debug, Default)]
pub(super) enum Check {
    #[default]
    Finished,
    Document(Box<Alone>),
    Form(Box<Form>),
}

/// A document by itself.
#[derive(Debug)]
pub(super) struct Alone {
    inspection: Inspection,
    declared: DocumentFormat,
    /// Who looks at its signatures, where they are asked for, and the one that its head brings.
    notary: Option<Box<dyn Notary>>,
    beside: Option<Vec<u8>>,
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
            Flaw::Untaken => {
                let row = match self {
                    Self::Request => &rows::PROVIDER_TIMEOUT,
                    Self::Response => &rows::REQUEST_INCOMPLETE,
                };
                Refusal::new(row, "the body was not taken in time")
            }
            Flaw::Broken(error) => Refusal::new(broken, crate::telemetry::chain(error)),
            Flaw::Document(found) => unfit(document, found.code(), found.to_string()),
            Flaw::Form(FormUnfit::File { nth, unfit: Unfit::TooLarge(most) }) => {
                Refusal::new(too_large, format!("file {nth} has more than {most} bytes"))
            }
            Flaw::Unsigned(found) | Flaw::Form(FormUnfit::Unsigned(found)) => {
                unfit(signed::row(self), found.code, found.to_string())
            }
            Flaw::Scan(Trouble::Found(name)) => unfit(document, INFECTED, name.clone()),
            Flaw::Scan(trouble @ Trouble::TooLarge) => Refusal::new(&rows::SCANNER_LIMIT, trouble),
            Flaw::Scan(trouble @ Trouble::Down(_)) => {
                Refusal::new(&rows::SCANNER_UNAVAILABLE, trouble).retry_after(5)
            }
            Flaw::Scan(trouble @ Trouble::Busy) => Refusal::new(&rows::GATEWAY_BUSY, trouble).retry_after(1),
            Flaw::Form(found) => unfit(document, found.code(), found.to_string()),
            Flaw::National(trouble) => self.unvouched(trouble),
            Flaw::Content => signed::refusal(self, &MessageFault::Digest),
        }
    }

    fn unvouched(self, trouble: &national::Trouble) -> Refusal {
        use national::Trouble::{Answer, Busy, Refuted, Silent, TooLarge, TooLargeForIt, TooMany};
        match trouble {
            Refuted(fault) => self.refusal(&Flaw::Unsigned(notary::unsigned(*fault))),
            Silent(_) => Refusal::new(&rows::NATIONAL_SERVICE_UNAVAILABLE, trouble).retry_after(5),
            Answer(_) => Refusal::new(&rows::NATIONAL_SERVICE_ANSWER, trouble),
            TooLarge | TooLargeForIt | TooMany => Refusal::new(&rows::NATIONAL_SERVICE_LIMIT, trouble),
            Busy => Refusal::new(&rows::GATEWAY_BUSY, trouble).retry_after(1),
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
        if !answer::is_of(headers, &agreed.media_type) {
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
        let alone = Alone { inspection, declared, notary: None, beside: None };
        Some((Self::Document(Box::new(alone)), declared.media_type()))
    }

    /// The same, with somebody who looks at signatures; that of a document by itself may stand in its head, and
    /// no other: nobody would look at it, and it would seem to have been verified.
    ///
    /// # Errors
    /// It cannot be signed as agreed.
    pub(super) fn witnessed(
        self,
        notary: Option<Box<dyn Notary>>,
        headers: &HeaderMap,
    ) -> Result<Self, Flaw> {
        let Some(mut notary) = notary else { return Ok(self) };
        Ok(match self {
            Self::Finished => self,
            Self::Document(mut alone) => {
                alone.beside = notary::in_head(headers).map_err(Flaw::Unsigned)?;
                notary.begins("", alone.declared).map_err(Flaw::Unsigned)?;
                alone.notary = Some(notary);
                Self::Document(alone)
            }
            Self::Form(form) => {
                notary::none_in_head(headers).map_err(Flaw::Unsigned)?;
                Self::Form(Box::new(form.witnessed(Some(notary))))
            }
        })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        match self {
            Self::Finished => Ok(()),
            Self::Document(alone) => alone.push(bytes),
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

    /// Says at the end whose signatures counted, where they are asked for.
    pub(super) fn finish(self) -> Result<Option<String>, Flaw> {
        match self {
            Self::Finished => Ok(None),
            Self::Document(alone) => alone.finish(),
            Self::Form(form) => form.finish().map(|(_, signed)| signed).map_err(Flaw::Form),
        }
    }
}

impl Alone {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        self.inspection.push(bytes).map_err(Flaw::Document)?;
        match &mut self.notary {
            Some(notary) => notary.content(bytes).map_err(Flaw::Unsigned),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<Option<String>, Flaw> {
        self.inspection.finish().map_err(Flaw::Document)?;
        let Some(mut notary) = self.notary else { return Ok(None) };
        let verdict = notary.ends().and_then(|()| match &self.beside {
            Some(signature) => notary.beside("", signature),
            None => Ok(()),
        });
        verdict.and_then(|()| notary.finish()).map(Some).map_err(Flaw::Unsigned)
    }
}

/// Whether an operation takes or gives documents.
pub(super) fn carries(operation: &Operation) -> bool {
    [&operation.request, &operation.response].into_iter().flatten().any(|payload| payload.documents.is_some())
}

/// The code of a document in which a scanner found something.
pub(super) const INFECTED: &str = "document-infected";

/// Most bytes of a card: it is held until it was checked.
const MOST_CARD_BYTES: usize = 256 << 10;
