//! What C2SP tlog-witness asks of `add-checkpoint`, over HTTP, and what one peer can take of a witness.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::super::settings::Watched;
use super::*;
use crate::clock;
use crate::transparency::checkpoint::Checkpoint;
use crate::transparency::key::{Scheme, SigningKey};
use crate::transparency::note::Note;
use crate::transparency::{Hash, Leaves, consistency, leaves, root};

const ORIGIN: &str = "kelisim.example/log";

/// A witness that serves, and the log that it watches.
struct Scene {
    _dir: tempfile::TempDir,
    log: SigningKey,
    witness: SigningKey,
    tree: Leaves,
    server: Server,
}

impl Scene {
    fn new(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = SigningKey::generate(&ORIGIN.parse().unwrap(), Scheme::Ed25519).unwrap();
        let (witness, text) =
            SigningKey::generate(&"witness.example/w1".parse().unwrap(), Scheme::Cosignature).unwrap();
        let watched = Watched { origin: ORIGIN.into(), keys: vec![log.verifier().clone()] };
        let remembers = Witness::open(dir.path(), vec![text.parse().unwrap()], &[watched]).unwrap();
        let server =
            Server::start(([127, 0, 0, 1], 0).into(), Arc::new(remembers), None, limits, clock::now).unwrap();
        Self { _dir: dir, log, witness, tree: leaves(300), server }
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint::new(ORIGIN, size, root(&self.tree, size).unwrap())
    }

    fn body(&self, old: u64, size: u64) -> String {
        Asked::body(old, &self.proof(old, size), &signed(&self.checkpoint(size), &self.log))
    }

    fn proof(&self, old: u64, size: u64) -> Vec<Hash> {
        if old == 0 { Vec::new() } else { consistency(&self.tree, old, size).unwrap() }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address()).unwrap()
    }

    fn add(&self, body: &str) -> Answer {
        self.ask(&format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn ask(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        // Who is answered before all was sent may find the line closed.
        let _ = stream.write_all(request.as_bytes());
        Answer::read(stream)
    }
}

fn signed(checkpoint: &Checkpoint, key: &SigningKey) -> Note {
    let mut note = checkpoint.note().unwrap();
    note.sign(key).unwrap();
    note
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A reset after the answer takes nothing of it away.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

/// D3
#[test]
fn each_answer_is_the_one_that_the_specification_names() {
    let scene = Scene::new(Limits::default());
    let first = scene.add(&scene.body(0, 100));
    assert_eq!(first.status, 200, "{}", first.body);
    let note = scene.checkpoint(100).note().unwrap().to_string();
    let whole = Note::parse(format!("{note}{}", first.body).as_bytes()).unwrap();
    assert_eq!(
        whole.verify(&[scene.witness.verifier().clone()]).unwrap().len(),
        1,
        "a cosignature and nothing else"
    );

    // Another size than is remembered: 409, and which it is.
    for (old, size) in [(0, 200), (50, 200), (99, 100), (200, 250)] {
        let answer = scene.add(&scene.body(old, size));
        assert_eq!((answer.status, answer.body.as_str()), (409, "100\n"), "{old} {size}");
        assert!(answer.head.contains("content-type: text/x.tlog.size"), "{}", answer.head);
    }
    // A proof of something else: 422.
    let proofs = [scene.proof(99, 200), scene.proof(100, 201), Vec::new(), vec![Hash::of_empty_tree(); 63]];
    for proof in proofs {
        let body = Asked::body(100, &proof, &signed(&scene.checkpoint(200), &scene.log));
        assert_eq!(scene.add(&body).status, 422);
    }
    let other_root = Checkpoint::new(ORIGIN, 100, root(&scene.tree, 101).unwrap());
    assert_eq!(scene.add(&Asked::body(100, &[], &signed(&other_root, &scene.log))).status, 422);
    // A key that is not the log's, or no signature of its key: 403.
    let (stranger, _) = SigningKey::generate(&ORIGIN.parse().unwrap(), Scheme::Ed25519).unwrap();
    let proof = scene.proof(100, 200);
    let strange = Asked::body(100, &proof, &signed(&scene.checkpoint(200), &stranger));
    assert_eq!(scene.add(&strange).status, 403);
    let forged = scene
        .body(100, 200)
        .replace(&scene.checkpoint(200).root.to_string(), &scene.checkpoint(201).root.to_string());
    assert_eq!(scene.add(&forged).status, 403);
    // A log that it does not watch: 404, whoever signs.
    let elsewhere = Checkpoint::new("other.example/log", 200, root(&scene.tree, 200).unwrap());
    assert_eq!(scene.add(&Asked::body(100, &proof, &signed(&elsewhere, &scene.log))).status, 404);
    // What is no request, and an old size above the new one: 400.
    let shrinks = Asked::body(201, &[], &signed(&scene.checkpoint(200), &scene.log));
    for body in [String::new(), "old 100\n".into(), scene.body(100, 200).replacen("old", "OLD", 1), shrinks] {
        assert_eq!(scene.add(&body).status, 400, "{body:?}");
    }
    // None of this moved what is remembered.
    let path = format!("/{}/checkpoint", super::super::kept::origin_hash(ORIGIN));
    let latest = scene.ask(&format!("GET {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n"));
    assert_eq!(latest.status, 200);
    assert!(latest.body.starts_with(&note), "{}", latest.body);
    let next = scene.add(&scene.body(100, 200));
    assert_eq!(next.status, 200, "{}", next.body);
    // The same again costs nothing and is cosigned anew.
    assert_eq!(scene.add(&scene.body(200, 200)).status, 200);
}

#[test]
fn other_methods_paths_and_bodies_that_are_too_long_are_refused() {
    let scene = Scene::new(Limits::default());
    let get = |path: &str| scene.ask(&format!("GET {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n"));
    let wrong = get("/add-checkpoint");
    assert_eq!(wrong.status, 405);
    assert!(wrong.head.contains("allow: post"));
    for path in ["/", "/nobody/checkpoint", "/../checkpoint", "/add-checkpoint/"] {
        assert_eq!(get(path).status, 404, "{path}");
    }
    assert_eq!(scene.add(&"x".repeat(Asked::MAX_BYTES + 1)).status, 413);
    let mut chunked =
        String::from("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ntransfer-encoding: chunked\r\n\r\n");
    (0..=Asked::MAX_BYTES / 4096)
        .for_each(|_| chunked.push_str(&format!("1000\r\n{}\r\n", "x".repeat(4096))));
    assert_eq!(scene.ask(&chunked).status, 413);
    assert_eq!(scene.add(&scene.body(0, 7)).status, 200, "it serves on");
}

#[test]
fn body_that_does_not_come_and_head_that_does_not_end_are_waited_for_no_longer_than_they_may() {
    let scene = Scene::new(Limits { head_seconds: 1, body_seconds: 1, ..Limits::default() });
    let waiting = scene.ask("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 100\r\n\r\nold 0");
    assert_eq!(waiting.status, 408);
    let mut slow = scene.connect();
    slow.write_all(b"POST /add-check").unwrap();
    let mut rest = Vec::new();
    // However it says so: the line is ended.
    let _ = slow.read_to_end(&mut rest);
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
}

#[test]
fn peer_that_asks_without_end_is_told_to_wait_and_the_witness_serves_on() {
    let scene = Scene::new(Limits { requests_per_second: 1, ..Limits::default() });
    let mut told = None;
    // The share of five comes back at one a second, so sixty in a minute at most were within it.
    for _ in 0..1_000 {
        let answer = scene.ask("GET /nobody/checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n");
        if answer.status == 429 {
            told = Some(answer);
            break;
        }
        assert_eq!(answer.status, 404);
    }
    let told = told.expect("of a thousand requests one is too many");
    assert!(told.head.contains("retry-after: 1") && told.head.contains("connection: close"), "{}", told.head);
}

#[test]
fn peer_that_holds_all_its_connections_gets_no_more_until_one_ends() {
    let scene = Scene::new(Limits { connections: 3, ..Limits::default() });
    let mut held: Vec<TcpStream> = (0..3).map(|_| scene.connect()).collect();
    // Each is taken, as its answer shows, and stays open.
    for stream in &mut held {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: w\r\n\r\n").unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 404");
    }
    let mut refused = Vec::new();
    let mut more = scene.connect();
    let _ = more.write_all(b"GET / HTTP/1.1\r\nhost: w\r\n\r\n");
    let _ = more.read_to_end(&mut refused);
    assert!(refused.is_empty(), "{}", String::from_utf8_lossy(&refused));
    drop(held.pop());
    // The witness sees that end when it comes to it.
    let begun = Instant::now();
    let served = || {
        let mut stream = scene.connect();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.1 404")
    };
    while !served() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the place never became free");
        std::thread::yield_now();
    }
}
