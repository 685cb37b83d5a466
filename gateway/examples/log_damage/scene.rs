//! A log of ten megabytes as a gateway writes and seals it, its states at twenty stops, and what a witness kept.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use gateway::{
    exchange_log::{Evidence, ExchangeLog, LogConfig, LogPort, Sealing, make_key, verify_with},
    transparency::{
        cosignature::cosign,
        key::{Scheme, SigningKey},
        note::Note,
        policy::Policy,
    },
};

use crate::sample::{closing, now, opening};

/// A sealed log, its earlier states, and what a witness kept.
pub(crate) struct Scene {
    /// The log's folder.
    pub(crate) log: PathBuf,
    /// The same as it stood at each stop, the last one too.
    pub(crate) states: Vec<PathBuf>,
    /// Whose signatures count, and the newest checkpoint that the witness cosigned.
    pub(crate) evidence: Evidence,
    signers: Signers,
}

/// The log's key and the witness's.
struct Signers {
    log: SigningKey,
    witness: SigningKey,
}

impl Scene {
    pub(crate) fn new(dir: PathBuf, bytes: usize) -> Self {
        let (key, text) = make_key(ORIGIN, Scheme::Ed25519).unwrap();
        let (witness, _) =
            SigningKey::generate(&"witness.example/1".parse().unwrap(), Scheme::Cosignature).unwrap();
        let policy = format!("log {}\nwitness w1 {}\nquorum w1\n", key.verifier(), witness.verifier());
        let signers = Signers { log: text.parse().unwrap(), witness };
        let sealing =
            Sealing { keys: vec![key], outside: dir.join("outside"), every: Duration::from_secs(3600) };
        let config = LogConfig {
            segment_bytes: (bytes as u64 * 2).max(4 << 20),
            sealing: Some(Arc::new(sealing)),
            ..LogConfig::new(dir.join("log"), ORIGIN, now)
        };
        let (log, mut states) = (config.dir.clone(), Vec::new());
        // An opening and its closing are some 1,500 bytes.
        let exchanges = (bytes / 1_500).div_ceil(TURNS * CALLERS);
        for turn in 0..TURNS {
            let (running, _) = ExchangeLog::start(config.clone()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let port = running.port();
            runtime.block_on(async {
                let dispatcher = port.clone();
                tokio::spawn(async move { dispatcher.run().await });
                let mut calls = tokio::task::JoinSet::new();
                for _ in 0..CALLERS {
                    let port = port.clone();
                    calls.spawn(async move { write(&port, exchanges).await });
                }
                calls.join_all().await;
            });
            running.shutdown();
            signers.cosign(&log);
            let state = dir.join(format!("state-{turn}"));
            copy(&log, &state);
            states.push(state);
        }
        let kept = dir.join("witness.checkpoint");
        fs::copy(log.join("checkpoint.cosigned"), &kept).unwrap();
        let policy: Policy = policy.parse().unwrap();
        let evidence = Evidence { policy: Some(policy), checkpoints: vec![kept], authorities: None };
        let found = verify_with(&log, &evidence).unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        Self { log, states, evidence, signers }
    }

    /// What the log's folder alone is held against, when nobody kept a checkpoint elsewhere.
    pub(crate) fn alone(&self) -> Evidence {
        Evidence { checkpoints: Vec::new(), ..self.evidence.clone() }
    }

    /// Signs `note` as the log does, puts it into a folder, and has the witness cosign it, as at that time they did.
    pub(crate) fn sign_and_cosign(&self, mut note: Note, folder: &Path) {
        note.sign(&self.signers.log).unwrap();
        fs::write(folder.join("checkpoint"), note.to_string()).unwrap();
        fs::write(folder.join("checkpoint.durable"), note.to_string()).unwrap();
        self.signers.cosign(folder);
    }
}

impl Signers {
    /// The witness cosigns what it is shown, and the log keeps that.
    fn cosign(&self, log: &Path) {
        let mut note = Note::parse(&fs::read(log.join("checkpoint")).unwrap()).unwrap();
        let seconds = u64::try_from(now().as_second()).unwrap();
        note.add(cosign(&note, &self.witness, seconds).unwrap()).unwrap();
        fs::write(log.join("checkpoint.cosigned"), note.to_string()).unwrap();
    }
}

async fn write(port: &LogPort, count: usize) {
    for _ in 0..count {
        let entry = port.open(&opening()).await.unwrap();
        entry.close_durably(&closing()).await.unwrap();
    }
}

/// Copies a log's folder, without what is prepared for the next segment.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "next-segment" {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

pub(crate) const ORIGIN: &str = "bench.example/log";
/// Starts and stops, each of which is a state to go back to.
const TURNS: usize = 20;
const CALLERS: usize = 16;
