//! Logs and witnesses, over loopback: what is cosigned, and what happens to a log that went back (D3).
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use agreements::Fingerprint;
use gateway::clock;
use gateway::config::{WhenSilent, WitnessPlace, WitnessesConfig};
use gateway::exchange_log::{ExchangeLog, Health, LogConfig, Refused, Sealing};
use gateway::transparency::checkpoint::Checkpoint;
use gateway::transparency::key::{Scheme, SigningKey, VerifierKey};
use gateway::transparency::note::Note;
use gateway::witness::{Courier, Limits, Route, Server, Watched, Witness, Word, went_back};
use uuid::Uuid;

const ORIGIN: &str = "kelisim.example/log";

/// A log's folder and key, and a witness's.
struct Scene {
    dir: tempfile::TempDir,
    log_key: String,
    witness_key: String,
}

impl Scene {
    fn new() -> Self {
        let key = |name: &str, scheme| SigningKey::generate(&name.parse().unwrap(), scheme).unwrap().1;
        Self {
            dir: tempfile::tempdir().unwrap(),
            log_key: key(ORIGIN, Scheme::Ed25519),
            witness_key: key("witness.example/1", Scheme::Cosignature),
        }
    }

    fn log_verifier(&self) -> VerifierKey {
        self.log_key.parse::<SigningKey>().unwrap().verifier().clone()
    }

    fn witness_verifier(&self) -> VerifierKey {
        self.witness_key.parse::<SigningKey>().unwrap().verifier().clone()
    }

    fn witness(&self, listen: SocketAddr) -> Server {
        let watched = [Watched { origin: ORIGIN.into(), keys: vec![self.log_verifier()] }];
        let keys = vec![self.witness_key.parse().unwrap()];
        let witness = Witness::open(&self.dir.path().join("witness"), keys, &watched).unwrap();
        Server::start(listen, Arc::new(witness), None, Limits::default(), clock::now).unwrap()
    }

    fn node(&self, name: &str) -> Node {
        let folder = self.dir.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let sealing = Sealing {
            keys: vec![self.log_key.parse().unwrap()],
            outside: folder.join("outside"),
            every: Duration::from_millis(10),
        };
        let config = LogConfig {
            sealing: Some(Arc::new(sealing)),
            segment_bytes: 1 << 20,
            ..LogConfig::new(folder.join("log"), ORIGIN, clock::now)
        };
        let (log, _) = ExchangeLog::start(config).unwrap();
        Node { folder, log: Arc::new(log) }
    }

    fn courier(&self, node: &Node, witness: SocketAddr, silence: u32) -> (Courier, mpsc::Receiver<Word>) {
        let place = WitnessPlace { url: format!("http://{witness}"), keys: vec![self.witness_verifier()] };
        let route = Route {
            dir: node.folder.join("log"),
            origin: ORIGIN.into(),
            log_keys: vec![self.log_verifier()],
            witnesses: WitnessesConfig {
                list: vec![place],
                quorum: 1,
                poll_ms: 10,
                silence_seconds: silence,
                when_silent: WhenSilent::Report,
            },
            connector: None,
        };
        let (told, heard) = mpsc::channel();
        let log = Arc::downgrade(&node.log);
        let tell = move |word: Word| {
            if let (Word::WentBack(reason), Some(log)) = (&word, log.upgrade()) {
                log.close_because(reason);
            }
            drop(told.send(word));
        };
        (Courier::start(route, tell).unwrap(), heard)
    }
}

struct Node {
    folder: std::path::PathBuf,
    log: Arc<ExchangeLog>,
}

impl Node {
    /// Writes so many entries; the log has them durably then.
    fn write(&self, count: u128) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let port = self.log.port();
            let running = tokio::spawn({
                let port = port.clone();
                async move { port.run().await }
            });
            for _ in 0..count {
                port.refused(&refused()).await.unwrap();
            }
            running.abort();
        });
    }

    /// The size of the newest checkpoint.
    fn signed(&self, scene: &Scene) -> Option<u64> {
        let note = Note::parse(&fs::read(self.folder.join("log/checkpoint")).ok()?).unwrap();
        Some(Checkpoint::verified(&note, &[scene.log_verifier()]).unwrap().0.size)
    }

    fn cosigned(&self, scene: &Scene) -> Option<(u64, String)> {
        let bytes = fs::read(self.folder.join("log/checkpoint.cosigned")).ok()?;
        let note = Note::parse(&bytes).unwrap();
        let log_keys = [scene.log_verifier()];
        let (checkpoint, signed) = Checkpoint::verified(&note, &log_keys).unwrap();
        assert_eq!(signed.len(), 1);
        let keys = [scene.witness_verifier()];
        let cosigned = note.verify(&keys).unwrap();
        assert!(cosigned[0].posix_seconds.is_some());
        Some((checkpoint.size, note.to_string()))
    }
}

fn refused() -> Refused<'static> {
    Refused {
        exchange: Uuid::now_v7(),
        at: clock::now(),
        code: "no-agreement".into(),
        clause: "B1".into(),
        culprit: "consumer".into(),
        consumer: None,
        certificate: Fingerprint::new([0; 32]),
        peer_address: [127, 0, 0, 1].into(),
        user_address: None,
        provider: None,
        data_type: None,
        operation: None,
        agreement: None,
        purpose: None,
        user: None,
        case: None,
        suppressed: 0,
        sealed: None,
    }
}

/// What `look` finds, once it finds something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "{what}: nothing within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// D3
#[test]
fn checkpoints_of_a_growing_log_are_cosigned_also_after_the_witness_was_away() {
    let scene = Scene::new();
    let node = scene.node("a");
    let server = scene.witness(loopback());
    let address = server.address();
    let (courier, heard) = scene.courier(&node, address, 3600);
    node.write(10);
    until("the first cosignature", || node.cosigned(&scene).filter(|(size, _)| *size > 10));

    drop(server);
    node.write(300);
    until("a visit in vain", || (courier.standing().failures > 0).then_some(()));
    let server = scene.witness(address);
    until("cosignatures after the restart", || node.cosigned(&scene).filter(|(size, _)| *size > 310));
    until("nothing waits", || courier.standing().waiting.is_zero().then_some(()));
    assert!(heard.try_recv().is_err(), "that was no alarm");
    assert_eq!(node.log.health(), Health::Open);
    drop((courier, server));
}

/// D3
#[test]
fn a_log_restored_from_a_backup_is_closed_on_the_witness_s_proof() {
    let scene = Scene::new();
    let server = scene.witness(loopback());
    let address = server.address();
    let node = scene.node("a");
    node.write(5);
    drop(node);
    copy(&scene.dir.path().join("a"), &scene.dir.path().join("backup"));
    let node = scene.node("a");
    let (courier, _) = scene.courier(&node, address, 3600);
    node.write(20);
    until("cosignatures", || node.cosigned(&scene).filter(|(size, _)| *size > 20));
    drop((courier, node));

    // All that this machine remembers is set back, the checkpoint outside the log's folder too.
    fs::remove_dir_all(scene.dir.path().join("a")).unwrap();
    copy(&scene.dir.path().join("backup"), &scene.dir.path().join("a"));
    let node = scene.node("a");
    let (_courier, heard) = scene.courier(&node, address, 3600);
    let word = heard.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(&word, Word::WentBack(reason) if reason.contains("this log's signature")), "{word:?}");
    assert!(matches!(node.log.health(), Health::Failed(reason) if reason.contains("went back")));
    assert!(went_back(&node.folder.join("log")).unwrap().contains("went back"));
}

/// D3
#[test]
fn of_two_nodes_with_one_key_the_second_is_closed() {
    let scene = Scene::new();
    let server = scene.witness(loopback());
    let first = scene.node("a");
    let (courier, first_heard) = scene.courier(&first, server.address(), 3600);
    first.write(10);
    until("cosignatures", || first.cosigned(&scene).filter(|(size, _)| *size > 10));
    let second = scene.node("b");
    second.write(40);
    // A checkpoint comes after the entries. Below what the witness knows, "it has more" would be the finding.
    until("the second's checkpoint", || second.signed(&scene).filter(|size| *size > 40));
    let (_other, heard) = scene.courier(&second, server.address(), 3600);
    assert!(
        matches!(heard.recv_timeout(DEADLINE).unwrap(), Word::WentBack(reason) if reason.contains("others"))
    );
    assert!(matches!(second.log.health(), Health::Failed(_)));
    first.write(10);
    until("the first goes on", || first.cosigned(&scene).filter(|(size, _)| *size > 20));
    assert!(first_heard.try_recv().is_err());
    drop(courier);
}

#[test]
fn a_witness_that_claims_without_proof_stops_nothing_but_is_an_alarm() {
    let scene = Scene::new();
    let liar = TcpListener::bind(loopback()).unwrap();
    let address = liar.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in liar.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            if reader.read_line(&mut line).is_err() {
                continue;
            }
            let answer = if line.starts_with("POST") {
                "HTTP/1.1 409 Conflict\r\nconnection: close\r\ncontent-length: 8\r\n\r\n1000000\n"
            } else {
                "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            };
            drop(reader.into_inner().write_all(answer.as_bytes()));
        }
    });
    let node = scene.node("a");
    node.write(3);
    let (courier, heard) = scene.courier(&node, address, 0);
    assert_eq!(heard.recv_timeout(DEADLINE).unwrap(), Word::Silent);
    until("visits in vain", || (courier.standing().failures > 3).then_some(()));
    assert_eq!(node.log.health(), Health::Open);
    assert_eq!(courier.standing().cosigned, 0);
    assert_eq!(went_back(&node.folder.join("log")), None);
}

#[test]
fn silence_is_an_alarm_that_ends_when_a_witness_answers() {
    let scene = Scene::new();
    let server = scene.witness(loopback());
    let address = server.address();
    drop(server);
    let node = scene.node("a");
    node.write(3);
    let (_courier, heard) = scene.courier(&node, address, 0);
    assert_eq!(heard.recv_timeout(DEADLINE).unwrap(), Word::Silent);
    let _server = scene.witness(address);
    assert_eq!(heard.recv_timeout(DEADLINE).unwrap(), Word::Heard);
}

/// D3
#[test]
fn a_gateway_whose_log_was_replaced_stops_and_does_not_start_again() {
    let scene = Scene::new();
    let (gateway, witness) = (scene.dir.path().join("g"), scene.dir.path().join("w"));
    kelisim(&gateway, &["init", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0"]);
    let key = kelisim(&gateway, &["log", "keys", "--json"]);
    let key = find_key(&key).expect("the log has an Ed25519 key");
    let made = [
        "witness",
        "init",
        "--json",
        "--name",
        "witness.example/1",
        "--listen",
        "127.0.0.1:0",
        "--log",
        &key,
    ];
    let keys = kelisim(&witness, &made);
    let cosigner = find_key(&keys).unwrap();
    let mut serving = Process::start(&witness, &["witness", "run", "--json"], "witness");
    let config = gateway.join("kelisim.toml");
    let text = fs::read_to_string(&config).unwrap()
        + &format!(
            "\n[witnesses]\npoll_ms = 10\n[[witnesses.list]]\nurl = \"http://{}\"\nkeys = [\"{cosigner}\"]\n",
            serving.address
        );
    fs::write(&config, text).unwrap();

    let running = Process::start(&gateway, &["run", "--json"], "operations");
    until("the gateway's checkpoint is cosigned", || {
        let metrics = get(running.address, "/metrics");
        let line = metrics.lines().find(|line| line.starts_with("kelisim_log_cosigned_entries "))?;
        (line != "kelisim_log_cosigned_entries 0").then_some(())
    });
    drop(running);

    fs::remove_dir_all(gateway.join("log")).unwrap();
    fs::remove_file(gateway.join("log.checkpoint")).unwrap();
    let running = Process::start(&gateway, &["run", "--json"], "operations");
    until("the gateway stops", || get(running.address, "/ready").contains("went back").then_some(()));
    drop(running);
    let again = Command::new(BINARY).args(["run", "--dir"]).arg(&gateway).output().unwrap();
    assert_eq!(again.status.code(), Some(3));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("went back") && said.contains("operations.md"), "{said}");
    assert!(get(serving.address, "/nobody/checkpoint").contains("404"));
    serving.kill();
}

/// Runs a command in a folder; what it says, after it did what it should.
fn kelisim(dir: &Path, arguments: &[&str]) -> String {
    let said = Command::new(BINARY).args(arguments).arg("--dir").arg(dir).output().unwrap();
    assert!(said.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// The first verifier key that is short enough to be of Ed25519.
fn find_key(said: &str) -> Option<String> {
    let key = |text: &&str| text.len() < 200 && text.parse::<VerifierKey>().is_ok();
    said.split(['"', '\n', ' ']).find(key).map(str::to_owned)
}

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(dir: &Path, arguments: &[&str], face: &str) -> Self {
        let mut child = Command::new(BINARY)
            .args(arguments)
            .arg("--dir")
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) = said[face].as_str() else {
            drop(child.kill());
            panic!("{arguments:?} did not come up: {line:?} {:?}", child.wait());
        };
        Self { address: address.parse().unwrap(), child }
    }

    fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A whole answer, head and all.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_kelisim");
const DEADLINE: Duration = Duration::from_secs(60);
