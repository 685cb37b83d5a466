//! Worlds near the boundaries: one in which calls pass, and random changes to what happened in it.

use std::collections::BTreeSet;

use agreements::*;
use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::*;

/// Something that happened otherwise than in the world where calls pass.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    PaperGone(&'static str, Paper),
    PaperDates(&'static str, Paper, Date, Date),
    PaperSuspended(&'static str, Paper),
    PaperResumed(&'static str, Paper),
    PaperWithdrawn(&'static str, Paper),
    SystemSuspended(&'static str),
    SystemResumed(&'static str),
    SystemDecommissioned(&'static str),
    Trial(&'static str),
    Networks(&'static str, Vec<&'static str>),
    Silent(&'static str),
    Unbound(&'static str, u8),
    Bound(&'static str, u8),
    Categorised(&'static str, &'static str, Category),
    ActGone,
    ActFrom(Date),
    /// Data becomes official-use, and no act says that it may pass.
    OfficialUse(Option<BasisKind>),
    ActUntil(Date),
    Grace(Date, Date),
    UnsignedUsers,
    UnprovenUsers,
    UnprovenLiftings,
    Prescribed(u8, Target, Order),
    Lifted(u8),
    Stage(Key, Stage),
    Resumed(Key),
    Remarked(Key),
    Unsigned(Key, Side),
    Unproven(Key),
    Unchecked(Key),
    Checked(Key, usize, CheckOutcome),
    Text(Key, &'static str, Value),
    DataType(&'static str, &'static str, Value),
    Users(Key, Vec<(&'static str, Option<&'static str>)>),
    Trained(Key, Date, Date),
}

type Key = (&'static str, u32);

/// A registry with the events that made it, and what the node makes of its signatures.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) registry: Registry,
    pub(crate) log: Vec<Recorded>,
    pub(crate) unproven: Unproven,
}

/// What this node could not verify.
#[derive(Debug, Default)]
pub(crate) struct Unproven {
    pub(crate) agreements: BTreeSet<AgreementNumber>,
    pub(crate) users: bool,
    pub(crate) liftings: bool,
}

impl Unproven {
    pub(crate) fn prove(&self, signed: Signed<'_>) -> Result<(), &'static str> {
        let unproven = match signed {
            Signed::Agreement(agreement) => self.agreements.contains(&agreement.header.number),
            Signed::Users(_) => self.users,
            Signed::Lifting(_) => self.liftings,
            // What forbids is obeyed all the same.
            Signed::Prescription(_) | Signed::Delegation(_) => true,
            // Proven with its agreement, or asked about by nobody.
            Signed::Ruling(..) | Signed::Protocol(_) => true,
        };
        if unproven { Err("signature-invalid") } else { Ok(()) }
    }
}

/// Events of a world with five agreements in force, one of them in its second version.
pub(crate) fn base() -> Vec<Recorded> {
    let mut world = World::registered();
    let first = personnel_agreement();
    world.conclude(&first);
    world.conclude(&next_version(&first));
    let second = with(personnel_agreement(), "/number", json!("portal-personnel-2"));
    let second = with(second, "/data/0/operations", json!(["find"]));
    let second = with(second, "/accounting/case", json!("optional"));
    let purposes = ["staffing", "reserve"]
        .map(|code| json!({ "code": code, "text": "t", "collection_purpose": "civil-service" }));
    let second = with(second, "/purposes", json!(purposes));
    let second = with(second, "/protection/users", json!("listed"));
    world.conclude(&second);
    world.approve_one(&second);
    world.conclude(&address_agreement());
    let insurer = with(address_agreement(), "/consumer", json!("insurer"));
    let insurer = with(insurer, "/protection/category", json!("special"));
    world.conclude(&with(insurer, "/number", json!("insurer-address")));
    let users = vec![listed("a.serikov", Some("T-1")), listed("b.omarov", None)];
    let number = number_of(&personnel_agreement());
    world.approve(&number, users);
    let (from, until) = ("2026-01-01".parse().unwrap(), "2027-06-30".parse().unwrap());
    for (id, ..) in SYSTEMS {
        for paper in [Paper::Attestation, Paper::QualityCertificate] {
            Change::PaperDates(id, paper, from, until).make(&mut world.log, &mut Unproven::default());
        }
    }
    world.log
}

/// What the registry is after the events of `base` with all `changes`. What cannot follow is left out.
pub(crate) fn play(base: &[Recorded], changes: &[Change]) -> Outcome {
    let mut log = base.to_vec();
    let mut unproven = Unproven::default();
    for change in changes {
        change.make(&mut log, &mut unproven);
    }
    let mut registry = Registry::default();
    log.retain_mut(|recorded| {
        recorded.sequence = registry.revision() + 1;
        registry.apply(recorded).is_ok()
    });
    Outcome { registry, log, unproven }
}

impl Change {
    fn make(&self, log: &mut Vec<Recorded>, unproven: &mut Unproven) {
        let then = |log: &mut Vec<Recorded>, event| log.push(Recorded { event, ..log[0].clone() });
        match self.clone() {
            Self::PaperGone(id, paper) => log.retain(|recorded| holds(&recorded.event) != Some((id, paper))),
            Self::PaperDates(id, paper, from, until) => {
                for recorded in log {
                    if holds(&recorded.event) == Some((id, paper))
                        && let Event::AttestationRecorded { conformity, .. }
                        | Event::QualityCertificateRecorded { conformity, .. } = &mut recorded.event
                    {
                        (conformity.valid_from, conformity.valid_until) = (from, until);
                    }
                }
            }
            Self::PaperSuspended(id, paper) => then(log, Event::PaperSuspended { system: system(id), paper }),
            Self::PaperResumed(id, paper) => then(log, Event::PaperResumed { system: system(id), paper }),
            Self::PaperWithdrawn(id, Paper::Attestation) => {
                then(log, Event::AttestationWithdrawn { system: system(id) });
            }
            Self::PaperWithdrawn(id, Paper::QualityCertificate) => {
                then(log, Event::QualityCertificateWithdrawn { system: system(id) });
            }
            Self::SystemSuspended(id) => then(log, Event::SystemSuspended { system: system(id) }),
            Self::SystemResumed(id) => then(log, Event::SystemResumed { system: system(id) }),
            Self::SystemDecommissioned(id) => then(log, Event::SystemDecommissioned { system: system(id) }),
            Self::Trial(id) => on_card(log, id, |card| card.phase = Phase::Trial),
            Self::Silent(id) => on_card(log, id, |card| card.endpoint = None),
            Self::Networks(id, networks) => {
                let networks = Some(networks.iter().map(|network| network.parse().unwrap()).collect());
                then(log, Event::SystemUpdated { system: system(id), networks, endpoint: None });
            }
            Self::Unbound(id, certificate) => {
                then(
                    log,
                    Event::CertificateUnbound { system: system(id), certificate: fingerprint(certificate) },
                );
            }
            Self::Bound(id, certificate) => {
                let fingerprint = fingerprint(certificate);
                let certificate = BoundCertificate {
                    fingerprint,
                    serial: "0a".into(),
                    not_after: at("2028-01-01T00:00:00Z"),
                };
                then(log, Event::CertificateBound { system: system(id), certificate });
            }
            Self::Categorised(provider, id, category) => {
                let data_type = DataTypeId::new(id).unwrap();
                then(log, Event::DataTypeCategorised { provider: system(provider), data_type, category });
            }
            Self::ActGone => log.retain(|recorded| !matches!(recorded.event, Event::ActRecorded { .. })),
            Self::OfficialUse(kind) => {
                for recorded in log.iter_mut() {
                    if let Event::ActRecorded { act } = &mut recorded.event {
                        (act.kind, act.official_use) = (kind, OfficialUse::Unsaid);
                    }
                }
                let data_type = DataTypeId::new("record").unwrap();
                let (provider, category) = (system("personnel"), Category::OfficialUse);
                then(log, Event::DataTypeCategorised { provider, data_type, category });
            }
            Self::ActFrom(day) => {
                for recorded in log {
                    if let Event::ActRecorded { act } = &mut recorded.event {
                        act.in_force_from = day;
                    }
                }
            }
            Self::ActUntil(last_day) => {
                let Act { id: act, version, .. } = act("hr-order", "2003-07-08");
                let agreements_until = None;
                then(log, Event::ActRepealed { act, version, last_day, successor: None, agreements_until });
            }
            Self::Grace(last_day, until) => {
                let Act { id: act, version, .. } = act("hr-order", "2003-07-08");
                let (successor, agreements_until) = (None, Some(until));
                then(log, Event::ActRepealed { act, version, last_day, successor, agreements_until });
            }
            Self::UnsignedUsers => {
                for recorded in log {
                    if let Event::UsersApproved { signature, .. } = &mut recorded.event {
                        *signature = None;
                    }
                }
            }
            Self::UnprovenUsers => unproven.users = true,
            Self::UnprovenLiftings => unproven.liftings = true,
            Self::Prescribed(at, against, order) => {
                let number = format!("p-{at}");
                let Command::IssuePrescription { prescription, signature } =
                    prescription(&number, against, order)
                else {
                    unreachable!("a prescription is issued")
                };
                then(log, Event::PrescriptionIssued { prescription, signature });
            }
            Self::Lifted(at) => {
                let Command::LiftPrescription { lifting, signature } = lifting(&format!("p-{at}")) else {
                    unreachable!("a prescription is lifted")
                };
                then(log, Event::PrescriptionLifted { lifting, signature });
            }
            Self::Stage(key, stage) => to_stage(log, key, &stage),
            Self::Resumed(key) => {
                let (number, version) = owned(key);
                then(log, Event::AgreementResumed { number, version });
            }
            Self::Remarked(key) => {
                let (number, version) = owned(key);
                for recorded in log {
                    if matches!(&recorded.event, Event::AgreementConcurred { number: n, version: v, .. }
                        if *n == number && *v == version)
                    {
                        recorded.event = ruled(number.clone(), version, Ruling::AgreedWithRemarks);
                    }
                }
            }
            Self::Unsigned(key, side) => {
                let (number, version) = owned(key);
                log.retain(|recorded| {
                    !matches!(&recorded.event, Event::AgreementSigned { number: n, version: v, signature }
                        if *n == number && *v == version && signature.side == side)
                });
            }
            Self::Unproven((number, _)) => {
                unproven.agreements.insert(AgreementNumber::new(number).unwrap());
            }
            Self::Unchecked(key) => {
                let (number, version) = owned(key);
                log.retain(|recorded| {
                    !matches!(&recorded.event, Event::ReadinessRecorded { number: n, version: v, .. }
                        if *n == number && *v == version)
                });
            }
            Self::Checked(key, at, outcome) => {
                let (number, version) = owned(key);
                let known = log.iter().find_map(|recorded| match &recorded.event {
                    Event::ReadinessRecorded { number: n, version: v, checks, .. }
                        if *n == number && *v == version =>
                    {
                        Some(checks.clone())
                    }
                    _ => None,
                });
                if let Some(mut checks) = known {
                    let at = at % checks.len();
                    checks[at].outcome = outcome;
                    let revision = log.len() as u64;
                    let means = Some(Means::Measured);
                    then(log, Event::ReadinessRecorded { number, version, revision, means, checks });
                }
            }
            Self::Text((number, version), pointer, value) => {
                for recorded in log {
                    if let Event::AgreementDrafted { document } = &mut recorded.event {
                        let text: Value = serde_json::from_str(document).unwrap();
                        if text["number"] == number && text["version"] == version {
                            *document = with(text, pointer, value.clone()).to_string();
                        }
                    }
                }
            }
            Self::DataType(id, pointer, value) => {
                for recorded in log {
                    if let Event::DataTypePublished { data_type } = &mut recorded.event
                        && data_type.id.as_str() == id
                    {
                        let changed =
                            with(serde_json::to_value(&*data_type).unwrap(), pointer, value.clone());
                        *data_type = from_json(changed);
                    }
                }
            }
            Self::Trained((number, _), issued, valid_until) => {
                let record = TrainingRecord { number: "T-9".into(), issued, valid_until };
                let mut official = listed("a.serikov", None);
                official.training_certificate = Some(TrainingCertificate::Recorded(record));
                let number = AgreementNumber::new(number).unwrap();
                let (users, signature) = (vec![official], Some(signature(Side::Consumer, MINISTRY)));
                then(log, Event::UsersApproved { number, users, serial: 2, signature });
            }
            Self::Users((number, _), users) => {
                let users = users.iter().map(|(id, training)| listed(id, *training)).collect();
                let number = AgreementNumber::new(number).unwrap();
                let signature = Some(signature(Side::Consumer, MINISTRY));
                then(log, Event::UsersApproved { number, users, serial: 2, signature });
            }
        }
    }
}

fn owned((number, version): Key) -> (AgreementNumber, u32) {
    (AgreementNumber::new(number).unwrap(), version)
}

fn holds(event: &Event) -> Option<(&str, Paper)> {
    match event {
        Event::AttestationRecorded { system, .. } => Some((system.as_str(), Paper::Attestation)),
        Event::QualityCertificateRecorded { system, .. } => {
            Some((system.as_str(), Paper::QualityCertificate))
        }
        _ => None,
    }
}

fn on_card(log: &mut [Recorded], id: &str, change: fn(&mut SystemCard)) {
    for recorded in log {
        if let Event::SystemRegistered { card, .. } = &mut recorded.event
            && card.id.as_str() == id
        {
            change(card);
        }
    }
}

/// Leaves out what leads beyond `stage`, or adds what leads to it.
fn to_stage(log: &mut Vec<Recorded>, key: Key, stage: &Stage) {
    let (number, version) = owned(key);
    let template = log[0].clone();
    let this = |n: &AgreementNumber, v: u32| *n == number && v == version;
    log.retain(|recorded| match &recorded.event {
        Event::AgreementSigned { number, version, .. }
        | Event::AgreementSubmitted { number, version, .. } => {
            !(this(number, *version) && *stage == Stage::Draft)
        }
        Event::AgreementConcurred { number, version, .. } => {
            let before = matches!(
                stage,
                Stage::Draft | Stage::Submitted | Stage::Refused | Stage::Returned | Stage::Withdrawn
            );
            !(this(number, *version) && before)
        }
        Event::AgreementSuperseded { number, version } => {
            !(this(number, *version) && *stage == Stage::Concurred)
        }
        _ => true,
    });
    let event = match stage {
        Stage::Draft | Stage::Submitted | Stage::Concurred | Stage::Expired => return,
        Stage::Withdrawn => Event::AgreementWithdrawn { number, version },
        Stage::Returned => ruled(number, version, Ruling::Returned),
        Stage::Refused => Event::AgreementRefused { number, version },
        Stage::Suspended => Event::AgreementSuspended { number, version },
        Stage::Terminated => Event::AgreementTerminated { number, version },
        Stage::Superseded => Event::AgreementSuperseded { number, version },
    };
    log.push(Recorded { event, ..template });
}

fn ruled(agreement: AgreementNumber, version: u32, ruling: Ruling) -> Event {
    let text = json!({ "number": agreement, "version": version });
    let Command::RuleOnAgreement { ruling, signature } = rule(&text, ruling) else {
        unreachable!("a ruling is a command")
    };
    Event::AgreementRuled { ruling, signature }
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(), 0..5)
}

fn change() -> impl Strategy<Value = Change> {
    let id = || select(vec!["portal", "personnel", "address-register", "insurer"]);
    let paper = || select(vec![Paper::Attestation, Paper::QualityCertificate]);
    let certificate = || 1..7_u8;
    let of = || select(vec![("personnel", "record"), ("address-register", "address")]);
    let category = select(vec![
        Category::Public,
        Category::Restricted,
        Category::OfficialUse,
        Category::Personal,
        Category::Special,
        Category::Confidential,
        Category::StateSecret,
    ]);
    let stage = select(vec![
        Stage::Draft,
        Stage::Submitted,
        Stage::Concurred,
        Stage::Refused,
        Stage::Returned,
        Stage::Withdrawn,
        Stage::Suspended,
        Stage::Terminated,
        Stage::Superseded,
    ]);
    let side = select(vec![Side::Consumer, Side::Provider]);
    let outcome = select(vec![CheckOutcome::Passed, CheckOutcome::Failed, CheckOutcome::Unmeasured]);
    let networks =
        select(vec![vec![], vec!["10.1.2.3/32"], vec!["10.1.2.4/32"], vec!["::/0"], vec!["0.0.0.0/0"]]);
    let users = select(vec![
        vec![],
        vec![("a.serikov", None)],
        vec![("b.omarov", Some("T-2"))],
        vec![("a.serikov", Some("T-1")), ("b.omarov", None)],
    ]);
    let standing = prop_oneof![
        1 => (id(), paper()).prop_map(|(id, paper)| Change::PaperGone(id, paper)),
        3 => (id(), paper(), date(), date()).prop_map(|(id, paper, a, b)| Change::PaperDates(id, paper, a, b)),
        1 => (id(), paper()).prop_map(|(id, paper)| Change::PaperSuspended(id, paper)),
        1 => (id(), paper()).prop_map(|(id, paper)| Change::PaperResumed(id, paper)),
        1 => (id(), paper()).prop_map(|(id, paper)| Change::PaperWithdrawn(id, paper)),
        1 => id().prop_map(Change::SystemSuspended),
        1 => id().prop_map(Change::SystemResumed),
        1 => id().prop_map(Change::SystemDecommissioned),
        1 => id().prop_map(Change::Trial),
        1 => id().prop_map(Change::Silent),
        1 => (id(), networks).prop_map(|(id, networks)| Change::Networks(id, networks)),
        1 => (id(), certificate()).prop_map(|(id, certificate)| Change::Unbound(id, certificate)),
        1 => (id(), 5..7_u8).prop_map(|(id, certificate)| Change::Bound(id, certificate)),
    ];
    let agreed = prop_oneof![
        4 => (of(), category).prop_map(|((provider, id), category)| Change::Categorised(provider, id, category)),
        1 => Just(Change::ActGone),
        2 => date().prop_map(Change::ActFrom),
        2 => select(vec![None, Some(BasisKind::Act)]).prop_map(Change::OfficialUse),
        2 => date().prop_map(Change::ActUntil),
        2 => (date(), date()).prop_map(|(last, until)| Change::Grace(last, until)),
        1 => Just(Change::UnsignedUsers),
        1 => Just(Change::UnprovenUsers),
        1 => Just(Change::UnprovenLiftings),
        4 => (1..3_u8, against(), order()).prop_map(|(at, against, order)| Change::Prescribed(at, against, order)),
        3 => (1..3_u8).prop_map(Change::Lifted),
        12 => (key(), stage).prop_map(|(key, stage)| Change::Stage(key, stage)),
        1 => key().prop_map(Change::Resumed),
        2 => key().prop_map(Change::Remarked),
        1 => (key(), side).prop_map(|(key, side)| Change::Unsigned(key, side)),
        1 => key().prop_map(Change::Unproven),
        16 => (key(), text()).prop_map(|(key, (pointer, value))| Change::Text(key, pointer, value)),
        1 => key().prop_map(Change::Unchecked),
        4 => (key(), 0..9_usize, outcome).prop_map(|(key, at, outcome)| Change::Checked(key, at, outcome)),
        3 => data_type().prop_map(|(id, pointer, value)| Change::DataType(id, pointer, value)),
        1 => (key(), users).prop_map(|(key, users)| Change::Users(key, users)),
        3 => (key(), date(), date()).prop_map(|(key, from, until)| Change::Trained(key, from, until)),
    ];
    prop_oneof![1 => standing, 2 => agreed]
}

fn against() -> impl Strategy<Value = Target> {
    prop_oneof![
        select(vec!["portal", "personnel", "address-register"]).prop_map(|id| Target::System(system(id))),
        key().prop_map(|(number, _)| Target::Agreement(AgreementNumber::new(number).unwrap())),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    let named = |provider: &str, data_type: &str, operation: &str| NamedOperation {
        provider: system(provider),
        data_type: DataTypeId::new(data_type).unwrap(),
        operation: OperationId::new(operation).unwrap(),
    };
    let operations = vec![
        named("personnel", "record", "orders"),
        named("personnel", "record", "find"),
        named("address-register", "address", "lookup"),
        named("portal", "record", "orders"),
    ];
    prop_oneof![
        Just(Order::Suspend),
        prop::sample::subsequence(operations, 1..4).prop_map(Order::LimitTo),
        date().prop_map(Order::CorrectBy),
        Just(Order::KeepRecord),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    select(vec![
        ("portal-personnel", 2),
        ("portal-personnel", 2),
        ("portal-personnel", 1),
        ("portal-personnel-2", 1),
        ("portal-address", 1),
        ("portal-address", 1),
        ("insurer-address", 1),
    ])
}

/// Dates around the first day, around Wednesday 10 June 2026, and around the last day.
pub(crate) fn date() -> impl Strategy<Value = Date> {
    let days =
        ["2026-03-01", "2026-03-02", "2026-06-09", "2026-06-10", "2026-06-11", "2026-12-31", "2027-01-01"];
    select(days.map(|day| day.parse().unwrap()).to_vec())
}

/// What an agreement may say otherwise.
fn text() -> impl Strategy<Value = (&'static str, Value)> {
    let purpose = |code: &str, collection: Value| json!({ "code": code, "text": "t", "collection_purpose": collection });
    let staffing = purpose("staffing", json!("civil-service"));
    let reserve = purpose("reserve", json!("civil-service"));
    let basis = |act: &str| json!({ "act": act, "version": "2003-07-08", "clause": "1" });
    let words = prop_oneof![
        4 => select(vec![json!([]), json!(["wednesday"]), json!(["tuesday"]), json!(["sunday", "thursday"])])
            .prop_map(|days| ("/access_period/days", days)),
        5 => select(vec![
            json!({ "from": "08:00", "until": "18:00" }),
            json!({ "from": "22:00", "until": "02:00" }),
            json!({ "from": "08:00", "until": "08:00" }),
            json!({ "from": "00:00", "until": "18:00" }),
            json!({ "from": "22:00", "until": "00:00" }),
        ])
        .prop_map(|hours| ("/access_period/hours", hours)),
        2 => select(vec![
            json!([reserve]),
            json!([staffing, reserve]),
            json!([purpose("staffing", json!("taxation"))]),
            json!([purpose("staffing", Value::Null), reserve]),
        ])
        .prop_map(|purposes| ("/purposes", purposes)),
        2 => select(vec![Value::Null, json!({ "collection_purpose": "taxation", "fields": [] })])
            .prop_map(|clause| ("/personal_data", clause)),
        2 => select(vec![json!([]), json!(["find"]), json!(["orders", "find", "correct"])])
            .prop_map(|operations| ("/data/0/operations", operations)),
        2 => select(vec!["record", "address", "other"]).prop_map(|id| ("/data/0/data_type", json!(id))),
        2 => Just(("/data/0/version", json!(2))),
        2 => select(vec!["public", "restricted", "official-use", "confidential", "state-secret"])
            .prop_map(|category| ("/protection/category", json!(category))),
        2 => select(vec!["any", "listed", "listed-and-trained"])
            .prop_map(|users| ("/protection/users", json!(users))),
        2 => select(vec!["optional", "required"]).prop_map(|case| ("/accounting/case", json!(case))),
        2 => select(vec![json!([]), json!([basis("unknown")]), json!([basis("hr-order"), basis("other")])])
            .prop_map(|basis| ("/basis", basis)),
        2 => select(vec![1, 110, 120]).prop_map(|days| ("/protection/readiness_days", json!(days))),
        2 => select(vec!["portal", "insurer", "nobody"]).prop_map(|id| ("/consumer", json!(id))),
        2 => select(vec!["personnel", "address-register"]).prop_map(|id| ("/provider", json!(id))),
    ];
    let nights = |day: &str| {
        let hours = json!({ "from": "22:00", "until": "02:00" });
        json!({ "from": "2026-03-02", "until": "2026-12-31", "days": [day], "hours": hours })
    };
    let period = prop_oneof![
        select(vec![nights("tuesday"), nights("wednesday")]).prop_map(|period| ("/access_period", period)),
        date().prop_map(|day| ("/access_period/from", json!(day))),
        date().prop_map(|day| ("/access_period/until", json!(day))),
    ];
    prop_oneof![4 => words, 1 => period]
}

/// What a data type may be otherwise.
fn data_type() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let change = prop_oneof![
        select(vec![Value::Null, json!({ "collection_purpose": "taxation" })])
            .prop_map(|of| ("/personal", of)),
        select(vec!["public", "state-secret"]).prop_map(|category| ("/category", json!(category))),
        select(vec!["/persons/{iin}", "/persons/{iin}/{part}", "/{a}", "/"])
            .prop_map(|path| ("/operations/0/path", json!(path))),
        select(vec!["GET", "POST"]).prop_map(|method| ("/operations/0/method", json!(method))),
        select(vec![json!([]), json!([{ "name": "as-of", "presence": "required" }, { "name": "iin" }])])
            .prop_map(|query| ("/operations/0/query", query)),
        Just(("/version", json!(2))),
    ];
    (select(vec!["record", "address"]), change).prop_map(|(id, (pointer, value))| (id, pointer, value))
}
