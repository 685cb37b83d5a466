//! Refusals of the process, each provoked as it comes about.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::document::{Digests, NationalAlgorithm, NationalPerson, sign_nationally};
use gateway::config::{WhenSilent, WitnessPlace, WitnessesConfig};
use gateway::transparency::key::{Scheme, SigningKey};

use tests::world::files;
use tests::world::sample::{DOCUMENT, DOCUMENTS};

use super::*;

/// Provokes a refusal of the process.
pub(super) async fn of_process(code: &str) -> Scene {
    match code {
        "request-malformed" => {
            let world = agreed().start().await;
            let mut line = world.consumer.connect().await;
            line.send(format!("GET {LOOKUP} HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").as_bytes()).await;
            answered(world, line).await
        }
        "request-unreadable" => asked(agreed(), Ask::get("/address-register/address/%2e%2e/7")).await,
        "certificate-revoked" => {
            let world = agreed().start().await;
            let (issued, identity) = world.certificate(PORTAL);
            world.bind(&portal(), &issued).await;
            let line = busy(&world, &identity).await;
            world.authority.revoke(&issued.serial, clock::now()).unwrap();
            until_refused(world, &identity, line, code).await
        }
        "certificate-expired" => {
            let world = agreed().start().await;
            let nearly_a_day_ago =
                clock::now() - SignedDuration::from_hours(24) + SignedDuration::from_secs(4);
            let (issued, identity) = world.certificate_at(PORTAL, nearly_a_day_ago);
            world.bind(&portal(), &issued).await;
            let line = busy(&world, &identity).await;
            until_refused(world, &identity, line, code).await
        }
        "certificate-untrusted" => {
            let world = agreed().start().await;
            let identity = world.consumer.identity().clone();
            let line = busy(&world, &identity).await;
            // The issuing authority's list is replaced by somebody else's: nothing tells any more who is revoked.
            let other = tempfile::tempdir().unwrap();
            let other = Authority::create(&other.path().join("other"), clock::now()).unwrap();
            std::fs::write(world.authority.crls_path(), other.crl_pem().unwrap()).unwrap();
            until_refused(world, &identity, line, code).await
        }
        "registry-unconfirmed" => {
            let world = agreed().configure(|config| config.registry.lease_seconds = 1).start().await;
            let identity = world.consumer.identity().clone();
            let line = busy(&world, &identity).await;
            let store = world.config.path(&world.config.registry.path);
            let store = rusqlite::Connection::open(store).unwrap();
            store.execute_batch("ALTER TABLE events RENAME TO elsewhere").unwrap();
            until_refused(world, &identity, line, code).await
        }
        "rate-exceeded" => {
            let plan = World::consumer_and_provider().agreement_with("address-lookup", |text| {
                text["protection"]["rate"] = json!({ "per_second": 1, "burst": 1 });
            });
            let world = plan.start().await;
            let identity = world.consumer.identity().clone();
            let line = busy(&world, &identity).await;
            until_refused(world, &identity, line, code).await
        }
        "volume-exceeded" => {
            let plan = World::consumer_and_provider().agreement_with("address-lookup", |text| {
                text["protection"]["volume"] = json!({ "exchanges_per_day": 1 });
            });
            let world = plan.start().await;
            let identity = world.consumer.identity().clone();
            let line = busy(&world, &identity).await;
            until_refused(world, &identity, line, code).await
        }
        "too-many-exchanges" => {
            let plan = agreed().configure(|config| config.exchange.limits.max_exchanges_per_system = 1);
            let world = plan.start().await;
            let hold = Hold::default();
            world.provider.replies(hold.on(Reply::Json(200, sample::address_record())));
            let mut first = world.consumer.connect().await;
            first.send(&lookup().wire("gateway")).await;
            world.provider.until_seen(1).await;
            let scene = asked_here(world, lookup()).await;
            hold.release(1);
            assert_eq!(first.answer().await.unwrap().status, 200, "the one under way is not disturbed");
            scene
        }
        "gateway-busy" => {
            let plan = agreed().configure(|config| config.exchange.limits.max_buffered_mib = 1);
            let large = json!({ "code": "7", "address": "x".repeat(2 << 20) });
            asked(plan, Ask::put(LOOKUP, &large)).await
        }
        "log-unavailable" => log_failed().await,
        "log-unwitnessed" => unwitnessed().await,
        "request-body-missing" => {
            asked(agreed(), Ask::new("POST", ADDRESSES).header("Content-Type", "application/json")).await
        }
        "request-body-not-agreed" => asked(agreed(), lookup().bytes(b"{}")).await,
        "request-media-type" => {
            let text = Ask::new("POST", ADDRESSES).header("Content-Type", "text/plain").bytes(b"{}");
            asked(agreed(), text).await
        }
        "request-document" => {
            let plan = World::consumer_and_provider().agreement("documents");
            let other = Ask::new("POST", DOCUMENTS).header("Content-Type", PDF).bytes(&files::docx());
            asked(plan, other).await
        }
        "response-document" => {
            let world = World::consumer_and_provider().agreement("documents").start().await;
            world.provider.replies(Reply::With(200, vec![("Content-Type", PDF.into())], files::docx()));
            asked_here(world, Ask::get(DOCUMENT)).await
        }
        "request-signature" => asked(signing("requests"), lookup()).await,
        "response-signature" => asked(signing("responses"), lookup()).await,
        "request-too-large" => {
            let large = json!({ "code": "7", "address": "x".repeat(5000) });
            asked(agreed(), Ask::post(ADDRESSES, &large)).await
        }
        "request-incomplete" => {
            let world = agreed().start().await;
            let mut line = world.consumer.connect().await;
            line.send(&half_a_post()).await;
            line.finishes().await;
            answered(world, line).await
        }
        "request-timeout" => {
            let world =
                agreed().configure(|config| config.exchange.limits.body_timeout_ms = 100).start().await;
            let mut line = world.consumer.connect().await;
            line.send(&half_a_post()).await;
            answered(world, line).await
        }
        "request-parameter" => asked(agreed(), Ask::get(&format!("{ADDRESSES}?text=a&page=first"))).await,
        "request-schema" => asked(agreed(), Ask::post(ADDRESSES, &json!({ "code": 7 }))).await,
        "terms-changed" => {
            let relay = Relay::stands().await;
            let address = relay.address().to_string();
            let plan = agreed().provider(move |card| card.endpoint.as_mut().unwrap().address = address);
            let world = plan.start().await;
            let mut line = world.consumer.connect().await;
            line.send(&lookup().wire("gateway")).await;
            let dialled = relay.dialled().await;
            let provider = world.provider.address();
            let moved = sample::card(REGISTER, sample::AGENCY, Some(provider)).endpoint;
            let system = register();
            world.integrator.issues(Command::UpdateSystem { system, networks: None, endpoint: moved });
            world.ready("address-lookup").await;
            dialled.opens_to(provider).await;
            let scene = answered(world, line).await;
            assert!(!scene.was_forwarded());
            scene
        }
        "answer-lost" => {
            // Held whole and once more trimmed, it is more than all payloads may take.
            let large = json!({ "code": "7", "address": "x".repeat(700_000), "internal": "y" });
            let plan = agreed().configure(|config| config.exchange.limits.max_buffered_mib = 1);
            let world = plan.start().await;
            world.provider.replies(Reply::Json(200, large));
            let scene = asked_here(world, Ask::post(ADDRESSES, &sample::correction())).await;
            assert!(scene.was_forwarded());
            assert_eq!(scene.answer.header("retry-after"), None);
            scene
        }
        "idempotency-key-missing" => {
            let required = json!({ "key": "required" });
            let plan = agreed().data_type("address", |data_type| {
                let correct = data_type.operations.iter_mut().find(|one| one.id.as_str() == "correct");
                correct.unwrap().repeats = serde_json::from_value(required).unwrap();
            });
            asked(plan, Ask::post(ADDRESSES, &sample::correction())).await
        }
        "idempotency-key-reused" => {
            let world = agreed().start().await;
            assert_eq!(world.consumer.asks(&corrects()).await.status, 200);
            let other = json!({ "code": "7", "address": "Elsewhere" });
            asked_here(world, Ask::post(ADDRESSES, &other).header("Idempotency-Key", "\"k-1\"")).await
        }
        "idempotency-in-progress" => {
            let world = agreed().start().await;
            world.provider.replies(Reply::Silence);
            let mut line = world.consumer.connect().await;
            line.send(&corrects().wire("gateway")).await;
            world.provider.until_seen(1).await;
            asked_here(world, corrects()).await
        }
        "idempotency-outcome-unknown" => {
            let world = agreed().start().await;
            world.provider.replies(Reply::Bytes(Vec::new()));
            assert_eq!(world.consumer.asks(&corrects()).await.to_string(), "502 provider-failed");
            asked_here(world, corrects()).await
        }
        "idempotency-answer-not-kept" => {
            let world = agreed().configure(|config| config.repeats.max_answer_kib = 0).start().await;
            assert_eq!(world.consumer.asks(&corrects()).await.status, 200);
            asked_here(world, corrects()).await
        }
        "idempotency-keys-exhausted" => {
            let world = agreed().configure(|config| config.repeats.max_keys_per_system = 1).start().await;
            assert_eq!(world.consumer.asks(&corrects()).await.status, 200);
            let another = Ask::post(ADDRESSES, &sample::correction()).header("Idempotency-Key", "\"k-2\"");
            asked_here(world, another).await
        }
        "idempotency-unavailable" => {
            let world = agreed().start().await;
            let store = world.config.path(&world.config.repeats.path);
            let store = rusqlite::Connection::open(store).unwrap();
            store.execute_batch("ALTER TABLE repeat RENAME TO elsewhere").unwrap();
            asked_here(world, corrects()).await
        }
        "scanner-unavailable" => {
            let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            asked(scanned_at(nobody), sends_pdf()).await
        }
        "scanner-limit" => {
            let clamd = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = clamd.local_addr().unwrap();
            let limit = std::thread::spawn(move || {
                let (mut line, _) = clamd.accept().unwrap();
                let mut some = [0; 32];
                line.read_exact(&mut some).unwrap();
                line.write_all(b"INSTREAM size limit exceeded. ERROR\0").unwrap();
                // Read to its end, so that the words are not lost with the connection.
                drop(std::io::copy(&mut line, &mut std::io::sink()));
            });
            let scene = asked(scanned_at(address), sends_pdf()).await;
            limit.join().unwrap();
            scene
        }
        "national-service-unavailable" => {
            let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            asked(vouched_at(nobody), sends_signed()).await
        }
        "national-service-answer" => nationally_answered("200 OK").await,
        "national-service-limit" => nationally_answered("413 Too Large").await,
        "provider-unreachable" => {
            let mut world = agreed().start().await;
            world.provider.stops();
            asked_here(world, lookup()).await
        }
        "provider-not-trusted" => {
            let world = agreed().start().await;
            let bound = world
                .regulator
                .registry()
                .with(|office| office.registry().system(&register()).unwrap().certificates[0].fingerprint);
            world.administrator.orders(Command::UnbindCertificate { certificate: bound }).await;
            asked_here(world, lookup()).await
        }
        "provider-failed" => {
            replied(Reply::Bytes(Vec::new()), Ask::post(ADDRESSES, &sample::correction())).await
        }
        "provider-timeout" => {
            let plan = agreed().configure(|config| config.exchange.limits.provider_timeout_ms = 200);
            let world = plan.start().await;
            world.provider.replies(Reply::Silence);
            asked_here(world, lookup()).await
        }
        "response-too-large" => {
            let large = json!({ "code": "7", "address": "x".repeat(40_000) });
            replied(Reply::Json(200, large), lookup()).await
        }
        "response-media-type" => {
            let page = ("Content-Type", "text/html".to_owned());
            replied(Reply::With(200, vec![page], b"<html>".to_vec()), lookup()).await
        }
        "response-schema" => replied(Reply::Json(200, json!({ "code": 7 })), lookup()).await,
        "response-not-agreed" => {
            let elsewhere = ("Location", "https://elsewhere.example/".to_owned());
            replied(Reply::With(302, vec![elsewhere], Vec::new()), lookup()).await
        }
        "contract-unusable" => {
            let plan = World::consumer_and_provider().agreement_with("address-lookup", |text| {
                text["data"] = json!([
                    { "data_type": "unusable", "version": 1, "operations": ["read"], "fields": [""] },
                ]);
            });
            asked(plan, Ask::get("/address-register/unusable")).await
        }
        other => personal::of_persons(other).await,
    }
}

/// An agreement that wants messages signed this way.
fn signing(way: &'static str) -> Plan {
    World::consumer_and_provider().agreement_with("address-lookup", move |text| {
        text["protection"]["signatures"] = json!({ "messages": [way] });
    })
}

fn sends_pdf() -> Ask {
    Ask::new("POST", DOCUMENTS).header("Content-Type", PDF).bytes(&files::pdf())
}

/// What somebody signed by a national algorithm.
fn sends_signed() -> Ask {
    let (document, now) = (files::docx(), clock::now());
    let head = NationalPerson::new(
        NationalAlgorithm::Gost2015,
        1,
        "Head",
        "860101300123",
        Some(sample::MINISTRY),
        now,
    );
    let mut content = Digests::default();
    content.push(&document);
    let signature = STANDARD.encode(sign_nationally(&content.finish(), &[&head], now));
    Ask::new("POST", DOCUMENTS)
        .header("Content-Type", DOCX)
        .header("Kelisim-Document-Signature", &format!(":{signature}:"))
        .bytes(&document)
}

fn vouched_at(address: SocketAddr) -> Plan {
    let plan = World::consumer_and_provider().agreement_with("documents", |text| {
        text["protection"]["signatures"] =
            json!({ "documents": { "of": ["requests"], "kinds": ["detached"] } });
    });
    plan.configure(move |config| config.national_signatures.url = Some(format!("http://{address}")))
}

/// Asks a service that answers so, and says nothing.
async fn nationally_answered(status: &'static str) -> Scene {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap();
    let answers = std::thread::spawn(move || {
        let (mut line, _) = service.accept().unwrap();
        let (mut asked, mut some) = (Vec::new(), [0; 4096]);
        while !asked.ends_with(b"\r\n0\r\n\r\n") {
            let count = line.read(&mut some).unwrap();
            assert!(count > 0, "the question ends");
            asked.extend_from_slice(&some[..count]);
        }
        write!(line, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
    });
    let scene = asked(vouched_at(address), sends_signed()).await;
    answers.join().unwrap();
    scene
}

fn scanned_at(address: SocketAddr) -> Plan {
    World::consumer_and_provider()
        .agreement("documents")
        .configure(move |config| config.scanner.address = Some(format!("tcp://{address}")))
}

fn corrects() -> Ask {
    Ask::post(ADDRESSES, &sample::correction()).header("Idempotency-Key", "\"k-1\"")
}

/// P6: the only witness is gone, and the node is told to refuse then.
async fn unwitnessed() -> Scene {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (key, _) = SigningKey::generate(&"witness.example/1".parse().unwrap(), Scheme::Cosignature).unwrap();
    let place = WitnessPlace { url: format!("http://{nobody}"), keys: vec![key.verifier().clone()] };
    let witnesses = WitnessesConfig {
        list: vec![place],
        poll_ms: 20,
        silence_seconds: 1,
        when_silent: WhenSilent::Refuse,
        ..WitnessesConfig::default()
    };
    let world = agreed().configure(move |config| config.witnesses = witnesses.clone()).start().await;
    let line = world.consumer.connect().await;
    let certificate = world.consumer.identity().clone();
    until_refused(world, &certificate, line, "log-unwitnessed").await
}

const PDF: &str = "application/pdf";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
