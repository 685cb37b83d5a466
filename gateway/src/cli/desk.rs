//! A desk in the office: the data folder opened for one command, and the operator who sits there.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use agreements::{
    Actor, AgreementNumber, BoundCertificate, Command, CommandError, Document, DocumentKind, OperatorId,
    Recorded, Registry, Role, entitled,
};
use certs::Purpose;
use certs::keys::read_certificates;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::progress::Progress;
use super::remote::Line;
use super::table::moment;
use super::{Answer, Common, Exit, Failure};
use crate::clock;
use crate::config::Config;
use crate::office::Office;
use crate::registry;

/// A data folder, opened for one command.
pub(super) struct Desk<'c> {
    common: &'c Common,
    pub(super) config: Config,
    pub(super) office: Office,
    /// The registry at the moment that is looked at, where that is not now.
    past: Option<Registry>,
}

impl<'c> Desk<'c> {
    pub(super) fn open(common: &'c Common) -> Result<Self, Failure> {
        if common.server.is_some() {
            return Self::at_server(common);
        }
        let config = common.config()?;
        let registry = config.path(&config.registry.path);
        // Opening would make it, and an empty registry in the wrong place misleads.
        if !registry.is_file() {
            let what = format!("there is no registry at {}", registry.display());
            return Err(Failure::new(Exit::Environment, what, "see registry.path in the configuration"));
        }
        let mut office = Office::open(&config)?;
        let past = match common.at {
            Some(at) => office.as_of(at, &mut Progress::default().told())?,
            None => None,
        };
        Ok(Self { common, config, office, past })
    }

    /// At a server. Only commands that need nothing of a folder come here, see [`super::remote`].
    fn at_server(common: &'c Common) -> Result<Self, Failure> {
        let line = Line::open(common)?;
        let trust = Arc::clone(line.trust());
        let nowhere = Path::new("");
        let config = Config::parse(NOWHERE, nowhere, nowhere)?;
        Ok(Self { common, config, office: Office::at_server(line, trust), past: None })
    }

    /// The registry, as it is or as it was at the moment that is looked at.
    pub(super) fn registry(&self) -> &Registry {
        self.past.as_ref().unwrap_or_else(|| self.office.registry())
    }

    /// The moment that is looked at.
    pub(super) fn at(&self) -> Timestamp {
        self.common.at.unwrap_or_else(clock::now)
    }

    pub(super) fn reason(&self) -> &'c str {
        &self.common.reason
    }

    /// Whether a reason is given, for what does something else before its command is refused for want of one.
    pub(super) fn says_why(&self) -> Result<(), Failure> {
        if self.reason().trim().is_empty() { Err(CommandError::NoReason.into()) } else { Ok(()) }
    }

    /// Who acts: as named, or the only administrator.
    pub(super) fn actor(&self) -> Result<Actor, Failure> {
        if let Some(at) = self.common.at {
            let what = format!("nothing can be changed at {}: --at is for looking", moment(at));
            return Err(Failure::new(Exit::Usage, what, "leave --at out"));
        }
        if let Some(present) = self.office.at(|server| server.present().clone()) {
            return Ok(present);
        }
        let via = format!("cli:uid={}", rustix::process::getuid().as_raw());
        Ok(self.office.actor(&self.operator()?, &via)?)
    }

    /// Issues a command; `done` says what came of it.
    pub(super) fn issue(&mut self, command: Command, done: impl Into<String>) -> Result<Answer, Failure> {
        let events = self.carried_out(command)?;
        self.issued(&events, done)
    }

    /// Issues a command; the events that follow from it.
    pub(super) fn carried_out(&mut self, command: Command) -> Result<Vec<Recorded>, Failure> {
        let actor = self.actor()?;
        let roles = entitled(command.name());
        match self.office.issue(command, &actor, self.reason()) {
            Ok(events) => Ok(events),
            Err(registry::Failure::Refused(error @ CommandError::NotInRole { .. })) => {
                let what = format!("{}: {error}", actor.id);
                Err(Failure::new(Exit::Refused, what, self.who_may(roles)))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// What is said of events that were recorded.
    pub(super) fn issued(&self, events: &[Recorded], done: impl Into<String>) -> Result<Answer, Failure> {
        let last = events.last().map_or(0, |event| event.sequence);
        let revision = self.registry().revision().max(last);
        let text = format!("{} (revision {revision})\n", done.into());
        let events = serde_json::to_value(events)
            .map_err(|error| Failure::of(Exit::Environment, &error, "report this: it is a bug"))?;
        Ok(Answer::new(json!({ "revision": revision, "events": events }), text))
    }

    /// What is to be bound of a chain in PEM, its own certificate first, if the gateway would let its bearer in.
    pub(super) fn certificate(&self, pem: &[u8]) -> Result<BoundCertificate, Failure> {
        let chain = read_certificates(pem)?;
        let text = String::from_utf8_lossy(pem);
        if let Some(checked) = self.office.at(|server| server.check_certificate(&text)) {
            return Ok(checked?);
        }
        let verified =
            self.office.trust().verify(&chain, Purpose::Client, clock::now()).map_err(|untrusted| {
                let todo = "bind a certificate for clients, of an authority in [trust], with a revocation list in force";
                Failure::of(Exit::Refused, &untrusted, todo)
            })?;
        Ok(BoundCertificate {
            fingerprint: verified.fingerprint(),
            serial: verified.serial().to_owned(),
            not_after: verified.not_after(),
        })
    }

    /// Keeps a file in the depositary.
    pub(super) fn deposit(&self, kind: DocumentKind, path: &Path) -> Result<Document, Failure> {
        let bytes = read(path)?;
        let title = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let digest = certs::fingerprint(&bytes).to_string();
        if let Some(taken) = self.office.at(|server| server.deposit(&digest, bytes.clone())) {
            taken?;
            return Ok(Document { kind, sha256: digest, title });
        }
        let kept = self.office.depositary().keep(kind, &title, &bytes);
        kept.map_err(|error| Failure::of(Exit::Environment, &error, format!("look at {}", path.display())))
    }

    /// The bytes of a version of an agreement, here or at the server.
    pub(super) fn document(
        &self,
        number: &AgreementNumber,
        version: u32,
    ) -> Result<Option<Arc<str>>, Failure> {
        match self.office.at(|server| server.document(number, version)) {
            Some(document) => Ok(Some(document?)),
            None => Ok(self.registry().agreement(number, version).map(|one| one.document.text().into())),
        }
    }

    /// The version that is meant where none is named: the newest.
    pub(super) fn version(&self, number: &AgreementNumber, named: Option<u32>) -> Result<u32, Failure> {
        if let (None, Some(newest)) = (named, self.office.at(|server| server.newest(number))) {
            return Ok(newest?);
        }
        let newest = self.registry().versions(number).last().map(|agreement| agreement.header.version);
        named.or(newest).ok_or_else(|| {
            let todo = "see `kelisim agreement list`";
            Failure::new(Exit::Refused, format!("no agreement {number}"), todo)
        })
    }

    fn operator(&self) -> Result<OperatorId, Failure> {
        if let Some(named) = &self.common.operator {
            return Ok(named.clone());
        }
        if let Ok(named) = std::env::var("KELISIM_AS") {
            let todo = "correct KELISIM_AS, or name the operator with --as";
            return named.parse().map_err(|error| Failure::of(Exit::Usage, &error, todo));
        }
        let mut administrators =
            self.registry().operators().filter(|operator| operator.role == Role::Administrator);
        match (administrators.next(), administrators.next()) {
            (Some(only), None) => Ok(only.id.clone()),
            _ => Err(Failure::new(
                Exit::Usage,
                "who acts? there is not one administrator alone",
                "name the operator with --as; see `kelisim operator list`",
            )),
        }
    }

    fn who_may(&self, roles: &[Role]) -> String {
        let named: Vec<&str> = self
            .registry()
            .operators()
            .filter(|operator| roles.contains(&operator.role))
            .map(|operator| operator.id.as_str())
            .collect();
        let roles = roles.iter().map(kebab).collect::<Vec<_>>().join(" or ");
        match named.as_slice() {
            [] => {
                format!("this is for a {roles}: the administrator registers one with `kelisim operator add`")
            }
            named => format!("this is for a {roles}: use --as {}", named.join(" or --as ")),
        }
    }
}

/// The configuration of who has no folder: its paths lead nowhere.
const NOWHERE: &str = "environment = \"production\"\n[identity]\ncertificate = \"\"\nkey = \"\"\n[trust]\n\
                       anchors = \"\"\ncrls = []\n[log]\norigin = \"nowhere\"\n";

/// The word by which an enum's value goes in JSON.
pub(super) fn kebab(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        let what = format!("cannot read {}: {error}", path.display());
        Failure::new(Exit::Environment, what, "name a file that you may read")
    })
}

/// Reads what a JSON file says.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let bytes = read(path)?;
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let whole = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = match error.path().to_string() {
            root if root == "." => String::new(),
            place => format!("{place}: "),
        };
        format!("{}: {place}{}", path.display(), error.inner())
    });
    let ended = whole.and_then(|whole| match json.end() {
        Ok(()) => Ok(whole),
        Err(error) => Err(format!("{}: {error}", path.display())),
    });
    ended.map_err(|what| Failure::new(Exit::Environment, what, "correct the file"))
}
