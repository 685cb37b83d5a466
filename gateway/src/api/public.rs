//! The public register of agreements in force (E5): who, what, what for, on what basis, when. For anybody.
//!
//! Not in it: restricted systems with all their agreements, protection measures, addresses. Of data above public nothing but
//! how many data types there are: no title, no field.

use std::sync::{Arc, Mutex, PoisonError};

use agreements::{
    Agreement, AgreementNumber, AgreementText, Basis, Bin, Category, Openness, Registry, Stage, SystemId,
    almaty,
};
use bytes::Bytes;
use http::header::CONTENT_DISPOSITION;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::asked::{Asked, Reply};
use super::operation::{Access, Operation, Place, parameter};
use super::paging::{self, Page};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;

/// An agreement in force, as anybody may know it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublicAgreement {
    /// Its number.
    number: AgreementNumber,
    /// The version in force.
    version: u32,
    /// Who asks.
    consumer: PublicParty,
    /// Who answers.
    provider: PublicParty,
    /// What passes: titles of data types that are public, under an agreement that is.
    data: Vec<String>,
    /// How many other data types pass, which are not named: their category, or that of the agreement, is above public.
    data_withheld: usize,
    /// What for.
    purposes: Vec<String>,
    /// On what basis.
    basis: Vec<Basis>,
    /// First day.
    from: Date,
    /// Last day.
    until: Date,
}

/// A party to an agreement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublicParty {
    /// The system.
    system: SystemId,
    /// Its title.
    name: String,
    /// The organisation that runs it.
    holder: Bin,
    /// Its name.
    holder_name: String,
}

/// The register as it was made last: once for a revision and a day, and given to all who ask.
#[derive(Default)]
pub(super) struct Register(Mutex<Option<Arc<Made>>>);

/// The register at a revision on a day.
struct Made {
    revision: u64,
    day: Date,
    /// Versions that are in it, in order.
    listed: Vec<(AgreementNumber, u32)>,
    csv: Bytes,
}

impl Register {
    /// The newest registry, and the register of it. While somebody makes it others wait for it: each place of a stranger
    /// makes no register of its own.
    fn of(
        &self,
        newest: impl FnOnce() -> Result<Arc<Registry>, Problem>,
        today: Date,
    ) -> Result<(Arc<Registry>, Arc<Made>), Problem> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let registry = newest()?;
        let same = last.as_ref().filter(|made| (made.revision, made.day) == (registry.revision(), today));
        let made = match same {
            Some(made) => Arc::clone(made),
            None => Arc::new(Made::of(&registry, today)),
        };
        *last = Some(Arc::clone(&made));
        Ok((registry, made))
    }
}

impl Made {
    fn of(registry: &Registry, day: Date) -> Self {
        let mut listed = Vec::new();
        let lines = registry.agreements().filter_map(|one| line(registry, one, day));
        let csv = csv(lines.inspect(|line| listed.push((line.number.clone(), line.version))));
        Self { revision: registry.revision(), day, listed, csv: csv.into() }
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let format =
        parameter("format", "JSON, or CSV whole", json!({ "enum": ["json", "csv"], "default": "json" }));
    let mut register = Operation::read(
        "public-agreements",
        "/v1/public/agreements",
        "Lists agreements in force, for anybody: who, what, what for, on what basis, when",
        "public",
        paging::media(super::operation::named("PublicAgreement")),
        register,
    )
    .with(paging::inputs())
    .with([format]);
    // It changes with the day as well: there is no ETag.
    register.inputs.retain(|input| input.place != Place::Header);
    register.access = Access::Public;
    register.otherwise = Some("text/csv");
    vec![register]
}

fn register(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let page = Page::of(asked)?;
    let today = clock::now().to_zoned(almaty()).date();
    let made = || shared.register.of(|| shared.registry(), today);
    match asked.parameter::<String>("format")?.as_deref() {
        None | Some("json") => {
            let (registry, made) = made()?;
            // Each is there: it was listed at this very revision.
            let shown = |(number, version): &(AgreementNumber, u32)| {
                registry.agreement(number, *version).and_then(|one| line(&registry, one, today))
            };
            let listed = made.listed.iter();
            let reply = page.reply(listed, |(number, _)| number.to_string(), shown, registry.revision())?;
            // Another day, another register, at the same revision.
            Ok(reply.untagged())
        }
        Some("csv") => {
            let reply = Reply::new("text/csv; charset=utf-8; header=present", made()?.1.csv.clone());
            Ok(reply.with(CONTENT_DISPOSITION, "attachment; filename=\"agreements.csv\""))
        }
        Some(_) => Err(Problem::new("parameter-malformed", "format: json or csv")),
    }
}

fn line(registry: &Registry, agreement: &Agreement, today: Date) -> Option<PublicAgreement> {
    let text = agreement.text.as_deref().filter(|_| agreement.stage == Stage::Concurred)?;
    let period = &text.access_period;
    if !(period.from..=period.until).contains(&today) || !is_open(registry, text) {
        return None;
    }
    let titles = text.data.iter().filter(|grant| {
        text.protection.category == Category::Public
            && registry.category(&text.provider, &grant.data_type) == Some(Category::Public)
    });
    let titles = titles.map(|grant| {
        let published = registry.data_type(&text.provider, &grant.data_type, grant.version);
        published.map_or_else(|| grant.data_type.to_string(), |data_type| data_type.title.clone())
    });
    let data: Vec<_> = titles.collect();
    Some(PublicAgreement {
        number: text.number.clone(),
        version: text.version,
        consumer: party(registry, &text.consumer)?,
        provider: party(registry, &text.provider)?,
        data_withheld: text.data.len() - data.len(),
        data,
        purposes: text.purposes.iter().map(|purpose| purpose.text.clone()).collect(),
        basis: text.basis.to_vec(),
        from: period.from,
        until: period.until,
    })
}

/// Whether that there is such an agreement may be known to anybody. What it is about is no reason that it should not, but
/// for what never passes (Portal 3).
fn is_open(registry: &Registry, text: &AgreementText) -> bool {
    let open = |id: &SystemId| registry.system(id).is_some_and(|one| one.card.openness == Openness::Open);
    let known = |category: Category| category != Category::StateSecret;
    let mut categories =
        text.data.iter().filter_map(|grant| registry.category(&text.provider, &grant.data_type));
    open(&text.consumer) && open(&text.provider) && known(text.protection.category) && categories.all(known)
}

fn party(registry: &Registry, id: &SystemId) -> Option<PublicParty> {
    let card = &registry.system(id)?.card;
    let holder_name = registry.holder(card.holder)?.name.clone();
    Some(PublicParty { system: id.clone(), name: card.name.clone(), holder: card.holder, holder_name })
}

/// RFC 4180, with nothing that a spreadsheet would take for a formula.
fn csv(lines: impl Iterator<Item = PublicAgreement>) -> String {
    let mut text = String::from(
        "number,version,consumer,consumer_name,consumer_holder,consumer_holder_name,provider,provider_name,\
         provider_holder,provider_holder_name,data,purposes,basis,from,until,data_withheld\r\n",
    );
    for line in lines {
        let basis = line.basis.iter().map(|one| format!("{} {} {}", one.act, one.version, one.clause));
        let cells = [
            line.number.to_string(),
            line.version.to_string(),
            line.consumer.system.to_string(),
            line.consumer.name,
            line.consumer.holder.to_string(),
            line.consumer.holder_name,
            line.provider.system.to_string(),
            line.provider.name,
            line.provider.holder.to_string(),
            line.provider.holder_name,
            line.data.join("; "),
            line.purposes.join("; "),
            basis.collect::<Vec<_>>().join("; "),
            line.from.to_string(),
            line.until.to_string(),
            line.data_withheld.to_string(),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = format!("{}{cell}", if formula { "'" } else { "" });
    if cell.contains([',', '"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E5: strangers have it made once, however many they are.
    #[test]
    fn the_register_is_made_once_for_a_revision_and_a_day() {
        let (register, registry) = (Register::default(), Arc::new(Registry::default()));
        let on = |day: &str| register.of(|| Ok(Arc::clone(&registry)), day.parse().unwrap()).unwrap().1;
        let first = on("2026-03-02");
        assert!(Arc::ptr_eq(&first, &on("2026-03-02")));
        assert!(first.csv.starts_with(b"number,") && first.listed.is_empty());
        let next = on("2026-03-03");
        assert!(!Arc::ptr_eq(&first, &next) && Arc::ptr_eq(&next, &on("2026-03-03")));
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_is_never_a_formula() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "'=HYPERLINK(1)");
    }
}
