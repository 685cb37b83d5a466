//! `kelisim --server`: the command line as a client of the API, against a running gateway.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use agreements::CommandName;
use certs::authority::PersonRequest;
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
        (&json!("failed"), &json!(false)),
        "a list is no street"
    );
    let checks = found["newest"]["checks"].as_array().unwrap();
    let sampled = checks.iter().find(|one| one["check"]["kind"] == "sample").unwrap();
    assert!(sampled["detail"].as_str().unwrap().starts_with("find: it does not fit its schema"), "{sampled}");
    assert_eq!(ministry.does(1, &["agreement", "readiness", "streets"]).await["holds"], false);
}

/// Scripts can tell why something was not done.
#[tokio::test]
async fn what_cannot_be_done_at_a_server_says_why_by_its_exit_code() {
    let world = World::consumer_and_provider().start().await;
    let ministry = Away::of(&world, &world.ministry);
    for local in [&["run"][..], &["log", "verify"], &["certs", "crl"], &["operator", "password", "ministry"]]
    {
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

    /// A file that nobody else may read.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.files.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The certificate and key of an organisation's head.
    fn head(&self, world: &World, bin: &str) -> [String; 2] {
        let request = PersonRequest {
            name: "A head".into(),
            iin: "860101300123".into(),
            bin: sample::bin(bin),
            organisation: "A body".into(),
            days: 1,
        };
        let issued = world.authority.issue_person(&request, clock::now()).unwrap();
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
