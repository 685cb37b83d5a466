//! Where agreements stand in a book: by who asks whom, on shelves of which a new book copies only those that change.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::Arc;

use super::{AgreementPage, Mixed};

/// All pages of agreements, by consumer and provider.
#[derive(Debug, Clone)]
pub(super) struct Shelves(Box<[Arc<Shelf>]>);

#[derive(Debug, Clone, Default)]
struct Shelf {
    pairs: HashMap<u64, Vec<AgreementPage>, BuildHasherDefault<Mixed>>,
}

impl Default for Shelves {
    fn default() -> Self {
        Self((0..SHELVES).map(|_| Arc::default()).collect())
    }
}

impl Shelves {
    pub(super) fn between(&self, consumer: u32, provider: u32) -> &[AgreementPage] {
        let pair = pair(consumer, provider);
        self.0[shelf(pair)].pairs.get(&pair).map_or(&[], Vec::as_slice)
    }

    pub(super) fn pages(&self) -> impl Iterator<Item = &AgreementPage> {
        self.0.iter().flat_map(|shelf| shelf.pairs.values()).flatten()
    }

    /// Who asks whom, with their pages.
    pub(super) fn pairs(&self) -> impl Iterator<Item = ((u32, u32), &[AgreementPage])> {
        let of = |pair: u64| ((pair >> 32) as u32, pair as u32);
        self.0.iter().flat_map(|shelf| &shelf.pairs).map(move |(pair, pages)| (of(*pair), pages.as_slice()))
    }

    pub(super) fn add(&mut self, consumer: u32, provider: u32, page: AgreementPage) {
        let pair = pair(consumer, provider);
        let pages = Arc::make_mut(&mut self.0[shelf(pair)]).pairs.entry(pair).or_default();
        if pages.len() == pages.capacity() {
            // Most pairs have one: a list begins with room for four.
            pages.reserve_exact(pages.len().max(1));
        }
        pages.push(page);
    }

    pub(super) fn replace(&mut self, consumer: u32, provider: u32, pages: Vec<AgreementPage>) {
        let pair = pair(consumer, provider);
        let shelf = Arc::make_mut(&mut self.0[shelf(pair)]);
        if pages.is_empty() {
            shelf.pairs.remove(&pair);
        } else {
            shelf.pairs.insert(pair, pages);
        }
    }
}

fn pair(consumer: u32, provider: u32) -> u64 {
    u64::from(consumer) << 32 | u64::from(provider)
}

/// By other bits than the table on the shelf looks at first.
fn shelf(pair: u64) -> usize {
    let mixed = BuildHasherDefault::<Mixed>::default().hash_one(pair);
    (mixed >> 32) as usize % SHELVES
}

/// A hundred pages each where there are a hundred thousand: copied in less than a millisecond.
const SHELVES: usize = 1024;
