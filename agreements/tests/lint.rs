//! What a draft may lack and how the lint says so; and the published schema, which says the same beforehand.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use support::*;

/// B2
#[test]
fn a_draft_without_one_of_the_seven_fields_cannot_be_signed() {
    for (field, clause) in SEVEN_FIELDS {
        for lacking in [
            without(personnel_agreement(), field),
            with(personnel_agreement(), &format!("/{field}"), Value::Null),
        ] {
            assert_eq!(faults(&lacking), [(field.to_owned(), clause)]);
            let mut world = World::registered();
            world.draft(&lacking);
            let error = world.refused(officer(MINISTRY), sign(&lacking, Side::Consumer, MINISTRY));
            assert!(matches!(error, CommandError::Draft(_)), "{error}");
        }
    }
    let nothing = json!({ "data": [], "purposes": [], "basis": [] });
    assert_eq!(faults(&nothing).len(), 7);
}

/// B2, B10: what is said must be something.
#[test]
fn a_field_that_says_nothing_is_not_stated() {
    for (pointer, value, field, clause) in [
        ("/access_period/until", json!("2026-03-01"), "access_period", "Interaction 17.2"),
        (
            "/access_period/hours",
            json!({ "from": "09:00", "until": "09:00" }),
            "access_period",
            "Interaction 17.2",
        ),
        ("/data/0/operations", json!([]), "data", "Interaction 17.1"),
        ("/data/0/operations", json!(["guess"]), "data", "Interaction 17.1"),
        ("/data/0/fields", json!(["name"]), "data", "Interaction 17.1"),
        ("/data/0/fields", json!([]), "data", "Law 4.2.11"),
        ("/data/0/version", json!(2), "data", "Interaction 17.1"),
        ("/purposes/0/text", json!(" "), "purposes", "Interaction 17.3"),
        ("/basis/0", json!(["hr-order", "2003-07-08", "8.2", "act"]), "", "Interaction 17"),
        ("/recovery", json!([24, "Ask again"]), "", "Interaction 17"),
        ("/basis/0/clause", json!(""), "basis", "Interaction 17.4"),
        ("/basis/0/version", json!("1999"), "basis", "Interaction 17.4"),
        ("/accounting/text", json!(""), "accounting", "Interaction 17.5"),
        ("/recovery/text", json!("\t"), "recovery", "Interaction 17.6"),
        ("/protection/text", json!(""), "protection", "Interaction 17.7"),
        ("/protection/rate/burst", json!(0), "protection", "Interaction 17.7"),
        ("/accounting/retention_years", json!(0), "accounting", "Interaction 17.5"),
        ("/recovery/within_hours", json!(0), "recovery", "Interaction 17.6"),
        ("/consumer", json!("nobody"), "consumer", "Interaction 16"),
        ("/consumer", json!("personnel"), "provider", "Interaction 16"),
        ("/version", json!(0), "version", "Interaction 10"),
        ("/attachments/0/sha256", json!("a7"), "attachments", "Portal 65"),
    ] {
        let faulty = with(personnel_agreement(), pointer, value.clone());
        assert_eq!(faults(&faulty), [(field.to_owned(), clause)], "{pointer} {value}");
    }
    let purpose = personnel_agreement()["purposes"][0].clone();
    let twice = with(personnel_agreement(), "/purposes", json!([purpose, purpose]));
    assert_eq!(faults(&twice), [("purposes".to_owned(), "Interaction 17.3")]);
    let grant = personnel_agreement()["data"][0].clone();
    let twice = with(personnel_agreement(), "/data", json!([grant, grant]));
    assert_eq!(faults(&twice), [("data".to_owned(), "Interaction 17.1")]);
}

/// B7: what is said of requests means something; of whoever says nothing, the schema is the only bound, and that is said.
#[test]
fn fields_of_requests_are_named_where_there_are_any_and_silence_is_remarked_on() {
    let world = World::registered();
    let schema = schema();
    let asks = |operation: &str, more: Value| {
        let mut agreement = address_agreement();
        agreement["data"][0]["operations"] = json!([operation]);
        agreement["data"][0].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        agreement
    };
    let remarked = |agreement: &Value| remarks(&from_json(agreement.clone()), &world.registry).len();
    for (operation, more, remarks) in [
        ("lookup", json!({}), 0),
        ("correct", json!({}), 1),
        ("correct", json!({ "request_fields": null }), 1),
        ("correct", json!({ "request_fields": ["/code"] }), 0),
        ("correct", json!({ "request_fields": [""], "request_excess": "refuse" }), 0),
    ] {
        let agreement = asks(operation, more);
        assert_eq!((faults(&agreement), remarked(&agreement)), (Vec::new(), remarks), "{agreement}");
        assert!(schema.is_valid(&agreement), "{agreement}");
    }
    for (operation, more, clause) in [
        ("lookup", json!({ "request_fields": ["/code"] }), "Law 4.2.11"),
        ("correct", json!({ "request_excess": "refuse" }), "Law 4.2.11"),
        ("correct", json!({ "request_fields": [] }), "Law 4.2.11"),
        ("correct", json!({ "request_fields": ["code"] }), "Interaction 17.1"),
    ] {
        let agreement = asks(operation, more);
        assert_eq!(faults(&agreement), [("data".to_owned(), clause)], "{agreement}");
    }
}

/// B2.7
#[test]
fn a_volume_is_of_something_and_allows_something() {
    let (schema, asks) = (schema(), |value| with(personnel_agreement(), "/protection/volume", value));
    let most = (1_u64 << 53) - 1;
    for some in [
        json!(null),
        json!({ "exchanges_per_day": 1 }),
        json!({ "bytes_per_day": most, "exchanges_per_day": null }),
        json!({ "exchanges_per_day": 1000, "bytes_per_day": 1_000_000 }),
    ] {
        assert_eq!(faults(&asks(some.clone())), [], "{some}");
        assert!(schema.is_valid(&asks(some)));
    }
    for wrong in [
        json!({}),
        json!({ "exchanges_per_day": null }),
        json!({ "exchanges_per_day": 0 }),
        json!({ "exchanges_per_day": 1, "bytes_per_day": 0 }),
        json!({ "bytes_per_day": most + 1 }),
    ] {
        assert_eq!(faults(&asks(wrong.clone())), [("protection".to_owned(), "Interaction 17.7")], "{wrong}");
    }
}

/// C5
#[test]
fn signatures_are_asked_for_once_each_way_and_the_schema_says_the_same() {
    let (schema, asks) = (schema(), |value| with(personnel_agreement(), "/protection/signatures", value));
    for some in [
        json!({}),
        json!(null),
        json!({ "messages": [] }),
        json!({ "messages": ["requests"] }),
        json!({ "messages": ["responses", "requests"] }),
    ] {
        assert_eq!(faults(&asks(some.clone())), [], "{some}");
        assert!(schema.is_valid(&asks(some.clone())), "{some}");
    }
    let documents = |change: Value| {
        let mut asked = json!({ "of": ["requests"], "kinds": ["detached", "pdf"], "signers": ["A", "B"] });
        for (name, value) in change.as_object().unwrap() {
            asked[name] = value.clone();
        }
        asks(json!({ "documents": asked }))
    };
    for some in [json!({}), json!({ "least": 2 }), json!({ "signers": [], "least": 3, "within_days": 1 })] {
        assert_eq!(faults(&documents(some.clone())), [], "{some}");
        assert!(schema.is_valid(&documents(some)));
    }
    let more_than_may = documents(json!({ "least": 3 }));
    assert_eq!(faults(&more_than_may), [("protection".to_owned(), "Portal 61")]);
    for wrong in [
        asks(json!({ "messages": ["requests", "requests"] })),
        documents(json!({ "of": [] })),
        documents(json!({ "kinds": [] })),
        documents(json!({ "kinds": ["pdf", "pdf"] })),
        documents(json!({ "signers": [" "] })),
        documents(json!({ "signers": ["A", "A"] })),
        documents(json!({ "least": 0 })),
        documents(json!({ "within_days": 0 })),
    ] {
        assert_eq!(faults(&wrong), [("protection".to_owned(), "Portal 61")], "{wrong}");
        assert!(!schema.is_valid(&wrong));
    }
    for unreadable in [json!({ "messages": ["all"] }), json!({ "message": ["requests"] }), json!(true)] {
        assert_eq!(faults(&asks(unreadable.clone())), [(String::new(), "Interaction 17")], "{unreadable}");
        assert!(!schema.is_valid(&asks(unreadable)));
    }
}

/// D1: what an agreement says fits into each entry about it; the published schema and the lint draw the same bounds.
#[test]
fn an_agreement_of_more_words_or_parts_than_an_entry_holds_is_refused() {
    let schema = schema();
    let fits = personnel_agreement();
    for (pointer, most, field, clause) in [
        ("/purposes/0/text", 500, "purposes", "Interaction 17.3"),
        ("/basis/0/clause", 100, "basis", "Interaction 17.4"),
        ("/accounting/text", 500, "accounting", "Interaction 17.5"),
        ("/recovery/text", 500, "recovery", "Interaction 17.6"),
        ("/protection/text", 500, "protection", "Interaction 17.7"),
        ("/personal_data/fields/0/approved_list_item", 500, "personal_data", "Law 5.12"),
        ("/attachments/0/title", 500, "attachments", "Portal 65"),
    ] {
        let words = |count| with(fits.clone(), pointer, json!("\u{449}".repeat(count)));
        assert_eq!(faults(&words(most)), [], "{pointer}");
        assert!(schema.is_valid(&words(most)), "{pointer}");
        assert_eq!(faults(&words(most + 1)), [(field.to_owned(), clause)], "{pointer}");
        assert!(!schema.is_valid(&words(most + 1)), "{pointer}");
    }
    for (member, most, clause) in [
        ("data", 200, "Interaction 17.1"),
        ("purposes", 100, "Interaction 17.3"),
        ("basis", 20, "Interaction 17.4"),
    ] {
        let parts = |count| with(fits.clone(), &format!("/{member}"), json!(vec![&fits[member][0]; count]));
        let message = format!("{} entries; at most {most}", most + 1);
        let said = |draft: &Value| {
            let problems = lint(draft, &World::registered().registry).err().unwrap_or_default();
            problems.iter().any(|one| one.field == member && one.clause == clause && one.message == message)
        };
        assert!(!said(&parts(most)) && schema.is_valid(&parts(most)), "{member}");
        assert!(said(&parts(most + 1)) && !schema.is_valid(&parts(most + 1)), "{member}");
    }
    // Escaped six times as long, so bounds of characters and parts alone are not enough.
    let mut basis = fits["basis"][0].clone();
    basis["clause"] = json!("8\u{1}".repeat(50));
    let escaped = with(fits, "/basis", json!(vec![basis; 20]));
    assert_eq!(faults(&escaped), [("basis".to_owned(), "Interaction 17.4")]);
}

/// B1, B8
#[test]
fn an_agreement_cannot_lower_the_category_nor_pass_a_state_secret() {
    for category in ["public", "restricted", "official-use"] {
        let lowered = with(personnel_agreement(), "/protection/category", json!(category));
        assert_eq!(faults(&lowered), [("protection".to_owned(), "Interaction 4")], "{category}");
    }
    let mut world = World::registered();
    let data_type = DataTypeId::new("record").unwrap();
    let category = Category::StateSecret;
    let provider = system("personnel");
    world.must(officer(AGENCY), Command::Categorise { provider, data_type, category });
    let highest = with(personnel_agreement(), "/protection/category", json!("state-secret"));
    assert_eq!(faults_in(&world, &highest), [("data".to_owned(), "Portal 3")]);
}

/// B2
#[test]
fn the_published_schema_takes_complete_agreements_and_none_that_lacks_a_field() {
    let schema = schema();
    for complete in [personnel_agreement(), address_agreement()] {
        schema.validate(&complete).unwrap();
        let members: Vec<String> = complete.as_object().unwrap().keys().cloned().collect();
        for member in members.iter().filter(|one| !["attachments", "personal_data"].contains(&one.as_str())) {
            assert!(!schema.is_valid(&without(complete.clone(), member)), "{member}");
        }
    }
}

/// Each object is closed, and each member says what it is.
#[test]
fn the_published_schema_documents_every_member_and_admits_no_other() {
    fn walk(place: &str, schema: &Value) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], json!(false), "{place}");
            for (name, member) in properties {
                let place = format!("{place}/{name}");
                for words in ["title", "description"] {
                    let words = member[words].as_str().unwrap_or_default();
                    assert!(!words.is_empty(), "{place}: {member}");
                }
                walk(&place, member);
            }
        }
        for member in ["items", "anyOf", "$defs"] {
            match schema.get(member) {
                Some(Value::Array(all)) => all.iter().for_each(|one| walk(place, one)),
                Some(Value::Object(all)) if member == "$defs" => {
                    all.iter().for_each(|(name, one)| walk(name, one))
                }
                Some(one) => walk(place, one),
                None => {}
            }
        }
    }
    walk("", &document_schema());
}

/// What the schema takes, serde reads; what serde reads and the lint lets pass, the schema takes; and what was read is
/// written back the same way.
#[test]
fn schema_and_types_agree_on_random_mutations_of_the_sample() {
    let schema = schema();
    let world = World::registered();
    let mutations = prop::collection::vec((any::<Index>(), mutation()), 1..3);
    let config = ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let counts = std::cell::Cell::new((0, 0));
    let verdict = runner.run(&(any::<bool>(), mutations), |(personal, mutations)| {
        let mut agreement = if personal { personnel_agreement() } else { address_agreement() };
        for (place, mutation) in &mutations {
            let mut places = Vec::new();
            collect(&agreement, String::new(), &mut places);
            mutation.make(&mut agreement, place.get::<String>(&places));
        }
        let read = serde_json::from_value::<AgreementText>(agreement.clone());
        let valid = schema.is_valid(&agreement);
        let (mut taken, mut refused) = counts.get();
        match &read {
            Ok(text) => {
                let again: AgreementText = from_json(serde_json::to_value(text).unwrap());
                prop_assert_eq!(text, &again);
                let lint = lint(&agreement, &world.registry);
                prop_assert!(valid || lint.is_err(), "refused by the schema alone: {agreement}");
                taken += u32::from(valid);
            }
            Err(error) => {
                prop_assert!(!valid, "taken by the schema, but {error}: {agreement}");
                refused += 1;
            }
        }
        counts.set((taken, refused));
        Ok(())
    });
    if let Err(failure) = verdict {
        panic!("{failure}");
    }
    let (taken, refused) = counts.get();
    assert!(taken > 200 && refused > 200, "{taken} taken and {refused} refused show too little");
}

#[derive(Debug, Clone)]
enum Mutation {
    Remove,
    Replace(Value),
    Add,
    Repeat,
}

impl Mutation {
    fn make(&self, agreement: &mut Value, place: &str) {
        let Some((parent, member)) = place.rsplit_once('/') else { return };
        match self {
            Self::Replace(value) => *agreement.pointer_mut(place).unwrap() = value.clone(),
            Self::Remove => match agreement.pointer_mut(parent).unwrap() {
                Value::Object(members) => drop(members.remove(member)),
                Value::Array(items) => drop(items.remove(member.parse().unwrap())),
                _ => {}
            },
            Self::Add => {
                if let Value::Object(members) = agreement.pointer_mut(parent).unwrap() {
                    members.insert("other".into(), json!(1));
                }
            }
            Self::Repeat => {
                if let Value::Array(items) = agreement.pointer_mut(parent).unwrap() {
                    items.push(items[0].clone());
                }
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let words =
        ["", " ", "a", "A", "a..b", ".a", "a.", "restricted", "any", "listed", "required", "act", "treaty"];
    let more = [
        "2026-02-30",
        "2026-13-01",
        "2026-04-01",
        "26-04-01",
        "24:00",
        "23:59",
        "23:59:30",
        "9:00",
        "/a",
        "monday",
    ];
    let long = ["a".repeat(64), "a".repeat(65), "A7".repeat(32), "a7".repeat(33)];
    let texts = words.iter().chain(&more).map(|text| json!(text)).chain(long.iter().map(|text| json!(text)));
    let numbers =
        [0, 1, 255, 65_535, 65_536, 4_294_967_295, 4_294_967_296_i64, -1].map(|number| json!(number));
    let others = [
        Value::Null,
        json!(true),
        json!(1.5),
        json!([]),
        json!({}),
        json!([""]),
        json!(["a"]),
        json!(["monday", "sunday", "monday"]),
        json!({ "from": "08:00", "until": "18:30:15" }),
        json!({ "from": "8", "until": "18:00" }),
        json!({ "per_second": 1, "burst": 1 }),
    ];
    let values: Vec<Value> = texts.chain(numbers).chain(others).collect();
    prop_oneof![
        1 => Just(Mutation::Remove),
        1 => Just(Mutation::Add),
        1 => Just(Mutation::Repeat),
        6 => select(values).prop_map(Mutation::Replace),
    ]
}

/// Every place below the root, as JSON Pointers.
fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, one)| collect(one, format!("{at}/{name}"), places))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, one)| collect(one, format!("{at}/{index}"), places));
        }
        _ => {}
    }
    places.push(at);
}

fn faults(draft: &Value) -> Vec<(String, &'static str)> {
    faults_in(&World::registered(), draft)
}

fn faults_in(world: &World, draft: &Value) -> Vec<(String, &'static str)> {
    let problems = lint(draft, &world.registry).map_or_else(|problems| problems, |_| vec![]);
    problems.into_iter().map(|problem| (problem.field, problem.clause)).collect()
}

fn document_schema() -> Value {
    serde_json::from_str(include_str!("../agreement.schema.json")).unwrap()
}

fn schema() -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(&document_schema()).unwrap()
}

/// B3: what goes to the regulator with the agreement is attached to it, and under the signatures.
#[test]
fn papers_of_both_systems_are_attached_to_a_draft_and_must_be_when_it_is_submitted() {
    let mut world = World::registered();
    let renew = |id: &str, digest: &str| {
        let conformity = Conformity { document: Some(digest.repeat(32)), ..conformity(id) };
        Command::RecordAttestation { system: system(id), conformity }
    };
    world.must(integrator(), renew("portal", "c1"));
    world.must(integrator(), renew("personnel", "c2"));
    let agreement = personnel_agreement();
    world.draft(&agreement);
    world.sign_both(&agreement);
    let (number, version) = key(&agreement);
    let submit = Command::SubmitAgreement { number, version };
    let bare = world.refused(officer(MINISTRY), submit);
    assert_eq!(bare, CommandError::PaperNotAttached { paper: "portal attestation No portal".into() });

    let second = with_papers(next_version(&agreement), &world.registry);
    let attached: Vec<_> =
        second["attachments"].as_array().unwrap().iter().map(|one| &one["title"]).collect();
    assert_eq!(attached, ["Protocol", "portal attestation No portal", "personnel attestation No personnel"]);
    assert_eq!(with_papers(second.clone(), &world.registry), second, "once is enough");
    world.conclude(&second);
    // A paper that was renewed since is not the one that was signed.
    let third = with_papers(next_version(&second), &world.registry);
    world.draft(&third);
    world.sign_both(&third);
    world.must(integrator(), renew("portal", "c3"));
    let (number, version) = key(&third);
    let stale = world.refused(officer(MINISTRY), Command::SubmitAgreement { number, version });
    assert_eq!(stale.code(), "paper-not-attached");
}

#[test]
fn a_draft_that_is_none_gets_no_papers() {
    let world = World::registered();
    for draft in [json!(null), json!([]), json!({ "consumer": 1 }), json!({ "consumer": "nobody" })] {
        assert_eq!(with_papers(draft.clone(), &world.registry), draft);
    }
}

/// B6, HR 26.9: what an act asks of officials, each agreement on it asks too.
#[test]
fn an_agreement_on_an_act_of_personnel_exchanges_asks_for_listed_and_trained_officials() {
    let mut world = World::registered();
    let marked = Act { officials: Users::ListedAndTrained, ..act("hr-exchange", "2003-07-08") };
    world.must(regulator(), Command::RecordAct { act: marked });
    let asked = [("protection".to_owned(), "HR 20-21, 26.9")];
    for agreement in [personnel_agreement(), address_agreement()] {
        let on_it = json!({ "act": "hr-exchange", "version": "2003-07-08", "clause": "16" });
        let bases = json!([agreement["basis"][0], on_it]);
        let on_it = with(agreement, "/basis", bases);
        for (users, wrong) in [("any", true), ("listed", true), ("listed-and-trained", false)] {
            let said = faults_in(&world, &with(on_it.clone(), "/protection/users", json!(users)));
            assert_eq!(said.contains(&asked[0]), wrong, "{users}: {said:?}");
        }
    }
    assert_eq!(faults_in(&world, &address_agreement()), [], "another act asks for nothing");
}
