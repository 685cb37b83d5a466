//! Operators' means of access: who may grant and take them, and what the registry keeps of it. Secrets are elsewhere.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use support::*;

fn id(id: &str) -> OperatorId {
    OperatorId::new(id).unwrap()
}

fn token(name: &str, expires: &str) -> Access {
    let (id, commands) = (TokenId::new(name).unwrap(), vec![CommandName::SuspendSystem]);
    Access::Token { id, commands, expires: at(expires) }
}

fn with_operators() -> World {
    let mut world = World::empty();
    for (name, role, holder) in [
        ("administrator", Role::Administrator, NATIONAL_OPERATOR),
        ("saule", Role::HolderOfficer, MINISTRY),
        ("berik", Role::HolderOfficer, AGENCY),
    ] {
        enrol(&mut world, name, role, holder);
    }
    world
}

/// Enrolled, and confirmed by another where that is needed.
fn enrol(world: &mut World, name: &str, role: Role, holder: &str) {
    let operator =
        Operator { id: id(name), name: name.into(), role, holder: bin(holder), reach: Reach::default() };
    world.must(administrator(), Command::RegisterOperator { operator });
    if world.registry.enrolment(&id(name)).unwrap().standing == OperatorStanding::Unconfirmed {
        world.must(regulator(), Command::ConfirmOperator { operator: id(name) });
    }
}

fn bind(operator: &str, certificate: u8) -> Command {
    Command::BindOperatorCertificate {
        operator: id(operator),
        certificate: BoundCertificate {
            fingerprint: fingerprint(certificate),
            serial: "01".into(),
            not_after: at("2028-01-01T00:00:00Z"),
        },
    }
}

const LATE: &str = "2027-01-01T00:00:00Z";

fn saule() -> Actor {
    actor("saule", Role::HolderOfficer, MINISTRY)
}

/// E4
#[test]
fn everybody_sees_to_their_own_access_and_the_administrator_to_everybodys() {
    let mut world = with_operators();
    let password = |operator| Command::GrantAccess { operator: id(operator), access: Access::Password };
    world.must(saule(), password("saule"));
    world.must(administrator(), password("berik"));
    let refused = world.refused(saule(), password("berik"));
    assert_eq!(refused, CommandError::NotInRole { role: Role::HolderOfficer });
    let revoke = Command::RevokeAccess { operator: id("berik"), access: Revoked::Password };
    assert_eq!(world.refused(saule(), revoke).code(), "not-in-role");
    assert_eq!(world.refused(administrator(), password("nobody")).code(), "unknown");
}

#[test]
fn a_password_counts_as_granted_last_and_not_once_it_was_taken() {
    let mut world = with_operators();
    let grant = Command::GrantAccess { operator: id("saule"), access: Access::Password };
    world.must(saule(), grant.clone());
    let first = world.registry.access(&id("saule")).unwrap().password;
    world.must(saule(), grant);
    assert!(world.registry.access(&id("saule")).unwrap().password > first);
    let revoke = Command::RevokeAccess { operator: id("saule"), access: Revoked::Password };
    world.must(saule(), revoke.clone());
    assert_eq!(world.registry.access(&id("saule")).unwrap().password, None);
    assert_eq!(world.refused(saule(), revoke).code(), "unknown");
}

#[test]
fn a_tokens_name_is_taken_for_good_and_a_token_that_ended_is_not_granted() {
    let mut world = with_operators();
    let grant = |access| Command::GrantAccess { operator: id("saule"), access };
    world.must(saule(), grant(token("job", "2027-01-01T00:00:00Z")));
    let name = TokenId::new("job").unwrap();
    assert_eq!(world.registry.operator_of(&name), Some(&id("saule")));
    let revoke = Command::RevokeAccess { operator: id("saule"), access: Revoked::Token { id: name } };
    world.must(saule(), revoke);
    assert!(world.registry.access(&id("saule")).unwrap().tokens.is_empty());
    let again = world.refused(saule(), grant(token("job", "2027-01-01T00:00:00Z")));
    assert_eq!(again.code(), "exists");
    let ended = world.refused(saule(), grant(token("other", "2020-01-01T00:00:00Z")));
    assert_eq!(ended.code(), "empty-validity");
}

/// E4: an administrator who gives access to somebody who approves may know what opens it, and is not alone with it.
#[test]
fn what_is_given_to_somebody_who_approves_counts_once_another_person_confirms_it() {
    let mut world = with_operators();
    enrol(&mut world, "judge", Role::Regulator, REGULATOR);
    let judge = actor("judge", Role::Regulator, REGULATOR);
    let password = Command::GrantAccess { operator: id("judge"), access: Access::Password };
    world.must(administrator(), password.clone());
    let first = world.registry.access(&id("judge")).unwrap().password;
    assert!(first.is_some(), "there is nobody else who could confirm it");
    // From now on they can confirm it themselves.
    world.must(administrator(), password.clone());
    let held = world.registry.access(&id("judge")).unwrap();
    assert_eq!((held.password, held.waiting.len()), (first, 1));
    let grant = held.waiting[0].grant;
    let confirm = Command::ConfirmAccess { operator: id("judge"), grant };
    let alone = world.refused(administrator(), confirm.clone());
    assert!(matches!(alone, CommandError::SamePerson { .. }), "{alone}");
    let officer = world.refused(saule(), confirm.clone());
    assert_eq!(officer, CommandError::NotInRole { role: Role::HolderOfficer });
    world.must(judge.clone(), confirm.clone());
    let held = world.registry.access(&id("judge")).unwrap();
    assert_eq!((held.password, held.waiting.len()), (Some(grant), 0));
    assert_eq!(world.refused(judge.clone(), confirm).code(), "unknown");
    // One's own needs nobody, and takes the place of what waits.
    world.must(administrator(), password.clone());
    world.must(judge, password);
    assert!(world.registry.access(&id("judge")).unwrap().waiting.is_empty());
}

/// E4: a token and a certificate too; they let nobody in while they wait, and nobody else has them meanwhile.
#[test]
fn a_token_and_a_certificate_wait_like_a_password() {
    let mut world = with_operators();
    enrol(&mut world, "second", Role::Administrator, NATIONAL_OPERATOR);
    enrol(&mut world, "judge", Role::ServiceIntegrator, NATIONAL_OPERATOR);
    world.must(administrator(), Command::GrantAccess { operator: id("judge"), access: token("job", LATE) });
    world.must(administrator(), bind("judge", 200));
    let held = world.registry.access(&id("judge")).unwrap().clone();
    assert_eq!((held.tokens.len(), held.certificates.len(), held.waiting.len()), (0, 0, 2));
    assert_eq!(world.registry.operator_bound_to(&fingerprint(200)), None);
    assert_eq!(world.refused(administrator(), bind("saule", 200)).code(), "exists");
    let same = Command::GrantAccess { operator: id("saule"), access: token("job", LATE) };
    assert_eq!(world.refused(saule(), same).code(), "exists");
    let second = actor("second", Role::Administrator, NATIONAL_OPERATOR);
    let confirm = |grant| Command::ConfirmAccess { operator: id("judge"), grant };
    world.must(second, confirm(held.waiting[0].grant));
    assert_eq!(world.registry.access(&id("judge")).unwrap().tokens.len(), 1);
    world.must(administrator(), Command::UnbindOperatorCertificate { certificate: fingerprint(200) });
    assert!(world.registry.access(&id("judge")).unwrap().waiting.is_empty());
    world.must(administrator(), bind("saule", 200));
}

/// E4: what opened a lesser role does not open one that approves.
#[test]
fn who_is_promoted_is_let_in_anew() {
    let mut world = with_operators();
    world.must(administrator(), Command::GrantAccess { operator: id("saule"), access: Access::Password });
    world.must(saule(), Command::GrantAccess { operator: id("saule"), access: token("job", LATE) });
    world.must(administrator(), bind("saule", 200));
    enrol(&mut world, "saule", Role::Regulator, REGULATOR);
    let held = world.registry.access(&id("saule")).unwrap();
    assert_eq!((held.password, held.tokens.len(), held.certificates.len()), (None, 0, 0));
    assert_eq!(world.registry.operator_bound_to(&fingerprint(200)), None);
}

/// A6
#[test]
fn a_certificate_is_one_operators_or_one_systems() {
    let mut world = World::registered();
    enrol(&mut world, "saule", Role::HolderOfficer, MINISTRY);
    let bind = |certificate| bind("saule", certificate);
    let taken = world.registry.systems().find_map(|system| system.certificates.first()).unwrap().fingerprint;
    assert_eq!(world.refused(administrator(), bind(taken.as_bytes()[0])).code(), "exists");
    world.must(administrator(), bind(200));
    assert_eq!(world.registry.operator_bound_to(&fingerprint(200)), Some(&id("saule")));
    assert_eq!(world.refused(administrator(), bind(200)).code(), "exists");
    assert_eq!(world.refused(integrator(), support::bind("portal", 200)).code(), "exists");
    let unbind = Command::UnbindOperatorCertificate { certificate: fingerprint(200) };
    world.must(administrator(), unbind);
    assert_eq!(world.registry.operator_bound_to(&fingerprint(200)), None);
}

/// E4: a token's name is one for all operators, so whoever meets a taken one is told whose it is.
#[test]
fn a_name_of_a_token_that_is_taken_is_refused_with_its_owner() {
    let mut world = with_operators();
    let grant =
        |operator: &str| Command::GrantAccess { operator: id(operator), access: token("nightly", LATE) };
    world.must(administrator(), grant("saule"));
    let error = world.refused(administrator(), grant("berik"));
    assert_eq!(error.to_string(), "token nightly (of saule) is in the registry already");
}
