//! What stands in thousands of agreements alike, held once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::document::{AgreementDocument, Member, members};
use super::{Agreement, Header};
use crate::{
    AccessPeriod, Accounting, Actor, AgreementText, Basis, Grant, NamedPurpose, PersonalDataClause,
    Protection, ReadinessCheck, Recovery, SystemId,
};

/// Words and what they mean, each held once.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    actors: HashSet<Arc<Actor>>,
    /// Reasons of steps, and what checks found.
    words: HashSet<Arc<str>>,
    /// Parts of documents.
    parts: HashSet<Arc<str>>,
    systems: HashSet<SystemId>,
    clauses: Clauses,
}

/// Clauses as they were read, by the part of a document that they stand in.
#[derive(Debug, Clone, Default)]
struct Clauses {
    access_period: HashMap<Arc<str>, Arc<AccessPeriod>>,
    accounting: HashMap<Arc<str>, Arc<Accounting>>,
    basis: HashMap<Arc<str>, Arc<[Basis]>>,
    data: HashMap<Arc<str>, Arc<[Grant]>>,
    personal_data: HashMap<Arc<str>, Arc<PersonalDataClause>>,
    protection: HashMap<Arc<str>, Arc<Protection>>,
    purposes: HashMap<Arc<str>, Arc<[NamedPurpose]>>,
    recovery: HashMap<Arc<str>, Arc<Recovery>>,
}

impl Pool {
    /// The actor that is the same as this one.
    pub(super) fn actor(&mut self, actor: &Actor) -> Arc<Actor> {
        if let Some(same) = self.actors.get(actor) {
            return Arc::clone(same);
        }
        let actor = Arc::new(actor.clone());
        self.actors.insert(Arc::clone(&actor));
        actor
    }

    /// The same words. Few come again; many are kept where they stand alone.
    pub(super) fn words(&mut self, words: &str) -> Arc<str> {
        if let Some(same) = self.words.get(words) {
            return Arc::clone(same);
        }
        let words: Arc<str> = words.into();
        if words.len() <= SHORT && self.words.len() < MOST_WORDS {
            self.words.insert(Arc::clone(&words));
        }
        words
    }

    /// What was found by checks, in words that come again.
    pub(super) fn checks(&mut self, checks: &[ReadinessCheck]) -> Vec<ReadinessCheck> {
        let same = |one: &ReadinessCheck| ReadinessCheck { detail: self.words(&one.detail), ..one.clone() };
        checks.iter().map(same).collect()
    }

    /// A draft's header.
    pub(super) fn header(&mut self, header: &Header) -> Header {
        let (consumer, provider) = (self.system(&header.consumer), self.system(&header.provider));
        Header { consumer, provider, ..header.clone() }
    }

    /// A document without its typed form: of a draft, which may lack anything.
    pub(super) fn document(&mut self, document: &str) -> AgreementDocument {
        members(document).map_or_else(|| document.into(), |members| self.parts(&members))
    }

    /// Reads a document's typed form, and takes both in.
    pub(super) fn read(&mut self, agreement: &mut Agreement) -> Option<()> {
        let document = agreement.document.text();
        let mut read = None;
        let parts = members(&document).map(|members| {
            let parts = self.parts(&members);
            read = self.clauses.read(&agreement.header, &members, &parts);
            parts
        });
        // Written in another way than ours is: read as a whole, and refused as a whole.
        let text = read.map_or_else(|| serde_json::from_str(&document).ok(), Some)?;
        if let Some(parts) = parts {
            agreement.document = parts;
        }
        agreement.text = Some(Arc::new(text));
        Some(())
    }

    fn system(&mut self, system: &SystemId) -> SystemId {
        if let Some(same) = self.systems.get(system) {
            return same.clone();
        }
        self.systems.insert(system.clone());
        system.clone()
    }

    fn parts(&mut self, members: &[Member<'_>]) -> AgreementDocument {
        let mut part = |member: &Member<'_>| {
            if let Some(same) = self.parts.get(member.part) {
                return Arc::clone(same);
            }
            let part: Arc<str> = member.part.into();
            // Its number is no other agreement's.
            if member.name != "number" && self.parts.len() < MOST_PARTS {
                self.parts.insert(Arc::clone(&part));
            }
            part
        };
        AgreementDocument::of(members.iter().map(&mut part).collect())
    }
}

impl Clauses {
    /// The typed form of a document; `None` if it is not certain that it reads so as a whole.
    fn read(
        &mut self,
        header: &Header,
        members: &[Member<'_>],
        parts: &AgreementDocument,
    ) -> Option<AgreementText> {
        let mut places = HashMap::with_capacity(members.len());
        for (member, part) in members.iter().zip(parts.parts()) {
            // One that stands twice is for serde to refuse.
            if places.insert(member.name, (member.value, part)).is_some() {
                return None;
            }
        }
        let mut take = |name: &str| places.remove(name);
        let same = |taken: Option<(&str, &Arc<str>)>, said: &str| {
            taken.is_some_and(|(value, _)| bare(value) == Some(said))
        };
        let Header { number, version, consumer, provider } = header;
        if !same(take("number"), number.as_str())
            || !same(take("consumer"), consumer.as_str())
            || !same(take("provider"), provider.as_str())
            || take("version")?.0 != version.to_string()
        {
            return None;
        }
        let text = AgreementText {
            number: number.clone(),
            version: *version,
            consumer: consumer.clone(),
            provider: provider.clone(),
            data: known(&mut self.data, take("data")?)?,
            access_period: known(&mut self.access_period, take("access_period")?)?,
            purposes: known(&mut self.purposes, take("purposes")?)?,
            basis: known(&mut self.basis, take("basis")?)?,
            accounting: known(&mut self.accounting, take("accounting")?)?,
            recovery: known(&mut self.recovery, take("recovery")?)?,
            protection: known(&mut self.protection, take("protection")?)?,
            personal_data: match take("personal_data") {
                Some(clause) => Some(known(&mut self.personal_data, clause)?),
                None => None,
            },
            signers: take("signers").map_or(Some(Default::default()), |one| read(one.0))?,
            attachments: take("attachments").map_or(Some(Vec::new()), |one| read(one.0))?,
        };
        places.is_empty().then_some(text)
    }
}

/// The clause that stands in this part of a document.
fn known<T: ?Sized>(
    clauses: &mut HashMap<Arc<str>, Arc<T>>,
    (value, part): (&str, &Arc<str>),
) -> Option<Arc<T>>
where
    Arc<T>: DeserializeOwned,
{
    if let Some(same) = clauses.get(part) {
        return Some(Arc::clone(same));
    }
    let clause: Arc<T> = read(value)?;
    if clauses.len() < MOST_CLAUSES {
        clauses.insert(Arc::clone(part), Arc::clone(&clause));
    }
    Some(clause)
}

fn read<T: DeserializeOwned>(value: &str) -> Option<T> {
    serde_json::from_str(value).ok()
}

/// A string without its quotes.
fn bare(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

/// Bytes of words that may come again.
const SHORT: usize = 100;

/// Different words held: what is beyond is not the usual.
const MOST_WORDS: usize = 20_000;

/// Different parts of documents held: two of each system, and the clauses.
const MOST_PARTS: usize = 200_000;

/// Different clauses of a kind held.
const MOST_CLAUSES: usize = 20_000;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Bin, Event, Fingerprint, OperatorId, Recorded, Registry, Role, Side, Signature};

    fn document(number: &str) -> Value {
        json!({
            "number": number, "version": 1, "consumer": "portal", "provider": "register",
            "data": [{ "data_type": "record", "version": 1, "operations": ["find"], "fields": ["/name"] }],
            "access_period": { "from": "2026-01-01", "until": "2046-12-31" },
            "purposes": [{ "code": "staffing", "text": "Appointments \"to\" the service, {by} the [board]" }],
            "basis": [{ "act": "hr-order", "version": "2003", "clause": "8.2" }],
            "accounting": { "case": "required", "retention_years": 5, "text": "t" },
            "recovery": { "within_hours": 24, "text": "t" },
            "protection": { "category": "confidential", "text": "t" },
            "attachments": [{ "title": "Scheme", "sha256": "a".repeat(64) }],
        })
    }

    /// A registry in which each of these was drafted and signed; `None` if it cannot be.
    fn registry(documents: &[String]) -> Option<Registry> {
        let mut registry = Registry::default();
        let id = OperatorId::new("officer").unwrap();
        let bin = Bin::new("000140000011").unwrap();
        let actor = Actor { id, role: Role::HolderOfficer, holder: bin, via: "test".into() };
        let mut happen = |event| {
            let (sequence, at) = (registry.revision() + 1, Timestamp::UNIX_EPOCH);
            let recorded = Recorded { sequence, at, actor: actor.clone(), reason: "r".into(), event };
            registry.apply(&recorded).ok()
        };
        for document in documents {
            let header: Header = serde_json::from_str(document).unwrap();
            happen(Event::AgreementDrafted { document: document.clone() })?;
            let signature = Signature {
                side: Side::Consumer,
                certificate: Fingerprint::new([9; 32]),
                bin,
                signer: "s".into(),
                signed_at: Timestamp::UNIX_EPOCH,
                jws: json!(null),
            };
            happen(Event::AgreementSigned { number: header.number, version: header.version, signature })?;
        }
        Some(registry)
    }

    #[test]
    fn agreements_share_what_they_say_alike_and_each_is_byte_for_byte_what_was_signed() {
        let mut other = document("three");
        other["recovery"]["within_hours"] = json!(48);
        let documents = [document("one"), document("two"), other].map(|one| one.to_string());
        let registry = registry(&documents).unwrap();
        let agreements: Vec<_> = registry.agreements().collect();
        for document in &documents {
            let read: AgreementText = serde_json::from_str(document).unwrap();
            let held = registry.agreement(&read.number, 1).unwrap();
            assert_eq!(held.document.text(), document.as_str());
            assert_eq!(**held.text.as_ref().unwrap(), read);
        }
        let [one, three, two] = agreements.as_slice() else { panic!("{agreements:?}") };
        let texts = [one, two, three].map(|agreement| agreement.text.as_ref().unwrap());
        assert!(Arc::ptr_eq(&texts[0].purposes, &texts[1].purposes));
        assert!(Arc::ptr_eq(&texts[0].recovery, &texts[1].recovery));
        assert!(!Arc::ptr_eq(&texts[0].recovery, &texts[2].recovery));
        assert!(Arc::ptr_eq(&texts[0].protection, &texts[2].protection));
        let alone = one.document.parts().iter().zip(two.document.parts());
        assert_eq!(alone.filter(|(one, two)| !Arc::ptr_eq(one, two)).count(), 1, "the number");
    }

    #[test]
    fn what_reads_otherwise_as_a_whole_is_read_as_a_whole() {
        let canonical = document("one").to_string();
        let refused = [
            canonical.replacen("{\"access_period\"", "{\"a\":1,\"access_period\"", 1),
            canonical.replacen(
                "{\"access_period\"",
                "{\"recovery\":{\"within_hours\":1,\"text\":\"t\"},\"access_period\"",
                1,
            ),
            canonical.replacen("\"within_hours\":24", "\"within_hours\":\"24\"", 1),
            canonical.replacen("\"version\":1}", "\"version\":1.0}", 1),
        ];
        for document in refused {
            assert_ne!(document, canonical);
            assert!(serde_json::from_str::<AgreementText>(&document).is_err());
            let header = serde_json::from_str::<Header>(&document);
            assert!(header.is_err() || registry(std::slice::from_ref(&document)).is_none(), "{document}");
        }
        let blanks = serde_json::to_string_pretty(&document("one")).unwrap();
        let registry = registry(&[blanks.clone(), document("two").to_string()]).unwrap();
        let one = registry.agreements().next().unwrap();
        assert_eq!(one.document.text(), blanks);
        assert_eq!(one.text.as_deref().unwrap(), &serde_json::from_str::<AgreementText>(&blanks).unwrap());
    }
}
