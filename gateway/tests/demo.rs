//! The demonstration as a newcomer meets it: the program, its folder, its lines to paste.
#![allow(clippy::unwrap_used, reason = "tests may")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;

use certs::keys::{Identity, read_certificates, read_crls};
use certs::tls::{Alpn, Clock, Connector, ConnectorOptions};
use certs::trust::{Trust, TrustAnchors, TrustSet};
use gateway::clock;
use gateway::config::Config;
use gateway::exchange_log::{Filter, Record, search};
use gateway::office::Office;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// F, C2, D1: every exchange of the story goes as it should, each refusal with its own code, each with its entry.
#[test]
fn every_exchange_goes_as_it_should_and_stands_in_the_record() {
    let dir = TempDir::new().unwrap();
    let told = kelisim(&["demo", "--once", "--dir", text(dir.path())]);
    let story = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success(), "{story}\n{}", String::from_utf8_lossy(&told.stderr));
    assert!(!story.contains("NOT AS IT SHOULD BE"), "{story}");
    for code in REFUSALS {
        assert!(story.contains(&format!("✗ refused: {code} (")), "{code} is missing in\n{story}");
    }
    for reason in ["CertificateRequired", "UnknownCA"] {
        assert!(
            story.contains(&format!("✗ refused in the handshake: received fatal alert: {reason}")),
            "{story}"
        );
    }
    assert!(story.matches("✓ allowed (200").count() >= 12, "{story}");

    // B7, D4: what is told of persons afterwards.
    assert!(story.contains("/home_address: 1 times in 1 answers to agency-control"), "{story}");
    assert!(story.contains("(agency-control)"), "{story}");

    let answers: u64 = between(&story, "• ", " answers were given").parse().unwrap();
    let (status, found) = verified(&dir.path().join("log"));
    assert!(status.success(), "{found}");
    assert_eq!(found["permitted"].as_u64().unwrap() + found["refused"].as_u64().unwrap(), answers);
    assert_eq!(found["open_at_end"], 0);
    assert_eq!(found["sealed"], found["entries"]);
    assert_eq!(
        read_independently(dir.path()),
        format!("{} entries, as demonstration.example/log signed them", found["entries"])
    );

    let again = kelisim(&["demo", "--once", "--dir", text(dir.path())]);
    assert_eq!(again.status.code(), Some(3), "a folder is founded once");
}

/// A7, D4: what registrations rest on is kept as it was deposited; the record names no person whom data is about.
#[test]
fn documents_are_kept_and_the_record_names_persons_by_keyed_hashes_only() {
    let dir = TempDir::new().unwrap();
    assert!(kelisim(&["--json", "demo", "--once", "--dir", text(dir.path())]).status.success());

    let config = Config::load(&dir.path().join("kelisim.toml")).unwrap();
    let office = Office::open(&config).unwrap();
    let systems: Vec<_> = office.registry().systems().collect();
    assert_eq!(systems.len(), 13);
    for system in systems {
        let conformity = [&system.attestation, &system.quality_certificate].into_iter().flatten();
        let named = system.card.documents.iter().map(|document| &document.sha256);
        let named: Vec<&String> =
            named.chain(conformity.filter_map(|paper| paper.document.as_ref())).collect();
        assert!(named.len() >= 3, "{}", system.card.id);
        for sha256 in named {
            let kept = String::from_utf8(office.depositary().read(sha256).unwrap()).unwrap();
            assert!(kept.contains(&system.code), "{kept}");
        }
    }

    // Whose record the sector authority read.
    let log = config.path(&config.log.dir);
    let (person, mut openings) = ("790808300015", 0);
    for entry in search(&log, Filter { agreement: Some("demo-2026-01".into()), ..Filter::default() }).unwrap()
    {
        let entry = entry.unwrap();
        assert!(!entry.line.contains(person), "{}", entry.line);
        if let Record::Opening(opening) = entry.record
            && opening.data_type == "personnel-record"
        {
            openings += 1;
            assert_eq!(opening.subject.unwrap().len(), 64);
        }
    }
    assert_eq!(openings, 1);
    let mut left = vec![log];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|file| file.unwrap().path()));
        } else {
            assert!(!String::from_utf8_lossy(&fs::read(path).unwrap()).contains(person));
        }
    }
}

/// D3: what was changed, taken away or moved in the record that a demonstration leaves is found.
#[test]
fn a_record_that_was_touched_is_not_whole() {
    let dir = TempDir::new().unwrap();
    let told = kelisim(&["--json", "demo", "--once", "--dir", text(dir.path())]);
    let report: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(told.status.success(), "{report:#}");
    assert_eq!(report["record"], "whole");

    let log = dir.path().join("log");
    let names: Vec<PathBuf> = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
    let segment = names.iter().find(|path| path.extension().is_some_and(|ext| ext == "jsonl")).unwrap();
    let whole = fs::read(segment).unwrap();
    let used = whole.iter().position(|byte| *byte == 0).unwrap_or(whole.len());
    let lines: Vec<&[u8]> = whole[..used].split_inclusive(|byte| *byte == b'\n').collect();
    let middle = lines.len() / 2;
    assert!(middle > 20);

    let mut flipped = lines.concat();
    let at = lines[..middle].concat().len() + lines[middle].len() / 2;
    flipped[at] ^= 1;
    let mut removed = lines.clone();
    removed.remove(middle);
    let mut swapped = lines.clone();
    swapped.swap(middle, middle + 1);
    for (what, changed) in
        [("flipped", flipped), ("removed", removed.concat()), ("swapped", swapped.concat())]
    {
        fs::write(segment, changed).unwrap();
        let (status, found) = verified(&log);
        assert_eq!(status.code(), Some(1), "{what}: {found}");
        assert_eq!(found["whole"], false, "{what}: {found}");
    }
    fs::write(segment, &whole).unwrap();
    assert!(verified(&log).0.success());
}

/// C2: a pasted line works; with another purpose it is refused in the language that is asked for.
#[test]
fn a_pasted_line_works_and_its_refusal_speaks_three_languages() {
    let demo = Running::start();
    let left: Value = serde_json::from_slice(&fs::read(demo.dir.path().join("demo.json")).unwrap()).unwrap();
    let agreements = left["agreements"].as_array().unwrap();
    assert_eq!(agreements.len(), 6);
    for call in agreements {
        let key = fs::metadata(call["key"].as_str().unwrap()).unwrap();
        assert_eq!(key.mode() & 0o777, 0o600);
        let heard = ask(&left, call, &[]);
        assert_eq!(Some(heard.status), call["status"].as_u64(), "{call:#}\n{heard:?}");
        assert!(heard.head.contains("kelisim-entry: "), "{heard:?}");
    }

    let call = agreements.iter().find(|call| call["number"] == "demo-2026-05").unwrap();
    let mut details = Vec::new();
    for language in ["kk", "ru", "en"] {
        let heard = ask(&left, call, &[("Kelisim-Purpose", "advertising"), ("Accept-Language", language)]);
        let problem: Value = serde_json::from_str(&heard.body).unwrap();
        assert_eq!((heard.status, &problem["code"]), (403, &Value::from("purpose-not-agreed")), "{heard:?}");
        assert!(heard.head.contains("content-type: application/problem+json"), "{heard:?}");
        details.push(problem["detail"].as_str().unwrap().to_owned());
    }
    assert!(details[0].contains("себеп") && details[1].contains("причину") && details[2].contains("purpose"));

    let pasted: Vec<&String> = demo.lines.iter().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(pasted.len(), 6 + 3);
    if has_curl() {
        for line in pasted {
            let run = Command::new("sh").args(["-c", line]).output().unwrap();
            assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
            let printed = String::from_utf8(run.stdout).unwrap();
            let expected = if line.contains("advertising") { " 403" } else { " 200" };
            assert!(printed.lines().next().unwrap().contains(expected), "{line}\n{printed}");
        }
    }
    assert!(demo.stop().success());
}

/// What the issue asks to be shown, by code.
const REFUSALS: [&str; 18] = [
    "certificate-not-registered",
    "certificate-revoked",
    "attestation-ended",
    "quality-certificate-missing",
    "wrong-environment",
    "no-agreement",
    "agreement-not-yet-in-force",
    "outside-access-hours",
    "purpose-not-agreed",
    "user-not-listed",
    "user-not-trained",
    "request-schema",
    "response-schema",
    "state-secret",
    "rate-exceeded",
    "provider-unreachable",
    "request-too-large",
    "basis-not-in-force",
];

/// A demonstration that stays up; ended when dropped.
struct Running {
    dir: TempDir,
    child: Child,
    lines: Vec<String>,
    _rest: BufReader<ChildStdout>,
}

impl Running {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let mut child = command(&["demo", "--dir", text(dir.path())]).stdout(Stdio::piped()).spawn().unwrap();
        let mut rest = BufReader::new(child.stdout.take().unwrap());
        let mut lines: Vec<String> = Vec::new();
        // The last of the lines to paste.
        while !lines.last().is_some_and(|line| line.starts_with("curl ") && line.contains(": en'")) {
            let mut line = String::new();
            assert_ne!(rest.read_line(&mut line).unwrap(), 0, "it ended early:\n{}", lines.join("\n"));
            lines.push(line.trim_end().to_owned());
        }
        Self { dir, child, lines, _rest: rest }
    }

    fn stop(mut self) -> ExitStatus {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Debug)]
struct Heard {
    status: u64,
    head: String,
    body: String,
}

/// Makes a call of `demo.json`, its headers replaced by `other` ones, as a program of its own would.
fn ask(left: &Value, call: &Value, other: &[(&str, &str)]) -> Heard {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in call["headers"].as_object().unwrap() {
        if !other.iter().any(|(replaced, _)| replaced == name) {
            headers.push((name.clone(), value.as_str().unwrap().to_owned()));
        }
    }
    headers.extend(other.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let word = |name: &str| call[name].as_str().unwrap().to_owned();
    let gateway = left["gateway"].as_str().unwrap().to_owned();
    let mut request =
        format!("{} {} HTTP/1.1\r\nHost: {gateway}\r\nConnection: close\r\n", word("method"), word("path"));
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let identity = Identity::from_files(Path::new(&word("cert")), Path::new(&word("key"))).unwrap();
    let options =
        ConnectorOptions { alpn: vec![Alpn::Http1], ..ConnectorOptions::new(Clock::new(clock::now)) };
    let connector = Connector::new(&identity, trust(left), options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let tcp = tokio::net::TcpStream::connect(&gateway).await.unwrap();
        let mut stream = connector.connect(tcp, "127.0.0.1", None).await.unwrap().stream;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    });
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Heard { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

fn trust(left: &Value) -> Arc<Trust> {
    let anchors = PathBuf::from(left["ca"].as_str().unwrap());
    let beside = |name: &str| fs::read(anchors.with_file_name(name)).unwrap();
    let set = TrustSet::load(
        TrustAnchors::from_pem(&fs::read(&anchors).unwrap(), clock::now()).unwrap(),
        read_certificates(&beside("issuing.pem")).unwrap(),
        &read_crls(&beside("crls.pem")).unwrap(),
    );
    Arc::new(Trust::new(set.unwrap()))
}

fn verified(log: &Path) -> (ExitStatus, Value) {
    let policy = log.with_file_name("log.policy");
    let run = kelisim(&["--json", "log", "verify", text(log), "--policy", text(&policy)]);
    (run.status, serde_json::from_slice(&run.stdout).unwrap())
}

fn kelisim(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kelisim"));
    command.args(arguments).env_remove("KELISIM_DIR").env_remove("KELISIM_AS").stdin(Stdio::null());
    command
}

fn has_curl() -> bool {
    Command::new("curl").arg("--version").output().is_ok_and(|run| run.status.success())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let end = text.find(after).unwrap();
    let start = text[..end].rfind(before).unwrap() + before.len();
    &text[start..end]
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a reader says that was written over the specifications alone, in another language.
fn read_independently(dir: &Path) -> String {
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tests/independent_reader.py");
    let policy = fs::read_to_string(dir.join("log.policy")).unwrap();
    let key = policy.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    let run = Command::new("python3").arg(reader).arg(dir.join("log")).arg(key).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}
