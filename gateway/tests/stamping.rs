//! Checkpoints are time-stamped by an authority, for which `openssl ts` stands in on loopback.
#![allow(clippy::unwrap_used, reason = "tests may")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use certs::TrustAnchors;
use gateway::clock;
use gateway::exchange_log::{
    Evidence, ExchangeLog, Health, LogConfig, Problem, Sealing, StampAuthorities, Verification, make_key,
    verify_with,
};
use gateway::stamping::{self, StampError, StampStats, Stamping, stamp_newest};
use gateway::transparency::key::Scheme;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

/// D3: when a checkpoint existed is stated by somebody else, in a form that other tools verify.
#[test]
fn checkpoint_is_stamped_and_openssl_verifies_what_is_kept() {
    if !has_openssl() {
        return;
    }
    let dir = sealed_log();
    let stamping = Stamping { authority: authority(&dir, Answers::Stamp), ..nobody(&dir) };
    let log = dir.path().join("log");
    let stamp = stamp_newest(&stamping, &log).unwrap().unwrap();
    assert!(stamp.authority.contains("Stamper"));
    let mut kept = fs::read_dir(log.join("checkpoints")).unwrap().map(|file| file.unwrap().path());
    let response = kept.find(|path| path.extension().is_some()).unwrap();
    openssl(
        dir.path(),
        &format!(
            "ts -verify -data {} -in {} -CAfile root.pem",
            response.with_extension("").display(),
            response.display()
        ),
    );
    // The authority answers once: the second time what is kept is verified.
    assert_eq!(stamp_newest(&stamping, &log).unwrap().unwrap(), stamp);
    let stamped = fs::read(&response).unwrap();
    fs::write(&response, [&stamped[..90], &[stamped[90] ^ 1], &stamped[91..]].concat()).unwrap();
    assert!(matches!(stamp_newest(&stamping, &log), Err(StampError::Fault(_))));
}

/// D3: whoever has the folder and the authority's certificate verifies offline what the authority stated, and when.
#[test]
fn verification_of_the_folder_verifies_its_time_stamps_and_names_those_that_are_wrong() {
    if !has_openssl() {
        return;
    }
    let dir = sealed_log();
    let log = dir.path().join("log");
    let root = fs::read(dir.path().join("root.pem")).unwrap();
    let judge = |pem: &[u8], now: Timestamp| {
        let authorities =
            Some(StampAuthorities { anchors: TrustAnchors::of_any_time_from_pem(pem).unwrap(), now });
        verify_with(&log, &Evidence { authorities, ..Evidence::default() }).unwrap()
    };
    let now = clock::now();
    let stated = |found: &Verification| -> Vec<(String, Problem)> {
        let name = |path: &Path| path.strip_prefix(&log).unwrap().display().to_string();
        let others = found.findings.iter().filter(|found| found.problem != Problem::NoPolicy);
        others.map(|found| (name(&found.path), found.problem.clone())).collect()
    };
    let none = judge(&root, now);
    assert_eq!(stated(&none), [("checkpoints".into(), Problem::NothingStamped)]);
    assert!(!none.is_whole());

    let stamping = Stamping { authority: authority(&dir, Answers::Stamp), ..nobody(&dir) };
    let stamp = stamp_newest(&stamping, &log).unwrap().unwrap();
    let found = judge(&root, now);
    assert!(found.is_whole() && stated(&found).is_empty(), "{:?}", found.findings);
    assert_eq!((found.stamps, found.stamped), (1, Some((found.sealed, stamp.clone()))));
    let unchecked = verify_with(&log, &Evidence::default()).unwrap();
    assert_eq!(stated(&unchecked), [("checkpoints".into(), Problem::NoAuthority)]);
    assert!(unchecked.is_whole());

    let mut kept = fs::read_dir(log.join("checkpoints")).unwrap().map(|file| file.unwrap().path());
    let response = kept.find(|path| path.extension().is_some()).unwrap();
    let name = response.strip_prefix(&log).unwrap().display().to_string();
    let bytes = fs::read(&response).unwrap();
    let bad = |found: Verification, expected: &str| {
        let stated = stated(&found);
        let why = stated.iter().find_map(|(at, problem)| match problem {
            Problem::BadStamp { why } if *at == name => Some(why),
            _ => None,
        });
        let why = why.unwrap_or_else(|| panic!("{stated:?}"));
        assert!(why.contains(expected), "{why}");
        assert!(!found.is_whole());
    };
    bad(judge(&root, now - SignedDuration::from_hours(1)), "still to come");
    // Another authority's certificate, of the same name.
    openssl(
        dir.path(),
        "req -x509 -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout other.key -out other.pem -days 9 -subj /CN=Root -addext keyUsage=critical,keyCertSign",
    );
    bad(judge(&fs::read(dir.path().join("other.pem")).unwrap(), now), "no time-stamping authority");
    // A byte of the response changed is found, or changes nothing that is signed.
    for at in (0..bytes.len()).step_by(11) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&response, changed).unwrap();
        let found = judge(&root, now);
        assert!(
            found.stamped.is_none() || found.stamped.as_ref().is_some_and(|(_, said)| *said == stamp),
            "byte {at}: {:?}",
            found.stamped
        );
    }
    fs::write(&response, b"").unwrap();
    bad(judge(&root, now), "malformed");
    // The stamp of one checkpoint beside another, and beside none.
    fs::write(&response, &bytes).unwrap();
    let checkpoint = response.with_extension("");
    let genuine = fs::read(&checkpoint).unwrap();
    let mut other = genuine.clone();
    let letter = genuine.len() - 20;
    other[letter] = if other[letter] == b'A' { b'B' } else { b'A' };
    fs::write(&checkpoint, other).unwrap();
    bad(judge(&root, now), "another hash");
    fs::remove_file(&checkpoint).unwrap();
    bad(judge(&root, now), "is not here");
    fs::write(&checkpoint, &genuine).unwrap();
    // Of two checkpoints that are kept one has no stamp: that is told, and speaks not against the record.
    fs::write(checkpoint.with_file_name("9999"), &genuine).unwrap();
    let found = judge(&root, now);
    assert_eq!(stated(&found), [("checkpoints/9999.tsr".into(), Problem::NotStamped { others: 0 })]);
    assert!(found.is_whole());
}

/// D3: a stamp shows that what a checkpoint covers was there, so entries that say they came later are not believed.
#[test]
fn entries_that_say_they_came_after_their_stamp_are_found() {
    if !has_openssl() {
        return;
    }
    let dir = log_sealed_at(|| clock::now() + SignedDuration::from_hours(2));
    let log = dir.path().join("log");
    let stamping = Stamping { authority: authority(&dir, Answers::Stamp), ..nobody(&dir) };
    stamp_newest(&stamping, &log).unwrap().unwrap();
    let anchors = stamping.anchors;
    let authorities = Some(StampAuthorities { anchors, now: clock::now() });
    let found = verify_with(&log, &Evidence { authorities, ..Evidence::default() }).unwrap();
    let early = |problem: &Problem| matches!(problem, Problem::StampTooEarly { seconds } if *seconds > 7_000);
    let finding = found.findings.iter().find(|found| early(&found.problem)).unwrap();
    assert!(finding.path.extension().is_some_and(|extension| extension == "tsr"));
    assert!(!found.is_whole());
}

/// D3
#[test]
fn command_verifies_time_stamps_offline_and_ends_with_one_if_a_stamp_is_wrong() {
    if !has_openssl() {
        return;
    }
    let dir = sealed_log();
    let log = dir.path().join("log");
    let stamping = Stamping { authority: authority(&dir, Answers::Stamp), ..nobody(&dir) };
    stamp_newest(&stamping, &log).unwrap().unwrap();
    let verify = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kelisim"));
        command.args(["log", "verify", "log", "--authority", "root.pem", "--json"]).current_dir(dir.path());
        let said = command.output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        (said.status.code(), document)
    };
    let (code, said) = verify();
    assert_eq!((code, &said["stamps"]), (Some(0), &1.into()), "{said}");
    assert_eq!(said["stamped"]["size"], said["sealed"]);
    assert!(said["stamped"]["authority"].as_str().unwrap().contains("Stamper"));
    let mut kept = fs::read_dir(log.join("checkpoints")).unwrap().map(|file| file.unwrap().path());
    let response = kept.find(|path| path.extension().is_some()).unwrap();
    fs::write(&response, b"nothing").unwrap();
    let (code, said) = verify();
    assert_eq!((code, &said["whole"]), (Some(1), &false.into()));
    let wrong = said["findings"].as_array().unwrap().iter();
    let named = |found: &serde_json::Value| found["file"].as_str().unwrap().ends_with(".tsr");
    assert!(wrong.clone().any(|found| found["severity"] == "broken" && named(found)), "{said}");
}

#[test]
fn authority_that_is_away_or_errs_leaves_the_checkpoint_without_a_stamp() {
    if !has_openssl() {
        return;
    }
    let dir = sealed_log();
    let log = dir.path().join("log");
    assert!(matches!(stamp_newest(&nobody(&dir), &log), Err(StampError::Unreachable(_))));
    let failing = Stamping { authority: authority(&dir, Answers::Error), ..nobody(&dir) };
    assert!(matches!(stamp_newest(&failing, &log), Err(StampError::Status(_))));
    assert!(matches!(stamp_newest(&nobody(&dir), dir.path()), Ok(None)), "there is nothing to stamp");
}

#[test]
fn missing_stamp_is_counted_and_closes_the_log_only_where_the_setting_says_so() {
    if !has_openssl() {
        return;
    }
    for (stop_after, stops) in [(None, false), (Some(Duration::ZERO), true)] {
        let dir = sealed_log();
        let (log, _) =
            ExchangeLog::start(LogConfig::new(dir.path().join("log"), "node.example", clock::now)).unwrap();
        let (log, stats) = (Arc::new(log), Arc::<StampStats>::default());
        let stamping = Stamping { stop_after, every: Duration::from_millis(1), ..nobody(&dir) };
        let running = stamping::start(stamping, dir.path().join("log"), Arc::clone(&log), Arc::clone(&stats));
        let enough = || {
            let failures = stats.failures.load(std::sync::atomic::Ordering::Relaxed);
            if stops { matches!(log.health(), Health::Failed(_)) } else { failures > 3 }
        };
        while !enough() {
            std::thread::yield_now();
        }
        drop(running);
        assert_eq!(matches!(log.health(), Health::Failed(_)), stops);
    }
}

/// A folder with a sealed log, and an authority's keys.
fn sealed_log() -> TempDir {
    log_sealed_at(clock::now)
}

/// The same, whose entries have their time from `clock`.
fn log_sealed_at(clock: fn() -> Timestamp) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (key, _) = make_key("node.example", Scheme::Ed25519).unwrap();
    let outside = dir.path().join("last.checkpoint");
    let sealing = Sealing { keys: vec![key], outside, every: Duration::from_secs(60) };
    let config = LogConfig::new(dir.path().join("log"), "node.example", clock);
    let config = LogConfig { sealing: Some(Arc::new(sealing)), segment_bytes: 1 << 20, ..config };
    let (log, _) = ExchangeLog::start(config).unwrap();
    log.shutdown();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(
        "root.ext",
        "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n",
    );
    write("tsa.ext", "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n");
    write("serial", "01\n");
    write(
        "ts.conf",
        "[tsa]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\ness_cert_id_alg=sha256\n",
    );
    for (name, subject) in [("root", "Root"), ("tsa", "Stamper")] {
        openssl(
            dir.path(),
            &format!(
                "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout {name}.key -out {name}.csr -subj /CN={subject}"
            ),
        );
    }
    openssl(dir.path(), "x509 -req -in root.csr -signkey root.key -extfile root.ext -days 9 -out root.pem");
    openssl(
        dir.path(),
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile tsa.ext -days 9 -out tsa.pem",
    );
    dir
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Stamp,
    Error,
}

/// A server that answers one request, and where it is.
fn authority(dir: &TempDir, answers: Answers) -> http::Uri {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let dir = dir.path().to_owned();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if let Some(said) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = said.trim().parse().unwrap();
            }
        }
        let mut query = vec![0; length];
        reader.read_exact(&mut query).unwrap();
        fs::write(dir.join("query"), query).unwrap();
        let (status, body) = if answers == Answers::Stamp {
            openssl(
                &dir,
                "ts -reply -config ts.conf -section tsa -queryfile query -signer tsa.pem -inkey tsa.key -out reply",
            );
            ("200 OK", fs::read(dir.join("reply")).unwrap())
        } else {
            ("503 Service Unavailable", Vec::new())
        };
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(&body).unwrap();
    });
    format!("http://{address}/stamp").parse().unwrap()
}

/// An authority that nobody answers for.
fn nobody(dir: &TempDir) -> Stamping {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let anchors =
        TrustAnchors::from_pem(&fs::read(dir.path().join("root.pem")).unwrap(), clock::now()).unwrap();
    Stamping { authority, anchors, every: Duration::from_secs(60), stop_after: None }
}

/// Whether there is an authority to stand in; says so if not.
fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        println!("NOT RUN: there is no openssl, which stands in for the authority");
    }
    found
}

fn openssl(dir: &Path, arguments: &str) {
    let run = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
    assert!(run.status.success(), "{arguments}\n{}", String::from_utf8_lossy(&run.stderr));
}
