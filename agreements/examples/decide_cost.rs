//! What a decision costs (PERFORMANCE, G11): the median on a book of 100,000 agreements between 10,000 systems.
//!
//! `cargo run --release -p agreements --example decide_cost`
#![allow(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::hint::black_box;
use std::time::Instant;

use agreements::*;
use jiff::Timestamp;
use serde_json::json;

const SYSTEMS: u32 = 10_000;
const AGREEMENTS: u32 = 100_000;
/// Different callable pairs that take turns; each is asked several times before any figure counts.
const HOT_PAIRS: usize = 1_000;
const ROUNDS: usize = 2_000;

fn main() {
    let pairs: Vec<(u32, u32)> = (0..AGREEMENTS).map(pair).collect();
    let registry = registry(&pairs);
    let started = Instant::now();
    let book = Book::new(&registry, Phase::Production, &|_| Ok(()));
    println!("book: {} ms", started.elapsed().as_millis());
    drop(registry);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    measure("decide", &book, &pairs, HOT_PAIRS, &mut random);
    measure("decide, all pairs in turn (cold caches)", &book, &pairs, pairs.len(), &mut random);
}

/// Prints the median over batches of a hundred decisions on `many` random pairs.
fn measure(name: &str, book: &Book, pairs: &[(u32, u32)], many: usize, random: &mut Random) {
    let providers: Vec<String> = (0..SYSTEMS).map(code).collect();
    let asked: Vec<(Fingerprint, &str)> = (0..many)
        .map(|_| pairs[random.below(pairs.len())])
        .map(|(consumer, provider)| (certificate(consumer), providers[provider as usize].as_str()))
        .collect();
    let now: Timestamp = "2026-06-10T07:00:00Z".parse().unwrap();
    let mut costs = Vec::with_capacity(ROUNDS);
    let mut at = 0;
    for round in 0..ROUNDS + many.div_ceil(100) * 2 {
        let started = Instant::now();
        for _ in 0..100 {
            let (certificate, provider) = asked[at];
            at = (at + 1) % asked.len();
            let call = call(certificate, provider);
            let permit = decide(book, &call, now).expect("every pair has an agreement in force");
            black_box(permit.operation_at());
        }
        if round >= many.div_ceil(100) * 2 {
            costs.push(started.elapsed().as_nanos() / 100);
        }
    }
    costs.sort_unstable();
    let (median, p99) = (costs[ROUNDS / 2], costs[ROUNDS * 99 / 100]);
    println!("{name}: {median} ns median on {AGREEMENTS} agreements (p99 of batches {p99} ns)");
}

fn call(certificate: Fingerprint, provider: &str) -> Call<'_> {
    Call {
        certificate,
        peer: [10, 1, 2, 3].into(),
        provider,
        data_type: "record",
        method: Method::Get,
        path: &["persons", "860101300123", "orders"],
        parameters: &["as-of"],
        claims: Claims {
            purpose: Some("staffing"),
            case: Some("17"),
            user: Some("a.serikov"),
            agreement: None,
        },
    }
}

/// Each system asks ten others, at distances that spread over all.
fn pair(agreement: u32) -> (u32, u32) {
    let consumer = agreement % SYSTEMS;
    let step = 1 + (agreement / SYSTEMS) * 977;
    (consumer, (consumer + step) % SYSTEMS)
}

fn registry(pairs: &[(u32, u32)]) -> Registry {
    let mut registry = Registry::default();
    let holder = Bin::new("000000000001").unwrap();
    let id = OperatorId::new("bench").unwrap();
    let actor = Actor { id, role: Role::Regulator, holder, via: "bench".into() };
    let mut happen = |event| {
        let sequence = registry.revision() + 1;
        let at = Timestamp::UNIX_EPOCH;
        registry
            .apply(&Recorded { sequence, at, actor: actor.clone(), reason: String::new(), event })
            .unwrap();
    };
    let act = json!({ "id": "hr-order", "title": "Order", "version": "2003", "in_force_from": "2003-08-01", "kind": "act" });
    happen(Event::ActRecorded { act: serde_json::from_value(act).unwrap() });
    for number in 0..SYSTEMS {
        register(number, holder, &mut happen);
    }
    for ((consumer, provider), number) in pairs.iter().zip(0..) {
        agree(number, *consumer, *provider, holder, &mut happen);
    }
    registry
}

fn register(number: u32, holder: Bin, happen: &mut impl FnMut(Event)) {
    let system = SystemId::new(&code(number)).unwrap();
    let card = json!({
        "id": system, "name": system, "holder": holder, "owner": holder, "ownership": "state", "phase": "production",
        "networks": ["192.168.0.0/16", "10.1.0.0/16"], "responsible": "r",
        "endpoint": { "address": "127.0.0.1:1", "server_name": system },
    });
    happen(Event::SystemRegistered { card: serde_json::from_value(card).unwrap(), code: code(number) });
    let paper =
        json!({ "number": "1", "issuer": "i", "valid_from": "2026-01-01", "valid_until": "2026-12-31" });
    let conformity: Conformity = serde_json::from_value(paper).unwrap();
    happen(Event::AttestationRecorded { system: system.clone(), conformity: conformity.clone() });
    happen(Event::QualityCertificateRecorded { system: system.clone(), conformity });
    let not_after = Timestamp::MAX;
    let certificate = BoundCertificate { fingerprint: certificate(number), serial: "01".into(), not_after };
    happen(Event::CertificateBound { system: system.clone(), certificate });
    let data_type = json!({
        "id": "record", "version": 1, "provider": system, "title": "t", "category": "confidential",
        "personal": { "collection_purpose": "civil-service" },
        "operations": [
            { "id": "find", "method": "GET", "path": "/persons", "query": [{ "name": "iin" }], "logical_part": "p" },
            { "id": "orders", "method": "GET", "path": "/persons/{iin}/orders", "query": [{ "name": "as-of" }],
              "logical_part": "o" },
        ],
    });
    happen(Event::DataTypePublished { data_type: serde_json::from_value(data_type).unwrap() });
}

fn agree(number: u32, consumer: u32, provider: u32, bin: Bin, happen: &mut impl FnMut(Event)) {
    let document = json!({
        "number": format!("a-{number}"), "version": 1, "consumer": code(consumer), "provider": code(provider),
        "data": [{ "data_type": "record", "version": 1, "operations": ["find", "orders"], "fields": ["/name"] }],
        "access_period": {
            "from": "2026-01-01", "until": "2026-12-31",
            "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "hours": { "from": "08:00", "until": "20:00" },
        },
        "purposes": [{ "code": "staffing", "text": "t", "collection_purpose": "civil-service" }],
        "basis": [{ "act": "hr-order", "version": "2003", "clause": "8.2" }],
        "accounting": { "case": "required", "retention_years": 5, "text": "t" },
        "recovery": { "within_hours": 24, "text": "t" },
        "protection": { "category": "confidential", "users": "listed-and-trained", "text": "t" },
        "personal_data": {
            "collection_purpose": "civil-service", "fields": [{ "field": "/name", "approved_list_item": "1" }],
        },
    })
    .to_string();
    happen(Event::AgreementDrafted { document });
    let said = format!("a-{number}");
    let (number, version) = (AgreementNumber::new(&said).unwrap(), 1);
    let signature = |side| Signature {
        side,
        certificate: Fingerprint::new([9; 32]),
        bin,
        signer: "s".into(),
        signed_at: Timestamp::UNIX_EPOCH,
        jws: json!(null),
    };
    for side in [Side::Consumer, Side::Provider] {
        happen(Event::AgreementSigned { number: number.clone(), version, signature: signature(side) });
    }
    let user = json!({ "id": "a.serikov", "name": "n", "duty": "d", "training_certificate": { "number": "1", "issued": "2020-01-01", "valid_until": "2099-12-31" } });
    happen(Event::UsersApproved {
        number: number.clone(),
        users: vec![serde_json::from_value(user).unwrap()],
        serial: 1,
        signature: Some(signature(Side::Consumer)),
    });
    happen(Event::AgreementConcurred {
        number,
        version,
        signature: signature(Side::Regulator),
        remarks: vec![],
    });
    let number = AgreementNumber::new(&said).unwrap();
    happen(Event::ReadinessRecorded { number, version, revision: u64::MAX, means: None, checks: vec![] });
}

fn code(number: u32) -> String {
    format!("system-{number:05}")
}

/// Uniform, as a digest is.
fn certificate(number: u32) -> Fingerprint {
    let mut random = Random(u64::from(number) + 1);
    let mut sha256 = [0; 32];
    for eight in sha256.chunks_mut(8) {
        eight.copy_from_slice(&random.next().to_le_bytes());
    }
    Fingerprint::new(sha256)
}

/// SplitMix64: no measurement needs more.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}
