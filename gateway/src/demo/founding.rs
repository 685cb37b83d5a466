//! A fresh folder: trial authority, organisations, systems with their documents, data types, agreements.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use agreements::{
    Actor, AgreementNumber, AgreementText, Bin, BoundCertificate, CheckOutcome, Command, Conformity,
    DataType, Document, DocumentKind, Endpoint, Fingerprint, Holder, Operator, OperatorId, Ownership, Phase,
    Reach, Role, Side, SystemCard, SystemId, checked_alike,
};
use certs::authority::{Authority, IssuedPem, PersonRequest, SystemRequest};
use certs::keys::Identity;
use certs::sign::Signer;
use socket2::{Domain, Protocol, Socket, Type};

use super::cast::{self, Agreed, Body, Cast, Day, Member, Paper, Provides};
use super::teller::Teller;
use super::{OrTrouble, Trouble};
use crate::clock;
use crate::config::Config;
use crate::office::{Folder, Founding, Office};

/// What was founded.
pub(super) struct Founded {
    pub(super) folder: Folder,
    pub(super) config: Config,
    pub(super) office: Office,
    pub(super) cast: Cast,
    pub(super) doors: Vec<Door>,
    /// The gateway's own certificate.
    pub(super) gateway: Fingerprint,
}

/// Where a stand-in answers, and as whom.
pub(super) struct Door {
    pub(super) system: SystemId,
    pub(super) kind: DoorKind,
}

/// Whether somebody is behind a door.
pub(super) enum DoorKind {
    Open(TcpListener, Identity),
    /// The port is ours, and nobody listens on it.
    Shut {
        _port: Socket,
    },
}

/// Founds the whole federation in `dir`.
pub(super) fn found(dir: &Path, teller: &mut Teller) -> Result<Founded, Trouble> {
    let day = Day::of(clock::now());
    let cast = Cast::read(&day)?;
    let folder = Folder::found(dir, &founding(&cast)?).trouble("found the folder")?;
    small_segments(&folder)?;
    let config = folder.config().trouble("read the configuration")?;
    let gateway = identity(&folder, "gateway")?.fingerprint();
    teller.step(&format!(
        "A trial certification authority, an administrator and a registry in {}.",
        dir.display()
    ));

    let office = Office::open(&config).trouble("open the registry")?;
    let authority = folder.authority().trouble("open the trial authority")?;
    let mut registrar = Registrar { office, authority, folder, cast, day, doors: Vec::new() };
    registrar.organisations()?;
    teller.step(&format!(
        "{} organisations, each with an officer and a head who signs.",
        registrar.cast.holders.len()
    ));
    let acts = registrar.acts()?;
    teller.step(&format!(
        "{acts} acts: the five on which this gateway was modelled, all of which have lost force, and three joint procedures of the demonstration's own."
    ));
    for member in registrar.cast.systems.clone() {
        registrar.system(&member)?;
        teller.detail(&format!("{} · {} · {}", member.code, member.id, member.name));
    }
    registrar.strangers()?;
    teller.step(
        "Systems are registered with their documents, attestations, quality certificates and certificates.",
    );
    let data_types = registrar.data_types()?;
    teller.step(&format!("{data_types} data types, each with its schema and its category."));
    for agreed in cast::agreements(&registrar.day)? {
        let text = registrar.agree(&agreed)?;
        teller.detail(&format!(
            "{} · {} asks {} · {}",
            text.number, text.consumer, text.provider, text.purposes[0].text
        ));
    }
    teller.step("Agreements are signed by the heads of both holders, and the regulator concurred.");
    let Registrar { office, folder, cast, doors, .. } = registrar;
    Ok(Founded { folder, config, office, cast, doors, gateway })
}

/// The key pair that is kept as `keys/NAME`.
pub(super) fn identity(folder: &Folder, name: &str) -> Result<Identity, Trouble> {
    let keys = folder.dir().join("keys");
    let identity = Identity::from_files(&keys.join(format!("{name}.pem")), &keys.join(format!("{name}.key")));
    identity.trouble(format!("read the keys of {name}"))
}

struct Registrar {
    office: Office,
    authority: Authority,
    folder: Folder,
    cast: Cast,
    day: Day,
    doors: Vec<Door>,
}

impl Registrar {
    fn organisations(&mut self) -> Result<(), Trouble> {
        let administrator = self.actor(&OperatorId::new(ADMINISTRATOR).trouble("name the administrator")?)?;
        for Body { bin, name, officer, role, head, iin } in self.cast.holders.clone() {
            let holder = Holder { bin, name: name.clone(), region: None };
            self.issue(Command::RegisterHolder { holder }, &administrator)?;
            let operator = Operator {
                id: officer.clone(),
                name: format!("Officer of {name}"),
                role,
                holder: bin,
                reach: Reach::default(),
            };
            self.issue(Command::RegisterOperator { operator }, &administrator)?;
            let person = PersonRequest { name: head, iin, bin, organisation: name, days: 365 };
            let issued = self.authority.issue_person(&person, clock::now());
            self.keep(&signer(&officer), &issued.trouble("issue a signer's certificate")?)?;
        }
        // E4: who registers a system in one step is not who records its papers.
        let integrator = self.cast.with(Role::ServiceIntegrator)?;
        let registrar = Operator {
            id: OperatorId::new(REGISTRAR).trouble("name the registrar")?,
            name: format!("Registrar of {}", integrator.name),
            role: Role::ServiceIntegrator,
            holder: integrator.bin,
            reach: Reach::default(),
        };
        self.issue(Command::RegisterOperator { operator: registrar }, &administrator)?;
        self.issue(Command::NameRegulator { bin: self.cast.regulator }, &administrator)
    }

    fn acts(&mut self) -> Result<usize, Trouble> {
        let regulator = self.actor(&self.cast.with(Role::Regulator)?.officer)?;
        let acts = cast::acts(&self.day)?;
        let count = acts.len();
        for act in acts {
            self.issue(Command::RecordAct { act }, &regulator)?;
        }
        Ok(count)
    }

    fn system(&mut self, member: &Member) -> Result<(), Trouble> {
        let integrator = self.actor(&self.cast.with(Role::ServiceIntegrator)?.officer)?;
        let issued = self.certificate(member.id.as_str(), member.holder)?;
        let endpoint = self.door(member)?;
        let card = SystemCard {
            id: member.id.clone(),
            name: member.name.clone(),
            holder: member.holder,
            owner: member.holder,
            ownership: member.ownership,
            phase: member.phase,
            significance: member.significance,
            openness: agreements::Openness::Open,
            region: member.region.clone(),
            networks: vec!["127.0.0.0/8".parse().trouble("name the network")?],
            endpoint,
            responsible: format!("Officer of {}", self.cast.body(member.holder)?.name),
            documents: self.documents(member)?,
        };
        let registrar = self.actor(&OperatorId::new(REGISTRAR).trouble("name the registrar")?)?;
        self.issue(Command::RegisterSystem { card, code: Some(member.code.clone()) }, &registrar)?;
        let system = member.id.clone();
        if let Some(conformity) = self.conformity(member, DocumentKind::Attestation, member.attestation)? {
            self.issue(Command::RecordAttestation { system: system.clone(), conformity }, &integrator)?;
        }
        let paper = member.quality_certificate;
        if let Some(conformity) = self.conformity(member, DocumentKind::QualityCertificate, paper)? {
            self.issue(
                Command::RecordQualityCertificate { system: system.clone(), conformity },
                &integrator,
            )?;
        }
        self.bind(&system, &issued)
    }

    /// A second certificate that is being replaced, one that nobody bound, and one of an authority that nobody knows.
    fn strangers(&mut self) -> Result<(), Trouble> {
        let notaries = SystemId::new("notary-system").trouble("name the notaries' system")?;
        let holder = self.cast.system(&notaries)?.holder;
        let older = self.certificate("notary-system-older", holder)?;
        self.bind(&notaries, &older)?;
        self.certificate("stranger", self.cast.operator.bin)?;
        let dir = self.folder.dir().join("foreign-authority");
        let foreign = Authority::create(&dir, clock::now()).trouble("make a foreign authority")?;
        let own = std::mem::replace(&mut self.authority, foreign);
        let issued = self.certificate("foreign", self.cast.operator.bin);
        self.authority = own;
        issued.map(drop)
    }

    fn data_types(&mut self) -> Result<usize, Trouble> {
        let mut count = 0;
        for published in cast::data_types(&self.day)? {
            for provider in &published.providers {
                let data_type: DataType = published.by(provider)?;
                let officer = self.officer(provider)?;
                self.issue(Command::PublishDataType { data_type }, &officer)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// B9: drafted, signed by both, submitted, concurred in; then the consumer's head lists its officials (B6).
    fn agree(&mut self, agreed: &Agreed) -> Result<AgreementText, Trouble> {
        let text: AgreementText =
            serde_json::from_value(agreed.document.clone()).trouble("read agreements.json")?;
        let (number, version) = (text.number.clone(), text.version);
        let doing = |what: &str| format!("{what} agreement {number}");
        let (consumer, provider) = (self.officer(&text.consumer)?, self.officer(&text.provider)?);
        let regulator = self.actor(&self.cast.with(Role::Regulator)?.officer)?;
        self.office.draft(&agreed.document, &consumer, REASON).trouble(doing("draft"))?;
        self.sign(&number, version, Side::Consumer, &consumer)?;
        self.sign(&number, version, Side::Provider, &provider)?;
        self.issue(Command::SubmitAgreement { number: number.clone(), version }, &provider)?;
        self.sign(&number, version, Side::Regulator, &regulator)?;
        let integrator = self.actor(&self.cast.with(Role::ServiceIntegrator)?.officer)?;
        let detail = "its stand-ins are part of the demonstration";
        let ready = checked_alike(self.office.registry(), &number, version, CheckOutcome::Passed, detail);
        self.issue(ready.ok_or("it has no text").trouble(doing("check"))?, &integrator)?;
        let users = agreed.users.clone();
        let list = self.office.next_list(&number, users).trouble(doing("list officials"))?;
        let head = Signer::new(identity(&self.folder, &signer(&consumer.id))?);
        let signature =
            self.office.sign_value(&list, Side::Consumer, &head).trouble(doing("list officials"))?;
        self.issue(Command::ApproveUsers { list, signature }, &consumer)?;
        Ok(text)
    }

    fn sign(
        &mut self,
        number: &AgreementNumber,
        version: u32,
        side: Side,
        by: &Actor,
    ) -> Result<(), Trouble> {
        let head = Signer::new(identity(&self.folder, &signer(&by.id))?);
        let signed = self.office.sign(number, version, side, &head, by, REASON);
        signed.map(drop).trouble(format!("sign agreement {number} as {}", side.as_str()))
    }

    fn door(&mut self, member: &Member) -> Result<Option<Endpoint>, Trouble> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (address, kind) = match member.provides {
            Provides::Nothing => return Ok(None),
            Provides::StandIn => {
                let listener = TcpListener::bind(any).trouble("open a port")?;
                let identity = identity(&self.folder, member.id.as_str())?;
                (listener.local_addr().ok(), DoorKind::Open(listener, identity))
            }
            Provides::Silent => {
                let socket =
                    Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).trouble("open a port")?;
                socket.bind(&any.into()).trouble("open a port")?;
                (socket.local_addr().ok().and_then(|at| at.as_socket()), DoorKind::Shut { _port: socket })
            }
        };
        let address = address.ok_or("it has no address").trouble("open a port")?.to_string();
        self.doors.push(Door { system: member.id.clone(), kind });
        Ok(Some(Endpoint {
            address,
            server_name: format!("{}.example", member.id),
            base_path: String::new(),
        }))
    }

    fn documents(&self, member: &Member) -> Result<Vec<Document>, Trouble> {
        let mut kinds = BTreeMap::from([(DocumentKind::Description, "Description")]);
        if member.ownership == Ownership::State {
            kinds.insert(DocumentKind::TrialAct, "Act of entry into trial operation");
            kinds.insert(DocumentKind::TechnicalDocumentation, "Technical documentation");
            if member.phase == Phase::Production {
                kinds.insert(DocumentKind::ProductionAct, "Act of entry into production operation");
            }
        }
        kinds.into_iter().map(|(kind, title)| self.deposit(member, kind, title)).collect()
    }

    fn conformity(
        &self,
        of: &Member,
        kind: DocumentKind,
        paper: Paper,
    ) -> Result<Option<Conformity>, Trouble> {
        let (from, until) = match paper {
            Paper::Missing => return Ok(None),
            Paper::Valid => (-200, 530),
            Paper::Ended => (-400, -30),
        };
        let (title, issuer) = match kind {
            DocumentKind::Attestation => ("Attestation", "Attesting body of the demonstration"),
            _ => ("Quality certificate", "Accredited body of the demonstration"),
        };
        Ok(Some(Conformity {
            number: format!("{title} {}", of.code),
            issuer: issuer.to_owned(),
            valid_from: self.day.date(from),
            valid_until: self.day.date(until),
            document: Some(self.deposit(of, kind, title)?.sha256),
            scope: String::new(),
            suspended: None,
            withdrawn: None,
        }))
    }

    fn deposit(&self, of: &Member, kind: DocumentKind, title: &str) -> Result<Document, Trouble> {
        let text = format!("{title}\n{} ({})\nMade up for the demonstration.\n", of.name, of.code);
        let kept = self.office.depositary().keep(kind, title, text.as_bytes());
        kept.trouble(format!("deposit {title} of {}", of.id))
    }

    fn certificate(&self, name: &str, holder: Bin) -> Result<IssuedPem, Trouble> {
        let body = self.cast.holders.iter().find(|body| body.bin == holder);
        let request = SystemRequest {
            code: name.to_owned(),
            bin: holder,
            organisation: body.map_or(&self.cast.operator.name, |body| &body.name).clone(),
            names: vec![format!("{name}.example")],
            days: 365,
        };
        let issued = self.authority.issue_system(&request, clock::now());
        let issued = issued.trouble(format!("issue a certificate to {name}"))?;
        self.keep(name, &issued)?;
        Ok(issued)
    }

    fn bind(&mut self, system: &SystemId, issued: &IssuedPem) -> Result<(), Trouble> {
        let integrator = self.actor(&self.cast.with(Role::ServiceIntegrator)?.officer)?;
        let (fingerprint, serial, not_after) = (issued.fingerprint, issued.serial.clone(), issued.not_after);
        let certificate = BoundCertificate { fingerprint, serial, not_after };
        self.issue(Command::BindCertificate { system: system.clone(), certificate }, &integrator)
    }

    fn keep(&self, name: &str, issued: &IssuedPem) -> Result<(), Trouble> {
        self.folder.keep(name, issued).map(drop).trouble(format!("keep the keys of {name}"))
    }

    fn officer(&self, system: &SystemId) -> Result<Actor, Trouble> {
        self.actor(&self.cast.body(self.cast.system(system)?.holder)?.officer)
    }

    fn actor(&self, officer: &OperatorId) -> Result<Actor, Trouble> {
        self.office.actor(officer, VIA).trouble(format!("act as {officer}"))
    }

    fn issue(&mut self, command: Command, actor: &Actor) -> Result<(), Trouble> {
        let issued = self.office.issue(command, actor, REASON);
        issued.map(drop).trouble(format!("found the federation as {}", actor.id))
    }
}

fn founding(cast: &Cast) -> Result<Founding, Trouble> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(Founding {
        environment: Phase::Production,
        listen: any,
        api: any,
        operations: any,
        names: vec!["localhost".into(), Ipv4Addr::LOCALHOST.to_string()],
        origin: "demonstration.example/log".into(),
        operator: cast.operator.clone(),
        administrator: OperatorId::new(ADMINISTRATOR).trouble("name the administrator")?,
        extra: "[usage]\nportals = [\"intranet-portal\"]\n".into(),
    })
}

/// A folder to look at and to copy: segments of 4 MiB.
fn small_segments(folder: &Folder) -> Result<(), Trouble> {
    let path = folder.config_path();
    let text = fs::read_to_string(&path).trouble("read the configuration")?;
    let small = text.replacen("dir = \"log\"\n", "dir = \"log\"\nsegment_mib = 4\n", 1);
    fs::write(&path, small).trouble("write the configuration")
}

/// The name of the keys with which an officer's head signs.
pub(super) fn signer(officer: &OperatorId) -> String {
    format!("head-of-{officer}")
}

/// How commands of the demonstration come.
pub(super) const VIA: &str = "demo";
const REASON: &str = "demonstration";
const ADMINISTRATOR: &str = "administrator";
const REGISTRAR: &str = "registrar";
