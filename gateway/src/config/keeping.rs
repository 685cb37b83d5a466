//! How long the record is kept, and where it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use agreements::Category;
use serde::Deserialize;

use super::within;

/// How long the exchange log is kept, and its archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepingSettings {
    /// The archive's folder, best on another machine's disk. Default: `archive`.
    pub archive: PathBuf,
    /// How often complete parts of the log go there, in hours; 0: only by `kelisim log archive`. Default: 24.
    pub archive_hours: u64,
    /// How many years each entry is kept at least, also refused calls, which no agreement speaks of. Default: 5.
    pub years: u16,
    /// More years for categories of data, such as `{ confidential = 10 }`; the longest counts of these, `years` and the agreement's own. Default: none.
    pub categories: BTreeMap<Category, u16>,
    /// Categories of data whose entries have official, address and case sealed under keys that can be destroyed (`kelisim log erase`); if any, refused calls too. Default: none.
    pub erasable: BTreeSet<Category>,
    /// The folder of those keys; in no backup that outlives them. Default: `keys/personal`.
    pub personal_keys: PathBuf,
    /// Where it is written down who archived, pruned, restored or erased what. Default: `keeping.jsonl`.
    pub journal: PathBuf,
}

impl Default for KeepingSettings {
    fn default() -> Self {
        Self {
            archive: "archive".into(),
            archive_hours: 24,
            years: 5,
            categories: BTreeMap::new(),
            erasable: BTreeSet::new(),
            personal_keys: "keys/personal".into(),
            journal: "keeping.jsonl".into(),
        }
    }
}

impl KeepingSettings {
    /// The classes of entries whose personal parts are sealed.
    pub fn classes(&self) -> BTreeSet<String> {
        let word = |category: &Category| serde_json::to_value(category).ok()?.as_str().map(str::to_owned);
        let named: BTreeSet<String> = self.erasable.iter().filter_map(word).collect();
        let refused = (!named.is_empty()).then(|| crate::exchange::REFUSED.to_owned());
        named.into_iter().chain(refused).collect()
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("keeping.archive_hours", self.archive_hours, 0..=8_760)?;
        within("keeping.years", self.years.into(), 1..=200)?;
        self.categories.values().try_for_each(|years| within("keeping.categories", (*years).into(), 0..=200))
    }
}
