//! Whether the personal parts that one key sealed may be erased: as pruning, entry by entry.

use std::path::Path;

use super::{Blocks, KeepingError, Retention, Told, io_at, retention::Glimpse};
use crate::exchange_log::reader::Segment;

/// Why a key of personal parts must stay, if it must: the first entry that is sealed with it and is still kept.
///
/// # Errors
/// [`KeepingError`].
pub fn blocks_erasure(
    dir: &Path,
    key: &str,
    retention: &Retention,
    told: Told<'_>,
) -> Result<Option<Blocks>, KeepingError> {
    let needle = format!("\"sealed\":\"{key}.");
    let needle = memchr::memmem::Finder::new(&needle);
    let segments = Segment::list(dir).map_err(io_at(dir))?;
    for (at, segment) in segments.iter().enumerate() {
        told("segments looked through", at as u64, segments.len() as u64);
        let path = &segment.path;
        let mut leaves = segment.leaves(0).map_err(io_at(path))?;
        while let Some(leaf) = leaves.next_leaf().map_err(io_at(path))? {
            if needle.find(leaf).is_none() {
                continue;
            }
            let damaged = |_| KeepingError::Damaged { path: path.clone(), index: segment.first };
            let entry: Glimpse<'_> = serde_json::from_slice(&leaf[1..]).map_err(damaged)?;
            if let Some(blocks) = retention.judge(&entry) {
                return Ok(Some(blocks));
            }
        }
    }
    Ok(None)
}
