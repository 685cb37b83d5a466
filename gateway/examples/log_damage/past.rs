//! A log's folder taken back to each checkpoint that it could ever have had: one after each of its entries, newest first.
//!
//! What is taken back is all that the folder holds, as whoever puts an old backup in its place would have it: the segment, both
//! checkpoints with the signatures of that time, those that were put aside, tiles and bundles. All of it is cut out of what the
//! sealer wrote, since what stands in a tile never changes; where the log did stop once, the folder is held against the one
//! that stood there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use gateway::{
    exchange_log::Trials,
    transparency::{Edge, Hash, TilePath, checkpoint::Checkpoint},
};

use crate::scene::{ORIGIN, Scene, copy};

/// The roots of a log after each of its entries, and its folder as it grew.
pub(crate) struct Past<'a> {
    scene: &'a Scene,
    trials: &'a Trials,
    /// After one entry, after two, and so on.
    roots: Vec<Hash>,
}

/// A copy of a log's folder that goes back.
pub(crate) struct Folder<'a> {
    past: &'a Past<'a>,
    pub(crate) dir: PathBuf,
    /// Entries that it has now.
    size: u64,
}

impl<'a> Past<'a> {
    pub(crate) fn of(scene: &'a Scene, trials: &'a Trials) -> Self {
        let mut edge = Edge::default();
        let roots = (0..trials.lines()).map(|line| {
            edge.push(leaf(trials, line), |_, _| Ok::<_, std::convert::Infallible>(())).unwrap();
            edge.root()
        });
        Self { scene, trials, roots: roots.collect() }
    }

    /// A folder of its own, as the log is now.
    pub(crate) fn folder(&'a self, name: &str) -> Folder<'a> {
        let dir = self.scene.log.with_file_name(name);
        copy(&self.scene.log, &dir);
        Folder { past: self, dir, size: self.trials.lines() as u64 }
    }
}

impl Folder<'_> {
    /// Takes it back to when it had `size` entries, which are fewer than it has, and not none.
    pub(crate) fn go_back(&mut self, size: u64) {
        assert!((1..self.size).contains(&size), "it only goes back");
        let Past { scene, trials, roots } = self.past;
        let last = usize::try_from(size).unwrap() - 1;
        let segment =
            fs::File::options().write(true).open(self.dir.join(format!("{:020}.jsonl", 0))).unwrap();
        segment.set_len(trials.between(0, last + 1).len() as u64).unwrap();
        let head = BASE64_STANDARD.encode(leaf(trials, last).0);
        let durable = format!("{{\"origin\":\"{ORIGIN}\",\"size\":{size},\"head\":\"{head}\"}}\n");
        fs::write(self.dir.join("checkpoint.json"), durable).unwrap();
        scene.sign_and_cosign(Checkpoint::new(ORIGIN, size, roots[last]).note().unwrap(), &self.dir);
        for kept in fs::read_dir(self.dir.join("checkpoints")).unwrap() {
            let kept = kept.unwrap();
            if kept.file_name().to_str().unwrap().parse::<u64>().unwrap() > size {
                fs::remove_file(kept.path()).unwrap();
            }
        }
        for tiles in Tiles::ALL {
            self.cut(tiles, size);
        }
        self.size = size;
    }

    /// Takes tiles or bundles of one level back to those of a tree of `size` entries.
    fn cut(&self, tiles: Tiles, size: u64) {
        let (newest, cut) = (tiles.edge(self.size), tiles.edge(size));
        if newest == cut {
            return;
        }
        // What its last one holds stands at the beginning of the one that has more.
        let (number, width) = cut;
        let more = tiles.path(number, if newest.0 == number { newest.1 } else { 256 });
        let kept =
            (width > 0).then(|| tiles.first(&fs::read(self.dir.join(more.to_string())).unwrap(), width));
        for gone in number..=newest.0 {
            let width = if gone == newest.0 { newest.1 } else { 256 };
            if width > 0 {
                fs::remove_file(self.dir.join(tiles.path(gone, width).to_string())).unwrap();
            }
            // Older partial ones that the sealer left where none is full.
            let partials = self.dir.join(tiles.path(gone, 256).partials());
            drop(fs::remove_dir_all(partials));
        }
        if let Some(kept) = kept {
            let place = self.dir.join(tiles.path(number, width).to_string());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, kept).unwrap();
        }
    }

    /// Whether all that stands here stands also in `state`, which is the same log when it had as many entries; the cosignature
    /// says another time.
    pub(crate) fn is_as(&self, state: &Path) -> bool {
        let rest_is_zeros = |there: &[u8], here: &[u8]| {
            there.strip_prefix(here).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
        };
        files(&self.dir).into_iter().all(|path| {
            let name = path.strip_prefix(&self.dir).unwrap();
            let (here, there) = (fs::read(&path).unwrap(), fs::read(state.join(name)).unwrap_or_default());
            let as_it_was = match name.to_str().unwrap() {
                "checkpoint.cosigned" | "checkpoint.durable" => true,
                name if name.ends_with(".jsonl") => rest_is_zeros(&there, &here),
                _ => here == there,
            };
            if !as_it_was {
                println!("{} is not as it was in {}", path.display(), state.display());
            }
            as_it_was
        })
    }
}

/// Tiles of one level, or bundles.
#[derive(Debug, Clone, Copy)]
enum Tiles {
    Entries,
    Hashes(u8),
}

impl Tiles {
    /// A log of these sizes has no others.
    const ALL: [Self; 4] = [Self::Entries, Self::Hashes(0), Self::Hashes(1), Self::Hashes(2)];

    /// Number and width of the one at the right edge of a tree of `size` entries; 0 wide: all before it are full.
    fn edge(self, size: u64) -> (u64, u16) {
        let level = match self {
            Self::Entries => 0,
            Self::Hashes(level) => level,
        };
        (size >> (8 * (u32::from(level) + 1)), u16::try_from(Edge::width_at(size, level)).unwrap())
    }

    fn path(self, number: u64, width: u16) -> TilePath {
        match self {
            Self::Entries => TilePath::entries(number, width),
            Self::Hashes(level) => TilePath::hashes(level, number, width),
        }
    }

    /// The first `width` of what one holds.
    fn first(self, bytes: &[u8], width: u16) -> Vec<u8> {
        let end = match self {
            Self::Hashes(_) => usize::from(width) * 32,
            Self::Entries => (0..width).fold(0, |at, _| {
                at + 2 + usize::from(u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap()))
            }),
        };
        bytes[..end].to_vec()
    }
}

fn leaf(trials: &Trials, line: usize) -> Hash {
    Hash::of_leaf(trials.between(line, line + 1).trim_ascii_end())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
