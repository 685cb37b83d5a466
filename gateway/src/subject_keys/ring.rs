//! The keys that the gateway hashes with. A period lasts until the next begins; then its key goes, and only both shares
//! together find what was hashed with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreements::almaty;
use arc_swap::ArcSwap;
use certs::keys::KeyError;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::share::Shares;
use super::{Begun, PERIODS};
use crate::background::Background;
use crate::clock;
use crate::exchange::subject::SubjectKey;
use crate::key_file;
use crate::telemetry::chain;

/// The keys of a gateway: the one that it has alone, and those that two parties made together.
pub struct SubjectKeys {
    /// Before any period began.
    alone: SubjectKey,
    dir: PathBuf,
    periods: ArcSwap<Vec<Period>>,
}

struct Period {
    from: Date,
    begins: Timestamp,
    key: SubjectKey,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The folder or the list of periods.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A period of that day was begun before.
    #[error("a period that begins on {0} has its key already")]
    Begun(Date),
    /// It would begin before today.
    #[error("a period cannot begin on {0}, which is over")]
    Over(Date),
}

impl SubjectKeys {
    /// A gateway's own key, and the keys of periods in a folder, which need not be there.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn open(alone: SubjectKey, dir: &Path) -> Result<Self, RingError> {
        let periods = ArcSwap::from_pointee(read(dir)?);
        Ok(Self { alone, dir: dir.to_owned(), periods })
    }

    /// The keyed hash of an identifier in a request received at `at`, with its period.
    pub fn hash(&self, at: Timestamp, identifier: &str) -> String {
        let periods = self.periods.load();
        match periods.iter().rfind(|period| period.begins <= at) {
            Some(period) => named(period.from, &period.key, identifier),
            None => self.alone.hash(identifier),
        }
    }

    /// The hashes that an identifier has under every key that is here: one for each period that is not over.
    pub fn hashes(&self, identifier: &str) -> Vec<String> {
        let periods = self.periods.load();
        let of_periods = periods.iter().map(|period| named(period.from, &period.key, identifier));
        std::iter::once(self.alone.hash(identifier)).chain(of_periods).collect()
    }

    /// Begins a period: its key is put where the gateway finds it, and what it is known by into the list.
    ///
    /// # Errors
    /// [`RingError`]; nothing was begun.
    pub fn begin(dir: &Path, shares: &Shares, today: Date) -> Result<Begun, RingError> {
        let from = shares.from();
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| RingError::Io { path, source }
        };
        if from < today {
            return Err(RingError::Over(from));
        }
        fs::create_dir_all(dir).map_err(at(dir))?;
        let list = dir.join(PERIODS);
        let mut begun = Begun::list(dir).map_err(at(&list))?;
        let (one, path) = (Begun { from, check: shares.check() }, key_path(dir, from));
        match begun.iter().find(|known| known.from == from) {
            // As after a crash between the two.
            Some(known) if *known == one && !path.exists() => {}
            Some(_) => return Err(RingError::Begun(from)),
            None => begun.push(one.clone()),
        }
        let lines: Result<Vec<_>, _> = begun.iter().map(serde_json::to_string).collect();
        let lines = lines.map_err(|error| at(&list)(error.into()))?.join("\n") + "\n";
        // The list first: a key that is in no list would never be searched for.
        crate::exchange_log::replace(&list, lines.as_bytes()).map_err(at(&list))?;
        key_file::write_new(&path, &shares.secret()).map_err(at(&path))?;
        Ok(one)
    }

    /// Takes new keys in, and removes those whose period is over, now and then.
    pub fn follow(self: &Arc<Self>, pause: Duration) -> Background {
        let keys = Arc::clone(self);
        let mut troubled = false;
        Background::every("subject-keys", pause, move || match keys.refresh(clock::now()) {
            Ok(()) => troubled = false,
            Err(error) => {
                if !std::mem::replace(&mut troubled, true) {
                    warn!(error = %chain(&error), "the keys of subjects' hashes are as they were: {error}");
                }
            }
        })
    }

    /// Takes new keys in, and removes those whose period is over at `now`.
    ///
    /// # Errors
    /// [`RingError`]; the keys are as they were.
    pub fn refresh(&self, now: Timestamp) -> Result<(), RingError> {
        let periods = read(&self.dir)?;
        let ended = |next: &Period| next.begins + GRACE <= now;
        let gone = periods.iter().skip(1).take_while(|next| ended(next)).count();
        for period in &periods[..gone] {
            let path = key_path(&self.dir, period.from);
            fs::remove_file(&path).map_err(|source| RingError::Io { path, source })?;
            info!("the key of subjects' hashes from {} on is gone: its period is over", period.from);
        }
        let rest: Vec<Period> = periods.into_iter().skip(gone).collect();
        self.periods.store(Arc::new(rest));
        Ok(())
    }
}

/// A hash with the period of its key, as entries have it.
pub(super) fn named(from: Date, key: &SubjectKey, identifier: &str) -> String {
    format!("{from}.{}", key.hash(identifier))
}

impl Shares {
    /// The hash that entries of the period have of an identifier.
    pub fn hash(&self, identifier: &str) -> String {
        named(self.from(), &self.key(), identifier)
    }
}

fn read(dir: &Path) -> Result<Vec<Period>, RingError> {
    let at = |source| RingError::Io { path: dir.to_owned(), source };
    let listed = match fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(error)),
    };
    let mut periods = Vec::new();
    for entry in listed {
        let name = entry.map_err(at)?.file_name();
        let from = name.to_str().and_then(|name| name.strip_suffix(".key")?.parse::<Date>().ok());
        let Some(from) = from else { continue };
        let key = SubjectKey::from_file(&key_path(dir, from))?;
        // The day begins where people live by it.
        let Ok(begins) = from.to_zoned(almaty()) else { continue };
        periods.push(Period { from, begins: begins.timestamp(), key });
    }
    periods.sort_by_key(|period| period.from);
    Ok(periods)
}

fn key_path(dir: &Path, from: Date) -> PathBuf {
    dir.join(format!("{from}.key"))
}

/// A request that was received before a period ended may be written so much later: the longest transfer that can be
/// configured, and an hour.
const GRACE: SignedDuration = SignedDuration::from_hours(25);

#[cfg(test)]
mod tests {
    use super::super::{Party, Share};
    use super::*;

    fn shares(from: &str) -> Shares {
        let share = |party| Share::fresh(from.parse().unwrap(), party).unwrap();
        Shares::pair(vec![share(Party::Operator), share(Party::Regulator)]).unwrap().remove(0)
    }

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00+05:00").parse().unwrap()
    }

    /// D4: each period has a key of its own, which only both shares find when it is over.
    #[test]
    fn what_a_period_hashed_is_found_by_both_shares_when_its_key_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let keys = SubjectKeys::open(SubjectKey::new(b"alone"), dir.path()).unwrap();
        let (first, second) = (shares("2026-11-01"), shares("2026-12-01"));
        for one in [&first, &second] {
            SubjectKeys::begin(dir.path(), one, "2026-10-15".parse().unwrap()).unwrap();
        }
        keys.refresh(at("2026-10-31")).unwrap();
        let hash = |day: &str| keys.hash(at(day), "860101300126");
        assert_eq!(hash("2026-10-31"), SubjectKey::new(b"alone").hash("860101300126"));
        let (november, december) = (hash("2026-11-15"), hash("2026-12-02"));
        assert_eq!((&november, &december), (&first.hash("860101300126"), &second.hash("860101300126")));
        assert!(november.starts_with("2026-11-01.") && november.len() == 75, "{november}");

        // An upload that began in November may end now.
        keys.refresh(at("2026-12-01")).unwrap();
        assert_eq!(hash("2026-11-30"), first.hash("860101300126"));
        keys.refresh(at("2026-12-02")).unwrap();
        let left: Vec<_> = read(dir.path()).unwrap().iter().map(|period| period.from.to_string()).collect();
        assert_eq!(left, ["2026-12-01"], "the key of November is nowhere any more");
        assert_eq!(keys.hash(at("2026-12-03"), "860101300126"), second.hash("860101300126"));
        let begun = Begun::list(dir.path()).unwrap();
        assert_eq!(begun.iter().map(|one| &one.check).collect::<Vec<_>>(), [&first.check(), &second.check()]);
    }

    /// D4
    #[test]
    fn a_period_whose_key_was_half_written_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let keys = SubjectKeys::open(SubjectKey::new(b"alone"), dir.path()).unwrap();
        SubjectKeys::begin(dir.path(), &shares("2026-11-01"), "2026-10-15".parse().unwrap()).unwrap();
        fs::write(key_path(dir.path(), "2026-11-01".parse().unwrap()), []).unwrap();
        let error = keys.refresh(at("2026-11-02")).unwrap_err().to_string();
        assert!(error.contains("2026-11-01.key"), "{error}");
        assert!(SubjectKeys::open(SubjectKey::new(b"alone"), dir.path()).is_err());
    }

    #[test]
    fn a_period_begins_once_and_not_in_the_past() {
        let dir = tempfile::tempdir().unwrap();
        let today = "2026-11-22".parse().unwrap();
        let begin = |from: &str| SubjectKeys::begin(dir.path(), &shares(from), today);
        assert!(matches!(begin("2026-11-21"), Err(RingError::Over(_))));
        begin("2026-11-22").unwrap();
        assert!(matches!(begin("2026-11-22"), Err(RingError::Begun(_))));
    }
}
