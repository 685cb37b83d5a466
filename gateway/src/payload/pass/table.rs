//! Names that a schema knows, found by their digest.

use crate::payload::document::digest;

/// A set of distinct names, each known by its place.
#[derive(Debug)]
pub(super) struct Table {
    names: Box<[(u32, Box<str>)]>,
    /// By digest, places in `names`; a power of two of them, [`FREE`] between the chains.
    cells: Box<[u16]>,
}

impl Table {
    /// `None` if they are too many, or chosen such that finding one would take long.
    pub(super) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let names: Box<[(u32, Box<str>)]> =
            names.into_iter().map(|name| (digest(name.as_bytes()), name.into())).collect();
        if names.len() > MOST_NAMES {
            return None;
        }
        let mut cells = vec![FREE; (names.len() * 4).next_power_of_two()].into_boxed_slice();
        let mask = cells.len() - 1;
        for (place, (digest, _)) in names.iter().enumerate() {
            let chain = (0..LONGEST_CHAIN).map(|step| (*digest as usize + step) & mask);
            let free = chain.into_iter().find(|cell| cells[*cell] == FREE)?;
            cells[free] = place as u16;
        }
        Some(Self { names, cells })
    }

    /// The place of `name`, of that digest.
    #[inline]
    pub(super) fn find(&self, name: &[u8], digest: u32) -> Option<usize> {
        let mask = self.cells.len() - 1;
        let mut cell = digest as usize & mask;
        loop {
            let place = *self.cells.get(cell)?;
            let (known, text) = self.names.get(place as usize)?;
            if *known == digest && text.as_bytes() == name {
                return Some(place as usize);
            }
            cell = (cell + 1) & mask;
        }
    }
}

/// Out of reach of any place.
const FREE: u16 = u16::MAX;
const MOST_NAMES: usize = 4_096;
/// The cells are three quarters empty, so only names that were chosen for it come that close.
const LONGEST_CHAIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_at_its_place_and_no_other_is() {
        let names: Vec<String> = (0..1_000).map(|n| format!("{n}name{n}")).collect();
        let table = Table::new(names.iter().map(String::as_str)).unwrap();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(table.find(name.as_bytes(), digest(name.as_bytes())), Some(place));
            let other = format!("{name}x");
            assert_eq!(table.find(other.as_bytes(), digest(other.as_bytes())), None);
        }
    }

    #[test]
    fn names_made_to_collide_get_no_table() {
        let names: Vec<String> = (0..100).map(|n| format!("aaaaaaaa{n:04}zzzzzzzz")).collect();
        assert!(Table::new(names.iter().map(String::as_str)).is_none());
        assert!(Table::new([]).unwrap().find(b"", 0).is_none());
    }
}
