//! Certificates, passwords, sessions and tokens.

use agreements::{Command, CommandName, Revoked, TokenId};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use tests::world::{Clerk, Told, World, sample};

const PASSWORD: &str = "correct horse battery";

async fn log_in(clerk: &Clerk, operator: &str, password: &str, deliver: &str) -> Told {
    let body = json!({ "operator": operator, "password": password, "deliver": deliver });
    clerk.post("/v1/session", &body).await
}

/// E4
#[tokio::test]
async fn a_session_begins_with_the_password_and_ends_with_leaving_or_with_another_password() {
    let world = World::consumer_and_provider().start().await;
    world.password(&world.ministry, PASSWORD);
    let nobody = world.clerk();
    assert_eq!(
        log_in(&nobody, "ministry", "wrong horse battery", "bearer").await.outcome(),
        "401 login-failed"
    );
    assert_eq!(log_in(&nobody, "stranger", PASSWORD, "bearer").await.outcome(), "401 login-failed");
    let told = log_in(&nobody, "ministry", PASSWORD, "bearer").await;
    assert_eq!(told.outcome(), "201");
    let inside = nobody.bearer(told.json()["session"].as_str().unwrap());
    assert_eq!(inside.get("/v1/session").await.json()["operator"], "ministry");
    assert_eq!(inside.ask(Method::DELETE, "/v1/session", None).await.outcome(), "204");
    assert_eq!(inside.get("/v1/session").await.outcome(), "401 unauthenticated");

    let told = log_in(&nobody, "ministry", PASSWORD, "bearer").await;
    let inside = nobody.bearer(told.json()["session"].as_str().unwrap());
    world.password(&world.ministry, "another horse battery");
    assert_eq!(inside.get("/v1/session").await.outcome(), "401 unauthenticated");
    assert_eq!(log_in(&nobody, "ministry", PASSWORD, "bearer").await.outcome(), "401 login-failed");
}

/// E4
#[tokio::test]
async fn too_many_failures_lock_even_the_right_password_out() {
    let plan = World::consumer_and_provider().configure(|config| config.api.login_failures = 3);
    let world = plan.start().await;
    world.password(&world.ministry, PASSWORD);
    world.password(&world.agency, PASSWORD);
    let nobody = world.clerk();
    for _ in 0..3 {
        assert_eq!(
            log_in(&nobody, "ministry", "not this one, no", "bearer").await.outcome(),
            "401 login-failed"
        );
    }
    let told = log_in(&nobody, "ministry", PASSWORD, "bearer").await;
    assert_eq!(told.outcome(), "429 locked-out");
    assert!(told.header("retry-after").unwrap().parse::<u32>().unwrap() <= 30);
    assert_eq!(log_in(&nobody, "agency", PASSWORD, "bearer").await.outcome(), "201", "others are not");
    assert!(world.metrics().await.contains("kelisim_api_logins_failed_total 3"));
}

#[tokio::test]
async fn logins_from_one_address_are_bounded() {
    let world =
        World::consumer_and_provider().configure(|config| config.api.logins_per_minute = 2).start().await;
    let nobody = world.clerk();
    for _ in 0..2 {
        assert_eq!(log_in(&nobody, "stranger", PASSWORD, "bearer").await.outcome(), "401 login-failed");
    }
    let told = log_in(&nobody, "stranger", PASSWORD, "bearer").await;
    assert_eq!(told.outcome(), "429 too-many-requests");
    assert!(told.header("retry-after").is_some());
}

/// A page of another site can make a browser send a cookie, but not this header.
#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let world = World::consumer_and_provider().start().await;
    world.password(&world.integrator, PASSWORD);
    let told = log_in(&world.clerk(), "integrator", PASSWORD, "cookie").await;
    let cookie = told.header("set-cookie").unwrap().to_owned();
    assert!(told.json().get("session").is_none());
    for word in ["__Host-kelisim=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let browser = world.clerk().saying("cookie", cookie.split(';').next().unwrap());
    let suspend = json!({ "system": "portal" });
    assert_eq!(browser.get("/v1/session").await.outcome(), "200");
    assert_eq!(browser.command("suspend-system", suspend.clone()).await.outcome(), "403 cross-site");
    let ours = browser.saying("kelisim-request", "1");
    let from_elsewhere = ours.saying("sec-fetch-site", "cross-site");
    assert_eq!(from_elsewhere.command("suspend-system", suspend.clone()).await.outcome(), "403 cross-site");
    let form = ("application/x-www-form-urlencoded", Bytes::from_static(b"system=portal"));
    let told = ours.ask(Method::POST, "/v1/commands/suspend-system", Some(form)).await;
    assert_eq!(told.outcome(), "415 media-type");
    assert_eq!(ours.command("suspend-system", suspend).await.outcome(), "200");
}

/// E4
#[tokio::test]
async fn a_certificate_says_who_it_is_until_it_is_unbound_or_revoked() {
    let world = World::consumer_and_provider().start().await;
    let issued = world.person("Saule");
    let clerk = world.clerk_with(Some(&issued));
    assert_eq!(clerk.get("/v1/session").await.outcome(), "401 certificate-not-bound");
    let certificate = sample::bound(&issued);
    let operator = world.ministry.actor().id.clone();
    world.administrator.issues(Command::BindOperatorCertificate { operator, certificate });
    let told = clerk.get("/v1/session").await.json();
    assert_eq!((&told["operator"], &told["role"]), (&json!("ministry"), &json!("holder-officer")));
    let system = world.clerk_with(Some(&world.certificate("portal").0));
    assert_eq!(
        system.get("/v1/session").await.outcome(),
        "401 certificate-not-bound",
        "systems are no operators"
    );
    let stop = Command::UnbindOperatorCertificate { certificate: issued.fingerprint };
    world.administrator.issues(stop);
    assert_eq!(clerk.get("/v1/session").await.outcome(), "401 certificate-not-bound");
    world.authority.revoke(&issued.serial, gateway::clock::now()).unwrap();
    tests::world::wait::within("the revocation to be read", async {
        while clerk.try_ask(Method::GET, "/v1/session", None).await.is_ok() {
            tokio::time::sleep(tests::world::wait::PAUSE).await;
        }
    })
    .await;
}

/// E4
#[tokio::test]
async fn a_token_does_what_it_was_granted_for_until_it_is_revoked() {
    let world = World::consumer_and_provider().start().await;
    let token = world.token(&world.integrator, "watch", vec![CommandName::SuspendSystem], 1);
    let program = world.clerk().bearer(&token);
    assert_eq!(program.get("/v1/systems/portal").await.outcome(), "200");
    let resume = program.command("resume-system", json!({ "system": "portal" })).await;
    assert_eq!(resume.outcome(), "403 out-of-scope");
    assert_eq!(program.command("suspend-system", json!({ "system": "portal" })).await.outcome(), "200");
    let events = program.get("/v1/events?event=system-suspended").await.json();
    let actor = &events["items"][0]["actor"];
    assert_eq!(actor["id"], "integrator");
    assert_eq!(actor["via"], "api:token=watch-of-integrator from 127.0.0.1");

    let (name, _) = token.rsplit_once('~').unwrap();
    let forged = world.clerk().bearer(&format!("{name}~{}", "A".repeat(43)));
    assert_eq!(forged.get("/v1/session").await.outcome(), "401 unauthenticated");
    let id = TokenId::new("watch-of-integrator").unwrap();
    let operator = world.integrator.actor().id.clone();
    world.integrator.issues(Command::RevokeAccess { operator, access: Revoked::Token { id } });
    assert_eq!(program.get("/v1/session").await.outcome(), "401 unauthenticated");
}

/// E4: whoever has a token for a day comes to no access that lasts longer.
#[tokio::test]
async fn a_token_lets_nobody_in() {
    let world = World::consumer_and_provider().start().await;
    let program = world.program(&world.administrator);
    let own = world.person("Administrator");
    let bound = json!({ "fingerprint": own.fingerprint, "not_after": tests::world::in_hours(1).to_string() });
    for (name, fields) in [
        ("bind-operator-certificate", json!({ "operator": "administrator", "certificate": bound })),
        ("confirm-access", json!({ "operator": "regulator", "grant": 1 })),
        ("confirm-operator", json!({ "operator": "ministry" })),
        ("resume-operator", json!({ "operator": "ministry" })),
    ] {
        assert_eq!(program.command(name, fields).await.outcome(), "403 out-of-scope", "{name}");
    }
    let card = json!({ "operator": { "id": "crony", "name": "Crony", "role": "regulator",
        "holder": sample::OPERATOR, "reach": {} } });
    assert_eq!(program.command("register-operator", card).await.outcome(), "403 out-of-scope");
}

/// E4: over the API as on the command line; what is secret is in no event and in no answer but one.
#[tokio::test]
async fn access_is_granted_over_the_api_and_its_secret_is_shown_once() {
    let world = World::consumer_and_provider().start().await;
    world.password(&world.ministry, PASSWORD);
    let told = log_in(&world.clerk(), "ministry", PASSWORD, "bearer").await;
    let ministry = world.clerk().bearer(told.json()["session"].as_str().unwrap());
    let expires = tests::world::in_hours(1).to_string();
    let grant =
        json!({ "operator": "ministry", "access": { "token": { "id": "mine", "expires": expires } } });
    let once = ministry.saying("idempotency-key", "once");
    let told = once.command("grant-access", grant.clone()).await;
    assert_eq!(told.outcome(), "200");
    let secret = told.json()["secret"].as_str().unwrap().to_owned();
    let program = world.clerk().bearer(&secret);
    assert_eq!(program.get("/v1/session").await.json()["operator"], "ministry");
    let again = once.command("grant-access", grant).await;
    assert_eq!((again.outcome().as_str(), again.json().get("secret")), ("200", None));
    let more = json!({ "operator": "ministry", "access": { "token": { "id": "more", "expires": expires } } });
    assert_eq!(
        program.command("grant-access", more).await.outcome(),
        "403 out-of-scope",
        "no token makes tokens"
    );

    let password =
        |text: &str| json!({ "operator": "ministry", "access": { "password": { "password": text } } });
    let new = |text: &str, old: &str| json!({ "operator": "ministry", "access": { "password": { "password": text, "old": old } } });
    assert_eq!(
        ministry.command("grant-access", new("short", PASSWORD)).await.outcome(),
        "422 password-unfit"
    );
    for unknown in [password("staple of my own"), new("staple of my own", "staple of others")] {
        let told = ministry.command("grant-access", unknown).await;
        assert_eq!(told.outcome(), "403 old-password-wrong", "a session found open changes no password");
    }
    let keyed = ministry.saying("idempotency-key", "twice");
    assert_eq!(keyed.command("grant-access", new("staple of my own", PASSWORD)).await.outcome(), "200");
    assert_eq!(ministry.get("/v1/session").await.outcome(), "401 unauthenticated", "sessions end with it");
    assert_eq!(log_in(&world.clerk(), "ministry", "staple of my own", "bearer").await.outcome(), "201");
    let others =
        json!({ "operator": "agency", "access": { "password": { "password": "staple of theirs" } } });
    let told = log_in(&world.clerk(), "ministry", "staple of my own", "bearer").await;
    let ministry = world.clerk().bearer(told.json()["session"].as_str().unwrap());
    let keyed = ministry.saying("idempotency-key", "twice");
    let told = keyed.command("grant-access", new("staple of my own", PASSWORD)).await;
    assert_eq!(told.outcome(), "403 old-password-wrong", "carried out again: nothing of the first was kept");
    assert_eq!(ministry.command("grant-access", others).await.outcome(), "403 not-in-role");

    let history = world.program(&world.administrator).get("/v1/events?limit=200").await;
    let text = String::from_utf8_lossy(&history.body);
    for said in [&secret[8..], PASSWORD, "staple of my own", "argon2"] {
        assert!(!text.contains(said), "{said} is in the history");
    }
}

/// E4: what an administrator gives to somebody who approves counts once another person has confirmed it.
#[tokio::test]
async fn an_administrator_does_not_come_in_as_the_regulator_alone() {
    let world = World::consumer_and_provider().start().await;
    world.password(&world.regulator, PASSWORD);
    let told = log_in(&world.clerk(), "regulator", PASSWORD, "bearer").await;
    let regulator = world.clerk().bearer(told.json()["session"].as_str().unwrap());
    world.password(&world.administrator, PASSWORD);
    let told = log_in(&world.clerk(), "administrator", PASSWORD, "bearer").await;
    let administrator = world.clerk().bearer(told.json()["session"].as_str().unwrap());
    let expires = tests::world::in_hours(1).to_string();
    let grant = |name: &str| {
        let token = json!({ "id": name, "commands": ["concur-in-agreement"], "expires": expires });
        json!({ "operator": "regulator", "access": { "token": token } })
    };
    let told = administrator.command("grant-access", grant("one")).await.json();
    let event = &told["events"][0];
    assert_eq!(event["event"]["effect"], "once-confirmed");
    let intruder = world.clerk().bearer(told["secret"].as_str().unwrap());
    assert_eq!(intruder.get("/v1/session").await.outcome(), "401 unauthenticated");
    let confirm = json!({ "operator": "regulator", "grant": event["sequence"] });
    let alone = administrator.command("confirm-access", confirm.clone()).await;
    assert_eq!(alone.outcome(), "409 same-person");
    assert_eq!(regulator.command("confirm-access", confirm).await.outcome(), "200");
    assert_eq!(intruder.get("/v1/session").await.json()["operator"], "regulator");
}
