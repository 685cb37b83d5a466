//! Documents that people sign (C5): those pass whose signatures count and are those that were asked for, and no others.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::DocumentFormat::{Docx, Pdf};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::authority::IssuedPem;
use certs::document::{Digests, sign_detached, sign_pdf, sign_stamped};
use certs::stamp::StampRequest;
use certs::tls::Identity;
use gateway::clock;
use gateway::exchange_log::Outcome;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::world::sample::drafts::draft;
use tests::world::sample::{AGENCY, DOCUMENT, DOCUMENTS, MINISTRY};
use tests::world::time_authority::TimeAuthority;
use tests::world::wait::within;
use tests::world::{Ask, Plan, Reply, World, files};

/// C5: Portal 61.
#[tokio::test]
async fn documents_signed_beside_or_within_pass_and_their_entries_say_by_whom_and_when() {
    let world =
        agreed(json!({ "of": ["requests", "responses"], "kinds": ["detached", "pdf"] })).start().await;
    let (_, head) = person(&world, "Head", MINISTRY);
    let (_, deputy) = person(&world, "Deputy", MINISTRY);
    let (text, pdf) = (files::docx(), sign_pdf(&files::pdf_of(200_000), &head, clock::now()).unwrap());
    let both = beside(&text, &[&head, &deputy]);
    for (what, ask, signers) in [
        (
            "beside it, in the head",
            alone(Docx.media_type(), &text).header(HEADER, &in_head(&beside(&text, &[&head]))),
            vec![&head],
        ),
        ("by two", alone(Docx.media_type(), &text).header(HEADER, &in_head(&both)), vec![&head, &deputy]),
        ("within", alone(Pdf.media_type(), &pdf), vec![&head]),
        (
            "within, and again",
            alone(Pdf.media_type(), &sign_pdf(&pdf, &deputy, clock::now()).unwrap()),
            vec![&head, &deputy],
        ),
        (
            "within, and beside",
            alone(Pdf.media_type(), &pdf).header(HEADER, &in_head(&beside(&pdf, &[&deputy]))),
            vec![&head, &deputy],
        ),
        (
            "beside it, in the form",
            draft(&[("act.docx", Docx.media_type(), &text), ("act.docx.p7s", P7S, &both)]),
            vec![&head, &deputy],
        ),
        (
            "one within and one beside",
            draft(&[
                ("a.pdf", Pdf.media_type(), &pdf),
                ("b.docx", Docx.media_type(), &text),
                ("b.docx.p7s", P7S, &both),
            ]),
            vec![&head, &deputy],
        ),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.status, 200, "{what}: {answer}");
        let seen = world.provider.seen().pop().unwrap();
        assert!(Some(&seen.body) == ask.body.as_ref(), "{what}: byte for byte");
        let sent = ask.headers.iter().find(|(name, _)| name == HEADER).map(|(_, value)| value.as_str());
        assert_eq!(seen.header(HEADER), sent, "{what}: its signature goes along");
        let said = world.log.closing(answer.exchange()).await.signatures.unwrap();
        assert_eq!(said.matches("document ").count(), signers.len(), "{what}: {said}");
        for signer in signers {
            assert!(said.contains(&format!("document {} 20", signer.fingerprint())), "{what}: {said}");
        }
    }
    // And the other way, by the other body.
    let (_, archivist) = person(&world, "Archivist", AGENCY);
    let signature = in_head(&beside(&text, &[&archivist]));
    let headers = vec![("Content-Type", Docx.media_type().to_owned()), (HEADER, signature.clone())];
    world.provider.replies(Reply::With(200, headers, text.clone()));
    let answer = world.consumer.asks(&Ask::get(DOCUMENT)).await;
    assert!(answer.body == text);
    assert_eq!(answer.header("kelisim-document-signature"), Some(signature.as_str()));
    let said = world.log.closing(answer.exchange()).await.signatures.unwrap();
    assert!(said.contains(&archivist.fingerprint().to_string()));
    let headers = vec![("Content-Type", Docx.media_type().to_owned())];
    world.provider.replies(Reply::With(200, headers, text));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 document-unsigned");
}

/// C5, C2: must-show: a PDF signed and then appended to, wrapped signatures, expired and revoked signers.
#[tokio::test]
async fn documents_that_are_not_signed_as_agreed_are_whole_for_nobody() {
    let world = agreed(json!({
        "of": ["requests"], "kinds": ["detached", "pdf"], "signers": ["Head", "Left"],
    }))
    .start()
    .await;
    let now = clock::now();
    let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    let (_, head) = person(&world, "Head", MINISTRY);
    let (_, clerk) = person(&world, "Clerk", MINISTRY);
    let (_, stranger) = person(&world, "Head", AGENCY);
    let (_, past) = world.head_at(MINISTRY, "Head", ago(2), 1);
    let (text, plain) = (files::docx(), files::pdf_of(200_000));
    let signed = sign_pdf(&plain, &head, now).unwrap();
    let appended = [&signed[..], b"\n3 0 obj\n<< /Type /Page >>\nendobj\nstartxref\n0\n%%EOF\n"].concat();
    let mut changed = signed.clone();
    changed[1000] ^= 1;
    let range = signed.windows(14).rposition(|window| window == b"/ByteRange [0 ").unwrap();
    let mut moved = signed.clone();
    moved[range + 34] ^= 1;
    let pdf = |bytes: &[u8]| alone(Pdf.media_type(), bytes);
    let over = |signer: &Identity| pdf(&sign_pdf(&appended, signer, now).unwrap());
    let docx = |signature: &[u8]| alone(Docx.media_type(), &text).header(HEADER, &in_head(signature));
    let at = |signer: &Identity, at| sign_detached(&content(&text), &[signer], at).unwrap();
    for (what, ask, code) in [
        ("nothing", alone(Docx.media_type(), &text), "document-unsigned"),
        ("a PDF without", pdf(&plain), "document-unsigned"),
        ("appended to", pdf(&appended), "document-changed"),
        ("changed within", pdf(&changed), "document-signature-content"),
        ("within, by somebody else", pdf(&sign_pdf(&plain, &clerk, now).unwrap()), "document-signer-named"),
        ("its string moved", pdf(&moved), "document-signature-malformed"),
        ("changed, and signed by another body", over(&stranger), "document-signer-holder"),
        ("changed, and signed by somebody else", over(&clerk), "document-signer-named"),
        ("over another", docx(&beside(b"another", &[&head])), "document-signature-content"),
        ("no signature", docx(b"PKCS"), "document-signature-malformed"),
        ("no bytes", alone(Docx.media_type(), &text).header(HEADER, "PKCS"), "document-signature-header"),
        ("of another body", docx(&beside(&text, &[&stranger])), "document-signer-holder"),
        ("of somebody else", docx(&beside(&text, &[&clerk])), "document-signer-named"),
        ("after its end", docx(&at(&past, now)), "document-signer-expired"),
        ("before its beginning", docx(&at(&head, ago(1))), "document-signer-expired"),
        ("from the future", docx(&at(&head, now + SignedDuration::from_mins(30))), "document-signature-time"),
        (
            "one of two files",
            draft(&[("a.pdf", Pdf.media_type(), &signed), ("b.docx", Docx.media_type(), &text)]),
            "document-unsigned",
        ),
        ("a card and no file", draft(&[]), "document-unsigned"),
        (
            "under another's name",
            draft(&[("a.docx", Docx.media_type(), &text), ("b.docx.p7s", P7S, &beside(&text, &[&head]))]),
            "document-signature-stray",
        ),
        (
            "in the head of a form, where nobody looks at it",
            draft(&[("a.docx", Docx.media_type(), &text), ("a.docx.p7s", P7S, &beside(&text, &[&head]))])
                .header(HEADER, &in_head(&beside(&text, &[&stranger]))),
            "document-signature-stray",
        ),
        (
            "before its file",
            draft(&[("a.docx.p7s", P7S, &beside(&text, &[&head])), ("a.docx", Docx.media_type(), &text)]),
            "document-signature-stray",
        ),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.to_string(), format!("403 {code}"), "{what}");
        assert_eq!(world.log.code(answer.exchange()).await, code, "{what}");
    }
    assert_eq!(world.provider.seen().len(), 0, "nobody has any of it whole");

    let (issued, left) = person(&world, "Left", MINISTRY);
    let ask = docx(&beside(&text, &[&left]));
    assert_eq!(world.consumer.asks(&ask).await.status, 200);
    world.authority.revoke(&issued.serial, now - SignedDuration::from_hours(1)).unwrap();
    let refused = within("the revocation", async {
        loop {
            let answer = world.consumer.asks(&ask).await;
            if answer.status != 200 {
                break answer;
            }
        }
    });
    assert_eq!(refused.await.to_string(), "403 document-signer-revoked");
    assert!(world.log.verified().is_whole());
}

/// C5: where the end tells, what passed is cut.
#[tokio::test]
async fn large_document_found_unsigned_at_its_end_was_under_way_and_is_cut() {
    let world = agreed(json!({ "of": ["requests"], "kinds": ["pdf"], "least": 2 })).start().await;
    let ((_, head), (_, deputy)) = (person(&world, "Head", MINISTRY), person(&world, "Deputy", MINISTRY));
    let once = sign_pdf(&files::pdf_of(200_000), &head, clock::now()).unwrap();
    let few = (403, Some("document-signers-few"));
    for (document, shown) in [
        (once.clone(), few),
        (sign_pdf(&once, &head, clock::now()).unwrap(), few),
        (sign_pdf(&once, &deputy, clock::now()).unwrap(), (200, None)),
    ] {
        let answer = world.consumer.asks(&alone(Pdf.media_type(), &document)).await;
        assert_eq!((answer.status, answer.refusal()), shown, "{answer}");
        let closing = world.log.closing(answer.exchange()).await;
        let whole = answer.status == 200;
        assert_eq!(closing.outcome, if whole { Outcome::Completed } else { Outcome::RequestRefused });
        assert_eq!(closing.request_digest.is_some(), whole);
        assert!(closing.request_bytes.unwrap() > 0, "it was under way");
    }
    assert_eq!(world.provider.seen().len(), 1);
    let form = draft(&[("a.docx", Docx.media_type(), &files::docx())]);
    assert_eq!(world.consumer.asks(&form).await.to_string(), "403 document-unsigned", "no PDF at all");
}

/// C5: nobody dates a signature back under an agreement that asks for time stamps.
#[tokio::test]
async fn where_time_stamps_are_asked_for_they_say_when_a_document_was_signed() {
    let authority = TimeAuthority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let anchors = authority.anchors_path();
    let world = agreed(json!({ "of": ["requests"], "kinds": ["detached"], "stamped": true }))
        .configure(move |config| config.trust.time_stamps = Some(anchors))
        .start()
        .await;
    let hour_ago = clock::now() - SignedDuration::from_hours(1);
    let (issued, head) = world.head_at(MINISTRY, "Head", hour_ago, 2);
    let text = files::docx();
    let stamp = |signature: &[u8]| {
        let imprint = digest(&SHA256, signature);
        Some(authority.token(&StampRequest::new(imprint.as_ref().try_into().unwrap(), [7; 8]).der()))
    };
    let stamped = |at| sign_stamped(&content(&text), &[&head], at, stamp).unwrap();
    let sent = |signature: &[u8]| alone(Docx.media_type(), &text).header(HEADER, &in_head(signature));

    let answer = world.consumer.asks(&sent(&stamped(clock::now()))).await;
    assert_eq!(answer.status, 200, "{answer}");
    let said = world.log.closing(answer.exchange()).await.signatures.unwrap();
    assert!(said.contains(" stamped 20"), "{said}");
    let bare = world.consumer.asks(&sent(&beside(&text, &[&head]))).await;
    assert_eq!(bare.to_string(), "403 document-signature-unstamped");
    // Whoever stole the key says to have signed before that became known; the stamp says otherwise.
    world.authority.revoke(&issued.serial, clock::now()).unwrap();
    let dated_back = sent(&stamped(hour_ago + SignedDuration::from_mins(1)));
    within("the revocation to be heard of", async {
        while world.consumer.asks(&dated_back).await.to_string() != "403 document-signer-revoked" {}
    })
    .await;
}

fn agreed(documents: Value) -> Plan {
    World::consumer_and_provider().agreement_with("documents", |text| {
        text["protection"]["signatures"] = json!({ "documents": documents });
    })
}

fn person(world: &World, name: &str, body: &str) -> (IssuedPem, Identity) {
    world.head_at(body, name, clock::now(), 30)
}

fn content(bytes: &[u8]) -> certs::document::Digested {
    let mut digests = Digests::default();
    digests.push(bytes);
    digests.finish()
}

fn beside(bytes: &[u8], signers: &[&Identity]) -> Vec<u8> {
    sign_detached(&content(bytes), signers, clock::now()).unwrap()
}

fn in_head(signature: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(signature))
}

fn alone(media_type: &str, bytes: &[u8]) -> Ask {
    Ask::new("POST", DOCUMENTS).header("Content-Type", media_type).bytes(bytes)
}

const HEADER: &str = "Kelisim-Document-Signature";
const P7S: &str = "application/pkcs7-signature";
