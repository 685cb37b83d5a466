//! Pruning: what is in the archive, and need be kept here no longer, goes (C2SP `tlog-tiles`, pruning).
//!
//! Removed are segments, bundles and tiles of leaf hashes before the new minimum index, which is declared first. Higher
//! tiles stay: they are small, and with them every proof and root of what remains is made as before.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    Archive, Blocks, Complete, KeepingError, Ledgered, Retention, Told, archive::segment_name, checkpoint_in,
    io_at, lock, retention::Glimpse,
};
use crate::exchange_log::{
    disk::{replace, sync_dir},
    minimum::{MinimumIndex, NAME as MINIMUM, minimum_in},
    sealer::{COSIGNED, DURABLE},
};
use crate::transparency::{BUNDLE_ENTRIES, TilePath, key::SigningKey};

/// What a prune is made with.
pub struct Pruning<'a> {
    /// The log's name.
    pub origin: &'a str,
    /// The log's keys, which sign the declaration.
    pub keys: &'a [SigningKey],
    /// Where everything must be before it goes.
    pub archive: &'a Archive,
    /// How long what is kept.
    pub retention: &'a Retention,
    /// Whether there are witnesses, who must have seen what goes: else they could not follow.
    pub witnessed: bool,
    /// Now.
    pub at: Timestamp,
    /// Who prunes.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What was pruned, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// The minimum index before.
    pub from: u64,
    /// The minimum index after.
    pub to: u64,
    /// Segments that went, by their first entries.
    pub segments: Vec<u64>,
    /// Bytes that went with them, bundles and tiles too.
    pub bytes: u64,
    /// Why the next segment stays.
    pub blocks: Option<Blocks>,
}

/// What would go now.
///
/// # Errors
/// [`KeepingError`].
pub fn plan(dir: &Path, pruning: &Pruning<'_>, told: Told<'_>) -> Result<Pruned, KeepingError> {
    let from = minimum_in(dir).map_err(io_at(&dir.join(MINIMUM)))?.map_or(0, |(_, minimum)| minimum.index);
    // Up to where tiles are durable: behind that a crash may make the sealer read segments again.
    let mut seen = checkpoint_in(dir, DURABLE)?.map_or(0, |checkpoint| checkpoint.size);
    if pruning.witnessed {
        seen = seen.min(checkpoint_in(dir, COSIGNED)?.map_or(0, |checkpoint| checkpoint.size));
    }
    let ledger = Ledgered::read(dir)?;
    let complete = Complete::list(dir)?;
    let mut pruned = Pruned { from, to: from, segments: Vec::new(), bytes: 0, blocks: None };
    for (at, one) in complete.iter().enumerate() {
        told("segments looked through", at as u64, complete.len() as u64);
        let index = one.segment.first;
        if let Some(blocks) = blocks(one, seen, &ledger, pruning)? {
            pruned.blocks = Some(blocks);
            return Ok(pruned);
        }
        pruned.segments.push(index);
        pruned.bytes += size_of(&one.segment.path)?;
        pruned.to = pruned.to.max(one.end);
    }
    pruned.blocks = Some(Blocks::Newest { index: pruned.to });
    Ok(pruned)
}

/// Prunes what may go.
///
/// # Errors
/// [`KeepingError`]. What was declared may have gone in part: the next prune completes it.
pub fn prune(dir: &Path, pruning: &Pruning<'_>, told: Told<'_>) -> Result<Pruned, KeepingError> {
    let _lock = lock(dir)?;
    let mut pruned = plan(dir, pruning, told)?;
    // What an interrupted prune left may be held by now: then it stays, though it was declared.
    let left = Complete::list(dir)?.into_iter().map(|one| one.segment.first);
    if left.take_while(|first| *first < pruned.from).any(|first| !pruned.segments.contains(&first)) {
        return Ok(Pruned { to: pruned.from, segments: Vec::new(), bytes: 0, ..pruned });
    }
    let going = going(dir, pruned.from, pruned.to)?;
    // Everything is read back from the archive before anything is declared.
    for (at, (name, path)) in going.iter().enumerate() {
        told("files found in the archive", at as u64, going.len() as u64);
        pruning.archive.holds(name, path)?;
    }
    if pruned.to > pruned.from {
        declare(
            dir,
            pruning.keys,
            &MinimumIndex {
                origin: pruning.origin.to_owned(),
                index: pruned.to,
                at: pruning.at,
                by: one_line(pruning.by),
                reason: one_line(pruning.reason),
            },
        )?;
    }
    // Durable from here: a crash leaves more than was declared, which the next prune removes.
    pruned.bytes = 0;
    for (_, path) in &going {
        pruned.bytes += remove(path)?;
    }
    sync_dir(dir).map_err(io_at(dir))?;
    Ok(pruned)
}

/// Signs a declaration and puts it into the folder.
pub(super) fn declare(dir: &Path, keys: &[SigningKey], minimum: &MinimumIndex) -> Result<(), KeepingError> {
    let path = dir.join(MINIMUM);
    let note = minimum.signed(keys).map_err(|source| KeepingError::Note { path: path.clone(), source })?;
    replace(&path, note.to_string().as_bytes()).map_err(io_at(&path))
}

/// Text on a line of a note: no control characters, and something in any case.
pub(super) fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect();
    let text = text.trim();
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

fn blocks(
    one: &Complete,
    seen: u64,
    ledger: &[Ledgered],
    pruning: &Pruning<'_>,
) -> Result<Option<Blocks>, KeepingError> {
    let first = one.segment.first;
    if one.end > seen {
        return Ok(Some(Blocks::NotSealed { index: first }));
    }
    if !ledger.iter().any(|known| known.segment == first && known.end == one.end) {
        return Ok(Some(Blocks::NotArchived { index: first }));
    }
    let path = &one.segment.path;
    let mut leaves = one.segment.leaves(0).map_err(io_at(path))?;
    let mut index = first;
    while let Some(leaf) = leaves.next_leaf().map_err(io_at(path))? {
        let damaged = || KeepingError::Damaged { path: path.clone(), index };
        let entry: Glimpse<'_> = serde_json::from_slice(&leaf[1..]).map_err(|_| damaged())?;
        if entry.index != index {
            return Err(damaged());
        }
        if let Some(blocks) = pruning.retention.judge(&entry) {
            return Ok(Some(blocks));
        }
        index += 1;
    }
    if index == one.end { Ok(None) } else { Err(KeepingError::Damaged { path: path.clone(), index }) }
}

/// What stands in the folder before `to`: name in the archive and path, segments first, oldest first. From `from` on, and
/// before it what an interrupted prune left.
fn going(dir: &Path, from: u64, to: u64) -> Result<Vec<(String, PathBuf)>, KeepingError> {
    let mut going = Vec::new();
    for one in Complete::list(dir)?.into_iter().filter(|one| one.end <= to) {
        going.push((segment_name(one.segment.first), one.segment.path));
    }
    // An interrupted prune left tiles behind, if any, of what it was about: those are looked for from its first on.
    let first = first_tile(dir, from / BUNDLE_ENTRIES);
    for number in first..to / BUNDLE_ENTRIES {
        for tile in [TilePath::entries(number, 256), TilePath::hashes(0, number, 256)] {
            let path = dir.join(tile.to_string());
            if path.exists() {
                going.push((tile.to_string(), path));
            }
        }
    }
    Ok(going)
}

/// The first of the tiles before `below` that is still there, as far as they are there without a gap.
fn first_tile(dir: &Path, below: u64) -> u64 {
    let there = |number: u64| {
        dir.join(TilePath::hashes(0, number, 256).to_string()).exists()
            || dir.join(TilePath::entries(number, 256).to_string()).exists()
    };
    let mut first = below;
    while first > 0 && there(first - 1) {
        first -= 1;
    }
    first
}

fn remove(path: &Path) -> Result<u64, KeepingError> {
    let bytes = size_of(path)?;
    match fs::remove_file(path) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(KeepingError::Io { path: path.to_owned(), source }),
    }
}

fn size_of(path: &Path) -> Result<u64, KeepingError> {
    Ok(fs::metadata(path).map_err(io_at(path))?.len())
}

/// Characters of a name or a reason.
const MOST_WORDS: usize = 400;
