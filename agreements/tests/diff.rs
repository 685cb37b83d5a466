//! Two versions point by point, and what is told before an agreement ends.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::Direction::{Narrower, Other, Wider};
use agreements::*;
use serde_json::{Value, json};
use support::*;

fn points(before: &Value, after: &Value) -> Vec<(String, Direction)> {
    let [before, after] = [before, after].map(|one| from_json::<AgreementText>(one.clone()));
    diff(&before, &after).into_iter().map(|point| (point.field, point.direction)).collect()
}

/// B4, B7: and the way back is the other way, but for what is neither.
#[test]
fn each_point_of_a_new_version_is_wider_narrower_or_merely_otherwise() {
    let first = personnel_agreement();
    for (pointer, value, field, direction) in [
        ("/data/0/operations", json!(["orders", "find"]), "data.record.operations", Wider),
        ("/data/0/fields", json!(["/name", "/orders/*/date", "/iin"]), "data.record.fields", Wider),
        ("/data/0/fields", json!(["/name"]), "data.record.fields", Narrower),
        ("/data/0/fields", json!(["/name", "/orders/0/date"]), "data.record.fields", Narrower),
        ("/data/0/excess", json!("refuse"), "data.record.excess", Narrower),
        ("/data/0/request_fields", json!(["/iin"]), "data.record.request_fields", Narrower),
        ("/data/0/request_excess", json!("refuse"), "data.record.request_excess", Narrower),
        ("/data/0/version", json!(2), "data.record.version", Other),
        ("/access_period/from", json!("2026-03-01"), "access_period.from", Wider),
        ("/access_period/until", json!("2026-12-30"), "access_period.until", Narrower),
        ("/access_period/days", json!(["monday"]), "access_period.days", Narrower),
        (
            "/access_period/hours",
            json!({ "from": "22:00", "until": "02:00" }),
            "access_period.hours",
            Narrower,
        ),
        ("/purposes/0/text", json!("Else"), "purposes.staffing", Other),
        ("/basis/0/clause", json!("9"), "basis", Other),
        ("/accounting/answer_after", json!("opened"), "accounting.answer_after", Wider),
        ("/accounting/case", json!("optional"), "accounting.case", Wider),
        ("/accounting/retention_years", json!(6), "accounting.retention_years", Narrower),
        ("/recovery/within_hours", json!(48), "recovery.within_hours", Wider),
        ("/protection/category", json!("state-secret"), "protection.category", Wider),
        ("/protection/users", json!("listed"), "protection.users", Wider),
        ("/protection/rate/per_second", json!(9), "protection.rate.per_second", Narrower),
        (
            "/protection/volume",
            json!({ "exchanges_per_day": 9 }),
            "protection.volume.exchanges_per_day",
            Narrower,
        ),
        ("/protection/volume", json!({ "bytes_per_day": 9 }), "protection.volume.bytes_per_day", Narrower),
        ("/protection/lease_seconds", Value::Null, "protection.lease_seconds", Wider),
        ("/protection/readiness_days", json!(30), "protection.readiness_days", Narrower),
        (
            "/protection/signatures",
            json!({ "messages": ["requests", "responses"] }),
            "protection.signatures.messages",
            Narrower,
        ),
        (
            "/protection/signatures",
            json!({ "documents": { "of": ["requests"], "kinds": ["pdf"] } }),
            "protection.signatures.documents",
            Narrower,
        ),
        ("/personal_data/consent", json!({ "issuers": ["insurer"] }), "personal_data.consent", Narrower),
        ("/personal_data/fields", json!([]), "personal_data", Other),
        ("/attachments", json!([]), "attachments", Other),
        ("/signers", json!({ "consumer": ["Head"] }), "signers", Other),
    ] {
        let second = with(first.clone(), pointer, value);
        assert_eq!(points(&first, &second), [(field.to_owned(), direction)], "{pointer}");
        let back = match direction {
            Wider => Narrower,
            Narrower => Wider,
            Other => Other,
        };
        assert_eq!(points(&second, &first), [(field.to_owned(), back)], "{pointer}, back");
    }
    assert_eq!(points(&first, &next_version(&first)), []);
}

/// B4, C5: who asks less of documents lets more pass.
#[test]
fn what_is_asked_of_signed_documents_is_compared_part_by_part() {
    let asked = json!({ "documents": {
        "of": ["requests"], "kinds": ["detached"], "signers": ["A", "B"], "least": 1, "within_days": 30, "stamped": false,
    }});
    let first = with(personnel_agreement(), "/protection/signatures", asked);
    for (member, value, direction) in [
        ("of", json!(["requests", "responses"]), Narrower),
        ("kinds", json!(["detached", "pdf"]), Wider),
        ("signers", json!(["A"]), Narrower),
        ("signers", json!([]), Wider),
        ("least", json!(2), Narrower),
        ("within_days", json!(7), Narrower),
        ("within_days", Value::Null, Wider),
        ("stamped", json!(true), Narrower),
    ] {
        let second = with(first.clone(), &format!("/protection/signatures/documents/{member}"), value);
        let field = format!("protection.signatures.documents.{member}");
        assert_eq!(points(&first, &second), [(field.clone(), direction)], "{member}");
        let back = if direction == Wider { Narrower } else { Wider };
        assert_eq!(points(&second, &first), [(field, back)], "{member}, back");
    }
}

/// B4
#[test]
fn what_comes_and_what_goes_are_two_points() {
    let first = personnel_agreement();
    let purposes = json!([{ "code": "reserve", "text": "t", "collection_purpose": "civil-service" }]);
    let hours = |from: &str, until: &str| json!({ "from": from, "until": until });
    let mornings = with(first.clone(), "/access_period/hours", hours("08:00", "12:00"));
    let nights = with(first.clone(), "/access_period/hours", hours("22:00", "10:00"));
    let both = |field: &str| vec![(field.to_owned(), Wider), (field.to_owned(), Narrower)];
    assert_eq!(points(&first, &with(first.clone(), "/purposes", purposes)), both("purposes"));
    assert_eq!(points(&mornings, &nights), both("access_period.hours"));
    // Of requests, nothing named is everything.
    let named = |fields: Value| with(first.clone(), "/data/0/request_fields", fields);
    assert_eq!(points(&named(json!(["/a"])), &named(json!(["/b"]))), both("data.record.request_fields"));
    assert_eq!(points(&first, &named(json!([""]))), []);
    let whole = with(first.clone(), "/data/0/fields", json!([""]));
    assert_eq!(points(&first, &whole), [("data.record.fields".to_owned(), Wider)]);
}

/// B9, B10: before the access period or the basis ends, and before a correction is due.
#[test]
fn who_agreed_is_told_before_it_ends() {
    let mut world = World::exchanging();
    let told = |world: &World, day: &str| {
        let all = notices(&world.registry, day.parse().unwrap());
        let ours = all.into_iter().filter_map(|one| match one.what {
            Matter::Agreement(what) => Some((one.severity, one.about, what, one.concerns)),
            _ => None,
        });
        ours.collect::<Vec<_>>()
    };
    let about = || "agreement portal-personnel version 1".to_owned();
    let holders = || vec![bin(MINISTRY), bin(AGENCY)];
    let ends = |severity| (severity, about(), "the access period ends".to_owned(), holders());
    assert_eq!(told(&world, "2026-10-31"), []);
    assert_eq!(told(&world, "2026-11-01"), [ends(Severity::Ahead)]);
    assert_eq!(told(&world, "2026-12-01"), [ends(Severity::Soon)]);
    assert_eq!(told(&world, "2026-12-24"), [ends(Severity::Urgent)]);

    let act = ActId::new("hr-order").unwrap();
    let last_day = "2026-04-30".parse().unwrap();
    let agreements_until = Some("2026-06-11".parse().unwrap());
    let version = "2003-07-08".to_owned();
    world.must(regulator(), Command::RepealAct { act, version, last_day, successor: None, agreements_until });
    let what = "its basis, act hr-order 2003-07-08, ends".to_owned();
    assert_eq!(told(&world, "2026-06-10"), [(Severity::Urgent, about(), what, holders())]);

    let order = Order::CorrectBy("2026-03-20".parse().unwrap());
    world.must(regulator(), prescription("p-1", Target::System(system("portal")), order));
    let due = ("prescription p-1".to_owned(), "a correction is due".to_owned(), vec![bin(MINISTRY)]);
    assert_eq!(told(&world, "2026-03-10"), [(Severity::Soon, due.0, due.1, due.2)]);
    world.must(regulator(), lifting("p-1"));
    assert_eq!(told(&world, "2026-03-10"), []);
}
