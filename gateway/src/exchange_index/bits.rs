//! Sets of items within a block: as they are kept, and as a query combines them.

/// Items of a block: as many as two bytes count.
pub(super) const BLOCK: usize = 1 << 16;
const WORDS: usize = BLOCK / 64;
const BITMAP_BYTES: usize = BLOCK / 8;

/// What is kept once `items` are added to what was; short sets, which most are, never become a bitmap on the way.
pub(super) fn with(kept: &[u8], items: &[u16]) -> Vec<u8> {
    if kept.len() + 2 * items.len() < BITMAP_BYTES {
        let kept = kept.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
        let mut all: Vec<u16> = kept.chain(items.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        return all.iter().flat_map(|item| item.to_le_bytes()).collect();
    }
    let mut bits = Bits::none();
    bits.unite(kept);
    items.iter().for_each(|item| bits.insert(*item));
    bits.kept()
}

/// A set of items of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64; WORDS]>);

impl Bits {
    pub(super) fn none() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// One item.
    pub(super) fn only(item: u16) -> Self {
        let mut bits = Self::none();
        bits.insert(item);
        bits
    }

    /// The first `count` items of a block.
    pub(super) fn first(count: usize) -> Self {
        let mut bits = Self::none();
        for (word, at) in bits.0.iter_mut().zip((0..).step_by(64)) {
            *word = match count.saturating_sub(at) {
                0 => 0,
                left @ 1..64 => (1 << left) - 1,
                _ => u64::MAX,
            };
        }
        bits
    }

    pub(super) fn insert(&mut self, item: u16) {
        self.0[usize::from(item) / 64] |= 1 << (item % 64);
    }

    pub(super) fn unite(&mut self, kept: &[u8]) {
        if kept.len() == BITMAP_BYTES {
            for (word, bytes) in self.0.iter_mut().zip(kept.as_chunks().0) {
                *word |= u64::from_le_bytes(*bytes);
            }
        } else {
            for bytes in kept.as_chunks().0 {
                self.insert(u16::from_le_bytes(*bytes));
            }
        }
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The items, highest first.
    pub(super) fn descending(&self) -> impl Iterator<Item = u16> + '_ {
        (0..WORDS as u16).rev().flat_map(move |number| {
            let mut word = self.0[usize::from(number)];
            std::iter::from_fn(move || {
                let bit = word.checked_ilog2()?;
                word &= !(1 << bit);
                Some(number * 64 + bit as u16)
            })
        })
    }

    /// As it is kept: a few numbers, or a bit for each item, whichever is shorter.
    pub(super) fn kept(&self) -> Vec<u8> {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        if (count as usize) * 2 < BITMAP_BYTES {
            let mut items: Vec<u16> = self.descending().collect();
            items.reverse();
            items.iter().flat_map(|item| item.to_le_bytes()).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_is_the_same_after_it_was_kept(items in btree_set(0..u16::MAX, 0..9000)) {
            let mut bits = Bits::none();
            items.iter().for_each(|item| bits.insert(*item));
            let mut again = Bits::none();
            again.unite(&bits.kept());
            prop_assert_eq!(&again, &bits);
            prop_assert!(again.descending().eq(items.iter().rev().copied()));
            prop_assert_eq!(bits.kept().len() <= BITMAP_BYTES, true);
        }

        #[test]
        fn what_is_kept_is_read_whatever_it_is(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
            let mut bits = Bits::none();
            bits.unite(&bytes);
            bits.descending().for_each(drop);
        }
    }

    #[test]
    fn adding_little_by_little_keeps_the_same() {
        let mut kept = Vec::new();
        let mut bits = Bits::none();
        for start in 0..400 {
            let items: Vec<u16> = (0..100).map(|step| ((start * 97 + step * 41) % BLOCK) as u16).collect();
            items.iter().for_each(|item| bits.insert(*item));
            kept = with(&kept, &items);
            assert_eq!(kept, bits.kept());
        }
    }

    #[test]
    fn the_first_of_a_block_are_as_many_as_asked_for() {
        for count in [0, 1, 63, 64, 65, BLOCK - 1, BLOCK] {
            let bits = Bits::first(count);
            assert_eq!(bits.descending().count(), count);
            assert_eq!(bits.is_empty(), count == 0);
            assert_eq!(bits.descending().next().map(usize::from), count.checked_sub(1));
        }
    }
}
