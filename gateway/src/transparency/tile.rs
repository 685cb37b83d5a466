//! C2SP `tlog-tiles`: how a tree and its entries stand in files that never change once they are full.
//!
//! A tile at level L is 256 hashes, each of a full tile at the level below, those at level 0 of entries; a bundle is
//! 256 entries, each after its length in two bytes. The last ones of each level may be partial.

use std::fmt;
use std::str::FromStr;

use super::{Hash, parse_number};

/// Where a tile or bundle stands, relative to the log's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TilePath {
    /// The level, or `None`: entries.
    level: Option<u8>,
    number: u64,
    /// 256: full.
    width: u16,
}

impl TilePath {
    /// A tile of hashes, of which it has `width`, 1 to 256.
    ///
    /// # Panics
    /// With another width, or a level above 7: no log has so many entries.
    pub fn hashes(level: u8, number: u64, width: u16) -> Self {
        assert!(level < 8 && (1..=WIDTH).contains(&width), "no tile has level {level} and width {width}");
        Self { level: Some(level), number, width }
    }

    /// A bundle of entries, of which it has `width`, 1 to 256.
    ///
    /// # Panics
    /// With another width.
    pub fn entries(number: u64, width: u16) -> Self {
        assert!((1..=WIDTH).contains(&width), "no bundle has {width} entries");
        Self { level: None, number, width }
    }

    /// The same tile when it is full.
    pub fn full(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// The first entry under it.
    pub fn start(self) -> u64 {
        self.entry_of(0)
    }

    /// The entry behind the last one under it.
    pub fn end(self) -> u64 {
        self.entry_of(usize::from(self.width))
    }

    /// The first entry under its hash number `place`.
    pub fn entry_of(self, place: usize) -> u64 {
        (self.number * BUNDLE_ENTRIES + place as u64) << (8 * u32::from(self.level.unwrap_or_default()))
    }

    /// Whether it holds entries rather than hashes.
    pub fn is_bundle(self) -> bool {
        self.level.is_none()
    }

    /// The folder in which its partial versions stand.
    pub fn partials(self) -> String {
        format!("{}.p", self.full())
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "tile/{level}/")?,
            None => f.write_str("tile/entries/")?,
        }
        let mut pieces = vec![self.number % 1000];
        let mut rest = self.number / 1000;
        while rest > 0 {
            pieces.push(rest % 1000);
            rest /= 1000;
        }
        for piece in pieces.iter().skip(1).rev() {
            write!(f, "x{piece:03}/")?;
        }
        write!(f, "{:03}", pieces[0])?;
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Why text is the place of no tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct NotATile;

impl FromStr for TilePath {
    type Err = NotATile;

    fn from_str(text: &str) -> Result<Self, NotATile> {
        let (level, rest) =
            text.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or(NotATile)?;
        let level = match level {
            "entries" => None,
            number => Some(number.parse().ok().filter(|level| *level < 8).ok_or(NotATile)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, WIDTH),
            Some((number, width)) => (number, width.parse().map_err(|_| NotATile)?),
        };
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let number = parse_number(digits.trim_start_matches('0')).or(Some(0)).filter(|_| digits.len() <= 18);
        let tile = Self { level, number: number.ok_or(NotATile)?, width };
        // What is not spelled as the specification has it is another file, or none.
        if (1..=WIDTH).contains(&width) && tile.to_string() == text { Ok(tile) } else { Err(NotATile) }
    }
}

/// Entries of a full bundle, and hashes of a full tile.
pub const BUNDLE_ENTRIES: u64 = 256;

/// Appends an entry to a bundle.
///
/// # Panics
/// If it is longer than a bundle can tell: 65,535 bytes.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).expect("no entry is longer than a bundle can tell");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle; `None` if its lengths do not fit.
pub fn split_bundle(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let entry;
        (entry, bundle) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
    }
    bundle.is_empty().then_some(entries)
}

/// The right edge of a growing tree: for each level, the hashes of the tile that is not full yet.
///
/// It is all that is needed to go on and to know the root: at most 255 hashes a level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    levels: Vec<Vec<Hash>>,
    size: u64,
}

impl Edge {
    /// The edge of a tree of `size` entries whose partial tiles are `levels`, from the lowest.
    ///
    /// `None` if they have other widths than those of that size.
    pub fn new(size: u64, levels: Vec<Vec<Hash>>) -> Option<Self> {
        let fits = levels.len() == Self::levels_of(size)
            && levels.iter().zip(0..).all(|(tile, level)| tile.len() as u64 == Self::width_at(size, level));
        fits.then_some(Self { levels, size })
    }

    /// Levels of tiles in a tree of `size` entries.
    pub fn levels_of(size: u64) -> usize {
        size.checked_ilog2().map_or(0, |bits| bits as usize / 8 + 1)
    }

    /// Hashes in the partial tile at `level` of a tree of `size` entries; 0 if there is none.
    pub fn width_at(size: u64, level: u8) -> u64 {
        (size >> (8 * u32::from(level))) % BUNDLE_ENTRIES
    }

    /// Entries in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds an entry; `full` gets each tile that it fills, with its place.
    ///
    /// # Errors
    /// That of `full`; the edge must not be used again then.
    pub fn push<E>(
        &mut self,
        leaf: Hash,
        mut full: impl FnMut(TilePath, &[Hash]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut hash = leaf;
        for level in 0_u8.. {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::with_capacity(usize::from(WIDTH)));
            }
            let tile = &mut self.levels[usize::from(level)];
            tile.push(hash);
            if tile.len() < usize::from(WIDTH) {
                break;
            }
            full(TilePath::hashes(level, self.size >> (8 * (u32::from(level) + 1)), WIDTH), tile)?;
            hash = complete(tile);
            tile.clear();
        }
        self.size += 1;
        Ok(())
    }

    /// The partial tiles, with their places.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (TilePath, &[Hash])> {
        let size = self.size;
        self.levels.iter().zip(0_u8..).filter(|(tile, _)| !tile.is_empty()).map(move |(tile, level)| {
            let width = u16::try_from(tile.len()).expect("an edge has less than 256 hashes a level");
            (TilePath::hashes(level, size >> (8 * (u32::from(level) + 1)), width), tile.as_slice())
        })
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        // From the right, which is from the lowest level, and in each from its end, the smallest complete subtree first.
        for tile in &self.levels {
            let mut end = tile.len();
            while end > 0 {
                let start = end - (1 << end.trailing_zeros());
                let left = complete(&tile[start..end]);
                root = Some(root.map_or(left, |right| Hash::of_node(&left, &right)));
                end = start;
            }
        }
        root.unwrap_or_else(Hash::of_empty_tree)
    }
}

/// The hash over a complete subtree.
///
/// # Panics
/// Unless `hashes` are a power of two, and at most 256.
pub fn complete(hashes: &[Hash]) -> Hash {
    let mut row = [Hash([0; 32]); 128];
    let mut width = hashes.len() / 2;
    if width == 0 {
        return hashes[0];
    }
    for (node, pair) in row.iter_mut().zip(hashes.chunks_exact(2)) {
        *node = Hash::of_node(&pair[0], &pair[1]);
    }
    while width > 1 {
        width /= 2;
        for at in 0..width {
            row[at] = Hash::of_node(&row[2 * at], &row[2 * at + 1]);
        }
    }
    row[0]
}

/// The bytes of a tile.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile's bytes; `None` if they are no whole number of them.
pub fn tile_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks();
    rest.is_empty().then(|| hashes.iter().copied().map(Hash).collect())
}

const WIDTH: u16 = 256;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::super::tree::{root, tests::leaves};
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let text = |path: TilePath| path.to_string();
        assert_eq!(text(TilePath::hashes(0, 1_234_067, 256)), "tile/0/x001/x234/067");
        assert_eq!(text(TilePath::hashes(2, 0, 1)), "tile/2/000.p/1");
        assert_eq!(text(TilePath::entries(1000, 112)), "tile/entries/x001/000.p/112");
        assert_eq!(TilePath::entries(1000, 112).partials(), "tile/entries/x001/000.p");
    }

    #[test]
    fn tree_of_70_000_has_the_tiles_that_the_specification_counts() {
        let mut edge = Edge::default();
        let mut full = [0; 3];
        for leaf in leaves(70_000).0 {
            edge.push(leaf, |path, _| {
                full[usize::from(path.level.unwrap())] += 1;
                Ok::<_, Infallible>(())
            })
            .unwrap();
        }
        let partial: Vec<String> = edge.partial_tiles().map(|(path, _)| path.to_string()).collect();
        assert_eq!(full, [273, 1, 0]);
        assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(Edge::new(70_000, edge.levels.clone()), Some(edge.clone()));
        assert_eq!(Edge::new(70_001, edge.levels), None);
    }

    #[test]
    fn root_of_an_edge_is_that_of_its_tree_at_every_size() {
        let tree = leaves(1_100);
        let mut edge = Edge::default();
        assert_eq!(edge.root(), root(&tree, 0).unwrap());
        for size in 1..=1_100 {
            edge.push(tree.0[size - 1], |_, _| Ok::<_, Infallible>(())).unwrap();
            assert_eq!(edge.root(), root(&tree, size as u64).unwrap(), "{size}");
            assert_eq!(
                edge.levels.iter().filter(|tile| !tile.is_empty()).count(),
                edge.partial_tiles().count()
            );
        }
    }

    #[test]
    fn bundle_is_split_as_it_was_joined_and_a_torn_one_is_none() {
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", &[7; 300]] {
            push_entry(&mut bundle, entry);
        }
        assert_eq!(split_bundle(&bundle).unwrap(), [&b"one"[..], b"", &[7; 300]]);
        for cut in [1, 2, bundle.len() - 1] {
            assert_eq!(split_bundle(&bundle[..cut]), None);
        }
    }
}
