//! A registry of a whole country: events as commands would have left them, with signatures that stand.

use std::path::Path;

use agreements::*;
use certs::authority::PersonRequest;
use certs::keys::Identity;
use certs::sign::{Signer, canonical};
use gateway::config::Config;
use gateway::office::{Folder, Founding};
use gateway::registry::Store;
use gateway::registry::sqlite::SqliteStore;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub agreements: u32,
    pub systems: u32,
    /// What is left after founding, systems and agreements are suspensions and resumptions.
    pub events: u64,
}

/// A data folder whose registry holds an estate.
pub struct Estate {
    pub folder: Folder,
    pub size: Size,
}

impl Estate {
    /// Builds an estate in an empty folder.
    pub fn build(dir: &Path, size: Size, now: Timestamp) -> Self {
        let operator = Holder { bin: bin(0), name: "Operator".into(), region: None };
        let founding = Founding {
            environment: Phase::Production,
            listen: ([127, 0, 0, 1], 0).into(),
            api: ([127, 0, 0, 1], 0).into(),
            operations: ([127, 0, 0, 1], 0).into(),
            names: vec!["127.0.0.1".into()],
            origin: "scale.example".into(),
            operator,
            administrator: OperatorId::new("admin").unwrap(),
            extra: String::new(),
        };
        let folder = Folder::found(dir, &founding).unwrap();
        let mut writing = Writing::new(&folder, now);
        let heads: Vec<Head> = (0..HOLDERS).map(|number| Head::issued(&folder, number, now)).collect();
        writing.parties(&heads);
        for number in 0..size.systems {
            writing.system(number);
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let numbers: Vec<u32> = (0..size.agreements).collect();
        for together in numbers.chunks(1_000) {
            let made: Vec<Vec<Vec<Made>>> = std::thread::scope(|scope| {
                let parts: Vec<_> = together
                    .chunks(together.len().div_ceil(threads))
                    .map(|part| {
                        let heads = &heads;
                        scope
                            .spawn(move || part.iter().map(|one| agreement(*one, size, heads, now)).collect())
                    })
                    .collect();
                parts.into_iter().map(|part| part.join().unwrap()).collect()
            });
            made.into_iter().flatten().flatten().for_each(|made| writing.happened(made));
        }
        let mut next = 0;
        while writing.revision() + 1 < size.events {
            let number = code_of_agreement(next % size.agreements);
            let (first, second) = (
                Event::AgreementSuspended { number: number.clone(), version: 1 },
                Event::AgreementResumed { number, version: 1 },
            );
            for (event, why) in [(first, "checked by request"), (second, "nothing was found")] {
                writing.happened(Made { by: regulator(), why: why.into(), event });
            }
            next += 7;
        }
        writing.flush();
        Self { folder, size }
    }

    /// An estate that was built before.
    pub fn at(dir: &Path, size: Size) -> Self {
        Self { folder: Folder::at(dir), size }
    }

    pub fn config(&self) -> Config {
        self.folder.config().unwrap()
    }

    pub fn store(&self) -> SqliteStore {
        let config = self.config();
        SqliteStore::open(&config.path(&config.registry.path)).unwrap()
    }
}

/// An event before it has its number.
pub struct Made {
    by: Actor,
    why: String,
    event: Event,
}

struct Writing {
    store: SqliteStore,
    written: u64,
    waiting: Vec<Recorded>,
    now: Timestamp,
}

impl Writing {
    fn new(folder: &Folder, now: Timestamp) -> Self {
        let config = folder.config().unwrap();
        let mut store = SqliteStore::open(&config.path(&config.registry.path)).unwrap();
        let written = store.revision().unwrap();
        Self { store, written, waiting: Vec::new(), now }
    }

    fn revision(&self) -> u64 {
        self.written + self.waiting.len() as u64
    }

    fn happened(&mut self, Made { by: actor, why: reason, event }: Made) {
        let sequence = self.revision() + 1;
        let at = self.now + SignedDuration::from_micros(i64::try_from(sequence).unwrap());
        self.waiting.push(Recorded { sequence, at, actor, reason, event });
        if self.waiting.len() >= 20_000 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.store.append(self.written, &self.waiting).unwrap();
        self.written = self.revision();
        self.waiting.clear();
    }

    fn by(&mut self, by: Actor, event: Event) {
        self.happened(Made { by, why: "application".into(), event });
    }

    fn parties(&mut self, heads: &[Head]) {
        for (number, head) in heads.iter().enumerate() {
            let holder = Holder { bin: head.bin, name: format!("Body {number}"), region: None };
            self.by(integrator(), Event::HolderRegistered { holder });
        }
        self.by(integrator(), Event::RegulatorNamed { bin: heads[0].bin });
        let act = json!({ "id": "hr-order", "title": "Order", "version": "2003", "in_force_from": "2003-08-01", "kind": "act" });
        self.by(regulator(), Event::ActRecorded { act: serde_json::from_value(act).unwrap() });
    }

    fn system(&mut self, number: u32) {
        let (system, holder) = (SystemId::new(&code(number)).unwrap(), bin(holder_of(number)));
        let card = json!({
            "id": system, "name": format!("Information system {number} of a public body"), "holder": holder,
            "owner": holder, "ownership": "state", "phase": "production", "networks": ["192.168.0.0/16", "10.1.0.0/16"],
            "responsible": "A. Serikov, head of department, +7 7172 000000",
            "endpoint": { "address": "127.0.0.1:1", "server_name": system },
            "documents": [
                { "kind": "description", "sha256": "a".repeat(64), "title": "description.pdf" },
                { "kind": "trial-act", "sha256": "b".repeat(64), "title": "trial-act.pdf" },
            ],
        });
        let card = serde_json::from_value(card).unwrap();
        self.by(integrator(), Event::SystemRegistered { card, code: format!("KZ-{number:06}") });
        let paper = json!({ "number": format!("A-{number}"), "issuer": "State technical service",
            "valid_from": "2026-01-01", "valid_until": "2046-12-31" });
        let conformity: Conformity = serde_json::from_value(paper).unwrap();
        let event = Event::AttestationRecorded { system: system.clone(), conformity: conformity.clone() };
        self.by(integrator(), event);
        self.by(integrator(), Event::QualityCertificateRecorded { system: system.clone(), conformity });
        let certificate = BoundCertificate {
            fingerprint: certificate(number),
            serial: format!("{number:x}"),
            not_after: Timestamp::MAX,
        };
        self.by(integrator(), Event::CertificateBound { system: system.clone(), certificate });
        let data_type = json!({
            "id": "record", "version": 1, "provider": system, "title": "Records", "category": "confidential",
            "personal": { "collection_purpose": "civil-service" },
            "operations": [
                { "id": "find", "method": "GET", "path": "/persons", "query": [{ "name": "iin" }],
                  "logical_part": "persons", "response": { "schema": schema() } },
                { "id": "orders", "method": "GET", "path": "/persons/{iin}/orders", "query": [{ "name": "as-of" }],
                  "logical_part": "orders", "response": { "schema": schema() } },
            ],
        });
        let data_type = serde_json::from_value(data_type).unwrap();
        self.by(officer(holder_of(number)), Event::DataTypePublished { data_type });
    }
}

/// Everything that happened to one agreement until it was in force.
fn agreement(number: u32, size: Size, heads: &[Head], now: Timestamp) -> Vec<Made> {
    let (consumer, provider) = pair(number, size.systems);
    let document = canonical(&document(number, consumer, provider)).unwrap();
    let document = String::from_utf8(document).unwrap();
    let (number, version) = (code_of_agreement(number), 1);
    let sign = |bytes: &[u8], side, by: usize| {
        let Head { signer, fingerprint, bin, name } = &heads[by];
        let jws = serde_json::to_value(signer.sign(bytes, side, now).unwrap()).unwrap();
        Signature { side, certificate: *fingerprint, bin: *bin, signer: name.clone(), signed_at: now, jws }
    };
    let signed = |side, by| sign(document.as_bytes(), side, by);
    let (of_consumer, of_provider) = (holder_of(consumer), holder_of(provider));
    let mut made = vec![
        (officer(of_consumer), Event::AgreementDrafted { document: document.clone() }),
        (
            officer(of_consumer),
            Event::AgreementSigned {
                number: number.clone(),
                version,
                signature: signed(Side::Consumer, of_consumer),
            },
        ),
        (
            officer(of_provider),
            Event::AgreementSigned {
                number: number.clone(),
                version,
                signature: signed(Side::Provider, of_provider),
            },
        ),
        (
            officer(of_consumer),
            Event::AgreementSubmitted {
                number: number.clone(),
                version,
                fits: vec![],
                conformity: vec![format!("attestation A-{consumer}"), format!("attestation A-{provider}")],
            },
        ),
        (
            regulator(),
            Event::AgreementConcurred {
                number: number.clone(),
                version,
                signature: signed(Side::Regulator, 0),
                remarks: vec![],
            },
        ),
    ];
    let user = |id| json!({ "id": id, "name": "N. N.", "duty": "personnel", "training_certificate": { "number": "17", "issued": "2020-01-01", "valid_until": "2099-12-31" } });
    let users = vec![user("a.serikov"), user("b.akhmetova")];
    let users: Vec<ListedUser> =
        users.into_iter().map(|user| serde_json::from_value(user).unwrap()).collect();
    let list = UserList { agreement: number.clone(), serial: 1, users };
    let bytes = canonical(&serde_json::to_value(&list).unwrap()).unwrap();
    let signature = Some(sign(&bytes, Side::Consumer, of_consumer));
    let UserList { serial, users, .. } = list;
    let event = Event::UsersApproved { number: number.clone(), users, serial, signature };
    made.push((officer(of_consumer), event));
    let text: AgreementText = serde_json::from_str(&document).unwrap();
    let mut found = Random(u64::from(consumer) << 32 | u64::from(provider));
    let checked = |(party, check)| {
        let detail = format!("answered within {} ms", 3 + found.below(97)).into();
        ReadinessCheck { party, check, outcome: CheckOutcome::Passed, detail, accepted: None }
    };
    let checks = wanted_checks(&text).into_iter().map(checked).collect();
    // No system changed since: they were all registered before.
    let revision = u64::from(size.systems) * 5 + 1_000;
    let event = Event::ReadinessRecorded { number, version, revision, means: Some(Means::Measured), checks };
    made.push((officer(of_consumer), event));
    made.into_iter().map(|(by, event)| Made { by, why: String::new(), event }).collect()
}

/// Its clauses are in the words of the bodies that agree: some hundred different ones of each.
fn document(number: u32, consumer: u32, provider: u32) -> Value {
    let (asks, answers) = (holder_of(consumer), holder_of(provider));
    let fields = ["/name", "/orders/*/date", "/orders/*/position", "/orders/*/body"];
    let fields = &fields[..2 + number as usize % 3];
    let personal: Vec<Value> = fields
        .iter()
        .zip(1..)
        .map(|(field, item)| json!({ "field": field, "approved_list_item": format!("{item}") }))
        .collect();
    json!({
        "number": code_of_agreement(number), "version": 1, "consumer": code(consumer), "provider": code(provider),
        "data": [{ "data_type": "record", "version": 1, "operations": ["find", "orders"],
            "fields": fields }],
        "access_period": {
            "from": "2026-01-01", "until": "2046-12-31",
            "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "hours": { "from": "08:00", "until": "20:00" },
        },
        "purposes": [{ "code": "staffing",
            "text": format!("Appointments to the civil service, by the personnel department of body {asks}"),
            "collection_purpose": "civil-service" }],
        "basis": [{ "act": "hr-order", "version": "2003", "clause": "8.2" }],
        "accounting": { "case": "required", "retention_years": 5,
            "text": format!("Body {asks} records every access in its own journal, with the case and the official") },
        "recovery": { "within_hours": 24,
            "text": format!("Body {answers} restores the service and answers again what was lost") },
        "protection": { "category": "confidential", "users": "listed-and-trained",
            "rate": { "per_second": 10 * (1 + number % 5), "burst": 100 },
            "text": format!("Closed contour of body {answers}, integrity checks, access on a need-to-know basis") },
        "personal_data": { "collection_purpose": "civil-service", "fields": personal },
    })
}

fn schema() -> Value {
    json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": { "type": "string", "maxLength": 200 },
            "orders": { "type": "array", "items": { "type": "object", "properties": {
                "date": { "type": "string", "format": "date" }, "position": { "type": "string" } } } },
        },
    })
}

/// The head of a body, who signs.
struct Head {
    signer: Signer,
    fingerprint: Fingerprint,
    bin: Bin,
    name: String,
}

impl Head {
    fn issued(folder: &Folder, number: usize, now: Timestamp) -> Self {
        let request = PersonRequest {
            name: format!("HEAD {number}"),
            iin: format!("{:012}", 700_101_300_000 + number),
            bin: bin(number),
            organisation: format!("Body {number}"),
            days: 365,
        };
        let issued = folder.authority().unwrap().issue_person(&request, now).unwrap();
        let identity = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
        let (signer, name) = (Signer::new(identity), request.name);
        Self { signer, fingerprint: issued.fingerprint, bin: request.bin, name }
    }
}

/// Each system asks some others, at distances that spread over all.
pub fn pair(agreement: u32, systems: u32) -> (u32, u32) {
    let (consumer, step) = (agreement % systems, (agreement / systems) * 977);
    (consumer, (consumer + 1 + step % (systems - 1)) % systems)
}

pub fn code(number: u32) -> String {
    format!("system-{number:05}")
}

pub fn code_of_agreement(number: u32) -> AgreementNumber {
    AgreementNumber::new(&format!("agreement-{number:06}")).unwrap()
}

/// Uniform, as a digest is.
pub fn certificate(number: u32) -> Fingerprint {
    let mut random = Random(u64::from(number) + 1);
    let mut sha256 = [0; 32];
    for eight in sha256.chunks_mut(8) {
        eight.copy_from_slice(&random.next().to_le_bytes());
    }
    Fingerprint::new(sha256)
}

fn bin(number: usize) -> Bin {
    Bin::new(&format!("{:012}", 140_000_000 + number)).unwrap()
}

fn holder_of(system: u32) -> usize {
    system as usize % HOLDERS
}

fn officer(holder: usize) -> Actor {
    actor(&format!("officer-{holder}"), Role::HolderOfficer, bin(holder))
}

fn integrator() -> Actor {
    actor("integrator", Role::ServiceIntegrator, bin(0))
}

pub fn regulator() -> Actor {
    actor("regulator", Role::Regulator, bin(0))
}

fn actor(id: &str, role: Role, holder: Bin) -> Actor {
    Actor { id: OperatorId::new(id).unwrap(), role, holder, via: "cli:uid=1000".into() }
}

/// SplitMix64: no measurement needs more.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

const HOLDERS: usize = 200;
