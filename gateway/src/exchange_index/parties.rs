//! Which systems and organisations took part in the items of an era that bear a word.
//!
//! A region is some hundred of them, and what it may see of a consumer or an agreement is what the few have to do with it that
//! met it. So of the hundreds only these are looked up in an era, and where there are none nothing is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};

use super::index::IndexError;

/// Systems and organisations, by a part of their numbers: one may seem to be among them that is not, never the other way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parties {
    /// More than are counted: any may be among them.
    Any,
    These(BTreeSet<u32>),
}

impl Parties {
    pub(super) fn none() -> Self {
        Self::These(BTreeSet::new())
    }

    /// As they are kept: four bytes each, and nothing where any may be.
    pub(super) fn read(kept: &[u8]) -> Self {
        if kept.is_empty() {
            return Self::Any;
        }
        Self::These(kept.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    pub(super) fn unite(&mut self, others: Self) {
        *self = match (std::mem::replace(self, Self::Any), others) {
            (Self::These(mut these), Self::These(others)) => {
                these.extend(others);
                if these.len() > MOST { Self::Any } else { Self::These(these) }
            }
            (Self::Any, _) | (_, Self::Any) => Self::Any,
        };
    }

    /// Whether the system or organisation of that number may be among them.
    pub(super) fn may_have(&self, term: i64) -> bool {
        match self {
            Self::Any => true,
            Self::These(these) => these.contains(&part(term)),
        }
    }

    fn kept(&self) -> Vec<u8> {
        match self {
            Self::Any => Vec::new(),
            Self::These(these) => these.iter().flat_map(|part| part.to_le_bytes()).collect(),
        }
    }
}

/// What a batch adds, by era. Few who exchange do so for the first time: each combination is kept once.
#[derive(Default)]
pub(super) struct Met {
    eras: HashMap<u64, HashSet<Together>>,
}

/// An item's words, of which the first ones are its parties.
#[derive(PartialEq, Eq, Hash)]
struct Together {
    parties: usize,
    words: Box<[i64]>,
}

impl Met {
    /// An item in `era`: the numbers of its systems and organisations, and of its other words that go by them.
    pub(super) fn add(&mut self, era: u64, parties: &[i64], others: &[i64]) {
        let words = [parties, others].concat().into();
        self.eras.entry(era).or_default().insert(Together { parties: parties.len(), words });
    }

    /// Writes them, in the order of the file.
    pub(super) fn put(self, transaction: &Transaction<'_>) -> Result<(), IndexError> {
        let mut met: BTreeMap<(u64, i64), BTreeSet<u32>> = BTreeMap::new();
        for (era, items) in self.eras {
            for Together { parties, words } in items {
                for word in &words {
                    met.entry((era, *word))
                        .or_default()
                        .extend(words[..parties].iter().map(|term| part(*term)));
                }
            }
        }
        let mut get = transaction.prepare_cached(include_str!("sql/parties.sql"))?;
        let mut put = transaction.prepare_cached(include_str!("sql/put_parties.sql"))?;
        for ((era, term), these) in met {
            let kept: Option<Vec<u8>> = get.query_row(params![era, term], |row| row.get(0)).optional()?;
            let known = kept.map(|kept| Parties::read(&kept));
            let mut parties = known.clone().unwrap_or_else(Parties::none);
            parties.unite(Parties::These(these));
            if known.as_ref() != Some(&parties) {
                put.execute(params![era, term, parties.kept()])?;
            }
        }
        Ok(())
    }
}

/// Of a number that begins with its kind.
fn part(term: i64) -> u32 {
    let [.., a, b, c, d] = term.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Of one word: their row is within a page.
const MOST: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_the_same_after_they_were_kept_and_too_many_are_any() {
        let terms: Vec<i64> = (0..MOST as i64).map(|number| 0x0300_0000_0000_0000 | (number * 977)).collect();
        let mut parties = Parties::none();
        for term in &terms {
            assert!(!parties.may_have(*term));
            parties.unite(Parties::These(BTreeSet::from([part(*term)])));
            assert_eq!(Parties::read(&parties.kept()), parties);
        }
        assert!(terms.iter().all(|term| parties.may_have(*term)));
        assert!(!parties.may_have(1));
        parties.unite(Parties::These(BTreeSet::from([part(1)])));
        assert_eq!((&parties, Parties::read(&parties.kept())), (&Parties::Any, Parties::Any));
        parties.unite(Parties::none());
        assert!(parties.may_have(2));
    }

    #[test]
    fn whatever_is_kept_is_read() {
        for kept in [&[1][..], &[1, 2, 3], &[0; 5], &[255; 9_000]] {
            let parties = Parties::read(kept);
            assert!(!parties.may_have(77));
        }
    }
}
