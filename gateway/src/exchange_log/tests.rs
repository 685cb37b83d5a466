//! The log as a whole: what is acknowledged stays, what is changed is found, whatever fails in between.

use std::{
    fs, io,
    sync::{Arc, Mutex},
};

use agreements::Fingerprint;
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    checkpoint::Checkpoint,
    disk::{Disk, DiskFile, RealDisk},
    reader::Segment,
    storage::Storage,
    *,
};

mod crashes;
mod cryptography;
mod damage;
mod evidence;
mod faults;
mod full;
mod keeping;
mod model;
mod ports;
mod sealing;

use model::{Chance, Did, Fault, Inline, Model, Orders, Steps};

/// A log in a folder of its own, and the ways a test has to it.
struct World {
    dir: TempDir,
    segment_bytes: u64,
    sealing: Option<Arc<Sealing>>,
    cryptography: Option<Cryptography>,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), segment_bytes: 64 << 10, sealing: None, cryptography: None }
    }

    /// A log that is sealed at starts and stops.
    fn sealed() -> Self {
        let world = Self::new();
        Self { sealing: Some(Arc::new(world.new_sealing())), ..world }
    }

    fn new_sealing(&self) -> Sealing {
        let key = make_key("node-1.example", crate::transparency::key::Scheme::Ed25519).unwrap().0;
        Sealing { keys: vec![key], outside: self.outside(), every: Duration::from_secs(3600) }
    }

    fn outside(&self) -> PathBuf {
        self.dir.path().join("last.checkpoint")
    }

    fn config(&self) -> LogConfig {
        LogConfig {
            segment_bytes: self.segment_bytes,
            sealing: self.sealing.clone(),
            cryptography: self.cryptography.clone(),
            ..LogConfig::new(self.dir.path().join("log"), "node-1.example", || NOON)
        }
    }

    fn log_dir(&self) -> PathBuf {
        self.config().dir
    }

    fn start(&self) -> Result<(ExchangeLog, RecoveryReport), StartError> {
        ExchangeLog::start(self.config())
    }

    /// On a disk that forgets, with the log's own threads.
    fn start_on(&self, model: &Arc<Model>) -> Result<(ExchangeLog, RecoveryReport), StartError> {
        let (config, stats) = (self.config(), Arc::<LogStats>::default());
        let (lock, disk): (_, Arc<dyn Disk>) = (lock(&config)?, Arc::new(Arc::clone(model)));
        let folder = Folder::open(Arc::clone(&disk), &config.dir, config.segment_bytes, Arc::clone(&stats));
        let folder = folder.map_err(|source| StartError::Io { path: config.dir.clone(), source })?;
        ExchangeLog::start_on((disk, Box::new(folder)), stats, lock, &config)
    }

    /// A disk that forgets, under the world's folder as it is.
    fn model(&self) -> Arc<Model> {
        fs::create_dir_all(self.log_dir()).unwrap();
        Model::of(self.dir.path())
    }

    /// Writes `count` exchanges, opened and completed, and stops.
    fn write(&self, count: usize) {
        let (log, _) = self.start().unwrap();
        on_core(&log, async |port| {
            for _ in 0..count {
                port.open(&opening()).await.unwrap().close(&completed());
            }
        });
        assert_eq!(log.shutdown(), Health::Stopped);
    }

    fn entries(&self) -> Vec<Entry> {
        search(&self.log_dir(), Filter::default()).unwrap().map(Result::unwrap).collect()
    }

    /// What `verify` finds, as text.
    fn findings(&self) -> Vec<String> {
        let found = verify(&self.log_dir()).unwrap().findings;
        found
            .iter()
            .map(|finding| format!("line {}, entry {}: {}", finding.line, finding.index, finding.problem))
            .collect()
    }

    /// The only segment, as it is on disk.
    fn only_segment(&self) -> PathBuf {
        let segments = Segment::list(&self.log_dir()).unwrap();
        assert_eq!(segments.len(), 1);
        segments[0].path.clone()
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.only_segment()).unwrap();
        text.trim_end_matches('\0').lines().map(str::to_owned).collect()
    }

    fn replace_lines(&self, lines: &[String]) {
        fs::write(self.only_segment(), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
    }
}

/// Runs `call` as a core would, with the core's dispatcher beside it.
fn on_core<R>(log: &ExchangeLog, call: impl AsyncFnOnce(LogPort) -> R) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let port = log.port();
    runtime.block_on(async {
        let dispatcher = port.clone();
        let dispatcher = tokio::spawn(async move { dispatcher.run().await });
        let result = call(port).await;
        dispatcher.abort();
        result
    })
}

fn opening() -> Opening<'static> {
    Opening {
        consumer: "personnel".into(),
        consumer_holder: "000140000001".into(),
        provider: "address-register".into(),
        provider_holder: "000140000002".into(),
        data_type: "address".into(),
        data_type_version: "1".into(),
        operation: "lookup".into(),
        environment: "production".into(),
        method: Some("GET".into()),
        agreement: "KZ-2026-1".into(),
        agreement_version: 1,
        purpose: "verify-residence".into(),
        basis: "act-1/2/3.1".into(),
        user: Some(Claim::new("Әсем \"A\" \u{1}")),
        user_address: Some(Claim::new("10.1.2.3")),
        peer_address: "127.0.0.1".parse().unwrap(),
        certificate: Fingerprint::new([7; 32]),
        logical_part: Some(Claim::new("/addresses/1")),
        category: "open".into(),
        request_digest: Some(Sha256([1; 32])),
        registry_revision: 12,
        ..Opening::bare(Uuid::now_v7(), NOON)
    }
}

fn completed() -> Closing<'static> {
    Closing {
        status: Some(200),
        response_digest: Some(Sha256([2; 32])),
        response_bytes: Some(1024),
        trimmed: 1,
        duration_us: Some(800),
        ..Closing::bare(NOON, Outcome::Completed)
    }
}

fn refused() -> Refused<'static> {
    Refused {
        exchange: Uuid::now_v7(),
        at: NOON,
        code: "purpose-not-named".into(),
        clause: "Interaction 17.3".into(),
        culprit: "consumer".into(),
        consumer: Some("personnel".into()),
        certificate: Fingerprint::new([7; 32]),
        peer_address: "::1".parse().unwrap(),
        user_address: None,
        provider: Some(Claim::new("address-register")),
        data_type: None,
        operation: None,
        agreement: None,
        purpose: Some(Claim::new("curiosity")),
        user: None,
        case: None,
        suppressed: 3,
        sealed: None,
    }
}

/// A tool of a version, unconfirmed.
fn tool(version: &str) -> Cryptography {
    Cryptography { tool: "AWS-LC".into(), version: version.into(), fips: false, confirmation: None }
}

fn outcomes(entries: &[Entry]) -> Vec<Outcome> {
    let outcome = |entry: &Entry| match &entry.record {
        Record::Closing { closing, .. } => Some(closing.outcome),
        Record::Segment(_) | Record::Opening(_) | Record::Refused(_) => None,
    };
    entries.iter().filter_map(outcome).collect()
}

const NOON: Timestamp = Timestamp::constant(1_795_327_200, 0);
