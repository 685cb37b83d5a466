//! What an agreement stands on: of which kind an act is and what may pass on it is for the register to say (B8, B10).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use serde_json::{Value, json};
use support::*;

/// B10
#[test]
fn an_act_is_recorded_with_what_it_is_as_a_basis() {
    let (sector, ratified) = (Some(bin(AGENCY)), Some("2003-07-01".parse().unwrap()));
    let late = Some("2003-08-02".parse().unwrap());
    let one = |kind, sector, ratified| Act { kind, sector, ratified, ..act("new", "1") };
    for good in [
        one(Some(BasisKind::Act), None, None),
        one(Some(BasisKind::JointProcedure), None, None),
        one(Some(BasisKind::Treaty), None, ratified),
        one(Some(BasisKind::SectorAct), sector, None),
    ] {
        World::empty().must(regulator(), Command::RecordAct { act: good });
    }
    for unfit in [
        one(None, None, None),
        one(Some(BasisKind::Act), sector, None),
        one(Some(BasisKind::Act), None, ratified),
        one(Some(BasisKind::JointProcedure), sector, None),
        one(Some(BasisKind::Treaty), None, None),
        one(Some(BasisKind::Treaty), None, late),
        one(Some(BasisKind::Treaty), sector, ratified),
        one(Some(BasisKind::SectorAct), None, None),
        one(Some(BasisKind::SectorAct), sector, ratified),
    ] {
        let refused = World::empty().refused(regulator(), Command::RecordAct { act: unfit.clone() });
        assert_eq!(refused.code(), "act-unfit", "{unfit:?}");
    }
    let nobodys = one(Some(BasisKind::SectorAct), Some(bin("000000000099")), None);
    assert_eq!(World::empty().refused(regulator(), Command::RecordAct { act: nobodys }).code(), "unknown");
}

/// B10
#[test]
fn whoever_drafts_cannot_give_an_act_another_kind() {
    let mut world = World::registered();
    let ratified = Some("2003-07-01".parse().unwrap());
    for (id, kind, sector, ratified) in [
        ("procedure", BasisKind::JointProcedure, None, None),
        ("convention", BasisKind::Treaty, None, ratified),
        ("sector-list", BasisKind::SectorAct, Some(bin(AGENCY)), None),
    ] {
        let act = Act { kind: Some(kind), sector, ratified, ..act(id, "1") };
        world.must(regulator(), Command::RecordAct { act });
    }
    world.must(regulator(), under("portal", AGENCY));
    world.must(regulator(), under("personnel", AGENCY));
    let acts = [
        ("hr-order", "2003-07-08", "act"),
        ("procedure", "1", "joint-procedure"),
        ("convention", "1", "treaty"),
        ("sector-list", "1", "sector-act"),
    ];
    for (id, version, kind) in acts {
        for (.., claimed) in acts {
            let found = faults(&world, &standing_on(&[(id, version, claimed)]));
            let right = if kind == claimed { vec![] } else { vec![("basis".to_owned(), "Interaction 17.4")] };
            assert_eq!(found, right, "{id} as {claimed}");
        }
    }
}

/// B10: what was recorded before acts said what they are still folds, carries what was agreed on it, and is completed once.
#[test]
fn an_act_without_its_kind_carries_nothing_new_until_it_is_recorded_once_more_with_it() {
    let mut world = World::exchanging();
    let old = r#"{"event":"act-recorded","act":{"id":"hr-order","title":"hr-order","version":"2003-07-08",
        "in_force_from":"2003-08-01"}}"#;
    let Event::ActRecorded { act: old } = serde_json::from_str(old).unwrap() else { unreachable!() };
    assert_eq!((old.kind, old.official_use), (None, OfficialUse::Unsaid));
    happens(&mut world, Event::ActRecorded { act: old.clone() });
    assert_eq!(world.answer(&call()), "permit");
    let next = next_version(&personnel_agreement());
    let problems = lint(&next, &world.registry).unwrap_err();
    assert_eq!((&*problems[0].field, problems.len()), ("basis", 1));
    assert!(problems[0].message.contains("have the regulator record it once more"), "{problems:?}");

    let again = |act: Act| Command::RecordAct { act };
    let changed = Act { in_force_from: "2004-01-01".parse().unwrap(), ..act("hr-order", "2003-07-08") };
    assert_eq!(world.refused(regulator(), again(changed)).code(), "act-unfit");
    assert_eq!(world.refused(regulator(), again(old)).code(), "act-unfit");
    world.must(regulator(), again(act("hr-order", "2003-07-08")));
    assert_eq!(faults(&world, &next), []);
    assert_eq!(world.refused(regulator(), again(act("hr-order", "2003-07-08"))).code(), "exists");
}

/// B10, HR 22
#[test]
fn a_sectors_act_allows_nothing_outside_the_sector() {
    let mut world = World::registered();
    let (kind, sector) = (Some(BasisKind::SectorAct), Some(bin(OFFICE)));
    world.must(regulator(), Command::RecordAct { act: Act { kind, sector, ..act("sector-list", "1") } });
    let sectoral = standing_on(&[("sector-list", "1", "sector-act")]);
    let outside = vec![("basis".to_owned(), "HR 22")];
    assert_eq!(faults(&world, &sectoral), outside, "nobody said that they are in the sector");
    world.must(regulator(), under("personnel", OFFICE));
    assert_eq!(faults(&world, &sectoral), outside, "one is");
    world.must(regulator(), under("portal", AGENCY));
    assert_eq!(faults(&world, &sectoral), outside, "the other is in another");
    let both = standing_on(&[("sector-list", "1", "sector-act"), ("hr-order", "2003-07-08", "act")]);
    assert_eq!(faults(&world, &both), [], "an act of more than one sector stands beside");
    world.must(regulator(), under("portal", OFFICE));
    assert_eq!(faults(&world, &sectoral), []);
    // Both in one sector, of which the act is not.
    for id in ["portal", "personnel"] {
        world.must(regulator(), under(id, AGENCY));
    }
    assert_eq!(faults(&world, &sectoral), outside);
}

/// B8, Portal 3
#[test]
fn data_for_official_use_needs_an_act_that_lets_it_pass() {
    let mut world = World::registered();
    let official_use = OfficialUse::Unsaid;
    world.must(regulator(), Command::RecordAct { act: Act { official_use, ..act("silent", "1") } });
    let on = |acts: &[(&str, &str, &str)]| {
        let agreement = with(address_agreement(), "/protection/category", json!("official-use"));
        with(agreement, "/basis", basis(acts))
    };
    let (silent, allows) = (("silent", "1", "act"), ("hr-order", "2003-07-08", "act"));
    assert_eq!(faults(&world, &on(&[silent])), [], "it is not for official use yet");
    world.must(officer(OFFICE), categorise(Category::OfficialUse));
    assert_eq!(faults(&world, &on(&[silent])), [("basis".to_owned(), "Portal 3")]);
    assert_eq!(faults(&world, &on(&[allows])), []);
    assert_eq!(faults(&world, &on(&[silent, allows])), []);
}

/// B8: decided for each request, as categories change while agreements are in force.
#[test]
fn data_that_becomes_official_use_stops_under_acts_that_do_not_let_it_pass() {
    for (official_use, answer) in
        [(OfficialUse::Allowed, "permit"), (OfficialUse::Unsaid, "official-use-not-allowed")]
    {
        let mut world = World::registered();
        world.must(regulator(), Command::RecordAct { act: Act { official_use, ..act("order", "1") } });
        let agreement = with(address_agreement(), "/protection/category", json!("official-use"));
        world.conclude(&with(agreement, "/basis", basis(&[("order", "1", "act")])));
        let call = Call { provider: "address-register", data_type: "address", ..lookup() };
        assert_eq!(world.answer(&call), "permit");
        world.must(officer(OFFICE), categorise(Category::OfficialUse));
        assert_eq!(world.answer(&call), answer);
        world.must(officer(OFFICE), categorise(Category::Restricted));
        assert_eq!(world.answer(&call), "permit");
    }
}

fn lookup() -> Call<'static> {
    let claims = Claims { purpose: Some("delivery"), ..Claims::default() };
    Call { path: &["addresses", "7"], parameters: &[], claims, ..call() }
}

fn categorise(category: Category) -> Command {
    let data_type = DataTypeId::new("address").unwrap();
    Command::Categorise { provider: system("address-register"), data_type, category }
}

fn happens(world: &mut World, event: Event) {
    let sequence = world.registry.revision() + 1;
    let recorded = Recorded { sequence, at: world.now, actor: regulator(), reason: "of old".into(), event };
    world.registry.apply(&recorded).unwrap();
}

fn under(id: &str, authority: &str) -> Command {
    Command::AssignAuthority { subject: Subject::System(system(id)), authority: Some(bin(authority)) }
}

fn standing_on(acts: &[(&str, &str, &str)]) -> Value {
    with(personnel_agreement(), "/basis", basis(acts))
}

fn basis(acts: &[(&str, &str, &str)]) -> Value {
    let cited = acts
        .iter()
        .map(|(act, version, kind)| json!({ "act": act, "version": version, "clause": "22", "kind": kind }));
    cited.collect()
}

fn faults(world: &World, draft: &Value) -> Vec<(String, &'static str)> {
    let problems = lint(draft, &world.registry).map_or_else(|problems| problems, |_| vec![]);
    problems.into_iter().map(|problem| (problem.field, problem.clause)).collect()
}
