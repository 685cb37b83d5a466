//! Keys of subjects' hashes, by period, in two hands together (D4).
//!
//! ```text
//! share   what the operator and the regulator each hold of a period's key, and the key that both make
//! ring    the keys that the gateway hashes with: made from both shares, gone when their period is over
//! ```
//!
//! Trust: whoever has both shares of a period, or reads the gateway's ring while the period lasts, can test whether an
//! identifier is meant by an entry of that period. Either share alone tells nothing.

mod ring;
mod share;

pub use ring::{RingError, SubjectKeys};
pub use share::{Party, Share, ShareError, Shares};

use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A period as it was begun: from when on, and by what its key is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The first day.
    pub from: Date,
    /// What only the right shares lead to; it tells nothing of them.
    pub check: String,
}

impl Begun {
    /// The periods that were begun in a folder, oldest first.
    ///
    /// # Errors
    /// The list cannot be read.
    pub fn list(dir: &Path) -> std::io::Result<Vec<Self>> {
        let text = match std::fs::read_to_string(dir.join(PERIODS)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut begun: Vec<Self> =
            text.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(std::io::Error::from)?;
        begun.sort_by_key(|one| one.from);
        Ok(begun)
    }
}

/// The list of periods, beside their keys.
const PERIODS: &str = "periods.jsonl";
