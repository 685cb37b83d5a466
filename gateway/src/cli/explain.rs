//! `kelisim explain`: the decision of the exchange path, on a call that nobody made, on any day.

use std::net::IpAddr;

use agreements::cited::cited_in;
use agreements::refusal::Language;
use agreements::{AgreementNumber, Book, Fingerprint, Method, Registry, Signed, SystemId};
use clap::Args;
use jiff::Timestamp;

use super::desk::{Desk, kebab};
use super::table::{facts, moment};
use super::{Answer, Common, Exit, Failure};
use crate::clock;
use crate::explain::{Explained, Permitted, Question, Refused, Unaskable};

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
}

impl Explain {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let desk = Desk::open(common)?;
        let registry = desk.registry();
        let at = common.at.unwrap_or_else(clock::now);
        // Signatures are judged with the revocation lists that there are: today's, whatever day is asked about.
        let proofs = desk.office.proofs()?;
        let today = clock::now();
        let asked = self.provider.as_str();
        let book = Book::new(registry, desk.config.environment, &|one| match one {
            // Says nothing about this call, and there may be many.
            Signed::Agreement(other) if other.header.provider.as_str() != asked => Err("not-looked-at"),
            Signed::Users(list) if !of_provider(&list.list.agreement, asked, registry) => {
                Err("not-looked-at")
            }
            signed => proofs.prove(signed, registry, today),
        });
        let explained = self.question().ask(registry, &book, at).map_err(|error| match error {
            Unaskable::NoSystem(_) => {
                Failure::new(Exit::Refused, error.to_string(), "see `kelisim system list`")
            }
            Unaskable::Path(_) => {
                Failure::new(Exit::Usage, error.to_string(), "write --path as in a request, escapes included")
            }
        })?;
        let json = explained.json(registry, at);
        Ok(match explained {
            Explained::Permitted(permitted) => Answer::new(json, shown(registry, at, &permitted)),
            Explained::Refused(refused) => Answer::new(json, told(registry, at, &refused)).negative(),
        })
    }

    fn question(self) -> Question {
        Question {
            consumer: self.consumer,
            certificate: self.certificate,
            provider: self.provider,
            data_type: self.data_type,
            method: self.method,
            path: self.path,
            purpose: self.purpose,
            case: self.case,
            user: self.user,
            agreement: self.agreement,
            peer: self.peer,
        }
    }
}

/// Whether some version of an agreement is with a provider.
fn of_provider(number: &AgreementNumber, provider: &str, registry: &Registry) -> bool {
    registry.versions(number).any(|one| one.header.provider.as_str() == provider)
}

fn shown(registry: &Registry, at: Timestamp, permitted: &Permitted) -> String {
    let one = permitted;
    let data_type = format!("{}/{} version {}", one.provider, one.data_type, one.data_type_version);
    facts([
        ("PERMITTED", format!("at {}, by revision {} of the registry", moment(at), registry.revision())),
        ("agreement", format!("{} version {}", one.agreement, one.version)),
        ("consumer", one.consumer.to_string()),
        ("data type", data_type),
        ("operation", format!("{}, forwarded as {}", one.operation, one.forwarded)),
        ("purpose", format!("{}: {}", one.purpose, one.purpose_text)),
        ("fields", if one.fields.is_empty() { "none".into() } else { one.fields.join("\n") }),
        ("category", kebab(&one.category)),
        ("basis", one.basis.join("\n")),
    ])
}

fn told(registry: &Registry, at: Timestamp, refused: &Refused) -> String {
    let Refused { row, code, culprit, because } = refused;
    facts([
        ("REFUSED", format!("{code} ({})", row.status)),
        ("because", because.clone()),
        ("at", format!("{}, by revision {} of the registry", moment(at), registry.revision())),
        ("clause", row.clause.to_owned()),
        ("of", cited_in(row.clause).map(|act| act.told(Language::English)).collect::<Vec<_>>().join("\n")),
        ("on the side of", culprit.as_str().to_owned()),
        ("kk", row.words.kk.to_owned()),
        ("ru", row.words.ru.to_owned()),
        ("en", row.words.en.to_owned()),
    ])
}

fn method(name: &str) -> Result<Method, String> {
    Method::parse(name).ok_or_else(|| format!("{name:?} is none of GET, HEAD, POST, PUT, PATCH, DELETE"))
}
