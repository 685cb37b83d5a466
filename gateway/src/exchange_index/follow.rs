//! The thread that keeps the index up with the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::index::{Index, IndexError};
use crate::background::Background;
use crate::personal::PersonalKeys;
use crate::telemetry::chain;

/// Keeps an index up with a log, at its own pace. Dropping it ends it.
#[derive(Debug)]
pub struct IndexFollower {
    _thread: Background,
}

impl IndexFollower {
    /// Follows the log in `log` with the index at `path`. What goes wrong is said once, and tried again: exchanges do not
    /// wait for an index.
    pub fn start(path: PathBuf, log: PathBuf, personal: Arc<PersonalKeys>, pause: Duration) -> Self {
        let mut index: Option<Index> = None;
        let mut troubled = false;
        let thread = Background::every("exchange-index", pause, move || {
            match step(&mut index, &path, &log, &personal) {
                Ok(()) => {
                    if std::mem::take(&mut troubled) {
                        info!("the exchange index follows the log again");
                    }
                }
                Err(error) => {
                    index = None;
                    if !std::mem::replace(&mut troubled, true) {
                        warn!(error = %chain(&error), "the exchange index does not follow the log");
                    }
                }
            }
        });
        Self { _thread: thread }
    }
}

/// Takes in a bounded part, so that a stop is not kept waiting.
fn step(
    index: &mut Option<Index>,
    path: &Path,
    log: &Path,
    personal: &Arc<PersonalKeys>,
) -> Result<(), IndexError> {
    let index = match index {
        Some(index) => index,
        None => index.insert(Index::open(path, log)?.with(Arc::clone(personal))),
    };
    index.take_in(BATCH)?;
    Ok(())
}

/// Entries at once.
const BATCH: usize = 20_000;
