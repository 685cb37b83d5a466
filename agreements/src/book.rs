//! The book: what the exchange path reads, made anew from the registry and swapped whole.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;

mod changes;
mod follow;
mod shelves;

pub use self::changes::Changes;
pub use self::follow::Followed;
use self::shelves::Shelves;
use crate::orders::{OrderPage, Orders};
use crate::period::{WallClock, Window};
use crate::{
    ActId, Agreement, AgreementText, ApprovedUsers, Category, Conformity, DataType, DataTypeId, Excess,
    Fingerprint, OfficialUse, Phase, Ready, Registry, Side, Signed, Stage, System, SystemId, SystemStatus,
    TrainingCertificate, Users, almaty, end_of, start_of,
};

/// Systems, certificates and agreements as the exchange path looks them up.
#[derive(Debug)]
pub struct Book {
    revision: u64,
    pub(crate) environment: Phase,
    pub(crate) clock: Arc<WallClock>,
    pub(crate) systems: Vec<Arc<SystemPage>>,
    by_id: Arc<HashMap<SystemId, u32>>,
    by_certificate: Arc<ByCertificate>,
    shelves: Shelves,
    /// How many places were given to agreements.
    places: u32,
}

type ByCertificate = HashMap<Fingerprint, u32, BuildHasherDefault<Mixed>>;

/// Hashes keys that nobody chooses: digests, and our own numbering. Whatever a peer sends is only looked up.
#[derive(Default, Clone, Copy)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.write_u64(u64::from_le_bytes(*first));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing; the swap brings the well-mixed half to where the table looks first.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes();
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A system, with its conformity documents as moments.
#[derive(Debug)]
pub struct SystemPage {
    /// The system.
    pub system: Arc<System>,
    pub(crate) attestation: Validity,
    pub(crate) quality_certificate: Validity,
    pub(crate) orders: Box<[OrderPage]>,
    // Of the system, here again: a decision reads a page, and nothing behind it.
    pub(crate) status: SystemStatus,
    pub(crate) phase: Phase,
    pub(crate) networks: Box<[IpNet]>,
    holder: Box<str>,
}

/// Since when and until when a conformity document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Missing,
    Suspended(Timestamp),
    Withdrawn(Timestamp),
    Between(Timestamp, Timestamp),
}

/// A version of an agreement, ready to be asked.
#[derive(Debug, Clone)]
pub struct AgreementPage {
    /// What it says.
    pub text: Arc<AgreementText>,
    /// Where what is held beside it stands: the same number in each book that followed on this one.
    pub place: u32,
    pub(crate) stage: Stage,
    pub(crate) unproven: Option<&'static str>,
    pub(crate) window: Window,
    pub(crate) ready: Ready,
    pub(crate) grants: Box<[GrantPage]>,
    pub(crate) basis: Box<[BasisPage]>,
    /// By name; or why the list does not count.
    pub(crate) users: Result<Roster, &'static str>,
    pub(crate) orders: Arc<[OrderPage]>,
}

/// A data type that an agreement names.
#[derive(Debug, Clone)]
pub struct GrantPage {
    /// The data type, as the agreement names it.
    pub(crate) named: DataTypeId,
    /// The version that was signed on.
    pub data_type: Arc<DataType>,
    /// Its category now.
    pub category: Category,
    /// The fields that are released.
    pub fields: Arc<[String]>,
    /// What becomes of a response that holds more.
    pub excess: Excess,
    /// The fields of a request that reach the provider; absent: all.
    pub request_fields: Option<Arc<[String]>>,
    /// What becomes of a request that holds more.
    pub request_excess: Excess,
    /// Which of its operations are allowed, in its order.
    pub(crate) allowed: Box<[bool]>,
}

/// An act that an agreement stands on, while it is in force.
#[derive(Debug, Clone)]
pub(crate) struct BasisPage {
    pub(crate) act: ActId,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) last: LastDay,
    pub(crate) official_use: OfficialUse,
}

/// Whose last day ends a basis: that of the act, or the later one that its agreements were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastDay {
    OfTheAct,
    OfItsAgreements,
}

/// Listed officials, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster(Arc<[(Box<str>, Training)]>);

impl Roster {
    pub(crate) fn training_of(&self, official: &str) -> Option<Training> {
        let at = self.0.binary_search_by(|(listed, _)| (**listed).cmp(official)).ok()?;
        Some(self.0[at].1)
    }
}

/// Whether a listed official holds a training certificate, and from when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Training {
    None,
    Certified(Timestamp, Timestamp),
}

impl Book {
    /// Makes the book of a registry, for the gateway of one environment.
    ///
    /// `prove` verifies what was signed: a node believes nothing that it did not verify itself. Only an order of the
    /// regulator that forbids is obeyed unproven; one that allows again is not.
    pub fn new(
        registry: &Registry,
        environment: Phase,
        prove: &dyn Fn(Signed<'_>) -> Result<(), &'static str>,
    ) -> Self {
        let orders = Orders::of(registry, prove);
        let zone = almaty();
        let mut book = Self {
            revision: registry.revision(),
            environment,
            clock: Arc::new(WallClock::new(zone.clone())),
            systems: Vec::new(),
            by_id: Arc::default(),
            by_certificate: Arc::default(),
            shelves: Shelves::default(),
            places: 0,
        };
        for system in registry.shared_systems() {
            book.enter(system, &zone, &orders);
        }
        for agreement in registry.agreements() {
            let Some(page) = AgreementPage::of(agreement, registry, &zone, prove, &orders) else { continue };
            let Some((consumer, provider)) = book.ends(&agreement.header) else { continue };
            let page = AgreementPage { place: book.places, ..page };
            book.places += 1;
            book.shelves.add(consumer, provider, page);
        }
        book
    }

    /// The registry's revision that this is the book of.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The environment that this is the book for.
    pub fn environment(&self) -> Phase {
        self.environment
    }

    /// The system that a certificate is bound to.
    pub fn bound_to(&self, certificate: &Fingerprint) -> Option<&SystemPage> {
        self.by_certificate.get(certificate).map(|at| &*self.systems[*at as usize])
    }

    /// A system by its code.
    pub fn system(&self, id: &str) -> Option<&SystemPage> {
        self.by_id.get(id).map(|at| &*self.systems[*at as usize])
    }

    /// All systems.
    pub fn systems(&self) -> impl ExactSizeIterator<Item = &SystemPage> {
        self.systems.iter().map(|page| &**page)
    }

    /// Where a system stands among all: the same number in each book that followed on this one.
    pub fn place_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).map(|at| *at as usize)
    }

    /// All agreements that are in force, suspended, terminated, or before the regulator.
    pub fn agreements(&self) -> impl Iterator<Item = &AgreementPage> {
        self.shelves.pages()
    }

    /// How many places were given to agreements: each [`AgreementPage::place`] is below.
    pub fn places(&self) -> usize {
        self.places as usize
    }

    pub(crate) fn consumer_at(&self, certificate: &Fingerprint) -> Option<u32> {
        self.by_certificate.get(certificate).copied()
    }

    pub(crate) fn provider_at(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn between(&self, consumer: u32, provider: u32) -> &[AgreementPage] {
        self.shelves.between(consumer, provider)
    }
}

impl SystemPage {
    /// The BIN of its holder, as entries name it.
    pub fn holder(&self) -> &str {
        &self.holder
    }
}

impl AgreementPage {
    fn of(
        agreement: &Agreement,
        registry: &Registry,
        zone: &TimeZone,
        prove: &dyn Fn(Signed<'_>) -> Result<(), &'static str>,
        orders: &Orders<'_>,
    ) -> Option<Self> {
        match agreement.stage {
            Stage::Submitted | Stage::Concurred | Stage::Suspended | Stage::Terminated => {}
            Stage::Draft
            | Stage::Refused
            | Stage::Returned
            | Stage::Withdrawn
            | Stage::Superseded
            | Stage::Expired => return None,
        }
        let text = agreement.text.clone()?;
        let unproven = match agreement.stage {
            Stage::Concurred => all_sides(agreement).and_then(|()| prove(Signed::Agreement(agreement))).err(),
            _ => None,
        };
        let grants = text.data.iter().filter_map(|grant| {
            let data_type = registry.data_type(&text.provider, &grant.data_type, grant.version)?;
            let allowed = data_type.operations.iter().map(|one| grant.operations.contains(&one.id)).collect();
            Some(GrantPage {
                named: grant.data_type.clone(),
                data_type: Arc::clone(data_type),
                category: registry.category(&text.provider, &grant.data_type)?,
                fields: Arc::clone(&grant.fields),
                excess: grant.excess,
                request_fields: grant.request_fields.clone(),
                request_excess: grant.request_excess,
                allowed,
            })
        });
        let basis = text.basis.iter().map(|basis| {
            let act = registry.act(&basis.act, &basis.version);
            let official_use = match act {
                Some(act) if act.carries_official_use() => OfficialUse::Allowed,
                Some(_) | None => OfficialUse::Unsaid,
            };
            // An act that is not in the register is in force never.
            let (from, until, last) = match act {
                None => (Timestamp::MAX, Timestamp::MIN, LastDay::OfTheAct),
                Some(act) => {
                    let (last, whose) = match (act.in_force_until, act.agreements_until) {
                        (Some(own), Some(later)) if own < later => (Some(later), LastDay::OfItsAgreements),
                        (last, _) => (last, LastDay::OfTheAct),
                    };
                    let until = last.map_or(Timestamp::MAX, |day| end_of(day, zone));
                    (start_of(act.in_force_from, zone), until, whose)
                }
            };
            BasisPage { act: basis.act.clone(), from, until, last, official_use }
        });
        let users = listed(registry.user_list(&text.number), text.protection.users, prove);
        Some(Self {
            stage: agreement.stage.clone(),
            unproven,
            window: Window::new(&text.access_period, zone),
            ready: registry.ready(agreement),
            grants: grants.collect(),
            basis: basis.collect(),
            users,
            orders: match orders.against_agreement(&text.number, zone) {
                // One for all that have none.
                none if none.is_empty() => Arc::default(),
                some => some.into(),
            },
            place: u32::MAX,
            text,
        })
    }

    /// The data types that it names, as published.
    pub fn grants(&self) -> &[GrantPage] {
        &self.grants
    }

    /// Where it stands.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }
}

/// B6: the officials on a list whose signature stands; nobody reads it where the agreement asks for none.
fn listed(
    approved: Option<&ApprovedUsers>,
    asked: Users,
    prove: &dyn Fn(Signed<'_>) -> Result<(), &'static str>,
) -> Result<Roster, &'static str> {
    let Some(approved) = approved.filter(|_| asked != Users::Any) else { return Ok(Roster::default()) };
    if approved.signature.is_none() {
        return Err("signature-missing");
    }
    prove(Signed::Users(approved))?;
    let zone = almaty();
    let users = approved.list.users.iter().map(|user| {
        let training = match &user.training_certificate {
            Some(held) if held.number().trim().is_empty() => Training::None,
            Some(TrainingCertificate::Recorded(record)) => {
                Training::Certified(start_of(record.issued, &zone), end_of(record.valid_until, &zone))
            }
            // Lists of earlier builds say no more; the next one must.
            Some(TrainingCertificate::Number(_)) => Training::Certified(Timestamp::MIN, Timestamp::MAX),
            None => Training::None,
        };
        (Box::from(user.id.as_str()), training)
    });
    let mut users: Vec<_> = users.collect();
    users.sort_unstable();
    users.dedup_by(|later, first| later.0 == first.0);
    Ok(Roster(users.into()))
}

/// B3, B4: an agreement in force bears the signatures of both holders, of all whom it names, and of the regulator.
fn all_sides(agreement: &Agreement) -> Result<(), &'static str> {
    if [Side::Consumer, Side::Provider].into_iter().any(|side| agreement.unsigned(side).is_some()) {
        return Err("signature-missing");
    }
    let signed = |side| agreement.signatures.iter().any(|signature| signature.side == side);
    if [Side::Consumer, Side::Provider].into_iter().all(signed) && agreement.is_agreed() {
        Ok(())
    } else {
        Err("signature-missing")
    }
}

impl Validity {
    fn of(conformity: Option<&Conformity>, zone: &TimeZone) -> Self {
        match conformity {
            None => Self::Missing,
            Some(Conformity { withdrawn: Some(at), .. }) => Self::Withdrawn(*at),
            Some(Conformity { suspended: Some(at), .. }) => Self::Suspended(*at),
            Some(held) => Self::Between(start_of(held.valid_from, zone), end_of(held.valid_until, zone)),
        }
    }
}
