//! What operators may do, and what becomes of it: rights, the life of an agreement, and each way in which a command fails.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use serde_json::json;
use support::*;

/// E4
#[test]
fn a_command_outside_ones_role_changes_nothing() {
    for command in every_command() {
        for actor in Role::ALL.map(|role| actor("somebody", role, MINISTRY)) {
            if !may(actor.role, &command) {
                let mut world = World::exchanging();
                let revision = world.registry.revision();
                let error = world.refused(actor.clone(), command.clone());
                assert_eq!(error, CommandError::NotInRole { role: actor.role });
                assert_eq!(world.registry.revision(), revision);
            }
        }
    }
}

/// Each command goes by its own name, reads what it writes, and stands in the schema of the API's document.
#[test]
fn every_command_has_a_wire_form_of_its_own() {
    let schema = serde_json::to_value(<Command as utoipa::PartialSchema>::schema()).unwrap();
    let documented: Vec<_> =
        schema["oneOf"].as_array().unwrap().iter().map(|one| &one["required"][0]).collect();
    assert_eq!(documented, CommandName::all().map(CommandName::as_str).collect::<Vec<_>>());
    let mut written = Vec::new();
    for command in every_command() {
        let wire = serde_json::to_value(&command).unwrap();
        let name = wire.as_object().unwrap().keys().next().unwrap().clone();
        assert_eq!(name.parse(), Ok(command.name()));
        assert_eq!(serde_json::from_value::<Command>(wire).unwrap(), command);
        written.push(command.name());
    }
    written.sort();
    assert_eq!(written, CommandName::all().collect::<Vec<_>>(), "a sample of each");
}

fn every_command() -> Vec<Command> {
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let (system, conformity) = (system("portal"), conformity("portal"));
    let operator = Operator {
        id: OperatorId::new("new").unwrap(),
        name: "New".into(),
        role: Role::Regulator,
        holder: bin(REGULATOR),
        reach: Reach::default(),
    };
    let means = Means::ByHand;
    vec![
        Command::RegisterHolder {
            holder: Holder { bin: bin(MINISTRY), name: "Ministry".into(), region: None },
        },
        Command::RegisterOperator { operator },
        Command::NameRegulator { bin: bin(REGULATOR) },
        Command::BindOperatorCertificate {
            operator: OperatorId::new("petrov").unwrap(),
            certificate: BoundCertificate {
                fingerprint: fingerprint(7),
                serial: "07".into(),
                not_after: at("2028-01-01T00:00:00Z"),
            },
        },
        Command::UnbindOperatorCertificate { certificate: fingerprint(7) },
        Command::GrantAccess { operator: OperatorId::new("petrov").unwrap(), access: Access::Password },
        Command::ConfirmAccess { operator: OperatorId::new("petrov").unwrap(), grant: 7 },
        Command::RevokeAccess { operator: OperatorId::new("petrov").unwrap(), access: Revoked::Password },
        Command::RecordAct { act: act("new", "1") },
        repeal(),
        Command::RegisterSystem { card: card("new", MINISTRY), code: Some("new".into()) },
        Command::UpdateSystem { system: system.clone(), networks: None, endpoint: None },
        Command::SuspendSystem { system: system.clone() },
        Command::ResumeSystem { system: system.clone() },
        Command::DecommissionSystem { system: system.clone() },
        Command::EnterProduction { system: system.clone(), act: document(DocumentKind::ProductionAct) },
        Command::RecordAttestation { system: system.clone(), conformity: conformity.clone() },
        Command::WithdrawAttestation { system: system.clone() },
        Command::RecordQualityCertificate { system: system.clone(), conformity },
        Command::WithdrawQualityCertificate { system },
        bind("portal", 20),
        Command::UnbindCertificate { certificate: fingerprint(1) },
        Command::PublishDataType { data_type: DataType { version: 2, ..record() } },
        categorise(Category::Public),
        Command::PublishTemplate { template: template() },
        Command::RecallTemplate { purpose: template().purpose, version: 1 },
        draft(&agreement),
        sign(&agreement, Side::Consumer, MINISTRY),
        Command::SubmitAgreement { number: number.clone(), version },
        concur(&agreement),
        Command::WithdrawAgreement { number: number.clone(), version },
        rule(&agreement, Ruling::AgreedWithRemarks),
        protocol(&agreement, "retention", Side::Consumer, MINISTRY),
        Command::SuspendAgreement { number: number.clone(), version },
        Command::ResumeAgreement { number: number.clone(), version },
        Command::TerminateAgreement { number: number.clone(), version },
        Command::RecordReadiness { number: number.clone(), version, revision: 1, means, checks: vec![] },
        World::exchanging().approval(&number, vec![]),
        delegate(),
        Command::RevokeDelegation { delegation: DelegationNumber::new("d-1").unwrap() },
        prescription("p-1", Target::Agreement(number), Order::Suspend),
        lifting("p-1"),
    ]
    .into_iter()
    .chain(registration_commands())
    .collect()
}

fn registration_commands() -> Vec<Command> {
    let operator = OperatorId::new("somebody").unwrap();
    let subject = Subject::System(system("portal"));
    let number = ApplicationNumber(1);
    let end = EndOfOperation { on: Some("2026-02-01".parse().unwrap()), ..EndOfOperation::default() };
    let term = Terms::default().all()[0].clone();
    let holiday = Calendar::default().yearly()[0].clone();
    let day = Calendar::default().days().next().unwrap().clone();
    let employee = from_json(json!({ "name": "An employee" }));
    vec![
        Command::ConfirmOperator { operator: operator.clone() },
        Command::SuspendOperator { operator: operator.clone() },
        Command::ResumeOperator { operator: operator.clone() },
        Command::RemoveOperator { operator },
        Command::ClearCalendarDay { day: day.day },
        Command::SetCalendarDay { day },
        Command::SetYearlyHoliday { holiday },
        Command::SetTerm { term },
        Command::SubmitApplication { application: Box::new(application("new", MINISTRY)) },
        Command::AcceptApplication { number, code: None },
        Command::ReturnApplication { number, remarks: vec![] },
        Command::WithdrawApplication { number },
        Command::CorrectInformation {
            subject: subject.clone(),
            card: CardCorrection::default(),
            information: Box::default(),
            changed_on: None,
            discovery: None,
        },
        Command::ReportDiscovery { subject: subject.clone(), what: words("wrong") },
        Command::NameResponsible { subject: subject.clone(), employee },
        Command::FileDocument {
            subject: subject.clone(),
            document: document(DocumentKind::Other),
            supersedes: None,
        },
        Command::MarkSignificance { subject: subject.clone(), significance: Significance::National },
        Command::AssignAuthority { subject: subject.clone(), authority: None },
        Command::EndOperation { subject, end },
        Command::SuspendPaper { system: system("portal"), paper: Paper::Attestation },
        Command::ResumePaper { system: system("portal"), paper: Paper::Attestation },
    ]
}

fn categorise(category: Category) -> Command {
    let data_type = DataTypeId::new("record").unwrap();
    Command::Categorise { provider: system("personnel"), data_type, category }
}

fn repeal() -> Command {
    let last_day = "2026-04-30".parse().unwrap();
    let act = ActId::new("hr-order").unwrap();
    Command::RepealAct {
        act,
        version: "2003-07-08".into(),
        last_day,
        successor: None,
        agreements_until: None,
    }
}

/// E4: officers act for their own organisation only.
#[test]
fn an_officer_has_no_say_in_what_is_not_their_organisations() {
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let mut world = World::exchanging();
    let users = world.approval(&number, vec![]);
    for (holder, command) in [
        (OFFICE, Command::PublishDataType { data_type: DataType { version: 2, ..record() } }),
        (OFFICE, categorise(Category::Public)),
        (OFFICE, draft(&next_version(&agreement))),
        (OFFICE, Command::SuspendAgreement { number: number.clone(), version }),
        (OFFICE, Command::TerminateAgreement { number, version }),
        // HR 20: the consumer's head approves the list, not the provider's.
        (AGENCY, users),
    ] {
        let error = world.refused(officer(holder), command.clone());
        assert!(matches!(error, CommandError::NotYours { .. }), "{command:?}: {error}");
    }
    let second = next_version(&agreement);
    world.draft(&second);
    let error = world.refused(officer(OFFICE), sign(&second, Side::Consumer, MINISTRY));
    assert_eq!(error, CommandError::NotYours { owner: bin(MINISTRY), actor: bin(OFFICE) });
}

/// A2-A4, B9
#[test]
fn what_was_never_registered_is_unknown() {
    let nobody = bin("999999999999");
    let operator = Operator {
        id: OperatorId::new("new").unwrap(),
        name: "New".into(),
        role: Role::Regulator,
        holder: nobody,
        reach: Reach::default(),
    };
    let card = SystemCard { owner: nobody, ..card("new", MINISTRY) };
    let number = AgreementNumber::new("none").unwrap();
    let mut world = World::exchanging();
    for (actor, command) in [
        (administrator(), Command::RegisterOperator { operator }),
        (administrator(), Command::NameRegulator { bin: nobody }),
        (integrator(), Command::RegisterSystem { card, code: Some("new".into()) }),
        (integrator(), bind("nobody", 20)),
        (integrator(), Command::UnbindCertificate { certificate: fingerprint(99) }),
        (integrator(), Command::SuspendSystem { system: system("nobody") }),
        (officer(MINISTRY), world.approval(&number, vec![])),
        (officer(MINISTRY), Command::SubmitAgreement { number, version: 1 }),
    ] {
        let error = world.refused(actor, command.clone());
        assert!(matches!(error, CommandError::Unknown { .. }), "{command:?}: {error}");
    }
}

/// A2, A6: one code, one certificate, one name, each for one system.
#[test]
fn what_is_registered_is_not_registered_again() {
    let mut world = World::exchanging();
    let again =
        |id: &str, code: &str| Command::RegisterSystem { card: card(id, OFFICE), code: Some(code.into()) };
    let twice = vec![listed("a", None), listed("b", None), listed("a", Some("T-1"))];
    let users = World::exchanging().approval(&number_of(&personnel_agreement()), twice);
    let elsewhere = with(next_version(&personnel_agreement()), "/consumer", json!("insurer"));
    for (actor, command) in [
        (administrator(), Command::NameRegulator { bin: bin(MINISTRY) }),
        (regulator(), Command::RecordAct { act: act("hr-order", "2003-07-08") }),
        (integrator(), again("portal", "another")),
        (integrator(), again("another", "code-portal")),
        (integrator(), bind("personnel", 1)),
        (integrator(), bind("portal", 1)),
        (officer(MINISTRY), draft(&elsewhere)),
        (officer(MINISTRY), users),
    ] {
        let error = world.refused(actor, command.clone());
        assert!(matches!(error, CommandError::Exists { .. }), "{command:?}: {error}");
    }
}

/// A2, A3: incomplete → returned with what is missing; a non-state system needs less.
#[test]
fn an_incomplete_application_is_returned_with_what_is_missing() {
    let mut world = World::empty();
    let mut bare = SystemCard { documents: vec![document(DocumentKind::TrialAct)], ..card("bare", MINISTRY) };
    let error =
        world.refused(registrar(), Command::RegisterSystem { card: bare.clone(), code: Some("1".into()) });
    let missing =
        vec![DocumentKind::Description, DocumentKind::TechnicalDocumentation, DocumentKind::ProductionAct];
    assert_eq!(error, CommandError::Incomplete { system: system("bare"), missing });
    bare.ownership = Ownership::NonState;
    bare.documents = vec![document(DocumentKind::Description)];
    world.must(registrar(), Command::RegisterSystem { card: bare, code: Some("1".into()) });
}

/// A5
#[test]
fn production_is_entered_once_and_with_its_act() {
    let mut world = World::empty();
    let trial = SystemCard { phase: Phase::Trial, ..card("portal", MINISTRY) };
    world.must(registrar(), Command::RegisterSystem { card: trial, code: Some("1".into()) });
    let enter = |kind| Command::EnterProduction { system: system("portal"), act: document(kind) };
    let error = world.refused(integrator(), enter(DocumentKind::TrialAct));
    assert!(matches!(error, CommandError::Incomplete { .. }), "{error}");
    world.must(integrator(), enter(DocumentKind::ProductionAct));
    world.refused(integrator(), enter(DocumentKind::ProductionAct));
}

/// A9
#[test]
fn a_system_always_names_its_networks() {
    let mut world = World::registered();
    let nowhere = SystemCard { networks: vec![], ..card("nowhere", MINISTRY) };
    let error = world.refused(registrar(), Command::RegisterSystem { card: nowhere, code: Some("1".into()) });
    assert_eq!(error, CommandError::NoNetworks { system: system("nowhere") });
    let update = Command::UpdateSystem { system: system("portal"), networks: Some(vec![]), endpoint: None };
    let error = world.refused(integrator(), update);
    assert_eq!(error, CommandError::NoNetworks { system: system("portal") });
}

/// A4
#[test]
fn a_decommissioned_system_does_not_come_back() {
    let mut world = World::registered();
    let portal = || system("portal");
    let error = world.refused(integrator(), Command::ResumeSystem { system: portal() });
    assert_eq!(error, CommandError::SystemStatus { system: portal(), status: SystemStatus::Registered });
    world.must(integrator(), Command::DecommissionSystem { system: portal() });
    for command in [
        Command::ResumeSystem { system: portal() },
        Command::SuspendSystem { system: portal() },
        Command::DecommissionSystem { system: portal() },
        Command::RecordAttestation { system: portal(), conformity: conformity("portal") },
        Command::UpdateSystem { system: portal(), networks: None, endpoint: None },
        bind("portal", 20),
    ] {
        let error = world.refused(integrator(), command);
        assert_eq!(
            error,
            CommandError::SystemStatus { system: portal(), status: SystemStatus::Decommissioned }
        );
    }
}

/// A1
#[test]
fn conformity_documents_end_after_they_begin_and_are_withdrawn_once() {
    let mut world = World::registered();
    let backwards = Conformity { valid_from: "2027-01-01".parse().unwrap(), ..conformity("portal") };
    let record = Command::RecordAttestation { system: system("portal"), conformity: backwards };
    assert_eq!(
        world.refused(integrator(), record),
        CommandError::EmptyValidity { number: "No portal".into() }
    );
    world.must(regulator(), Command::WithdrawAttestation { system: system("portal") });
    let error = world.refused(regulator(), Command::WithdrawAttestation { system: system("portal") });
    assert_eq!(error, CommandError::NoConformity { system: system("portal"), what: "an attestation" });
}

/// B1, C3
#[test]
fn a_data_type_is_published_version_by_version_and_says_what_it_does() {
    let mut world = World::registered();
    let changed = |change: fn(&mut DataType)| {
        let mut data_type = DataType { version: 2, ..record() };
        change(&mut data_type);
        Command::PublishDataType { data_type }
    };
    for (change, why) in [
        ((|one| one.version = 3) as fn(&mut DataType), "version 2 is the next"),
        (|one| one.version = 1, "version 2 is the next"),
        (|one| one.operations.clear(), "it has no operation"),
        (|one| one.operations[1].id = one.operations[0].id.clone(), "operation orders stands twice"),
        (
            |one| one.operations[0].response.as_mut().unwrap().max_bytes = (8 << 20) + 1,
            "operation orders: a JSON payload of more than 8 MiB would hold up all others while it is validated",
        ),
        (
            |one| one.operations[0].subject = Some(SubjectPlace::Path("other".into())),
            "operation orders names its subject nowhere",
        ),
        (
            |one| {
                let again = Operation { id: OperationId::new("again").unwrap(), ..one.operations[0].clone() };
                one.operations.push(again);
            },
            "operations orders and again have paths in common, and neither is the narrower one",
        ),
        (
            |one| one.operations[1].subject = Some(SubjectPlace::Query("other".into())),
            "operation find names its subject nowhere",
        ),
        (
            |one| one.operations[1].subject = Some(SubjectPlace::Body("/iin".into())),
            "operation find names its subject nowhere",
        ),
        (
            |one| one.operations[1].subject = Some(SubjectPlace::Response("iin".into())),
            "operation find names its subject nowhere",
        ),
    ] {
        let error = world.refused(officer(AGENCY), changed(change));
        assert_eq!(error, CommandError::DataType("record".into(), why.into()));
    }
    world.must(officer(AGENCY), changed(|_| {}));
}

/// B3, B4, B9
#[test]
fn an_agreement_goes_from_draft_to_both_signatures_to_submission_to_concurrence() {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    world.draft(&agreement);
    let submit = Command::SubmitAgreement { number: number.clone(), version };
    let error = world.refused(officer(MINISTRY), submit.clone());
    assert_eq!(error, CommandError::Unsigned(Side::Consumer));
    world.must(officer(MINISTRY), sign(&agreement, Side::Consumer, MINISTRY));
    assert_eq!(world.refused(officer(AGENCY), submit.clone()), CommandError::Unsigned(Side::Provider));
    world.must(officer(AGENCY), sign(&agreement, Side::Provider, AGENCY));
    let error = world.refused(regulator(), concur(&agreement));
    assert_eq!(error, CommandError::Stage { number: number.clone(), version, stage: Stage::Draft });
    world.must(officer(AGENCY), submit);
    let attached = world.registry.agreement(&number, version).unwrap().conformity.clone();
    assert_eq!(attached[0], "portal: No portal (Accredited body)");
    assert_eq!(attached.len(), 4);
    world.concur(&agreement);
    let agreement = world.registry.agreement(&number, version).unwrap();
    let history: Vec<_> = agreement.history.iter().map(|step| (&step.stage, step.actor.role)).collect();
    let officer = Role::HolderOfficer;
    let expected =
        [(&Stage::Draft, officer), (&Stage::Submitted, officer), (&Stage::Concurred, Role::Regulator)];
    assert_eq!(history, expected);
    assert_eq!(agreement.signatures.len(), 3);
}

/// B3: with attestation and quality certificate attached, both valid today.
#[test]
fn an_agreement_is_submitted_only_with_valid_conformity_documents_of_both_systems() {
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    let submit = Command::SubmitAgreement { number, version };
    for (today, valid) in [
        ("2025-12-31T18:59:59Z", false),
        ("2025-12-31T19:00:00Z", true),
        ("2026-11-30T18:59:59Z", true),
        ("2026-11-30T19:00:00Z", false),
    ] {
        let mut world = World::registered();
        world.draft(&agreement);
        world.sign_both(&agreement);
        world.now = at(today);
        let outcome = world.run(officer(MINISTRY), submit.clone());
        let lacking = CommandError::NoConformity { system: system("portal"), what: "an attestation" };
        assert_eq!(outcome, if valid { Ok(()) } else { Err(lacking) }, "{today}");
    }
    let mut world = World::registered();
    world.draft(&agreement);
    world.sign_both(&agreement);
    world.must(regulator(), Command::WithdrawQualityCertificate { system: system("personnel") });
    let error = world.refused(officer(MINISTRY), submit);
    let what = "a quality certificate";
    assert_eq!(error, CommandError::NoConformity { system: system("personnel"), what });
}

/// B4: a signature is the side's whose organisation the certificate names; the regulator's comes last.
#[test]
fn nobody_signs_for_another_side_and_nobody_twice() {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    world.draft(&agreement);
    for (actor, side, holder) in [
        (officer(MINISTRY), Side::Consumer, AGENCY),
        (officer(AGENCY), Side::Provider, MINISTRY),
        (officer(MINISTRY), Side::Regulator, REGULATOR),
        (officer(MINISTRY), Side::Regulator, MINISTRY),
    ] {
        let error = world.refused(actor, sign(&agreement, side, holder));
        assert_eq!(error, CommandError::Stranger { found: side, bin: bin(holder) });
    }
    let error = world.refused(officer(AGENCY), sign(&agreement, Side::Consumer, MINISTRY));
    assert_eq!(error, CommandError::NotYours { owner: bin(MINISTRY), actor: bin(AGENCY) });
    world.sign_both(&agreement);
    let error = world.refused(officer(MINISTRY), sign(&agreement, Side::Consumer, MINISTRY));
    assert!(matches!(error, CommandError::Exists { .. }), "{error}");
    world.submit(&agreement);
    let (number, version) = key(&agreement);
    let signature = signature(Side::Consumer, MINISTRY);
    let forged = Command::ConcurInAgreement { number, version, signature };
    let error = world.refused(regulator(), forged);
    assert_eq!(error, CommandError::Stranger { found: Side::Consumer, bin: bin(MINISTRY) });
}

/// B4: any change of content voids the signatures: a change is a new version.
#[test]
fn a_signed_draft_is_not_changed_and_its_next_version_starts_unsigned() {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    world.draft(&agreement);
    world.draft(&with(agreement.clone(), "/recovery/within_hours", json!(12)));
    world.must(officer(AGENCY), sign(&agreement, Side::Provider, AGENCY));
    let error = world.refused(officer(MINISTRY), draft(&agreement));
    assert_eq!(error, CommandError::SignedAlready { number: number.clone(), version });
    let skipped = next_version(&next_version(&agreement));
    let error = world.refused(officer(MINISTRY), draft(&skipped));
    assert_eq!(error, CommandError::Version { number: number.clone(), expected: 2, found: 3 });
    world.draft(&next_version(&agreement));
    assert!(world.registry.agreement(&number, 2).unwrap().signatures.is_empty());
}

/// B9: the old version works until the new one is concurred in.
#[test]
fn a_new_version_supersedes_the_old_one_on_concurrence_and_never_the_reverse() {
    let mut world = World::exchanging();
    let first = personnel_agreement();
    let [second, third] = [next_version(&first), next_version(&next_version(&first))];
    for version in [&second, &third] {
        world.draft(version);
        world.sign_both(version);
        world.submit(version);
        assert_eq!(world.answer(&call()), "permit");
    }
    world.concur(&third);
    world.check(&third);
    assert_eq!([world.stage(&first), world.stage(&third)], [Stage::Superseded, Stage::Concurred]);
    let error = world.refused(regulator(), concur(&second));
    let number = number_of(&first);
    assert_eq!(error, CommandError::Version { number, expected: 4, found: 2 });
    assert_eq!(world.stage(&third), Stage::Concurred);
    assert_eq!(world.answer(&call()), "permit");
}

/// B9
#[test]
fn a_refused_or_terminated_agreement_is_over() {
    let mut world = World::exchanging();
    let agreement = personnel_agreement();
    let (number, version) = key(&agreement);
    world.must(officer(MINISTRY), Command::TerminateAgreement { number: number.clone(), version });
    let over = CommandError::Stage { number: number.clone(), version, stage: Stage::Terminated };
    for (actor, command) in [
        (regulator(), Command::ResumeAgreement { number: number.clone(), version }),
        (regulator(), Command::SuspendAgreement { number: number.clone(), version }),
        (regulator(), concur(&agreement)),
        (regulator(), rule(&agreement, Ruling::Refused)),
        (officer(MINISTRY), Command::WithdrawAgreement { number: number.clone(), version }),
        (officer(MINISTRY), sign(&agreement, Side::Consumer, MINISTRY)),
        (officer(MINISTRY), Command::SubmitAgreement { number, version }),
    ] {
        assert_eq!(world.refused(actor, command), over);
    }
}

/// B4: what reads one way when it is judged and another way when it is kept is no agreement.
#[test]
fn a_document_that_does_not_read_as_an_agreement_is_not_signed() {
    let mut world = World::registered();
    let text = personnel_agreement().to_string();
    for unreadable in ["", "[]", "{", "{\"number\":\"a\"}", &text.replace("\"number\"", "\"No\"")] {
        let error =
            world.refused(officer(MINISTRY), Command::DraftAgreement { document: unreadable.to_owned() });
        assert!(matches!(error, CommandError::Unreadable(_)), "{unreadable}: {error}");
    }
    let twice = text.replacen('{', "{\"recovery\":{\"within_hours\":1,\"text\":\"none\"},", 1);
    world.must(officer(MINISTRY), Command::DraftAgreement { document: twice });
    let error = world.refused(officer(MINISTRY), sign(&personnel_agreement(), Side::Consumer, MINISTRY));
    assert!(matches!(error, CommandError::Unreadable(_)), "{error}");
}

/// The store was changed behind the program's back.
#[test]
fn events_out_of_step_are_not_taken_in() {
    let world = World::exchanging();
    let mut registry = Registry::default();
    let second = &world.log[1];
    assert_eq!(registry.apply(second), Err(OutOfStep::Sequence { expected: 1, found: 2 }));
    let event = Event::SystemSuspended { system: system("nobody") };
    let unknown = Recorded { sequence: 1, event, ..second.clone() };
    assert_eq!(registry.apply(&unknown), Err(OutOfStep::Unknown(1)));
    assert_eq!(registry.revision(), 0);
    for recorded in &world.log {
        registry.apply(recorded).unwrap();
    }
    let last = world.registry.revision();
    assert_eq!(registry.revision(), last);
    // A6: a certificate is one system's.
    let Command::BindCertificate { certificate, .. } = bind("portal", 1) else { unreachable!() };
    let fingerprint = certificate.fingerprint;
    for event in [
        Event::CertificateBound { system: system("personnel"), certificate },
        Event::CertificateUnbound { system: system("personnel"), certificate: fingerprint },
    ] {
        let forged = Recorded { sequence: last + 1, event, ..second.clone() };
        assert_eq!(registry.apply(&forged), Err(OutOfStep::Unknown(last + 1)));
    }
    assert_eq!(registry.bound_to(&fingerprint), Some(&system("portal")));
}
