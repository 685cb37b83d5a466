//! The command line, as people and scripts use it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod evidence;
mod folder;
mod keep;
mod life;
mod registration;

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use self::folder::{Folder, Said, kelisim};

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let said = Said::of(kelisim().arg("--help").output().unwrap());
    assert_eq!(said.exit, 0);
    insta::assert_snapshot!(said.out);
}

#[test]
fn a_fresh_folder_passes_its_check_and_is_not_founded_twice() {
    let folder = Folder::new();
    let checked = folder.json(0, &["check-config"]);
    assert_eq!(checked["fine"], true);
    let again = folder.json(3, &["init"]);
    assert!(again["error"]["what"].as_str().unwrap().ends_with("is a data folder already"), "{again}");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest_known_one() {
    let folder = Folder::new();
    let path = folder.path().join("kelisim.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "lisen = \"127.0.0.1:1\"\n").unwrap();
    for command in ["check-config", "run"] {
        let said = folder.say(&[command]);
        assert_eq!(said.exit, 3, "{said:?}");
        assert!(said.err.contains("operations") && said.err.contains("did you mean 'listen'?"), "{said:?}");
    }
}

#[test]
fn check_config_names_each_part_that_would_not_do_and_what_to_do() {
    let folder = Folder::new();
    fs::set_permissions(folder.key("gateway.key"), Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(folder.path().join("registry.sqlite")).unwrap();
    fs::remove_file(folder.key("log.key")).unwrap();
    let said = folder.say(&["check-config"]);
    assert_eq!(said.exit, 3);
    assert!(said.out.contains("chmod 600") && said.out.contains("registry.sqlite"), "{}", said.out);
    let parts = folder.json(3, &["check-config"])["parts"].clone();
    let wrong: Vec<_> = parts.as_array().unwrap().iter().filter(|part| part["fine"] == false).collect();
    assert_eq!(wrong.len(), 3, "{parts:#}");
    assert!(wrong.iter().all(|part| !part["todo"].as_str().unwrap().is_empty()));
}

/// C5
#[test]
fn check_config_names_the_cryptographic_tool_and_a_confirmation_that_ended() {
    let folder = Folder::new();
    let path = folder.path().join("kelisim.toml");
    let good = fs::read_to_string(&path).unwrap();
    let tool = certs::tool::tool();
    let part = |checked: Value| {
        let parts = checked["parts"].as_array().unwrap();
        parts.iter().find(|part| part["part"] == "cryptography").unwrap()["what"].as_str().unwrap().to_owned()
    };
    let alone = part(folder.json(0, &["check-config"]));
    assert!(alone.contains(&format!("{} {}", tool.name, tool.version)), "{alone}");
    assert!(alone.contains("confirmed by nothing"), "{alone}");
    for (until, exit, told) in [("2090-01-01", 0, "until 2090-01-01"), ("2020-01-01", 3, "has ended")] {
        let more =
            format!("\n[cryptography]\nconfirmation = \"KZ-77\"\nissuer = \"Body\"\nuntil = \"{until}\"\n");
        fs::write(&path, format!("{good}{more}")).unwrap();
        let what = part(folder.json(exit, &["check-config"]));
        assert!(what.contains("KZ-77 of Body") && what.contains(told), "{what}");
    }
}

#[test]
fn check_config_finds_whatever_keeps_the_gateway_from_starting() {
    let folder = Folder::new();
    let path = folder.path().join("kelisim.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::create_dir(folder.path().join("a-folder")).unwrap();
    fs::write(folder.path().join("a-file"), "").unwrap();
    for (part, table, wrong) in [
        ("API", "api", "certificate = \"nowhere.pem\"\nkey = \"nowhere.key\""),
        ("access", "api", "access = \"a-folder\""),
        ("access", "api", "access = \"nowhere/access.sqlite\""),
        ("personal keys", "log", "keeping = { erasable = [\"restricted\"], personal_keys = \"a-file\" }"),
        (
            "time stamps",
            "log",
            "time_stamps = { authority = \"http://127.0.0.1:1/\", anchors = \"nowhere.pem\" }",
        ),
    ] {
        let heading = format!("[{table}]\n");
        let config = if good.contains(&heading) {
            good.replacen(&heading, &format!("{heading}{wrong}\n"), 1)
        } else {
            format!("{good}\n{heading}{wrong}\n")
        };
        fs::write(&path, config).unwrap();
        assert_eq!(folder.say(&["run"]).exit, 3, "{wrong}");
        let checked = folder.json(3, &["check-config"]);
        let parts = checked["parts"].as_array().unwrap();
        let found: Vec<_> = parts.iter().filter(|part| part["fine"] == false).collect();
        assert_eq!(found.len(), 1, "{wrong}: {checked:#}");
        assert_eq!(found[0]["part"], part);
        assert!(!found[0]["todo"].as_str().unwrap().is_empty());
    }
}

/// What is in the way of a start is seen before it, and a start that meets it has written nothing.
#[test]
fn an_address_that_another_has_is_found_and_the_log_is_not_begun() {
    let folder = Folder::new();
    let path = folder.path().join("kelisim.toml");
    let good = fs::read_to_string(&path).unwrap();
    for table in ["exchange", "api", "operations"] {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let heading = format!("[{table}]\nlisten = ");
        let taken = format!("{heading}\"{}\"", other.local_addr().unwrap());
        fs::write(&path, good.replace(&format!("{heading}\"127.0.0.1:0\""), &taken)).unwrap();
        let checked = folder.json(3, &["check-config"]);
        assert_eq!(wrong_parts(&checked), ["addresses"], "{table}: {checked:#}");
        let said = folder.say(&["run"]);
        assert!(said.exit == 3 && said.err.contains("cannot listen on"), "{table}: {said:?}");
        assert_eq!(fs::read_dir(folder.path().join("log")).unwrap().count(), 0, "{table}");
    }
}

#[test]
fn what_was_recorded_and_damaged_since_is_found_before_a_start() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));
    assert_eq!(folder.json(0, &["check-config"])["fine"], true);
    let repeats = folder.path().join("repeats.db");
    fs::write(&repeats, "garbage ".repeat(1_000)).unwrap();
    for ending in ["-wal", "-shm"] {
        drop(fs::remove_file(folder.path().join(format!("repeats.db{ending}"))));
    }
    assert_eq!(wrong_parts(&folder.json(3, &["check-config"])), ["repeats"]);
    assert_eq!(folder.say(&["run"]).exit, 3);
    fs::remove_file(&repeats).unwrap();

    let log = folder.path().join("log");
    let segment = log.join("00000000000000000000.jsonl");
    let whole = fs::read(&segment).unwrap();
    let mut changed = whole.clone();
    let at = changed.windows(6).position(|bytes| bytes == b"\"at\":\"").unwrap() + 6;
    changed[at] = b'3';
    fs::write(&segment, &changed).unwrap();
    assert_eq!(wrong_parts(&folder.json(3, &["check-config"])), ["log"], "a changed entry");
    assert_eq!(folder.say(&["run"]).exit, 3);
    fs::write(&segment, &whole).unwrap();
    assert_eq!(folder.json(0, &["check-config"])["fine"], true);
    let running = folder.run(&[]);
    assert_eq!(folder.json(0, &["check-config"])["fine"], true, "while a gateway works on it");
    assert_eq!(running.end(), Some(0));

    fs::remove_dir_all(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let checked = folder.json(3, &["check-config"]);
    assert_eq!(wrong_parts(&checked), ["log"], "emptied: the checkpoint outside knows more: {checked:#}");
    assert_eq!(folder.say(&["run"]).exit, 3);
}

/// An unmounted disk is enough: who then began a registry would refuse everybody, and write that into the record.
#[test]
fn a_registry_that_is_not_there_stops_the_start_and_is_not_made() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));
    let before = fs::read(folder.path().join("log/00000000000000000000.jsonl")).unwrap();
    let registry = folder.path().join("registry.sqlite");
    for ending in ["", "-wal", "-shm"] {
        drop(fs::remove_file(folder.path().join(format!("registry.sqlite{ending}"))));
    }
    for command in [&["run"][..], &["system", "list"], &["holder", "add", "000000000077", "A body"]] {
        let said = folder.say(command);
        assert!(said.exit == 3 && said.err.contains("there is no registry"), "{command:?}: {said:?}");
        assert!(!registry.exists(), "{command:?}");
    }
    assert_eq!(fs::read(folder.path().join("log/00000000000000000000.jsonl")).unwrap(), before);
    fs::write(&registry, "").unwrap();
    assert_eq!(folder.say(&["run"]).exit, 3, "nor is an empty one gone on with");
}

#[test]
fn a_gateway_renews_its_own_certificate_and_is_told_before_it_ends() {
    let folder = Folder::new();
    let notices = |day: &str| folder.json(0, &["notices", "--on", day])["gateway"].clone();
    let ends = |told: &Value, about: &str| {
        told.as_array().unwrap().iter().any(|one| one["about"].as_str().unwrap().contains(about))
    };
    let today = gateway::clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let on = |days: i64| (today + jiff::SignedDuration::from_hours(24 * days)).to_string();
    assert!(!ends(&notices(&on(0)), "the gateway's certificate"));
    assert!(ends(&notices(&on(340)), "the gateway's certificate"), "{}", notices(&on(340)));
    assert!(ends(&notices(&on(29)), "revocation list 1") && !ends(&notices(&on(1)), "revocation list"));

    let running = folder.run(&[]);
    let key = |name: &str| fs::read(folder.key(name)).unwrap();
    let (pem, secret) = (key("gateway.pem"), key("gateway.key"));
    let renewed = folder.json(0, &["certs", "renew-gateway", "--days", "200"]);
    assert_eq!(running.end(), Some(0));
    assert!(key("gateway.pem") != pem && key("gateway.key") != secret, "a new key, too");
    assert_eq!((key("gateway.pem.old"), key("gateway.key.old")), (pem, secret), "the old pair is kept");
    assert_eq!(renewed["names"], serde_json::json!(["localhost", "127.0.0.1"]), "for the same names");
    assert!(ends(&notices(&on(180)), "the gateway's certificate"));
    let checked = folder.json(0, &["check-config"]);
    let what = checked["parts"][0]["what"].as_str().unwrap();
    assert!(what.contains(renewed["fingerprint"].as_str().unwrap()) && what.contains("until 2"), "{what}");
    assert_eq!(folder.run(&[]).end(), Some(0));
    folder.does(&["certs", "renew-gateway", "--days", "3"]);
    assert_eq!(folder.json(0, &["check-config"])["parts"][0].get("remark"), None, "it has just begun");
}

/// A folder that `init` made trusts the authority whose keys lie in it: right for trials alone.
#[test]
fn a_gateway_in_production_that_believes_the_authority_of_its_folder_is_remarked_on() {
    let remark = |environment: &str| {
        let folder = Folder::of(&["--environment", environment]);
        let checked = folder.json(0, &["check-config"]);
        let parts = checked["parts"].as_array().unwrap().clone();
        parts.iter().find(|part| part["part"] == "trust").unwrap().get("remark").cloned()
    };
    assert!(remark("production").is_some_and(|said| said.as_str().unwrap().contains("trial authority")));
    assert_eq!(remark("trial"), None);
}

#[test]
fn a_stop_that_waits_less_than_providers_may_take_is_remarked_on() {
    let folder = Folder::new();
    let path = folder.path().join("kelisim.toml");
    let remark = || {
        let parts = folder.json(0, &["check-config"])["parts"].as_array().unwrap().clone();
        parts.iter().find(|part| part["part"] == "stop").unwrap().get("remark").is_some()
    };
    assert!(!remark(), "by default it waits longer");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config + "\n[exchange.limits]\ndrain_timeout_ms = 20_000\n").unwrap();
    assert!(remark());
}

/// Which parts `check-config` finds wrong.
fn wrong_parts(checked: &Value) -> Vec<&str> {
    let parts = checked["parts"].as_array().unwrap().iter();
    parts.filter(|part| part["fine"] == false).map(|part| part["part"].as_str().unwrap()).collect()
}

#[test]
fn a_wrong_command_line_ends_with_2_and_a_missing_folder_with_3() {
    let folder = Folder::new();
    for wrong in [
        &["sing"][..],
        &["holder", "add", "12", "Agency"],
        &["explain", "--provider", "a", "--data-type", "b"],
        &["data-type", "categorise", "a", "b", "secret"],
    ] {
        let answer = folder.json(2, wrong);
        assert_eq!(answer["exit"], 2);
        assert!(answer["error"]["what"].is_string(), "{answer}");
    }
    let said = Said::of(kelisim().args(["system", "list", "--dir", "nowhere"]).output().unwrap());
    assert_eq!(said.exit, 3);
    assert!(said.err.contains("kelisim init"), "{said:?}");
}

#[test]
fn run_says_where_it_serves_and_ends_with_0_when_asked_to() {
    let folder = Folder::new();
    let running = folder.run(&["--json"]);
    let addresses: Value = serde_json::from_str(&running.line).unwrap();

    let mut asked = TcpStream::connect(addresses["operations"].as_str().unwrap()).unwrap();
    asked.write_all(b"GET /ready HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    asked.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(TcpStream::connect(addresses["exchange"].as_str().unwrap()).is_ok());

    let second = folder.say(&["run"]);
    assert_eq!(second.exit, 3, "two gateways write one log: {second:?}");

    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_log_is_whole_until_a_byte_of_it_is_changed() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));

    assert_eq!(folder.json(0, &["log", "verify"])["whole"], true);
    assert_eq!(folder.json(0, &["log", "search"]), serde_json::json!([]));
    assert_eq!(folder.json(0, &["log", "tail", "-n", "3"]), serde_json::json!([]));
    let nothing = folder.json(1, &["log", "show", "--exchange", "019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10"]);
    assert_eq!(nothing["entries"], serde_json::json!([]));
    let searches = fs::read_to_string(folder.path().join("searches.jsonl")).unwrap();
    assert_eq!(searches.lines().count(), 3, "who looks is on record: {searches}");

    let log = folder.path().join("log");
    let segment = log.join("00000000000000000000.jsonl");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[30] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let found = folder.json(1, &["log", "verify", &log.display().to_string()]);
    assert_eq!(found["whole"], false);
    assert_eq!(found["findings"][0]["severity"], "broken", "{found:#}");
    assert!(folder.say(&["log", "verify"]).out.starts_with("NOT WHOLE"));
}

#[test]
fn a_search_for_what_can_be_in_no_entry_is_a_slip_and_not_an_empty_answer() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));
    for (slip, said) in [
        (&["log", "search", "--code", "purpose-not-agred"][..], "purpose-not-agreed"),
        (&["log", "search", "--outcome", "time-out"], "did you mean timeout?"),
        (&["log", "search", "--decision", "permitted"], "did you mean permit?"),
        (&["log", "search", "--subject", "860101300127"], "no IIN"),
        (&["subject-key", "hash", "111"], "no IIN"),
    ] {
        let refused = folder.json(2, slip);
        assert!(refused["error"]["what"].as_str().unwrap().contains(said), "{slip:?}: {refused}");
    }
    folder.does(&["log", "index"]);
    let said = folder.say(&["log", "search", "--consumer", "portall", "--code", "no-agreement"]);
    assert_eq!(said.exit, 0);
    assert!(said.err.contains("no system portall is registered"), "{said:?}");
}

#[test]
fn what_a_full_disk_did_not_take_is_an_error() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));
    let export = ["log", "search", "--export", "csv"];
    for command in
        [&["history", "--json"][..], &["system", "list", "--json"], &export, &["log", "tail"], &["--help"]]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let said = Said::of(folder.command(command).stdout(full).output().unwrap());
        assert_eq!(said.exit, 3, "{command:?}: {said:?}");
        assert!(said.err.contains("standard output"), "{command:?}: {said:?}");
    }
}

#[test]
fn journals_are_verified_with_the_log_and_are_their_owners_alone() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));
    for _ in 0..3 {
        folder.json(0, &["log", "search"]);
    }
    let path = folder.path().join("searches.jsonl");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let journals = folder.json(0, &["log", "verify"])["journals"].clone();
    assert_eq!(journals[0]["file"], path.display().to_string(), "{journals}");
    assert_eq!((&journals[0]["whole"], &journals[0]["lines"]), (&true.into(), &3.into()));
    assert_eq!((&journals[1]["whole"], &journals[1]["lines"]), (&true.into(), &0.into()), "{journals}");

    let said = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
    lines[1] = lines[1].replace("cli:uid", "api:uid");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let found = folder.json(1, &["log", "verify"]);
    assert_eq!(
        (&found["whole"], &found["journals"][0]["whole"]),
        (&false.into(), &false.into()),
        "{found:#}"
    );
    assert_eq!(found["journals"][0]["lines"], 1, "up to which line it is whole");
    let told = folder.say(&["log", "verify"]).out;
    assert!(told.starts_with("NOT WHOLE") && told.contains("searches.jsonl"), "{told}");
}

#[test]
fn certs_verify_says_what_the_gateway_would_say() {
    let folder = Folder::new();
    let authority = folder.path().join("authority");
    let at = |name: &str| authority.join(name).display().to_string();
    let (anchors, crls, chain) = (at("root.pem"), at("crls.pem"), folder.key("gateway.pem"));
    let verify = |exit: i32, more: &[&str]| {
        let asked = ["certs", "verify", "--anchors", &anchors, "--crls", &crls];
        folder.json(exit, &[&asked, more, &[chain.as_str()]].concat())
    };
    let accepted = verify(0, &["--purpose", "server", "--name", "localhost"]);
    assert_eq!((&accepted["verdict"], &accepted["revocation_asked"]), (&"accepted".into(), &true.into()));
    assert_eq!(verify(1, &["--name", "elsewhere.example"])["code"], "name-mismatch");
    assert_eq!(verify(1, &["--purpose", "signing"])["code"], "wrong-key-usage");
    assert_eq!(verify(1, &["--at", "2020-01-01T00:00:00Z"])["verdict"], "rejected");

    folder.does(&["certs", "revoke", &chain, "--reason", "key lost"]);
    assert_eq!(verify(1, &[])["code"], "revoked");
    let checked = folder.say(&["check-config"]);
    assert!(checked.exit == 3 && checked.out.contains("systems would not accept"), "{checked:?}");
    let unasked = folder.json(0, &["certs", "verify", "--anchors", &anchors, &chain]);
    assert_eq!(unasked["revocation_asked"], false);
    assert_eq!(folder.say(&["certs", "verify", "--anchors", "nowhere.pem", &chain]).exit, 3);
    assert_eq!(folder.json(0, &["certs", "crl", "--renew"])["renewed"], true);
}

#[test]
fn completions_complete_commands() {
    let said = Said::of(kelisim().args(["completions", "bash"]).output().unwrap());
    assert_eq!(said.exit, 0);
    assert!(said.out.contains("check-config") && said.out.contains("--json"));
}
