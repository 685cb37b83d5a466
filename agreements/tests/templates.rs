//! Templates: how far agreements for a purpose may go, and how one that goes beyond is told.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use serde_json::{Value, json};
use support::*;

fn published() -> World {
    let mut world = World::registered();
    world.must(regulator(), Command::PublishTemplate { template: template() });
    world
}

/// The points in which an agreement goes beyond the template of staffing.
fn wider(world: &World, agreement: &Value) -> Vec<String> {
    let text: AgreementText = from_json(agreement.clone());
    let fit = fits(&text, &world.registry).remove(0);
    assert_eq!((fit.purpose.as_str(), fit.template), ("staffing", Some(1)));
    assert_eq!(fit.is_within(), fit.wider.is_empty());
    let shown = |point: Point| format!("{}: {} -> {}", point.field, point.before, point.after);
    fit.wider.into_iter().map(shown).collect()
}

/// B2: an agreement that says no more than its template is within it; less is within it too.
#[test]
fn an_agreement_within_its_template_is_said_to_be() {
    let world = published();
    assert_eq!(wider(&world, &personnel_agreement()), [""; 0]);
    let narrower = with(personnel_agreement(), "/access_period/until", json!("2026-06-30"));
    let narrower = with(narrower, "/protection/rate", json!({ "per_second": 1, "burst": 1 }));
    assert_eq!(wider(&world, &with(narrower, "/data/0/fields", json!(["/name"]))), [""; 0]);
}

/// B2: each point that goes beyond is named, with the bound.
#[test]
fn an_agreement_wider_than_its_template_is_told_in_which_points() {
    let world = published();
    for (pointer, value, point) in [
        ("/access_period/until", json!("2027-01-01"), "access_period.until: 2026-12-31 -> 2027-01-01"),
        ("/access_period/from", json!("2026-02-01"), "access_period.until: 2026-12-02 -> 2026-12-31"),
        ("/protection/rate/burst", json!(21), "protection.rate.burst: 20 -> 21"),
        ("/protection/category", json!("state-secret"), "protection.category: confidential -> state-secret"),
        ("/protection/users", json!("listed"), "protection.users: listed-and-trained -> listed"),
        ("/data/0/operations", json!(["orders", "find"]), "data.record.operations:  -> find"),
        ("/data/0/fields", json!(["/name", "/iin"]), "data.record.fields:  -> /iin"),
        ("/data/0/data_type", json!("other"), "data:  -> other"),
        ("/provider", json!("address-register"), "data:  -> record"),
    ] {
        assert_eq!(wider(&world, &with(personnel_agreement(), pointer, value)), [point]);
    }
}

/// What a template does not bound is left to the parties, and a purpose without one is judged by nobody.
#[test]
fn what_is_not_bounded_is_left_to_the_parties() {
    let mut world = World::registered();
    let open = Template {
        most_days: None,
        until: None,
        rate: None,
        category: None,
        users: None,
        data: vec![],
        ..template()
    };
    let text: AgreementText = from_json(personnel_agreement());
    let fit = fits(&text, &world.registry).remove(0);
    assert_eq!((fit.template, fit.is_within()), (None, false));
    world.must(regulator(), Command::PublishTemplate { template: open });
    assert!(fits(&text, &world.registry)[0].is_within());
}

/// E4: the regulator's, version by version; the newest holds.
#[test]
fn templates_are_the_regulators_and_the_newest_holds() {
    let mut world = published();
    let publish = |change: fn(&mut Template)| {
        let mut template = Template { version: 2, ..template() };
        change(&mut template);
        Command::PublishTemplate { template }
    };
    let officer = world.refused(officer(MINISTRY), publish(|_| {}));
    assert_eq!(officer, CommandError::NotInRole { role: Role::HolderOfficer });
    for spoil in [
        (|one| one.version = 3) as fn(&mut Template),
        |one| one.version = 1,
        |one| one.title = Words::default(),
        |one| one.most_days = Some(0),
        |one| one.rate = Some(Rate { per_second: 0, burst: 1 }),
        |one| one.data[0].fields = vec!["name".into()],
    ] {
        assert_eq!(world.refused(regulator(), publish(spoil)).code(), "template-unfit");
    }
    let unknown = |one: &mut Template| one.data[0].data_type = DataTypeId::new("nothing").unwrap();
    assert_eq!(world.refused(regulator(), publish(unknown)).code(), "unknown");
    world.must(regulator(), publish(|one| one.until = Some("2027-12-31".parse().unwrap())));
    let purpose = Purpose::new("staffing").unwrap();
    assert_eq!(world.registry.template(&purpose).unwrap().version, 2);
    assert_eq!(world.registry.templates_of(&purpose).count(), 2);
}

/// E4: what the regulator recalls holds no more, and is not forgotten; another may follow.
#[test]
fn a_recalled_template_judges_nobody_until_another_is_published() {
    let mut world = published();
    let text: AgreementText = from_json(personnel_agreement());
    let purpose = Purpose::new("staffing").unwrap();
    let recall = |version| Command::RecallTemplate { purpose: Purpose::new("staffing").unwrap(), version };
    let officer = world.refused(officer(MINISTRY), recall(1));
    assert_eq!(officer, CommandError::NotInRole { role: Role::HolderOfficer });
    assert_eq!(world.refused(regulator(), recall(2)).code(), "unknown");
    assert_eq!(world.run_because(regulator(), recall(1), " ").unwrap_err().code(), "no-reason");
    world.must(regulator(), recall(1));
    assert_eq!(world.refused(regulator(), recall(1)).code(), "template-unfit");
    let fit = fits(&text, &world.registry).remove(0);
    assert_eq!((fit.template, fit.recalled, fit.wider.len(), fit.is_within()), (None, Some(1), 0, false));
    let one = world.registry.templates_of(&purpose).next().unwrap();
    let trace = world.registry.recall_of(one).unwrap();
    assert_eq!((&trace.actor, trace.reason.as_str()), (&regulator(), "as decided"));

    let again = Command::PublishTemplate { template: template() };
    assert_eq!(world.refused(regulator(), again).code(), "template-unfit", "its number is taken");
    world.must(regulator(), Command::PublishTemplate { template: Template { version: 2, ..template() } });
    assert_eq!(
        world.refused(regulator(), recall(1)).code(),
        "template-unfit",
        "it is not the one that holds"
    );
    let fit = fits(&text, &world.registry).remove(0);
    assert_eq!((fit.template, fit.recalled, fit.is_within()), (Some(2), None, true));
}

/// B9: what the template says is on record with the submission, before the regulator.
#[test]
fn how_it_fits_is_on_record_with_the_submission() {
    let mut world = published();
    let agreement = with(personnel_agreement(), "/protection/rate/burst", json!(30));
    world.draft(&agreement);
    world.sign_both(&agreement);
    world.submit(&agreement);
    let submitted = world.log.iter().rev().find_map(|recorded| match &recorded.event {
        Event::AgreementSubmitted { fits, .. } => Some(fits.clone()),
        _ => None,
    });
    assert_eq!(submitted.unwrap()[0].wider[0].after, "30");
}
