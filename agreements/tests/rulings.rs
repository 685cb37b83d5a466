//! What becomes of an agreement before the regulator (B9; Portal 17-21), and who lets it work again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use support::*;

fn submitted() -> World {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    world.draft(&agreement);
    world.sign_both(&agreement);
    world.submit(&agreement);
    world
}

fn changed(command: Command, change: impl FnOnce(&mut RulingText)) -> Command {
    let Command::RuleOnAgreement { mut ruling, signature } = command else { panic!("no ruling") };
    change(&mut ruling);
    Command::RuleOnAgreement { ruling, signature }
}

/// B9, Portal 17.2: in force, with remarks which each propose a remedy.
#[test]
fn an_agreement_agreed_with_remarks_is_in_force_and_its_remarks_propose_remedies() {
    let mut world = submitted();
    let agreement = personnel_agreement();
    let agreed = rule(&agreement, Ruling::AgreedWithRemarks);
    for (spoil, why) in [
        ((|one| one.remarks.clear()) as fn(&mut RulingText), "agrees with remarks, and has none"),
        (
            |one| one.remarks[0].remedy = Words::default(),
            "has a remark without its remedy, an empty one, or too many",
        ),
        (|one| one.document_sha256 = "none".into(), "names no document by its SHA-256"),
    ] {
        let error = world.refused(regulator(), changed(agreed.clone(), spoil));
        assert_eq!(error, CommandError::RulingUnfit(why));
    }
    world.must(regulator(), agreed);
    world.check(&agreement);
    world.approve(&number_of(&agreement), vec![listed("a.serikov", Some("T-1"))]);
    assert_eq!(world.answer(&call()), "permit");
    let (number, version) = key(&agreement);
    let known = world.registry.agreement(&number, version).unwrap();
    let ruled = known.ruled.as_ref().unwrap();
    assert_eq!(ruled.text.remarks[0].remedy, words("a year will do"));
    let step = known.history.last().unwrap();
    assert_eq!(
        (&step.stage, step.actor.role, &*step.reason),
        (&Stage::Concurred, Role::Regulator, "as decided")
    );
}

/// B3, B9: the ruling must be proven as a concurrence must; a signature over anything else is none.
#[test]
fn an_agreement_is_in_force_by_a_ruling_only_if_that_is_proven() {
    let mut world = submitted();
    world.must(regulator(), rule(&personnel_agreement(), Ruling::AgreedWithRemarks));
    world.check(&personnel_agreement());
    let (number, version) = key(&personnel_agreement());
    let agreement = world.registry.agreement(&number, version).unwrap();
    let beside = Signed::Agreement(agreement).beside();
    let Some(Signed::Ruling(of, ruled)) = beside else { panic!("{beside:?}") };
    assert_eq!((of.header.version, ruled.text.ruling), (version, Ruling::AgreedWithRemarks));
    let SignedForm::About { value, document } = Signed::Ruling(of, ruled).form() else {
        panic!("no statement")
    };
    assert_eq!(
        (value["ruling"].as_str(), document),
        (Some("agreed-with-remarks"), agreement.document.text())
    );
    assert_eq!(Signed::Ruling(of, ruled).parties(&world.registry), [None, None, Some(bin(REGULATOR))]);
}

/// B9, Portal 17.3: refused and returned with a reason; what comes after is the next version.
#[test]
fn what_is_refused_or_returned_says_why_and_the_next_version_follows() {
    for (ruling, stage) in [(Ruling::Refused, Stage::Refused), (Ruling::Returned, Stage::Returned)] {
        let mut world = submitted();
        let agreement = personnel_agreement();
        let mute = changed(rule(&agreement, ruling), |one| one.reason = Words::default());
        assert_eq!(world.refused(regulator(), mute), CommandError::NoReason);
        world.must(regulator(), rule(&agreement, ruling));
        assert_eq!(world.stage(&agreement), stage);
        assert_eq!(world.answer(&call()), "no-agreement");
        let again = world.refused(regulator(), concur(&agreement));
        assert!(matches!(again, CommandError::Stage { .. }), "{again}");
        world.conclude(&next_version(&agreement));
        assert_eq!(world.stage(&next_version(&agreement)), Stage::Concurred);
    }
}

/// E4, B9: the regulator's signatory, and not who submitted.
#[test]
fn only_the_regulator_rules_and_not_on_what_they_submitted_themselves() {
    let mut world = submitted();
    let agreement = personnel_agreement();
    let Command::RuleOnAgreement { ruling, .. } = rule(&agreement, Ruling::Refused) else { panic!() };
    let signature = signature(Side::Regulator, MINISTRY);
    let stranger = Command::RuleOnAgreement { ruling, signature };
    assert!(matches!(world.refused(regulator(), stranger), CommandError::Stranger { .. }));
    for command in [rule(&agreement, Ruling::Refused), rule(&agreement, Ruling::AgreedWithRemarks)] {
        let officer = world.refused(officer(MINISTRY), command.clone());
        assert_eq!(officer, CommandError::NotInRole { role: Role::HolderOfficer });
        let promoted = actor(&format!("officer-{MINISTRY}"), Role::Regulator, REGULATOR);
        assert!(matches!(world.refused(promoted, command), CommandError::SamePerson { .. }));
    }
}

/// B9: a ruling supersedes as a concurrence does, and never the newer by the older.
#[test]
fn a_version_agreed_with_remarks_takes_the_place_of_the_one_in_force() {
    let mut world = World::exchanging();
    let first = personnel_agreement();
    let second = next_version(&first);
    world.draft(&second);
    world.sign_both(&second);
    world.submit(&second);
    world.must(regulator(), rule(&second, Ruling::AgreedWithRemarks));
    assert_eq!([world.stage(&first), world.stage(&second)], [Stage::Superseded, Stage::Concurred]);
}

/// B9: a holder takes back what is before the regulator.
#[test]
fn a_submission_is_taken_back_by_a_holder_and_by_nobody_else() {
    let mut world = submitted();
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let withdraw = Command::WithdrawAgreement { number, version };
    assert!(matches!(world.refused(officer(OFFICE), withdraw.clone()), CommandError::NotYours { .. }));
    world.must(officer(AGENCY), withdraw.clone());
    assert_eq!(world.stage(&agreement), Stage::Withdrawn);
    assert!(matches!(world.refused(officer(AGENCY), withdraw), CommandError::Stage { .. }));
    assert!(matches!(world.refused(regulator(), concur(&agreement)), CommandError::Stage { .. }));
    world.conclude(&next_version(&agreement));
}

/// B9, Portal 21: a protocol of disagreement is attached to a version and signed by the heads of both holders.
#[test]
fn a_protocol_of_disagreement_stands_once_both_heads_have_signed_the_same() {
    let mut world = submitted();
    let agreement = personnel_agreement();
    let known = |world: &World| {
        let (number, version) = key(&agreement);
        world.registry.agreement(&number, version).unwrap().protocol.clone().unwrap()
    };
    let stranger = protocol(&agreement, "retention", Side::Consumer, OFFICE);
    assert!(matches!(world.refused(officer(OFFICE), stranger), CommandError::Stranger { .. }));
    world.must(officer(MINISTRY), protocol(&agreement, "retention", Side::Consumer, MINISTRY));
    let twice = protocol(&agreement, "retention", Side::Consumer, MINISTRY);
    assert!(matches!(world.refused(officer(MINISTRY), twice), CommandError::Exists { .. }));
    // Another text begins it anew, until both have signed one.
    world.must(officer(AGENCY), protocol(&agreement, "fields", Side::Provider, AGENCY));
    assert!(!known(&world).is_signed_by_both());
    world.must(officer(MINISTRY), protocol(&agreement, "fields", Side::Consumer, MINISTRY));
    assert!(known(&world).is_signed_by_both());
    assert_eq!(known(&world).signatures.len(), 2);
    let other = protocol(&agreement, "retention", Side::Consumer, MINISTRY);
    assert!(matches!(world.refused(officer(MINISTRY), other), CommandError::ProtocolUnfit(_)));
    let protocol = known(&world);
    let parties = Signed::Protocol(&protocol).parties(&world.registry);
    assert_eq!(parties, [Some(bin(MINISTRY)), Some(bin(AGENCY)), None]);
    world.concur(&agreement);
    let late = support::protocol(&agreement, "retention", Side::Consumer, MINISTRY);
    assert!(matches!(world.refused(officer(MINISTRY), late), CommandError::Stage { .. }));
}

/// B9: an agreement whose period is over is shown as expired; nothing is recorded when the day comes.
#[test]
fn an_agreement_is_shown_as_expired_from_the_day_after_its_last() {
    let mut world = World::exchanging();
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let on = |world: &World, day: &str| {
        world.registry.agreement(&number, version).unwrap().stage_on(day.parse().unwrap())
    };
    assert_eq!(on(&world, "2026-12-31"), Stage::Concurred);
    assert_eq!(on(&world, "2027-01-01"), Stage::Expired);
    world.must(officer(MINISTRY), Command::SuspendAgreement { number: number.clone(), version });
    assert_eq!([on(&world, "2026-12-31"), on(&world, "2027-01-01")], [Stage::Suspended, Stage::Expired]);
    world.must(officer(MINISTRY), Command::TerminateAgreement { number: number.clone(), version });
    assert_eq!(on(&world, "2027-01-01"), Stage::Terminated);
}

/// B9: who suspended may resume, and the regulator always; what the regulator suspended nobody else.
#[test]
fn an_agreement_is_resumed_by_who_suspended_it_or_by_the_regulator() {
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let suspend = Command::SuspendAgreement { number: number.clone(), version };
    let resume = Command::ResumeAgreement { number, version };
    let mut world = World::exchanging();
    world.must(officer(AGENCY), suspend.clone());
    let error = world.refused(officer(MINISTRY), resume.clone());
    assert_eq!(error, CommandError::NotYours { owner: bin(AGENCY), actor: bin(MINISTRY) });
    world.must(officer(AGENCY), resume.clone());
    world.must(officer(AGENCY), suspend.clone());
    world.must(regulator(), resume.clone());
    // The regulator's own organisation may be a party too: its officer is not the regulator.
    let inspector = actor("inspector", Role::Regulator, MINISTRY);
    world.must(inspector.clone(), suspend);
    let error = world.refused(officer(MINISTRY), resume.clone());
    assert_eq!(error, CommandError::NotInRole { role: Role::HolderOfficer });
    world.must(inspector, resume);
    assert_eq!(world.answer(&call()), "permit");
}
