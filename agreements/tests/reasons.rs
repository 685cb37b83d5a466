//! What is done only with a reason (B9).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use support::*;

/// B9: each step is recorded with who, when and why.
#[test]
fn whatever_stops_an_exchange_needs_a_reason() {
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    for (actor, command) in [
        (integrator(), Command::SuspendSystem { system: system("portal") }),
        (integrator(), Command::DecommissionSystem { system: system("portal") }),
        (regulator(), Command::WithdrawAttestation { system: system("portal") }),
        (regulator(), Command::WithdrawQualityCertificate { system: system("portal") }),
        (integrator(), Command::UnbindCertificate { certificate: fingerprint(1) }),
        (regulator(), Command::SuspendAgreement { number: number.clone(), version }),
        (regulator(), Command::TerminateAgreement { number, version }),
    ] {
        let mut world = World::exchanging();
        let error = world.run_because(actor.clone(), command.clone(), " ").unwrap_err();
        assert_eq!(error, CommandError::NoReason, "{command:?}");
        world.must(actor, command);
    }
    let mut world = World::registered();
    let silent = |world: &mut World, actor: Actor, command: Command| {
        let error = world.run_because(actor.clone(), command.clone(), " ");
        assert_eq!(error, Err(CommandError::NoReason), "{command:?}");
        world.must(actor, command);
    };
    world.draft(&agreement);
    silent(&mut world, officer(MINISTRY), sign(&agreement, Side::Consumer, MINISTRY));
    world.must(officer(AGENCY), sign(&agreement, Side::Provider, AGENCY));
    let (number, version) = key(&agreement);
    let submit = Command::SubmitAgreement { number, version };
    silent(&mut world, officer(MINISTRY), submit);
    let (number, version) = key(&agreement);
    let withdraw = Command::WithdrawAgreement { number, version };
    assert_eq!(world.run_because(officer(MINISTRY), withdraw, ""), Err(CommandError::NoReason));
}

/// B9: to let more pass is a step as well as to stop it.
#[test]
fn whatever_lets_an_exchange_pass_needs_a_reason() {
    let mut world = World::exchanging();
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let (portal, paper) = (system("portal"), Paper::Attestation);
    world.must(integrator(), Command::SuspendSystem { system: portal.clone() });
    world.must(integrator(), Command::SuspendPaper { system: portal.clone(), paper });
    world.must(regulator(), Command::SuspendAgreement { number: number.clone(), version });
    let conformity = conformity("portal");
    let categorise = Command::Categorise {
        provider: system("personnel"),
        data_type: DataTypeId::new("record").unwrap(),
        category: Category::Confidential,
    };
    let networks = Some(vec!["10.1.0.0/16".parse().unwrap()]);
    for (actor, command) in [
        (integrator(), Command::ResumeSystem { system: portal.clone() }),
        (integrator(), Command::ResumePaper { system: portal.clone(), paper }),
        (regulator(), Command::ResumeAgreement { number, version }),
        (officer(AGENCY), categorise),
        (integrator(), bind("portal", 7)),
        (integrator(), Command::UpdateSystem { system: portal.clone(), networks, endpoint: None }),
        (integrator(), Command::RecordAttestation { system: portal.clone(), conformity: conformity.clone() }),
        (integrator(), Command::RecordQualityCertificate { system: portal, conformity }),
        (integrator(), world.readiness(&agreement, CheckOutcome::Passed)),
        (officer(MINISTRY), world.approval(&number_of(&agreement), Vec::new())),
    ] {
        let error = world.run_because(actor.clone(), command.clone(), "").unwrap_err();
        assert_eq!(error, CommandError::NoReason, "{command:?}");
        // The record is of the newest revision.
        let command = match command {
            Command::RecordReadiness { .. } => world.readiness(&agreement, CheckOutcome::Passed),
            other => other,
        };
        world.must(actor, command);
    }
}
