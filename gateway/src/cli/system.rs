//! `kelisim system`: registration, standing, certificates of systems.

use std::path::PathBuf;

use agreements::{
    Command, Conformity, DocumentKind, Endpoint, Event, Fingerprint, Registry, System, SystemCard, SystemId,
};
use clap::{Args, Subcommand};
use ipnet::IpNet;
use jiff::civil::Date;
use serde_json::json;

use super::common::word;
use super::desk::{Desk, kebab, read, read_json};
use super::table::{Table, facts};
use super::{Answer, Common, Exit, Failure};

#[derive(Subcommand)]
pub(super) enum SystemCommand {
    /// Register a system in one step: the integrator's shortcut for an application that came on paper
    Register(Register),
    /// List systems and their standing
    #[command(after_help = "Example:\n  kelisim system list")]
    List,
    /// Show a system
    #[command(after_help = "Example:\n  kelisim system show portal")]
    Show {
        /// Which
        id: SystemId,
    },
    /// Stop a system for a time
    #[command(
        after_help = "Example:\n  kelisim system suspend portal --as saule --reason 'security incident 7'"
    )]
    Suspend {
        /// Which
        id: SystemId,
    },
    /// Let a suspended system exchange again
    #[command(
        after_help = "Example:\n  kelisim system resume portal --as integrator --reason 'incident 7 is over'"
    )]
    Resume {
        /// Which
        id: SystemId,
    },
    /// End a system for good
    #[command(
        after_help = "Example:\n  kelisim system decommission portal --as integrator --reason 'replaced'"
    )]
    Decommission {
        /// Which
        id: SystemId,
    },
    /// Correct where a system connects from and where it listens
    Update(Update),
    /// Move a system from trial to production
    #[command(
        after_help = "Example:\n  kelisim system production portal --act act.pdf --as integrator --reason 'the trial is over'"
    )]
    Production {
        /// Which
        id: SystemId,
        /// The act of entry into production operation
        #[arg(long, value_name = "FILE")]
        act: PathBuf,
    },
    /// Record a system's attestation
    #[command(after_help = CONFORMITY_EXAMPLE)]
    Attest(Paper),
    /// Record a system's quality certificate
    #[command(after_help = CONFORMITY_EXAMPLE)]
    Certify(Paper),
    /// Withdraw a system's attestation
    #[command(
        after_help = "Example:\n  kelisim system withdraw-attestation portal --as integrator --reason 'audit 12'"
    )]
    WithdrawAttestation {
        /// Which
        id: SystemId,
    },
    /// Withdraw a system's quality certificate
    #[command(
        after_help = "Example:\n  kelisim system withdraw-certificate portal --as integrator --reason 'audit 12'"
    )]
    WithdrawCertificate {
        /// Which
        id: SystemId,
    },
    /// Stop an attestation or a quality certificate for a time
    #[command(
        after_help = "Example:\n  kelisim system suspend-paper portal attestation --as integrator --reason 'audit 12'"
    )]
    SuspendPaper {
        /// Of which system
        id: SystemId,
        /// attestation or quality-certificate
        #[arg(value_parser = word::<agreements::Paper>)]
        paper: agreements::Paper,
    },
    /// Let a suspended attestation or quality certificate count again
    #[command(
        after_help = "Example:\n  kelisim system resume-paper portal attestation --as integrator --reason 'audit 12 is over'"
    )]
    ResumePaper {
        /// Of which system
        id: SystemId,
        /// attestation or quality-certificate
        #[arg(value_parser = word::<agreements::Paper>)]
        paper: agreements::Paper,
    },
    /// Bind a certificate to a system: who shows it is that system
    #[command(
        after_help = "Example:\n  kelisim system bind portal keys/portal.pem --as integrator --reason 'letter 9'"
    )]
    Bind {
        /// Which system
        id: SystemId,
        /// Its certificate chain, PEM, its own first
        chain: PathBuf,
    },
    /// Unbind a certificate: who shows it is nobody
    #[command(
        after_help = "Example:\n  kelisim system unbind FINGERPRINT --as integrator --reason 'key lost'"
    )]
    Unbind {
        /// Which certificate
        fingerprint: Fingerprint,
    },
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim system register portal.json --as integrator --document description=description.pdf \\
    --document trial-act=act.pdf --document technical-documentation=docs.pdf

The card, in JSON:
  { \"id\": \"portal\", \"name\": \"Intranet portal\", \"holder\": \"BIN\", \"owner\": \"BIN\", \"ownership\": \"state\",
    \"phase\": \"trial\", \"networks\": [\"10.1.0.0/16\"], \"responsible\": \"Name\",
    \"endpoint\": { \"address\": \"10.1.0.7:8443\", \"server_name\": \"portal.example\" } }

Kinds of documents: description, trial-act, technical-documentation, production-act, attestation,
quality-certificate, other.")]
pub(super) struct Register {
    /// The card
    card: PathBuf,
    /// A document of the application; kept in the depositary
    #[arg(long = "document", value_name = "KIND=FILE", value_parser = document)]
    documents: Vec<(DocumentKind, PathBuf)>,
    /// Its registration or accounting code [default: KZ-STATE-NNNN or KZ-OTHER-NNNN]
    #[arg(long)]
    code: Option<String>,
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  kelisim system update portal --network 10.1.0.0/16 --as integrator --reason 'it moved'"
)]
pub(super) struct Update {
    /// Which
    id: SystemId,
    /// A network that it connects from; replaces those known; as often as needed
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<IpNet>,
    /// Where it listens
    #[arg(long, value_name = "HOST:PORT", requires = "server_name")]
    address: Option<String>,
    /// The name that its certificate bears
    #[arg(long, value_name = "NAME", requires = "address")]
    server_name: Option<String>,
    /// What stands before operations' paths
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true, requires = "address")]
    base_path: String,
}

#[derive(Args)]
pub(super) struct Paper {
    /// Which system
    id: SystemId,
    /// The paper's number
    #[arg(long)]
    number: String,
    /// Who issued it
    #[arg(long)]
    issuer: String,
    /// First day of validity
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Last day of validity
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// What of the system it covers [default: the whole]
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    scope: String,
    /// The paper itself; kept in the depositary. No agreement of the system is submitted without it
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

pub(super) fn run(common: &Common, command: SystemCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        SystemCommand::Register(register) => register.run(&mut desk),
        SystemCommand::List => Ok(list(desk.registry())),
        SystemCommand::Show { id } => show(&desk, &id),
        SystemCommand::Suspend { id } => {
            let done = format!("{id} is suspended");
            desk.issue(Command::SuspendSystem { system: id }, done)
        }
        SystemCommand::Resume { id } => {
            let done = format!("{id} may exchange again");
            desk.issue(Command::ResumeSystem { system: id }, done)
        }
        SystemCommand::Decommission { id } => {
            let done = format!("{id} has ended");
            desk.issue(Command::DecommissionSystem { system: id }, done)
        }
        SystemCommand::Update(update) => update.run(&mut desk),
        SystemCommand::Production { id, act } => {
            let act = desk.deposit(DocumentKind::ProductionAct, &act)?;
            let done = format!("{id} is in production operation");
            desk.issue(Command::EnterProduction { system: id, act }, done)
        }
        SystemCommand::Attest(paper) => {
            let (system, conformity) = paper.deposit(&desk, DocumentKind::Attestation)?;
            let done = format!("{system} is attested until {}", conformity.valid_until);
            desk.issue(Command::RecordAttestation { system, conformity }, done)
        }
        SystemCommand::Certify(paper) => {
            let (system, conformity) = paper.deposit(&desk, DocumentKind::QualityCertificate)?;
            let done = format!("{system} has a quality certificate until {}", conformity.valid_until);
            desk.issue(Command::RecordQualityCertificate { system, conformity }, done)
        }
        SystemCommand::WithdrawAttestation { id } => {
            let done = format!("the attestation of {id} is withdrawn");
            desk.issue(Command::WithdrawAttestation { system: id }, done)
        }
        SystemCommand::WithdrawCertificate { id } => {
            let done = format!("the quality certificate of {id} is withdrawn");
            desk.issue(Command::WithdrawQualityCertificate { system: id }, done)
        }
        SystemCommand::SuspendPaper { id, paper } => {
            let done = format!("the {paper} of {id} is suspended");
            desk.issue(Command::SuspendPaper { system: id, paper }, done)
        }
        SystemCommand::ResumePaper { id, paper } => {
            let done = format!("the {paper} of {id} counts again");
            desk.issue(Command::ResumePaper { system: id, paper }, done)
        }
        SystemCommand::Bind { id, chain } => bind(&mut desk, id, &read(&chain)?),
        SystemCommand::Unbind { fingerprint } => {
            let done = format!("{fingerprint} is bound to no system now");
            desk.issue(Command::UnbindCertificate { certificate: fingerprint }, done)
        }
    }
}

/// Binds the first certificate of a chain, if this gateway would let its bearer in.
pub(super) fn bind(desk: &mut Desk<'_>, system: SystemId, chain: &[u8]) -> Result<Answer, Failure> {
    let certificate = desk.certificate(chain)?;
    let done = format!("{} is {system}, until {}", certificate.fingerprint, certificate.not_after);
    desk.issue(Command::BindCertificate { system, certificate }, done)
}

impl Register {
    fn run(self, desk: &mut Desk<'_>) -> Result<Answer, Failure> {
        let mut card: SystemCard = read_json(&self.card)?;
        for (kind, path) in &self.documents {
            card.documents.push(desk.deposit(*kind, path)?);
        }
        let id = card.id.clone();
        let events = desk.carried_out(Command::RegisterSystem { card, code: self.code })?;
        let code = events.iter().find_map(|one| match &one.event {
            Event::SystemRegistered { code, .. } => Some(code.as_str()),
            _ => None,
        });
        desk.issued(&events, format!("{id} is registered: {}", code.unwrap_or_default()))
    }
}

impl Update {
    fn run(self, desk: &mut Desk<'_>) -> Result<Answer, Failure> {
        let endpoint = self.address.zip(self.server_name).map(|(address, server_name)| Endpoint {
            address,
            server_name,
            base_path: self.base_path,
        });
        if self.networks.is_empty() && endpoint.is_none() {
            let todo = "give --network, or --address with --server-name";
            return Err(Failure::new(Exit::Usage, "nothing to correct", todo));
        }
        let networks = Some(self.networks).filter(|networks| !networks.is_empty());
        let done = format!("{} is corrected", self.id);
        desk.issue(Command::UpdateSystem { system: self.id, networks, endpoint }, done)
    }
}

impl Paper {
    fn deposit(self, desk: &Desk<'_>, kind: DocumentKind) -> Result<(SystemId, Conformity), Failure> {
        let document = self.document.map(|path| desk.deposit(kind, &path)).transpose()?;
        let conformity = Conformity {
            number: self.number,
            issuer: self.issuer,
            valid_from: self.from,
            valid_until: self.until,
            document: document.map(|document| document.sha256),
            scope: self.scope,
            suspended: None,
            withdrawn: None,
        };
        Ok((self.id, conformity))
    }
}

fn list(registry: &Registry) -> Answer {
    let mut table =
        Table::new(["SYSTEM", "CODE", "PHASE", "STATUS", "ATTESTED", "QUALITY", "CERTS", "HOLDER"]);
    for system in registry.systems() {
        let card = &system.card;
        table.row([
            card.id.to_string(),
            system.code.clone(),
            kebab(&card.phase),
            kebab(&system.status),
            until(system.attestation.as_ref()),
            until(system.quality_certificate.as_ref()),
            system.certificates.len().to_string(),
            card.holder.to_string(),
        ]);
    }
    let systems: Vec<&System> = registry.systems().collect();
    Answer::new(json!({ "systems": systems }), table.or("no system is registered"))
}

fn show(desk: &Desk<'_>, id: &SystemId) -> Result<Answer, Failure> {
    let registry = desk.registry();
    let system = registry
        .system(id)
        .ok_or_else(|| Failure::new(Exit::Refused, format!("no system {id}"), "see `kelisim system list`"))?;
    let card = &system.card;
    let holder = registry.holder(card.holder).map_or("", |holder| holder.name.as_str());
    let lines = |lines: Vec<String>| lines.join("\n");
    let party = registry
        .agreements()
        .filter(|agreement| agreement.header.consumer == *id || agreement.header.provider == *id)
        .map(|agreement| {
            let header = &agreement.header;
            let side = if header.consumer == *id { "asks" } else { "answers" };
            format!("{} version {}: {side}, {}", header.number, header.version, kebab(&agreement.stage))
        });
    let endpoint = card.endpoint.as_ref();
    let text = facts([
        ("system", card.id.to_string()),
        ("name", card.name.clone()),
        ("code", system.code.clone()),
        ("status", format!("{}, {}, {}", kebab(&system.status), kebab(&card.phase), kebab(&card.ownership))),
        ("holder", format!("{} {holder}", card.holder)),
        ("responsible", card.responsible.clone()),
        ("networks", card.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ("endpoint", endpoint.map_or_else(String::new, |to| format!("{} as {}", to.address, to.server_name))),
        ("attestation", paper(system.attestation.as_ref())),
        ("quality certificate", paper(system.quality_certificate.as_ref())),
        (
            "certificates",
            lines(
                system
                    .certificates
                    .iter()
                    .map(|bound| format!("{} until {}", bound.fingerprint, bound.not_after))
                    .collect(),
            ),
        ),
        (
            "documents",
            lines(
                card.documents
                    .iter()
                    .map(|document| {
                        format!("{}: {} {}", kebab(&document.kind), document.title, document.sha256)
                    })
                    .collect(),
            ),
        ),
        ("agreements", lines(party.collect())),
    ]);
    Answer::of(system, text)
}

fn until(paper: Option<&Conformity>) -> String {
    match paper {
        None => "-".into(),
        Some(Conformity { withdrawn: Some(_), .. }) => "withdrawn".into(),
        Some(Conformity { suspended: Some(_), .. }) => "suspended".into(),
        Some(paper) => paper.valid_until.to_string(),
    }
}

fn paper(paper: Option<&Conformity>) -> String {
    let Some(paper) = paper else { return "none".into() };
    let withdrawn = paper.withdrawn.map(|at| format!(", withdrawn {at}")).unwrap_or_default();
    let suspended = paper.suspended.map(|at| format!(", suspended {at}")).unwrap_or_default();
    let scope = if paper.scope.is_empty() { String::new() } else { format!(", for {}", paper.scope) };
    let Conformity { number, issuer, valid_from, valid_until, .. } = paper;
    format!("{number} of {issuer}{scope}, {valid_from} to {valid_until}{suspended}{withdrawn}")
}

pub(super) fn document(text: &str) -> Result<(DocumentKind, PathBuf), String> {
    let (kind, path) = text.split_once('=').ok_or("write KIND=FILE")?;
    Ok((word(kind)?, path.into()))
}

const CONFORMITY_EXAMPLE: &str = "\
Example:
  kelisim system attest portal --number A-17 --issuer 'State Technical Service' \\
    --from 2026-01-01 --until 2026-12-31 --document attestation.pdf --as integrator --reason 'letter 5'";
