//! Keeping: sealed parts of the log into the archive, and out of the folder when their time is over (D2).
//!
//! ```text
//! archive    the object store, verified after each upload     retention  how long what is kept, and why
//! bucket     a store elsewhere that speaks S3
//! prune      what may go, and going                           restore    and back
//! sealed_parts  whether personal parts may be erased
//! ```
//!
//! The unit is a segment that has a successor and that a checkpoint covers. It is archived with the tiles and bundles
//! that end in it; the ledger in the log's folder says which were, after they were read back. Nothing is removed that was
//! not read back once more at that moment, whose retention has not ended, or that the regulator holds.

mod archive;
mod bucket;
mod prune;
mod restore;
mod retention;
mod sealed_parts;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    StoredTree, TileError, disk::sync_dir, glance::index_and_prev, reader::Segment,
    sealer::NAME as CHECKPOINT,
};
use crate::transparency::{
    Hash, TilePath,
    checkpoint::Checkpoint,
    note::{Note, NoteError},
};

pub use self::{
    archive::{Archive, Archived, Place, archive},
    bucket::{Bucket, BucketError, KEY_ID, PATIENCE, SECRET},
    prune::{Pruned, Pruning, plan, prune},
    restore::{Restored, restore},
    retention::{Blocks, Retention},
    sealed_parts::blocks_erasure,
};

/// Why the log was not archived, pruned or restored.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive cannot be read or written.
    #[error("the archive cannot be used at {key}")]
    Store {
        /// At which object.
        key: String,
        /// Why.
        source: object_store::Error,
    },
    /// The archive's bucket cannot be used, before it is asked anything.
    #[error("the archive's bucket {name} cannot be used")]
    Bucket {
        /// Which.
        name: String,
        /// Why.
        source: BucketError,
    },
    /// What was read back from the archive is not what was put there.
    #[error("the archive does not hold {key} as it was put there")]
    NotArchived {
        /// Which object.
        key: String,
    },
    /// What comes from the archive is not what was sealed.
    #[error("{key} in the archive is not what was sealed")]
    NotSealed {
        /// Which object.
        key: String,
    },
    /// A segment is not what was sealed.
    #[error("{path} is not what was sealed, at entry {index}: run `kelisim log verify`")]
    Differs {
        /// Which.
        path: PathBuf,
        /// Where.
        index: u64,
    },
    /// A tile is missing or damaged.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The checkpoint, or the note of the minimum index, is malformed or cannot be signed.
    #[error("{path} is no note of this log")]
    Note {
        /// Which.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// Somebody else archives, prunes or restores.
    #[error("another command archives, prunes or restores {0}")]
    InUse(PathBuf),
    /// The search for what blocks found damage.
    #[error("{path} is damaged before entry {index}: run `kelisim log verify`")]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// Where.
        index: u64,
    },
}

/// Hears what is done, how much of it, and how much there is.
pub type Told<'t> = &'t mut dyn FnMut(&str, u64, u64);

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> KeepingError {
    let path = path.to_owned();
    move |source| KeepingError::Io { path, source }
}

/// Held while the folder's old parts are worked on: one command at a time. The writer does not care.
fn lock(dir: &Path) -> Result<File, KeepingError> {
    let path = dir.join("keeping.lock");
    let file = File::options().create(true).append(true).open(&path).map_err(io_at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(KeepingError::InUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(KeepingError::Io { path, source }),
    }
}

/// A segment that is complete: the next one was begun.
#[derive(Debug, Clone)]
struct Complete {
    segment: Segment,
    /// The entry behind its last.
    end: u64,
}

impl Complete {
    fn list(dir: &Path) -> Result<Vec<Self>, KeepingError> {
        let segments = Segment::list(dir).map_err(io_at(dir))?;
        let ends: Vec<u64> = segments.iter().skip(1).map(|next| next.first).collect();
        Ok(segments.into_iter().zip(ends).map(|(segment, end)| Self { segment, end }).collect())
    }

    /// Holds each line against the sealed tree.
    fn check(&self, tree: &StoredTree) -> Result<(), KeepingError> {
        let path = &self.segment.path;
        let mut leaves = self.segment.leaves(0).map_err(io_at(path))?;
        let mut index = self.segment.first;
        while let Some(leaf) = leaves.next_leaf().map_err(io_at(path))? {
            let fits = index_and_prev(&leaf[1..]).is_some_and(|(found, _)| found == index)
                && index < self.end
                && tree.leaf(index)? == Hash::of(leaf);
            if !fits {
                return Err(KeepingError::Differs { path: path.clone(), index });
            }
            index += 1;
        }
        if index == self.end { Ok(()) } else { Err(KeepingError::Differs { path: path.clone(), index }) }
    }

    /// Full tiles and bundles that end within it.
    fn tiles(&self) -> Vec<TilePath> {
        let mut tiles: Vec<TilePath> =
            self.ending(256).map(|number| TilePath::entries(number, 256)).collect();
        for (level, span) in (0..4_u8).map(|level| (level, 1_u64 << (8 * (u32::from(level) + 1)))) {
            tiles.extend(self.ending(span).map(|number| TilePath::hashes(level, number, 256)));
        }
        tiles
    }

    /// Numbers of the spans of so many entries that end within it.
    fn ending(&self, span: u64) -> std::ops::Range<u64> {
        self.segment.first / span..self.end / span
    }
}

/// What was archived of a segment, as the ledger says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ledgered {
    segment: u64,
    end: u64,
    bytes: u64,
    sha256: String,
    at: Timestamp,
}

impl Ledgered {
    fn read(dir: &Path) -> Result<Vec<Self>, KeepingError> {
        let path = dir.join(LEDGER);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(KeepingError::Io { path, source }),
        };
        // A line that a crash tore says nothing: what it was about is archived again.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Writes down that it is in the archive; durable when this returns.
    fn write(&self, dir: &Path) -> Result<(), KeepingError> {
        let path = dir.join(LEDGER);
        let io = |source| KeepingError::Io { path: path.clone(), source };
        let fresh = !path.exists();
        let mut line = serde_json::to_vec(self).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        let mut file = File::options().create(true).append(true).open(&path).map_err(io)?;
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(io)?;
        if fresh { sync_dir(dir).map_err(io) } else { Ok(()) }
    }
}

/// The newest checkpoint of that name in the folder.
fn checkpoint_in(dir: &Path, name: &str) -> Result<Option<Checkpoint>, KeepingError> {
    let path = dir.join(name);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeepingError::Io { path, source }),
    };
    let read = Note::parse(&bytes).and_then(|note| note.text().parse());
    read.map(Some).map_err(|source| KeepingError::Note { path, source })
}

/// The sealed tree, if there is one.
fn sealed(dir: &Path) -> Result<Option<StoredTree>, KeepingError> {
    Ok(checkpoint_in(dir, CHECKPOINT)?.map(|newest| StoredTree::new(dir, newest.size)))
}

/// Length and SHA-256 of a file, in hexadecimal.
fn digest_of(path: &Path) -> Result<(u64, String), KeepingError> {
    let mut file = File::open(path).map_err(io_at(path))?;
    let (mut digest, mut buffer, mut bytes) = (Context::new(&SHA256), vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut buffer).map_err(io_at(path))?;
        if read == 0 {
            return Ok((bytes, hex(digest.finish().as_ref())));
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which segments are in the archive, one a line.
const LEDGER: &str = "archived.jsonl";
