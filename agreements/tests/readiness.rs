//! The two-sided readiness check: what it must cover, and for how long it holds (B5).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use serde_json::json;
use support::*;

/// B5: the first one precedes transfer.
#[test]
fn nothing_passes_before_both_systems_were_found_ready() {
    let mut world = World::registered();
    let agreement = open();
    world.draft(&agreement);
    world.approve_one(&agreement);
    world.sign_both(&agreement);
    world.submit(&agreement);
    world.concur(&agreement);
    assert_eq!(world.answer(&call()), "readiness-missing");
    world.check(&agreement);
    assert_eq!(world.answer(&call()), "permit");
}

/// B5
#[test]
fn the_newest_check_counts_whatever_the_ones_before_found() {
    let mut world = World::agreed(&open());
    let failed = world.readiness(&open(), CheckOutcome::Failed);
    world.must(integrator(), failed);
    assert_eq!(world.answer(&call()), "readiness-failed");
    world.check(&open());
    assert_eq!(world.answer(&call()), "permit");
}

/// B5: a sample of an operation that changes data cannot be taken; that a provider was never reached is no check. Whoever records
/// by hand names what was not measured, and why transfer may follow.
#[test]
fn what_was_not_measured_is_recorded_by_hand_with_a_reason_and_never_for_a_provider_nobody_reached() {
    let essential = [(Party::Provider, CheckKind::Certificate), (Party::Provider, CheckKind::Reachability)];
    for unmeasured in wanted(&World::agreed(&open())) {
        let mut world = World::agreed(&open());
        let command = with_outcome(&world, &unmeasured, CheckOutcome::Unmeasured);
        assert!(matches!(world.refused(integrator(), command.clone()), CommandError::CheckUnfit(_)));
        for no_reason in ["  ".to_owned(), "x".repeat(501)] {
            let command = accepted(command.clone(), &no_reason);
            assert!(matches!(world.refused(integrator(), command), CommandError::CheckUnfit(_)));
        }
        world.must(integrator(), accepted(command, "the operation changes data"));
        let expected = if essential.contains(&unmeasured) { "readiness-failed" } else { "permit" };
        assert_eq!(world.answer(&call()), expected, "{unmeasured:?}");
    }
    let mut world = World::agreed(&open());
    let command = changed(&world, |checks| checks[0].accepted = Some("why not".into()));
    assert!(matches!(world.refused(integrator(), command), CommandError::CheckUnfit(_)), "it was measured");
}

/// B5, B7: strict where personal data passes.
#[test]
fn what_the_gateway_could_not_measure_needs_a_reason_where_personal_data_passes() {
    let mut world = World::agreed(&open());
    let unseen = (Party::Consumer, CheckKind::Reachability);
    let command = measured(with_outcome(&world, &unseen, CheckOutcome::Unmeasured));
    world.must(integrator(), command.clone());
    assert_eq!(world.answer(&call()), "readiness-failed");
    world.must(integrator(), accepted(command.clone(), "it is started tonight"));
    assert_eq!(world.answer(&call()), "permit");

    let (number, version) = key(&open());
    let personal = world.registry.agreement(&number, version).unwrap().text.clone().unwrap();
    let protection = Protection { category: Category::Public, ..(*personal.protection).clone() };
    let plain = AgreementText { personal_data: None, protection: protection.into(), ..(*personal).clone() };
    let Command::RecordReadiness { checks, .. } = command else { panic!("no record of readiness") };
    for (means, of_personal, of_plain) in [
        (Some(Means::Measured), false, true),
        (Some(Means::ByHand), false, false),
        (None, true, true), // as when it was made, by an earlier build
    ] {
        assert_eq!(failed(&checks, means, &personal).is_none(), of_personal, "{means:?}");
        assert_eq!(failed(&checks, means, &plain).is_none(), of_plain, "{means:?}");
    }
}

/// B5: who records cannot say that it was measured; the record says which it was.
#[test]
fn what_comes_from_outside_is_recorded_as_by_hand() {
    let mut world = World::agreed(&open());
    let command = world.readiness(&open(), CheckOutcome::Passed);
    let mut wire = serde_json::to_value(measured(command.clone())).unwrap();
    assert_eq!(serde_json::from_value::<Command>(wire.clone()).unwrap(), command);
    wire["record-readiness"]["means"] = json!("measured");
    assert!(serde_json::from_value::<Command>(wire).is_err());
    let known = |world: &World| {
        let (number, version) = key(&open());
        world.registry.agreement(&number, version).unwrap().readiness.as_ref().unwrap().means
    };
    world.must(integrator(), command.clone());
    assert_eq!(known(&world), Some(Means::ByHand));
    world.must(integrator(), measured(command));
    assert_eq!(known(&world), Some(Means::Measured));
}

/// B5: after any change of a system.
#[test]
fn a_system_that_changes_is_checked_anew() {
    let networks = || Some(vec!["10.1.0.0/16".parse().unwrap()]);
    let endpoint = || card("personnel", AGENCY).endpoint;
    let update = |id, networks, endpoint| Command::UpdateSystem { system: system(id), networks, endpoint };
    let made = |id| Command::CorrectInformation {
        subject: Subject::System(system(id)),
        card: CardCorrection::default(),
        information: from_json(json!({ "technical": { "platform": "Another" } })),
        changed_on: None,
        discovery: None,
    };
    for (change, party) in [
        (update("portal", networks(), None), Party::Consumer),
        (update("personnel", None, endpoint()), Party::Provider),
        (bind("portal", 20), Party::Consumer),
        (bind("personnel", 20), Party::Provider),
        (made("portal"), Party::Consumer),
    ] {
        let mut world = World::agreed(&open());
        world.must(integrator(), change);
        let number = number_of(&open());
        assert_eq!(world.denial(&call()), Denial::ReadinessOutdated { number, party });
        world.check(&open());
        assert_eq!(world.answer(&call()), "permit");
    }
}

/// B5: from trial to production is a change too.
#[test]
fn a_system_that_enters_production_is_checked_anew() {
    let mut world = World::agreed(&open());
    for recorded in &mut world.log {
        if let Event::SystemRegistered { card, .. } = &mut recorded.event {
            card.phase = Phase::Trial;
        }
    }
    world.registry = Registry::default();
    world.log.iter().for_each(|recorded| world.registry.apply(recorded).unwrap());
    for id in ["portal", "personnel"] {
        let act = document(DocumentKind::ProductionAct);
        world.must(integrator(), Command::EnterProduction { system: system(id), act });
    }
    assert_eq!(world.answer(&call()), "readiness-outdated");
}

/// B5: before a batch when the last check is stale.
#[test]
fn a_check_holds_for_as_many_days_as_the_agreement_says() {
    let agreement = with(open(), "/protection/readiness_days", json!(30));
    let world = World::agreed(&agreement);
    // Checked on 20 February, 09:00 UTC.
    assert_eq!(world.answer_at(&call(), "2026-03-22T08:59:59.999999999Z"), "permit");
    assert_eq!(world.answer_at(&call(), "2026-03-22T09:00:00Z"), "readiness-stale");
    assert_eq!(World::agreed(&open()).answer_at(&call(), "2026-11-30T10:00:00+05:00"), "permit");
}

/// B5: each version is checked for itself: it may name other data types.
#[test]
fn a_new_version_is_checked_for_itself_and_may_be_before_it_is_in_force() {
    let mut world = World::agreed(&open());
    let second = next_version(&open());
    world.draft(&second);
    world.sign_both(&second);
    world.submit(&second);
    world.check(&second);
    world.concur(&second);
    assert_eq!(world.answer(&call()), "permit");
    let third = next_version(&second);
    world.draft(&third);
    world.sign_both(&third);
    world.submit(&third);
    world.concur(&third);
    assert_eq!(world.answer(&call()), "readiness-missing");
}

/// B5
#[test]
fn a_check_that_leaves_something_out_is_not_recorded() {
    let mut world = World::agreed(&open());
    for left_out in wanted(&world) {
        let command = changed(&world, |checks| {
            checks.retain(|one| (one.party, &one.check) != (left_out.0, &left_out.1));
        });
        let (party, check) = left_out;
        assert_eq!(world.refused(integrator(), command), CommandError::NotChecked { party, check });
    }
    for spoil in [
        |checks: &mut Vec<ReadinessCheck>| checks.push(checks[0].clone()),
        |checks: &mut Vec<ReadinessCheck>| checks[0].detail = "x".repeat(501).into(),
        |checks: &mut Vec<ReadinessCheck>| *checks = vec![checks[0].clone(); 1000],
    ] {
        let command = changed(&world, spoil);
        assert!(matches!(world.refused(integrator(), command), CommandError::CheckUnfit(_)));
    }
}

/// B5: whoever checked the old endpoint has not checked the new one.
#[test]
fn a_check_of_what_changed_meanwhile_is_not_recorded() {
    let mut world = World::agreed(&open());
    let early = world.readiness(&open(), CheckOutcome::Passed);
    let (endpoint, system) = (card("personnel", AGENCY).endpoint, system("personnel"));
    let change = Command::UpdateSystem { system: system.clone(), networks: None, endpoint };
    world.must(integrator(), change);
    let Command::RecordReadiness { revision, .. } = early else { panic!("no record of readiness") };
    let error = world.refused(integrator(), early);
    assert_eq!(error, CommandError::ChangedSince { party: Party::Provider, system, revision });
    let mut prophetic = world.readiness(&open(), CheckOutcome::Passed);
    if let Command::RecordReadiness { revision, .. } = &mut prophetic {
        *revision += 1;
    }
    assert!(matches!(world.refused(integrator(), prophetic), CommandError::CheckUnfit(_)));
}

/// B2.7
#[test]
fn an_agreement_whose_checks_hold_for_no_day_is_not_signed() {
    let agreement = with(open(), "/protection/readiness_days", json!(0));
    let problems = lint(&agreement, &World::registered().registry).unwrap_err();
    assert_eq!((problems.len(), problems[0].clause), (1, "HR 26.6"));
}

/// Asked by whoever is listed, so that only readiness is in the way.
fn open() -> serde_json::Value {
    with(personnel_agreement(), "/protection/users", json!("listed"))
}

fn wanted(world: &World) -> Vec<(Party, CheckKind)> {
    let (number, version) = key(&open());
    wanted_checks(world.registry.agreement(&number, version).unwrap().text.as_ref().unwrap())
}

fn with_outcome(world: &World, of: &(Party, CheckKind), outcome: CheckOutcome) -> Command {
    changed(world, |checks| {
        let one = checks.iter_mut().find(|one| (one.party, &one.check) == (of.0, &of.1));
        one.unwrap().outcome = outcome;
    })
}

fn accepted(mut command: Command, why: &str) -> Command {
    if let Command::RecordReadiness { checks, .. } = &mut command {
        let unmeasured = checks.iter_mut().filter(|one| one.outcome == CheckOutcome::Unmeasured);
        unmeasured.for_each(|one| one.accepted = Some(why.into()));
    }
    command
}

/// As the gateway records what it found.
fn measured(mut command: Command) -> Command {
    if let Command::RecordReadiness { means, .. } = &mut command {
        *means = Means::Measured;
    }
    command
}

fn changed(world: &World, change: impl FnOnce(&mut Vec<ReadinessCheck>)) -> Command {
    let mut command = world.readiness(&open(), CheckOutcome::Passed);
    if let Command::RecordReadiness { checks, .. } = &mut command {
        change(checks);
    }
    command
}

/// B5, C8: whose check failed is at fault, and the consumer where both did.
#[test]
fn the_side_whose_check_failed_is_at_fault() {
    let (asks, answers) = ((Party::Consumer, CheckKind::Clock), (Party::Provider, CheckKind::Reachability));
    for (checks, party, culprit) in [
        (vec![&asks], Party::Consumer, "consumer"),
        (vec![&answers], Party::Provider, "provider"),
        (vec![&answers, &asks], Party::Consumer, "consumer"),
    ] {
        let mut world = World::agreed(&open());
        let mut command = world.readiness(&open(), CheckOutcome::Passed);
        let Command::RecordReadiness { checks: all, .. } = &mut command else { panic!("{command:?}") };
        for one in all.iter_mut().filter(|one| checks.contains(&&(one.party, one.check.clone()))) {
            one.outcome = CheckOutcome::Failed;
        }
        world.must(integrator(), command);
        let denial = world.denial(&call());
        assert_eq!(denial, Denial::ReadinessFailed { number: number_of(&open()), party });
        assert_eq!(denial.culprit().as_str(), culprit);
    }
}
