//! Whether the personal parts that one key sealed may be erased: as pruning, entry by entry.

use std::path::Path;

use jiff::Timestamp;
use memchr::memmem::Finder;

use super::{
    Archive, Blocks, KeepingError, Ledgered, Retention, Told, archive::segment_name, io_at, lock,
    retention::Glimpse,
};
use crate::exchange_log::{
    minimum::{NAME as MINIMUM, minimum_in},
    reader::{Leaves, Segment},
};

/// Why a key of personal parts, of a month that begins then, must stay, if it must: the first entry that is sealed with it
/// and is still kept. Segments that were pruned are read from the archive, which is opened if there are any.
///
/// # Errors
/// [`KeepingError`].
pub fn blocks_erasure(
    dir: &Path,
    (key, begins): (&str, Timestamp),
    archive: impl FnOnce() -> Result<Archive, KeepingError>,
    retention: &Retention,
    told: Told<'_>,
) -> Result<Option<Blocks>, KeepingError> {
    // No prune meanwhile: each segment is here or there.
    let _lock = lock(dir)?;
    let needle = format!("\"sealed\":\"{key}.");
    let sought = Sealed { needle: Finder::new(&needle), retention };
    let segments = Segment::list(dir).map_err(io_at(dir))?;
    for (at, segment) in segments.iter().enumerate() {
        told("segments looked through", at as u64, segments.len() as u64);
        let leaves = segment.leaves(0).map_err(io_at(&segment.path))?;
        if let Some(blocks) = sought.blocks(leaves, segment.first, &segment.path)? {
            return Ok(Some(blocks));
        }
    }
    let minimum = minimum_in(dir).map_err(io_at(&dir.join(MINIMUM)))?.map_or(0, |(_, minimum)| minimum.index);
    if minimum == 0 {
        return Ok(None);
    }
    let archive = archive()?;
    let mut ledger = Ledgered::read(dir)?;
    ledger.sort_by_key(|one| one.segment);
    ledger.retain(|one| one.segment < minimum);
    let mut next = 0;
    for (at, one) in ledger.iter().enumerate() {
        told("archived segments looked through", at as u64, ledger.len() as u64);
        if one.segment > next {
            break;
        }
        next = next.max(one.end);
        // What was archived before the month began holds nothing of it.
        if one.at < begins || segments.iter().any(|here| here.first == one.segment) {
            continue;
        }
        let name = segment_name(one.segment);
        let mut bytes = Vec::new();
        let found = archive.get(&name, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        if found != (one.bytes, one.sha256.clone()) {
            return Err(KeepingError::NotArchived { key: name });
        }
        if let Some(blocks) = sought.blocks(Leaves::of(bytes, 0), one.segment, Path::new(&name))? {
            return Ok(Some(blocks));
        }
    }
    Ok((next < minimum).then_some(Blocks::NotInLedger { index: next }))
}

/// What is looked for in a segment, wherever it is.
struct Sealed<'a> {
    needle: Finder<'a>,
    retention: &'a Retention,
}

impl Sealed<'_> {
    fn blocks(&self, mut leaves: Leaves, index: u64, path: &Path) -> Result<Option<Blocks>, KeepingError> {
        while let Some(leaf) = leaves.next_leaf().map_err(io_at(path))? {
            if self.needle.find(leaf).is_none() {
                continue;
            }
            let damaged = |_| KeepingError::Damaged { path: path.to_owned(), index };
            let entry: Glimpse<'_> = serde_json::from_slice(&leaf[1..]).map_err(damaged)?;
            if let Some(blocks) = self.retention.judge(&entry) {
                return Ok(Some(blocks));
            }
        }
        Ok(None)
    }
}
