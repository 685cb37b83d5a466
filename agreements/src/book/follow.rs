//! A book that follows on another one: what did not change is shared, so that a change among a hundred thousand
//! agreements costs as much as among ten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::changes::Extent;
use super::{AgreementPage, Book, Changes, SystemPage, Validity};
use crate::orders::{OrderPage, Orders};
use crate::{ActId, Agreement, AgreementNumber, Header, Registry, Signed, System, Target, almaty};

/// A book, and where it differs from the one before.
#[derive(Debug)]
pub struct Followed {
    /// The book.
    pub book: Book,
    /// Pairs of [`Book::place_of`] whose agreements were looked at again; absent where the book was made anew, with
    /// all places given anew.
    pub pairs: Option<Vec<(usize, usize)>>,
}

impl Book {
    /// The book of a registry in which only `changes` happened since this one.
    ///
    /// It says what [`Book::new`] would.
    pub fn follow(
        &self,
        registry: &Registry,
        changes: &Changes,
        prove: &dyn Fn(Signed<'_>) -> Result<(), &'static str>,
    ) -> Followed {
        if changes.extent == Extent::Anything {
            return Followed { book: Self::new(registry, self.environment, prove), pairs: None };
        }
        let (zone, orders) = (almaty(), Orders::of(registry, prove));
        let mut book = self.shared();
        book.revision = registry.revision();
        let mut touched = BTreeSet::new();
        let mut numbers = changes.agreements.clone();
        let mut systems = changes.systems.clone();
        for prescription in &changes.prescriptions {
            match registry.prescription(prescription).map(|one| &one.text.against) {
                Some(Target::System(id)) => drop(systems.insert(id.clone())),
                Some(Target::Agreement(number)) => drop(numbers.insert(number.clone())),
                None => {}
            }
            // And whom it was against before.
            let holds = |orders: &[OrderPage]| orders.iter().any(|order| order.number == *prescription);
            let held = self.systems.iter().filter(|page| holds(&page.orders));
            systems.extend(held.map(|page| page.system.card.id.clone()));
            let held = self.agreements().filter(|page| holds(&page.orders));
            numbers.extend(held.map(|page| page.text.number.clone()));
        }
        for system in systems.iter().filter_map(|id| registry.shared_system(id)) {
            let known = book.by_id.contains_key(&system.card.id);
            touched.insert(book.enter(system, &zone, &orders));
            if !known {
                let id = &system.card.id;
                let of = |one: &&Agreement| one.header.consumer == *id || one.header.provider == *id;
                numbers.extend(registry.agreements().filter(of).map(|one| one.header.number.clone()));
            }
        }
        let pairs = book.pairs_to_look_at(registry, changes, &touched, &numbers);
        for ((consumer, provider), mut of_pair) in pairs.iter().map(|(pair, of)| (*pair, of.clone())) {
            let before = book.between(consumer, provider);
            of_pair.extend(before.iter().map(|page| page.text.number.clone()));
            let mut pages = Vec::new();
            for agreement in of_pair.iter().flat_map(|number| registry.versions(number)) {
                if book.ends(&agreement.header) != Some((consumer, provider)) {
                    continue;
                }
                let Some(page) = AgreementPage::of(agreement, registry, &zone, prove, &orders) else {
                    continue;
                };
                let same = |old: &&AgreementPage| {
                    old.text.number == page.text.number && old.text.version == page.text.version
                };
                let place = self.between(consumer, provider).iter().find(same).map(|old| old.place);
                let place = place.unwrap_or_else(|| {
                    book.places += 1;
                    book.places - 1
                });
                pages.push(AgreementPage { place, ..page });
            }
            book.shelves.replace(consumer, provider, pages);
        }
        let pairs = pairs.into_keys().map(|(consumer, provider)| (consumer as usize, provider as usize));
        Followed { pairs: Some(pairs.collect()), book }
    }

    /// The agreements of a pair of [`Book::place_of`].
    pub fn of_pair(&self, consumer: usize, provider: usize) -> &[AgreementPage] {
        match (u32::try_from(consumer), u32::try_from(provider)) {
            (Ok(consumer), Ok(provider)) => self.between(consumer, provider),
            _ => &[],
        }
    }

    /// Who asks whom under some agreement: pairs of [`Book::place_of`].
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.shelves.pairs().map(|((consumer, provider), _)| (consumer as usize, provider as usize))
    }

    /// All agreements of one provider, by its [`Book::place_of`].
    pub fn of_provider(&self, provider: usize) -> impl Iterator<Item = &AgreementPage> {
        let asked = self.shelves.pairs().filter(move |((_, of), _)| *of as usize == provider);
        asked.flat_map(|(_, pages)| pages)
    }

    /// Pairs in which something may have changed, with agreements that may be new there.
    fn pairs_to_look_at(
        &self,
        registry: &Registry,
        changes: &Changes,
        touched: &BTreeSet<u32>,
        numbers: &BTreeSet<AgreementNumber>,
    ) -> BTreeMap<(u32, u32), BTreeSet<AgreementNumber>> {
        let mut pairs = BTreeMap::<_, BTreeSet<_>>::new();
        if !touched.is_empty() || !changes.acts.is_empty() {
            let on_act = |page: &AgreementPage| {
                let stands = |(id, version): &(ActId, String)| {
                    page.text.basis.iter().any(|one| one.act == *id && one.version == *version)
                };
                changes.acts.iter().any(stands)
            };
            let concerned = |((consumer, provider), pages): &((u32, u32), &[AgreementPage])| {
                touched.contains(consumer)
                    || touched.contains(provider)
                    || (!changes.acts.is_empty() && pages.iter().any(on_act))
            };
            pairs.extend(self.shelves.pairs().filter(concerned).map(|(pair, _)| (pair, BTreeSet::new())));
        }
        for agreement in numbers.iter().flat_map(|number| registry.versions(number)) {
            if let Some(pair) = self.ends(&agreement.header) {
                pairs.entry(pair).or_default().insert(agreement.header.number.clone());
            }
        }
        pairs
    }

    /// The same book, which shares all with this one until it changes.
    fn shared(&self) -> Self {
        Self {
            revision: self.revision,
            environment: self.environment,
            clock: Arc::clone(&self.clock),
            systems: self.systems.clone(),
            by_id: Arc::clone(&self.by_id),
            by_certificate: Arc::clone(&self.by_certificate),
            shelves: self.shelves.clone(),
            places: self.places,
        }
    }

    /// Enters a system or what became of it, and says where it stands.
    pub(super) fn enter(&mut self, system: &Arc<System>, zone: &TimeZone, orders: &Orders<'_>) -> u32 {
        let page = SystemPage {
            system: Arc::clone(system),
            attestation: Validity::of(system.attestation.as_ref(), zone),
            quality_certificate: Validity::of(system.quality_certificate.as_ref(), zone),
            orders: orders.against_system(&system.card.id, zone),
            status: system.status,
            phase: system.card.phase,
            networks: system.card.networks.as_slice().into(),
            holder: system.card.holder.to_string().into(),
        };
        let page = Arc::new(page);
        let known = self.by_id.get(&system.card.id).copied();
        let at = known.unwrap_or_else(|| {
            u32::try_from(self.systems.len()).expect("systems are fewer than 32 bits count")
        });
        let was = match known {
            Some(at) => Some(std::mem::replace(&mut self.systems[at as usize], page)),
            None => {
                self.systems.push(page);
                Arc::make_mut(&mut self.by_id).insert(system.card.id.clone(), at);
                None
            }
        };
        let was = was.as_ref().map_or(&[][..], |page| &page.system.certificates);
        if was != system.certificates {
            let by_certificate = Arc::make_mut(&mut self.by_certificate);
            for gone in was {
                // A certificate may have gone over to another system, which was entered before.
                if by_certificate.get(&gone.fingerprint) == Some(&at) {
                    by_certificate.remove(&gone.fingerprint);
                }
            }
            by_certificate.extend(system.certificates.iter().map(|bound| (bound.fingerprint, at)));
        }
        at
    }

    /// Where the systems stand that an agreement binds.
    pub(super) fn ends(&self, header: &Header) -> Option<(u32, u32)> {
        Some((*self.by_id.get(&header.consumer)?, *self.by_id.get(&header.provider)?))
    }
}
