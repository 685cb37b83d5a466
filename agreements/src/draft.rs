//! Drafts, and what they still lack.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AgreementText, Attachment, Basis, Category, Registry, Signatures, System, SystemId};

mod bases;
mod personal;

/// Something wrong with a draft, against the clause that asks for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// The field.
    pub field: String,
    /// The clause.
    pub clause: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// The seven fields without which an agreement cannot be submitted, each with its clause (Interaction 17).
pub const SEVEN_FIELDS: [(&str, &str); 7] = [
    ("data", "Interaction 17.1"),
    ("access_period", "Interaction 17.2"),
    ("purposes", "Interaction 17.3"),
    ("basis", "Interaction 17.4"),
    ("accounting", "Interaction 17.5"),
    ("recovery", "Interaction 17.6"),
    ("protection", "Interaction 17.7"),
];

/// Reads a draft and judges it: the agreement it is, or everything that is wrong with it.
///
/// # Errors
/// All problems found, the missing ones of the seven fields first.
pub fn lint(draft: &Value, registry: &Registry) -> Result<AgreementText, Vec<Problem>> {
    let mut problems = Vec::new();
    for (field, clause) in SEVEN_FIELDS {
        let absent = match draft.get(field) {
            None | Some(Value::Null) => true,
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => false,
        };
        if absent {
            problem(&mut problems, field, clause, "missing: an agreement states all seven fields".into());
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = AgreementText::deserialize(draft).map_err(|error| {
        vec![Problem { field: "".into(), clause: "Interaction 17", message: error.to_string() }]
    })?;
    let typed = serde_json::to_value(&text).map_err(|error| {
        vec![Problem { field: "".into(), clause: "Interaction 17", message: error.to_string() }]
    })?;
    if !named(draft, &typed) {
        let message = "a list stands where members are named: name them".into();
        problem(&mut problems, "", "Interaction 17", message);
    }
    judge(&text, registry, &mut problems);
    if problems.is_empty() { Ok(text) } else { Err(problems) }
}

/// The draft with the attestations and quality certificates of both systems among its attachments (B3), so that the
/// signatures cover them: by the digests of those whose documents are kept.
pub fn with_papers(mut draft: Value, registry: &Registry) -> Value {
    let Some(members) = draft.as_object_mut() else { return draft };
    let named =
        ["consumer", "provider"].map(|side| members.get(side).and_then(Value::as_str).map(SystemId::new));
    let systems = named.into_iter().flatten().flatten().filter_map(|id| registry.system(&id));
    let papers: Vec<Attachment> = systems.flat_map(papers_of).collect();
    if papers.is_empty() {
        return draft;
    }
    let attached = members.entry("attachments").or_insert_with(|| Value::Array(Vec::new()));
    // What is no list is told by `lint`.
    let Some(attached) = attached.as_array_mut() else { return draft };
    for paper in papers {
        if !attached.iter().any(|one| one["sha256"] == paper.sha256.as_str()) {
            attached.push(json!(paper));
        }
    }
    draft
}

/// The papers of a system whose documents are kept.
pub(crate) fn papers_of(system: &System) -> impl Iterator<Item = Attachment> {
    let papers = [("attestation", &system.attestation), ("quality certificate", &system.quality_certificate)];
    papers.into_iter().filter_map(|(what, held)| {
        let held = held.as_ref()?;
        let sha256 = held.document.clone()?;
        let number: String = held.number.chars().take(PAPER_NUMBER).collect();
        Some(Attachment { title: format!("{} {what} {number}", system.card.id), sha256 })
    })
}

/// Whether a draft names its members wherever its typed form does: serde reads a structure from a bare list too, which
/// the published schema does not allow and no reader would understand.
fn named(draft: &Value, typed: &Value) -> bool {
    match (draft, typed) {
        (Value::Object(draft), Value::Object(typed)) => {
            draft.iter().all(|(name, value)| typed.get(name).is_none_or(|typed| named(value, typed)))
        }
        (Value::Array(draft), Value::Array(typed)) => {
            draft.iter().zip(typed).all(|(value, typed)| named(value, typed))
        }
        (_, Value::Object(_)) => false,
        _ => true,
    }
}

fn judge(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    parties(text, registry, problems);
    words(text, problems);
    sizes(text, problems);
    grants(text, registry, problems);
    personal::judge(text, registry, problems);
    zeros(text, problems);
    let period = &text.access_period;
    if period.until < period.from {
        problem(problems, "access_period", "Interaction 17.2", "ends before it begins".into());
    }
    if period.hours.as_ref().is_some_and(|hours| hours.from == hours.until) {
        problem(problems, "access_period", "Interaction 17.2", "hours from and until are the same".into());
    }
    bases::bases(text, registry, problems);
    for (at, purpose) in text.purposes.iter().enumerate() {
        if text.purposes[..at].iter().any(|earlier| earlier.code == purpose.code) {
            problem(problems, "purposes", "Interaction 17.3", format!("{} stands twice", purpose.code));
        }
    }
    if let Some(message) = text.protection.volume.as_ref().and_then(crate::Volume::fault) {
        problem(problems, "protection", "Interaction 17.7", message.into());
    }
    if let Some(message) = text.protection.signatures.as_ref().and_then(Signatures::fault) {
        problem(problems, "protection", "Portal 61", message);
    }
    for attachment in &text.attachments {
        if attachment.sha256.len() != 64 || !attachment.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            problem(problems, "attachments", "Portal 65", format!("{}: not a SHA-256", attachment.title));
        }
    }
}

fn parties(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    let mut known = |field: &str, id: &SystemId| {
        if registry.system(id).is_none() {
            problem(problems, field, "Interaction 16", format!("system {id} is not registered"));
        }
    };
    known("consumer", &text.consumer);
    known("provider", &text.provider);
    if text.version == 0 {
        problem(problems, "version", "Interaction 10", "the first version is 1".into());
    }
    if text.consumer == text.provider {
        problem(problems, "provider", "Interaction 16", "consumer and provider are one system".into());
    }
}

/// A number that leaves nothing of what it counts.
fn zeros(text: &AgreementText, problems: &mut Vec<Problem>) {
    let protection = &text.protection;
    for (zero, field, clause, message) in [
        (
            protection.rate.per_second == 0 || protection.rate.burst == 0,
            "protection",
            "Interaction 17.7",
            "a rate of zero allows nothing",
        ),
        (
            protection.readiness_days == Some(0),
            "protection",
            "HR 26.6",
            "a check that holds for no day is none",
        ),
        (
            text.accounting.retention_years == 0,
            "accounting",
            "Interaction 17.5",
            "a record that is kept for no year accounts for nothing",
        ),
        (
            text.recovery.within_hours == 0,
            "recovery",
            "Interaction 17.6",
            "nothing is restored within no hour",
        ),
    ] {
        if zero {
            problem(problems, field, clause, message.into());
        }
    }
}

/// A field that says nothing is not stated.
fn words(text: &AgreementText, problems: &mut Vec<Problem>) {
    let mut said = |field: &str, clause: &'static str, words: &str| {
        if words.trim().is_empty() {
            problem(problems, field, clause, "empty: say it in words".into());
        }
    };
    for purpose in text.purposes.iter() {
        said("purposes", "Interaction 17.3", &purpose.text);
    }
    for basis in text.basis.iter() {
        said("basis", "Interaction 17.4", &basis.clause);
    }
    for signer in text.signers.consumer.iter().chain(&text.signers.provider) {
        said("signers", "Interaction 10", signer);
    }
    said("accounting", "Interaction 17.5", &text.accounting.text);
    said("recovery", "Interaction 17.6", &text.recovery.text);
    said("protection", "Interaction 17.7", &text.protection.text);
}

/// What an agreement says is copied into pages and entries: an entry of the exchange log must always fit.
fn sizes(text: &AgreementText, problems: &mut Vec<Problem>) {
    let mut short = |field: &str, clause: &'static str, words: &str, most: usize| {
        let found = words.chars().count();
        if found > most {
            problem(problems, field, clause, format!("{found} characters; at most {most}"));
        }
    };
    for purpose in text.purposes.iter() {
        short("purposes", "Interaction 17.3", &purpose.text, WORDS);
    }
    for basis in text.basis.iter() {
        short("basis", "Interaction 17.4", &basis.clause, CLAUSE);
    }
    short("accounting", "Interaction 17.5", &text.accounting.text, WORDS);
    short("recovery", "Interaction 17.6", &text.recovery.text, WORDS);
    short("protection", "Interaction 17.7", &text.protection.text, WORDS);
    for field in text.personal_data.iter().flat_map(|clause| &clause.fields) {
        short("personal_data", "Law 5.12", &field.approved_list_item, WORDS);
    }
    for signer in text.signers.consumer.iter().chain(&text.signers.provider) {
        short("signers", "Interaction 10", signer, WORDS);
    }
    for attachment in &text.attachments {
        short("attachments", "Portal 65", &attachment.title, WORDS);
    }
    for (field, clause, found, most) in [
        ("data", "Interaction 17.1", text.data.len(), GRANTS),
        ("purposes", "Interaction 17.3", text.purposes.len(), PURPOSES),
        ("basis", "Interaction 17.4", text.basis.len(), BASES),
        ("signers", "Interaction 10", text.signers.consumer.len(), SIGNERS),
        ("signers", "Interaction 10", text.signers.provider.len(), SIGNERS),
    ] {
        if found > most {
            problem(problems, field, clause, format!("{found} entries; at most {most}"));
        }
    }
    let recorded = |basis: &Basis| {
        // As an entry has them: escaped, with what stands between.
        let words = [basis.act.as_str(), &basis.version, &basis.clause];
        words.iter().map(|words| Value::from(*words).to_string().len()).sum::<usize>()
    };
    let bytes: usize = text.basis.iter().map(recorded).sum();
    if bytes > BASIS_BYTES {
        let message = format!("together {bytes} bytes; an entry holds at most {BASIS_BYTES}");
        problem(problems, "basis", "Interaction 17.4", message);
    }
}

fn grants(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    for (at, grant) in text.data.iter().enumerate() {
        let Some(data_type) = registry.data_type(&text.provider, &grant.data_type, grant.version) else {
            let message =
                format!("{} does not publish {} version {}", text.provider, grant.data_type, grant.version);
            problem(problems, "data", "Interaction 17.1", message);
            continue;
        };
        if text.data[..at].iter().any(|earlier| earlier.data_type == grant.data_type) {
            problem(problems, "data", "Interaction 17.1", format!("{} stands twice", grant.data_type));
        }
        if grant.operations.is_empty() {
            problem(problems, "data", "Interaction 17.1", format!("{}: no operation", grant.data_type));
        }
        for operation in &grant.operations {
            if !data_type.operations.iter().any(|known| known.id == *operation) {
                let message = format!("{} has no operation {operation}", grant.data_type);
                problem(problems, "data", "Interaction 17.1", message);
            }
        }
        if grant.fields.is_empty() {
            let message = format!("{}: name the fields that are released", grant.data_type);
            problem(problems, "data", "Law 4.2.11", message);
        }
        if let Some(fault) = grant.requests_fault(data_type) {
            problem(problems, "data", "Law 4.2.11", format!("{}: {fault}", grant.data_type));
        }
        for field in grant.fields.iter().chain(grant.request_fields.iter().flat_map(|all| all.iter())) {
            if !(field.is_empty() || field.starts_with('/')) {
                problem(problems, "data", "Interaction 17.1", format!("{field:?} is not a JSON Pointer"));
            }
        }
        let category = registry.category(&text.provider, &grant.data_type).unwrap_or(data_type.category);
        if category == Category::StateSecret {
            let message = format!("{} is a state secret, which never passes", grant.data_type);
            problem(problems, "data", "Portal 3", message);
        } else if category > text.protection.category {
            let message = format!("{} is {category:?}; an agreement cannot lower that", grant.data_type);
            problem(problems, "protection", "Interaction 4", message);
        }
    }
}

fn problem(problems: &mut Vec<Problem>, field: &str, clause: &'static str, message: String) {
    problems.push(Problem { field: field.to_owned(), clause, message });
}

/// Most characters of a text.
const WORDS: usize = 500;
/// Most characters of a paper's number in a title.
const PAPER_NUMBER: usize = 200;
/// Most characters of a clause of a basis.
const CLAUSE: usize = 100;
/// Most bases.
const BASES: usize = 20;
/// Most purposes.
const PURPOSES: usize = 100;
/// Most signers of a side.
const SIGNERS: usize = 10;
/// Most data types.
const GRANTS: usize = 200;
/// Most bytes of all bases as an entry has them: half of its 16 KiB is for what peers claim, and the codes.
const BASIS_BYTES: usize = 7_000;
