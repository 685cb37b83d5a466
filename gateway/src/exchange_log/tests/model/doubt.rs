//! What a disk may hold of files and names: every content that it may have, until a sync settles which.

use super::*;

/// What becomes of what a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    Yes,
    /// The next sync makes it so.
    NotYet,
    /// No later sync knows of it: it is there or not.
    Never,
}

/// How likely what was not synced is there, in per cent.
#[derive(Clone, Copy)]
pub(super) struct Mood(pub(super) usize);

impl Mood {
    pub(super) fn keeps(self, chance: &mut Chance) -> bool {
        chance.below(100) < self.0
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    File(usize),
    Dir(usize),
}

#[derive(Default)]
pub(super) struct Dir {
    pub(super) durable: BTreeMap<OsString, Node>,
    pub(super) pending: Vec<Change>,
    pub(super) now: BTreeMap<OsString, Node>,
}

#[derive(Clone)]
pub(super) enum Change {
    Put(OsString, Node),
    Move { from: OsString, to: OsString, node: Node },
    Remove(OsString),
}

impl Change {
    pub(super) fn apply(self, names: &mut BTreeMap<OsString, Node>) {
        match self {
            Self::Put(name, node) => drop(names.insert(name, node)),
            Self::Move { from, to, node } => {
                names.remove(&from);
                names.insert(to, node);
            }
            Self::Remove(name) => drop(names.remove(&name)),
        }
    }
}

impl Dir {
    pub(super) fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.now);
        self.pending.push(change);
    }

    /// A folder whose sync failed can be synced again: its journal is written as a whole, or the file system stops.
    pub(super) fn settle(&mut self, durable: Durable) {
        if durable == Durable::Yes {
            self.durable = self.now.clone();
            self.pending.clear();
        }
    }
}

#[derive(Default)]
pub(super) struct Inode {
    pub(super) length: Doubt<u64>,
    sectors: Vec<Doubt<Vec<u8>>>,
}

/// What something may be on the disk; the last is what those who look see.
pub(super) struct Doubt<T> {
    possible: Vec<T>,
    /// The next sync settles it.
    dirty: bool,
}

impl Default for Doubt<u64> {
    fn default() -> Self {
        Self { possible: vec![0], dirty: false }
    }
}

impl<T: PartialEq> Doubt<T> {
    pub(super) fn seen(&self) -> &T {
        self.possible.last().unwrap()
    }

    pub(super) fn change(&mut self, to: T) {
        self.dirty = true;
        if *self.seen() != to {
            self.possible.push(to);
        }
    }

    pub(super) fn settle(&mut self, durable: Durable) {
        match durable {
            Durable::Yes if self.dirty => drop(self.possible.drain(..self.possible.len() - 1)),
            Durable::Yes | Durable::NotYet => return,
            Durable::Never => {}
        }
        self.dirty = false;
    }

    pub(super) fn choose(&self, mood: Mood, chance: &mut Chance) -> &T {
        match mood {
            Mood(0) => &self.possible[0],
            mood if mood.keeps(chance) => self.seen(),
            Mood(_) => &self.possible[chance.below(self.possible.len())],
        }
    }
}

impl Inode {
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let (start, end) = (usize::try_from(offset).unwrap(), usize::try_from(offset).unwrap() + bytes.len());
        while self.sectors.len() * SECTOR < end {
            self.sectors.push(Doubt { possible: vec![vec![0; SECTOR]], dirty: false });
        }
        for number in start / SECTOR..end.div_ceil(SECTOR) {
            let (from, to) = (start.max(number * SECTOR), end.min((number + 1) * SECTOR));
            let mut content = self.sectors[number].seen().clone();
            content[from - number * SECTOR..to - number * SECTOR]
                .copy_from_slice(&bytes[from - start..to - start]);
            self.sectors[number].change(content);
        }
        self.length.change((*self.length.seen()).max(end as u64));
    }

    pub(super) fn cut(&mut self, length: u64) {
        let end = usize::try_from(length).unwrap();
        for number in end / SECTOR..self.sectors.len() {
            let mut content = self.sectors[number].seen().clone();
            content[end.saturating_sub(number * SECTOR).min(SECTOR)..].fill(0);
            self.sectors[number].change(content);
        }
        self.length.change(length);
    }

    pub(super) fn settle_in(&mut self, range: std::ops::Range<u64>, durable: Durable) {
        let sector = |at| usize::try_from(at).unwrap() / SECTOR;
        self.length.settle(durable);
        self.sectors[sector(range.start)..=sector(range.end - 1)]
            .iter_mut()
            .for_each(|one| one.settle(durable));
    }

    pub(super) fn settle(&mut self, durable: Durable) {
        self.length.settle(durable);
        self.sectors.iter_mut().for_each(|sector| sector.settle(durable));
    }

    pub(super) fn on_disk(&self, mood: Mood, chance: &mut Chance) -> Vec<u8> {
        let length = usize::try_from(*self.length.choose(mood, chance)).unwrap();
        let mut bytes = Vec::with_capacity(length + SECTOR);
        for page in self.sectors.chunks(PAGE / SECTOR) {
            // A page goes to the disk as a whole, not at all, or torn.
            let mood = [Mood(0), Mood(100), mood][chance.below(3)];
            page.iter().for_each(|sector| bytes.extend_from_slice(sector.choose(mood, chance)));
        }
        bytes.resize(length, 0);
        bytes
    }
}

const SECTOR: usize = 512;
const PAGE: usize = 4096;
