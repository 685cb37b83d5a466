//! The witness's own configuration: `witness.toml`, its paths relative to the folder that it stands in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use certs::keys::{Identity, KeyError as SecretError, read_secret};
use certs::tls::{Acceptor, AcceptorOptions, Alpn, Clock, Unready};
use certs::trust::Trust;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

use super::guests::Limits;
use crate::background::Background;
use crate::clock;
use crate::config::TrustConfig;
use crate::transparency::key::{KeyError, SigningKey, VerifierKey};
use crate::trusted::{TrustFiles, Unreadable};

/// All that a witness is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSettings {
    /// Where logs connect.
    pub listen: SocketAddr,
    /// The file with its signing keys, one a line; readable by its owner alone. Default: `witness.key`.
    #[serde(default = "keys")]
    pub keys: PathBuf,
    /// The folder that it remembers in. Default: `logs`.
    #[serde(default = "store")]
    pub store: PathBuf,
    /// The logs that it watches.
    #[serde(default, rename = "log")]
    pub logs: Vec<Watched>,
    /// TLS with certificates on both sides; without it, what is sent can be read and held up on the way, not changed.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// What one address may take of it.
    #[serde(default)]
    pub limits: Limits,
    /// The folder that relative paths start from.
    #[serde(skip)]
    base: PathBuf,
}

/// A log that a witness watches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// Its name, as the first line of its checkpoints has it.
    pub origin: String,
    /// The keys that sign for it, as verifier keys. Several while one replaces another.
    pub keys: Vec<VerifierKey>,
}

/// The witness's certificate, and whose it lets in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Its certificate chain, PEM, its own first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Whose certificates may connect; who signs for a log is another matter.
    pub trust: TrustConfig,
}

/// The file's name in a witness's folder.
pub(crate) const FILE: &str = "witness.toml";

impl WitnessSettings {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`SettingsError`] names file and line.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let wrong = |message| SettingsError::Wrong { path: path.to_owned(), message };
        let mut settings: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        settings.base = base.to_owned();
        if let Some(log) = settings.logs.iter().find(|log| log.keys.is_empty() || log.origin.is_empty()) {
            return Err(wrong(format!("the log {:?} needs an origin and a key", log.origin)));
        }
        let Limits { connections, requests_per_second, head_seconds, body_seconds } = settings.limits;
        if [connections, requests_per_second, head_seconds, body_seconds].contains(&0) {
            return Err(wrong("limits: none of them can be 0".to_owned()));
        }
        Ok(settings)
    }

    /// The folder that it remembers in.
    pub fn store_path(&self) -> PathBuf {
        self.base.join(&self.store)
    }

    /// Its signing keys.
    ///
    /// # Errors
    /// The file cannot be read, others may read it, or a line is no key.
    pub fn signing_keys(&self) -> Result<Vec<SigningKey>, SettingsError> {
        let path = self.base.join(&self.keys);
        let secret = read_secret(&path)?;
        let damaged = |source| SettingsError::Key { path: path.clone(), source };
        let text = str::from_utf8(&secret).map_err(|_| damaged(KeyError::Form))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.parse().map_err(damaged)).collect()
    }

    /// How it takes connections over TLS, and the thread that follows its trust files; `None`: without TLS.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub fn acceptor(&self) -> Result<Option<(Arc<Acceptor>, Background)>, SettingsError> {
        let Some(tls) = &self.tls else { return Ok(None) };
        let identity = Identity::from_files(&self.base.join(&tls.certificate), &self.base.join(&tls.key))?;
        let files = TrustFiles::named(&self.base, &tls.trust);
        // Before loading: what changes meanwhile is read at the first look.
        let seen = files.stamp();
        let trust = Arc::new(Trust::new(files.load(clock::now())?));
        let pause = Duration::from_millis(tls.trust.poll_ms.clamp(10, 60_000));
        let following = files.follow(Arc::clone(&trust), seen, Arc::default(), pause);
        let options =
            AcceptorOptions { alpn: vec![Alpn::Http1], ..AcceptorOptions::new(Clock::new(clock::now)) };
        Ok(Some((Arc::new(Acceptor::new(&identity, trust, options)?), following)))
    }
}

/// Why a witness's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key or value is wrong.
    #[error("{}: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What, and where.
        message: String,
    },
    /// A secret's file, or a certificate.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A line is no signing key.
    #[error("{} has a line that is no signing key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// Trust.
    #[error("trust cannot be read")]
    Trust(#[from] Unreadable),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] Unready),
}

fn keys() -> PathBuf {
    "witness.key".into()
}

fn store() -> PathBuf {
    "logs".into()
}
