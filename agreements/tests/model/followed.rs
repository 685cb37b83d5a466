//! Books that follow on one another, against books made anew; and registries kept, against registries replayed.

use std::collections::BTreeMap;

use super::*;
use crate::support::fingerprint;

/// B9: whatever happens, a book that followed each event says what a book says that is made of all of them.
#[test]
fn a_book_that_followed_each_event_is_the_one_that_all_events_make() {
    let base = plan::base();
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let verdict = TestRunner::new(config).run(&(plan::changes(), 1_usize..9), |(changes, together)| {
        let world = plan::play(&base, &changes);
        let prove = |signed: Signed<'_>| world.unproven.prove(signed);
        let mut registry = Registry::default();
        let mut book = Book::new(&registry, Phase::Production, &prove);
        for events in world.log.chunks(together) {
            let mut changes = Changes::default();
            for event in events {
                registry.apply(event).unwrap();
                changes.note(&event.event);
            }
            let followed = book.follow(&registry, &changes, &prove);
            if let Some(pairs) = &followed.pairs {
                let differing = differing(&book, &followed.book);
                prop_assert!(
                    differing.iter().all(|pair| pairs.contains(pair)),
                    "{differing:?} differ, {pairs:?} named"
                );
            }
            book = followed.book;
        }
        prop_assert_eq!(said(&book), said(&Book::new(&registry, Phase::Production, &prove)));
        Ok(())
    });
    if let Err(failure) = verdict {
        panic!("{failure}");
    }
}

/// A registry that is kept in pieces and put together again is the one that was kept, in all that it shows.
#[test]
fn a_registry_put_together_again_is_the_one_that_was_taken_apart() {
    let base = plan::base();
    let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
    let verdict = TestRunner::new(config).run(&(plan::changes(), 1_usize..5), |(changes, each)| {
        let registry = plan::play(&base, &changes).registry;
        let frame: Registry = rmp_serde::from_slice(&rmp_serde::to_vec_named(&registry).unwrap()).unwrap();
        let settling = Settling::default();
        let settled = registry.slices(each).map(|slice| {
            let part: Part = rmp_serde::from_slice(&rmp_serde::to_vec_named(&slice).unwrap()).unwrap();
            part.settle(&settling).unwrap()
        });
        let settled = settled.collect();
        let together = frame.with_agreements(settled, settling);
        // The pool differs in order, which shows nowhere.
        let shown = |registry: &Registry| {
            let agreements: Vec<_> = registry.agreements().map(|one| format!("{one:?}")).collect();
            (registry.revision(), serde_json::to_value(Plain(registry)).unwrap(), agreements)
        };
        prop_assert_eq!(shown(&together), shown(&registry));
        Ok(())
    });
    if let Err(failure) = verdict {
        panic!("{failure}");
    }
}

/// JSON has no keys of several parts.
struct Plain<'r>(&'r Registry);

impl serde::Serialize for Plain<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format!("{:02x?}", rmp_serde::to_vec_named(self.0).unwrap()))
    }
}

/// All that a book says, in one order, without the numbers that it gave itself.
fn said(book: &Book) -> Vec<String> {
    let mut said = vec![format!("revision {}", book.revision())];
    for page in book.systems() {
        said.push(format!("{page:?}"));
        for bound in &page.system.certificates {
            let owner = book.bound_to(&bound.fingerprint).map(|page| &page.system.card.id);
            said.push(format!("{} is bound to {owner:?}", bound.fingerprint));
        }
        let other = (0..=u8::MAX).map(fingerprint).filter(|one| book.bound_to(one).is_some()).count();
        said.push(format!("{other} are bound"));
    }
    said.extend(pairs(book).iter().map(|(pair, pages)| format!("{pair:?} {pages:?}")));
    said.sort();
    said
}

/// Pages in the order in which they are asked.
fn pairs(book: &Book) -> BTreeMap<(SystemId, SystemId), Vec<String>> {
    let ids: Vec<_> = book.systems().map(|page| page.system.card.id.clone()).collect();
    let mut pairs = BTreeMap::new();
    for consumer in &ids {
        for provider in &ids {
            let at = |id: &SystemId| book.place_of(id.as_str()).unwrap();
            let pages = book.of_pair(at(consumer), at(provider)).iter();
            let unplaced = |page: &AgreementPage| {
                let mut page = page.clone();
                page.place = 0;
                format!("{page:?}")
            };
            let pages: Vec<_> = pages.map(unplaced).collect();
            if !pages.is_empty() {
                pairs.insert((consumer.clone(), provider.clone()), pages);
            }
        }
    }
    pairs
}

fn differing(before: &Book, after: &Book) -> Vec<(usize, usize)> {
    let (before, now) = (pairs(before), pairs(after));
    let keys = before.keys().chain(now.keys()).filter(|key| before.get(*key) != now.get(*key));
    let at = |id: &SystemId| after.place_of(id.as_str()).unwrap();
    keys.map(|(consumer, provider)| (at(consumer), at(provider))).collect()
}
