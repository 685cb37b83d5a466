//! Where a call stands among those under its `Idempotency-Key` (Interaction 17.6): the first, or a repeat.

use agreements::{Permit, Presence, Repeats as Rule};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, request};
use uuid::Uuid;

use super::answer::{Answer, digest_of};
use super::body;
use super::budget::Room;
use super::decision::Ground;
use super::excess::Delivered;
use super::refusal::Refusal;
use super::surface::Question;
use super::{Caller, Carried, ExchangePath, Failed, Received, Shared, in_time, rows, signed};
use crate::exchange_log::{Opening, Outcome, Sha256};
use crate::repeats::{Begun, KeptAnswer, KeptHead, Keyed, Known, Mark, Ticket, Unkept, What};

/// Where a call stands.
pub(super) enum Turn {
    /// It bears no key, or changes nothing.
    Unkeyed,
    /// It is the first under its key.
    First(Box<First>),
}

/// The first call under a key.
pub(super) struct First {
    ticket: Ticket,
    /// Absent while its body streams.
    mark: Option<Mark>,
}

/// What is known when a call comes.
pub(super) enum Place {
    Turn(Turn),
    /// It is a repeat, if it asks the same.
    Known(Box<Known>),
}

/// Whether a call outlives its caller's connection: whoever loses it can ask for the answer by its key.
pub(super) fn goes_on_alone(head: &request::Parts) -> bool {
    !is_safe(&head.method) && head.headers.contains_key(&KEY)
}

fn is_safe(method: &Method) -> bool {
    agreements::Method::parse(method.as_str()).is_none_or(agreements::Method::is_safe)
}

impl Shared {
    /// Looks for the call's key; `body` is what it asks, unless that streams.
    pub(super) async fn place(
        &self,
        permit: &Permit<'_>,
        question: &Question<'_>,
        received: &Received,
        body: Option<&[u8]>,
    ) -> Result<Place, Refusal> {
        let operation = permit.operation();
        if operation.method.is_safe() {
            return Ok(Place::Turn(Turn::Unkeyed));
        }
        let Rule { key: presence, provider: at_provider } = operation.repeats.unwrap_or_default();
        let Some(key) = question.claims().idempotency_key.as_deref() else {
            return match presence {
                Presence::Optional => Ok(Place::Turn(Turn::Unkeyed)),
                Presence::Required => Err(Refusal::new(&rows::IDEMPOTENCY_KEY_MISSING, "")),
            };
        };
        let mark = body.map(|body| self.mark(question, digest_of(body).as_ref()));
        let (text, data_type) = (&permit.agreement().text, &permit.grant().data_type);
        let keyed = Keyed {
            consumer: permit.consumer().system.card.id.as_str(),
            provider: permit.provider().system.card.id.as_str(),
            data_type: data_type.id.as_str(),
            operation: operation.id.as_str(),
            key,
            terms: format!("{}/{} {}/{}", text.number, text.version, data_type.id, data_type.version),
            exchange: received.exchange,
            request: mark,
            at_provider,
        };
        Ok(match self.repeats.begin(keyed).await? {
            Begun::First(ticket) => Place::Turn(Turn::First(Box::new(First { ticket, mark }))),
            Begun::Known(known) => {
                if let Some(mark) = mark {
                    asks_the_same(&known, mark)?;
                }
                Place::Known(Box::new(known))
            }
        })
    }

    /// What a request asks, once its body is known: for what, for which case and in whose name, too, since the provider is told
    /// so and the record says that it was.
    pub(super) fn mark(&self, question: &Question<'_>, digest: Option<&Sha256>) -> Mark {
        let claims = question.claims();
        let claimed = [claims.purpose.as_deref(), claims.case.as_deref(), claims.user.as_deref()];
        let digest = digest.map(|digest| &digest.0);
        self.repeats.mark(question.method.as_str(), &question.asked.target(), claimed, digest)
    }
}

/// Whether a call asks what the first under its key asked.
pub(super) fn asks_the_same(known: &Known, mark: Mark) -> Result<(), Refusal> {
    if known.asked(mark) {
        return Ok(());
    }
    Err(Refusal::new(&rows::IDEMPOTENCY_KEY_REUSED, "").first(known.first))
}

/// The answer that a repeat gets.
///
/// # Errors
/// It gets none, for the reason that the refusal gives.
pub(super) fn settled(known: Known, room: Room) -> Result<Answer, Refusal> {
    let row = match known.what {
        What::UnderWay => {
            let refusal = Refusal::new(&rows::IDEMPOTENCY_IN_PROGRESS, "").first(known.first);
            return Err(refusal.retry_after(1));
        }
        What::Unknown => &rows::IDEMPOTENCY_OUTCOME_UNKNOWN,
        What::NotKept => &rows::IDEMPOTENCY_ANSWER_NOT_KEPT,
        What::Answered(answer) => return as_it_was(known.first, answer, room),
    };
    Err(Refusal::new(row, "").first(known.first))
}

/// The first answer, as it was.
fn as_it_was(first: Uuid, kept: KeptAnswer, mut room: Room) -> Result<Answer, Refusal> {
    let KeptHead { status, headers: lines, withheld, subjects } = kept.head;
    let unread = || Refusal::new(&rows::IDEMPOTENCY_ANSWER_NOT_KEPT, "it cannot be read").first(first);
    let status = StatusCode::from_u16(status).map_err(|_| unread())?;
    let mut headers = HeaderMap::with_capacity(lines.len());
    for (name, value) in lines {
        let name = HeaderName::try_from(name).map_err(|_| unread())?;
        headers.append(name, HeaderValue::try_from(value).map_err(|_| unread())?);
    }
    // It names the first exchange, so nobody could hold it against this one; it was verified then.
    signed::take_off(&mut headers);
    if !room.grow(kept.body.len()) {
        return Err(Refusal::new(&rows::GATEWAY_BUSY, "no memory left for payloads").retry_after(1));
    }
    let body = body::housed(kept.body, room);
    // What it had too much stands in the closing of the first; whom it is about in each, hashed for its own time (D4).
    let fields = Vec::new();
    let (outcome, signatures, first) = (Outcome::AnsweredAgain, None, Some(first));
    Ok(Answer { status, headers, body, withheld, fields, subjects, outcome, signatures, first })
}

impl ExchangePath {
    /// Gives the first answer under an idempotency key again: on record, and nobody else is asked.
    #[expect(clippy::too_many_arguments, reason = "everything that the exchange has gathered")]
    pub(super) async fn again(
        &self,
        ground: &Ground,
        permit: &Permit<'_>,
        caller: &Caller,
        asked: &Question<'_>,
        received: &Received,
        head: &request::Parts,
        opening: &Opening<'_>,
        answer: Answer,
        mut delivered: Delivered,
    ) -> Result<Carried, Refusal> {
        let entry = in_time(self.log.open(opening)).await?;
        delivered.opens(opening);
        // B9: writing the entry may have taken its time.
        let still = self.shared.still(ground, permit, caller, asked, None);
        let failed = |refusal| Failed::of_request(refusal, Outcome::RequestRefused);
        let answer = still.map(|()| answer).map_err(failed);
        Ok(self.close(permit, entry, received, head, answer, delivered).await)
    }
}

impl Turn {
    /// The call goes out now.
    pub(super) fn goes(&mut self) {
        if let Self::First(first) = self {
            first.ticket.goes();
        }
    }

    /// What it asked, which was not known while its body streamed.
    pub(super) fn asked(&mut self, mark: impl FnOnce() -> Mark) {
        if let Self::First(first) = self
            && first.mark.is_none()
        {
            first.mark = Some(mark());
        }
    }

    /// Keeps what became of the call, before it is answered.
    pub(super) async fn ends(self, answer: &Result<Answer, Failed>) {
        let Self::First(first) = self else { return };
        let First { ticket, mark } = *first;
        let outcome = match answer {
            // RFC 9110 §15.6.4, RFC 6585 §4: it was not done, and should be asked again.
            Ok(answer) if NOT_DONE.contains(&answer.status) => Outcome::RequestRefused,
            Ok(answer) => answer.outcome,
            Err(failed) => failed.outcome,
        };
        match (outcome, answer, mark) {
            (Outcome::ProviderUnreachable | Outcome::RequestRefused, ..) => ticket.was_not_sent(),
            (_, Ok(answer), Some(mark)) => {
                let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
                let lines = answer.headers.iter();
                let headers =
                    lines.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
                let head = KeptHead {
                    status: answer.status.as_u16(),
                    headers: headers.collect(),
                    withheld: answer.withheld,
                    subjects: answer.subjects.clone(),
                };
                ticket.answered(mark, &KeptAnswer { head, body: answer.body.clone() }).await;
            }
            // It was carried out, and what came of it was not let through.
            (Outcome::ResponseRefused, _, Some(mark)) => ticket.done(mark),
            // Its upload did not come whole to the provider.
            (Outcome::Abandoned, Err(failed), _) if failed.status.is_none() => ticket.was_not_sent(),
            // Nobody knows.
            _ => drop(ticket),
        }
    }

    /// Of a document that passed back: it was carried out, and is too large to be kept.
    pub(super) fn passed(self) {
        if let Self::First(first) = self
            && let Some(mark) = first.mark
        {
            first.ticket.done(mark);
        }
    }
}

impl From<Unkept> for Refusal {
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::Full => Self::new(&rows::IDEMPOTENCY_KEYS_EXHAUSTED, unkept).retry_after(600),
            Unkept::Busy => Self::new(&rows::GATEWAY_BUSY, unkept).retry_after(1),
            Unkept::Store => Self::new(&rows::IDEMPOTENCY_UNAVAILABLE, unkept).retry_after(5),
        }
    }
}

/// Says whose answer it is.
pub(super) fn name_first(headers: &mut HeaderMap, first: Uuid) {
    if let Ok(value) = HeaderValue::try_from(first.to_string()) {
        headers.insert(FIRST, value);
    }
}

/// The first exchange under the key, on repeats of it.
pub(super) const FIRST: &str = "kelisim-first-exchange";

static KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What says that nothing was done.
const NOT_DONE: [StatusCode; 2] = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
