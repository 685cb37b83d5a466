//! The regulator's prescriptions, holders' delegations, several signers, signed lists, and time after a repeal.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use serde_json::json;
use support::*;

fn against_the_agreement() -> Target {
    Target::Agreement(number_of(&personnel_agreement()))
}

fn orders_only(operation: &str) -> Order {
    Order::LimitTo(vec![NamedOperation {
        provider: system("personnel"),
        data_type: DataTypeId::new("record").unwrap(),
        operation: OperationId::new(operation).unwrap(),
    }])
}

/// B9
#[test]
fn a_prescription_stops_a_system_or_an_agreement_until_another_order_lifts_it() {
    for against in
        [against_the_agreement(), Target::System(system("portal")), Target::System(system("personnel"))]
    {
        let mut world = World::exchanging();
        world.must(regulator(), prescription("p-1", against, Order::Suspend));
        assert_eq!(world.answer(&call()), "prescription-suspends");
        world.must(regulator(), lifting("p-1"));
        assert_eq!(world.answer(&call()), "permit");
        assert!(matches!(world.refused(regulator(), lifting("p-1")), CommandError::PrescriptionUnfit(_)));
    }
}

/// B9
#[test]
fn a_prescription_stops_after_the_day_until_which_something_was_to_be_corrected() {
    let mut world = World::exchanging();
    let order = Order::CorrectBy("2026-04-30".parse().unwrap());
    world.must(regulator(), prescription("p-1", against_the_agreement(), order));
    assert_eq!(world.answer_at(&call(), "2026-04-30T18:59:59.999999999Z"), "permit");
    assert_eq!(world.answer_at(&call(), "2026-04-30T19:00:00Z"), "prescription-overdue");
}

/// B9
#[test]
fn a_prescription_leaves_only_the_operations_that_it_names() {
    let mut world = World::exchanging();
    world.must(regulator(), prescription("p-1", against_the_agreement(), orders_only("orders")));
    assert_eq!(world.answer(&call()), "permit");
    // Two orders: what passes is named by both.
    world.must(regulator(), prescription("p-2", Target::System(system("portal")), orders_only("find")));
    assert_eq!(world.answer(&call()), "prescription-limits");
}

/// B9: whoever may write the registry could lift an order; nobody could gain by issuing one.
#[test]
fn an_order_that_forbids_is_obeyed_unproven_and_one_that_allows_again_is_not() {
    let mut world = World::exchanging();
    let order = |against| prescription("p-1", against, Order::Suspend);
    world.must(regulator(), order(against_the_agreement()));
    world.must(regulator(), lifting("p-1"));
    let prove = |signed: Signed<'_>| match signed {
        Signed::Lifting(_) | Signed::Prescription(_) => Err("signature-forged"),
        Signed::Agreement(_)
        | Signed::Users(_)
        | Signed::Delegation(_)
        | Signed::Ruling(..)
        | Signed::Protocol(_) => Ok(()),
    };
    let book = Book::new(&world.registry, Phase::Production, &prove);
    assert_eq!(answer(&book, &call(), at("2026-03-10T10:00:00+05:00")), "prescription-suspends");
}

/// E4
#[test]
fn a_prescription_is_the_regulators_and_says_why_by_what_and_where_to_appeal() {
    let mut world = World::exchanging();
    let whole = prescription("p-1", against_the_agreement(), Order::Suspend);
    let Command::IssuePrescription { prescription: text, signature: signed } = whole.clone() else {
        panic!("no prescription")
    };
    let stranger = signature(Side::Regulator, AGENCY);
    let forged = Command::IssuePrescription { prescription: text.clone(), signature: stranger };
    assert!(matches!(world.refused(regulator(), forged), CommandError::Stranger { .. }));
    for blank in [
        PrescriptionText { reason: Words::default(), ..text.clone() },
        PrescriptionText { clause: Words::default(), ..text.clone() },
        PrescriptionText { appeal: Words::default(), ..text.clone() },
        PrescriptionText { order: Order::LimitTo(vec![]), ..text.clone() },
    ] {
        let command = Command::IssuePrescription { prescription: blank, signature: signed.clone() };
        assert!(matches!(world.refused(regulator(), command), CommandError::PrescriptionUnfit(_)));
    }
    let unknown = prescription("p-1", Target::System(system("nobody")), Order::Suspend);
    assert!(matches!(world.refused(regulator(), unknown), CommandError::Unknown { .. }));
    world.must(regulator(), whole.clone());
    assert!(matches!(world.refused(regulator(), whole), CommandError::Exists { .. }));
}

/// A10, B4
#[test]
fn a_delegate_signs_while_the_delegation_is_in_force_and_for_its_systems_only() {
    let agreement = personnel_agreement();
    let by_delegate = sign(&agreement, Side::Consumer, OFFICE);
    let stranger = CommandError::Stranger { found: Side::Consumer, bin: bin(OFFICE) };
    let world_with = |text: Option<DelegationText>| {
        let mut world = World::registered();
        if let Some(delegation) = text {
            let signature = signature(Side::Consumer, MINISTRY);
            world.must(officer(MINISTRY), Command::RecordDelegation { delegation, signature });
        }
        world.draft(&agreement);
        world
    };
    let signing = || delegation(OFFICE, &[Delegated::Signing]);

    assert_eq!(world_with(None).refused(officer(OFFICE), by_delegate.clone()), stranger);
    let mut world = world_with(Some(signing()));
    world.must(officer(OFFICE), by_delegate.clone());
    world.must(officer(AGENCY), sign(&agreement, Side::Provider, AGENCY));
    world.submit(&agreement);

    for unfit in [
        delegation(OFFICE, &[Delegated::Operation]),
        DelegationText { from: "2026-02-21".parse().unwrap(), ..signing() },
        DelegationText { until: "2026-02-19".parse().unwrap(), ..signing() },
        DelegationText { systems: vec![system("insurer")], ..signing() },
    ] {
        assert_eq!(world_with(Some(unfit.clone())).refused(officer(OFFICE), by_delegate.clone()), stranger);
    }
    let mut world = world_with(Some(signing()));
    let number = DelegationNumber::new("d-1").unwrap();
    world.must(officer(MINISTRY), Command::RevokeDelegation { delegation: number });
    assert_eq!(world.refused(officer(OFFICE), by_delegate), stranger, "revoked");
}

/// A10: a signature is neither older nor newer than what allows it.
#[test]
fn a_delegate_cannot_date_a_signature_back_into_a_delegation() {
    let mut world = World::registered();
    let signature_of_head = signature(Side::Consumer, MINISTRY);
    let delegation = delegation(OFFICE, &[Delegated::Signing]);
    let record = Command::RecordDelegation { delegation, signature: signature_of_head };
    world.must(officer(MINISTRY), record);
    world.draft(&personnel_agreement());
    world.now = at("2026-04-01T00:00:00+05:00");
    let error = world.refused(officer(OFFICE), sign(&personnel_agreement(), Side::Consumer, OFFICE));
    assert!(matches!(error, CommandError::Stranger { .. }));
}

/// A10, E4
#[test]
fn a_delegate_that_operates_drafts_and_publishes_for_the_holder() {
    let mut world = World::registered();
    let unfit = [
        delegation(MINISTRY, &[Delegated::Operation]),
        delegation(REGULATOR, &[Delegated::Operation]),
        delegation(OFFICE, &[]),
        DelegationText { document: "x".into(), ..delegation(OFFICE, &[Delegated::Operation]) },
        DelegationText { systems: vec![system("personnel")], ..delegation(OFFICE, &[Delegated::Operation]) },
    ];
    let record =
        |delegation| Command::RecordDelegation { delegation, signature: signature(Side::Consumer, MINISTRY) };
    for text in unfit {
        let error = world.refused(officer(MINISTRY), record(text));
        assert!(matches!(error, CommandError::DelegationUnfit(_)), "{error:?}");
    }
    let whole = delegation(OFFICE, &[Delegated::Operation]);
    let self_served = world.refused(officer(OFFICE), record(whole.clone()));
    assert!(matches!(self_served, CommandError::NotYours { .. }));
    let elsewhere = with(personnel_agreement(), "/provider", json!("personnel"));
    assert!(matches!(world.refused(officer(OFFICE), draft(&elsewhere)), CommandError::NotYours { .. }));
    world.must(officer(MINISTRY), record(whole));
    world.must(officer(OFFICE), draft(&elsewhere));
}

/// B4: one or several a side.
#[test]
fn an_agreement_that_names_its_signers_is_submitted_when_all_of_them_have_signed() {
    let signers = json!({ "consumer": ["Head", "Secretary"] });
    let agreement = with(personnel_agreement(), "/signers", signers);
    let (number, version) = key(&agreement);
    let mut world = World::registered();
    world.draft(&agreement);
    world.sign_both(&agreement);
    let submit = Command::SubmitAgreement { number: number.clone(), version };
    let error = world.refused(officer(MINISTRY), submit.clone());
    assert_eq!(error, CommandError::SignerMissing { side: Side::Consumer, signer: "Secretary".into() });
    let by = |signer: &str, certificate| Command::SignAgreement {
        number: number.clone(),
        version,
        signature: Signature {
            signer: signer.into(),
            certificate: fingerprint(certificate),
            ..signature(Side::Consumer, MINISTRY)
        },
    };
    let error = world.refused(officer(MINISTRY), by("Clerk", 120));
    assert_eq!(error, CommandError::NotNamed { side: Side::Consumer, signer: "Clerk".into() });
    world.must(officer(MINISTRY), by("Secretary", 121));
    world.must(officer(MINISTRY), submit);
}

/// B4: an old version signed again.
#[test]
fn a_version_that_a_newer_one_follows_is_not_signed_any_more() {
    let mut world = World::registered();
    let first = personnel_agreement();
    world.draft(&first);
    world.must(officer(MINISTRY), sign(&first, Side::Consumer, MINISTRY));
    world.draft(&next_version(&first));
    let error = world.refused(officer(AGENCY), sign(&first, Side::Provider, AGENCY));
    assert_eq!(error, CommandError::OldVersion { number: number_of(&first), version: 1, newest: 2 });
    assert_eq!(error.code(), "agreement-version-old");
}

/// B6
#[test]
fn a_list_of_officials_counts_if_its_signature_stands_and_never_comes_again() {
    let mut world = World::exchanging();
    let number = number_of(&personnel_agreement());
    let older = world.approval(&number, vec![listed("b.omarov", Some("T-2"))]);
    world.approve(&number, vec![listed("a.serikov", Some("T-1"))]);
    let error = world.refused(officer(MINISTRY), older);
    assert_eq!(error, CommandError::OldList { number, expected: 3, found: 2 });
    let prove = |signed: Signed<'_>| match signed {
        Signed::Users(_) => Err("signature-forged"),
        _ => Ok(()),
    };
    let book = Book::new(&world.registry, Phase::Production, &prove);
    assert_eq!(answer(&book, &call(), at("2026-03-10T10:00:00+05:00")), "users-unproven");
    let mut registry = Registry::default();
    for mut recorded in world.log {
        // As earlier builds wrote it.
        if let Event::UsersApproved { serial, signature, .. } = &mut recorded.event {
            (*serial, *signature) = (0, None);
        }
        registry.apply(&recorded).unwrap();
    }
    let book = Book::new(&registry, Phase::Production, &|_| Ok(()));
    assert_eq!(answer(&book, &call(), at("2026-03-10T10:00:00+05:00")), "users-unproven");
}

/// B10
#[test]
fn agreements_may_be_given_time_after_an_act_that_they_stand_on_lost_force() {
    let mut world = World::exchanging();
    let repeal = |until: Option<&str>| Command::RepealAct {
        act: ActId::new("hr-order").unwrap(),
        version: "2003-07-08".into(),
        last_day: "2026-04-30".parse().unwrap(),
        successor: None,
        agreements_until: until.map(|day| day.parse().unwrap()),
    };
    let error = world.refused(regulator(), repeal(Some("2026-04-29")));
    assert!(matches!(error, CommandError::EmptyValidity { .. }));
    world.must(regulator(), repeal(Some("2026-06-11")));
    assert_eq!(world.answer_at(&call(), "2026-05-01T10:00:00+05:00"), "permit");
    assert_eq!(world.answer_at(&call(), "2026-06-11T18:59:59Z"), "permit");
    assert_eq!(world.answer_at(&call(), "2026-06-11T19:00:00Z"), "basis-lapsed");
}

/// B10, A8: thirty working days where the regulator says nothing, from the last day, or from today if that is past.
#[test]
fn agreements_have_thirty_working_days_after_an_act_that_they_stand_on_lost_force() {
    let repeal = |last_day: &str| Command::RepealAct {
        act: ActId::new("hr-order").unwrap(),
        version: "2003-07-08".into(),
        last_day: last_day.parse().unwrap(),
        successor: None,
        agreements_until: None,
    };
    let until = |world: &World| world.registry.acts().next().unwrap().agreements_until.unwrap().to_string();
    let mut world = World::exchanging();
    world.must(regulator(), repeal("2026-04-30"));
    assert_eq!(until(&world), "2026-06-17");
    assert_eq!(world.answer_at(&call(), "2026-06-17T18:59:59Z"), "permit");
    assert_eq!(world.answer_at(&call(), "2026-06-17T19:00:00Z"), "basis-lapsed");
    let mut world = World::exchanging();
    world.now = at("2026-04-30T10:00:00+05:00");
    world.must(regulator(), repeal("2026-01-01"));
    assert_eq!(until(&world), "2026-06-17");
    let term = Term {
        days: 5,
        ..world.registry.terms().on(TermKind::Basis, world.now.to_zoned(almaty()).date()).unwrap().clone()
    };
    world.must(regulator(), Command::SetTerm { term });
    world.must(regulator(), repeal("2026-06-01"));
    assert_eq!(until(&world), "2026-06-08");
}

/// B6, HR 26.9: a training certificate counts from the day it was issued until its last.
#[test]
fn an_official_asks_while_their_training_certificate_is_valid() {
    let mut world = World::exchanging();
    let number = number_of(&personnel_agreement());
    let mut official = listed("a.serikov", None);
    official.training_certificate = Some(trained("T-1", "2026-03-10", "2026-03-11"));
    world.approve(&number, vec![official.clone()]);
    for (moment, answer) in [
        ("2026-03-09T23:59:59+05:00", "user-not-trained"),
        ("2026-03-10T00:00:00+05:00", "permit"),
        ("2026-03-11T23:59:59+05:00", "permit"),
        ("2026-03-12T00:00:00+05:00", "user-training-ended"),
    ] {
        assert_eq!(world.answer_at(&call(), moment), answer, "{moment}");
    }
    let told = notices(&world.registry, "2026-03-10".parse().unwrap());
    let about = Matter::Agreement("the training certificate of a.serikov ends".into());
    let notice = told.iter().find(|one| one.what == about).unwrap();
    assert_eq!((notice.severity, &notice.concerns[..]), (Severity::Urgent, &[bin(MINISTRY)][..]));
}

/// B6: where the agreement asks for training, its record is whole; elsewhere, and on lists of earlier builds, a number will do.
#[test]
fn a_list_under_an_agreement_that_asks_for_training_has_whole_records() {
    let mut world = World::exchanging();
    let number = number_of(&personnel_agreement());
    let approval = |world: &World, held: TrainingCertificate| {
        let mut official = listed("a.serikov", None);
        official.training_certificate = Some(held);
        world.approval(&number, vec![official])
    };
    for held in [
        TrainingCertificate::Number("T-1".into()),
        TrainingCertificate::Number(" ".into()),
        trained(" ", "2026-01-01", "2026-12-31"),
        trained("T-1", "2026-12-31", "2026-01-01"),
    ] {
        let command = approval(&world, held);
        assert_eq!(world.refused(officer(MINISTRY), command).code(), "training-unfit");
    }
    let Command::ApproveUsers { list, signature } =
        approval(&world, TrainingCertificate::Number("T-1".into()))
    else {
        panic!("no list")
    };
    let said = serde_json::to_value(&list.users[0]).unwrap();
    assert_eq!(said["training_certificate"], "T-1", "what was signed as a text stays one");
    let earlier = Event::UsersApproved {
        number: number.clone(),
        users: list.users,
        serial: list.serial,
        signature: Some(signature),
    };
    let sequence = world.registry.revision() + 1;
    let (actor, reason) = (officer(MINISTRY), "as decided".to_owned());
    let recorded = Recorded { sequence, at: world.now, actor, reason, event: earlier };
    world.registry.apply(&recorded).unwrap();
    assert_eq!(world.answer(&call()), "permit");
}
