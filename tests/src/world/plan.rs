//! What a world is made of, and how it comes about.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use agreements::{
    Act, Actor, AgreementNumber, Command, DataType, DocumentKind, Holder, ListedUser, Operator, OperatorId,
    Phase, Role, Side, SystemCard, SystemId,
};
use certs::authority::{Authority, IssuedPem, PersonRequest};
use certs::sign::Signer;
use certs::tls::Identity;
use gateway::clock;
use gateway::config::Config;
use gateway::office::{Folder, Founding, Office};
use serde_json::Value;

use super::consumer::Consumer;
use super::desk::{Desk, Registry, key};
use super::provider::Provider;
use super::record::Log;
use super::{World, issue, sample};

/// What a world will be.
#[derive(Default)]
pub struct Plan {
    agreements: Vec<(Value, Reach)>,
    officials: Vec<(AgreementNumber, ListedUser)>,
    more: Vec<DataType>,
    systems: Vec<String>,
    configure: Vec<Change<Config>>,
    consumer: Option<Change<SystemCard>>,
    provider: Option<Change<SystemCard>>,
    data_types: Vec<(String, Change<DataType>)>,
    act: Option<Change<Act>>,
    extra: String,
}

/// What a test wants otherwise.
struct Change<T>(Box<dyn FnOnce(&mut T)>);

/// How far an agreement comes before the gateway starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Drawn up, signed and submitted.
    Submitted,
    /// The regulator concurred.
    Concurred,
    /// And both systems were found to be ready: calls pass.
    Ready,
}

impl Plan {
    /// With another system of the consumer's holder, which asks nothing itself.
    pub fn system(mut self, code: &str) -> Self {
        self.systems.push(code.to_owned());
        self
    }

    /// With a data type that the register publishes beside the samples.
    pub fn publishing(mut self, data_type: DataType) -> Self {
        self.more.push(data_type);
        self
    }

    /// With a sample agreement in force.
    pub fn agreement(self, number: &str) -> Self {
        self.agreement_with(number, |_| {})
    }

    /// With a sample agreement in force, changed beforehand.
    pub fn agreement_with(self, number: &str, change: impl FnOnce(&mut Value)) -> Self {
        self.agreement_that_is(Reach::Ready, number, change)
    }

    /// With a sample agreement, changed beforehand, that has come so far.
    pub fn agreement_that_is(mut self, reach: Reach, number: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut text = sample::agreement(number);
        change(&mut text);
        self.agreements.push((text, reach));
        self
    }

    /// With a trained official on the list under the agreement that was named last.
    ///
    /// # Panics
    /// If no agreement was named.
    pub fn official(mut self, id: &str) -> Self {
        let (number, _) = key(&self.agreements.last().unwrap().0);
        self.officials.push((number, sample::listed(id, Some("T-1"))));
        self
    }

    /// With a configuration that is changed beforehand.
    pub fn configure(mut self, change: impl FnOnce(&mut Config) + 'static) -> Self {
        self.configure.push(Change(Box::new(change)));
        self
    }

    /// With lines at the end of the configuration's file, for the real binary.
    pub fn configuration(mut self, lines: &str) -> Self {
        self.extra = lines.into();
        self
    }

    /// With another application of the consumer.
    pub fn consumer(mut self, change: impl FnOnce(&mut SystemCard) + 'static) -> Self {
        self.consumer = Some(Change(Box::new(change)));
        self
    }

    /// With another application of the provider.
    pub fn provider(mut self, change: impl FnOnce(&mut SystemCard) + 'static) -> Self {
        self.provider = Some(Change(Box::new(change)));
        self
    }

    /// With one of the register's data types changed before it is published.
    pub fn data_type(mut self, id: &str, change: impl FnOnce(&mut DataType) + 'static) -> Self {
        self.data_types.push((id.into(), Change(Box::new(change))));
        self
    }

    /// With the act that all samples stand on changed before it is recorded.
    pub fn act(mut self, change: impl FnOnce(&mut Act) + 'static) -> Self {
        self.act = Some(Change(Box::new(change)));
        self
    }

    /// Makes the world and starts its gateway.
    ///
    /// # Panics
    /// If anything in it cannot be made.
    pub async fn start(self) -> World {
        let mut world = self.found();
        world.start_again();
        world
    }

    /// Makes the world; whoever wants a gateway in it starts it.
    ///
    /// # Panics
    /// If anything in it cannot be made.
    pub fn found(self) -> World {
        let dir = tempfile::Builder::new().prefix("kelisim-world-").tempdir().unwrap();
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let founding = Founding {
            environment: Phase::Production,
            listen: loopback,
            api: loopback,
            operations: loopback,
            names: vec!["localhost".into(), "127.0.0.1".into()],
            origin: "gateway.example/log".into(),
            operator: holder(sample::OPERATOR, "National operator"),
            administrator: OperatorId::new("administrator").unwrap(),
            extra: self.extra,
        };
        let folder = Folder::found(dir.path(), &founding).unwrap();
        let mut config = folder.config().unwrap();
        config.registry.poll_ms = 20;
        config.trust.poll_ms = 20;
        // Certificates of a world last a day.
        config.readiness.certificate_days = 0;
        config.log.segment_mib = 4;
        config.exchange.limits.drain_timeout_ms = 2_000;
        for change in self.configure {
            (change.0)(&mut config);
        }
        let authority = folder.authority().unwrap();
        let office = Office::open(&config).unwrap();
        kept(&office);
        let trust = Arc::clone(office.trust());
        let registry = Registry::new(office);
        let people = People { registry: &registry, authority: &authority };
        let administrator = people.desk("administrator", Role::Administrator, sample::OPERATOR, None);
        let registrar = people.desk("registrar", Role::ServiceIntegrator, sample::OPERATOR, None);
        let integrator = people.desk("integrator", Role::ServiceIntegrator, sample::OPERATOR, None);
        let regulator = people.desk("regulator", Role::Regulator, sample::REGULATOR, Some(Side::Regulator));
        let ministry = people.desk("ministry", Role::HolderOfficer, sample::MINISTRY, Some(Side::Consumer));
        let agency = people.desk("agency", Role::HolderOfficer, sample::AGENCY, Some(Side::Provider));
        for (number, name) in
            [(sample::MINISTRY, "Ministry"), (sample::AGENCY, "Agency"), (sample::REGULATOR, "Regulator")]
        {
            administrator.issues(Command::RegisterHolder { holder: holder(number, name) });
        }
        for desk in [&registrar, &integrator, &regulator, &ministry, &agency] {
            let Actor { id, role, holder, .. } = desk.actor().clone();
            let name = id.to_string();
            administrator.issues(Command::RegisterOperator {
                operator: Operator { id, name, role, holder, reach: agreements::Reach::default() },
            });
        }
        administrator.issues(Command::NameRegulator { bin: sample::bin(sample::REGULATOR) });
        let mut act = sample::act();
        self.act.into_iter().for_each(|change| (change.0)(&mut act));
        regulator.issues(Command::RecordAct { act });
        regulator.issues(Command::RecordAct { act: sample::personnel_act() });

        let socket = TcpListener::bind(loopback).unwrap();
        let at = socket.local_addr().unwrap();
        let mut portal = sample::card(sample::PORTAL, sample::MINISTRY, None);
        self.consumer.into_iter().for_each(|change| (change.0)(&mut portal));
        let mut register = sample::card(sample::REGISTER, sample::AGENCY, Some(at));
        self.provider.into_iter().for_each(|change| (change.0)(&mut register));
        let [asks, answers] = [portal, register].map(|card| {
            let (id, (issued, identity)) =
                (card.id.clone(), issue(&authority, card.id.as_str(), clock::now()));
            registered([&registrar, &integrator], card);
            administrator.issues(binding(&id, &issued));
            identity
        });
        for code in &self.systems {
            registered([&registrar, &integrator], sample::card(code, sample::MINISTRY, None));
        }
        let mut data_types = sample::data_types();
        for (id, change) in self.data_types {
            let named = data_types.iter_mut().find(|one| one.id.as_str() == id);
            (change.0)(named.unwrap_or_else(|| panic!("no data type {id}")));
        }
        for data_type in data_types.into_iter().chain(self.more) {
            agency.issues(Command::PublishDataType { data_type });
        }
        for (text, reach) in &self.agreements {
            concluded([&ministry, &agency, &regulator, &integrator], text, *reach);
        }
        for (number, official) in self.officials {
            ministry.lists(&number, vec![official]);
        }
        World {
            app: None,
            consumer: Consumer::new(at, asks, Arc::clone(&trust)),
            provider: Provider::start(socket, &answers, trust),
            regulator,
            registrar,
            integrator,
            administrator,
            ministry,
            agency,
            log: Log::at(config.path(&config.log.dir)),
            authority,
            config,
            folder,
            registry,
            dir,
        }
    }
}

struct People<'a> {
    registry: &'a Arc<Registry>,
    authority: &'a Authority,
}

impl People<'_> {
    fn desk(&self, id: &str, role: Role, holder: &str, signs: Option<Side>) -> Desk {
        let bin = sample::bin(holder);
        let actor = Actor { id: OperatorId::new(id).unwrap(), role, holder: bin, via: "test".into() };
        let signs = signs.map(|side| {
            let request = PersonRequest {
                name: format!("Head of {id}"),
                iin: "860101300123".into(),
                bin,
                organisation: id.into(),
                days: 30,
            };
            let issued = self.authority.issue_person(&request, clock::now()).unwrap();
            let identity = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
            (side, Signer::new(identity))
        });
        Desk::new(self.registry, actor, signs)
    }
}

/// Keeps the paper that samples name; beside the runtime of a test, which may not wait.
fn kept(office: &Office) {
    let depositary = office.depositary().clone();
    let keep = move || depositary.keep(DocumentKind::Other, "Paper", sample::PAPER).map(drop);
    std::thread::spawn(keep).join().unwrap().unwrap();
}

/// Registers a system in good standing: one registers, another looks at its papers.
pub(super) fn registered([registrar, integrator]: [&Desk; 2], card: SystemCard) {
    let system = card.id.clone();
    let conformity = sample::conformity(system.as_str(), "2026-01-01", "2099-12-31");
    let code = format!("code-{system}");
    registrar.issues(Command::RegisterSystem { card, code: Some(code) });
    integrator.issues(Command::RecordAttestation { system: system.clone(), conformity: conformity.clone() });
    integrator.issues(Command::RecordQualityCertificate { system, conformity });
}

/// Carries an agreement from draft to where it should be: consumer's officer, provider's officer, regulator, integrator.
pub(super) fn concluded([asks, answers, regulator, integrator]: [&Desk; 4], text: &Value, reach: Reach) {
    asks.drafts(text);
    asks.signs(text);
    answers.signs(text);
    let (number, version) = key(text);
    asks.issues(Command::SubmitAgreement { number, version });
    if reach != Reach::Submitted {
        regulator.signs(text);
    }
    if reach == Reach::Ready {
        integrator.finds_ready(text);
    }
}

/// The command that binds a certificate to a system.
pub(super) fn binding(system: &SystemId, issued: &IssuedPem) -> Command {
    Command::BindCertificate { system: system.clone(), certificate: sample::bound(issued) }
}

fn holder(number: &str, name: &str) -> Holder {
    Holder { bin: sample::bin(number), name: name.into(), region: None }
}
