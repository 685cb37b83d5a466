//! Where things are: identity, trust, registry, log, operations face, telemetry.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::Deserialize;

use super::{KeepingSettings, within};

/// The gateway's certificate and key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// The gateway's certificate chain, PEM, its own first.
    pub certificate: PathBuf,
    /// The gateway's private key, PEM (PKCS#8); readable by its owner alone.
    pub key: PathBuf,
    /// The key that subjects' identifiers are hashed with (D4); readable by its owner alone. Default: `keys/subject.key`.
    #[serde(default = "subject_key")]
    pub subject_key: PathBuf,
    /// The keys of periods, which the operator and the regulator make together (`kelisim subject-key`); before the first period begins, `subject_key` counts. Default: `keys/subjects`.
    #[serde(default = "subject_keys")]
    pub subject_keys: PathBuf,
}

/// Whom the gateway trusts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// Trust anchors, PEM.
    pub anchors: PathBuf,
    /// Issuing authorities whose CRLs are below, PEM. Default: none.
    #[serde(default)]
    pub issuing: Vec<PathBuf>,
    /// Revocation lists, PEM. Read again when they change.
    pub crls: Vec<PathBuf>,
    /// Anchors of the time-stamping authorities that are believed when they state by when a document was signed, PEM. Default: none, and no time stamp in a signature counts.
    #[serde(default)]
    pub time_stamps: Option<PathBuf>,
    /// How often the files are looked at, in ms. Default: 500.
    #[serde(default = "half_a_second")]
    pub poll_ms: u64,
    /// How many days before the gateway's certificate, an authority or a revocation list ends it is said, and not before the last quarter of its time. Default: 30.
    #[serde(default = "warn_days")]
    pub warn_days: u16,
}

impl TrustConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("poll_ms", self.poll_ms, POLL_MS)?;
        within("warn_days", self.warn_days.into(), 0..=365)
    }
}

/// The registry that the gateway follows.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryConfig {
    /// The SQLite file. Default: `registry.sqlite`.
    pub path: PathBuf,
    /// The key with which this node seals what it remembers of the registry between starts; made if there is none. Nobody
    /// else may have it. Default: `keys/snapshot.key`.
    pub snapshot_key: PathBuf,
    /// How often the newest revision is asked for, in ms. Default: 200.
    pub poll_ms: u64,
    /// Longest time for which the gateway acts on a registry that it could not confirm, in seconds. Default: 60.
    pub lease_seconds: u16,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        let snapshot_key = "keys/snapshot.key".into();
        Self { path: "registry.sqlite".into(), snapshot_key, poll_ms: 200, lease_seconds: 60 }
    }
}

impl RegistryConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("poll_ms", self.poll_ms, POLL_MS)?;
        within("lease_seconds", self.lease_seconds.into(), 1..=3_600)?;
        if self.poll_ms >= u64::from(self.lease_seconds) * 1_000 {
            let message =
                format!("{} is not less than the lease: nothing would stay confirmed", self.poll_ms);
            return Err(("poll_ms", message));
        }
        Ok(())
    }
}

/// The exchange log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// The log's name, unique among all gateways.
    pub origin: String,
    /// Its folder. Default: `log`.
    #[serde(default = "log_dir")]
    pub dir: PathBuf,
    /// Size of a segment, in MiB. Default: 64.
    #[serde(default = "segment_mib")]
    pub segment_mib: u64,
    /// The keys that sign its checkpoints, one of them Ed25519; readable by their owner alone. Default: `["keys/log.key"]`.
    #[serde(default = "log_keys")]
    pub keys: Vec<PathBuf>,
    /// Where the newest checkpoint is kept beside the log's folder, to show that the log went back: best on another disk. Default: `log.checkpoint`.
    #[serde(default = "last_checkpoint")]
    pub last_checkpoint: PathBuf,
    /// The index by which `kelisim log search` finds entries at once; made of the log, and made again when lost. Default: none, and every search reads the whole log.
    #[serde(default)]
    pub index: Option<PathBuf>,
    /// Where searches of the record are written down, one a line. Default: `searches.jsonl`.
    #[serde(default = "searches")]
    pub searches: PathBuf,
    /// Longest that an entry waits for a checkpoint, in ms. Default: 1000.
    #[serde(default = "seal_ms")]
    pub seal_ms: u64,
    /// Time stamps over its checkpoints.
    #[serde(default)]
    pub time_stamps: TimeStampSettings,
    /// How long it is kept, and where it goes.
    #[serde(default)]
    pub keeping: KeepingSettings,
}

/// Time stamps over the log's checkpoints (RFC 3161).
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeStampSettings {
    /// Where the authority answers, over plain HTTP. Default: none, and no time stamps.
    pub authority: Option<String>,
    /// Trust anchors of the authority, PEM. Default: `trust/time-stamps.pem`.
    pub anchors: PathBuf,
    /// How often the newest checkpoint is stamped, in minutes. Default: 60.
    pub every_minutes: u64,
    /// The log is closed after so many hours without a stamp; 0: never, a missing stamp is only told. Default: 0.
    pub stop_after_hours: u64,
}

impl Default for TimeStampSettings {
    fn default() -> Self {
        Self {
            authority: None,
            anchors: "trust/time-stamps.pem".into(),
            every_minutes: 60,
            stop_after_hours: 0,
        }
    }
}

impl TimeStampSettings {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let plain = |text: &String| {
            text.parse::<http::Uri>()
                .is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some())
        };
        if let Some(other) = self.authority.as_ref().filter(|text| !plain(text)) {
            return Err(("time_stamps.authority", format!("'{other}' is no http:// address")));
        }
        within("time_stamps.every_minutes", self.every_minutes, 1..=10_080)?;
        within("time_stamps.stop_after_hours", self.stop_after_hours, 0..=8_760)
    }
}

impl LogSettings {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("segment_mib", self.segment_mib, 1..=4_096)?;
        within("seal_ms", self.seal_ms, 10..=60_000)?;
        self.time_stamps.check()?;
        self.keeping.check()
    }
}

/// The operations face.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationsConfig {
    /// Where `/metrics`, `/live` and `/ready` are. Default: `127.0.0.1:9464`.
    pub listen: SocketAddr,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)) }
    }
}

/// What the process says about itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Filter, as in `RUST_LOG`. Default: `info`.
    pub level: String,
    /// Form of the lines. Default: `json`.
    pub format: LineFormat,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { level: "info".into(), format: LineFormat::Json }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

fn subject_key() -> PathBuf {
    "keys/subject.key".into()
}

fn subject_keys() -> PathBuf {
    "keys/subjects".into()
}

fn half_a_second() -> u64 {
    500
}

fn warn_days() -> u16 {
    30
}

fn log_dir() -> PathBuf {
    "log".into()
}

fn segment_mib() -> u64 {
    64
}

fn log_keys() -> Vec<PathBuf> {
    vec!["keys/log.key".into()]
}

fn last_checkpoint() -> PathBuf {
    "log.checkpoint".into()
}

fn searches() -> PathBuf {
    "searches.jsonl".into()
}

fn seal_ms() -> u64 {
    1_000
}

/// Pauses between looks: shorter burns a core, longer hides a revocation.
const POLL_MS: RangeInclusive<u64> = 10..=60_000;
