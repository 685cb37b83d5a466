//! Documents that people signed by national algorithms (C5): those pass for which the service vouches, and no others.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::net::{Ipv4Addr, TcpListener};

use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::authority::PersonRequest;
use certs::document::{
    Digested, Digests, NationalAlgorithm, NationalPerson, sign_detached, sign_nationally, sign_pdf,
    sign_pdf_nationally,
};
use certs::tls::Identity;
use gateway::clock;
use gateway::exchange_log::Outcome;
use serde_json::{Value, json};
use tests::world::sample::drafts::draft;
use tests::world::sample::{AGENCY, DOCUMENT, DOCUMENTS, LARGE, MINISTRY, REGISTER, bin};
use tests::world::{Ask, Hold, Plan, Process, Provider, Reply, Seen, World, files};

/// C5
#[tokio::test]
async fn documents_pass_for_which_the_service_vouches_and_their_entries_say_who_did() {
    let (head, deputy) = (person(1, "Head", MINISTRY), old(2, "Deputy", MINISTRY));
    let archivist = person(3, "Archivist", AGENCY);
    let (world, service) = served(&[&head, &deputy, &archivist], |_| {}).await;
    let (text, pdf) = (files::docx(), files::pdf_of(250_000));
    let within = sign_pdf_nationally(&pdf, &head, clock::now()).unwrap();
    let clerk = clerk(&world);
    let mixed = sign_pdf_nationally(&sign_pdf(&pdf, &clerk, clock::now()).unwrap(), &head, clock::now());
    let mixed = mixed.unwrap();
    let both = beside(&text, &[&head, &deputy]);
    for (what, ask, over, signers, ours) in [
        ("in the head", alone(&text, &beside(&text, &[&head])), text.clone(), 1, 0),
        ("by two", alone(&text, &both), text.clone(), 2, 0),
        ("large", alone_pdf(&pdf).header(HEADER, &in_head(&beside(&pdf, &[&deputy]))), pdf.clone(), 1, 0),
        ("within", alone_pdf(&within), over(&within), 1, 0),
        ("within, behind another", alone_pdf(&mixed), over(&mixed), 1, 1),
        ("in a form", draft(&[("a.docx", DOCX, &text), ("a.docx.p7s", P7S, &both)]), text.clone(), 2, 0),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.status, 200, "{what}: {answer}");
        let seen = world.provider.seen().pop().unwrap();
        assert!(Some(&seen.body) == ask.body.as_ref(), "{what}: byte for byte");
        let asked = Asked::of(service.seen().last().unwrap());
        assert!(asked.data == over, "{what}: the very bytes that were signed");
        assert_eq!(asked.checks, ["OCSP"], "{what}");
        let said = world.log.closing(answer.exchange()).await.signatures.unwrap();
        let by = format!("verified-by {}", service.address());
        assert_eq!((said.matches(&by).count(), said.matches("document ").count()), (signers, signers + ours));
        let first =
            certs::fingerprint(if what == "large" { deputy.certificate() } else { head.certificate() });
        assert!(said.contains(&format!("document {first} 20")), "{what}: {said}");
    }
    // And the other way, by the other body.
    let signature = in_head(&beside(&text, &[&archivist]));
    world.provider.replies(document(&text, Some(&signature)));
    let answer = world.consumer.asks(&Ask::get(DOCUMENT)).await;
    assert!(answer.body == text, "{answer}");
    assert_eq!(answer.header("kelisim-document-signature"), Some(signature.as_str()));
    assert_eq!(service.seen().len(), 7);
    let metrics = world.metrics().await;
    assert!(metrics.contains("kelisim_national_verifications_total{outcome=\"valid\"} 7"));
    assert!(world.log.verified().is_whole());
}

/// C5: what is signed otherwise is none of the service's business.
#[tokio::test]
async fn service_is_asked_nothing_of_documents_that_are_signed_otherwise() {
    let (world, service) = served(&[], |_| {}).await;
    let (text, pdf) = (files::docx(), files::pdf_of(250_000));
    let clerk = clerk(&world);
    let signature = |bytes: &[u8]| sign_detached(&content(bytes), &[&clerk], clock::now()).unwrap();
    for ask in [
        alone(&text, &signature(&text)),
        alone_pdf(&sign_pdf(&pdf, &clerk, clock::now()).unwrap()),
        draft(&[("a.pdf", PDF, &pdf), ("a.pdf.p7s", P7S, &signature(&pdf))]),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.status, 200, "{answer}");
        let said = world.log.closing(answer.exchange()).await.signatures.unwrap();
        assert!(!said.contains("verified-by"), "{said}");
    }
    assert_eq!(service.seen().len(), 0, "no question was ended");
}

/// C5: what cannot be verified is refused with its own code, never passed.
#[tokio::test]
async fn document_for_which_the_service_does_not_vouch_is_whole_for_nobody() {
    let (head, deputy, stranger) =
        (person(1, "Head", MINISTRY), person(2, "Deputy", MINISTRY), person(3, "Head", AGENCY));
    let (world, mut service) = served(&[&head, &deputy, &stranger], |_| {}).await;
    let text = files::docx();
    let ask = alone(&text, &beside(&text, &[&head, &deputy]));
    let (one, two) = (certificate(&head), certificate(&deputy));
    let valid = |signers: &[&Value]| {
        let signers: Vec<Value> = signers.iter().map(|one| json!({ "certificates": [one] })).collect();
        Reply::Json(200, json!({ "status": 200, "message": "OK", "valid": true, "signers": signers }))
    };
    let bent = |bend: &dyn Fn(&mut Value)| {
        let mut one = one.clone();
        bend(&mut one);
        valid(&[&one, &two])
    };
    let said = |status, body: &str| Reply::With(status, Vec::new(), body.as_bytes().to_vec());
    for (what, reply, code) in [
        ("an error", said(500, "{}"), "503 national-service-unavailable"),
        ("no such place", said(404, ""), "503 national-service-unavailable"),
        ("nothing", Reply::Bytes(Vec::new()), "503 national-service-unavailable"),
        ("too large for it", said(413, ""), "503 national-service-limit"),
        ("garbage", said(200, "valid"), "503 national-service-answer"),
        ("a bare yes", said(200, "{\"valid\":true}"), "503 national-service-answer"),
        ("far too much", said(200, &" ".repeat(300_000)), "503 national-service-answer"),
        ("nobody", valid(&[]), "503 national-service-answer"),
        ("fewer", valid(&[&one]), "503 national-service-answer"),
        ("one twice", valid(&[&one, &one]), "503 national-service-answer"),
        ("somebody else", valid(&[&one, &certificate(&stranger)]), "503 national-service-answer"),
        ("nothing of revocation", bent(&|one| one["revocations"] = json!([])), "503 national-service-answer"),
        (
            "revoked",
            bent(&|one| one["revocations"][0]["revoked"] = true.into()),
            "403 document-signer-revoked",
        ),
        ("not valid", bent(&|one| one["valid"] = false.into()), "403 document-signer-untrusted"),
        (
            "it does not hold",
            Reply::Json(200, json!({ "valid": false, "signers": [{ "certificates": [one] }] })),
            "403 document-signature-invalid",
        ),
        (
            "it cannot be read",
            Reply::Json(400, json!({ "status": 400, "message": "Invalid CMS" })),
            "403 document-signature-invalid",
        ),
    ] {
        service.replies(reply);
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.to_string(), code, "{what}");
        let retry = code.ends_with("unavailable").then_some("5");
        assert_eq!(answer.header("retry-after"), retry, "{what}");
        let code = code.split_once(' ').unwrap().1;
        assert_eq!(world.log.code(answer.exchange()).await, code, "{what}");
    }
    // What we find wrong ourselves nobody is asked about.
    service.acts(vouching(&[&head, &deputy, &stranger]));
    let asked = service.seen().len();
    let pdf = sign_pdf_nationally(&files::pdf_of(1_000), &head, clock::now()).unwrap();
    let twice = sign_pdf_nationally(&pdf, &deputy, clock::now()).unwrap();
    for (what, ask, code) in [
        ("of another body", alone(&text, &beside(&text, &[&stranger])), "document-signer-holder"),
        ("two within", alone_pdf(&twice), "document-signature-national-twice"),
        (
            "under another's name",
            draft(&[("a.docx", DOCX, &text), ("b.docx.p7s", P7S, &beside(&text, &[&head]))]),
            "document-signature-stray",
        ),
    ] {
        assert_eq!(world.consumer.asks(&ask).await.to_string(), format!("403 {code}"), "{what}");
    }
    assert_eq!(service.seen().len(), asked);
    let other = alone(&text, &beside(b"another", &[&head]));
    assert_eq!(world.consumer.asks(&other).await.to_string(), "403 document-signature-invalid");
    service.stops();
    let absent = world.consumer.asks(&ask).await;
    assert_eq!(absent.to_string(), "503 national-service-unavailable");
    assert!(world.operations("/ready").await.contains("national signatures"), "whoever looks is told");
    assert_eq!(world.provider.seen().len(), 0, "nobody has any of it whole");
    // A document that comes back is cut.
    world.provider.replies(document(&text, Some(&in_head(&beside(&text, &[&stranger])))));
    assert_eq!(
        world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(),
        "503 national-service-unavailable"
    );
    assert!(world.log.verified().is_whole());
}

/// C5: where nobody is configured, as where nobody answers.
#[tokio::test]
async fn without_a_service_national_signatures_are_refused_as_such() {
    let world = agreed().start().await;
    let (head, text) = (person(1, "Head", MINISTRY), files::docx());
    let within = sign_pdf_nationally(&files::pdf_of(1_000), &head, clock::now()).unwrap();
    for ask in [
        alone(&text, &beside(&text, &[&head])),
        alone_pdf(&within),
        draft(&[("a.docx", DOCX, &text), ("a.docx.p7s", P7S, &beside(&text, &[&old(2, "Head", MINISTRY)]))]),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.to_string(), "403 document-signature-national");
    }
    assert_eq!(world.provider.seen().len(), 0);
}

/// C5, promise 7: a service that is slow, and documents that are too large for it.
#[tokio::test]
async fn service_that_is_late_or_takes_nothing_costs_no_more_than_its_time() {
    let head = person(1, "Head", MINISTRY);
    let (mut world, service) = served(&[&head], |_| {}).await;
    world.config.national_signatures.timeout_seconds = 1;
    world.config.national_signatures.max_document_mib = 20;
    world.start_again();
    service.replies(Reply::Silence);
    let text = files::docx();
    let late = world.consumer.asks(&alone(&text, &beside(&text, &[&head]))).await;
    assert_eq!(late.to_string(), "503 national-service-unavailable");

    // Nobody takes connections from this, so that all is written into buffers until they are full.
    let deaf = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    world.config.national_signatures.url = Some(format!("http://{}", deaf.local_addr().unwrap()));
    world.start_again();
    let large = |bytes: usize, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let pdf = files::pdf_of(bytes);
        let signature = in_head(&sign(&pdf));
        Ask::new("PUT", LARGE).header("Content-Type", PDF).header(HEADER, &signature).bytes(&pdf)
    };
    let nationally = |pdf: &[u8]| beside(pdf, &[&head]);
    let deafened = world.consumer.asks(&large(16 << 20, &nationally)).await;
    assert_eq!(deafened.to_string(), "503 national-service-unavailable");
    let limited = world.consumer.asks(&large(21 << 20, &nationally)).await;
    assert_eq!(limited.to_string(), "503 national-service-limit");
    let clerk = clerk(&world);
    let otherwise = |pdf: &[u8]| sign_detached(&content(pdf), &[&clerk], clock::now()).unwrap();
    world.provider.replies(Reply::With(204, Vec::new(), Vec::new()));
    let passed = world.consumer.asks(&large(21 << 20, &otherwise)).await;
    assert_eq!(passed.status, 204, "who signs otherwise waits for nobody: {passed}");
    assert_eq!(world.log.code(late.exchange()).await, "national-service-unavailable");
    assert_eq!(world.log.closing(deafened.exchange()).await.outcome, Outcome::RequestRefused);
}

/// C5: what is before the service at once is bounded.
#[tokio::test]
async fn more_transfers_than_the_service_is_shown_are_told_to_come_back() {
    let head = person(1, "Head", MINISTRY);
    let (world, service) = served(&[&head], |config| config.max_at_once = 1).await;
    let (text, hold) = (files::docx(), Hold::default());
    let vouch = vouching(&[&head]);
    let held = hold.clone();
    service.acts(move |seen| held.on(vouch(seen)));
    let ask = alone(&text, &beside(&text, &[&head]));
    let mut first = world.consumer.connect().await;
    first.send(&ask.wire("gateway")).await;
    service.until_seen(1).await;
    let second = world.consumer.asks(&ask).await;
    assert_eq!(second.to_string(), "503 gateway-busy");
    hold.release(2);
    assert_eq!(first.answer().await.unwrap().status, 200);
    assert_eq!(world.consumer.asks(&ask).await.status, 200, "its place is given back");
}

/// C5, promise 7: `KELISIM_TRANSFER_MIB=50 cargo test -p tests --test national_signatures` takes large ones.
#[tokio::test]
async fn sixteen_documents_at_once_pass_the_service_and_hold_less_than_64_mib_above_idle() {
    let mib: usize = std::env::var("KELISIM_TRANSFER_MIB").map_or(6, |mib| mib.parse().unwrap());
    let head = person(1, "Head", MINISTRY);
    let mut world = agreed().found();
    let (_, identity) = world.certificate(REGISTER);
    let service = world.stand_in(&identity);
    service.acts(vouching(&[&head]));
    let path = world.folder.config_path();
    let config = std::fs::read_to_string(&path).unwrap();
    let url = format!("https://{}", service.address());
    // However slow the machine is, nobody is late.
    let patient = "[exchange.limits]\nbody_timeout_ms = 3_600_000\nprovider_timeout_ms = 3_600_000";
    let section = format!(
        "{patient}\n[national_signatures]\nurl = \"{url}\"\nmax_at_once = 64\ntimeout_seconds = 3600\n"
    );
    std::fs::write(&path, format!("{config}\n{section}")).unwrap();
    let gateway = Process::start(&path);
    world.moves_to(gateway.exchange, gateway.operations);
    let document = sign_pdf_nationally(&files::pdf_of(mib << 20), &head, clock::now()).unwrap();
    let small = sign_pdf_nationally(&files::pdf_of(1_000), &head, clock::now()).unwrap();
    world.provider.replies(Reply::With(204, Vec::new(), Vec::new()));
    let ask = |bytes: &[u8]| Ask::new("PUT", LARGE).header("Content-Type", PDF).bytes(bytes);
    assert_eq!(world.consumer.asks(&ask(&small)).await.status, 204);
    let (idle, _) = gateway.memory_kib();
    let wire = ask(&document).wire("gateway");
    let (begun, rest) = wire.split_at(wire.len() / 2);
    let mut lines = Vec::new();
    for _ in 0..16 {
        let mut line = world.consumer.connect().await;
        line.send(begun).await;
        lines.push(line);
    }
    for line in &mut lines {
        line.send(rest).await;
        assert_eq!(line.answer().await.unwrap().status, 204);
    }
    assert!(Asked::of(service.seen().last().unwrap()).data == over(&document));
    assert_eq!(service.seen().len(), 17);
    let (_, most) = gateway.memory_kib();
    println!("16 documents of {mib} MiB past the service: {} KiB above {idle} KiB", most - idle);
    assert!(most - idle < 64 << 10, "{} KiB above idle", most - idle);
    assert!(gateway.terminate().success());
}

/// A world whose gateway asks a stand-in over mutual TLS, which vouches for these people.
async fn served(
    people: &[&NationalPerson],
    change: impl FnOnce(&mut gateway::config::NationalSignaturesConfig),
) -> (World, Provider) {
    let mut world = agreed().found();
    let (_, identity) = world.certificate(REGISTER);
    let service = world.stand_in(&identity);
    service.acts(vouching(people));
    world.config.national_signatures.url = Some(format!("https://{}", service.address()));
    change(&mut world.config.national_signatures);
    world.start_again();
    (world, service)
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement_with("documents", |text| {
        text["protection"]["signatures"] =
            json!({ "documents": { "of": ["requests", "responses"], "kinds": ["detached", "pdf"] } });
    })
}

/// What the service was asked.
struct Asked {
    data: Vec<u8>,
    cms: Vec<u8>,
    checks: Vec<String>,
}

impl Asked {
    fn of(seen: &Seen) -> Self {
        assert_eq!(seen.head[0], "POST /cms/verify HTTP/1.1");
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let said: Value = serde_json::from_slice(&seen.body).unwrap();
        let decoded = |member: &str| STANDARD.decode(said[member].as_str().unwrap()).unwrap();
        let checks = serde_json::from_value(said["revocationCheck"].clone()).unwrap();
        Self { data: decoded("data"), cms: decoded("cms"), checks }
    }
}

/// Vouches as NCANode does, for those of these people who signed the content.
fn vouching(people: &[&NationalPerson]) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let people: Vec<NationalPerson> = people.iter().copied().cloned().collect();
    move |seen| {
        let asked = Asked::of(seen);
        let has = |part: &[u8]| asked.cms.windows(part.len()).any(|window| window == part);
        let signers: Vec<Value> = people
            .iter()
            .filter(|one| has(one.certificate()))
            .map(|one| json!({ "certificates": [certificate(one)], "tsp": null }))
            .collect();
        let valid = has(digest(&SHA512, &asked.data).as_ref());
        Reply::Json(200, json!({ "status": 200, "message": "OK", "valid": valid, "signers": signers }))
    }
}

fn certificate(person: &NationalPerson) -> Value {
    let serial: String = person.serial().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "valid": true,
        "revocations": [{ "revoked": false, "by": "OCSP", "revocationTime": null, "reason": "OK" }],
        "notBefore": "2026-05-19T04:50:54.000+00:00", "notAfter": "2027-05-19T04:50:54.000+00:00",
        "keyUsage": "SIGN", "serialNumber": serial.trim_start_matches('0'), "signAlg": "ECGOST3410-2015-512",
        "keyUser": ["ORGANIZATION"], "publicKey": "BAQE", "signature": STANDARD.encode(person.seal()),
        "subject": { "commonName": person.name(), "iin": IIN, "bin": person.bin(), "country": "KZ" },
        "issuer": { "commonName": "National authority (GOST)", "country": "KZ" },
    })
}

fn person(serial: u8, name: &str, body: &str) -> NationalPerson {
    NationalPerson::new(NationalAlgorithm::Gost2015, serial, name, IIN, Some(body), clock::now())
}

fn old(serial: u8, name: &str, body: &str) -> NationalPerson {
    NationalPerson::new(NationalAlgorithm::Gost2004, serial, name, IIN, Some(body), clock::now())
}

/// Somebody of the consumer's body who signs otherwise.
fn clerk(world: &World) -> Identity {
    let (name, iin) = ("Clerk".into(), IIN.into());
    let request = PersonRequest { name, iin, bin: bin(MINISTRY), organisation: "A body".into(), days: 30 };
    let issued = world.authority.issue_person(&request, clock::now()).unwrap();
    Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap()
}

fn content(bytes: &[u8]) -> Digested {
    let mut digests = Digests::default();
    digests.push(bytes);
    digests.finish()
}

fn beside(bytes: &[u8], signers: &[&NationalPerson]) -> Vec<u8> {
    sign_nationally(&content(bytes), signers, clock::now())
}

/// What the last signature within a PDF is over.
fn over(pdf: &[u8]) -> Vec<u8> {
    let start = pdf.windows(11).rposition(|window| window == b"/Contents <").unwrap() + 10;
    let end = start + pdf[start..].iter().position(|byte| *byte == b'>').unwrap() + 1;
    [&pdf[..start], &pdf[end..]].concat()
}

fn in_head(signature: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(signature))
}

fn alone(bytes: &[u8], signature: &[u8]) -> Ask {
    let ask = Ask::new("POST", DOCUMENTS).header("Content-Type", DOCX).header(HEADER, &in_head(signature));
    ask.bytes(bytes)
}

fn alone_pdf(bytes: &[u8]) -> Ask {
    Ask::new("POST", DOCUMENTS).header("Content-Type", PDF).bytes(bytes)
}

fn document(bytes: &[u8], signature: Option<&str>) -> Reply {
    let mut headers = vec![("Content-Type", DOCX.to_owned())];
    headers.extend(signature.map(|signature| (HEADER, signature.to_owned())));
    Reply::With(200, headers, bytes.to_vec())
}

const HEADER: &str = "Kelisim-Document-Signature";
const P7S: &str = "application/pkcs7-signature";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const PDF: &str = "application/pdf";
const IIN: &str = "860101300123";
