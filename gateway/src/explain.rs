//! The decision of the exchange path, on a call that nobody made, at any moment.
//!
//! What depends on the connection is not asked: whether the certificate's chain is good and not revoked, how many calls
//! there were, what the payload holds.

use std::net::{IpAddr, Ipv4Addr};

use adapters::native::{self, Asked};
use adapters::{Unreadable, encode_claim};
use agreements::cited::cited_in;
use agreements::refusal::{Culprit, Language, Row};
use agreements::{
    AgreementNumber, Book, Call, Category, Claims, DataTypeId, Denial, Fingerprint, Method, OperationId,
    Permit, Purpose, Registry, SubjectPlace, SystemId, decide, is_iin,
};
use http::{Request, request};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::exchange::{rows, subject};

/// A call that nobody made.
#[derive(Debug, Clone)]
pub struct Question {
    /// The system that asks,
    pub consumer: Option<SystemId>,
    /// or the certificate that it shows.
    pub certificate: Option<Fingerprint>,
    /// The system that is asked.
    pub provider: String,
    /// The data type.
    pub data_type: String,
    /// The method.
    pub method: Method,
    /// The operation's path and query.
    pub path: String,
    /// The purpose that is claimed.
    pub purpose: Option<String>,
    /// The case that is claimed.
    pub case: Option<String>,
    /// The official in whose name it asks.
    pub user: Option<String>,
    /// The agreement, to choose among several.
    pub agreement: Option<String>,
    /// The address that it calls from; the first of its networks where it is absent.
    pub peer: Option<IpAddr>,
}

/// There can be no such call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unaskable {
    /// Nobody would call.
    #[error("no system {0} is registered at that moment")]
    NoSystem(SystemId),
    /// The path is none of a request.
    #[error("{0}: write the path as in a request, escapes included")]
    Path(String),
}

/// What would become of the call.
#[derive(Debug, Clone)]
pub enum Explained {
    /// It would pass.
    Permitted(Box<Permitted>),
    /// It would be refused.
    Refused(Refused),
}

/// How the call would pass.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "fields are named by their types")]
pub struct Permitted {
    pub consumer: SystemId,
    pub provider: SystemId,
    pub agreement: AgreementNumber,
    pub version: u32,
    pub data_type: DataTypeId,
    pub data_type_version: u32,
    pub operation: OperationId,
    pub forwarded: String,
    pub purpose: Purpose,
    pub purpose_text: String,
    pub fields: Vec<String>,
    pub category: Category,
    pub basis: Vec<String>,
}

/// Why the call would not pass, in the words of an answer.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The row of the refusal.
    pub row: &'static Row,
    /// Its code.
    pub code: &'static str,
    /// On whose side it lies.
    pub culprit: Culprit,
    /// What exactly.
    pub because: String,
}

/// Who calls.
struct Caller {
    certificate: Fingerprint,
    peer: IpAddr,
    /// The certificate's last moment, where it is bound to a system.
    until: Option<Timestamp>,
}

impl Question {
    /// Asks the rules, with a registry and the book of it, as of `at`.
    ///
    /// # Errors
    /// [`Unaskable`].
    pub fn ask(&self, registry: &Registry, book: &Book, at: Timestamp) -> Result<Explained, Unaskable> {
        let caller = self.caller(registry)?;
        let head = self.head()?;
        let asked = match native::read(&head) {
            Ok(asked) => asked,
            Err(unreadable) => return Ok(Explained::Refused(unreadable.into())),
        };
        let Some(Caller { certificate, peer, until }) = caller else {
            let because = "no certificate is bound to the system".to_owned();
            let row = &agreements::refusal::rows::CERTIFICATE_NOT_REGISTERED;
            return Ok(Explained::Refused(Refused { row, code: row.code, culprit: row.culprit, because }));
        };
        // As the exchange path does, before it decides.
        if let Some(until) = until.filter(|until| *until < at) {
            let (row, because) = (&rows::CERTIFICATE_EXPIRED, format!("the certificate ended at {until}"));
            return Ok(Explained::Refused(Refused { row, code: row.code, culprit: row.culprit, because }));
        }
        let path: Vec<&str> = asked.path.segments().collect();
        let parameters: Vec<&str> = asked.query.pairs().iter().map(|(name, _)| name.as_ref()).collect();
        let call = Call {
            certificate,
            peer,
            provider: asked.provider,
            data_type: asked.data_type,
            method: self.method,
            path: &path,
            parameters: &parameters,
            claims: Claims {
                purpose: asked.claims.purpose.as_deref(),
                case: asked.claims.case.as_deref(),
                user: asked.claims.user.as_deref(),
                agreement: asked.claims.agreement.as_deref(),
            },
        };
        Ok(match decide(book, &call, at) {
            Ok(permit) => match nobody(&permit, &path, &asked) {
                Some(refused) => Explained::Refused(refused),
                None => Explained::Permitted(Box::new(Permitted::of(&permit, &asked))),
            },
            Err(denial) => Explained::Refused(denial.into()),
        })
    }

    /// The certificate and the address of the caller; `None` if it has no certificate to call with.
    fn caller(&self, registry: &Registry) -> Result<Option<Caller>, Unaskable> {
        let known = match (&self.consumer, &self.certificate) {
            (Some(id), _) => Some(registry.system(id).ok_or_else(|| Unaskable::NoSystem(id.clone()))?),
            (None, Some(certificate)) => registry.bound_to(certificate).and_then(|id| registry.system(id)),
            (None, None) => None,
        };
        let network = known.and_then(|system| system.card.networks.first());
        let peer = self.peer.or(network.map(ipnet::IpNet::addr)).unwrap_or(Ipv4Addr::LOCALHOST.into());
        let certificates = known.map_or(&[][..], |system| &system.certificates);
        let bound = match self.certificate {
            Some(shown) => certificates.iter().find(|bound| bound.fingerprint == shown),
            None => certificates.iter().max_by_key(|bound| bound.not_after),
        };
        let shown = self.certificate.or(bound.map(|bound| bound.fingerprint));
        Ok(shown.map(|certificate| Caller { certificate, peer, until: bound.map(|bound| bound.not_after) }))
    }

    /// The head that such a call would have.
    fn head(&self) -> Result<request::Parts, Unaskable> {
        if !self.path.starts_with(['/', '?']) || self.path.contains('#') {
            return Err(Unaskable::Path(format!("{:?} is no path", self.path)));
        }
        let target = format!("/{}/{}{}", self.provider, self.data_type, self.path);
        let mut head = Request::builder().method(self.method.as_str()).uri(&target);
        let claims = [
            ("kelisim-purpose", self.purpose.as_deref().map(Into::into)),
            ("kelisim-case", self.case.as_deref().map(encode_claim)),
            ("kelisim-user", self.user.as_deref().map(encode_claim)),
            ("kelisim-agreement", self.agreement.as_deref().map(Into::into)),
        ];
        for (name, value) in &claims {
            if let Some(value) = value {
                head = head.header(*name, value.as_ref());
            }
        }
        head.body(())
            .map(|request| request.into_parts().0)
            .map_err(|error| Unaskable::Path(format!("{target}: {error}")))
    }
}

/// That a request names nobody where path or query should; what a body says is not known here.
fn nobody(permit: &Permit<'_>, path: &[&str], asked: &Asked<'_>) -> Option<Refused> {
    let place = permit.operation().subject.as_ref()?;
    let (SubjectPlace::Path(_) | SubjectPlace::Query(_)) = place else { return None };
    let named = subject::named(place, permit.operation(), path, |name| asked.query.value(name));
    if named.is_some_and(is_iin) {
        return None;
    }
    let row = &rows::REQUEST_SUBJECT;
    let because = "no individual identification number stands where the person is named".to_owned();
    Some(Refused { row, code: row.code, culprit: row.culprit, because })
}

impl Permitted {
    fn of(permit: &Permit<'_>, asked: &Asked<'_>) -> Self {
        let (text, grant) = (&permit.agreement().text, permit.grant());
        let basis = text.basis.iter().map(|one| format!("{} {} {}", one.act, one.version, one.clause));
        let (purpose, operation) = (permit.purpose(), permit.operation());
        Self {
            consumer: permit.consumer().system.card.id.clone(),
            provider: text.provider.clone(),
            agreement: text.number.clone(),
            version: text.version,
            data_type: grant.data_type.id.clone(),
            data_type_version: grant.data_type.version,
            operation: operation.id.clone(),
            forwarded: format!("{} {}", operation.method.as_str(), asked.target()),
            purpose: purpose.code.clone(),
            purpose_text: purpose.text.clone(),
            fields: grant.fields.to_vec(),
            category: grant.category,
            basis: basis.collect(),
        }
    }
}

impl Explained {
    /// For machines.
    pub fn json(&self, registry: &Registry, at: Timestamp) -> Value {
        match self {
            Self::Permitted(permitted) => json!({
                "decision": "permit",
                "at": at,
                "revision": registry.revision(),
                "consumer": permitted.consumer,
                "provider": permitted.provider,
                "agreement": permitted.agreement,
                "version": permitted.version,
                "data_type": permitted.data_type,
                "data_type_version": permitted.data_type_version,
                "operation": permitted.operation,
                "forwarded": permitted.forwarded,
                "purpose": permitted.purpose,
                "fields": permitted.fields,
                "category": permitted.category,
                "basis": permitted.basis,
            }),
            Self::Refused(Refused { row, code, culprit, because }) => json!({
                "decision": "refuse",
                "at": at,
                "revision": registry.revision(),
                "code": code,
                "status": row.status,
                "clause": row.clause,
                "acts": cited_in(row.clause).map(|act| act.told(Language::English)).collect::<Vec<_>>(),
                "culprit": culprit,
                "because": because,
                "words": { "kk": row.words.kk, "ru": row.words.ru, "en": row.words.en },
            }),
        }
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        let row = denial.row();
        Self { row, code: row.code, culprit: denial.culprit(), because: denial.to_string() }
    }
}

impl From<Unreadable> for Refused {
    fn from(unreadable: Unreadable) -> Self {
        let row = &rows::REQUEST_UNREADABLE;
        Self { row, code: unreadable.code(), culprit: row.culprit, because: unreadable.to_string() }
    }
}
