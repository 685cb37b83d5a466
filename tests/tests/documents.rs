//! Documents through the gateway (C4): byte for byte, looked through on the way, and cut so that nobody takes a part for
//! the whole.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::time::Duration;

use agreements::DocumentFormat::{self, *};
use aws_lc_rs::digest::{SHA256, digest};
use gateway::exchange_log::{Outcome, Sha256};
use tests::world::files::{self, entry, office, zip};
use tests::world::sample::drafts::{form, submitted};
use tests::world::sample::{DOCUMENT, DOCUMENT_BYTES, DOCUMENTS, LARGE};
use tests::world::wait::until;
use tests::world::{Ask, Hold, Line, Plan, Process, Reply, World};

/// C4
#[tokio::test]
async fn documents_of_each_format_pass_both_ways_byte_for_byte_and_are_on_record_by_their_digests() {
    let world = agreed().start().await;
    for (format, document) in all() {
        let answer = world.consumer.asks(&sends(format, &document)).await;
        assert_eq!(answer.status, 200, "{format}: {answer}");
        let seen = world.provider.seen().pop().unwrap();
        assert_eq!(seen.body, document, "{format}");
        assert_eq!(seen.header("content-type"), Some(format.media_type()));
        let opening = world.log.opening(answer.exchange()).unwrap();
        assert_eq!((opening.request_digest, opening.request_bytes), (None, 0), "known only at the end");
        let closing = world.log.closing(answer.exchange()).await;
        assert_eq!((closing.outcome, closing.request_digest), (Outcome::Completed, Some(sha256(&document))));
        assert_eq!(closing.request_bytes, Some(document.len() as u64));

        world.provider.replies(document_of(format, &document));
        for answer in [
            world.consumer.asks(&Ask::get(DOCUMENT)).await,
            world.consumer.connect_http2().await.ask(&Ask::get(DOCUMENT)).await,
        ] {
            assert_eq!((answer.status, answer.body == document), (200, true), "{format}");
            assert_eq!(answer.header("content-type"), Some(format.media_type()));
            let closing = world.log.closing(answer.exchange()).await;
            assert_eq!(
                (closing.outcome, closing.response_digest),
                (Outcome::Completed, Some(sha256(&document)))
            );
        }
        world.provider.replies(accepted());
    }
    assert!(world.log.verified().is_whole());
}

/// C4
#[tokio::test]
async fn bound_of_the_data_type_holds_to_the_byte_in_both_directions() {
    let world = agreed().start().await;
    let (most, more) = (files::docx_of(DOCUMENT_BYTES), files::docx_of(DOCUMENT_BYTES + 1));
    assert_eq!(world.consumer.asks(&sends(Docx, &most)).await.status, 200);
    let refused = world.consumer.asks(&sends(Docx, &more)).await;
    assert_eq!(refused.to_string(), "413 request-too-large");
    let streams = world.consumer.connect_http2().await;
    assert_eq!(streams.ask(&sends(Docx, &more)).await.to_string(), "413 request-too-large");
    assert_eq!(world.provider.seen().len(), 1);
    world.provider.replies(document_of(Docx, &most));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.body, most);
    world.provider.replies(document_of(Docx, &more));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 response-too-large");
}

/// C4: a body that does not say how long it is, is cut at its bound.
#[tokio::test]
async fn bound_holds_for_a_body_that_does_not_say_how_long_it_is() {
    let world = agreed().start().await;
    let streams = async |document: &[u8]| {
        let mut line = world.consumer.connect().await;
        let head = format!(
            "POST {DOCUMENTS} HTTP/1.1\r\nHost: gateway\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
            Docx.media_type()
        );
        line.send(head.as_bytes()).await;
        for piece in document.chunks(10_000) {
            line.send(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await;
        }
        line.send(b"0\r\n\r\n").await;
        line.answer().await.unwrap()
    };
    let most = files::docx_of(DOCUMENT_BYTES);
    assert_eq!(streams(&most).await.status, 200);
    assert!(world.provider.seen()[0].body == most);
    let refused = streams(&files::docx_of(DOCUMENT_BYTES + 1)).await;
    assert_eq!(refused.to_string(), "413 request-too-large");
    assert_eq!(world.provider.seen().len(), 1, "the provider saw no second whole request");
    let closing = world.log.closing(refused.exchange()).await;
    assert_eq!(closing.outcome, Outcome::RequestRefused);
}

/// C4, C2
#[tokio::test]
async fn documents_that_are_not_what_they_say_are_refused_and_the_provider_is_not_asked() {
    let world = agreed().start().await;
    for (format, document, shown) in [
        (Pdf, files::docx(), "422 document-format"),
        (Docx, files::pdf(), "422 document-format"),
        (Pdf, [b"junk..", &files::pdf()[..]].concat(), "422 document-polyglot"),
        (Pdf, [&files::pdf()[..], &zip(&[entry("run.exe", "MZ")])].concat(), "422 document-polyglot"),
        (Docx, files::docx_bomb(20 << 20), "422 archive-bomb"),
        (Zip, zip(&[entry("../../etc/passwd", "x")]), "422 archive-name"),
        (Zip, zip(&[entry("a", "x")])[..60].to_vec(), "422 document-damaged"),
        (Docx, office("word", &[entry("word/vbaProject.bin", "x")]), "422 document-macros"),
        (Doc, files::ole(&["EncryptedPackage"]), "422 document-encrypted"),
    ] {
        let answer = world.consumer.asks(&sends(format, &document)).await;
        assert_eq!(answer.to_string(), shown);
        assert_eq!(answer.json()["keyword"], answer.refusal().unwrap());
        assert_eq!(world.log.refused(answer.exchange()).unwrap().code, answer.refusal().unwrap());
    }
    let other = Ask::new("POST", DOCUMENTS).header("Content-Type", "text/html").bytes(b"<html></html>");
    assert_eq!(world.consumer.asks(&other).await.to_string(), "415 request-media-type");
    let none = Ask::new("POST", DOCUMENTS).header("Content-Type", Pdf.media_type());
    assert_eq!(world.consumer.asks(&none).await.to_string(), "400 request-body-missing");
    assert_eq!(world.provider.seen().len(), 0);
}

/// C4: what is found at the end only.
#[tokio::test]
async fn document_found_unfit_at_its_end_is_whole_for_nobody() {
    let world = agreed().start().await;
    let flawed = [&files::pdf_of(200_000)[..], &zip(&[entry("run.exe", "MZ")])].concat();
    for _ in 0..2 {
        let answer = world.consumer.asks(&sends(Pdf, &flawed)).await;
        assert_eq!(answer.to_string(), "422 document-polyglot");
        let closing = world.log.closing(answer.exchange()).await;
        assert_eq!(
            (closing.outcome, closing.code.unwrap().as_str()),
            (Outcome::RequestRefused, "document-polyglot")
        );
        assert_eq!(closing.request_digest, None, "nobody has the whole of it");
        let handed = closing.request_bytes.unwrap();
        assert!(0 < handed && handed < flawed.len() as u64, "{handed} bytes went to the provider");
    }
    assert!(world.provider.connections() > 0, "it was under way");
    assert_eq!(world.provider.seen().len(), 0, "the provider saw no whole request");

    world.provider.replies(document_of(Pdf, &flawed));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(DOCUMENT).wire("gateway")).await;
    assert!(line.answer().await.is_err(), "it ends before its length");
    let seen = world.provider.until_seen(1).await;
    let closing = world.log.closing(seen[0].exchange()).await;
    assert_eq!(
        (closing.outcome, closing.code.unwrap().as_str()),
        (Outcome::ResponseRefused, "document-polyglot")
    );
    assert_eq!(
        (closing.response_digest, closing.response_bytes.unwrap() < flawed.len() as u64),
        (None, true)
    );
    assert!(
        world.consumer.connect_http2().await.try_ask(&Ask::get(DOCUMENT)).await.is_err(),
        "its stream is reset"
    );

    // What is small is known before its head is sent: the consumer hears why.
    world.provider.replies(document_of(Pdf, &files::docx()));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 document-format");
    world.provider.replies(Reply::With(200, vec![("Content-Type", "text/html".into())], b"<html>".to_vec()));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 response-media-type");
}

/// C8: an upload cut off anywhere leaves nothing half done, and is marked so.
#[tokio::test]
async fn consumer_that_stops_in_the_middle_leaves_no_whole_request_and_an_entry_that_says_so() {
    let world = agreed().start().await;
    let document = files::pdf_of(200_000);
    let wire = sends(Pdf, &document).wire("gateway");
    let body_at = wire.len() - document.len();
    // Before anything passes there is nothing to open; afterwards there is.
    for (sent, opened) in [(10, false), (10_000, false), (100_000, true), (199_999, true)] {
        let before = world.log.entries().len();
        let mut line = world.consumer.connect().await;
        line.send(&wire[..body_at + sent]).await;
        if opened {
            until("the opening", || (world.log.entries().len() > before).then_some(())).await;
        }
        drop(line);
        if opened {
            let exchange = until("an opening", || {
                world.log.entries().iter().rev().find_map(|entry| match &entry.record {
                    gateway::exchange_log::Record::Opening(opening) => Some(opening.exchange),
                    _ => None,
                })
            })
            .await;
            assert_eq!(world.log.closing(exchange).await.outcome, Outcome::Abandoned, "after {sent} bytes");
        }
    }
    assert_eq!(world.consumer.asks(&sends(Pdf, &document)).await.status, 200);
    assert_eq!(world.provider.seen().len(), 1, "the only whole one");
}

/// C8
#[tokio::test]
async fn provider_that_stops_in_the_middle_is_on_record_and_the_consumer_sees_no_whole_answer() {
    let world = agreed().start().await;
    let document = files::pdf_of(200_000);
    world.provider.replies(Reply::Bytes([head(Pdf, document.len()), document[..100_000].to_vec()].concat()));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(DOCUMENT).wire("gateway")).await;
    assert!(line.answer().await.is_err());
    let closing = world.log.closing(world.provider.until_seen(1).await[0].exchange()).await;
    assert_eq!(
        (closing.outcome, closing.code.unwrap().as_str()),
        (Outcome::ProviderFailed, "provider-failed")
    );
    // What breaks off before its head was sent is refused as ever.
    world.provider.replies(Reply::Bytes([head(Pdf, document.len()), document[..1_000].to_vec()].concat()));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 provider-failed");
}

/// Promise 7: every wait has a deadline, between two pieces too.
#[tokio::test]
async fn either_side_that_does_not_go_on_is_given_up() {
    let world = agreed()
        .configure(|config| {
            config.exchange.limits.provider_timeout_ms = 400;
            config.exchange.limits.body_timeout_ms = 400;
        })
        .start()
        .await;
    let document = files::pdf_of(200_000);
    let (begun, hold) = ([head(Pdf, document.len()), document[..100_000].to_vec()].concat(), Hold::default());
    world.provider.replies(Reply::Halves(begun, hold, Vec::new()));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(DOCUMENT).wire("gateway")).await;
    assert!(line.answer().await.is_err());
    let closing = world.log.closing(world.provider.until_seen(1).await[0].exchange()).await;
    assert_eq!((closing.outcome, closing.code.unwrap().as_str()), (Outcome::Timeout, "provider-timeout"));

    world.provider.replies(accepted());
    let wire = sends(Pdf, &document).wire("gateway");
    let mut line = world.consumer.connect().await;
    line.send(&wire[..wire.len() - 10_000]).await;
    let answer = line.answer().await.unwrap();
    assert_eq!(answer.to_string(), "408 request-timeout");
    assert_eq!(world.log.closing(answer.exchange()).await.outcome, Outcome::RequestRefused);
}

/// C8: who does not take an answer is to blame for it, not who gave it.
#[tokio::test]
async fn consumer_that_takes_too_long_is_on_record_as_the_one_who_went_away() {
    let limit = Duration::from_secs(5);
    let plan = agreed().configure(move |config| config.exchange.limits.transfer_timeout_ms = 5_000);
    let world = plan.start().await;
    let all = files::pdf_of(40 << 20);
    world.provider.replies(Reply::With(200, vec![("Content-Type", Pdf.media_type().into())], all));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(LARGE).wire("gateway")).await;
    let seen = world.provider.until_seen(1).await;
    tokio::time::sleep(limit + Duration::from_secs(1)).await;
    assert!(line.answer().await.is_err(), "it is whole for nobody");
    let closing = world.log.closing(seen[0].exchange()).await;
    assert_eq!((closing.outcome, closing.code), (Outcome::Abandoned, None));
}

/// B9: also while a document passes.
#[tokio::test]
async fn agreement_that_is_suspended_stops_what_is_under_way_in_both_directions() {
    let world = agreed().start().await;
    let document = files::pdf_of(200_000);
    let (begun, hold) = ([head(Pdf, document.len()), document[..100_000].to_vec()].concat(), Hold::default());
    world.provider.replies(Reply::Halves(begun, hold.clone(), document[100_000..].to_vec()));
    let mut down = world.consumer.connect().await;
    down.send(&Ask::get(DOCUMENT).wire("gateway")).await;
    let seen = world.provider.until_seen(1).await;

    let wire = sends(Pdf, &document).wire("gateway");
    let mut up = world.consumer.connect().await;
    let before = world.log.entries().len();
    up.send(&wire[..wire.len() - 100_000]).await;
    until("the upload to be open", || (world.log.entries().len() > before).then_some(())).await;
    world.regulator.suspend("documents").await;
    up.send(&wire[wire.len() - 100_000..]).await;
    let refused = up.answer().await.unwrap();
    assert_eq!(refused.to_string(), "403 agreement-suspended");
    assert_eq!(world.log.closing(refused.exchange()).await.outcome, Outcome::RequestRefused);
    hold.release(1);
    assert!(down.answer().await.is_err());
    let closing = world.log.closing(seen[0].exchange()).await;
    assert_eq!(
        (closing.outcome, closing.code.unwrap().as_str()),
        (Outcome::ResponseRefused, "agreement-suspended")
    );
    assert_eq!(world.provider.seen().len(), 1, "no second whole request");
}

/// B9: also before its first byte passes.
#[tokio::test]
async fn agreement_that_is_suspended_while_an_answer_is_read_ahead_lets_nothing_of_it_pass() {
    let world = agreed().start().await;
    let (document, hold) = (files::pdf(), Hold::default());
    let begun = [head(Pdf, document.len()), document[..10].to_vec()].concat();
    world.provider.replies(Reply::Halves(begun, hold.clone(), document[10..].to_vec()));
    let mut down = world.consumer.connect().await;
    down.send(&Ask::get(DOCUMENT).wire("gateway")).await;
    world.provider.until_seen(1).await;
    world.regulator.suspend("documents").await;
    hold.release(1);
    let refused = down.answer().await.unwrap();
    assert_eq!(refused.to_string(), "403 agreement-suspended");
    assert_eq!(world.log.closing(refused.exchange()).await.outcome, Outcome::ResponseRefused);
}

/// C3, C4: Portal 14.
#[tokio::test]
async fn card_and_its_files_pass_together_and_the_card_fits_before_anything_passes() {
    let world = agreed().start().await;
    let (act, archive) = (files::pdf_of(100_000), zip(&[entry("annex.docx", files::docx())]));
    let body = |card: &str, second: &[u8]| {
        form(&[
            ("card", "application/json", None, card.as_bytes()),
            ("file", Pdf.media_type(), Some("Акт.pdf"), &act),
            ("file", Zip.media_type(), Some("annex.zip"), second),
        ])
    };
    let whole = body(r#"{"title":"Draft"}"#, &archive);
    let answer = world.consumer.asks(&submitted(&whole)).await;
    assert_eq!(answer.status, 200, "{answer}");
    let seen = world.provider.seen().pop().unwrap();
    assert!(seen.body == whole, "byte for byte");
    assert_eq!(seen.header("content-type"), Some("multipart/form-data; boundary=a--b"));
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!((closing.request_digest, closing.outcome), (Some(sha256(&whole)), Outcome::Completed));
    for (what, body, shown) in [
        ("a card that does not fit", body(r#"{"title":7}"#, &archive), "400 request-schema"),
        ("a card of two minds", body(r#"{"title":"a","title":"b"}"#, &archive), "400 request-schema"),
        ("no card", form(&[("file", Pdf.media_type(), Some("a.pdf"), &act)]), "422 form-card"),
        ("a body that is none", b"a--b".to_vec(), "422 form-malformed"),
    ] {
        let asked = world.consumer.asks(&submitted(&body)).await;
        assert_eq!(asked.to_string(), shown, "{what}");
    }
    assert_eq!(world.provider.connections(), 1, "none of these got anywhere");
    for (what, body, shown) in [
        (
            "a text that is called an archive",
            body(r#"{"title":"Draft"}"#, &files::docx()),
            "422 document-format",
        ),
        (
            "an archive that holds one",
            body(r#"{"title":"Draft"}"#, &zip(&[entry("a.docx", files::docx_bomb(20 << 20))])),
            "422 archive-bomb",
        ),
        ("a body that ends early", whole[..whole.len() - 10].to_vec(), "422 form-malformed"),
        (
            "a third file",
            [&whole[..whole.len() - 10], &form(&[("file", Pdf.media_type(), Some("3.pdf"), &act)])[..]]
                .concat(),
            "422 form-files",
        ),
    ] {
        let asked = world.consumer.asks(&submitted(&body)).await;
        assert_eq!(asked.to_string(), shown, "{what}");
        assert_eq!(world.log.closing(asked.exchange()).await.outcome, Outcome::RequestRefused, "{what}");
    }
    assert_eq!(world.provider.seen().len(), 1);
}

/// RFC 9110 §14: a transfer that broke off goes on, of the same document, and is looked through all the same.
#[tokio::test]
async fn consumer_gets_the_bytes_that_it_lacks() {
    let world = agreed().start().await;
    let document = files::pdf_of(200_000);
    let with_tag = |document: &[u8]| match document_of(Pdf, document) {
        Reply::With(status, mut headers, body) => {
            headers.push(("ETag", "\"7\"".into()));
            Reply::With(status, headers, body)
        }
        other => other,
    };
    world.provider.replies(with_tag(&document));
    let rest = |tag: &str| Ask::get(DOCUMENT).header("Range", "bytes=150000-").header("If-Range", tag);
    let answer = world.consumer.asks(&rest("\"7\"")).await;
    assert_eq!((answer.status, answer.body == document[150_000..]), (206, true));
    assert_eq!(answer.header("content-range"), Some("bytes 150000-199999/200000"));
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!(closing.response_digest, Some(sha256(&document[150_000..])));
    assert_eq!(world.provider.seen()[0].header("range"), None, "the whole is asked for, and looked through");
    let answer = world.consumer.asks(&rest("\"8\"")).await;
    assert_eq!((answer.status, answer.body == document), (200, true), "another document comes whole");
    let first = world.consumer.asks(&Ask::get(DOCUMENT).header("Range", "bytes=0-9")).await;
    assert_eq!((first.status, &first.body[..]), (206, &document[..10]));
    let flawed = [&files::pdf_of(199_000)[..], &zip(&[entry("run.exe", "MZ")])].concat();
    world.provider.replies(with_tag(&flawed));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(DOCUMENT).header("Range", "bytes=0-9").wire("gateway")).await;
    assert!(line.answer().await.is_err(), "a part of what is unfit is unfit");
}

#[tokio::test]
async fn what_a_provider_says_instead_of_a_document_passes_as_ever() {
    let world = agreed().start().await;
    world.provider.replies(Reply::With(404, vec![], vec![]));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.status, 404);
    world.provider.replies(Reply::With(304, vec![("ETag", "\"7\"".into())], vec![]));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT).header("If-None-Match", "\"7\"")).await.status, 304);
    world.provider.replies(Reply::With(206, vec![("Content-Type", Pdf.media_type().into())], files::pdf()));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 response-not-agreed");
    world.provider.replies(Reply::With(204, vec![], vec![]));
    let put = Ask::new("PUT", DOCUMENT).header("Content-Type", Pdf.media_type()).bytes(&files::pdf());
    assert_eq!(world.consumer.asks(&put).await.status, 204);
    world.provider.replies(document_of(Docx, &files::docx()));
    let there_and_back = Ask::new("POST", "/address-register/document/converted");
    let there_and_back = there_and_back.header("Content-Type", Pdf.media_type()).bytes(&files::pdf());
    let answer = world.consumer.asks(&there_and_back).await;
    let exchange = answer.exchange();
    assert_eq!((answer.status, answer.body), (200, files::docx()));
    let closing = world.log.closing(exchange).await;
    assert_eq!(closing.request_digest, Some(sha256(&files::pdf())));
}

/// Promise 7: transfers take places and memory, and give them back.
#[tokio::test]
async fn transfers_beyond_the_memory_for_one_consumer_are_refused_and_it_comes_back() {
    let world =
        agreed().configure(|config| config.exchange.limits.max_buffered_mib_per_system = 2).start().await;
    let document = files::pdf_of(200_000);
    let (begun, hold) = ([head(Pdf, document.len()), document[..100_000].to_vec()].concat(), Hold::default());
    world.provider.replies(Reply::Halves(begun, hold.clone(), document[100_000..].to_vec()));
    let mut lines: Vec<Line> = Vec::new();
    for count in 1..=2 {
        let mut line = world.consumer.connect().await;
        line.send(&Ask::get(DOCUMENT).wire("gateway")).await;
        world.provider.until_seen(count).await;
        lines.push(line);
    }
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "503 gateway-busy");
    hold.release(2);
    for mut line in lines {
        assert!(line.answer().await.unwrap().body == document);
    }
    hold.release(1);
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.status, 200);
}

/// C4: DESIGN's bound; `KELISIM_TRANSFER_MIB=60 cargo test -p tests --test documents` takes documents of full size.
#[tokio::test]
async fn thirty_two_transfers_at_once_each_way_hold_less_than_64_mib_above_idle() {
    let mib: usize = std::env::var("KELISIM_TRANSFER_MIB").map_or(3, |mib| mib.parse().unwrap());
    let mut world = agreed().found();
    let gateway = Process::start(&world.folder.config_path());
    world.moves_to(gateway.exchange, gateway.operations);
    let document = files::pdf_of(mib << 20);
    world.provider.replies(document_of(Pdf, &files::pdf()));
    assert_eq!(world.consumer.asks(&Ask::get(LARGE)).await.status, 200);
    let (idle, _) = gateway.memory_kib();
    let hold = Hold::default();
    let (first, second) = document.split_at(document.len() / 2);
    world.provider.replies(Reply::Halves(
        [head(Pdf, document.len()), first.to_vec()].concat(),
        hold.clone(),
        second.to_vec(),
    ));
    let mut down = Vec::new();
    for _ in 0..32 {
        let mut line = world.consumer.connect().await;
        line.send(&Ask::get(LARGE).wire("gateway")).await;
        down.push(tokio::spawn(async move { line.answer().await.map(|answer| answer.body.len()) }));
    }
    world.provider.until_seen(33).await;
    hold.release(32);
    for answer in down {
        assert_eq!(answer.await.unwrap().unwrap(), document.len());
    }
    world.provider.replies(Reply::With(204, vec![], vec![]));
    let wire =
        Ask::new("PUT", LARGE).header("Content-Type", Pdf.media_type()).bytes(&document).wire("gateway");
    let (begun, rest) = wire.split_at(wire.len() / 2);
    let mut up = Vec::new();
    for _ in 0..32 {
        let mut line = world.consumer.connect().await;
        line.send(begun).await;
        up.push(line);
    }
    for line in &mut up {
        line.send(rest).await;
        assert_eq!(line.answer().await.unwrap().status, 204);
    }
    let (_, most) = gateway.memory_kib();
    println!("32 documents of {mib} MiB each way: {} KiB above {idle} KiB", most - idle);
    assert!(most - idle < 64 << 10, "{} KiB above idle", most - idle);
    assert!(gateway.terminate().success());
}

/// B2.5: where the agreement wants the closing first, the last piece waits for it.
#[tokio::test]
async fn document_is_whole_only_when_its_closing_is_on_record_where_the_agreement_says_so() {
    let plan = World::consumer_and_provider()
        .agreement_with("documents", |text| text["accounting"]["answer_after"] = "completed".into());
    let world = plan.start().await;
    let document = files::pdf_of(200_000);
    world.provider.replies(document_of(Pdf, &document));
    let answer = world.consumer.asks(&Ask::get(DOCUMENT)).await;
    assert!(answer.body == document);
    assert_eq!(world.log.of(answer.exchange()).len(), 2, "opening and closing");
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("documents")
}

/// One of each format.
fn all() -> Vec<(DocumentFormat, Vec<u8>)> {
    vec![
        (Pdf, files::pdf_of(200_000)),
        (Tiff, files::tiff()),
        (Jpeg, files::jpeg()),
        (Rtf, files::rtf()),
        (Doc, files::ole(&["WordDocument"])),
        (Docx, files::docx_of(100_000)),
        (Xls, files::ole(&["Workbook"])),
        (Xlsx, office("xl", &[])),
        (Ppt, files::ole(&["PowerPoint Document"])),
        (Pptx, office("ppt", &[])),
        (Rar, files::rar5(&[("act.pdf", &files::pdf(), b"")])),
        (Zip, zip(&[entry("act.txt", "Акт")])),
    ]
}

fn sends(format: DocumentFormat, document: &[u8]) -> Ask {
    Ask::new("POST", DOCUMENTS).header("Content-Type", format.media_type()).bytes(document)
}

fn accepted() -> Reply {
    Reply::Json(200, serde_json::json!({ "code": "7" }))
}

fn document_of(format: DocumentFormat, document: &[u8]) -> Reply {
    Reply::With(200, vec![("Content-Type", format.media_type().into())], document.to_vec())
}

/// The head of an answer with a document of so many bytes.
fn head(format: DocumentFormat, bytes: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {bytes}\r\n\r\n", format.media_type())
        .into_bytes()
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(digest(&SHA256, bytes).as_ref().try_into().unwrap())
}
