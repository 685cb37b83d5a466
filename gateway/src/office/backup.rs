//! Backup and restore of a data folder: the registry as it is at one moment, documents, configuration and trust.
//!
//! Not the exchange log, which is archived by segments; and private keys only where that is asked for. Trust: digests
//! find damage, not intent; whoever can write a backup can write another one, but no signature under an agreement.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use agreements::Fingerprint;
use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::restored::Restored;
use crate::clock;
use crate::config::Config;
use crate::exchange_log::LogEnd;
use crate::registry::sqlite::{self, SqliteStore};
use crate::registry::{Chain, Commands, Failure, Store, StoreError};

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the backup: 1.
    pub format: u32,
    /// When it was begun.
    pub made_at: Timestamp,
    /// The program's version.
    pub program: String,
    /// The registry's file among `files`.
    pub registry: PathBuf,
    /// The registry's newest event.
    pub revision: u64,
    /// Its hash, which binds all before it, in hexadecimal.
    pub hash: String,
    /// Every file, relative to the data folder.
    pub files: Vec<Kept>,
    /// What the folder needs and the backup does not hold.
    pub left_out: Vec<LeftOut>,
    /// How far the exchange log was, which the backup does not hold; absent if there was none.
    #[serde(default)]
    pub log: Option<Restored>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Where in the data folder.
    pub path: PathBuf,
    /// How long.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Something that a backup does not hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Where it is.
    pub path: PathBuf,
    /// Why it was left out.
    pub why: String,
    /// How it comes back after a restore; empty in backups of earlier versions.
    #[serde(default)]
    pub bring: String,
}

/// Whether private keys go into a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateKeys {
    /// They do not: whoever restores brings them, or makes new ones.
    LeftOut,
    /// They do: the backup is as secret as they are.
    Kept,
}

/// Why a backup was not made or not restored. Nothing was put where a data folder should be.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something already.
    #[error("{0} is not empty")]
    NotEmpty(PathBuf),
    /// It has no manifest that can be read.
    #[error("{0} holds no whole backup")]
    NoBackup(PathBuf),
    /// A file is not what the manifest says.
    #[error("{0} is damaged or missing in the backup")]
    Damaged(PathBuf),
    /// The registry is not the one that the manifest names.
    #[error("the backup's registry ends with another event than revision {0} of its manifest")]
    OtherRegistry(u64),
    /// A file cannot be read or written.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The registry.
    #[error(transparent)]
    Registry(#[from] Failure),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Registry(error.into())
    }
}

/// Hears what is done, how much of it, and how much there is.
pub type Told<'t> = &'t mut dyn FnMut(&str, u64, u64);

impl Manifest {
    /// Backs up the folder of a configuration that stands at `config_file`, while others work on it.
    ///
    /// # Errors
    /// [`BackupError`]: what was written to `to` is no backup.
    pub fn back_up(
        config: &Config,
        config_file: &Path,
        to: &Path,
        keys: PrivateKeys,
        told: Told<'_>,
    ) -> Result<Self, BackupError> {
        empty(to)?;
        make_dir(&to.join(FILES))?;
        let mut copying = Copying { base: &config.base, to: to.join(FILES), manifest: Self::begun() };
        let log_dir = config.path(&config.log.dir);
        // Before the registry: what it says of the log is true of any later moment too.
        let LogEnd { entries, .. } = LogEnd::of(&log_dir).map_err(at(&log_dir))?;
        copying.manifest.log = Restored::known(config, entries, copying.manifest.made_at);
        copying.registry(config, told)?;
        for (name, path) in inside(&config.base, Path::new(""))? {
            let is_database = name.extension().is_some_and(|end| end == "sqlite");
            if is_database && name != copying.manifest.registry {
                copying.database(&path, told)?;
            }
        }
        copying.file(config_file)?;
        // Public, and made by `init`: without it nobody verifies signatures of the log.
        if config.base.join(POLICY).is_file() {
            copying.file(&config.base.join(POLICY))?;
        }
        let national = &config.national_signatures;
        for trust in std::iter::once(&config.trust).chain(&national.trust) {
            let anchors = std::iter::once(&trust.anchors);
            for path in anchors.chain(&trust.issuing).chain(&trust.crls).chain(&trust.time_stamps) {
                copying.file(&config.path(path))?;
            }
        }
        copying.file(&config.path(&config.identity.certificate))?;
        let (api, log) = (&config.api, &config.log);
        for certificate in api.certificate.iter().chain(&national.certificate) {
            copying.file(&config.path(certificate))?;
        }
        copying.other_database(&config.path(&api.access), told)?;
        copying.named_folder(&config.path(&api.depositary), "documents", told)?;
        let identity = &config.identity;
        let files = [&identity.key, &identity.subject_key].into_iter().chain(&api.key).chain(&national.key);
        let files = files.chain(&log.keys);
        let folders = [&identity.subject_keys, &log.keeping.personal_keys];
        match keys {
            PrivateKeys::Kept => {
                for path in files.chain([&config.registry.snapshot_key]) {
                    copying.file(&config.path(path))?;
                }
                for path in folders {
                    copying.named_folder(&config.path(path), "keys", told)?;
                }
                copying.folder(Path::new("keys"), "keys", told)?;
                copying.folder(Path::new("authority"), "the trial authority", told)?;
            }
            PrivateKeys::LeftOut => {
                // The snapshots' key is made anew where there is none.
                for path in files {
                    copying.left_out(&config.path(path), Lack::Key);
                }
                for path in folders.map(|path| config.path(path)) {
                    if path.is_dir() {
                        copying.left_out(&path, Lack::Keys);
                    }
                }
                if config.base.join("authority").is_dir() {
                    copying.left_out(&config.base.join("authority"), Lack::Authority);
                }
            }
        }
        copying.left_out(&log_dir, Lack::Log);
        for (path, lack) in [
            (&log.searches, Lack::Journal),
            (&log.keeping.journal, Lack::Journal),
            (&config.repeats.path, Lack::Repeats),
        ] {
            if config.path(path).exists() {
                copying.left_out(&config.path(path), lack);
            }
        }
        let manifest = copying.manifest;
        let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from);
        let path = to.join(MANIFEST);
        // A backup from here on: whatever stops before this leaves none.
        text.and_then(|text| write_new(&path, &mut text.as_slice())).map_err(at(&path))?;
        sync_dir(to)?;
        Ok(manifest)
    }

    /// Puts a backup where a new data folder is to be, after every digest, every link of the registry's chain and every
    /// event was checked.
    ///
    /// # Errors
    /// [`BackupError`]: there is nothing in `dir`.
    pub fn restore(from: &Path, dir: &Path, told: Told<'_>) -> Result<Self, BackupError> {
        empty(dir)?;
        let text = fs::read(from.join(MANIFEST)).map_err(|_| BackupError::NoBackup(from.to_owned()))?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|_| BackupError::NoBackup(from.to_owned()))?;
        let is_named = |kept: &Kept| kept.path == manifest.registry;
        let climbs = manifest.files.iter().any(|kept| !plain(&kept.path));
        if manifest.format != FORMAT || climbs || !manifest.files.iter().any(is_named) {
            return Err(BackupError::NoBackup(from.to_owned()));
        }
        let mut name = dir.file_name().unwrap_or_default().to_owned();
        name.push(format!(".restoring-{}", std::process::id()));
        let beside = Beside(dir.with_file_name(name));
        make_dir(&beside.0)?;
        let all = manifest.files.len() as u64;
        for (done, kept) in (0..).zip(&manifest.files) {
            told("checking and copying files", done, all);
            let (source, target) = (from.join(FILES).join(&kept.path), beside.0.join(&kept.path));
            make_dir(target.parent().unwrap_or(&beside.0))?;
            let is_file = fs::symlink_metadata(&source).is_ok_and(|metadata| metadata.is_file());
            let mut file =
                File::open(&source).ok().filter(|_| is_file).ok_or(BackupError::Damaged(source.clone()))?;
            let (bytes, sha256) = write_new(&target, &mut file).map_err(at(&target))?;
            if (bytes, &sha256) != (kept.bytes, &kept.sha256) {
                return Err(BackupError::Damaged(source));
            }
        }
        let registry = beside.0.join(&manifest.registry);
        told("checking the registry", 0, manifest.revision);
        let mut store = SqliteStore::open(&registry)?;
        let found = end_of(&mut store)?;
        if found != (Chain { revision: manifest.revision, hash: found.hash.clone() })
            || hex(&found.hash) != manifest.hash
        {
            return Err(BackupError::OtherRegistry(manifest.revision));
        }
        drop(Commands::open(Box::new(store))?);
        if let Some(log) = &manifest.log {
            log.leave(&beside.0).map_err(at(&beside.0))?;
        }
        // Nothing stood at the place until here, and all of it does after.
        let _ = fs::remove_dir(dir);
        fs::rename(&beside.0, dir).map_err(at(dir))?;
        sync_dir(dir.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")))?;
        Ok(manifest)
    }

    fn begun() -> Self {
        Self {
            format: FORMAT,
            made_at: clock::now(),
            program: env!("CARGO_PKG_VERSION").into(),
            registry: PathBuf::new(),
            revision: 0,
            hash: String::new(),
            files: Vec::new(),
            left_out: Vec::new(),
            log: None,
        }
    }
}

struct Copying<'c> {
    base: &'c Path,
    to: PathBuf,
    manifest: Manifest,
}

impl Copying<'_> {
    fn registry(&mut self, config: &Config, told: Told<'_>) -> Result<(), BackupError> {
        let path = config.path(&config.registry.path);
        self.manifest.registry = self.database(&path, told)?;
        let copy = self.to.join(&self.manifest.registry);
        let mut store = SqliteStore::open(&copy)?;
        let mut chain = Chain::default();
        let newest = store.revision()?;
        while store.skim(&mut chain, LINKS)? > 0 {
            told("checking the copy of the registry", chain.revision, newest);
        }
        drop(store);
        (self.manifest.revision, self.manifest.hash) = (chain.revision, hex(&chain.hash));
        self.digested(&copy, self.manifest.registry.clone())
    }

    /// Copies a database, and says where it stands; the registry is digested after it was opened once more.
    fn database(&mut self, path: &Path, told: Told<'_>) -> Result<PathBuf, BackupError> {
        let Some(name) = self.name(path) else {
            // A backup without its registry is none; the folder of the others is this one.
            let source = io::Error::other("stands outside the data folder: back it up there");
            return Err(BackupError::Io { path: path.to_owned(), source });
        };
        let copy = self.to.join(&name);
        make_dir(copy.parent().unwrap_or(&self.to))?;
        let what = format!("copying {}", name.display());
        sqlite::copy(path, &copy, &mut |done, all| told(&what, done, all))?;
        let is_registry = self.manifest.registry == Path::new("");
        if !is_registry {
            self.digested(&copy, name.clone())?;
        }
        Ok(name)
    }

    /// Copies a database that a backup may lack, unless it was copied before.
    fn other_database(&mut self, path: &Path, told: Told<'_>) -> Result<(), BackupError> {
        match self.name(path) {
            None => self.left_out(path, Lack::Outside),
            Some(_) if !path.is_file() => {}
            Some(name) if self.manifest.files.iter().any(|kept| kept.path == name) => {}
            Some(_) => drop(self.database(path, told)?),
        }
        Ok(())
    }

    /// Copies a folder that the configuration names.
    fn named_folder(&mut self, path: &Path, what: &str, told: Told<'_>) -> Result<(), BackupError> {
        match self.name(path) {
            Some(name) => self.folder(&name, what, told),
            None => {
                self.left_out(path, Lack::Outside);
                Ok(())
            }
        }
    }

    fn folder(&mut self, folder: &Path, what: &str, told: Told<'_>) -> Result<(), BackupError> {
        let mut left = vec![folder.to_owned()];
        let mut done = 0;
        while let Some(folder) = left.pop() {
            for (name, path) in inside(self.base, &folder)? {
                if path.is_dir() {
                    left.push(name);
                    continue;
                }
                // Begun by somebody who has not finished it.
                let partial = name.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                if !partial {
                    self.file(&path)?;
                }
                done += 1;
                told(what, done, done);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), BackupError> {
        let Some(name) = self.name(path) else {
            self.left_out(path, Lack::Outside);
            return Ok(());
        };
        if self.manifest.files.iter().any(|kept| kept.path == name) {
            return Ok(());
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.left_out(path, Lack::Absent);
                return Ok(());
            }
            Err(error) => return Err(at(path)(error)),
        };
        let target = self.to.join(&name);
        make_dir(target.parent().unwrap_or(&self.to))?;
        let (bytes, sha256) = write_new(&target, &mut file).map_err(at(&target))?;
        self.manifest.files.push(Kept { path: name, bytes, sha256 });
        Ok(())
    }

    fn digested(&mut self, copy: &Path, name: PathBuf) -> Result<(), BackupError> {
        let mut file = File::open(copy).map_err(at(copy))?;
        let (bytes, sha256) = pour(&mut file, &mut io::sink()).map_err(at(copy))?;
        self.manifest.files.push(Kept { path: name, bytes, sha256 });
        Ok(())
    }

    fn left_out(&mut self, path: &Path, lack: Lack) {
        let path = self.name(path).unwrap_or_else(|| path.to_owned());
        let (why, bring) = lack.words();
        self.manifest.left_out.push(LeftOut { path, why: why.into(), bring: bring.into() });
    }

    /// Where in the data folder a file stands, if it does.
    fn name(&self, path: &Path) -> Option<PathBuf> {
        let name = path.strip_prefix(self.base).ok()?;
        plain(name).then(|| name.to_owned())
    }
}

/// Why a backup does not hold something.
#[derive(Debug, Clone, Copy)]
enum Lack {
    Outside,
    Absent,
    Key,
    Keys,
    Authority,
    Log,
    Journal,
    Repeats,
}

impl Lack {
    /// Why it was left out, and how it comes back after a restore.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Outside => {
                ("stands outside the data folder: back it up there", "put it back there from its own backup")
            }
            Self::Absent => ("was not there", "it was not there when the backup was made: see check-config"),
            Self::Key => {
                ("a private key: copy it by a way of its own", "put your copy of it here, with mode 600")
            }
            Self::Keys => (
                "holds keys: copy them by a way of their own",
                "put your copy of it here, its files with mode 600",
            ),
            Self::Authority => (
                "holds private keys of the trial authority",
                "put your copy of it here; without it no certificate is issued or revoked",
            ),
            Self::Log => (
                "the exchange log: archive its segments, and copy its folder elsewhere",
                "put the newest copy of the log's folder here; the gateway does not start without it. If there is none, \
                 name a new log with log.origin",
            ),
            Self::Journal => (
                "a journal that belongs to the log: copy it with the log's folder",
                "put it back with the log's folder; without it a new one begins",
            ),
            Self::Repeats => (
                "what became of requests under idempotency keys: never restored, since an older one has forgotten some",
                "nothing is to be put here: repeats of requests from before are first requests",
            ),
        }
    }
}

/// A folder beside the place where its content will be; gone with this, unless it was moved there.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // Gone already where all went well.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn end_of(store: &mut SqliteStore) -> Result<Chain, StoreError> {
    let revision = store.revision()?;
    Ok(Chain { revision, hash: store.hash(revision)? })
}

/// Neither absolute nor climbing: a name inside a folder.
fn plain(path: &Path) -> bool {
    path != Path::new("") && path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn inside(base: &Path, folder: &Path) -> Result<Vec<(PathBuf, PathBuf)>, BackupError> {
    let dir = base.join(folder);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&dir)(error)),
    };
    let named = |entry: io::Result<fs::DirEntry>| {
        entry.map(|entry| (folder.join(entry.file_name()), entry.path())).map_err(at(&dir))
    };
    let mut all = entries.map(named).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    Ok(all)
}

fn empty(dir: &Path) -> Result<(), BackupError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::NotEmpty(dir.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(dir)(error)),
    }
}

fn make_dir(dir: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))
}

fn write_new(path: &Path, from: &mut dyn Read) -> io::Result<(u64, String)> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let digested = pour(from, &mut file)?;
    file.sync_all()?;
    Ok(digested)
}

fn pour(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<(u64, String)> {
    let (mut digest, mut bytes, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 16]);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex(digest.finish().as_ref())));
        }
        digest.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

fn sync_dir(dir: &Path) -> Result<(), BackupError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

fn hex(bytes: &[u8]) -> String {
    <[u8; 32]>::try_from(bytes).map_or_else(|_| String::new(), |bytes| Fingerprint::new(bytes).to_string())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}

const FORMAT: u32 = 1;
const POLICY: &str = "log.policy";
const MANIFEST: &str = "manifest.json";
const FILES: &str = "files";
/// Links checked between two words about it.
const LINKS: usize = 10_000;
