//! Seals what the writer made durable: reads it back, hashes it, holds it against the chain, writes tiles and bundles,
//! and signs a checkpoint over them.
//!
//! It follows the writer at its own pace, in a thread of its own, so that no call waits for it. Everything it writes is
//! made of the segments, which are durable before it reads them. Tiles and bundles become durable some at once; the
//! checkpoint up to which they are is kept beside the newest one, and after a crash what follows it is made again, to
//! the byte. Where what is there
//! disagrees with a signed checkpoint, nothing more is signed and the log is closed: that is never the work of a crash.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    LogConfig,
    disk::{Disk, RealDisk, replace_on},
    glance::index_and_prev,
    line::{Head, base64},
    reader::{Leaves, Segment},
    tiles::{Standing, StoredTree, TileError, TileFolder},
};
use crate::transparency::{
    self, BUNDLE_ENTRIES, Edge, Hash, TilePath,
    checkpoint::Checkpoint,
    cosignature,
    key::{Scheme, SigningKey, VerifierKey},
    note::{Note, NoteError},
    push_entry, split_bundle,
};

/// How a log is sealed.
#[derive(Debug)]
pub struct Sealing {
    /// What signs checkpoints; each bears the log's origin as its name.
    pub keys: Vec<SigningKey>,
    /// Where the newest checkpoint is kept as well: not on the log's disk, if it shall show that the log went back.
    pub outside: PathBuf,
    /// How long an entry may wait for its checkpoint. Default: 1 s.
    pub every: Duration,
}

/// Why a log cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tile cannot be read or written, or is not what it should be.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A checkpoint that is there is not by this log's key.
    #[error("{path} is no checkpoint that this log signed")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// The log's keys cannot sign its checkpoints.
    #[error("the log's key cannot sign checkpoints of {origin}")]
    Key {
        /// The log's name, which the key must bear.
        origin: String,
        /// Why.
        source: NoteError,
    },
    /// The log has fewer entries than were signed: it went back.
    #[error("{path} knows {signed} entries and the log has {found}: it went back, as a restored copy would")]
    WentBack {
        /// The checkpoint.
        path: PathBuf,
        /// Entries that were signed.
        signed: u64,
        /// Entries that are there.
        found: u64,
    },
    /// The log's entries lead to another root than was signed.
    #[error("the first {size} entries are not those that {path} signed")]
    OtherRoot {
        /// The checkpoint.
        path: PathBuf,
        /// How many entries it signs.
        size: u64,
    },
    /// The checkpoint in the log's folder is not the one that was written there last.
    #[error("{path} was replaced or removed while the log was open")]
    Replaced {
        /// The checkpoint.
        path: PathBuf,
    },
    /// An entry is not there, or not as it was written.
    #[error("{path} does not continue the log at byte {offset}, where entry {index} should be")]
    Broken {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The entry.
        index: u64,
    },
}

impl SealError {
    /// Whether the record speaks against itself, rather than the machine failing us for a moment.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Io { .. } | Self::Tile(TileError::Io { .. }) => false,
            Self::Tile(TileError::Differs { .. } | TileError::Missing { .. })
            | Self::NotOurs { .. }
            | Self::Key { .. }
            | Self::WentBack { .. }
            | Self::OtherRoot { .. }
            | Self::Replaced { .. }
            | Self::Broken { .. } => true,
        }
    }
}

/// Where a log is and how its checkpoints are signed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) origin: String,
    pub(super) clock: fn() -> Timestamp,
    pub(super) sealing: Arc<Sealing>,
    pub(super) disk: Arc<dyn Disk>,
}

impl Place {
    pub(super) fn of(config: &LogConfig, sealing: &Arc<Sealing>, disk: &Arc<dyn Disk>) -> Self {
        let LogConfig { dir, origin, clock, .. } = config;
        let (sealing, disk) = (Arc::clone(sealing), Arc::clone(disk));
        Self { dir: dir.clone(), origin: origin.clone(), clock: *clock, sealing, disk }
    }
}

/// The sealed part of a log. Owned by `start`, then by the sealer's thread; nothing else writes tiles or `checkpoint`.
///
/// After an error it must not be used again: it may have hashed more than it wrote. [`Sealer::open`] begins anew.
pub(super) struct Sealer {
    place: Place,
    tiles: TileFolder,
    edge: Edge,
    /// The end of what was hashed, as the chain has it.
    head: Head,
    /// Entries since the last full bundle, as they stand in one.
    bundle: Vec<u8>,
    /// The segment being read.
    reading: Option<(Segment, Leaves)>,
    /// Signed checkpoints that what is read must still lead to.
    expected: Vec<(PathBuf, Checkpoint)>,
    /// What stands in the log's folder.
    last: Option<Checkpoint>,
    /// When a checkpoint was last put aside for good.
    kept: Option<Timestamp>,
    /// The end of the entries of which a crash may have torn tiles that are there.
    torn: u64,
    /// Whether the partial tiles were written once.
    begun: bool,
    /// When tiles were last made durable.
    durable: Instant,
}

/// Whether a checkpoint is put aside in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is the last one before a stop.
    Always,
    /// If the last that was is an hour old.
    WhenDue,
}

impl Sealer {
    /// Begins where the last checkpoint ends, and holds it, and the one kept outside, against a log of `found` entries.
    /// Signs nothing.
    pub(super) fn open(place: Place, found: u64) -> Result<Self, SealError> {
        let mut known = Vec::new();
        for path in [place.dir.join(NAME), place.sealing.outside.clone(), place.dir.join(DURABLE)] {
            if let Some(checkpoint) = read_checkpoint(&path, &place)? {
                if checkpoint.size > found {
                    return Err(SealError::WentBack { path, signed: checkpoint.size, found });
                }
                known.push((path, checkpoint));
            }
        }
        let at = |name: &str| {
            let path = place.dir.join(name);
            known.iter().find(|(known, _)| *known == path).map(|(_, checkpoint)| checkpoint.clone())
        };
        let whole = at(DURABLE).filter(|whole| whole.size > 0);
        let mut sealer = Self { last: at(NAME), torn: found, ..Self::empty(place.clone()) };
        // Other tiles than were signed are not gone on from: what is read again shows which differ.
        if let Some(whole) = whole
            && let Some((edge, bundle, leaf)) = sealer.stored(whole.size)
            && edge.root() == whole.root
        {
            (sealer.edge, sealer.bundle) = (edge, bundle);
            sealer.head = Head { size: whole.size, leaf: leaf.0 };
        }
        // What was signed is reached by what is stored, or will be by what is read.
        let stored = sealer.edge.size();
        for (path, checkpoint) in known {
            if checkpoint.size > stored {
                sealer.expected.push((path, checkpoint));
            } else if transparency::root(&StoredTree::new(&place.dir, stored), checkpoint.size)?
                != checkpoint.root
            {
                return Err(SealError::OtherRoot { path, size: checkpoint.size });
            }
        }
        let expected = sealer.expected.iter().map(|(_, checkpoint)| checkpoint.size).max();
        sealer.read_to(expected.unwrap_or_default())?;
        Ok(sealer)
    }

    fn empty(place: Place) -> Self {
        Self {
            tiles: TileFolder::new(Arc::clone(&place.disk), &place.dir),
            edge: Edge::default(),
            head: Head::of_empty(&place.origin),
            bundle: Vec::new(),
            reading: None,
            expected: Vec::new(),
            last: None,
            kept: None,
            torn: 0,
            begun: false,
            durable: Instant::now(),
            place,
        }
    }

    /// The right edge of the tree of `size` entries, its last bundle as far as it is full, and its last leaf.
    ///
    /// `None` if they are not there or not whole: then everything is read again, and held against the checkpoint.
    fn stored(&self, size: u64) -> Option<(Edge, Vec<u8>, Hash)> {
        let tree = StoredTree::new(&self.place.dir, size);
        let edge = tree.edge().ok().flatten()?;
        let width = usize::try_from(Edge::width_at(size, 0)).expect("less than 256");
        let leaf = tree.leaf(size - 1).ok()?;
        if width == 0 {
            return Some((edge, Vec::new(), leaf));
        }
        let stored = tree.bundle(size - 1).ok()?;
        let mut bundle = Vec::new();
        for (entry, index) in split_bundle(&stored)?.into_iter().take(width).zip(size - width as u64..) {
            if tree.leaf(index).ok()? != Hash::of_leaf(entry) {
                return None;
            }
            push_entry(&mut bundle, entry);
        }
        Some((edge, bundle, leaf))
    }

    /// Entries under the last checkpoint.
    pub(super) fn signed(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.size)
    }

    /// Seals the log up to its first `durable` entries.
    pub(super) fn seal(&mut self, durable: u64, keep: Keep) -> Result<(), SealError> {
        self.check_last()?;
        let signed = durable == self.signed();
        // The first time in any case: a crash may have torn the partial tiles under a checkpoint that nothing follows.
        if !signed || !self.begun {
            self.read_to(durable)?;
            let standing = self.standing();
            self.tiles.begin_partials();
            for (path, hashes) in self.edge.partial_tiles() {
                self.tiles.put_hashes(path, hashes, standing)?;
            }
            let width = u16::try_from(Edge::width_at(durable, 0)).expect("less than 256");
            if width > 0 {
                let path = TilePath::entries(durable / BUNDLE_ENTRIES, width);
                self.tiles.put(path, &self.bundle, standing)?;
            }
            self.begun = true;
            // Only now, when all it covers was read back.
            if !signed {
                self.sign()?;
            }
        } else if keep == Keep::WhenDue && self.tiles.waiting() == 0 {
            return Ok(());
        }
        let many = self.tiles.waiting() >= MOST_WAITING || self.durable.elapsed() >= DURABLE_EVERY;
        if many || keep == Keep::Always {
            self.make_durable()?;
        }
        let now = (self.place.clock)();
        let due = self.kept.is_none_or(|kept| now.duration_since(kept).abs() >= KEEP_EVERY);
        if due || keep == Keep::Always {
            self.keep_last()?;
            self.kept = Some(now);
        }
        Ok(())
    }

    fn read_to(&mut self, size: u64) -> Result<(), SealError> {
        while self.edge.size() < size {
            self.read_one()?;
        }
        if let Some((_, leaves)) = &mut self.reading {
            leaves.forget();
        }
        Ok(())
    }

    /// What the tiles of the tree as it is now do to others in their places.
    fn standing(&self) -> Standing {
        if self.edge.size() <= self.torn { Standing::Replace } else { Standing::Refuse }
    }

    /// Makes the tiles durable, then notes up to which checkpoint they are.
    fn make_durable(&mut self) -> Result<(), SealError> {
        self.durable = Instant::now();
        if self.tiles.waiting() == 0 {
            return Ok(());
        }
        self.tiles.make_durable()?;
        // A crash before this makes them again, after it believes them.
        let (from, to) = (self.place.dir.join(NAME), self.place.dir.join(DURABLE));
        let noted = std::fs::read(from).and_then(|note| replace_on(&*self.place.disk, &to, &note));
        noted.map_err(|source| SealError::Io { path: to, source })
    }

    /// Whether the checkpoint in the log's folder is the one that was put there.
    fn check_last(&self) -> Result<(), SealError> {
        let path = self.place.dir.join(NAME);
        let there = read_checkpoint(&path, &self.place)?;
        if there == self.last { Ok(()) } else { Err(SealError::Replaced { path }) }
    }

    /// Puts the newest checkpoint aside: all that are kept must be consistent with each other.
    fn keep_last(&self) -> Result<(), SealError> {
        let Some(last) = &self.last else { return Ok(()) };
        let path = kept_path(&self.place.dir, last.size);
        if path.exists() {
            return Ok(());
        }
        let newest = self.place.dir.join(NAME);
        let disk = &*self.place.disk;
        let kept = std::fs::read(newest).and_then(|note| replace_on(disk, &path, &note));
        // The folder's name, too: a process that ended meanwhile may have made it.
        kept.and_then(|()| disk.sync_dir(&self.place.dir)).map_err(|source| SealError::Io { path, source })
    }

    /// Reads, checks and hashes one entry, and writes the tiles that it fills.
    fn read_one(&mut self) -> Result<(), SealError> {
        if self.reading.is_none() {
            self.reading = Some(self.find()?);
        }
        let (segment, leaves) = self.reading.as_mut().expect("it was just found");
        let io = |source| SealError::Io { path: segment.path.clone(), source };
        let offset = leaves.offset;
        let Some(leaf) = leaves.next_leaf().map_err(io)? else {
            let next = Segment::of(&self.place.dir, self.head.size);
            let broken = SealError::Broken { path: segment.path.clone(), offset, index: self.head.size };
            if next.first == segment.first || !next.path.exists() {
                return Err(broken);
            }
            let leaves =
                next.leaves(0).map_err(|source| SealError::Io { path: next.path.clone(), source })?;
            self.reading = Some((next, leaves));
            return Ok(());
        };
        let line = &leaf[1..];
        if index_and_prev(line) != Some((self.head.size, base64(&self.head.leaf))) {
            return Err(SealError::Broken { path: segment.path.clone(), offset, index: self.head.size });
        }
        let hash = Hash::of(leaf);
        push_entry(&mut self.bundle, line);
        let tiles = &mut self.tiles;
        let standing = if self.head.size < self.torn { Standing::Replace } else { Standing::Refuse };
        self.edge.push(hash, |path, hashes| tiles.put_hashes(path, hashes, standing))?;
        self.head = Head { size: self.edge.size(), leaf: hash.0 };
        if Edge::width_at(self.head.size, 0) == 0 {
            let path = TilePath::entries(self.head.size / BUNDLE_ENTRIES - 1, 256);
            self.tiles.put(path, &self.bundle, standing)?;
            self.bundle.clear();
        }
        self.check_expected()
    }

    fn check_expected(&mut self) -> Result<(), SealError> {
        let size = self.edge.size();
        while let Some(at) = self.expected.iter().position(|(_, checkpoint)| checkpoint.size == size) {
            let (path, checkpoint) = self.expected.swap_remove(at);
            if checkpoint.root != self.edge.root() {
                return Err(SealError::OtherRoot { path, size });
            }
        }
        Ok(())
    }

    /// The segment with the next entry, read up to it.
    fn find(&self) -> Result<(Segment, Leaves), SealError> {
        let dir = &self.place.dir;
        let segments = Segment::list(dir).map_err(|source| SealError::Io { path: dir.clone(), source })?;
        let index = self.head.size;
        let broken = |path: &Path, offset| SealError::Broken { path: path.to_owned(), offset, index };
        let segment = segments.into_iter().rev().find(|segment| segment.first <= index);
        let segment = segment.ok_or_else(|| broken(dir, 0))?;
        let io = |source| SealError::Io { path: segment.path.clone(), source };
        let mut leaves = segment.leaves(0).map_err(io)?;
        for _ in segment.first..index {
            let offset = leaves.offset;
            leaves.next_leaf().map_err(io)?.ok_or_else(|| broken(&segment.path, offset))?;
        }
        Ok((segment, leaves))
    }

    /// Signs the tree as it is and puts the checkpoint into both places.
    fn sign(&mut self) -> Result<(), SealError> {
        let Place { dir, origin, clock, sealing, disk } = &self.place;
        let key = |source| SealError::Key { origin: origin.clone(), source };
        let checkpoint = Checkpoint::new(origin.clone(), self.edge.size(), self.edge.root());
        let mut note = checkpoint.note().map_err(key)?;
        for signer in &sealing.keys {
            match signer.verifier().scheme() {
                Scheme::Ed25519 => note.sign(signer),
                Scheme::Cosignature | Scheme::CosignatureMlDsa44 => {
                    let seconds = u64::try_from(clock().as_second()).unwrap_or_default();
                    cosignature::cosign(&note, signer, seconds).and_then(|signature| note.add(signature))
                }
            }
            .map_err(key)?;
        }
        let note = note.to_string();
        let inside = dir.join(NAME);
        replace_on(&**disk, &inside, note.as_bytes())
            .map_err(|source| SealError::Io { path: inside, source })?;
        self.last = Some(checkpoint);
        // After the one inside: of two that differ, that one is the newer, unless somebody put the folder back.
        if let Err(error) = replace_on(&**disk, &sealing.outside, note.as_bytes()) {
            tracing::warn!(%error, "the log's checkpoint was not kept outside: {}", sealing.outside.display());
        }
        Ok(())
    }
}

/// A checkpoint that this log signed, if there is a file.
fn read_checkpoint(path: &Path, place: &Place) -> Result<Option<Checkpoint>, SealError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SealError::Io { path: path.to_owned(), source }),
    };
    let keys: Vec<VerifierKey> = place.sealing.keys.iter().map(|key| key.verifier().clone()).collect();
    let checkpoint = Note::parse(&bytes).and_then(|note| Ok(Checkpoint::verified(&note, &keys)?.0));
    match checkpoint {
        Ok(checkpoint) if checkpoint.origin == place.origin => Ok(Some(checkpoint)),
        Ok(_) => Err(SealError::NotOurs { path: path.to_owned(), source: NoteError::Unsigned }),
        Err(source) => Err(SealError::NotOurs { path: path.to_owned(), source }),
    }
}

/// Where the checkpoint of the first `size` entries is kept, if it is.
pub(super) fn kept_path(dir: &Path, size: u64) -> PathBuf {
    dir.join(KEPT).join(format!("{size:020}"))
}

/// A checkpoint that was put aside for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// Where.
    pub path: PathBuf,
    /// The note, as it stands there.
    pub bytes: Vec<u8>,
}

/// Puts the newest checkpoint in the log's folder aside for good, unless it was; `None`: there is none yet.
///
/// # Errors
/// It cannot be read or written, or is malformed.
pub fn keep_checkpoint(dir: &Path) -> io::Result<Option<KeptCheckpoint>> {
    let bytes = match std::fs::read(dir.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let note = Note::parse(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let checkpoint: Checkpoint =
        note.text().parse().map_err(|error: NoteError| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let path = kept_path(dir, checkpoint.size);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(KeptCheckpoint { path, bytes })),
        Err(_) => {
            replace_on(&RealDisk, &path, &bytes)?;
            Ok(Some(KeptCheckpoint { path, bytes }))
        }
    }
}

/// Name of the newest checkpoint in the log's folder, as C2SP `tlog-tiles` has it.
pub(super) const NAME: &str = "checkpoint";
/// Name of the newest checkpoint of which all tiles are durable, beside it.
pub(super) const DURABLE: &str = "checkpoint.durable";
/// Name of the newest checkpoint that witnesses cosigned, beside it.
pub(super) const COSIGNED: &str = "checkpoint.cosigned";
/// Folder of the checkpoints that are kept for good, in the log's.
pub(super) const KEPT: &str = "checkpoints";
/// How often tiles are made durable: a restart after a crash makes those of so long again.
const DURABLE_EVERY: Duration = Duration::from_secs(30);
/// How many wait for that at most.
const MOST_WAITING: usize = 8192;
/// How often one is.
const KEEP_EVERY: SignedDuration = SignedDuration::from_hours(1);
