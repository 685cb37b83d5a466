//! What was signed, held against what the segments say: checkpoints, tiles, bundles.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::super::{
    minimum::{MinimumIndex, NAME as MINIMUM, minimum_in},
    sealer::{COSIGNED, KEPT, NAME},
    tiles::StoredTree,
};
use super::{Evidence, Problem, stamps::Stamps};
use crate::transparency::{
    BUNDLE_ENTRIES, Edge, Hash, TilePath, checkpoint::Checkpoint, note::Note, policy::NotAccepted,
    tile_bytes, tile_hashes,
};

/// A finding about a file other than a segment: which, and at which entry.
pub(super) type Elsewhere = (PathBuf, u64, Problem);

/// All that is kept beside the segments of a log.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    dir: Arc<Path>,
    /// Every checkpoint that is kept, smallest first; those before `next` were compared.
    checkpoints: Arc<Vec<(PathBuf, Checkpoint)>>,
    next: usize,
    /// Entries under the newest checkpoint in the folder: tiles of them must be there.
    size: u64,
    /// The tree of what was read; `None`: something is missing of it.
    edge: Option<Edge>,
    /// The tile with the leaves around the next entry, as it is kept.
    leaves: (u64, Arc<Vec<Hash>>),
    /// The bundle around the next entry.
    bundle: Bundle,
    /// The minimum index that the log declares; 0 if it declares none, or not with its own key.
    pub(super) minimum: u64,
    /// Entries under the newest checkpoint that enough witnesses cosigned.
    pub(super) witnessed: Option<u64>,
    pub(super) stamps: Stamps,
    pub(super) found: Vec<Elsewhere>,
}

/// A bundle of entries, as it is kept.
#[derive(Debug, Clone, Default)]
struct Bundle {
    number: u64,
    bytes: Arc<Vec<u8>>,
    /// The place of the entry behind the one that was looked at last, and where it begins.
    next: (u64, usize),
    /// Whether it was found to differ.
    differed: bool,
}

impl Bundle {
    /// Its entry at a place: not every one before it need have been looked at.
    fn entry(&mut self, at: u64) -> Option<&[u8]> {
        if self.next.0 > at {
            self.next = (0, 0);
        }
        loop {
            let (place, offset) = self.next;
            let (length, _) = self.bytes.get(offset..)?.split_first_chunk()?;
            let (begins, length) = (offset + 2, usize::from(u16::from_be_bytes(*length)));
            self.next = (place + 1, begins + length);
            if place == at {
                return self.bytes.get(begins..begins + length);
            }
        }
    }
}

impl Sealed {
    pub(super) fn read(dir: &Path, evidence: &Evidence) -> io::Result<Self> {
        let mut sealed = Self {
            dir: dir.into(),
            checkpoints: Arc::default(),
            next: 0,
            size: 0,
            edge: Some(Edge::default()),
            leaves: (u64::MAX, Arc::default()),
            bundle: Bundle { number: u64::MAX, ..Bundle::default() },
            minimum: 0,
            witnessed: None,
            stamps: Stamps::default(),
            found: Vec::new(),
        };
        let mut paths = vec![dir.join(NAME), dir.join(COSIGNED)];
        match std::fs::read_dir(dir.join(KEPT)) {
            Ok(kept) => {
                for kept in kept {
                    // Time stamps stand beside the checkpoints that they are of.
                    paths.extend(Some(kept?.path()).filter(|path| path.extension().is_none()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        for (path, must) in
            paths.iter().map(|path| (path, false)).chain(evidence.checkpoints.iter().map(|path| (path, true)))
        {
            match bounded(path, Note::MAX_BYTES as u64) {
                Ok(bytes) => sealed.add(path, &bytes, evidence),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !must => {}
                Err(error) => return Err(error),
            }
        }
        sealed.stamps = Stamps::read(&dir.join(KEPT), evidence.authorities.as_ref(), &mut sealed.found)?;
        sealed.read_minimum(evidence);
        Arc::make_mut(&mut sealed.checkpoints).sort_by_key(|(_, checkpoint)| checkpoint.size);
        if let Some(policy) = &evidence.policy {
            if sealed.checkpoints.is_empty() {
                sealed.found.push((dir.join(NAME), 0, Problem::NotSealed));
            } else if policy.asks_for_witnesses() && sealed.witnessed.is_none() {
                sealed.found.push((dir.join(NAME), sealed.size, Problem::NotWitnessed));
            }
        } else if !sealed.checkpoints.is_empty() {
            sealed.found.push((dir.join(NAME), sealed.size, Problem::NoPolicy));
        }
        Ok(sealed)
    }

    fn add(&mut self, path: &Path, bytes: &[u8], evidence: &Evidence) {
        let read = Note::parse(bytes).and_then(|note| Ok((note.text().parse::<Checkpoint>()?, note)));
        let (checkpoint, note) = match read {
            Ok(read) => read,
            Err(error) => {
                return self.found.push((path.to_owned(), 0, Problem::NoNote { why: error.to_string() }));
            }
        };
        if let Some(policy) = &evidence.policy {
            match policy.accept(&note) {
                Ok(_) if policy.asks_for_witnesses() => {
                    self.witnessed = self.witnessed.max(Some(checkpoint.size))
                }
                // One of many that are kept need not be the one that witnesses saw.
                Ok(_) | Err(NotAccepted::Quorum { .. }) => {}
                Err(error) => {
                    let why = crate::telemetry::chain(&error);
                    self.found.push((path.to_owned(), checkpoint.size, Problem::NotAccepted { why }));
                }
            }
        }
        if path == self.dir.join(NAME) {
            self.size = checkpoint.size;
        }
        Arc::make_mut(&mut self.checkpoints).push((path.to_owned(), checkpoint));
    }

    /// Reads from which entry on the folder says that it holds the log.
    fn read_minimum(&mut self, evidence: &Evidence) {
        let path = self.dir.join(MINIMUM);
        let not_accepted = |why: String| (path.clone(), 0, Problem::NotAccepted { why });
        let (note, declared) = match minimum_in(&self.dir) {
            Ok(None) => return,
            Ok(Some(found)) => found,
            Err(error) => return self.found.push(not_accepted(error.to_string())),
        };
        let policy = evidence.policy.as_ref();
        let verified = policy.map_or(Ok(declared), |policy| MinimumIndex::verified(&note, policy.logs()));
        match verified {
            // C2SP tlog-tiles: at most the size of the current checkpoint.
            Ok(minimum) if minimum.index <= self.size => self.minimum = minimum.index,
            Ok(_) => self.found.push(not_accepted("it declares more than is sealed".to_owned())),
            Err(error) => self.found.push(not_accepted(crate::telemetry::chain(&error))),
        }
    }

    /// Names of logs other than `origin` that checkpoints are of.
    pub(super) fn check_origin(&mut self, origin: &str) {
        for (path, checkpoint) in
            self.checkpoints.iter().filter(|(_, checkpoint)| checkpoint.origin != origin)
        {
            let other = Problem::OtherOrigin { origin: checkpoint.origin.clone() };
            self.found.push((path.clone(), checkpoint.size, other));
        }
    }

    /// Begins with entry `first`: those before it are known by tiles only.
    pub(super) fn begin_at(&mut self, first: u64) {
        // Of the newest tree: of older ones there are no partial tiles any more.
        self.edge = StoredTree::new(&self.dir, self.size).edge_of(first).ok().flatten();
        if self.edge.is_none() && self.size > first {
            let path = self.place(TilePath::hashes(0, first / BUNDLE_ENTRIES, 256));
            self.found.push((path, first, Problem::TileMissing));
        }
        self.next = self.checkpoints.iter().take_while(|(_, checkpoint)| checkpoint.size < first).count();
    }

    /// The hash of entry `index`, as it was sealed.
    pub(super) fn leaf(&mut self, index: u64) -> Option<Hash> {
        if index >= self.size {
            return None;
        }
        let number = index / BUNDLE_ENTRIES;
        if self.leaves.0 != number {
            let path = TilePath::hashes(0, number, self.width(number));
            let hashes = self.kept(path, 256 * 32).as_deref().and_then(tile_hashes);
            self.leaves = (number, Arc::new(hashes.unwrap_or_default()));
        }
        self.leaves.1.get(usize::try_from(index % BUNDLE_ENTRIES).expect("less than 256")).copied()
    }

    /// Holds the entry that the bundle has at `index` against `line`. Where one differs those behind it may be shifted:
    /// a bundle is told of once.
    pub(super) fn compare_bundle(&mut self, index: u64, line: &[u8]) {
        if index >= self.size {
            return;
        }
        let number = index / BUNDLE_ENTRIES;
        let path = TilePath::entries(number, self.width(number));
        if self.bundle.number != number {
            let bytes = Arc::new(self.kept(path, 256 * 65_537).unwrap_or_default());
            self.bundle = Bundle { number, bytes, ..Bundle::default() };
        }
        if !self.bundle.differed && self.bundle.entry(index % BUNDLE_ENTRIES) != Some(line) {
            self.bundle.differed = true;
            self.found.push((self.place(path), index, Problem::TileDiffers { index }));
        }
    }

    /// Adds the hash of the next entry, and compares what it completes.
    pub(super) fn push(&mut self, hash: Hash) {
        let Some(mut edge) = self.edge.take() else { return };
        let pushed = edge.push(hash, |path, hashes| {
            self.compare(path, hashes);
            Ok::<_, std::convert::Infallible>(())
        });
        match pushed {
            Ok(()) => {}
            Err(never) => match never {},
        }
        if edge.size() == self.size {
            edge.partial_tiles().for_each(|(path, hashes)| self.compare(path, hashes));
        }
        while let Some((path, checkpoint)) = self.checkpoints.get(self.next)
            && checkpoint.size <= edge.size()
        {
            // The empty tree is in every other.
            if checkpoint.size == edge.size() && checkpoint.root != edge.root() {
                self.found.push((
                    path.clone(),
                    checkpoint.size,
                    Problem::OtherRoot { size: checkpoint.size },
                ));
            }
            self.next += 1;
        }
        self.edge = Some(edge);
    }

    /// Goes on behind entries that are missing, as far as their hashes are kept.
    pub(super) fn skip_to(&mut self, index: u64) {
        while let Some(at) = self.edge.as_ref().map(Edge::size).filter(|at| *at < index) {
            match self.leaf(at) {
                Some(leaf) => self.push(leaf),
                None => self.edge = None,
            }
        }
    }

    /// Holds time stamps against the entries before `next`, of which the newest was received at `latest`.
    pub(super) fn read_to(&mut self, next: u64, latest: Option<i64>) {
        self.stamps.read_to(next, latest, &mut self.found);
    }

    /// The first checkpoint that knows more than `entries`, from the largest.
    pub(super) fn beyond(&self, entries: u64) -> Option<&(PathBuf, Checkpoint)> {
        self.checkpoints.last().filter(|(_, checkpoint)| checkpoint.size > entries)
    }

    /// Checkpoints that are kept.
    pub(super) fn kept_checkpoints(&self) -> usize {
        self.checkpoints.len()
    }

    /// Entries under the newest checkpoint in the folder.
    pub(super) fn sealed(&self) -> u64 {
        self.size
    }

    fn compare(&mut self, path: TilePath, hashes: &[Hash]) {
        if path.end() > self.size {
            return;
        }
        let place = self.place(path);
        let Some(kept) = self.kept(path, 256 * 32) else {
            return self.found.push((place, path.start(), Problem::TileMissing));
        };
        let bytes = tile_bytes(hashes);
        if kept.get(..bytes.len()) != Some(&bytes[..]) {
            let same = kept.iter().zip(&bytes).take_while(|(kept, computed)| kept == computed).count();
            let index = path.entry_of(same / 32);
            self.found.push((place, index, Problem::TileDiffers { index }));
        }
    }

    /// Hashes that the newest sealed tree has in a tile at level 0.
    fn width(&self, number: u64) -> u16 {
        let width = self.size.saturating_sub(number * BUNDLE_ENTRIES).clamp(1, BUNDLE_ENTRIES);
        u16::try_from(width).expect("at most 256")
    }

    fn place(&self, path: TilePath) -> PathBuf {
        self.dir.join(path.to_string())
    }

    /// The bytes of a tile, or of the full one that took its place while we read.
    fn kept(&self, path: TilePath, most: u64) -> Option<Vec<u8>> {
        [path, path.full()].iter().find_map(|path| bounded(&self.place(*path), most).ok())
    }
}

/// A file of at most `most` bytes.
pub(super) fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}
