//! Between the native surface and the rules: what a request asks, and what its provider is told.

use std::borrow::Cow;

use adapters::native::Asked;
use adapters::{Claims, encode_claim};
use agreements::{Call, Category, Method, Permit};
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri, request};
use http_body::Body as _;
use uuid::Uuid;

use super::contract::Terms;
use super::passage::Passage;
use super::refusal::Refusal;
use super::{Caller, answer, rows, subject};
use crate::framing::hop::request_headers_to_forward;

/// A request's question: decided on, recorded and forwarded in this one form.
pub(super) struct Question<'r> {
    pub(super) asked: &'r Asked<'r>,
    pub(super) method: Method,
    pub(super) path: Vec<&'r str>,
    parameters: Vec<&'r str>,
}

impl<'r> Question<'r> {
    pub(super) fn new(
        _caller: &Caller,
        head: &request::Parts,
        asked: &'r Asked<'r>,
    ) -> Result<Self, Refusal> {
        let method = Method::parse(head.method.as_str())
            .ok_or_else(|| Refusal::new(&rows::REQUEST_UNREADABLE, "a method that no operation has"))?;
        let parameters = asked.query.pairs().iter().map(|(name, _)| name.as_ref()).collect();
        Ok(Self { asked, method, path: asked.path.segments().collect(), parameters })
    }

    pub(super) fn call(&self, caller: &Caller) -> Call<'_> {
        let claims = &self.asked.claims;
        Call {
            certificate: caller.chain.fingerprint(),
            peer: caller.peer.ip(),
            provider: self.asked.provider,
            data_type: self.asked.data_type,
            method: self.method,
            path: &self.path,
            parameters: &self.parameters,
            claims: agreements::Claims {
                purpose: claims.purpose.as_deref(),
                case: claims.case.as_deref(),
                user: claims.user.as_deref(),
                agreement: claims.agreement.as_deref(),
            },
        }
    }

    pub(super) fn claims(&self) -> &Claims<'r> {
        &self.asked.claims
    }

    /// C3: whether what stands in its path and query is what the data type says, where it says anything.
    pub(super) fn fits(&self, permit: &Permit<'_>, terms: &Terms) -> Result<(), Refusal> {
        let Some(parameters) = &terms.parameters else { return Ok(()) };
        let checked = parameters.check(permit.operation(), &self.path, self.asked.query.pairs());
        checked.map_err(|violation| Refusal::of_payload(&rows::REQUEST_PARAMETER, violation))
    }

    /// The persons whom the request is about, if its operation says where they are named (D4).
    pub(super) fn subjects<'a>(
        &'a self,
        permit: &Permit<'_>,
        terms: &Terms,
        body: &'a [u8],
    ) -> Result<Vec<Cow<'a, str>>, Refusal> {
        subject::of_request(permit.operation(), terms, &self.path, |name| self.asked.query.value(name), body)
    }
}

/// The call that the provider gets: the canonical target, the headers that pass, and what only the gateway says.
pub(super) fn outgoing(
    question: &Question<'_>,
    permit: &Permit<'_>,
    exchange: Uuid,
    head: &request::Parts,
    body: Passage,
) -> Request<Passage> {
    let endpoint = permit.provider().system.card.endpoint.as_ref();
    let base = endpoint.map_or("", |endpoint| endpoint.base_path.as_str());
    let target = question.asked.target();
    let target = if base.is_empty() { target } else { [base, &target].concat() };
    let has_body = !body.is_end_stream();
    let mut call = Request::new(body);
    *call.method_mut() = head.method.clone();
    *call.uri_mut() =
        Uri::try_from(target).expect("a base path of the registry and a canonical target are a target");
    let headers = call.headers_mut();
    headers.reserve(12); // what the table has room for without being twice as large
    if let Some(host) = endpoint.and_then(|endpoint| HeaderValue::try_from(endpoint.address.as_str()).ok()) {
        headers.insert(HOST, host);
    }
    for (name, value) in request_headers_to_forward(&head.headers) {
        headers.append(name.clone(), value.clone());
    }
    if let (true, Some(agreed)) = (has_body, &permit.operation().request) {
        answer::typed(headers, &agreed.media_type);
    }
    let claims = question.claims();
    let text = &permit.agreement().text;
    say(headers, &CONSUMER, Some(permit.consumer().system.card.id.as_str()));
    say(headers, &AGREEMENT, Some(text.number.as_str()));
    say(headers, &PURPOSE, Some(permit.purpose().code.as_str()));
    say(headers, &CASE, claims.case.as_deref());
    say(headers, &USER, claims.user.as_deref());
    say(headers, &EXCHANGE, Some(exchange.as_hyphenated().encode_lower(&mut Uuid::encode_buffer())));
    mark(permit, headers);
    call
}

/// B8: the mark of what is not for everybody travels with it.
pub(super) fn mark(permit: &Permit<'_>, headers: &mut HeaderMap) {
    let mark = match permit.grant().category {
        Category::OfficialUse => "official-use",
        Category::Personal => "personal",
        Category::Special => "special",
        Category::Confidential => "confidential",
        Category::Public | Category::Restricted | Category::StateSecret => return,
    };
    headers.insert(CATEGORY, HeaderValue::from_static(mark));
}

fn say(headers: &mut HeaderMap, name: &'static HeaderName, value: Option<&str>) {
    let Some(value) = value else { return };
    if let Ok(value) = HeaderValue::try_from(encode_claim(value).as_ref()) {
        headers.insert(name, value);
    }
}

static CONSUMER: HeaderName = HeaderName::from_static("kelisim-consumer");
static AGREEMENT: HeaderName = HeaderName::from_static("kelisim-agreement");
static PURPOSE: HeaderName = HeaderName::from_static("kelisim-purpose");
static CASE: HeaderName = HeaderName::from_static("kelisim-case");
static USER: HeaderName = HeaderName::from_static("kelisim-user");
static EXCHANGE: HeaderName = HeaderName::from_static("kelisim-exchange");
const CATEGORY: HeaderName = HeaderName::from_static("kelisim-category");
