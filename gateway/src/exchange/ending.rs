//! How a call ends: its entry closed and its answer given, or its refusal written down and said.

use std::sync::PoisonError;

use adapters::Claims;
use agreements::{AnswerAfter, DataTypeId, Permit, SystemId};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue};
use http::{Method, Response, Version, request};
use tracing::{debug, info};

use super::answer::Answer;
use super::excess::Delivered;
use super::flood::Sampled;
use super::{
    After, Caller, Carried, ExchangePath, Failed, Passage, Received, Refusal, in_time, record, repeat, rows,
    surface,
};
use crate::exchange_log::{Claim, LogError, OpenEntry};

/// Who exchanges what with whom, for the lines of the process: codes of the registry, which are nobody's personal data.
pub(super) struct Between {
    pub(super) consumer: SystemId,
    pub(super) provider: SystemId,
    pub(super) data_type: DataTypeId,
}

impl Between {
    pub(super) fn of(permit: &Permit<'_>) -> Self {
        Self {
            consumer: permit.consumer().system.card.id.clone(),
            provider: permit.provider().system.card.id.clone(),
            data_type: permit.grant().data_type.id.clone(),
        }
    }
}

impl ExchangePath {
    /// Closes the entry and answers. Where the agreement says so, the answer waits until the closing is durable.
    pub(super) async fn close(
        &self,
        permit: &Permit<'_>,
        entry: OpenEntry,
        received: &Received,
        head: &request::Parts,
        answer: Result<Answer, Failed>,
        mut request: Delivered,
    ) -> Carried {
        let place = format!("{}/{}", self.shared.origin, entry.id());
        let (mut closing, mut response) = match answer {
            Ok(mut answer) => {
                let closing = record::completed(&self.shared, received, &mut answer);
                self.shared.metrics.completed(answer.outcome);
                self.shared.metrics.withheld(answer.withheld);
                debug!(exchange = %received.exchange, status = answer.status.as_u16(), "exchanged");
                (closing, answered(permit, answer))
            }
            Err(mut failed) => {
                let closing = record::failed(received, &mut failed);
                let refusal = &failed.refusal;
                self.shared.metrics.refused(refusal.code());
                let Between { consumer, provider, data_type } = Between::of(permit);
                info!(
                    exchange = %received.exchange,
                    refusal.code = refusal.code(),
                    consumer = consumer.as_str(),
                    provider = provider.as_str(),
                    data_type = data_type.as_str(),
                    "answer refused: {}: {}", refusal.code(), refusal.context()
                );
                let response = refused(refusal, received, Some(&place), head);
                (closing, response)
            }
        };
        if let Some(request) = request.passed.take() {
            (closing.request_digest, closing.request_bytes) = (request.digest, Some(request.bytes));
            closing.signatures =
                record::together([request.signatures.as_deref(), closing.signatures.as_deref()]);
            closing.scan = closing.scan.or(request.scan.map(|scan| scan.as_str().into()));
        }
        request.closes(&mut closing);
        self.shared.metrics.request_withheld(request.withheld());
        if let Some(beyond) = &request.beyond {
            beyond.mark(response.headers_mut());
        }
        match permit.agreement().text.accounting.answer_after {
            AnswerAfter::Opened => entry.close(&closing),
            AnswerAfter::Completed => {
                if let Err(error) = in_time(entry.close_durably(&closing)).await {
                    // B2.5: this agreement gives no answer without its closing entry.
                    let refusal = Refusal::new(&rows::ANSWER_LOST, crate::telemetry::chain(&error));
                    self.shared.metrics.refused(refusal.code());
                    response = refused(&refusal, received, Some(&place), head);
                }
            }
        }
        if let Ok(place) = HeaderValue::try_from(place) {
            response.headers_mut().insert("kelisim-entry", place);
        }
        response
    }

    /// Writes down a call that was not permitted, and answers.
    pub(super) async fn refuse(
        &self,
        caller: &Caller,
        received: &Received,
        head: &request::Parts,
        refusal: &Refusal,
    ) -> Carried {
        self.shared.metrics.refused(refusal.code());
        let sampled = {
            let mut flood = self.flood.lock().unwrap_or_else(PoisonError::into_inner);
            flood.refuse(caller.chain.fingerprint(), received.since)
        };
        let place = match sampled {
            Sampled::Counted => {
                debug!(exchange = %received.exchange, refusal.code = refusal.code(), "refused: {}", refusal.code());
                self.shared.metrics.suppressed();
                None
            }
            Sampled::Entry { suppressed } => {
                let view = self.shared.views.newest();
                let claims = Claims::legible(&head.headers);
                let refused = record::refused(
                    &self.shared,
                    caller,
                    received,
                    head,
                    &claims,
                    &view,
                    refusal,
                    suppressed,
                );
                info!(
                    exchange = %received.exchange,
                    refusal.code = refusal.code(),
                    certificate = %caller.chain.fingerprint(),
                    consumer = refused.consumer.as_deref(),
                    provider = refused.provider.as_ref().map(Claim::as_str),
                    data_type = refused.data_type.as_ref().map(Claim::as_str),
                    "refused: {}: {}", refusal.code(), refusal.context()
                );
                match in_time(self.log.refused(&refused)).await {
                    Ok(id) => Some(format!("{}/{id}", self.shared.origin)),
                    Err(error) => return self.unrecorded(received, head, refusal, error),
                }
            }
        };
        finish(refused(refusal, received, place.as_deref(), head), refusal, head, place.as_deref())
    }

    /// The log takes no entry: the answer says that, and nothing was exchanged.
    fn unrecorded(
        &self,
        received: &Received,
        head: &request::Parts,
        refusal: &Refusal,
        error: LogError,
    ) -> Carried {
        let unrecorded = Refusal::from(error);
        self.shared.metrics.refused(unrecorded.code());
        finish(refused(&unrecorded, received, None, head), refusal, head, None)
    }
}

fn finish(mut response: Carried, refusal: &Refusal, head: &request::Parts, place: Option<&str>) -> Carried {
    let headers = response.headers_mut();
    if let Some(place) = place.and_then(|place| HeaderValue::try_from(place).ok()) {
        headers.insert("kelisim-entry", place);
    }
    if refusal.after() == After::Close && head.version < Version::HTTP_2 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn refused(refusal: &Refusal, received: &Received, place: Option<&str>, head: &request::Parts) -> Carried {
    let mut response = refusal.response(received.exchange, place, &head.headers);
    if head.method == Method::HEAD {
        // RFC 9110 §9.3.2: it is told how long the document is, and does not get it. HTTP/2 would send it.
        let document = std::mem::replace(response.body_mut(), Bytes::new());
        response.headers_mut().insert(CONTENT_LENGTH, document.len().into());
    }
    response.map(Passage::from)
}

fn answered(permit: &Permit<'_>, answer: Answer) -> Carried {
    let mut response = Response::new(Passage::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    surface::mark(permit, response.headers_mut());
    if answer.withheld > 0 {
        response.headers_mut().insert("kelisim-withheld", answer.withheld.into());
    }
    if let Some(first) = answer.first {
        repeat::name_first(response.headers_mut(), first);
    }
    response
}
