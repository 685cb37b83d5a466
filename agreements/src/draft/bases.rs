//! What a draft stands on: acts of the register, and what each of them allows.

use super::{Problem, problem};
use crate::{Act, AgreementText, Basis, BasisKind, Bin, Category, Registry, SystemId};

pub(super) fn bases(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    for basis in text.basis.iter() {
        if let Err(message) = as_recorded(basis, registry) {
            problem(problems, "basis", "Interaction 17.4", message);
        }
    }
    sectors(text, registry, problems);
    official_use(text, registry, problems);
    officials(text, registry, problems);
}

/// B10: of which kind an act is, the register says, and not whoever drafts.
fn as_recorded(basis: &Basis, registry: &Registry) -> Result<(), String> {
    let named = format!("act {} version {}", basis.act, basis.version);
    let Some(act) = registry.act(&basis.act, &basis.version) else {
        return Err(format!("{named} is not in the register of acts"));
    };
    match act.kind {
        Some(kind) if kind == basis.kind => Ok(()),
        Some(kind) => Err(format!("{named} is {} by the register, not {}", name(kind), name(basis.kind))),
        None => Err(format!(
            "{named} was recorded before acts said of which kind they are: have the regulator record it once more, with it"
        )),
    }
}

/// B10, HR 22: a sector's own act allows nothing outside the sector.
fn sectors(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    let sector_of = |act: &Act| act.sector.filter(|_| act.kind == Some(BasisKind::SectorAct));
    let sectors: Option<Vec<Bin>> = cited(text, registry).map(sector_of).collect();
    // An act that is no sector's allows what it says.
    let Some(sectors) = sectors.filter(|found| !found.is_empty()) else { return };
    let within = |id: &SystemId, sector: Bin| {
        let system = registry.system(id);
        system.is_some_and(|one| one.dossier.authority == Some(sector) || one.card.holder == sector)
    };
    if !sectors.iter().any(|sector| within(&text.consumer, *sector) && within(&text.provider, *sector)) {
        let message = "a sector's act allows nothing outside the sector, and not both systems are under its authority: \
            name an act that does, or have the regulator assign the authority";
        problem(problems, "basis", "HR 22", message.into());
    }
}

/// B8, Portal 3: data for official use passes only where an act allows it.
fn official_use(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    if cited(text, registry).any(Act::carries_official_use) {
        return;
    }
    for grant in text.data.iter() {
        if registry.category(&text.provider, &grant.data_type) == Some(Category::OfficialUse) {
            let message = format!(
                "{} is for official use: name an act that allows such data to pass, and is recorded so",
                grant.data_type
            );
            problem(problems, "basis", "Portal 3", message);
        }
    }
}

/// B6, HR 26.9: where an act says in whose name systems ask under it, an agreement that stands on it says no less.
fn officials(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    for act in cited(text, registry).filter(|act| text.protection.users < act.officials) {
        let message = format!("act {} lets only officials ask who are {:?}", act.id, act.officials);
        problem(problems, "protection", "HR 20-21, 26.9", message);
    }
}

fn cited<'r>(text: &AgreementText, registry: &'r Registry) -> impl Iterator<Item = &'r Act> {
    text.basis.iter().filter_map(|basis| registry.act(&basis.act, &basis.version))
}

fn name(kind: BasisKind) -> &'static str {
    match kind {
        BasisKind::Act => "a normative act (act)",
        BasisKind::Treaty => "a treaty (treaty)",
        BasisKind::JointProcedure => "a joint procedure (joint-procedure)",
        BasisKind::SectorAct => "a sector's act (sector-act)",
    }
}
