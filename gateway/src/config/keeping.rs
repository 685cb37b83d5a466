//! How long the record is kept, and where it goes.

use std::collections::BTreeMap;
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
            journal: "keeping.jsonl".into(),
        }
    }
}

impl KeepingSettings {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("keeping.archive_hours", self.archive_hours, 0..=8_760)?;
        within("keeping.years", self.years.into(), 1..=200)?;
        self.categories.values().try_for_each(|years| within("keeping.categories", (*years).into(), 0..=200))
    }
}
