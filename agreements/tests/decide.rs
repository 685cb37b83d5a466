//! Who may exchange, what, when and why: each refusal shown, at the exact instant where time decides.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::refusal::Culprit;
use agreements::*;
use serde_json::json;
use support::*;

/// C2
#[test]
fn a_call_that_everything_allows_is_permitted_under_its_agreement() {
    let world = World::exchanging();
    let book = world.book();
    let permit = decide(&book, &call(), at("2026-03-10T10:00:00+05:00")).unwrap();
    assert_eq!(permit.consumer().system.card.id.as_str(), "portal");
    assert_eq!(permit.provider().system.card.id.as_str(), "personnel");
    assert_eq!(permit.agreement().text.number.as_str(), "portal-personnel");
    assert_eq!(permit.operation().id.as_str(), "orders");
    assert_eq!(permit.operation_at(), 0);
    assert_eq!(permit.purpose().code.as_str(), "staffing");
    assert_eq!(*permit.grant().fields, ["/name".to_owned(), "/orders/*/date".to_owned()]);
    assert_eq!(permit.grant().category, Category::Confidential);
}

/// A6, C1
#[test]
fn a_certificate_bound_to_no_system_is_nobody() {
    let world = World::exchanging();
    let stranger = Call { certificate: fingerprint(9), ..call() };
    assert_eq!(world.answer(&stranger), "certificate-not-registered");
}

/// A6, B9
#[test]
fn a_certificate_counts_until_it_is_unbound_and_its_successor_beside_it() {
    let mut world = World::exchanging();
    world.must(integrator(), bind("portal", 11));
    world.check(&personnel_agreement());
    let renewed = Call { certificate: fingerprint(11), ..call() };
    assert_eq!((world.answer(&call()), world.answer(&renewed)), ("permit", "permit"));
    world.must(integrator(), Command::UnbindCertificate { certificate: fingerprint(1) });
    assert_eq!((world.answer(&call()), world.answer(&renewed)), ("certificate-not-registered", "permit"));
}

/// A4, B9
#[test]
fn a_suspended_system_is_refused_on_either_side_until_it_is_resumed() {
    for (id, culprit) in [("portal", Culprit::Consumer), ("personnel", Culprit::Provider)] {
        let mut world = World::exchanging();
        world.must(regulator(), Command::SuspendSystem { system: system(id) });
        let denial = world.denial(&call());
        assert_eq!((denial.row().code, denial.culprit()), ("system-suspended", culprit));
        world.must(integrator(), Command::ResumeSystem { system: system(id) });
        assert_eq!(world.answer(&call()), "permit");
    }
}

/// A4
#[test]
fn a_decommissioned_system_is_refused_at_once_on_either_side() {
    for id in ["portal", "personnel"] {
        let mut world = World::exchanging();
        world.must(integrator(), Command::DecommissionSystem { system: system(id) });
        assert_eq!(world.answer(&call()), "system-decommissioned", "{id}");
    }
}

/// A5
#[test]
fn a_trial_system_exchanges_in_the_trial_environment_only() {
    let mut world = World::exchanging();
    world.environment = Phase::Trial;
    assert_eq!(world.answer(&call()), "wrong-environment");

    let mut world = World::registered();
    let trial = SystemCard { phase: Phase::Trial, ..card("rehearsal", MINISTRY) };
    world.must(registrar(), Command::RegisterSystem { card: trial, code: Some("code-rehearsal".into()) });
    world.must(integrator(), bind("rehearsal", 12));
    let call = Call { certificate: fingerprint(12), ..call() };
    assert_eq!(world.answer(&call), "wrong-environment");
    let act = document(DocumentKind::ProductionAct);
    world.must(integrator(), Command::EnterProduction { system: system("rehearsal"), act });
    assert_eq!(world.answer(&call), "attestation-missing");
}

/// A9
#[test]
fn a_system_connects_only_from_the_networks_of_its_registration() {
    let mut world = World::exchanging();
    let from = |peer: &str| Call { peer: peer.parse().unwrap(), ..call() };
    for (peer, expected) in [
        ("10.1.0.0", "permit"),
        ("10.1.255.255", "permit"),
        ("10.0.255.255", "network-not-registered"),
        ("10.2.0.0", "network-not-registered"),
        ("::ffff:10.1.2.3", "permit"),
        ("::ffff:10.2.0.0", "network-not-registered"),
        ("fd00:1:ffff::1", "permit"),
        ("fd00:2::1", "network-not-registered"),
    ] {
        assert_eq!(world.answer(&from(peer)), expected, "{peer}");
    }
    let networks = Some(vec!["10.2.0.0/24".parse().unwrap()]);
    let move_house = Command::UpdateSystem { system: system("portal"), networks, endpoint: None };
    world.must(integrator(), move_house);
    world.check(&personnel_agreement());
    assert_eq!(world.answer(&from("10.1.2.3")), "network-not-registered");
    assert_eq!(world.answer(&from("10.2.0.9")), "permit");
}

/// A1: whatever agreements exist.
#[test]
fn a_system_without_attestation_or_quality_certificate_is_refused() {
    for id in ["portal", "personnel"] {
        let world = World::exchanging();
        let holds = |event: &Event| match event {
            Event::AttestationRecorded { system, .. } => (system.as_str() == id).then_some("attestation"),
            Event::QualityCertificateRecorded { system, .. } => {
                (system.as_str() == id).then_some("quality-certificate")
            }
            _ => None,
        };
        for paper in ["attestation", "quality-certificate"] {
            let kept = world.log.iter().filter(|recorded| holds(&recorded.event) != Some(paper));
            let mut registry = Registry::default();
            for (sequence, recorded) in (1..).zip(kept) {
                registry.apply(&Recorded { sequence, ..recorded.clone() }).unwrap();
            }
            let book = Book::new(&registry, Phase::Production, &|_| Ok(()));
            let code = answer(&book, &call(), at("2026-03-10T10:00:00+05:00"));
            assert_eq!(code, format!("{paper}-missing"), "{id}");
        }
    }
}

/// A1: from the first midnight in Astana to the last, and not a nanosecond more.
#[test]
fn attestation_and_quality_certificate_hold_from_midnight_to_midnight_in_astana() {
    type Record = fn(SystemId, Conformity) -> Command;
    let records: [(&str, Record); 2] = [
        ("attestation", |system, conformity| Command::RecordAttestation { system, conformity }),
        ("quality-certificate", |system, conformity| Command::RecordQualityCertificate {
            system,
            conformity,
        }),
    ];
    for (paper, record) in records {
        for id in ["portal", "personnel"] {
            let mut world = World::exchanging();
            let (valid_from, valid_until) = ("2026-04-10".parse().unwrap(), "2026-05-31".parse().unwrap());
            let renewed = Conformity { valid_from, valid_until, ..conformity(id) };
            world.must(integrator(), record(system(id), renewed));
            for (moment, expected) in [
                ("2026-04-09T18:59:59.999999999Z", format!("{paper}-missing")),
                ("2026-04-09T19:00:00Z", "permit".into()),
                ("2026-05-31T18:59:59.999999999Z", "permit".into()),
                ("2026-05-31T19:00:00Z", format!("{paper}-ended")),
            ] {
                assert_eq!(world.answer_at(&call(), moment), expected, "{paper} of {id} at {moment}");
            }
        }
    }
}

/// A1
#[test]
fn a_withdrawn_attestation_or_quality_certificate_does_not_count_until_a_new_one_is_recorded() {
    for id in ["portal", "personnel"] {
        let mut world = World::exchanging();
        world.must(regulator(), Command::WithdrawQualityCertificate { system: system(id) });
        assert_eq!(world.answer(&call()), "quality-certificate-withdrawn");
        world.must(regulator(), Command::WithdrawAttestation { system: system(id) });
        assert_eq!(world.answer(&call()), "attestation-withdrawn");
        let (system, conformity) = (system(id), conformity(id));
        let attested = Command::RecordAttestation { system: system.clone(), conformity: conformity.clone() };
        world.must(integrator(), attested);
        world.must(integrator(), Command::RecordQualityCertificate { system, conformity });
        assert_eq!(world.answer(&call()), "permit");
    }
}

/// A2
#[test]
fn an_unregistered_provider_is_unknown() {
    let world = World::exchanging();
    assert_eq!(world.answer(&Call { provider: "archive", ..call() }), "provider-unknown");
    assert_eq!(world.answer(&Call { provider: "", ..call() }), "provider-unknown");
    assert_eq!(world.answer(&Call { provider: "PERSONNEL", ..call() }), "provider-unknown");
}

/// A4
#[test]
fn a_provider_that_never_said_where_it_listens_cannot_be_asked() {
    let mut world = World::exchanging();
    let silent = SystemCard { endpoint: None, ..card("silent", AGENCY) };
    world.must(registrar(), Command::RegisterSystem { card: silent, code: Some("code-silent".into()) });
    let (system, conformity) = (system("silent"), conformity("silent"));
    world.must(
        integrator(),
        Command::RecordAttestation { system: system.clone(), conformity: conformity.clone() },
    );
    world.must(integrator(), Command::RecordQualityCertificate { system: system.clone(), conformity });
    world.must(
        officer(AGENCY),
        Command::PublishDataType { data_type: DataType { provider: system.clone(), ..record() } },
    );
    let agreement = with(personnel_agreement(), "/provider", json!("silent"));
    let agreement = with(agreement, "/number", json!("portal-silent"));
    world.must(officer(MINISTRY), draft(&agreement));
    world.must(officer(MINISTRY), sign(&agreement, Side::Consumer, MINISTRY));
    world.must(officer(AGENCY), sign(&agreement, Side::Provider, AGENCY));
    world.submit(&agreement);
    world.concur(&agreement);
    world.check(&agreement);
    let users = vec![listed("a.serikov", Some("T-1"))];
    world.approve(&number_of(&agreement), users);

    let call = Call { provider: "silent", ..call() };
    assert_eq!(world.answer(&call), "provider-without-endpoint");
    let endpoint =
        Some(Endpoint { address: "s:1".into(), server_name: "s".into(), base_path: String::new() });
    world.must(integrator(), Command::UpdateSystem { system, networks: None, endpoint });
    world.check(&agreement);
    assert_eq!(world.answer(&call), "permit");
}

/// B1, C2
#[test]
fn nothing_passes_between_systems_that_agreed_on_nothing() {
    let world = World::exchanging();
    assert_eq!(world.answer(&Call { provider: "address-register", ..call() }), "no-agreement");
    // The other direction is another agreement.
    let back = Call { certificate: fingerprint(2), provider: "portal", ..call() };
    assert_eq!(world.answer(&back), "no-agreement");
    // Another system of the same holder is another consumer.
    assert_eq!(world.answer(&Call { certificate: fingerprint(4), ..call() }), "no-agreement");
    let named = Claims { agreement: Some("portal-address"), ..claims() };
    assert_eq!(world.answer(&Call { claims: named, ..call() }), "no-agreement");
}

/// B3
#[test]
fn an_agreement_is_not_in_force_before_the_regulator_concurs() {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    assert_eq!(world.answer(&call()), "no-agreement");
    world.draft(&agreement);
    world.approve_one(&agreement);
    assert_eq!(world.answer(&call()), "no-agreement");
    world.sign_both(&agreement);
    assert_eq!(world.answer(&call()), "no-agreement");
    world.submit(&agreement);
    assert_eq!(world.answer(&call()), "agreement-not-concurred");
    world.check(&agreement);
    world.concur(&agreement);
    assert_eq!(world.answer(&call()), "permit");
}

/// B9
#[test]
fn a_refused_agreement_allows_nothing() {
    let mut world = World::registered();
    let agreement = personnel_agreement();
    world.draft(&agreement);
    world.sign_both(&agreement);
    world.submit(&agreement);
    world.must(regulator(), rule(&agreement, Ruling::Refused));
    assert_eq!(world.answer(&call()), "no-agreement");
}

/// B4: a node believes no signature that it did not verify itself.
#[test]
fn an_agreement_whose_signatures_are_not_proven_allows_nothing() {
    let world = World::exchanging();
    let book = Book::new(&world.registry, Phase::Production, &|_| Err("signature-invalid"));
    let denial = decide(&book, &call(), at("2026-03-10T10:00:00+05:00")).unwrap_err();
    let number = number_of(&personnel_agreement());
    assert_eq!(denial, Denial::AgreementUnproven { number, fault: "signature-invalid" });
}

/// B4: even if the store says that it is in force.
#[test]
fn an_agreement_that_one_side_never_signed_allows_nothing() {
    let world = World::exchanging();
    for side in [Side::Consumer, Side::Provider] {
        let by_side = |event: &Event| matches!(event, Event::AgreementSigned { signature, .. } if signature.side == side);
        let mut registry = Registry::default();
        let kept = world.log.iter().filter(|recorded| !by_side(&recorded.event));
        for (sequence, recorded) in (1..).zip(kept) {
            registry.apply(&Recorded { sequence, ..recorded.clone() }).unwrap();
        }
        let book = Book::new(&registry, Phase::Production, &|_| Ok(()));
        assert_eq!(answer(&book, &call(), at("2026-03-10T10:00:00+05:00")), "agreement-unproven");
    }
}

/// B9
#[test]
fn a_suspended_agreement_is_refused_until_it_is_resumed_and_a_terminated_one_for_good() {
    let mut world = World::exchanging();
    let (number, version) = key(&personnel_agreement());
    world.must(regulator(), Command::SuspendAgreement { number: number.clone(), version });
    assert_eq!(world.answer(&call()), "agreement-suspended");
    world.must(regulator(), Command::ResumeAgreement { number: number.clone(), version });
    assert_eq!(world.answer(&call()), "permit");
    world.must(officer(AGENCY), Command::TerminateAgreement { number: number.clone(), version });
    assert_eq!(world.answer(&call()), "agreement-terminated");
    world.refused(regulator(), Command::ResumeAgreement { number, version });
}

/// B2.2, B9
#[test]
fn an_agreement_is_in_force_from_its_first_midnight_to_its_last_in_astana() {
    let world = World::agreed(&with(personnel_agreement(), "/access_period/until", json!("2026-06-30")));
    for (moment, expected) in [
        ("2026-03-01T18:59:59.999999999Z", "agreement-not-yet-in-force"),
        ("2026-03-01T19:00:00Z", "permit"),
        ("2026-06-30T18:59:59.999999999Z", "permit"),
        ("2026-06-30T19:00:00Z", "agreement-expired"),
    ] {
        assert_eq!(world.answer_at(&call(), moment), expected, "{moment}");
    }
}

/// B2.2
#[test]
fn access_is_open_on_the_days_and_in_the_hours_that_the_agreement_names() {
    let days = json!(["monday", "tuesday"]);
    let agreement = with(personnel_agreement(), "/access_period/days", days);
    let office = json!({ "from": "09:00", "until": "18:00" });
    let night = json!({ "from": "22:00", "until": "02:00" });
    let closed = "outside-access-hours";
    for (hours, moment, expected) in [
        (&office, "2026-03-10T08:59:59.999999999+05:00", closed),
        (&office, "2026-03-10T09:00:00+05:00", "permit"),
        (&office, "2026-03-10T17:59:59.999999999+05:00", "permit"),
        (&office, "2026-03-10T18:00:00+05:00", closed),
        (&office, "2026-03-11T12:00:00+05:00", closed),
        (&night, "2026-03-10T21:59:59.999999999+05:00", closed),
        (&night, "2026-03-10T22:00:00+05:00", "permit"),
        // Tuesday's night lasts into Wednesday; Sunday's, into Monday, was never opened.
        (&night, "2026-03-11T01:59:59.999999999+05:00", "permit"),
        (&night, "2026-03-11T02:00:00+05:00", closed),
        (&night, "2026-03-09T01:00:00+05:00", closed),
    ] {
        let world = World::agreed(&with(agreement.clone(), "/access_period/hours", hours.clone()));
        assert_eq!(world.answer_at(&call(), moment), expected, "{moment} {hours}");
    }
}

/// B2.2: days alone open whole days.
#[test]
fn a_named_day_is_open_from_midnight_to_midnight() {
    let world = World::agreed(&with(personnel_agreement(), "/access_period/days", json!(["tuesday"])));
    for (time, expected) in [
        ("2026-03-09T23:59:59.999999999+05:00", "outside-access-hours"),
        ("2026-03-10T00:00:00+05:00", "permit"),
        ("2026-03-10T23:59:59.999999999+05:00", "permit"),
        ("2026-03-11T00:00:00+05:00", "outside-access-hours"),
    ] {
        assert_eq!(world.answer_at(&call(), time), expected, "{time}");
    }
}

/// B2.1, B7: what the agreement does not name does not pass.
#[test]
fn data_type_and_operation_must_be_agreed() {
    let world = World::exchanging();
    let asks = |change: fn(&mut Call<'static>)| {
        let mut call = call();
        change(&mut call);
        world.answer(&call)
    };
    assert_eq!(asks(|call| call.data_type = "address"), "data-type-not-agreed");
    assert_eq!(asks(|call| call.data_type = "Record"), "data-type-not-agreed");
    assert_eq!(asks(|call| call.method = Method::Delete), "operation-unknown");
    assert_eq!(asks(|call| call.method = Method::Head), "operation-unknown");
    assert_eq!(asks(|call| call.path = &["persons", "860101300123"]), "operation-unknown");
    assert_eq!(asks(|call| call.path = &["persons", "", "orders"]), "operation-unknown");
    assert_eq!(asks(|call| call.path = &[]), "operation-unknown");
    let find = |call: &mut Call<'static>| {
        call.path = &["persons"];
        call.parameters = &["iin"];
    };
    assert_eq!(asks(find), "operation-not-agreed");
}

/// B7, C2
#[test]
fn parameters_are_those_that_the_operation_declares() {
    let world = World::agreed(&with(personnel_agreement(), "/data/0/operations", json!(["find", "orders"])));
    let find = Call { path: &["persons"], ..call() };
    for (parameters, expected) in [
        (&["iin"][..], "permit"),
        (&["page", "iin"], "permit"),
        (&["page"], "parameter-missing"),
        (&[], "parameter-missing"),
        (&["iin", "as-of"], "parameter-not-declared"),
        (&["IIN"], "parameter-not-declared"),
        (&["iin", ""], "parameter-not-declared"),
    ] {
        assert_eq!(world.answer(&Call { parameters, ..find }), expected, "{parameters:?}");
    }
}

/// B8
#[test]
fn a_state_secret_never_passes_whatever_was_agreed() {
    let mut world =
        World::agreed(&with(personnel_agreement(), "/protection/category", json!("state-secret")));
    assert_eq!(world.answer(&call()), "permit");
    world.must(officer(AGENCY), categorise(Category::StateSecret));
    assert_eq!(world.answer(&call()), "state-secret");
}

/// B1, B8
#[test]
fn a_category_raised_above_the_agreed_protection_stops_the_exchange() {
    let mut world = World::registered();
    world.conclude(&address_agreement());
    let (provider, data_type) = (system("address-register"), DataTypeId::new("address").unwrap());
    let decide = |category| {
        let (provider, data_type) = (provider.clone(), data_type.clone());
        Command::Categorise { provider, data_type, category }
    };
    let lookup = Call {
        provider: "address-register",
        data_type: "address",
        path: &["addresses", "7"],
        parameters: &[],
        claims: Claims::default(),
        ..call()
    };
    assert_eq!(world.answer(&lookup), "permit");
    world.must(officer(OFFICE), decide(Category::Confidential));
    assert_eq!(world.answer(&lookup), "category-raised");
    world.must(officer(OFFICE), decide(Category::Public));
    assert_eq!(world.answer(&lookup), "permit");
    // A newer version of the data type sets the category of the one that was signed on, too.
    let newer = DataType { version: 2, category: Category::StateSecret, ..address() };
    world.must(officer(OFFICE), Command::PublishDataType { data_type: newer });
    assert_eq!(world.answer(&lookup), "state-secret");
}

fn categorise(category: Category) -> Command {
    let data_type = DataTypeId::new("record").unwrap();
    Command::Categorise { provider: system("personnel"), data_type, category }
}

/// B2.3, B7
#[test]
fn the_purpose_is_one_that_the_agreement_names() {
    let asks = |world: &World, purpose| {
        let claims = Claims { purpose, ..claims() };
        world.answer(&Call { claims, ..call() })
    };
    let one = World::exchanging();
    assert_eq!(asks(&one, None), "permit");
    assert_eq!(asks(&one, Some("curiosity")), "purpose-not-agreed");
    assert_eq!(asks(&one, Some("Staffing")), "purpose-not-agreed");
    let purposes = json!([
        { "code": "staffing", "text": "Vacancies", "collection_purpose": "civil-service" },
        { "code": "reserve", "text": "Reserve", "collection_purpose": "civil-service" },
    ]);
    let several = World::agreed(&with(personnel_agreement(), "/purposes", purposes));
    assert_eq!(asks(&several, None), "purpose-missing");
    assert_eq!(asks(&several, Some("reserve")), "permit");
}

/// B2.5
#[test]
fn a_call_names_its_case_where_the_agreement_asks_for_it() {
    let world = World::exchanging();
    for case in [None, Some(""), Some("  ")] {
        let claims = Claims { case, ..claims() };
        assert_eq!(world.answer(&Call { claims, ..call() }), "case-missing", "{case:?}");
    }
}

/// B2.4, B10: the last day is in force, the next is not.
#[test]
fn an_agreement_falls_with_an_act_that_it_stands_on() {
    let mut world = World::exchanging();
    let repeal = Command::RepealAct {
        act: ActId::new("hr-order").unwrap(),
        version: "2003-07-08".into(),
        last_day: "2026-04-30".parse().unwrap(),
        successor: None,
        agreements_until: Some("2026-04-30".parse().unwrap()),
    };
    world.must(regulator(), repeal);
    assert_eq!(world.answer_at(&call(), "2026-04-30T18:59:59.999999999Z"), "permit");
    assert_eq!(world.answer_at(&call(), "2026-04-30T19:00:00Z"), "basis-not-in-force");
}

/// B2.4
#[test]
fn an_act_counts_from_its_first_day_on() {
    let mut world = World::registered();
    let coming = Act { in_force_from: "2026-04-01".parse().unwrap(), ..act("coming", "2026") };
    world.must(regulator(), Command::RecordAct { act: coming });
    let basis = json!([
        { "act": "hr-order", "version": "2003-07-08", "clause": "8.2" },
        { "act": "coming", "version": "2026", "clause": "1" },
    ]);
    let agreement = with(personnel_agreement(), "/basis", basis);
    world.conclude(&agreement);
    world.approve_one(&agreement);
    assert_eq!(world.answer_at(&call(), "2026-03-31T18:59:59.999999999Z"), "basis-not-in-force");
    assert_eq!(world.answer_at(&call(), "2026-03-31T19:00:00Z"), "permit");
}

/// B6
#[test]
fn only_listed_and_trained_officials_ask_where_the_agreement_says_so() {
    let asks = |world: &World, user| {
        let claims = Claims { user, ..claims() };
        world.answer(&Call { claims, ..call() })
    };
    let list = vec![listed("a.serikov", Some("T-1")), listed("b.omarov", None), listed("c.akhmet", None)];
    let number = number_of(&personnel_agreement());

    let mut world = World::exchanging();
    let approve = world.approval(&number, list);
    world.must(officer(MINISTRY), approve.clone());
    assert_eq!(asks(&world, Some("a.serikov")), "permit");
    assert_eq!(asks(&world, None), "user-missing");
    assert_eq!(asks(&world, Some("d.other")), "user-not-listed");
    assert_eq!(asks(&world, Some("A.SERIKOV")), "user-not-listed");
    assert_eq!(asks(&world, Some("b.omarov")), "user-not-trained");
    assert_eq!(asks(&world, Some("c.akhmet")), "user-not-trained");

    let mut world = World::agreed(&with(personnel_agreement(), "/protection/users", json!("listed")));
    world.must(officer(MINISTRY), approve);
    assert_eq!(asks(&world, Some("b.omarov")), "permit");
    assert_eq!(asks(&world, None), "user-missing");
    assert_eq!(asks(&world, Some("d.other")), "user-not-listed");

    let mut world = World::registered();
    world.conclude(&address_agreement());
    for user in [None, Some("d.other")] {
        let claims = Claims { user, ..Claims::default() };
        let search =
            Call { provider: "address-register", data_type: "address", path: &["addresses"], ..call() };
        let search = Call { parameters: &[], claims, ..search };
        assert_eq!(world.answer(&search), "permit", "nobody's personal data: {user:?}");
    }
}

/// B6: the list is the agreement's, of whichever version, and the newest list counts.
#[test]
fn an_official_struck_off_the_list_is_refused_at_once() {
    let mut world = World::exchanging();
    let number = number_of(&personnel_agreement());
    world.approve(&number, vec![]);
    assert_eq!(world.answer(&call()), "user-not-listed");
}

/// C2: where several agreements come into question, any may permit, and the refusal is the most helpful one.
#[test]
fn among_several_agreements_any_may_permit_and_the_one_that_came_closest_explains() {
    let mut world = World::exchanging();
    let second = with(personnel_agreement(), "/number", json!("portal-personnel-2"));
    let second = with(second, "/data/0/operations", json!(["find"]));
    let second = with(second, "/protection/users", json!("listed"));
    world.conclude(&second);
    world.approve_one(&second);
    let find = Call { path: &["persons"], parameters: &["iin"], ..call() };
    assert_eq!((world.answer(&call()), world.answer(&find)), ("permit", "permit"));
    let chosen = Claims { agreement: Some("portal-personnel"), ..claims() };
    assert_eq!(world.answer(&Call { claims: chosen, ..find }), "operation-not-agreed");
    let unlisted = Claims { user: Some("d.other"), ..claims() };
    assert_eq!(world.answer(&Call { claims: unlisted, ..call() }), "user-not-listed");
}
