//! The data folder of a Kelisim that carries what the benchmark asks: two systems, one data type, one agreement.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use agreements::{
    Act, Actor, AgreementNumber, Bin, BoundCertificate, CheckOutcome, Command, Conformity, DataType,
    DocumentKind, Holder, Operator, OperatorId, Phase, Reach, Role, Side, SystemCard, SystemId,
    checked_alike,
};
use anyhow::Context as _;
use certs::authority::PersonRequest;
use certs::keys::{Identity as KeyPair, read_certificates};
use certs::sign::Signer;
use gateway::config::Config;
use gateway::office::{Folder, Founding, Office};
use serde_json::{Value, json};

use super::payload::{receipt_schema, record_schema, submission_schema};
use super::pki::Identity;
use super::{Kelisim, World};

impl Kelisim {
    /// Founds the gateway's data folder for one world, and has the agreement signed and concurred in.
    ///
    /// # Errors
    /// The folder cannot be written, or the registry refuses something.
    pub fn found(world: &World, binary: &Path) -> anyhow::Result<Self> {
        let dir = world.folder().join("gateway");
        let addr = free()?;
        let folder = Folder::found(
            &dir,
            &Founding {
                environment: Phase::Production,
                listen: addr,
                api: free()?,
                operations: free()?,
                names: vec!["127.0.0.1".into()],
                origin: "bench.kelisim/log".into(),
                operator: holder(OPERATOR, "National operator")?,
                administrator: actor(Role::Administrator, OPERATOR)?.id,
                extra: String::new(),
            },
        )?;
        let config = dir.join("bench.toml");
        fs::write(&config, configuration(&folder, world, addr, free()?)?)?;
        let mut estate = Estate { office: Office::open(&Config::load(&config)?)?, folder };
        estate.people()?;
        estate.system(CONSUMER, CONSUMER_BIN, None, &Identity::Client.certificate(world.folder()))?;
        let upstream = Some(world.upstream());
        estate.system(PROVIDER, PROVIDER_BIN, upstream, &Identity::Upstream.certificate(world.folder()))?;
        estate.agreement()?;
        Ok(Self {
            binary: binary.to_owned(),
            config,
            addr,
            provider: PROVIDER.into(),
            data_type: DATA_TYPE.into(),
            purpose: PURPOSE.into(),
        })
    }
}

struct Estate {
    office: Office,
    folder: Folder,
}

impl Estate {
    fn issue(&mut self, role: Role, bin: &str, command: Command) -> anyhow::Result<()> {
        let actor = actor(role, bin)?;
        self.office.issue(command, &actor, "benchmark")?;
        Ok(())
    }

    fn people(&mut self) -> anyhow::Result<()> {
        for (bin, name, role) in [
            (CONSUMER_BIN, "Consumer's holder", Role::HolderOfficer),
            (PROVIDER_BIN, "Provider's holder", Role::HolderOfficer),
            (REGULATOR, "Regulator", Role::Regulator),
            (OPERATOR, "National operator", Role::ServiceIntegrator),
        ] {
            self.issue(
                Role::Administrator,
                OPERATOR,
                Command::RegisterHolder { holder: holder(bin, name)? },
            )?;
            let id = actor(role, bin)?.id;
            let operator =
                Operator { id, name: name.into(), role, holder: Bin::new(bin)?, reach: Reach::default() };
            self.issue(Role::Administrator, OPERATOR, Command::RegisterOperator { operator })?;
        }
        self.issue(Role::Administrator, OPERATOR, Command::NameRegulator { bin: Bin::new(REGULATOR)? })?;
        let act: Act = serde_json::from_value(json!({
            "id": "bench", "title": "Benchmark", "version": "1", "in_force_from": "2020-01-01", "kind": "act",
        }))?;
        self.issue(Role::Regulator, REGULATOR, Command::RecordAct { act })
    }

    fn system(&mut self, id: &str, bin: &str, at: Option<SocketAddr>, chain: &Path) -> anyhow::Result<()> {
        let description =
            self.office.depositary().keep(DocumentKind::Description, "Description", b"benchmark")?;
        let card: SystemCard = serde_json::from_value(json!({
            "id": id, "name": id, "holder": bin, "owner": bin, "ownership": "non-state", "phase": "production",
            "networks": ["127.0.0.0/8"], "responsible": "nobody", "documents": [description],
            "endpoint": at.map(|at| json!({"address": at, "server_name": "127.0.0.1"})),
        }))?;
        let system = SystemId::new(id)?;
        let paper: Conformity = serde_json::from_value(json!({
            "number": "1", "issuer": "benchmark", "valid_from": "2020-01-01", "valid_until": "2100-01-01",
            "document": description.sha256,
        }))?;
        let der = read_certificates(&fs::read(chain)?)?;
        let certificate = BoundCertificate {
            fingerprint: certs::fingerprint(&der[0]),
            serial: "00".into(),
            not_after: "2100-01-01T00:00:00Z".parse()?,
        };
        let attest = Command::RecordAttestation { system: system.clone(), conformity: paper.clone() };
        let certify = Command::RecordQualityCertificate { system: system.clone(), conformity: paper };
        let bind = Command::BindCertificate { system, certificate };
        // Who registers a system in one step does not record its papers.
        let mut registrar = actor(Role::ServiceIntegrator, OPERATOR)?;
        registrar.id = OperatorId::new("registrar")?;
        let register = Command::RegisterSystem { card, code: Some(format!("KZ-{id}")) };
        self.office.issue(register, &registrar, "benchmark")?;
        for command in [attest, certify, bind] {
            self.issue(Role::ServiceIntegrator, OPERATOR, command)?;
        }
        Ok(())
    }

    fn agreement(&mut self) -> anyhow::Result<()> {
        let data_type: DataType = serde_json::from_value(data_type())?;
        self.issue(Role::HolderOfficer, PROVIDER_BIN, Command::PublishDataType { data_type })?;
        let officer = actor(Role::HolderOfficer, CONSUMER_BIN)?;
        self.office.draft(&agreement(), &officer, "benchmark")?;
        let number = AgreementNumber::new(NUMBER)?;
        for (side, role, bin) in [
            (Side::Consumer, Role::HolderOfficer, CONSUMER_BIN),
            (Side::Provider, Role::HolderOfficer, PROVIDER_BIN),
            (Side::Regulator, Role::Regulator, REGULATOR),
        ] {
            if side == Side::Regulator {
                let submit = Command::SubmitAgreement { number: number.clone(), version: 1 };
                self.issue(Role::HolderOfficer, CONSUMER_BIN, submit)?;
            }
            let head = PersonRequest {
                name: format!("Head of {bin}"),
                iin: "700101300129".into(),
                bin: Bin::new(bin)?,
                organisation: bin.into(),
                days: 30,
            };
            let issued = self.folder.authority()?.issue_person(&head, gateway::clock::now())?;
            let signer = Signer::new(KeyPair::from_pem(issued.chain.as_bytes(), issued.key.as_bytes())?);
            let actor = actor(role, bin)?;
            self.office.sign(&number, 1, side, &signer, &actor, "benchmark")?;
        }
        let found = checked_alike(self.office.registry(), &number, 1, CheckOutcome::Passed, "benchmark");
        self.issue(Role::ServiceIntegrator, OPERATOR, found.context("the agreement has no text")?)
    }
}

fn actor(role: Role, bin: &str) -> anyhow::Result<Actor> {
    let name = match role {
        Role::Administrator => "administrator",
        Role::HolderOfficer => "officer",
        Role::ServiceIntegrator => "integrator",
        Role::Regulator => "regulator",
        other => anyhow::bail!("nobody in the benchmark is a {other:?}"),
    };
    let id = OperatorId::new(&format!("{name}.{bin}"))?;
    Ok(Actor { id, role, holder: Bin::new(bin)?, via: "bench".into() })
}

fn holder(bin: &str, name: &str) -> anyhow::Result<Holder> {
    Ok(Holder { bin: Bin::new(bin)?, name: name.into(), region: None })
}

/// The world's proxy key and anchor; beside them the trial authority's, whose people sign.
fn configuration(
    folder: &Folder,
    world: &World,
    exchange: SocketAddr,
    operations: SocketAddr,
) -> anyhow::Result<String> {
    let authority = folder.authority()?;
    let both = |file: &str, other: String| -> anyhow::Result<()> {
        let path = world.folder().join(file);
        let own = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(fs::write(folder.dir().join(file), own + &other)?)
    };
    both("ca.pem", authority.anchors_pem()?)?;
    both("crl.pem", authority.crl_pem()?)?;
    let proxy = Identity::Proxy;
    // A gateway reads no key that others may read.
    fs::set_permissions(proxy.key(world.folder()), fs::Permissions::from_mode(0o600))?;
    let (certificate, key) = (proxy.certificate(world.folder()), proxy.key(world.folder()));
    Ok(format!(
        r#"environment = "production"
[identity]
certificate = {certificate:?}
key = {key:?}
[trust]
anchors = "ca.pem"
issuing = ["authority/issuing.pem"]
crls = ["crl.pem"]
[log]
origin = "bench.kelisim/log"
[exchange]
listen = "{exchange}"
[exchange.limits]
idle_timeout_ms = 900000
max_exchanges_per_system = 4096
max_connections_per_caller = 20000
[api]
listen = "127.0.0.1:0"
[operations]
listen = "{operations}"
[telemetry]
format = "text"
"#
    ))
}

fn data_type() -> Value {
    let json = |schema: Value| json!({"schema": schema});
    let document = json!({"media_type": "*/*", "max_bytes": 60 << 20,
                          "documents": {"formats": ["pdf"], "max_file_bytes": 60 << 20}});
    json!({
        "id": DATA_TYPE, "version": 1, "provider": PROVIDER, "title": "Benchmark", "category": "restricted",
        "operations": [
            {"id": "read", "method": "GET", "path": "/records/{id}", "logical_part": "records",
             "response": json(record_schema())},
            {"id": "submit", "method": "POST", "path": "/records", "logical_part": "records",
             "request": json(submission_schema()), "response": json(receipt_schema())},
            {"id": "fetch", "method": "GET", "path": "/documents/{id}", "logical_part": "documents",
             "response": document},
            {"id": "send", "method": "POST", "path": "/documents", "logical_part": "documents",
             "request": document, "response": json(receipt_schema())},
        ],
    })
}

fn agreement() -> Value {
    json!({
        "number": NUMBER, "version": 1, "consumer": CONSUMER, "provider": PROVIDER,
        "data": [{"data_type": DATA_TYPE, "version": 1, "operations": ["read", "submit", "fetch", "send"],
                  "fields": [""]}],
        "access_period": {"from": "2020-01-01", "until": "2100-01-01"},
        "purposes": [{"code": PURPOSE, "text": "Benchmark"}],
        "basis": [{"act": "bench", "version": "1", "clause": "1"}],
        "accounting": {"retention_years": 1, "text": "none"},
        "recovery": {"within_hours": 1, "text": "none"},
        "protection": {"category": "restricted", "text": "none",
                       "rate": {"per_second": 1_000_000, "burst": 1_000_000}},
    })
}

fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

const OPERATOR: &str = "000140000010";
const CONSUMER_BIN: &str = "000140000011";
const PROVIDER_BIN: &str = "000140000012";
const REGULATOR: &str = "000140000013";
const CONSUMER: &str = "consumer";
const PROVIDER: &str = "provider";
const DATA_TYPE: &str = "records";
const PURPOSE: &str = "benchmark";
const NUMBER: &str = "bench-1";
