//! A new data folder: keys, trial authority, configuration, registry with an administrator.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use agreements::{Actor, Command, Holder, Operator, OperatorId, Phase, Reach, Role};
use certs::authority::{Authority, AuthorityError, IssuedPem, SystemRequest};

use super::{Office, OfficeError};
use crate::clock;
use crate::config::{Config, ConfigError};
use crate::exchange_log::{LogKeyError, make_key};
use crate::registry::Failure;
use crate::registry::sqlite::SqliteStore;
use crate::transparency::key::Scheme;

/// What a new data folder is for.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The environment that its gateway serves.
    pub environment: Phase,
    /// Where systems will connect.
    pub listen: SocketAddr,
    /// Where the API will be.
    pub api: SocketAddr,
    /// Where the operations face will be.
    pub operations: SocketAddr,
    /// Names and addresses that the gateway's certificate bears.
    pub names: Vec<String>,
    /// The exchange log's name, unique among all gateways.
    pub origin: String,
    /// The organisation that operates the gateway.
    pub operator: Holder,
    /// How the administrator is named.
    pub administrator: OperatorId,
    /// Lines added to the configuration.
    pub extra: String,
}

/// A data folder.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

/// Why a data folder was not founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// There is one already.
    #[error("{0} is a data folder already")]
    Exists(PathBuf),
    /// The folder cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The trial authority cannot be made.
    #[error("the trial authority cannot be made")]
    Authority(#[from] AuthorityError),
    /// The keys of the exchange log cannot be made.
    #[error("the keys of the exchange log cannot be made")]
    LogKey(#[from] LogKeyError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The registry cannot be made.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The machine has no randomness.
    #[error("the machine gives no random bytes")]
    NoRandomness,
}

impl From<Failure> for FoundError {
    fn from(failure: Failure) -> Self {
        Self::Office(failure.into())
    }
}

impl Folder {
    /// An existing data folder.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Makes a data folder.
    ///
    /// # Errors
    /// [`FoundError`]; what was made stays for a look, and a new attempt needs another or an emptied folder.
    pub fn found(dir: &Path, founding: &Founding) -> Result<Self, FoundError> {
        let folder = Self::at(dir);
        if folder.config_path().exists() {
            return Err(FoundError::Exists(dir.to_owned()));
        }
        // Before anything is written: a log's name may be none for a key.
        let log_keys = LOG_KEYS.map(|(_, scheme)| make_key(&founding.origin, scheme));
        let log_keys = log_keys.into_iter().collect::<Result<Vec<_>, _>>()?;
        for sub in ["", "keys", "log", "depositary"] {
            folder.make(sub)?;
        }
        let authority = Authority::create(&folder.authority_path(), clock::now())?;
        let request = SystemRequest {
            code: "kelisim".into(),
            bin: founding.operator.bin,
            organisation: founding.operator.name.clone(),
            names: founding.names.clone(),
            days: 365,
        };
        folder.keep("gateway", &authority.issue_system(&request, clock::now())?)?;
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| FoundError::NoRandomness)?;
        folder.write_private("keys/subject.key", &secret)?;
        let mut policy = String::from(POLICY);
        for ((name, _), (key, text)) in LOG_KEYS.iter().zip(log_keys) {
            folder.write_private(&format!("keys/{name}"), format!("{text}\n").as_bytes())?;
            policy.push_str(&format!("log {}\n", key.verifier()));
        }
        folder.write("log.policy", format!("{policy}quorum none\n").as_bytes())?;
        let mut sealing = [0; 32];
        aws_lc_rs::rand::fill(&mut sealing).map_err(|_| FoundError::NoRandomness)?;
        folder.write_private("keys/snapshot.key", &sealing)?;
        folder.write("kelisim.toml", configuration(founding).as_bytes())?;

        let config = folder.config()?;
        // The only place where a registry begins: whoever opens it finds it, or says that it is not there.
        drop(SqliteStore::create(&config.path(&config.registry.path)).map_err(Failure::from)?);
        let mut office = Office::open(&config)?;
        let actor = Actor {
            id: founding.administrator.clone(),
            role: Role::Administrator,
            holder: founding.operator.bin,
            via: "init".into(),
        };
        office.issue(Command::RegisterHolder { holder: founding.operator.clone() }, &actor, "founding")?;
        let administrator = Operator {
            id: founding.administrator.clone(),
            name: "Administrator".into(),
            role: Role::Administrator,
            holder: founding.operator.bin,
            reach: Reach::default(),
        };
        office.issue(Command::RegisterOperator { operator: administrator }, &actor, "founding")?;
        Ok(folder)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.dir.join("kelisim.toml")
    }

    /// Its configuration.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config_path())
    }

    /// Its trial authority's folder.
    pub fn authority_path(&self) -> PathBuf {
        self.dir.join("authority")
    }

    /// Its trial authority.
    ///
    /// # Errors
    /// There is none.
    pub fn authority(&self) -> Result<Authority, AuthorityError> {
        Authority::open(&self.authority_path())
    }

    /// Keeps an issued certificate and its key as `keys/NAME.pem` and `keys/NAME.key`, and says where.
    ///
    /// # Errors
    /// [`FoundError::Io`].
    pub fn keep(&self, name: &str, issued: &IssuedPem) -> Result<(PathBuf, PathBuf), FoundError> {
        let chain = self.write(&format!("keys/{name}.pem"), issued.chain.as_bytes())?;
        let key = self.write_private(&format!("keys/{name}.key"), issued.key.as_bytes())?;
        Ok((chain, key))
    }

    fn make(&self, sub: &str) -> Result<(), FoundError> {
        let path = self.dir.join(sub);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|source| FoundError::Io { path, source })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, FoundError> {
        self.write_with(name, bytes, 0o644)
    }

    fn write_private(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, FoundError> {
        self.write_with(name, bytes, 0o600)
    }

    fn write_with(&self, name: &str, bytes: &[u8], mode: u32) -> Result<PathBuf, FoundError> {
        let path = self.dir.join(name);
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&path)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(|source| FoundError::Io { path: path.clone(), source })?;
        Ok(path)
    }
}

fn configuration(founding: &Founding) -> String {
    let environment = match founding.environment {
        Phase::Trial => "trial",
        Phase::Production => "production",
    };
    format!(
        r#"# Configuration of a Kelisim gateway. Paths are relative to this file. `kelisim check-config` checks it.
environment = "{environment}"

[identity]
certificate = "keys/gateway.pem"
key = "keys/gateway.key"
subject_key = "keys/subject.key"

[trust]
anchors = "authority/root.pem"
issuing = ["authority/issuing.pem"]
crls = ["authority/crls.pem"]

[registry]
path = "registry.sqlite"

[log]
origin = "{origin}"
dir = "log"
keys = ["keys/log.key", "keys/log.ml-dsa.key"]
# Best on another disk than the log: it shows that the log went back.
last_checkpoint = "log.checkpoint"
# By which exchanges are found at once; the API searches in it.
index = "log.index"

[exchange]
listen = "{listen}"

[api]
listen = "{api}"

[operations]
listen = "{operations}"
{extra}"#,
        origin = founding.origin,
        listen = founding.listen,
        api = founding.api,
        operations = founding.operations,
        extra = founding.extra,
    )
}

/// The log's keys: the one that every reader knows, and one that outlasts a quantum computer.
const LOG_KEYS: [(&str, Scheme); 2] =
    [("log.key", Scheme::Ed25519), ("log.ml-dsa.key", Scheme::CosignatureMlDsa44)];
const POLICY: &str = "\
# Whose checkpoints of this log count (C2SP tlog-policy). Give it to whoever verifies the log, by a way that is not
# the log's own. Add the witnesses: `witness NAME KEY`, then `quorum NAME`.
";
