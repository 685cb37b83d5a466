//! Roles (E4): who sees what, and where one person alone does not suffice.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use jiff::civil::Date;
use serde_json::json;
use support::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn id(name: &str) -> OperatorId {
    OperatorId::new(name).unwrap()
}

fn enrol(name: &str, role: Role, holder: &str, reach: serde_json::Value) -> Command {
    let operator =
        Operator { id: id(name), name: name.into(), role, holder: bin(holder), reach: from_json(reach) };
    Command::RegisterOperator { operator }
}

fn standing(world: &World, name: &str) -> OperatorStanding {
    world.registry.operator_standing(&id(name), world.now.to_zoned(almaty()).date()).unwrap()
}

/// The systems that somebody sees, by name.
fn systems_seen(world: &World, actor: &Actor) -> Vec<String> {
    let viewer = Viewer::new(&world.registry, actor, world.now.to_zoned(almaty()).date());
    let seen = world.registry.systems().filter(|system| viewer.sees_system(system));
    seen.map(|system| system.card.id.to_string()).collect()
}

fn agreements_seen(world: &World, actor: &Actor) -> usize {
    let viewer = Viewer::new(&world.registry, actor, day("2026-03-10"));
    world.registry.agreements().filter(|agreement| viewer.sees_agreement(agreement)).count()
}

/// The portal is in Almaty, the personnel system under the sector authority.
fn placed() -> World {
    let mut world = World::exchanging();
    let region = Region::new("almaty").unwrap();
    let move_there = Command::CorrectInformation {
        subject: Subject::System(system("portal")),
        card: CardCorrection { region: Some(region), ..CardCorrection::default() },
        information: Box::default(),
        changed_on: None,
        discovery: None,
    };
    world.must(integrator(), move_there);
    let subject = Subject::System(system("portal"));
    world.must(regulator(), Command::AssignAuthority { subject, authority: Some(bin(AGENCY)) });
    let subject = Subject::System(system("insurer"));
    world.must(regulator(), Command::AssignAuthority { subject, authority: Some(bin(AGENCY)) });
    world
}

/// E4: each sees only its part.
#[test]
fn each_role_sees_its_part() {
    let mut world = placed();
    for (name, role, holder, reach) in [
        ("regional", Role::RegionalOperator, OFFICE, json!({ "region": "almaty" })),
        ("unit", Role::TerritorialUnit, AGENCY, json!({ "region": "almaty" })),
        ("unit-astana", Role::TerritorialUnit, AGENCY, json!({ "region": "astana" })),
        ("sector", Role::SectorAuthority, AGENCY, json!({})),
        ("employee", Role::ResponsibleEmployee, OFFICE, json!({})),
        ("expert", Role::Expert, OFFICE, json!({ "until": "2026-06-30", "systems": ["personnel"] })),
        ("national", Role::NationalOperator, NATIONAL_OPERATOR, json!({})),
    ] {
        world.must(administrator(), enrol(name, role, holder, reach));
    }
    let subject = Subject::System(system("address-register"));
    let employee: Employee = from_json(json!({ "name": "Employee", "operator": "employee" }));
    world.must(officer(OFFICE), Command::NameResponsible { subject, employee });

    let seen = |name: &str| {
        let operator = world.registry.operator(&id(name)).unwrap();
        let actor = Actor {
            id: operator.id.clone(),
            role: operator.role,
            holder: operator.holder,
            via: "test".into(),
        };
        (systems_seen(&world, &actor).join(" "), agreements_seen(&world, &actor))
    };
    assert_eq!(seen("regional"), ("portal".into(), 1));
    assert_eq!(seen("unit"), ("portal".into(), 1));
    assert_eq!(seen("unit-astana"), (String::new(), 0));
    assert_eq!(seen("sector"), ("insurer portal".into(), 1));
    assert_eq!(seen("employee"), ("address-register".into(), 0));
    assert_eq!(seen("expert"), ("personnel".into(), 1));
    assert_eq!(seen("national"), ("address-register insurer personnel portal".into(), 1));
    assert_eq!(systems_seen(&world, &officer(MINISTRY)).join(" "), "insurer portal");
    assert_eq!(agreements_seen(&world, &officer(AGENCY)), 1);
    assert_eq!(agreements_seen(&world, &officer(OFFICE)), 0);
    assert_eq!(systems_seen(&world, &regulator()).len(), 4);
}

/// E4: whoever may draft agreements finds with whom; whose part is smaller finds no more than they see.
#[test]
fn who_drafts_agreements_or_supervises_finds_all_systems() {
    let world = placed();
    for role in Role::ALL {
        let actor = actor("somebody", role, AGENCY);
        let viewer = Viewer::new(&world.registry, &actor, world.now.to_zoned(almaty()).date());
        let drafts = entitled(CommandName::DraftAgreement).contains(&role);
        assert_eq!(viewer.finds_everything(), drafts || viewer.sees_everything(), "{role:?}");
        let of = |finds: &dyn Fn(&System) -> bool| world.registry.systems().filter(|one| finds(one)).count();
        let expected = if drafts { 4 } else { of(&|one| viewer.sees_system(one)) };
        assert_eq!(of(&|one| viewer.finds_system(one)), expected, "{role:?}");
    }
}

/// E4: an e-akimat's operator does nothing outside the region.
#[test]
fn a_regional_operator_acts_in_the_region_only() {
    let mut world = placed();
    world.must(
        administrator(),
        enrol("regional", Role::RegionalOperator, OFFICE, json!({ "region": "almaty" })),
    );
    let regional = actor("regional", Role::RegionalOperator, OFFICE);
    let discover = |name: &str| Command::ReportDiscovery {
        subject: Subject::System(system(name)),
        what: words("the site is another"),
    };
    world.must(regional.clone(), discover("portal"));
    let outside = world.refused(regional.clone(), discover("personnel"));
    assert!(matches!(outside, CommandError::OutOfReach { .. }), "{outside}");
    let mut application = application("city-portal", OFFICE);
    let submit =
        |application: &Application| Command::SubmitApplication { application: Box::new(application.clone()) };
    let outside = world.refused(regional.clone(), submit(&application));
    assert!(matches!(outside, CommandError::OutOfReach { .. }), "{outside}");
    if let Applied::System(card) = &mut application.of {
        card.region = Some(Region::new("almaty").unwrap());
    }
    world.must(regional, submit(&application));
    // Without a region the role reaches nothing.
    let nowhere = world.refused(actor("stray", Role::RegionalOperator, OFFICE), discover("portal"));
    assert!(matches!(nowhere, CommandError::OutOfReach { .. }), "{nowhere}");
}

/// E4: an expert's role ends with its last day.
#[test]
fn an_expert_sees_until_the_last_day_and_changes_nothing() {
    let mut world = placed();
    let forever = world.refused(administrator(), enrol("expert", Role::Expert, OFFICE, json!({})));
    assert_eq!(forever, CommandError::ReachMissing { role: Role::Expert, what: "a last day" });
    world.must(administrator(), enrol("expert", Role::Expert, OFFICE, json!({ "until": "2026-03-31" })));
    let expert = actor("expert", Role::Expert, OFFICE);
    world.now = at("2026-03-31T23:59:00+05:00");
    assert_eq!(systems_seen(&world, &expert).len(), 4);
    world.now = at("2026-04-01T00:00:00+05:00");
    assert_eq!(systems_seen(&world, &expert).len(), 0);
    assert_eq!(standing(&world, "expert"), OperatorStanding::Ended);
    // What they change is how they come in themselves.
    let own = [CommandName::GrantAccess, CommandName::ConfirmAccess, CommandName::RevokeAccess];
    let mut others = CommandName::all().filter(|name| !own.contains(name));
    assert!(others.all(|name| !entitled(name).contains(&Role::Expert)));
}

/// A3, E4: who answers for what is registered of a system keeps it up to date, and touches nothing else.
#[test]
fn a_responsible_employee_corrects_files_and_reports_what_they_answer_for_alone() {
    let mut world = World::exchanging();
    for name in ["employee", "another"] {
        world.must(administrator(), enrol(name, Role::ResponsibleEmployee, MINISTRY, json!({})));
    }
    let of = |name: &str| Subject::System(system(name));
    let name_them = |who: &str| {
        let employee: Employee = from_json(json!({ "name": who, "operator": who }));
        Command::NameResponsible { subject: of("portal"), employee }
    };
    let work = |name: &str| {
        let card = CardCorrection { name: Some(words("Renamed")), ..CardCorrection::default() };
        let (information, changed_on, discovery) = (Box::default(), None, None);
        let document = document(DocumentKind::Other);
        let document = Document { sha256: "e2".repeat(32), ..document };
        [
            Command::CorrectInformation { subject: of(name), card, information, changed_on, discovery },
            Command::FileDocument { subject: of(name), document, supersedes: None },
            Command::ReportDiscovery { subject: of(name), what: words("the site is another") },
        ]
    };
    let employee = actor("employee", Role::ResponsibleEmployee, MINISTRY);
    for command in work("portal") {
        let early = world.refused(employee.clone(), command);
        assert!(matches!(early, CommandError::OutOfReach { .. }), "{early}");
    }
    world.must(officer(MINISTRY), name_them("employee"));
    for (own, others) in work("portal").into_iter().zip(work("insurer")) {
        world.must(employee.clone(), own);
        // Of the same organisation, and not theirs.
        let outside = world.refused(employee.clone(), others);
        assert!(matches!(outside, CommandError::OutOfReach { .. }), "{outside}");
    }
    let suspend = Command::SuspendSystem { system: system("portal") };
    for command in [name_them("employee"), bind("portal", 9), suspend] {
        let error = world.refused(employee.clone(), command);
        assert!(matches!(error, CommandError::NotInRole { .. }), "{error}");
    }
    // Whoever comes in their place answers for it alone.
    world.must(officer(MINISTRY), name_them("another"));
    let report = Command::ReportDiscovery { subject: of("portal"), what: words("the owner is another") };
    let late = world.refused(employee, report.clone());
    assert!(matches!(late, CommandError::OutOfReach { .. }), "{late}");
    world.must(actor("another", Role::ResponsibleEmployee, MINISTRY), report);
}

/// E4: nobody alone makes somebody who approves, where another administrator can look at it.
#[test]
fn who_may_approve_is_confirmed_by_a_second_administrator() {
    let mut world = World::empty();
    world.must(administrator(), enrol("administrator", Role::Administrator, NATIONAL_OPERATOR, json!({})));
    world.must(administrator(), enrol("second", Role::Administrator, NATIONAL_OPERATOR, json!({})));
    assert_eq!(standing(&world, "second"), OperatorStanding::Active, "there was nobody to confirm");
    world.must(administrator(), enrol("clerk", Role::HolderOfficer, MINISTRY, json!({})));
    assert_eq!(standing(&world, "clerk"), OperatorStanding::Active, "officers approve nothing");

    world.must(administrator(), enrol("judge", Role::ServiceIntegrator, NATIONAL_OPERATOR, json!({})));
    assert_eq!(standing(&world, "judge"), OperatorStanding::Unconfirmed);
    let judge = actor("judge", Role::ServiceIntegrator, NATIONAL_OPERATOR);
    let register = Command::RegisterSystem { card: card("portal", MINISTRY), code: Some("1".into()) };
    let early = world.refused(judge.clone(), register.clone());
    assert_eq!(
        early,
        CommandError::NotActive { operator: id("judge"), standing: OperatorStanding::Unconfirmed }
    );
    // Enrolling them again does not help.
    world.must(administrator(), enrol("judge", Role::ServiceIntegrator, NATIONAL_OPERATOR, json!({})));
    assert_eq!(standing(&world, "judge"), OperatorStanding::Unconfirmed);
    let confirm = Command::ConfirmOperator { operator: id("judge") };
    let alone = world.refused(administrator(), confirm.clone());
    assert!(matches!(alone, CommandError::SamePerson { .. }), "{alone}");
    world.must(actor("second", Role::Administrator, NATIONAL_OPERATOR), confirm);
    world.must(judge, register);
    // A promotion is as good as an enrolment.
    world.must(administrator(), enrol("clerk", Role::Regulator, REGULATOR, json!({})));
    assert_eq!(standing(&world, "clerk"), OperatorStanding::Unconfirmed);
}

/// E4: operators are suspended and removed; the last administrator is not.
#[test]
fn operators_are_suspended_and_removed_and_somebody_always_administers() {
    let mut world = World::empty();
    let second = actor("second", Role::Administrator, NATIONAL_OPERATOR);
    world.must(administrator(), enrol("administrator", Role::Administrator, NATIONAL_OPERATOR, json!({})));
    let suspend = |name: &str| Command::SuspendOperator { operator: id(name) };
    let remove = |name: &str| Command::RemoveOperator { operator: id(name) };
    for last in [suspend("administrator"), remove("administrator")] {
        assert_eq!(world.refused(regulator(), last), CommandError::LastAdministrator);
    }
    let demoted = enrol("administrator", Role::HolderOfficer, MINISTRY, json!({}));
    assert_eq!(world.refused(administrator(), demoted), CommandError::LastAdministrator);

    world.must(administrator(), enrol("second", Role::Administrator, NATIONAL_OPERATOR, json!({})));
    world.must(administrator(), suspend("second"));
    let name = Command::NameRegulator { bin: bin(REGULATOR) };
    let stopped = world.refused(second.clone(), name);
    assert_eq!(
        stopped,
        CommandError::NotActive { operator: id("second"), standing: OperatorStanding::Suspended }
    );
    // Who suspends all others is still not alone.
    world.must(administrator(), enrol("crony", Role::Regulator, REGULATOR, json!({})));
    assert_eq!(standing(&world, "crony"), OperatorStanding::Unconfirmed);
    let alone = world.refused(administrator(), remove("second"));
    assert!(matches!(alone, CommandError::SamePerson { .. }), "{alone}");
    world.must(regulator(), remove("second"));
    let back = world.refused(administrator(), enrol("second", Role::HolderOfficer, MINISTRY, json!({})));
    assert!(matches!(back, CommandError::Exists { .. }), "one name is one person: {back}");
    assert!(matches!(world.refused(regulator(), suspend("nobody")), CommandError::Unknown { .. }));
}

/// E4: nobody comes to be the only administrator by taking the role from the others.
#[test]
fn an_administrator_is_given_another_role_or_body_by_two_people_only() {
    let mut world = World::empty();
    let second = actor("second", Role::Administrator, NATIONAL_OPERATOR);
    for name in ["administrator", "second"] {
        world.must(administrator(), enrol(name, Role::Administrator, NATIONAL_OPERATOR, json!({})));
    }
    let otherwise = [(Role::ResponsibleEmployee, NATIONAL_OPERATOR), (Role::Administrator, MINISTRY)];
    for (role, body) in otherwise {
        let error = world.refused(second.clone(), enrol("administrator", role, body, json!({})));
        let active = OperatorStanding::Active;
        assert_eq!(error, CommandError::NotActive { operator: id("administrator"), standing: active });
    }
    world.must(second.clone(), Command::SuspendOperator { operator: id("administrator") });
    for (role, body) in otherwise {
        let error = world.refused(second.clone(), enrol("administrator", role, body, json!({})));
        assert!(matches!(error, CommandError::SamePerson { .. }), "{error}");
    }
    // A corrected card takes nothing away, and who steps down does so themselves.
    world.must(second.clone(), enrol("administrator", Role::Administrator, NATIONAL_OPERATOR, json!({})));
    world.must(second.clone(), Command::ResumeOperator { operator: id("administrator") });
    world.must(second, enrol("second", Role::ResponsibleEmployee, NATIONAL_OPERATOR, json!({})));
}

/// E4: a role that somebody had is not acted in any more, and an agreement has two people.
#[test]
fn who_submitted_an_agreement_does_not_concur_in_it_in_another_role() {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    world.draft(&agreement);
    world.sign_both(&agreement);
    world.submit(&agreement);
    let promoted = actor(&format!("officer-{MINISTRY}"), Role::Regulator, REGULATOR);
    let error = world.refused(promoted, concur(&agreement));
    assert!(matches!(error, CommandError::SamePerson { .. }), "{error}");

    world.must(administrator(), enrol("clerk", Role::HolderOfficer, MINISTRY, json!({})));
    let stale = actor("clerk", Role::Regulator, REGULATOR);
    assert_eq!(world.refused(stale, concur(&agreement)), CommandError::NotInRole { role: Role::Regulator });
    world.concur(&agreement);
}

/// E4: every command is somebody's.
#[test]
fn every_command_has_somebody_entitled_to_it() {
    for name in CommandName::all() {
        assert!(!entitled(name).is_empty(), "{name:?}");
    }
}
