//! Registration and accounting, from an application to the end of operation (A2-A5, A7-A9).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use jiff::civil::Date;
use serde_json::json;
use support::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn due(world: &World, number: u32) -> Vec<(TermKind, String, DeadlineStanding)> {
    let filed = world.registry.application(ApplicationNumber(number)).unwrap();
    let today = world.now.to_zoned(almaty()).date();
    let told = |one: Deadline| (one.kind, one.due.to_string(), one.standing(today));
    world.registry.deadlines_of(filed).into_iter().map(told).collect()
}

/// A2: returned for a missing act of trial operation, submitted anew, registered with a code.
#[test]
fn an_application_is_returned_for_what_it_lacks_and_its_resubmission_has_terms_of_its_own() {
    let mut world = World::empty();
    // Friday 20 February 2026.
    let whole = application("portal", MINISTRY);
    let mut lacking = whole.clone();
    if let Applied::System(card) = &mut lacking.of {
        card.documents.retain(|document| document.kind != DocumentKind::TrialAct);
    }
    world.must(officer(MINISTRY), submit(lacking));
    let first = ApplicationNumber(1);
    let gaps = world.registry.application(first).unwrap().gaps.clone();
    assert_eq!(gaps, [Gap { place: "document/trial-act".into(), clause: "Registration 7".into() }]);
    assert_eq!(world.refused(integrator(), accept(1)), CommandError::Lacking { number: first, gaps });
    assert_eq!(
        due(&world, 1),
        [
            (TermKind::Return, "2026-02-24".into(), DeadlineStanding::Running),
            (TermKind::Registration, "2026-03-02".into(), DeadlineStanding::Running),
        ]
    );
    let again = world.refused(officer(MINISTRY), submit(whole.clone()));
    assert!(matches!(again, CommandError::Exists { .. }), "{again}");

    world.must(integrator(), Command::ReturnApplication { number: first, remarks: vec![words("no act")] });
    let settled = world.refused(integrator(), accept(1));
    assert_eq!(settled, CommandError::Settled { number: first, outcome: "returned" });
    assert_eq!(due(&world, 1)[0].2, DeadlineStanding::Met);

    world.now = at("2026-02-27T09:00:00+05:00");
    world.must(officer(MINISTRY), submit(whole));
    assert_eq!(
        due(&world, 2),
        [
            (TermKind::Outcome, "2026-03-06".into(), DeadlineStanding::Running),
            (TermKind::Registration, "2026-03-02".into(), DeadlineStanding::Running),
        ]
    );
    world.now = at("2026-03-03T09:00:00+05:00");
    let overdue = world.registry.overdue(day("2026-03-03"));
    assert_eq!(overdue.len(), 1, "{overdue:?}");
    assert_eq!((overdue[0].kind, overdue[0].owed_by), (TermKind::Registration, Some(bin(MINISTRY))));
    world.must(integrator(), accept(2));

    let registered = world.registry.system(&system("portal")).unwrap();
    assert_eq!(registered.code, "KZ-STATE-0001");
    assert_eq!(registered.dossier.application, Some(ApplicationNumber(2)));
    assert!(registered.dossier.information.general.is_some());
    let second = world.registry.application(ApplicationNumber(2)).unwrap();
    assert_eq!(second.application.follows, Some(first));
    assert_eq!(
        due(&world, 2).into_iter().map(|one| one.2).collect::<Vec<_>>(),
        [DeadlineStanding::Met, DeadlineStanding::MetLate]
    );
}

/// A2, E4: who submits does not register, whatever role they have come to.
#[test]
fn who_submitted_an_application_does_not_judge_it() {
    let mut world = World::empty();
    world.must(officer(MINISTRY), submit(application("portal", MINISTRY)));
    let promoted = actor(&format!("officer-{MINISTRY}"), Role::ServiceIntegrator, NATIONAL_OPERATOR);
    for judged in [accept(1), Command::ReturnApplication { number: ApplicationNumber(1), remarks: vec![] }] {
        let error = world.refused(promoted.clone(), judged);
        assert!(matches!(error, CommandError::SamePerson { .. }), "{error}");
    }
    let without_reason =
        Command::ReturnApplication { number: ApplicationNumber(1), remarks: vec![words("")] };
    assert_eq!(world.refused(integrator(), without_reason), CommandError::NoReason);
    world.must(integrator(), accept(1));
}

/// A2: officers apply for their own organisation, and take back what is still open.
#[test]
fn an_application_belongs_to_the_organisation_it_is_for() {
    let mut world = World::empty();
    let error = world.refused(officer(AGENCY), submit(application("portal", MINISTRY)));
    assert!(matches!(error, CommandError::NotYours { .. }), "{error}");
    world.must(officer(MINISTRY), submit(application("portal", MINISTRY)));
    let back = Command::WithdrawApplication { number: ApplicationNumber(1) };
    assert!(matches!(world.refused(officer(AGENCY), back.clone()), CommandError::NotYours { .. }));
    world.must(officer(MINISTRY), back.clone());
    let settled = CommandError::Settled { number: ApplicationNumber(1), outcome: "withdrawn" };
    assert_eq!(world.refused(officer(MINISTRY), back), settled);
    let shortcut = Command::RegisterSystem { card: card("portal", MINISTRY), code: Some("1".into()) };
    world.must(integrator(), shortcut);
    let known = world.refused(officer(MINISTRY), submit(application("portal", MINISTRY)));
    assert!(matches!(known, CommandError::Exists { .. }), "{known}");
}

/// A2
#[test]
fn a_system_registered_in_one_step_without_a_code_gets_the_next() {
    let mut world = World::empty();
    for (id, code) in [("portal", "KZ-STATE-0001"), ("other", "KZ-STATE-0002")] {
        world.must(registrar(), Command::RegisterSystem { card: card(id, MINISTRY), code: None });
        assert_eq!(world.registry.system(&system(id)).unwrap().code, code);
    }
}

/// A2: the integrator's shortcut leaves an application on record, with what it never said.
#[test]
fn a_system_registered_in_one_step_has_its_application_too() {
    let mut world = World::empty();
    world.must(officer(MINISTRY), submit(application("portal", MINISTRY)));
    let shortcut =
        |id: &str| Command::RegisterSystem { card: card(id, MINISTRY), code: Some(format!("code-{id}")) };
    let open = world.refused(integrator(), shortcut("portal"));
    assert!(matches!(open, CommandError::Exists { .. }), "no way around an open application: {open}");
    world.must(integrator(), shortcut("other"));
    let filed = world.registry.application(ApplicationNumber(2)).unwrap();
    assert_eq!(
        (filed.outcome.word(), filed.application.subject()),
        ("registered", Subject::System(system("other")))
    );
    assert!(filed.gaps.iter().all(|gap| gap.place.starts_with("information/")), "{:?}", filed.gaps);
    assert!(!filed.gaps.is_empty());
}

/// E4, A1: who registers a system alone does not give it its papers, without which it exchanges nothing; one that an
/// application registered had two people already.
#[test]
fn who_registers_a_system_in_one_step_does_not_record_its_papers() {
    let mut world = World::empty();
    let shortcut = Command::RegisterSystem { card: card("portal", MINISTRY), code: Some("1".into()) };
    world.must(registrar(), shortcut);
    let papers = |id: &str| {
        let conformity = conformity(id);
        let attestation = Command::RecordAttestation { system: system(id), conformity: conformity.clone() };
        [attestation, Command::RecordQualityCertificate { system: system(id), conformity }]
    };
    for paper in papers("portal") {
        let alone = world.refused(registrar(), paper.clone());
        assert!(matches!(alone, CommandError::SamePerson { .. }), "{alone}");
        world.must(integrator(), paper);
    }
    world.must(officer(MINISTRY), submit(application("other", MINISTRY)));
    world.must(integrator(), accept(2));
    for paper in papers("other") {
        world.must(integrator(), paper);
    }
}

/// A3: resources, software and infrastructure get accounting codes.
#[test]
fn other_objects_are_accounted_for_with_a_code_of_their_own() {
    let mut world = World::empty();
    let servers: Application = from_json(json!({
        "of": { "object": {
            "id": "servers", "kind": "infrastructure", "name": "Servers", "holder": MINISTRY, "owner": MINISTRY,
        } },
        "information": {
            "infrastructure": [{
                "name": "Server", "inventory_number": "1", "quantity": 4, "site": "Data centre", "description": "Runs it",
            }],
            "nothing_to_say": { "book_entries": "leased" },
        },
        "responsible": { "name": "An employee" },
    }));
    world.must(officer(MINISTRY), submit(servers.clone()));
    assert_eq!(due(&world, 1), [(TermKind::Outcome, "2026-02-27".into(), DeadlineStanding::Running)]);
    let taken = Command::AcceptApplication { number: ApplicationNumber(1), code: Some("a b".into()) };
    assert_eq!(world.refused(integrator(), taken), CommandError::NothingSaid);
    world.must(integrator(), accept(1));
    let id = ObjectId::new("servers").unwrap();
    assert_eq!(world.registry.object(&id).unwrap().code, "KZ-INFRA-0001");
    let again = world.refused(officer(MINISTRY), submit(servers));
    assert!(matches!(again, CommandError::Exists { .. }));

    let subject = Subject::Object(id.clone());
    let end = EndOfOperation { on: Some(day("2026-02-19")), ..EndOfOperation::default() };
    world.must(officer(MINISTRY), Command::EndOperation { subject: subject.clone(), end });
    let object = world.registry.object(&id).unwrap();
    assert_eq!(object.status, ObjectStatus::Ended);
    assert_eq!(object.dossier.ended.as_ref().unwrap().why, words("as decided"));
    let dead = world.refused(officer(MINISTRY), Command::ReportDiscovery { subject, what: words("x") });
    assert_eq!(dead, CommandError::ObjectEnded { object: id });
}

/// A4: corrections keep what was said before, who said otherwise, and why; discoveries have their term.
#[test]
fn what_is_found_wrong_is_corrected_within_its_term_and_both_versions_are_kept() {
    let mut world = World::registered();
    let discover = Command::ReportDiscovery { subject: portal(), what: words("the site is another") };
    world.must(integrator(), discover);
    let running =
        world.registry.deadlines().into_iter().find(|one| one.kind == TermKind::Correction).unwrap();
    assert_eq!((running.due, running.owed_by), (day("2026-03-06"), Some(bin(MINISTRY))));
    assert!(world.registry.overdue(day("2026-03-06")).is_empty());
    assert_eq!(world.registry.overdue(day("2026-03-07")).len(), 1);

    let correct = |discovery, site: &str| Command::CorrectInformation {
        subject: portal(),
        card: CardCorrection { name: Some(words("New portal")), ..CardCorrection::default() },
        information: Box::new(from_json(json!({ "technical": { "site": site } }))),
        changed_on: Some(day("2026-02-02")),
        discovery,
    };
    let elsewhere = world.refused(officer(AGENCY), correct(Some(1), "Astana"));
    assert_eq!(elsewhere, CommandError::NotYours { owner: bin(MINISTRY), actor: bin(AGENCY) });
    assert!(matches!(
        world.refused(officer(MINISTRY), correct(Some(2), "Astana")),
        CommandError::Unknown { .. }
    ));
    world.must(officer(MINISTRY), correct(Some(1), "Astana"));
    world.must(officer(MINISTRY), correct(None, "Almaty"));

    let known = world.registry.system(&system("portal")).unwrap();
    assert_eq!(known.card.name, "New portal");
    let [first, second] = known.dossier.corrections.as_slice() else { panic!("two corrections") };
    assert_eq!(first.trace.actor.id, officer(MINISTRY).id);
    assert_eq!((first.changes[0].field.as_str(), &first.changes[0].old), ("name", &json!("portal")));
    assert_eq!(second.changes[0].old["site"], "Astana");
    assert_eq!(second.changes[0].new["site"], "Almaty");
    assert!(known.dossier.discoveries[0].corrected.is_some());
    // Changed on 2 February, told on the 20th: late, and it shows.
    let late = |one: &Deadline| one.standing(day("2026-02-20")) == DeadlineStanding::MetLate;
    assert_eq!(world.registry.deadlines().iter().filter(|one| late(one)).count(), 2);

    let nothing = Command::CorrectInformation {
        subject: portal(),
        card: CardCorrection::default(),
        information: Box::default(),
        changed_on: None,
        discovery: None,
    };
    assert_eq!(world.refused(officer(MINISTRY), nothing), CommandError::NothingSaid);
    let networks = Some(vec!["10.9.0.0/16".parse().unwrap()]);
    world.must(integrator(), Command::UpdateSystem { system: system("portal"), networks, endpoint: None });
    let known = world.registry.system(&system("portal")).unwrap();
    assert_eq!(known.dossier.corrections[2].changes[0].new, json!(["10.9.0.0/16"]));
}

/// A3, A4, A7: employees are replaced, superseded documents kept.
#[test]
fn the_employee_is_replaced_and_a_superseded_document_stays_on_record() {
    let mut world = World::registered();
    let employee: Employee = from_json(json!({ "name": "Another", "duty": "Engineer", "order": "14" }));
    world.must(officer(MINISTRY), Command::NameResponsible { subject: portal(), employee });
    let newer = |digits: &str, title: &str| Document {
        kind: DocumentKind::TechnicalDocumentation,
        sha256: digits.repeat(32),
        title: title.into(),
    };
    let file = |document, supersedes: Option<String>| Command::FileDocument {
        subject: portal(),
        document,
        supersedes,
    };
    world.must(officer(MINISTRY), file(newer("c1", "v2"), None));
    world.must(officer(MINISTRY), file(newer("c2", "v3"), Some("c1".repeat(32))));
    let gone = world.refused(officer(MINISTRY), file(newer("c3", "v4"), Some("c1".repeat(32))));
    assert!(matches!(gone, CommandError::Unknown { .. }), "{gone}");
    let twice = world.refused(officer(MINISTRY), file(newer("c2", "v3"), None));
    assert!(matches!(twice, CommandError::Exists { .. }), "{twice}");

    let known = world.registry.system(&system("portal")).unwrap();
    assert_eq!(known.card.responsible, "Another");
    let names: Vec<_> = known.dossier.responsible.iter().map(|one| one.employee.name.as_str()).collect();
    assert_eq!(names, ["An employee", "Another"]);
    assert_eq!(known.dossier.superseded[0].document.title, "v2");
    assert_eq!(known.dossier.superseded[0].by, "c2".repeat(32));
    assert!(known.card.documents.iter().all(|one| one.sha256 != "c1".repeat(32)));
}

/// A9
#[test]
fn the_regulator_marks_an_object_national_and_the_mark_has_its_history() {
    let mut world = World::registered();
    let mark = Command::MarkSignificance { subject: portal(), significance: Significance::National };
    let silent = world.run_because(regulator(), mark.clone(), " ").unwrap_err();
    assert_eq!(silent, CommandError::NoReason);
    world.must(regulator(), mark);
    let known = world.registry.system(&system("portal")).unwrap();
    assert_eq!(known.card.significance, Significance::National);
    assert_eq!(known.dossier.corrections[0].changes[0].new, json!("national"));
}

/// A1: what is suspended does not count until it is resumed; what is withdrawn never again.
#[test]
fn a_suspended_paper_stops_exchange_until_it_is_resumed() {
    for (paper, code) in [
        (Paper::Attestation, "attestation-suspended"),
        (Paper::QualityCertificate, "quality-certificate-suspended"),
    ] {
        let mut world = World::exchanging();
        let stop = Command::SuspendPaper { system: system("portal"), paper };
        let go = Command::ResumePaper { system: system("portal"), paper };
        assert_eq!(world.answer(&call()), "permit");
        assert!(matches!(world.refused(integrator(), go.clone()), CommandError::NoConformity { .. }));
        world.must(regulator(), stop.clone());
        assert_eq!(world.answer(&call()), code);
        assert!(matches!(world.refused(integrator(), stop), CommandError::NoConformity { .. }));
        world.must(integrator(), go);
        assert_eq!(world.answer(&call()), "permit");
    }
}

/// A4, A5
#[test]
fn operation_ends_with_its_day_and_reason_and_production_begins_with_its_act() {
    let mut world = World::empty();
    world.must(officer(MINISTRY), submit(application("portal", MINISTRY)));
    world.must(integrator(), accept(1));
    let act = document(DocumentKind::ProductionAct);
    world.must(integrator(), Command::EnterProduction { system: system("portal"), act });
    let known = world.registry.system(&system("portal")).unwrap();
    let phases: Vec<_> =
        known.dossier.information.entries_into_operation.iter().map(|one| one.phase).collect();
    assert_eq!(phases, [Some(Phase::Trial), Some(Phase::Production)]);

    let end = |on: &str| Command::EndOperation {
        subject: portal(),
        end: EndOfOperation { on: Some(day(on)), ..EndOfOperation::default() },
    };
    assert!(matches!(world.refused(integrator(), end("2026-02-21")), CommandError::Date { .. }));
    world.must(integrator(), end("2026-02-20"));
    let known = world.registry.system(&system("portal")).unwrap();
    assert_eq!(known.status, SystemStatus::Decommissioned);
    assert_eq!(known.dossier.information.end_of_operation, known.dossier.ended);
}

/// A8: a transfer of days off moves the terms that run over it.
#[test]
fn operators_edit_the_calendar_and_deadlines_follow() {
    let mut world = World::empty();
    world.must(officer(MINISTRY), submit(application("portal", MINISTRY)));
    assert_eq!(due(&world, 1)[0].1, "2026-02-27");
    let off = |kind| CalendarDay { day: day("2026-02-25"), kind, note: "Decree 5".into() };
    world.must(regulator(), Command::SetCalendarDay { day: off(DayKind::Transferred) });
    assert_eq!(due(&world, 1)[0].1, "2026-03-02");
    world.must(administrator(), Command::ClearCalendarDay { day: day("2026-02-25") });
    assert_eq!(due(&world, 1)[0].1, "2026-02-27");
    let unnamed = CalendarDay { note: " ".into(), ..off(DayKind::Holiday) };
    assert_eq!(
        world.refused(regulator(), Command::SetCalendarDay { day: unnamed }),
        CommandError::NothingSaid
    );
    let mut holiday = world.registry.calendar().yearly()[0].clone();
    holiday.month = 13;
    let wrong = world.refused(regulator(), Command::SetYearlyHoliday { holiday });
    assert!(matches!(wrong, CommandError::Calendar { .. }), "{wrong}");
    let mut term = world.registry.terms().on(TermKind::Outcome, day("2026-02-20")).unwrap().clone();
    term.days = 0;
    assert_eq!(
        world.refused(regulator(), Command::SetTerm { term: term.clone() }),
        CommandError::NothingSaid
    );
    (term.days, term.from) = (1, day("2026-01-01"));
    world.must(regulator(), Command::SetTerm { term });
    assert_eq!(due(&world, 1)[0].1, "2026-02-23");
}

/// A8: warnings at 60, 30 and 7 days, to those whom they concern.
#[test]
fn notices_tell_of_papers_that_end_and_terms_that_run_out() {
    let world = World::registered();
    // Papers end on 30 November 2026.
    let told = |today: &str| {
        let all = notices(&world.registry, day(today));
        let of_portal = all.iter().filter(|one| one.about == "system portal");
        of_portal.map(|one| (one.severity, one.what.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told("2026-09-30"), []);
    let both = |severity| [(severity, Matter::AttestationEnds), (severity, Matter::QualityCertificateEnds)];
    assert_eq!(told("2026-10-01"), both(Severity::Ahead));
    assert_eq!(told("2026-11-01"), both(Severity::Soon));
    assert_eq!(told("2026-11-25"), both(Severity::Urgent));
    assert_eq!(told("2026-12-01"), both(Severity::Overdue));
    let all = notices(&world.registry, day("2026-11-25"));
    let ministry = |one: &&Notice| is_told(one, Role::HolderOfficer, bin(MINISTRY));
    assert!(all.iter().filter(ministry).count() < all.len());
    assert!(all.iter().all(|one| is_told(one, Role::Regulator, bin(REGULATOR))));
}

/// What was recorded before applications existed is read as it was meant.
#[test]
fn events_of_older_registries_are_still_read() {
    let old = json!({ "event": "operator-registered", "operator": {
        "id": "saule", "name": "Saule", "role": "holder-officer", "holder": MINISTRY,
    } });
    let Event::OperatorRegistered { operator, standing } = from_json(old) else { panic!("another event") };
    assert_eq!((operator.reach, standing), (Reach::default(), OperatorStanding::Active));
    let paper: Conformity = from_json(json!({
        "number": "1", "issuer": "Body", "valid_from": "2026-01-01", "valid_until": "2026-12-31",
    }));
    assert_eq!((paper.scope.as_str(), paper.suspended), ("", None));
}

/// A4: a registry is the same after its events are written, read and taken in again.
#[test]
fn events_of_registration_survive_their_wire_form() {
    let mut world = World::registered();
    world.must(officer(MINISTRY), submit(application("fresh", MINISTRY)));
    world.must(integrator(), accept(5));
    world.must(integrator(), Command::ReportDiscovery { subject: portal(), what: words("wrong") });
    let mut again = Registry::default();
    for recorded in &world.log {
        let text = serde_json::to_string(recorded).unwrap();
        again.apply(&serde_json::from_str(&text).unwrap()).unwrap();
    }
    let shown = |registry: &Registry| {
        let systems: Vec<_> = registry.systems().collect();
        let applications: Vec<_> = registry.applications().collect();
        serde_json::to_value((systems, applications)).unwrap()
    };
    assert_eq!(shown(&again), shown(&world.registry));
}
