//! How long what is kept: by agreement, by category, and as long as the regulator orders it. Pure.

use std::collections::{BTreeMap, HashMap};

use agreements::{Agreement, AgreementText, Order, Registry, Signed, Target, almaty};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

/// The members of an entry that retention goes by.
#[derive(Debug, Deserialize)]
pub(super) struct Glimpse<'a> {
    pub(super) index: u64,
    pub(super) kind: &'a str,
    pub(super) at: Timestamp,
    #[serde(default)]
    agreement: Option<&'a str>,
    #[serde(default)]
    agreement_version: Option<u32>,
    #[serde(default)]
    category: Option<&'a str>,
    #[serde(default)]
    consumer: Option<&'a str>,
    #[serde(default)]
    provider: Option<&'a str>,
}

/// Why an entry stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocks {
    /// Its retention has not ended.
    #[error("entry {index}, {under}, is kept until the end of {until}")]
    Retention {
        /// The entry.
        index: u64,
        /// By what: an agreement, or none.
        under: String,
        /// The last day.
        until: Date,
    },
    /// The regulator ordered that it be kept.
    #[error("entry {index} is held by prescription {prescription}")]
    Held {
        /// The entry.
        index: u64,
        /// The order.
        prescription: String,
    },
    /// The agreement that it names is not in the registry, so that nobody knows how long.
    #[error(
        "entry {index} names {agreement}, which is not in the registry: how long to keep it is not known"
    )]
    Unknown {
        /// The entry.
        index: u64,
        /// The agreement.
        agreement: String,
    },
    /// It is not in the archive.
    #[error("entries from {index} on are not in the archive: `kelisim log archive`")]
    NotArchived {
        /// The first of them.
        index: u64,
    },
    /// It was pruned, and the ledger does not say where in the archive it is.
    #[error(
        "entries from {index} on were pruned and are not in archived.jsonl: `kelisim log restore-archive`"
    )]
    NotInLedger {
        /// The first of them.
        index: u64,
    },
    /// No checkpoint covers it, or none that witnesses cosigned where there are witnesses.
    #[error("entries from {index} on are not under a checkpoint that every witness has seen")]
    NotSealed {
        /// The first of them.
        index: u64,
    },
    /// It stands in the segment that is written to.
    #[error("entries from {index} on stand in the newest segment")]
    Newest {
        /// The first of them.
        index: u64,
    },
}

/// The rules of retention, from the registry, the configuration and the day.
pub struct Retention {
    years: u16,
    categories: BTreeMap<String, u16>,
    agreements: HashMap<(String, u32), u16>,
    systems_held: HashMap<String, String>,
    agreements_held: HashMap<String, String>,
    today: Date,
}

impl Retention {
    /// What the registry asks for at `now`. `prove` says whether a signed lifting is the regulator's: an order that
    /// allows again is proven, or is none.
    pub fn of(
        registry: &Registry,
        years: u16,
        categories: &BTreeMap<String, u16>,
        now: Timestamp,
        prove: &dyn Fn(Signed<'_>) -> Result<(), &'static str>,
    ) -> Self {
        let mut rules = Self {
            years,
            categories: categories.clone(),
            agreements: HashMap::new(),
            systems_held: HashMap::new(),
            agreements_held: HashMap::new(),
            today: now.to_zoned(almaty()).date(),
        };
        for agreement in registry.agreements() {
            let years = text(agreement).map(|text| text.accounting.retention_years);
            let key = (agreement.header.number.to_string(), agreement.header.version);
            rules.agreements.extend(years.map(|years| (key, years)));
        }
        for prescription in registry.prescriptions() {
            let lifted = prescription.lifted.as_ref().is_some_and(|one| prove(Signed::Lifting(one)).is_ok());
            if prescription.text.order != Order::KeepRecord || lifted {
                continue;
            }
            let number = prescription.text.prescription.to_string();
            match &prescription.text.against {
                Target::System(system) => rules.systems_held.insert(system.to_string(), number),
                Target::Agreement(agreement) => rules.agreements_held.insert(agreement.to_string(), number),
            };
        }
        rules
    }

    /// Rules for one agreement, as a registry would have them on a day.
    #[cfg(test)]
    pub(in crate::exchange_log) fn on(
        today: Date,
        agreement: (&str, u32, u16),
        held: Option<(&str, &str)>,
    ) -> Self {
        let held = held.map(|(system, by)| (system.to_owned(), by.to_owned()));
        Self {
            years: 2,
            categories: BTreeMap::new(),
            agreements: HashMap::from([((agreement.0.to_owned(), agreement.1), agreement.2)]),
            systems_held: held.into_iter().collect(),
            agreements_held: HashMap::new(),
            today,
        }
    }

    /// The same, with more years for a category.
    #[cfg(test)]
    #[must_use]
    pub(in crate::exchange_log) fn with_category(mut self, category: &str, years: u16) -> Self {
        self.categories.insert(category.to_owned(), years);
        self
    }

    /// Why an entry must stay, if it must.
    pub(super) fn judge(&self, entry: &Glimpse<'_>) -> Option<Blocks> {
        let index = entry.index;
        match entry.kind {
            // Of the exchange its opening speaks, which came before.
            "segment" | "closing" => return None,
            _ => {}
        }
        let held = |named: Option<&str>, held: &HashMap<String, String>| held.get(named?).cloned();
        let prescription = held(entry.agreement, &self.agreements_held)
            .or_else(|| held(entry.consumer, &self.systems_held))
            .or_else(|| held(entry.provider, &self.systems_held));
        if let Some(prescription) = prescription {
            return Some(Blocks::Held { index, prescription });
        }
        let mut years = self.years;
        let mut under = "under no agreement".to_owned();
        if entry.kind == "opening" {
            let named =
                (entry.agreement.unwrap_or_default().to_owned(), entry.agreement_version.unwrap_or(0));
            under = format!("under {} version {}", named.0, named.1);
            match self.agreements.get(&named) {
                Some(agreed) => years = years.max(*agreed),
                None => {
                    return Some(Blocks::Unknown {
                        index,
                        agreement: format!("{} version {}", named.0, named.1),
                    });
                }
            }
        }
        let category = entry.category.and_then(|category| self.categories.get(category));
        years = years.max(category.copied().unwrap_or(0));
        let received = entry.at.to_zoned(almaty()).date();
        let until = received.saturating_add(i32::from(years).years());
        (until >= self.today).then_some(Blocks::Retention { index, under, until })
    }
}

/// What an agreement says, also one that ended long ago and of which only the document is kept.
fn text(agreement: &Agreement) -> Option<AgreementText> {
    match &agreement.text {
        Some(text) => Some(AgreementText::clone(text)),
        None => serde_json::from_str(&agreement.document.text()).ok(),
    }
}
