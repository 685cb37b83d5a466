//! Backup and restore, writers at once, and the past.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use serde_json::Value;

use super::folder::{Folder, Said, kelisim};

/// A backup that is made while commands are carried out is a registry up to one of them, whole; restored, it serves.
#[test]
fn a_backup_under_load_is_restored_as_a_prefix_that_starts() {
    let folder = Folder::new();
    let backup = folder.path().with_file_name("backup");
    let to = backup.display().to_string();
    let (during, after) = thread::scope(|scope| {
        let issuing = scope.spawn(|| {
            for number in 0..40 {
                folder.does(&["holder", "add", &format!("{:012}", 200_000_000 + number), "A body"]);
            }
        });
        // Not before the first of them.
        while revision(&folder) < 5 {
            thread::yield_now();
        }
        let during = folder.json(0, &["backup", "--to", &to]);
        issuing.join().unwrap();
        (during["manifest"].clone(), revision(&folder))
    });
    let kept = during["revision"].as_u64().unwrap();
    assert!((5..=after).contains(&kept), "{kept} of {after}");

    let again = folder.json(3, &["backup", "--to", &to]);
    assert!(again["error"]["what"].as_str().unwrap().contains("is not empty"), "{again}");

    let restored = Restored::at(folder.path().with_file_name("restored"));
    let said = restored.json(0, &["restore", &to]);
    assert_eq!(said["manifest"]["revision"], kept);
    let (all, prefix) = (folder.json(0, &["history"]), restored.json(0, &["history"]));
    let (all, prefix) = (all["events"].as_array().unwrap(), prefix["events"].as_array().unwrap());
    assert_eq!(prefix.len() as u64, kept);
    assert_eq!(all[..prefix.len()], prefix[..]);

    let missing: Vec<_> = said["manifest"]["left_out"].as_array().unwrap().iter().collect();
    let names = |name: &str| missing.iter().any(|left| left["path"] == name);
    assert!(names("keys/gateway.key") && names("keys/subject.key") && names("log"), "{missing:?}");
    assert!(
        !restored.path.join("keys/gateway.key").exists() && !restored.path.join("authority").exists()
            || restored.path.join("authority/root.pem").exists()
    );
    for key in fs::read_dir(folder.path().join("keys")).unwrap().map(Result::unwrap) {
        if key.file_type().unwrap().is_file() {
            fs::copy(key.path(), restored.path.join("keys").join(key.file_name())).unwrap();
        }
    }
    assert_eq!(restored.json(0, &["check-config"])["fine"], true);
    assert_eq!(restored.json(3, &["restore", &to])["exit"], 3, "never over a folder");
    restored.json(0, &["holder", "add", "000000000077", "Another body"]);
}

/// A backup goes by the configuration: what it names elsewhere is copied, or named as left out.
#[test]
fn a_backup_has_what_the_configuration_names_or_says_that_it_has_not() {
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name);
    let config = fs::read_to_string(at("kelisim.toml")).unwrap();
    let config = config.replace("\n[api]\n", "\n[api]\naccess = \"access.db\"\ndepositary = \"docs\"\n");
    let config = config.replace("\"keys/log.key\"", "\"secrets/log.key\"");
    assert!(config.contains("docs") && config.contains("secrets"), "{config}");
    let national = "[national_signatures]\nurl = \"https://ncanode.example\"\ncertificate = \"national/own.pem\"\n\
                    key = \"national/own.key\"\ntrust = { anchors = \"national/root.pem\", crls = [] }\n";
    fs::write(at("kelisim.toml"), format!("{config}\n{national}")).unwrap();
    for made in ["docs/ab", "secrets", "national"] {
        fs::create_dir_all(at(made)).unwrap();
    }
    fs::write(at("docs/ab/act"), "an act").unwrap();
    fs::rename(at("keys/log.key"), at("secrets/log.key")).unwrap();
    for name in ["own.pem", "own.key", "root.pem"] {
        fs::write(at("national").join(name), name).unwrap();
    }
    folder.does(&["operator", "password", "admin", "--generate"]);
    let back_up = |name: &str, keys: &[&str]| {
        let backup = folder.path().with_file_name(name);
        let to = backup.display().to_string();
        let said = folder.json(0, &[&["backup", "--to", &to], keys].concat());
        (backup.join("files"), said["manifest"]["left_out"].to_string())
    };
    let (files, left_out) = back_up("open", &[]);
    assert!(files.join("docs/ab/act").exists() && files.join("access.db").exists());
    assert!(!files.join("secrets").exists() && left_out.contains("secrets/log.key"), "{left_out}");
    let national = |files: &Path| {
        ["own.pem", "root.pem", "own.key"].map(|name| files.join("national").join(name).exists())
    };
    assert_eq!((national(&files), left_out.contains("national/own.key")), ([true, true, false], true));
    let (files, left_out) = back_up("secret", &["--with-keys"]);
    assert!(files.join("secrets/log.key").exists() && !left_out.contains("secrets"), "{left_out}");
    assert_eq!(national(&files), [true; 3]);
}

/// A second log under the name and the keys of the first would be two histories under one signature.
#[test]
fn a_restored_folder_does_not_serve_before_its_log_is_back_or_another_is_named() {
    let folder = Folder::new();
    assert_eq!(folder.run(&[]).end(), Some(0));
    let to = folder.path().with_file_name("backup").display().to_string();
    let made = folder.json(0, &["backup", "--to", &to, "--with-keys"])["manifest"].clone();
    assert!(made["log"]["entries"].as_u64().unwrap() > 0, "{made}");
    let restored = Restored::at(folder.path().with_file_name("restored"));
    let said = restored.json(0, &["restore", &to]);
    let needs = |path: &str| {
        let left = said["manifest"]["left_out"].as_array().unwrap();
        left.iter().find(|left| left["path"] == path).map(|left| left["bring"].as_str().unwrap().to_owned())
    };
    assert!(needs("log").unwrap().contains("newest copy of the log's folder"), "{said}");
    assert!(needs("repeats.db").is_some() && needs("log.policy").is_none(), "{said}");
    assert!(restored.path.join("log.policy").is_file(), "whoever verifies needs it");

    let refused = |why: &str| {
        for command in ["check-config", "run"] {
            let said = Said::of(kelisim().args([command, "--dir"]).arg(&restored.path).output().unwrap());
            let told = said.exit == 3 && (said.out + &said.err).contains("restored from a backup");
            assert!(told, "{why}: {command}");
        }
        assert!(!restored.path.join("log/00000000000000000000.jsonl").exists(), "{why}");
    };
    refused("without its log");
    let config = restored.path.join("kelisim.toml");
    let named = fs::read_to_string(&config).unwrap();
    let other = named.replace("localhost/log", "localhost/log-2");
    assert_ne!(named, other);
    fs::write(&config, other).unwrap();
    let parts = restored.json(3, &["check-config"])["parts"].clone();
    let of = |part: &str| parts.as_array().unwrap().iter().find(|one| one["part"] == part).unwrap().clone();
    assert_eq!(
        (of("log")["fine"].clone(), of("log keys")["fine"].clone()),
        (true.into(), false.into()),
        "{parts:#}"
    );
    fs::write(&config, named).unwrap();

    let second = folder.path().with_file_name("second").display().to_string();
    restored.json(0, &["backup", "--to", &second]);
    let again = Restored::at(folder.path().with_file_name("again"));
    assert_eq!(again.json(0, &["restore", &second])["manifest"]["log"], made["log"], "it is not forgotten");

    fs::create_dir_all(restored.path.join("log")).unwrap();
    for file in fs::read_dir(folder.path().join("log")).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), restored.path.join("log").join(file.file_name())).unwrap();
        }
    }
    assert_eq!(restored.json(0, &["check-config"])["fine"], true);
}

/// A damaged, cut, or climbing backup is refused before anything stands at the place.
#[test]
fn a_backup_that_is_not_whole_restores_nothing() {
    let folder = Folder::new();
    let backup = folder.path().with_file_name("backup");
    let to = backup.display().to_string();
    folder.does(&["backup", "--to", &to, "--with-keys"]);
    assert!(backup.join("files/keys/gateway.key").exists());
    let manifest = fs::read_to_string(backup.join("manifest.json")).unwrap();
    let registry = fs::read(backup.join("files/registry.sqlite")).unwrap();
    let target = folder.path().with_file_name("restored");
    let refused = |exit: i32| {
        let said = Restored::at(target.clone()).json(exit, &["restore", &to]);
        assert!(!target.exists(), "{said}");
        let beside = fs::read_dir(target.parent().unwrap()).unwrap();
        let left = beside.map(|one| one.unwrap().file_name().into_string().unwrap());
        assert_eq!(left.filter(|name| name.starts_with("restored")).count(), 0);
    };
    let mut flipped = registry.clone();
    flipped[registry.len() / 2] ^= 1;
    fs::write(backup.join("files/registry.sqlite"), &flipped).unwrap();
    refused(1);
    fs::write(backup.join("files/registry.sqlite"), &registry).unwrap();
    fs::write(backup.join("manifest.json"), manifest.replace("\"keys/gateway.key\"", "\"../gateway.key\""))
        .unwrap();
    refused(3);
    fs::write(backup.join("manifest.json"), manifest.replace("\"revision\": 2", "\"revision\": 1")).unwrap();
    refused(1);
    fs::write(backup.join("manifest.json"), &manifest[..manifest.len() / 2]).unwrap();
    refused(3);
    fs::write(backup.join("manifest.json"), &manifest).unwrap();
    assert!(Restored::at(target.clone()).json(0, &["restore", &to])["manifest"].is_object());
    assert_eq!(Restored::at(target).json(0, &["check-config"])["fine"], true);
}

/// Two and eight processes issue commands at once: nothing is lost, no number is left out or given twice.
#[test]
fn writers_at_once_lose_no_update_and_leave_no_gap() {
    for writers in [2, 8] {
        let folder = Folder::new();
        let founding = revision(&folder);
        let of = |writer: u64, number: u64| format!("{:012}", 300_000_000 + writer * 1_000 + number);
        let each = 24 / writers;
        thread::scope(|scope| {
            for writer in 0..writers {
                let folder = &folder;
                scope.spawn(move || {
                    for number in 0..each {
                        let said = folder.say(&["holder", "add", &of(writer, number), "A body"]);
                        assert_eq!(said.exit, 0, "{said:?}");
                    }
                });
            }
        });
        let history = folder.json(0, &["history"]);
        let events = history["events"].as_array().unwrap();
        let numbers: Vec<u64> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=founding + 24).collect::<Vec<_>>());
        let entered: BTreeSet<&str> =
            events.iter().filter_map(|event| event["event"]["holder"]["bin"].as_str()).collect();
        let wanted: BTreeSet<String> =
            (0..writers).flat_map(|writer| (0..each).map(move |number| of(writer, number))).collect();
        assert!(wanted.iter().all(|bin| entered.contains(bin.as_str())), "{entered:?}");
    }
}

/// Every command that shows the registry shows it as it was; none changes it there.
#[test]
fn the_past_is_shown_as_it_was_and_not_changed() {
    let folder = Folder::new();
    let holders = |at: &[&str]| {
        let listed = folder.json(0, &[&["holder", "list"], at].concat());
        listed["holders"].as_array().unwrap().len()
    };
    let founded = holders(&[]);
    let events = |arguments: &[&str]| folder.json(0, arguments)["events"].as_array().unwrap().clone();
    let before = events(&["history"]).last().unwrap()["at"].as_str().unwrap().to_owned();
    folder.does(&["holder", "add", "000000000077", "Another body"]);
    assert_eq!(holders(&[]), founded + 1);
    assert_eq!(holders(&["--at", &before]), founded);
    assert_eq!(holders(&["--at", "2020-01-01"]), 0);
    assert_eq!(holders(&["--at", "2999-12-31"]), founded + 1);
    assert_eq!(events(&["history", "--at", &before]).len() + 1, events(&["history"]).len());
    for empty in [["system", "list"], ["agreement", "list"], ["data-type", "list"], ["act", "list"]] {
        folder.json(0, &[&empty[..], &["--at", "2020-01-01"]].concat());
    }
    let refused = folder.json(2, &["holder", "add", "000000000078", "A third", "--at", "2026-03-01"]);
    assert!(refused["error"]["what"].as_str().unwrap().contains("--at is for looking"), "{refused}");
    assert_eq!(folder.json(2, &["check-config", "--at", "2026-03-01"])["exit"], 2);
    assert_eq!(folder.json(2, &["holder", "list", "--at", "yesterday"])["exit"], 2);
    assert_eq!(holders(&[]), founded + 1);
}

fn revision(folder: &Folder) -> u64 {
    folder.json(0, &["history", "--limit", "1"])["revision"].as_u64().unwrap()
}

/// A folder that a restoration makes.
struct Restored {
    path: std::path::PathBuf,
}

impl Restored {
    fn at(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    fn json(&self, exit: i32, arguments: &[&str]) -> Value {
        let output = kelisim().args(arguments).arg("--dir").arg(&self.path).arg("--json").output().unwrap();
        let said = Said::of(output);
        assert_eq!(said.exit, exit, "{arguments:?}: {said:?}");
        serde_json::from_str(if said.out.is_empty() { &said.err } else { &said.out }).unwrap()
    }
}
