//! Tiles and bundles as files in the log's folder (C2SP `tlog-tiles`).
//!
//! Trust: whoever can write the folder can change them; their hashes lead to a root that a checkpoint signs. They are
//! made of the segments and can be made again, to the byte, as long as those are there: they are made durable some at
//! once, and what a crash may have torn of them is made again. Any other file that stands there is never replaced: one
//! that differs from what it should be is damage, and nothing is signed over it.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::disk::Disk;
use crate::transparency::{BUNDLE_ENTRIES, Edge, Hash, Nodes, TilePath, tile_bytes, tile_hashes};

/// The tiles below a folder, as they are written.
#[derive(Debug)]
pub(super) struct TileFolder {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Full ones whose bytes may not be durable yet.
    full: Vec<PathBuf>,
    /// The newest partial ones, of which the same holds.
    partial: Vec<PathBuf>,
    /// Folders in which names are not durable yet.
    folders: BTreeSet<PathBuf>,
    /// Folders whose own names this process made durable, or will with the rest.
    named: BTreeSet<PathBuf>,
    /// Full tiles of which partial ones are still there.
    filled: Vec<TilePath>,
}

/// What a tile does to a file that stands in its place with other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Takes its place: a crash may have torn it.
    Replace,
    /// Is refused: that is damage.
    Refuse,
}

impl TileFolder {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        let (full, partial, folders, named, filled) = Default::default();
        Self { disk, dir: dir.to_owned(), full, partial, folders, named, filled }
    }

    /// Puts a tile of hashes into its place.
    pub(super) fn put_hashes(
        &mut self,
        path: TilePath,
        hashes: &[Hash],
        standing: Standing,
    ) -> Result<(), TileError> {
        self.put(path, &tile_bytes(hashes), standing)
    }

    /// Puts a file into its place, whole for every reader; durable after [`Self::make_durable`].
    pub(super) fn put(&mut self, path: TilePath, bytes: &[u8], standing: Standing) -> Result<(), TileError> {
        let place = self.dir.join(path.to_string());
        let io = |source| TileError::Io { path: place.clone(), source };
        let folder = place.parent().expect("a tile stands in a folder");
        let there = match standing {
            // Written anew without a look: what reads right may never have reached the disk.
            Standing::Replace => None,
            Standing::Refuse => read_if_there(&place).map_err(io)?,
        };
        // Whoever put it there may have left its name to memory.
        self.make(folder).map_err(io)?;
        match there {
            Some(there) if there == bytes => {}
            Some(_) => return Err(TileError::Differs { path: place }),
            None => {
                let temporary = folder.join("next");
                let mut file = self.disk.create(&temporary).map_err(io)?;
                file.write_at(0, bytes).and_then(|()| self.disk.rename(&temporary, &place)).map_err(io)?;
            }
        }
        if path == path.full() {
            self.full.push(place);
            self.filled.push(path);
        } else {
            self.partial.push(place);
        }
        Ok(())
    }

    /// Begins the partial tiles of another tree: those of the one before need not become durable.
    pub(super) fn begin_partials(&mut self) {
        self.partial.clear();
    }

    /// Files that are not known to be durable.
    pub(super) fn waiting(&self) -> usize {
        self.full.len() + self.partial.len()
    }

    /// Makes all tiles durable, bytes and names; then removes the partial ones of those that are full.
    ///
    /// # Errors
    /// None of them may be believed to be durable, now or later: what failed to reach the disk once can read right.
    pub(super) fn make_durable(&mut self) -> Result<(), TileError> {
        for path in self.full.drain(..).chain(self.partial.drain(..)) {
            let synced = self.disk.open(&path).and_then(|mut file| file.sync());
            synced.map_err(|source| TileError::Io { path, source })?;
        }
        while let Some(path) = self.folders.pop_first() {
            self.disk.sync_dir(&path).map_err(|source| TileError::Io { path, source })?;
        }
        if self.named.len() > MOST_NAMED {
            self.named.clear();
        }
        for path in self.filled.drain(..) {
            let partials = self.dir.join(path.partials());
            self.named.remove(&partials);
            // They take room and do no harm; the specification allows them to stay.
            drop(self.disk.remove_dir(&partials));
        }
        Ok(())
    }

    /// Makes a folder, if there is none, in which names are about to change.
    fn make(&mut self, folder: &Path) -> io::Result<()> {
        self.folders.insert(folder.to_owned());
        if folder == self.dir || self.named.contains(folder) {
            return Ok(());
        }
        // Its own name, too: the process that made it may have ended before it was durable.
        self.make(folder.parent().expect("tiles stand below the log's folder"))?;
        if !folder.is_dir() {
            self.disk.create_dir(folder)?;
        }
        self.named.insert(folder.to_owned());
        Ok(())
    }
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why a tile is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tile that is there has other bytes than those that the entries give.
    #[error("{path} differs from what the entries give")]
    Differs {
        /// Which.
        path: PathBuf,
    },
    /// A tile is not there, or is no tile.
    #[error("{path} is missing or has a wrong length")]
    Missing {
        /// Which.
        path: PathBuf,
    },
}

/// A tree of which the tiles are read as they are needed.
#[derive(Debug)]
pub struct StoredTree {
    dir: PathBuf,
    size: u64,
    /// Tiles that were read: a proof needs a dozen, and some more than once.
    read: Mutex<HashMap<TilePath, Vec<Hash>>>,
}

impl StoredTree {
    /// The tree of the first `size` entries in the log's folder, whose tiles were written for a tree of that size or
    /// a larger one.
    pub fn new(dir: &Path, size: u64) -> Self {
        Self { dir: dir.to_owned(), size, read: Mutex::default() }
    }

    /// Entries in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bundle with entry `index`.
    ///
    /// # Errors
    /// [`TileError`].
    pub fn bundle(&self, index: u64) -> Result<Vec<u8>, TileError> {
        let number = index / BUNDLE_ENTRIES;
        self.file(TilePath::entries(number, self.width(0, number)))
    }

    /// The tree's right edge.
    pub(super) fn edge(&self) -> Result<Option<Edge>, TileError> {
        self.edge_of(self.size)
    }

    /// The right edge of the tree of the first `size` entries of this one.
    pub(super) fn edge_of(&self, size: u64) -> Result<Option<Edge>, TileError> {
        let mut levels = Vec::new();
        for level in 0..u8::try_from(Edge::levels_of(size)).expect("a tree has at most 8 levels of tiles") {
            levels.push(match Edge::width_at(size, level) {
                0 => Vec::new(),
                width => {
                    let mut tile = self.tile(level, size >> (8 * (u32::from(level) + 1)))?;
                    tile.truncate(usize::try_from(width).expect("less than 256"));
                    tile
                }
            });
        }
        Ok(Edge::new(size, levels))
    }

    /// The hash of entry `index`.
    pub(super) fn leaf(&self, index: u64) -> Result<Hash, TileError> {
        self.node(0, index)
    }

    /// Hashes that the tree has in a tile.
    fn width(&self, level: u8, number: u64) -> u16 {
        let hashes = self.size >> (8 * u32::from(level));
        let width = hashes.saturating_sub(number * BUNDLE_ENTRIES).min(BUNDLE_ENTRIES);
        u16::try_from(width).expect("at most 256")
    }

    fn tile(&self, level: u8, number: u64) -> Result<Vec<Hash>, TileError> {
        let path = TilePath::hashes(level, number, self.width(level, number).max(1));
        let mut read = self.read.lock().expect("no thread panics while it holds the tiles");
        if let Some(tile) = read.get(&path) {
            return Ok(tile.clone());
        }
        let missing = || TileError::Missing { path: self.dir.join(path.to_string()) };
        let mut tile = tile_hashes(&self.file(path)?).ok_or_else(missing)?;
        let width = usize::from(self.width(level, number));
        if tile.len() < width {
            return Err(missing());
        }
        tile.truncate(width);
        if read.len() >= MOST_TILES {
            read.clear();
        }
        read.insert(path, tile.clone());
        Ok(tile)
    }

    /// The bytes of a tile, or of the full one that took its place.
    fn file(&self, path: TilePath) -> Result<Vec<u8>, TileError> {
        let mut last = None;
        for path in [path, path.full()] {
            let place = self.dir.join(path.to_string());
            match fs::read(&place) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = last.or(Some(place)),
                Err(source) => return Err(TileError::Io { path: place, source }),
            }
        }
        Err(TileError::Missing { path: last.unwrap_or_default() })
    }
}

impl Nodes for StoredTree {
    type Error = TileError;

    fn node(&self, height: u32, number: u64) -> Result<Hash, TileError> {
        let level = u8::try_from(height / 8).expect("a tree has at most 64 levels");
        let within = height % 8;
        let first = number << within;
        let tile = self.tile(level, first / BUNDLE_ENTRIES)?;
        let start = usize::try_from(first % BUNDLE_ENTRIES).expect("less than 256");
        let hashes = tile.get(start..start + (1 << within));
        let missing = TilePath::hashes(level, first / BUNDLE_ENTRIES, 256);
        hashes
            .map(crate::transparency::complete)
            .ok_or_else(|| TileError::Missing { path: self.dir.join(missing.to_string()) })
    }
}

/// Folders that are remembered as durably named; forgetting them costs a sync each.
const MOST_NAMED: usize = 1024;
/// Tiles that a tree being read keeps: 8 KiB each.
const MOST_TILES: usize = 64;
