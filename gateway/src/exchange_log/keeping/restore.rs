//! Back from the archive: what a prune removed, held against the tree that the folder still has.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use jiff::Timestamp;

use super::{
    Archive, Complete, KeepingError, Told,
    archive::segment_name,
    io_at, lock,
    prune::{declare, one_line},
    sealed,
};
use crate::exchange_log::{
    disk::sync_dir,
    minimum::{MinimumIndex, NAME as MINIMUM, minimum_in},
    reader::Segment,
    tiles::StoredTree,
};
use crate::transparency::{
    BUNDLE_ENTRIES, Hash, Nodes, TilePath, complete, key::SigningKey, split_bundle, tile_hashes,
};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Segments, by their first entries.
    pub segments: Vec<u64>,
    /// The minimum index now.
    pub minimum: u64,
}

/// Brings back the newest pruned segments, back to the one that holds entry `back_to`, and declares the new minimum index;
/// at 0 the declaration goes.
///
/// # Errors
/// [`KeepingError`]; the declaration stands as it was, and what came back is true.
pub fn restore(
    dir: &Path,
    archive: &Archive,
    back_to: u64,
    (keys, at, by, reason): (&[SigningKey], Timestamp, &str, &str),
    told: Told<'_>,
) -> Result<Restored, KeepingError> {
    let _lock = lock(dir)?;
    let declared = minimum_in(dir).map_err(io_at(&dir.join(MINIMUM)))?;
    let (Some((_, minimum)), Some(tree)) = (declared, sealed(dir)?) else {
        return Ok(Restored { segments: Vec::new(), minimum: 0 });
    };
    let mut names: Vec<u64> = archive
        .list("segments")?
        .iter()
        .filter_map(|name| name.strip_suffix(".jsonl")?.parse().ok())
        .filter(|first| *first < minimum.index)
        .collect();
    names.sort_unstable();
    let begin = names.iter().rposition(|first| *first <= back_to).unwrap_or(0);
    let names = names.split_off(begin);
    let ends: Vec<u64> = names.iter().skip(1).copied().chain([minimum.index]).collect();
    // Newest first: what is there is one piece at any moment.
    for (done, (first, end)) in names.iter().zip(&ends).rev().enumerate() {
        told("segments brought back", done as u64, names.len() as u64);
        let segment = Segment::of(dir, *first);
        let complete = Complete { segment, end: *end };
        for tile in complete.tiles() {
            bring_tile(dir, archive, &tree, tile)?;
        }
        bring(dir, archive, &segment_name(*first), &complete.segment.path)?;
        // A tree of its own: the one before may remember what was not there.
        if let Err(error) = complete.check(&StoredTree::new(dir, tree.size())) {
            drop(fs::remove_file(&complete.segment.path));
            return Err(error);
        }
    }
    sync_dir(dir).map_err(io_at(dir))?;
    let index = names.first().copied().unwrap_or(minimum.index);
    if index == 0 {
        let path = dir.join(MINIMUM);
        fs::remove_file(&path).and_then(|()| sync_dir(dir)).map_err(io_at(&path))?;
    } else if index < minimum.index {
        declare(
            dir,
            keys,
            &MinimumIndex { index, at, by: one_line(by), reason: one_line(reason), ..minimum },
        )?;
    }
    Ok(Restored { segments: names, minimum: index })
}

/// Brings a tile back, if it is what the tree above it says.
fn bring_tile(dir: &Path, archive: &Archive, tree: &StoredTree, tile: TilePath) -> Result<(), KeepingError> {
    let (name, path) = (tile.to_string(), dir.join(tile.to_string()));
    if path.exists() {
        return Ok(());
    }
    let mut bytes = Vec::new();
    archive.get(&name, |piece| {
        bytes.extend_from_slice(piece);
        if bytes.len() > MOST_BYTES { Err(KeepingError::NotSealed { key: name.clone() }) } else { Ok(()) }
    })?;
    let leaves: Option<Vec<Hash>> = if tile.is_bundle() {
        split_bundle(&bytes).map(|entries| entries.into_iter().map(Hash::of_leaf).collect())
    } else {
        tile_hashes(&bytes)
    };
    let number = tile.start() / BUNDLE_ENTRIES;
    let whole = leaves.filter(|leaves| leaves.len() as u64 == BUNDLE_ENTRIES);
    // Only tiles of leaf hashes and bundles go: what is above them is here, and says what they were.
    if whole.is_none_or(|leaves| tree.node(8, number).ok() != Some(complete(&leaves))) {
        return Err(KeepingError::NotSealed { key: name });
    }
    put(&path, |file| file.write_all(&bytes).map_err(io_at(&path)))
}

fn bring(dir: &Path, archive: &Archive, name: &str, path: &Path) -> Result<(), KeepingError> {
    if path.exists() {
        return Ok(());
    }
    put(path, |file| archive.get(name, |piece| file.write_all(piece).map_err(io_at(dir))).map(drop))
}

/// Writes a file that is there whole or not at all.
fn put(path: &Path, write: impl FnOnce(&mut File) -> Result<(), KeepingError>) -> Result<(), KeepingError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io_at(folder))?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".next");
    let mut file = File::create(&temporary).map_err(io_at(path))?;
    write(&mut file)?;
    file.sync_data().map_err(io_at(path))?;
    fs::rename(&temporary, path).and_then(|()| sync_dir(folder)).map_err(io_at(path))
}

/// A bundle of 256 entries, each of the greatest length.
const MOST_BYTES: usize = 256 * 65_537;
