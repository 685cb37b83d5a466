//! Personal data: what an agreement says of it, who may ask, and what becomes of agreements when data becomes personal.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use Category::{Confidential, OfficialUse, Personal, Public, Restricted, Special, StateSecret};
use agreements::*;
use serde_json::{Value, json};
use support::*;

/// B2, B7: the collection purpose is stated, is the right one, and each field that is released has its item of
/// the approved list, itself or by one above it.
#[test]
fn where_personal_data_passes_the_collection_purpose_is_stated() {
    let none = without(personnel_agreement(), "personal_data");
    assert_eq!(faults(&none), [("personal_data".to_owned(), "Law 4.2.11")]);
    for (pointer, value, field, clause) in [
        ("/personal_data/collection_purpose", json!("taxation"), "personal_data", "Law 4.2.11"),
        ("/personal_data/fields", json!([]), "personal_data", "Law 5.12"),
        ("/personal_data/fields/0/approved_list_item", json!(" "), "personal_data", "Law 5.12"),
        ("/purposes/0/collection_purpose", json!("taxation"), "purposes", "Law 4.2.11"),
        ("/purposes/0/collection_purpose", Value::Null, "purposes", "Law 4.2.11"),
        ("/data/0/fields", json!([""]), "data", "Law 4.2.11"),
        ("/data/0/fields", json!(["/name", "/names"]), "personal_data", "Law 5.12"),
        ("/personal_data/fields/1/field", json!("/orders/0/date"), "personal_data", "Law 5.12"),
        ("/protection/users", json!("any"), "protection", "HR 20-21; Law 4.2.11"),
    ] {
        let faulty = with(personnel_agreement(), pointer, value.clone());
        assert_eq!(faults(&faulty), [(field.to_owned(), clause)], "{pointer} {value}");
    }
    for fields in [json!(["/*"]), json!(["/name", "/orders/*"])] {
        let all = with(personnel_agreement(), "/data/0/fields", fields.clone());
        let told = faults(&all);
        assert!(
            told.contains(&("data".to_owned(), "Law 4.2.11")),
            "{fields} names all that may come: {told:?}"
        );
    }
    assert_eq!(faults(&address_agreement()), []);
}

/// B7: a consent is of one person, whom the request names, and of an issuer that is somebody else.
#[test]
fn a_consent_is_demanded_only_where_there_can_be_one() {
    let demanding =
        |issuers: Value| with(personnel_agreement(), "/personal_data/consent", json!({ "issuers": issuers }));
    let wrong = [("personal_data".to_owned(), "Law 4.2.11")];
    assert_eq!(faults(&demanding(json!(["address-register"]))), []);
    for issuers in [json!([]), json!(["nobody"]), json!(["portal"]), json!(vec!["address-register"; 11])] {
        assert_eq!(faults(&demanding(issuers.clone())), wrong, "{issuers}");
    }
    let mut world = World::registered();
    let mut newer = DataType { version: 2, ..record() };
    newer.operations[0].subject = Some(SubjectPlace::Response("/iin".into()));
    world.must(officer(AGENCY), Command::PublishDataType { data_type: newer });
    let told = with(demanding(json!(["address-register"])), "/data/0/version", json!(2));
    assert_eq!(faults_in(&world, &told), wrong, "who is only told of was not asked");
}

/// B8: what was raised since publication stays so until its holder decides otherwise.
#[test]
fn a_new_version_of_a_data_type_raises_its_category_and_never_lowers_it() {
    let mut world = World::registered();
    let (provider, id) = (system("address-register"), DataTypeId::new("address").unwrap());
    let publish = |version, category| Command::PublishDataType {
        data_type: DataType { version, category, ..address() },
    };
    let decide =
        |category| Command::Categorise { provider: provider.clone(), data_type: id.clone(), category };
    for (command, category) in [
        (decide(StateSecret), StateSecret),
        (publish(2, Public), StateSecret),
        (decide(Restricted), Restricted),
        (publish(3, Confidential), Confidential),
        (publish(4, OfficialUse), Confidential),
    ] {
        world.must(officer(OFFICE), command.clone());
        assert_eq!(world.registry.category(&provider, &id), Some(category), "{command:?}");
    }
}

/// B1, B8: each category is above the one before it, and the last one never passes.
#[test]
fn categories_are_in_order_and_an_agreement_lowers_none() {
    let all = [Public, Restricted, OfficialUse, Personal, Special, Confidential, StateSecret];
    assert!(all.is_sorted());
    let mut world = World::registered();
    world.must(officer(AGENCY), categorise(Special));
    let special = with(personnel_agreement(), "/protection/category", json!("special"));
    assert_eq!(faults_in(&world, &special), []);
    let lower = with(special, "/protection/category", json!("personal"));
    assert_eq!(faults_in(&world, &lower), [("protection".to_owned(), "Interaction 4")]);
}

/// B7, B8: the mark of personal data travels with it, and nothing bears it of which nobody knows why it was collected.
#[test]
fn data_is_personal_by_its_category_exactly_where_it_says_what_for_it_was_collected() {
    let mut world = World::registered();
    let publish = |data_type| Command::PublishDataType { data_type };
    let mut wrong = |holder, command: Command| {
        let error = world.refused(officer(holder), command.clone());
        assert_eq!(error.code(), "data-type-wrong", "{command:?}: {error}");
    };
    for category in [Personal, Special] {
        wrong(AGENCY, publish(DataType { version: 2, category, personal: None, ..record() }));
        wrong(OFFICE, publish(DataType { version: 2, category, ..address() }));
        wrong(OFFICE, of_addresses(category));
    }
    for category in [Public, Restricted, OfficialUse] {
        wrong(AGENCY, publish(DataType { version: 2, category, ..record() }));
        wrong(AGENCY, categorise(category));
    }
    for category in [Personal, Special, Confidential, StateSecret, Personal] {
        world.must(officer(AGENCY), categorise(category));
    }
    // What is personal stays so: a version that says nothing of it would pass under the same code.
    let bare = publish(DataType { version: 2, category: Public, personal: None, ..record() });
    assert_eq!(world.refused(officer(AGENCY), bare).code(), "data-type-wrong");
    let newer = DataType { version: 2, category: Personal, personal: record().personal, ..address() };
    world.must(officer(OFFICE), publish(newer));
    world.must(officer(OFFICE), of_addresses(Special));
    assert_eq!(world.refused(officer(OFFICE), of_addresses(Restricted)).code(), "data-type-wrong");
}

/// B6, B7, B8: agreements that were in force before obey it too, from the next call on.
#[test]
fn personal_data_passes_to_listed_officials_or_with_consent_whatever_was_signed() {
    // Nothing passes the lint that way now: it was signed under an earlier build.
    let signed = |text: Value| {
        let registry = edited(|event| match event {
            Event::AgreementDrafted { document } => *document = text.to_string(),
            Event::AgreementSubmitted { fits, .. } => fits.clear(),
            _ => {}
        });
        answer(&book(&registry), &call(), at(MORNING))
    };
    let any = with(personnel_agreement(), "/protection/users", json!("any"));
    assert_eq!(signed(any.clone()), "users-not-limited");
    let consented = with(any, "/personal_data/consent", json!({ "issuers": ["address-register"] }));
    assert_eq!(signed(consented), "permit");
    assert_eq!(signed(with(personnel_agreement(), "/protection/users", json!("listed"))), "permit");
}

/// B7, B8: of data that became personal after it was published nobody knows whether a purpose is the right one.
#[test]
fn data_that_became_personal_does_not_pass_in_a_version_that_does_not_say_what_for_it_was_collected() {
    for (category, expected) in [
        (Confidential, "permit"),
        (Personal, "collection-purpose-unknown"),
        (Special, "collection-purpose-unknown"),
    ] {
        let registry = edited(|event| {
            if let Event::DataTypePublished { data_type } = event
                && data_type.id == record().id
            {
                (data_type.personal, data_type.category) = (None, category);
            }
        });
        assert_eq!(answer(&book(&registry), &call(), at(MORNING)), expected, "{category:?}");
        let problems = lint(&next_version(&personnel_agreement()), &registry).err().unwrap_or_default();
        assert_eq!(problems.iter().any(|one| one.field == "data"), expected != "permit", "{problems:?}");
    }
}

/// B7: a new version of the agreement's data type does not change what was signed; the signed text decides.
#[test]
fn personal_data_is_used_only_for_what_it_was_collected_for() {
    // Nothing passes the lint that way: the store was changed behind the program's back.
    for (pointer, value) in [
        ("/personal_data/collection_purpose", json!("taxation")),
        ("/purposes/0/collection_purpose", json!("taxation")),
    ] {
        let forged = with(personnel_agreement(), pointer, value).to_string();
        let registry = edited(|event| {
            if let Event::AgreementDrafted { document } = event {
                document.clone_from(&forged);
            }
        });
        let code = answer(&book(&registry), &call(), at(MORNING));
        assert_eq!(code, "collection-purpose-mismatch", "{pointer}");
    }
}

/// A Tuesday morning.
const MORNING: &str = "2026-03-10T10:00:00+05:00";

/// What the registry of an exchanging world is where its events are otherwise: as an earlier build let them be, or as
/// somebody changed the store behind the program's back.
fn edited(change: impl Fn(&mut Event)) -> Registry {
    let mut registry = Registry::default();
    for recorded in &World::exchanging().log {
        let mut recorded = recorded.clone();
        change(&mut recorded.event);
        registry.apply(&recorded).unwrap();
    }
    registry
}

fn book(registry: &Registry) -> Book {
    Book::new(registry, Phase::Production, &|_| Ok(()))
}

fn categorise(category: Category) -> Command {
    Command::Categorise { provider: system("personnel"), data_type: record().id, category }
}

fn of_addresses(category: Category) -> Command {
    Command::Categorise { provider: system("address-register"), data_type: address().id, category }
}

fn faults(draft: &Value) -> Vec<(String, &'static str)> {
    faults_in(&World::registered(), draft)
}

fn faults_in(world: &World, draft: &Value) -> Vec<(String, &'static str)> {
    let problems = lint(draft, &world.registry).map_or_else(|problems| problems, |_| vec![]);
    problems.into_iter().map(|problem| (problem.field, problem.clause)).collect()
}
