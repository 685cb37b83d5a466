//! `kelisim --server`: the command line as a client of the API, against a running gateway.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use agreements::CommandName;
use certs::authority::Authority;
use gateway::clock;
use serde_json::{Value, json};
use tests::world::{Desk, World, kelisim, sample};

/// E4: what is done at a server is done there, by whom the token names.
#[tokio::test]
async fn systems_are_read_and_changed_at_a_server() {
    let world = World::consumer_and_provider().start().await;
    let integrator = Away::of(&world, &world.integrator);
    let listed = integrator.does(0, &["system", "list"]).await;
    let ids: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["address-register", "portal"]);
    let done = integrator.does(0, &["system", "suspend", "portal", "--reason", "complaint 4"]).await;
    assert_eq!(done["events"][0]["event"]["event"], "system-suspended");
    assert_eq!(integrator.does(0, &["system", "show", "portal"]).await["status"], "suspended");
    let then = done["events"][0]["at"].as_str().unwrap();
    integrator.does(1, &["system", "show", "portal", "--at", "2020-01-01"]).await;
    assert_eq!(integrator.does(0, &["system", "show", "portal", "--at", then]).await["status"], "suspended");
    let history = integrator.does(0, &["history"]).await;
    let last = history["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["actor"]["id"], &last["reason"]), (&json!("integrator"), &json!("complaint 4")));
    assert!(last["actor"]["via"].as_str().unwrap().starts_with("api:token="), "{last}");
    let due = integrator.does(0, &["calendar", "add", "2026-03-18", "5"]).await;
    assert_eq!(due["due"], "2026-03-30");
    let call =
        ["explain", "--consumer", "portal", "--provider", "address-register", "--data-type", "address"];
    let told = integrator.does(1, &[&call[..], &["--path", "/addresses/7"]].concat()).await;
    assert_eq!((&told["decision"], &told["code"]), (&json!("refuse"), &json!("system-suspended")));
    let (_, text) = integrator.runs(&["holder", "list"]).await;
    assert!(text.starts_with("BIN           NAME"), "for people it is a table: {text}");
}

/// B4, B5, B9: an agreement from its draft to its readiness, signed with keys that stay with their owners.
#[tokio::test]
async fn an_agreement_is_drawn_up_signed_and_checked_at_a_server() {
    let world = World::consumer_and_provider().start().await;
    world.agency.issues(agreements::Command::PublishDataType { data_type: sample::streets() });
    let [ministry, agency, regulator, integrator] =
        [&world.ministry, &world.agency, &world.regulator, &world.integrator]
            .map(|desk| Away::of(&world, desk));
    let text = sample::streets_agreement();
    let mut lacking = text.clone();
    lacking.as_object_mut().unwrap().remove("basis");
    let file = ministry.file("lacking.json", &lacking.to_string());
    assert_eq!(ministry.does(1, &["agreement", "lint", &file]).await["problems"][0]["field"], "basis");
    let file = ministry.file("streets.json", &text.to_string());
    let why = ["--reason", "as agreed"];
    ministry.does(0, &[&["agreement", "draft", &file], &why[..]].concat()).await;
    for (away, side, bin) in
        [(&ministry, "consumer", sample::MINISTRY), (&agency, "provider", sample::AGENCY)]
    {
        let [cert, key] = away.head(&world, bin);
        let sign = ["agreement", "sign", "streets", "--side", side, "--cert", &cert, "--key", &key];
        away.does(0, &[&sign[..], &why].concat()).await;
    }
    agency.does(0, &[&["agreement", "submit", "streets"], &why[..]].concat()).await;
    let [cert, key] = regulator.head(&world, sample::REGULATOR);
    let concur = ["agreement", "concur", "streets", "--cert", &cert, "--key", &key];
    regulator.does(0, &[&concur[..], &why].concat()).await;
    assert_eq!(agency.does(0, &["agreement", "show", "streets"]).await["newest"]["stage"], "concurred");

    let users =
        ministry.file("users.json", r#"[{ "id": "a.serik", "name": "A. Serik", "duty": "answers" }]"#);
    let [cert, key] = ministry.head(&world, sample::MINISTRY);
    let approve = ["agreement", "users", "streets", &users, "--cert", &cert, "--key", &key];
    for serial in [1, 2] {
        let done = ministry.does(0, &[&approve[..], &why].concat()).await;
        assert_eq!(done["events"][0]["event"]["serial"], serial);
    }
    world.provider.acts(|_| tests::world::Reply::Json(200, json!({ "items": [] })));
    let found = integrator.does(1, &[&["readiness", "streets"], &why[..]].concat()).await;
    assert_eq!(
        (&found["ready"], &found["under_way"]),
        (&json!({ "failed": "provider" }), &json!(false)),
        "a list is no street"
    );
    let checks = found["newest"]["checks"].as_array().unwrap();
    let sampled = checks.iter().find(|one| one["check"]["kind"] == "sample").unwrap();
    assert!(sampled["detail"].as_str().unwrap().starts_with("find: it does not fit its schema"), "{sampled}");
    assert_eq!(ministry.does(1, &["agreement", "readiness", "streets"]).await["holds"], false);
}

/// A2, E4: a system is registered and bound at a server; a certificate that the gateway would not let in is not bound.
#[tokio::test]
async fn a_system_is_registered_and_bound_at_a_server() {
    let world = World::consumer_and_provider().start().await;
    let [registrar, integrator] = [&world.registrar, &world.integrator].map(|desk| Away::of(&world, desk));
    let why = ["--reason", "as applied for"];
    let mut card = serde_json::to_value(sample::card("newcomer", sample::MINISTRY, None)).unwrap();
    card["documents"] = json!([]);
    let file = registrar.file("card.json", &card.to_string());
    let bare = registrar.runs(&[&["system", "register", &file], &why[..]].concat()).await;
    assert_eq!(bare.0, 1, "without its documents: {bare:?}");
    let mut register = vec!["system", "register", &file, "--reason", "as applied for"];
    let documents = ["description", "trial-act", "production-act", "technical-documentation"];
    let documents =
        documents.map(|kind| format!("{kind}={}", registrar.file(&format!("{kind}.pdf"), "%PDF-1.7 paper")));
    documents.iter().for_each(|document| register.extend(["--document", document.as_str()]));
    let done = registrar.does(0, &register).await;
    assert_eq!(done["events"][0]["event"]["code"], "KZ-STATE-0003");

    let (issued, _) = world.certificate("newcomer");
    let chain = integrator.file("newcomer.pem", &issued.chain);
    let done = integrator.does(0, &[&["system", "bind", "newcomer", &chain], &why[..]].concat()).await;
    let bound = &done["events"][0]["event"]["certificate"];
    assert_eq!(bound["fingerprint"], json!(issued.fingerprint));
    let stranger = Authority::create(&integrator.files.join("stranger"), clock::now()).unwrap();
    let theirs = integrator.file("theirs.pem", &stranger.anchors_pem().unwrap());
    let refused = integrator.does(1, &[&["system", "bind", "newcomer", &theirs], &why[..]].concat()).await;
    assert_eq!(refused, Value::Null);
    let program = world.program(&world.integrator);
    let told =
        program.post("/v1/certificates/check", &json!({ "chain": stranger.anchors_pem().unwrap() })).await;
    assert_eq!(told.outcome(), "422 certificate-untrusted");
    let told = program.post("/v1/certificates/check", &json!({ "chain": "none" })).await;
    assert_eq!(told.outcome(), "400 body-malformed");
}

/// E4: tokens and passwords are given at a server, where what proves them stays.
#[tokio::test]
async fn access_is_given_and_taken_at_a_server() {
    let world = World::consumer_and_provider().start().await;
    world.password(&world.administrator, PASSWORD);
    let administrator = Away::of(&world, &world.administrator);
    let why = ["--reason", "new in the body"];
    let token = ["operator", "token", "ministry", "by-a-token", "--days", "1"];
    assert_eq!(administrator.runs(&[&token[..], &why].concat()).await.0, 1, "no token makes tokens");
    let administrator = administrator.logged_in(&world, "administrator", PASSWORD).await;
    let token = ["operator", "token", "ministry", "nightly", "--days", "1"];
    let done = administrator.does(0, &[&token[..], &why].concat()).await;
    let nightly = Away {
        token: administrator.file("nightly", done["token"].as_str().unwrap()),
        ..administrator.clone()
    };
    assert_eq!(nightly.runs(&["system", "list"]).await.0, 0);
    let known = administrator.does(0, &["operator", "access", "ministry"]).await;
    assert_eq!(known["tokens"].as_array().unwrap().len(), 1);
    administrator
        .does(0, &[&["operator", "revoke", "token", "ministry", "nightly"], &why[..]].concat())
        .await;
    assert_eq!(nightly.runs(&["system", "list"]).await.0, 1, "it counts no more");

    let password = ["operator", "password", "ministry", "--generate"];
    let done = administrator.does(0, &[&password[..], &why].concat()).await;
    let ministry = Away::of(&world, &world.ministry);
    let ministry = ministry.logged_in(&world, "ministry", done["password"].as_str().unwrap()).await;
    let (exit, said) = ministry.runs(&[&password[..], &why].concat()).await;
    assert_eq!(exit, 1, "one's own is asked for before it is changed: {said}");

    let person = world.person("An officer");
    let chain = administrator.file("officer.pem", &person.chain);
    let bind = ["operator", "certificate", "ministry", "--chain", &chain];
    let done = administrator.does(0, &[&bind[..], &why].concat()).await;
    assert_eq!(done["events"][0]["event"]["certificate"]["fingerprint"], json!(person.fingerprint));
}

/// Data types are imported, and templates published, judged by and recalled, at a server.
#[tokio::test]
async fn data_types_and_templates_are_kept_at_a_server() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let [agency, ministry, regulator] =
        [&world.agency, &world.ministry, &world.regulator].map(|desk| Away::of(&world, desk));
    let why = ["--reason", "as ordered"];
    let document = json!({
        "openapi": "3.1.0", "info": { "title": "Houses", "version": "1" },
        "paths": { "/houses": { "get": { "operationId": "listHouses", "responses": { "200": {
            "content": { "application/json": { "schema": { "type": "array" } } } } } } } },
    });
    let file = agency.file("openapi.json", &document.to_string());
    let import = ["data-type", "import", &file, "--provider", sample::REGISTER, "--id", "houses"];
    assert_eq!(agency.does(0, &[&import[..], &["--dry-run"]].concat()).await["data_type"]["version"], 1);
    for version in [1, 2] {
        agency.does(0, &[&import[..], &why].concat()).await;
        let shown = agency.does(0, &["data-type", "show", sample::REGISTER, "houses"]).await;
        assert_eq!(shown["versions"].as_array().unwrap().len(), version);
    }

    let template = json!({ "purpose": "delivery", "version": 1, "title": "Delivery", "most_days": 1 });
    let file = regulator.file("template.json", &template.to_string());
    regulator.does(0, &[&["template", "publish", &file], &why[..]].concat()).await;
    let draft = ministry.file("draft.json", &sample::agreement("address-lookup").to_string());
    let judged = ministry.does(1, &["agreement", "check-template", &draft]).await;
    assert_eq!(judged["fits"][0]["wider"][0]["field"], "access_period.until");
    regulator.does(0, &[&["template", "recall", "delivery", "1"], &why[..]].concat()).await;
    assert_eq!(ministry.does(0, &["template", "list"]).await["items"].as_array().unwrap().len(), 1);
    let shown = ministry.does(0, &["template", "show", "delivery"]).await;
    assert_eq!((&shown["holds"], &shown["versions"][0]["standing"]), (&Value::Null, &json!("recalled")));
    let judged = ministry.does(1, &["agreement", "check-template", &draft]).await;
    assert_eq!((&judged["fits"][0]["template"], &judged["fits"][0]["recalled"]), (&Value::Null, &json!(1)));
}

/// Scripts can tell why something was not done.
#[tokio::test]
async fn what_cannot_be_done_at_a_server_says_why_by_its_exit_code() {
    let world = World::consumer_and_provider().start().await;
    let ministry = Away::of(&world, &world.ministry);
    let iin = ["operator", "certificate", "ministry", "--iin", "860101300123"];
    for local in [&["run"][..], &["log", "verify"], &["certs", "crl"], &iin] {
        assert_eq!(ministry.runs(local).await.0, 4, "{local:?}");
    }
    let suspend = ["system", "suspend", "portal", "--reason", "x"];
    assert_eq!(ministry.runs(&suspend).await.0, 1, "not in role");
    assert_eq!(ministry.runs(&["system", "show", "nobody"]).await.0, 1, "there is none");
    assert_eq!(ministry.runs(&["system", "list", "--as", "integrator"]).await.0, 2, "the token says who");
    assert_eq!(ministry.runs(&["system", "list", "--dir", "x"]).await.0, 2, "there or here");
    let stranger = Away { token: ministry.file("none", "kelisim.nobody~x"), ..ministry.clone() };
    assert_eq!(stranger.runs(&["system", "list"]).await.0, 1, "nobody");
    let nowhere = Away { server: "https://127.0.0.1:1".into(), ..ministry.clone() };
    assert_eq!(nowhere.runs(&["system", "list"]).await.0, 3, "nobody there");
    let plain = Away { server: "http://127.0.0.1:1".into(), ..ministry.clone() };
    assert_eq!(plain.runs(&["system", "list"]).await.0, 2, "only over TLS");
    let (issued, _) = world.certificate("somebody");
    let other = Away { ca: ministry.file("other.pem", &issued.chain), ..ministry };
    assert_eq!(other.runs(&["system", "list"]).await.0, 3, "not who it should be");
}

/// E4: a token is a secret as a key is.
#[tokio::test]
async fn a_token_that_others_may_read_is_not_used() {
    let world = World::consumer_and_provider().start().await;
    let away = Away::of(&world, &world.integrator);
    assert_eq!(away.runs(&["system", "list"]).await.0, 0);
    fs::set_permissions(&away.token, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(away.runs(&["system", "list"]).await.0, 3);
}

const PASSWORD: &str = "correct horse battery";

/// Somebody who works from elsewhere: an address, a root, a token, and a folder of their own for files.
#[derive(Clone)]
struct Away {
    server: String,
    ca: String,
    token: String,
    files: PathBuf,
}

impl Away {
    fn of(world: &World, desk: &Desk) -> Self {
        let files = world.path().join(format!("away-{}", desk.actor().id));
        fs::create_dir(&files).unwrap();
        let server = format!("https://localhost:{}", world.clerk().address().port());
        let mut away = Self { server, ca: String::new(), token: String::new(), files };
        away.ca = away.file("root.pem", &world.authority.anchors_pem().unwrap());
        away.token = away.file("token", &world.token(desk, "away", CommandName::all().collect(), 1));
        away
    }

    /// The same with a session in the place of the token.
    async fn logged_in(self, world: &World, operator: &str, password: &str) -> Self {
        let login = json!({ "operator": operator, "password": password, "deliver": "bearer" });
        let told = world.clerk().post("/v1/session", &login).await;
        let token = self.file("session", told.json()["session"].as_str().unwrap());
        Self { token, ..self }
    }

    /// A file that nobody else may read.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.files.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The certificate and key of an organisation's head.
    fn head(&self, world: &World, bin: &str) -> [String; 2] {
        let (issued, _) = world.head(bin);
        [self.file("head.pem", &issued.chain), self.file("head.key", &issued.key)]
    }

    /// Runs a command at the server: its exit code, and what it says.
    async fn runs(&self, arguments: &[&str]) -> (i32, String) {
        let mut line: Vec<String> = ["--server", &self.server, "--ca", &self.ca, "--token-file", &self.token]
            .map(str::to_owned)
            .into();
        line.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let ran = tokio::task::spawn_blocking(move || {
            kelisim(&line.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let (status, said) = ran.await.unwrap();
        (status.code().unwrap(), said)
    }

    /// The same, for programs.
    async fn does(&self, code: i32, arguments: &[&str]) -> Value {
        let (ended, said) = self.runs(&[arguments, &["--json"]].concat()).await;
        assert_eq!(ended, code, "{arguments:?}: {said}");
        serde_json::from_str(&said).unwrap_or_default()
    }
}
