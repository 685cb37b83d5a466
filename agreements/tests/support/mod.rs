//! A small world: five organisations, four systems, two data types, one act, and agreements carried from draft to force.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "shared by several test programs, each using its part"
)]

use agreements::*;
use jiff::Timestamp;
use serde_json::{Value, json};

mod signed;

pub(crate) use signed::*;

/// Holder of the portal, which asks.
pub(crate) const MINISTRY: &str = "000000000001";
/// Holder of the personnel system, which answers.
pub(crate) const AGENCY: &str = "000000000002";
/// Holder of the Address Register, which answers too.
pub(crate) const OFFICE: &str = "000000000003";
/// The regulator.
pub(crate) const REGULATOR: &str = "000000000004";
/// Runs the gateway.
pub(crate) const NATIONAL_OPERATOR: &str = "000000000005";

pub(crate) const SYSTEMS: [(&str, &str, u8); 4] = [
    ("portal", MINISTRY, 1),
    ("personnel", AGENCY, 2),
    ("address-register", OFFICE, 3),
    ("insurer", MINISTRY, 4),
];

/// A registry with the events that made it; time is moved by hand.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) log: Vec<Recorded>,
    pub(crate) now: Timestamp,
    pub(crate) environment: Phase,
}

impl World {
    /// Organisations and an act; no system yet.
    pub(crate) fn empty() -> Self {
        let mut world = Self {
            registry: Registry::default(),
            log: Vec::new(),
            now: at("2026-02-20T09:00:00Z"),
            environment: Phase::Production,
        };
        for (number, name) in [
            (MINISTRY, "Ministry"),
            (AGENCY, "Agency"),
            (OFFICE, "Office"),
            (REGULATOR, "Regulator"),
            (NATIONAL_OPERATOR, "National operator"),
        ] {
            let holder = Holder { bin: bin(number), name: name.into(), region: None };
            world.must(administrator(), Command::RegisterHolder { holder });
        }
        world.must(administrator(), Command::NameRegulator { bin: bin(REGULATOR) });
        world.must(regulator(), Command::RecordAct { act: act("hr-order", "2003-07-08") });
        world
    }

    /// Systems in good standing and what they publish; nothing agreed yet.
    pub(crate) fn registered() -> Self {
        let mut world = Self::empty();
        for (id, holder, certificate) in SYSTEMS {
            world.must(
                registrar(),
                Command::RegisterSystem { card: card(id, holder), code: Some(format!("code-{id}")) },
            );
            let conformity = conformity(id);
            world.must(
                integrator(),
                Command::RecordAttestation { system: system(id), conformity: conformity.clone() },
            );
            world.must(integrator(), Command::RecordQualityCertificate { system: system(id), conformity });
            world.must(integrator(), bind(id, certificate));
        }
        world.must(officer(AGENCY), Command::PublishDataType { data_type: record() });
        world.must(officer(OFFICE), Command::PublishDataType { data_type: address() });
        world
    }

    /// The portal may read personnel records, and its listed officials only.
    pub(crate) fn exchanging() -> Self {
        Self::agreed(&personnel_agreement())
    }

    /// An agreement carried from draft to force, with one trained official on its list.
    pub(crate) fn agreed(agreement: &Value) -> Self {
        let mut world = Self::registered();
        world.conclude(agreement);
        world.approve_one(agreement);
        world
    }

    /// Issues a command: what follows from it is taken in.
    pub(crate) fn run(&mut self, actor: Actor, command: Command) -> Result<(), CommandError> {
        self.run_because(actor, command, "as decided")
    }

    pub(crate) fn run_because(
        &mut self,
        actor: Actor,
        command: Command,
        reason: &str,
    ) -> Result<(), CommandError> {
        for event in handle(&self.registry, command, &actor, reason, self.now)? {
            let sequence = self.registry.revision() + 1;
            let recorded =
                Recorded { sequence, at: self.now, actor: actor.clone(), reason: reason.into(), event };
            self.registry.apply(&recorded).unwrap();
            self.log.push(recorded);
        }
        Ok(())
    }

    /// Issues a command that the test takes for granted.
    #[track_caller]
    pub(crate) fn must(&mut self, actor: Actor, command: Command) {
        self.run(actor, command.clone()).unwrap_or_else(|error| panic!("{command:?}: {error:?}"));
    }

    /// Issues a command that must fail.
    #[track_caller]
    pub(crate) fn refused(&mut self, actor: Actor, command: Command) -> CommandError {
        self.run(actor, command).unwrap_err()
    }

    #[track_caller]
    pub(crate) fn draft(&mut self, agreement: &Value) {
        self.must(officer(MINISTRY), draft(agreement));
    }

    #[track_caller]
    pub(crate) fn sign_both(&mut self, agreement: &Value) {
        let provider = holder_of(agreement, "provider");
        self.must(officer(MINISTRY), sign(agreement, Side::Consumer, MINISTRY));
        self.must(officer(provider), sign(agreement, Side::Provider, provider));
    }

    #[track_caller]
    pub(crate) fn submit(&mut self, agreement: &Value) {
        let (number, version) = key(agreement);
        self.must(officer(MINISTRY), Command::SubmitAgreement { number, version });
    }

    #[track_caller]
    pub(crate) fn concur(&mut self, agreement: &Value) {
        self.must(regulator(), concur(agreement));
    }

    /// The consumer's head approves a list of officials.
    #[track_caller]
    pub(crate) fn approve(&mut self, number: &AgreementNumber, users: Vec<ListedUser>) {
        let command = self.approval(number, users);
        self.must(officer(MINISTRY), command);
    }

    /// The same, of one official, who is trained.
    #[track_caller]
    pub(crate) fn approve_one(&mut self, agreement: &Value) {
        self.approve(&number_of(agreement), vec![listed("a.serikov", Some("T-1"))]);
    }

    /// The next list of officials, signed.
    pub(crate) fn approval(&self, number: &AgreementNumber, users: Vec<ListedUser>) -> Command {
        let serial = self.registry.user_list(number).map_or(0, |known| known.list.serial) + 1;
        let list = UserList { agreement: number.clone(), serial, users };
        Command::ApproveUsers { list, signature: signature(Side::Consumer, MINISTRY) }
    }

    /// Records that both systems are ready.
    #[track_caller]
    pub(crate) fn check(&mut self, agreement: &Value) {
        let command = self.readiness(agreement, CheckOutcome::Passed);
        self.must(integrator(), command);
    }

    /// A record of everything that is checked, each with one outcome.
    pub(crate) fn readiness(&self, agreement: &Value, outcome: CheckOutcome) -> Command {
        let (number, version) = key(agreement);
        checked_alike(&self.registry, &number, version, outcome, "as expected").unwrap()
    }

    #[track_caller]
    pub(crate) fn conclude(&mut self, agreement: &Value) {
        self.draft(agreement);
        self.sign_both(agreement);
        self.submit(agreement);
        self.concur(agreement);
        self.check(agreement);
    }

    pub(crate) fn book(&self) -> Book {
        Book::new(&self.registry, self.environment, &|_| Ok(()))
    }

    /// `permit` or the code of the denial, on a working Tuesday morning.
    pub(crate) fn answer(&self, call: &Call<'_>) -> &'static str {
        self.answer_at(call, "2026-03-10T10:00:00+05:00")
    }

    pub(crate) fn answer_at(&self, call: &Call<'_>, moment: &str) -> &'static str {
        answer(&self.book(), call, at(moment))
    }

    pub(crate) fn denial(&self, call: &Call<'_>) -> Denial {
        decide(&self.book(), call, at("2026-03-10T10:00:00+05:00")).map(drop).unwrap_err()
    }

    pub(crate) fn stage(&self, agreement: &Value) -> Stage {
        let (number, version) = key(agreement);
        self.registry.agreement(&number, version).unwrap().stage.clone()
    }
}

pub(crate) fn answer(book: &Book, call: &Call<'_>, now: Timestamp) -> &'static str {
    match decide(book, call, now) {
        Ok(_) => "permit",
        Err(denial) => denial.row().code,
    }
}

/// A call that [`World::exchanging`] permits.
pub(crate) fn call() -> Call<'static> {
    Call {
        certificate: fingerprint(1),
        peer: [10, 1, 2, 3].into(),
        provider: "personnel",
        data_type: "record",
        method: Method::Get,
        path: &["persons", "860101300123", "orders"],
        parameters: &["as-of"],
        claims: claims(),
    }
}

pub(crate) fn claims() -> Claims<'static> {
    Claims { purpose: Some("staffing"), case: Some("17"), user: Some("a.serikov"), agreement: None }
}

/// The complete sample: all seven fields, and personal data.
pub(crate) fn personnel_agreement() -> Value {
    json!({
        "number": "portal-personnel", "version": 1, "consumer": "portal", "provider": "personnel",
        "data": [{
            "data_type": "record", "version": 1, "operations": ["orders"], "fields": ["/name", "/orders/*/date"],
        }],
        "access_period": { "from": "2026-03-02", "until": "2026-12-31" },
        "purposes": [{
            "code": "staffing", "text": "Filling of vacancies", "collection_purpose": "civil-service",
        }],
        "basis": [{ "act": "hr-order", "version": "2003-07-08", "clause": "8.2", "kind": "act" }],
        "accounting": {
            "answer_after": "completed", "case": "required", "retention_years": 5, "text": "Each side keeps a journal",
        },
        "recovery": { "within_hours": 24, "text": "The exchange is repeated from the last case on record" },
        "protection": {
            "category": "confidential", "users": "listed-and-trained", "rate": { "per_second": 10, "burst": 20 },
            "lease_seconds": 30, "text": "Dedicated network segment",
        },
        "personal_data": {
            "collection_purpose": "civil-service",
            "fields": [
                { "field": "/name", "approved_list_item": "4.1" },
                { "field": "/orders", "approved_list_item": "4.2" },
            ],
        },
        "attachments": [{ "title": "Protocol", "sha256": PAPERS.repeat(32) }],
    })
}

/// A plain agreement, without personal data.
pub(crate) fn address_agreement() -> Value {
    json!({
        "number": "portal-address", "version": 1, "consumer": "portal", "provider": "address-register",
        "data": [{
            "data_type": "address", "version": 1, "operations": ["lookup", "search"], "fields": [""],
        }],
        "access_period": { "from": "2026-03-02", "until": "2026-12-31" },
        "purposes": [{ "code": "delivery", "text": "Delivery of answers" }],
        "basis": [{ "act": "hr-order", "version": "2003-07-08", "clause": "16" }],
        "accounting": { "retention_years": 3, "text": "By the gateway" },
        "recovery": { "within_hours": 4, "text": "Ask again" },
        "protection": { "category": "restricted", "text": "None beyond the gateway's" },
        "attachments": [{ "title": "Papers", "sha256": PAPERS.repeat(32) }],
    })
}

/// `agreement` with one member replaced; the path is a JSON Pointer.
pub(crate) fn with(mut agreement: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match agreement.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.insert(member.into(), value)),
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
    agreement
}

pub(crate) fn without(mut agreement: Value, member: &str) -> Value {
    agreement.as_object_mut().unwrap().remove(member).unwrap();
    agreement
}

pub(crate) fn next_version(agreement: &Value) -> Value {
    let version = agreement["version"].as_u64().unwrap() + 1;
    with(agreement.clone(), "/version", version.into())
}

pub(crate) fn key(agreement: &Value) -> (AgreementNumber, u32) {
    let version = agreement["version"].as_u64().unwrap();
    (number_of(agreement), version.try_into().unwrap())
}

pub(crate) fn number_of(agreement: &Value) -> AgreementNumber {
    AgreementNumber::new(agreement["number"].as_str().unwrap()).unwrap()
}

fn holder_of(agreement: &Value, side: &str) -> &'static str {
    SYSTEMS.iter().find(|(id, ..)| agreement[side] == *id).unwrap().1
}

pub(crate) fn draft(agreement: &Value) -> Command {
    Command::DraftAgreement { document: agreement.to_string() }
}

pub(crate) fn sign(agreement: &Value, side: Side, holder: &str) -> Command {
    let (number, version) = key(agreement);
    Command::SignAgreement { number, version, signature: signature(side, holder) }
}

pub(crate) fn concur(agreement: &Value) -> Command {
    let (number, version) = key(agreement);
    let signature = signature(Side::Regulator, REGULATOR);
    Command::ConcurInAgreement { number, version, signature }
}

/// What agreements for staffing may say: just what the complete sample says.
pub(crate) fn template() -> Template {
    from_json(json!({
        "purpose": "staffing", "version": 1, "title": "Staffing", "most_days": 305, "until": "2026-12-31",
        "rate": { "per_second": 10, "burst": 20 }, "category": "confidential", "users": "listed-and-trained",
        "data": [{
            "provider": "personnel", "data_type": "record", "operations": ["orders"],
            "fields": ["/name", "/orders/*"],
        }],
    }))
}

pub(crate) fn signature(side: Side, holder: &str) -> Signature {
    Signature {
        side,
        certificate: fingerprint(100 + side as u8),
        bin: bin(holder),
        signer: "Head".into(),
        signed_at: at("2026-02-20T08:00:00Z"),
        jws: json!({ "payload": "", "signatures": [] }),
    }
}

pub(crate) fn listed(id: &str, training: Option<&str>) -> ListedUser {
    ListedUser {
        id: UserId::new(id).unwrap(),
        name: id.to_uppercase(),
        duty: "Personnel".into(),
        training_certificate: training.map(|number| trained(number, "2026-01-01", "2099-12-31")),
    }
}

/// The record of a training certificate.
pub(crate) fn trained(number: &str, issued: &str, valid_until: &str) -> TrainingCertificate {
    TrainingCertificate::Recorded(TrainingRecord {
        number: number.into(),
        issued: issued.parse().unwrap(),
        valid_until: valid_until.parse().unwrap(),
    })
}

pub(crate) fn card(id: &str, holder: &str) -> SystemCard {
    let documents = [
        DocumentKind::Description,
        DocumentKind::TrialAct,
        DocumentKind::TechnicalDocumentation,
        DocumentKind::ProductionAct,
    ];
    SystemCard {
        id: system(id),
        name: id.into(),
        holder: bin(holder),
        owner: bin(holder),
        ownership: if id == "insurer" { Ownership::NonState } else { Ownership::State },
        phase: Phase::Production,
        significance: Significance::Ordinary,
        openness: Openness::Open,
        region: None,
        networks: vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()],
        endpoint: Some(Endpoint {
            address: format!("{id}.example:443"),
            server_name: format!("{id}.example"),
            base_path: String::new(),
        }),
        responsible: "An employee".into(),
        documents: documents.map(document).into(),
    }
}

/// A complete application for a state system in trial operation since Monday 16 February 2026.
pub(crate) fn application(id: &str, holder: &str) -> Application {
    let documents = [DocumentKind::Description, DocumentKind::TrialAct, DocumentKind::TechnicalDocumentation];
    let card = SystemCard {
        ownership: Ownership::State,
        phase: Phase::Trial,
        documents: documents.map(document).into(),
        ..card(id, holder)
    };
    Application {
        of: Applied::System(Box::new(card)),
        information: from_json(json!({
            "general": {
                "purpose": "Serves officials", "functions": "Search", "legal_basis": "Order 775", "users": "Officials",
                "users_count": 100, "year": 2025, "resources": [{ "name": "Directory", "how": "formed" }],
            },
            "technical": {
                "architecture": "Three tiers", "platform": "Linux", "databases": "PostgreSQL", "site": "Data centre",
                "interfaces": "Gateway", "protection": "Dedicated segment",
            },
            "resources": [{
                "name": "Directory", "content": "Officials", "owner": holder, "holder": holder, "category": "restricted",
                "source": "HR officers", "updated": "daily",
            }],
            "document_changes": [{ "title": "Specification", "approved_by": "Head", "approved": "2026-01-20" }],
            "entries_into_operation": [{ "phase": "trial", "on": "2026-02-16", "act_number": "3" }],
            "nothing_to_say": {
                "software": "none of its own", "infrastructure": "rented", "procurement_notices": "own work",
                "contracts": "own work", "contract_outcomes": "own work", "book_entries": "not yet entered",
                "investment_results": "no project", "tests_and_attestations": "under way",
            },
        })),
        responsible: Some(from_json(
            json!({ "name": "An employee", "duty": "Administrator", "order": "12" }),
        )),
        project_approved: Some("2026-01-20".parse().unwrap()),
        follows: None,
    }
}

pub(crate) fn words(text: &str) -> Words {
    Words::new(text).unwrap()
}

pub(crate) fn document(kind: DocumentKind) -> Document {
    Document { kind, sha256: "b1".repeat(32), title: format!("{kind:?}") }
}

/// The document of all systems' papers, which sample agreements have attached; to be repeated.
const PAPERS: &str = "a7";

/// Valid from 1 January 2026 to 30 November 2026, both included.
pub(crate) fn conformity(of: &str) -> Conformity {
    Conformity {
        number: format!("No {of}"),
        issuer: "Accredited body".into(),
        valid_from: "2026-01-01".parse().unwrap(),
        valid_until: "2026-11-30".parse().unwrap(),
        document: Some(PAPERS.repeat(32)),
        scope: String::new(),
        suspended: None,
        withdrawn: None,
    }
}

pub(crate) fn bind(id: &str, certificate: u8) -> Command {
    let certificate = BoundCertificate {
        fingerprint: fingerprint(certificate),
        serial: format!("{certificate:02x}"),
        not_after: at("2028-01-01T00:00:00Z"),
    };
    Command::BindCertificate { system: system(id), certificate }
}

/// Personnel records: personal data, by path and by query.
pub(crate) fn record() -> DataType {
    from_json(json!({
        "id": "record", "version": 1, "provider": "personnel", "title": "Personnel record",
        "category": "confidential", "personal": { "collection_purpose": "civil-service" },
        "operations": [
            {
                "id": "orders", "method": "GET", "path": "/persons/{iin}/orders", "query": [{ "name": "as-of" }],
                "subject": { "path": "iin" }, "response": { "schema": {} }, "logical_part": "orders",
            },
            {
                "id": "find", "method": "GET", "path": "/persons", "subject": { "query": "iin" },
                "query": [{ "name": "iin", "presence": "required" }, { "name": "page" }],
                "response": { "schema": {} }, "logical_part": "persons",
            },
        ],
    }))
}

/// Addresses: nobody's personal data.
pub(crate) fn address() -> DataType {
    from_json(json!({
        "id": "address", "version": 1, "provider": "address-register", "title": "Address", "category": "restricted",
        "operations": [
            { "id": "lookup", "method": "GET", "path": "/addresses/{code}", "logical_part": "addresses" },
            { "id": "search", "method": "GET", "path": "/addresses", "query": [{ "name": "text" }],
              "logical_part": "addresses" },
            { "id": "correct", "method": "POST", "path": "/addresses", "request": { "schema": {} },
              "logical_part": "addresses" },
        ],
    }))
}

pub(crate) fn act(id: &str, version: &str) -> Act {
    Act {
        id: ActId::new(id).unwrap(),
        title: id.into(),
        version: version.into(),
        in_force_from: "2003-08-01".parse().unwrap(),
        in_force_until: None,
        agreements_until: None,
        successor: None,
        kind: Some(BasisKind::Act),
        sector: None,
        ratified: None,
        official_use: OfficialUse::Allowed,
        officials: Users::Any,
    }
}

pub(crate) fn administrator() -> Actor {
    actor("administrator", Role::Administrator, NATIONAL_OPERATOR)
}

pub(crate) fn integrator() -> Actor {
    actor("integrator", Role::ServiceIntegrator, NATIONAL_OPERATOR)
}

/// Registers systems that came on paper.
pub(crate) fn registrar() -> Actor {
    actor("registrar", Role::ServiceIntegrator, NATIONAL_OPERATOR)
}

pub(crate) fn regulator() -> Actor {
    actor("regulator", Role::Regulator, REGULATOR)
}

pub(crate) fn officer(holder: &str) -> Actor {
    actor(&format!("officer-{holder}"), Role::HolderOfficer, holder)
}

pub(crate) fn actor(id: &str, role: Role, holder: &str) -> Actor {
    Actor { id: OperatorId::new(id).unwrap(), role, holder: bin(holder), via: "test".into() }
}

pub(crate) fn system(id: &str) -> SystemId {
    SystemId::new(id).unwrap()
}

pub(crate) fn bin(digits: &str) -> Bin {
    Bin::new(digits).unwrap()
}

pub(crate) fn fingerprint(of: u8) -> Fingerprint {
    Fingerprint::new([of; 32])
}

pub(crate) fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn submit(application: Application) -> Command {
    Command::SubmitApplication { application: Box::new(application) }
}

pub(crate) fn accept(number: u32) -> Command {
    Command::AcceptApplication { number: ApplicationNumber(number), code: None }
}

pub(crate) fn portal() -> Subject {
    Subject::System(system("portal"))
}
