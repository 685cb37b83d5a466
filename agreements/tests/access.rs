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
        let operator =
            Operator { id: id(name), name: name.into(), role, holder: bin(holder), reach: Reach::default() };
        world.must(administrator(), Command::RegisterOperator { operator });
    }
    world
}

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

/// A6
#[test]
fn a_certificate_is_one_operators_or_one_systems() {
    let mut world = World::registered();
    let operator = Operator {
        id: id("saule"),
        name: "Saule".into(),
        role: Role::HolderOfficer,
        holder: bin(MINISTRY),
        reach: Reach::default(),
    };
    world.must(administrator(), Command::RegisterOperator { operator });
    let bind = |certificate: u8| Command::BindOperatorCertificate {
        operator: id("saule"),
        certificate: BoundCertificate {
            fingerprint: fingerprint(certificate),
            serial: "01".into(),
            not_after: at("2028-01-01T00:00:00Z"),
        },
    };
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
