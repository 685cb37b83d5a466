//! Trust from files: anchors, issuing authorities and revocation lists, read again when they change.
//!
//! Trust: whoever can write these files decides who may connect. A file that cannot be read leaves what was read
//! before in force, loudly; revocation lists then end by their own time, and what they settled is refused.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use certs::keys::{read_certificates, read_crls};
use certs::trust::{Trust, TrustAnchors, TrustSet};
use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::background::Background;
use crate::clock;
use crate::config::{Config, TrustConfig};
use crate::telemetry::chain;

/// Why trust cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Unreadable {
    path: PathBuf,
    reason: String,
}

/// The files that trust is read from.
#[derive(Debug, Clone)]
pub struct TrustFiles {
    anchors: PathBuf,
    issuing: Vec<PathBuf>,
    crls: Vec<PathBuf>,
    time_stamps: Option<PathBuf>,
}

/// What tells that a file is another one: changes within a clock tick show in size or inode.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp(Vec<Option<(SystemTime, u64, u64)>>);

/// How the newest look at the files went.
#[derive(Debug, Default)]
pub struct Reading(Mutex<Option<String>>);

impl Reading {
    /// Why they cannot be read, if they cannot.
    pub fn fault(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn went(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl TrustFiles {
    /// The files that a configuration names.
    pub fn of(config: &Config) -> Self {
        Self::named(&config.base, &config.trust)
    }

    /// The files that `trust` names, from the folder `base` on.
    pub fn named(base: &Path, trust: &TrustConfig) -> Self {
        let all = |paths: &[PathBuf]| paths.iter().map(|path| base.join(path)).collect();
        Self {
            anchors: base.join(&trust.anchors),
            issuing: all(&trust.issuing),
            crls: all(&trust.crls),
            time_stamps: trust.time_stamps.as_ref().map(|path| base.join(path)),
        }
    }

    /// Reads a trust set.
    ///
    /// # Errors
    /// [`Unreadable`] names the file. A revocation list that settles nothing is no error: what it would have settled
    /// is refused.
    pub fn load(&self, now: Timestamp) -> Result<TrustSet, Unreadable> {
        let anchors = TrustAnchors::from_pem(&read(&self.anchors)?, now);
        let anchors = anchors.map_err(|error| unreadable(&self.anchors, &error))?;
        let mut issuing = Vec::new();
        for path in &self.issuing {
            issuing.extend(read_certificates(&read(path)?).map_err(|error| unreadable(path, &error))?);
        }
        let mut crls = Vec::new();
        for path in &self.crls {
            crls.extend(read_crls(&read(path)?).map_err(|error| unreadable(path, &error))?);
        }
        let set = TrustSet::load(anchors, issuing, &crls);
        let mut set = set.map_err(|error| unreadable(&self.anchors, &error))?;
        if let Some(path) = &self.time_stamps {
            // Old signatures are stamped by authorities whose own time is over.
            let stamping = TrustAnchors::of_any_time_from_pem(&read(path)?);
            set = set.with_stamping(stamping.map_err(|error| unreadable(path, &error))?);
        }
        for unusable in set.unusable() {
            warn!(crl.index = unusable.index, fault = ?unusable.fault, "a revocation list settles nothing");
        }
        Ok(set)
    }

    /// Looks at the files every `pause`, and puts what changed since `seen` was taken into force.
    ///
    /// `seen` was taken before the set in force was loaded: what changed while it was being loaded is then not missed.
    /// How it goes is told to `reading`.
    pub fn follow(
        self,
        trust: Arc<Trust>,
        mut seen: Stamp,
        reading: Arc<Reading>,
        pause: Duration,
    ) -> Background {
        Background::every("trust", pause, move || self.look(&trust, &mut seen, &reading))
    }

    /// Tells these files from others at their places, by looking from outside.
    pub fn stamp(&self) -> Stamp {
        use std::os::unix::fs::MetadataExt;
        let files =
            std::iter::once(&self.anchors).chain(&self.issuing).chain(&self.crls).chain(&self.time_stamps);
        let stamp = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
        };
        Stamp(files.map(stamp).collect())
    }

    fn look(&self, trust: &Trust, seen: &mut Stamp, reading: &Reading) {
        let stamp = self.stamp();
        if stamp == *seen {
            // What could not be read may be again what is in force.
            return reading.went(None);
        }
        match self.load(clock::now()) {
            Ok(set) => {
                trust.replace(set);
                *seen = stamp;
                reading.went(None);
                info!(trust.generation = trust.generation(), "trust read again");
            }
            // Tried again at the next look.
            Err(error) => {
                let fault = chain(&error);
                // Once for each fault: the operations face goes on saying it.
                if reading.fault().as_ref() != Some(&fault) {
                    error!(error = %fault, "trust cannot be read; what was read before stays");
                }
                reading.went(Some(fault));
            }
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Unreadable> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Unreadable {
    Unreadable { path: path.to_owned(), reason: chain(error) }
}

#[cfg(test)]
mod tests {
    use certs::authority::Authority;

    use super::*;

    #[test]
    fn a_list_that_is_replaced_between_loading_and_following_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create(&dir.path().join("authority"), clock::now()).unwrap();
        let place = |name: &str| dir.path().join(name);
        let crls = |name: &str| std::fs::write(place(name), authority.crl_pem().unwrap()).unwrap();
        std::fs::write(place("anchors"), authority.anchors_pem().unwrap()).unwrap();
        std::fs::write(place("issuing"), authority.issuing_pem().unwrap()).unwrap();
        crls("crls");
        let files = TrustFiles {
            anchors: place("anchors"),
            issuing: vec![place("issuing")],
            crls: vec![place("crls")],
            time_stamps: None,
        };

        let reading = Reading::default();
        let mut seen = files.stamp();
        let trust = Trust::new(files.load(clock::now()).unwrap());
        crls("newer");
        std::fs::rename(place("newer"), place("crls")).unwrap();
        let before = trust.generation();
        files.look(&trust, &mut seen, &reading);
        assert_eq!(trust.generation(), before + 1);
        files.look(&trust, &mut seen, &reading);
        assert_eq!(trust.generation(), before + 1, "and read once");
    }

    #[test]
    fn a_list_that_was_cut_short_leaves_what_was_read_in_force_and_is_told_until_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create(&dir.path().join("authority"), clock::now()).unwrap();
        let (anchors, crls) = (authority.anchors_path(), dir.path().join("crls.pem"));
        let whole = authority.crl_pem().unwrap();
        std::fs::write(&crls, &whole).unwrap();
        let issuing = vec![authority.issuing_path()];
        let files = TrustFiles { anchors, issuing, crls: vec![crls.clone()], time_stamps: None };
        let (mut seen, reading) = (files.stamp(), Reading::default());
        let trust = Trust::new(files.load(clock::now()).unwrap());
        for damaged in [&whole[..whole.len() - 30], ""] {
            std::fs::write(&crls, damaged).unwrap();
            files.look(&trust, &mut seen, &reading);
            assert!(reading.fault().is_some_and(|fault| fault.contains("crls.pem")), "{:?}", reading.fault());
            assert_eq!(trust.generation(), 1, "what was read before stays");
        }
        std::fs::write(&crls, format!("{whole}\n")).unwrap();
        files.look(&trust, &mut seen, &reading);
        assert_eq!((reading.fault(), trust.generation()), (None, 2));
    }
}
