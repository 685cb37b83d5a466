//! `kelisim explain`: the decision of the exchange path, on a call that nobody made, on any day.

use std::net::{IpAddr, Ipv4Addr};

use adapters::native::{self, Asked};
use adapters::{Unreadable, encode_claim};
use agreements::refusal::{Culprit, Row};
use agreements::{Book, Call, Claims, Denial, Fingerprint, Method, Permit, Registry, SystemId, decide};
use clap::Args;
use http::{Request, request};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::desk::{Desk, kebab};
use super::table::{facts, moment};
use super::{Answer, Common, Exit, Failure};
use crate::clock;
use crate::exchange::rows;
use crate::registry::proof::Proofs;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim explain --consumer portal --provider address-register --data-type address \\
    --path '/addresses/0201300000000001?language=kk' --purpose address-check --at 2026-03-01T10:00:00+05:00

With --at the registry is as it was at that moment, and that moment is now. What depends on the connection is
not asked: whether the certificate's chain is good and not revoked, how many calls there were, what the payload
holds. Ends with 1 if the call would be refused.")]
pub(super) struct Explain {
    /// The system that asks
    #[arg(long, value_name = "SYSTEM", required_unless_present = "certificate")]
    consumer: Option<SystemId>,
    /// Or the certificate that it shows
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "consumer")]
    certificate: Option<Fingerprint>,
    /// The system that is asked
    #[arg(long, value_name = "SYSTEM")]
    provider: String,
    /// The data type
    #[arg(long, value_name = "CODE")]
    data_type: String,
    /// The method
    #[arg(long, default_value = "GET", value_parser = method)]
    method: Method,
    /// The operation's path and query
    #[arg(long, default_value = "/")]
    path: String,
    /// The purpose that is claimed
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// The case that is claimed
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// The official in whose name it asks
    #[arg(long, value_name = "OFFICIAL")]
    user: Option<String>,
    /// The agreement, to choose among several
    #[arg(long, value_name = "NUMBER")]
    agreement: Option<String>,
    /// The address that it calls from [default: the first of its networks]
    #[arg(long, value_name = "IP")]
    peer: Option<IpAddr>,
    /// When
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
}

/// Who calls.
struct Caller {
    certificate: Fingerprint,
    peer: IpAddr,
    /// The certificate's last moment, where it is bound to a system.
    until: Option<Timestamp>,
}

/// Why the call would not pass, in the words of an answer.
struct Refused {
    row: &'static Row,
    code: &'static str,
    culprit: Culprit,
    because: String,
}

impl Explain {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let mut desk = Desk::open(common)?;
        let registry = as_of(&mut desk, self.at)?;
        let at = self.at.unwrap_or_else(clock::now);
        let caller = self.caller(&registry)?;
        let head = self.head()?;
        let asked = match native::read(&head) {
            Ok(asked) => asked,
            Err(unreadable) => return Ok(refusal(&registry, at, Refused::from(unreadable))),
        };
        let Some(Caller { certificate, peer, until }) = caller else {
            let because = "no certificate is bound to the system".to_owned();
            let row = &agreements::refusal::rows::CERTIFICATE_NOT_REGISTERED;
            let refused = Refused { row, code: row.code, culprit: row.culprit, because };
            return Ok(refusal(&registry, at, refused));
        };
        // As the exchange path does, before it decides.
        if let Some(until) = until.filter(|until| *until < at) {
            let (row, because) = (&rows::CERTIFICATE_EXPIRED, format!("the certificate ended at {until}"));
            let refused = Refused { row, code: row.code, culprit: row.culprit, because };
            return Ok(refusal(&registry, at, refused));
        }
        // Signatures are judged with the revocation lists that there are: today's, whatever day is asked about.
        let proofs = Proofs::new(desk.office.trust().clone());
        let today = clock::now();
        let book = Book::new(&registry, desk.config.environment, &|one| proofs.prove(one, &registry, today));
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
        Ok(match decide(&book, &call, at) {
            Ok(permit) => permitted(&registry, at, &permit, &asked),
            Err(denial) => refusal(&registry, at, Refused::from(denial)),
        })
    }

    /// The certificate and the address of the caller; `None` if it has no certificate to call with.
    fn caller(&self, registry: &Registry) -> Result<Option<Caller>, Failure> {
        let known = match (&self.consumer, &self.certificate) {
            (Some(id), _) => Some(registry.system(id).ok_or_else(|| {
                let what = format!("no system {id} is registered at that moment");
                Failure::new(Exit::Refused, what, "see `kelisim system list`")
            })?),
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
    fn head(&self) -> Result<request::Parts, Failure> {
        let wrong =
            |what: String| Failure::new(Exit::Usage, what, "write --path as in a request, escapes included");
        if !self.path.starts_with(['/', '?']) || self.path.contains('#') {
            return Err(wrong(format!("{:?} is no path", self.path)));
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
            .map_err(|error| wrong(format!("{target}: {error}")))
    }
}

/// The registry as it was at a moment: the events up to it, folded anew.
fn as_of(desk: &mut Desk<'_>, at: Option<Timestamp>) -> Result<Registry, Failure> {
    let Some(at) = at else { return Ok(desk.registry().clone()) };
    let mut registry = Registry::default();
    loop {
        let events = desk.office.history(registry.revision(), PAGE)?;
        for event in &events {
            if event.at > at {
                return Ok(registry);
            }
            registry.apply(event).map_err(crate::registry::Failure::from)?;
        }
        if events.len() < PAGE {
            return Ok(registry);
        }
    }
}

fn permitted(registry: &Registry, at: Timestamp, permit: &Permit<'_>, asked: &Asked<'_>) -> Answer {
    let (text, grant) = (&permit.agreement().text, permit.grant());
    let basis: Vec<String> =
        text.basis.iter().map(|one| format!("{} {} {}", one.act, one.version, one.clause)).collect();
    let (purpose, operation) = (permit.purpose(), permit.operation());
    let data_type = format!("{}/{} version {}", text.provider, grant.data_type.id, grant.data_type.version);
    let forwarded = format!("{} {}", operation.method.as_str(), asked.target());
    let shown = facts([
        ("PERMITTED", format!("at {}, by revision {} of the registry", moment(at), registry.revision())),
        ("agreement", format!("{} version {}", text.number, text.version)),
        ("consumer", permit.consumer().system.card.id.to_string()),
        ("data type", data_type),
        ("operation", format!("{}, forwarded as {forwarded}", operation.id)),
        ("purpose", format!("{}: {}", purpose.code, purpose.text)),
        ("fields", if grant.fields.is_empty() { "none".into() } else { grant.fields.join("\n") }),
        ("category", kebab(&grant.category)),
        ("basis", basis.join("\n")),
    ]);
    let json = json!({
        "decision": "permit",
        "at": at,
        "revision": registry.revision(),
        "consumer": permit.consumer().system.card.id,
        "provider": text.provider,
        "agreement": text.number,
        "version": text.version,
        "data_type": grant.data_type.id,
        "data_type_version": grant.data_type.version,
        "operation": operation.id,
        "forwarded": forwarded,
        "purpose": purpose.code,
        "fields": &*grant.fields,
        "category": grant.category,
        "basis": basis,
    });
    Answer::new(json, shown)
}

fn refusal(registry: &Registry, at: Timestamp, refused: Refused) -> Answer {
    let Refused { row, code, culprit, because } = refused;
    let text = facts([
        ("REFUSED", format!("{code} ({})", row.status)),
        ("because", because.clone()),
        ("at", format!("{}, by revision {} of the registry", moment(at), registry.revision())),
        ("clause", row.clause.to_owned()),
        ("on the side of", culprit.as_str().to_owned()),
        ("kk", row.words.kk.to_owned()),
        ("ru", row.words.ru.to_owned()),
        ("en", row.words.en.to_owned()),
    ]);
    let words: Value = json!({ "kk": row.words.kk, "ru": row.words.ru, "en": row.words.en });
    let json = json!({
        "decision": "refuse",
        "at": at,
        "revision": registry.revision(),
        "code": code,
        "status": row.status,
        "clause": row.clause,
        "culprit": culprit,
        "because": because,
        "words": words,
    });
    Answer::new(json, text).negative()
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

fn method(name: &str) -> Result<Method, String> {
    Method::parse(name).ok_or_else(|| format!("{name:?} is none of GET, HEAD, POST, PUT, PATCH, DELETE"))
}

/// Events read at once.
const PAGE: usize = 10_000;
