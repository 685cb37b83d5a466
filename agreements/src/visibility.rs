//! Who sees what (E4): each role its part, and what an operator does not see they cannot change either.

use jiff::civil::Date;

use crate::references::Refers;
use crate::{
    Accounted, Actor, Agreement, Bin, Delegation, Dossier, Filed, Operator, OperatorId, OperatorStanding,
    Reach, Region, Registry, Role, Subject, System, SystemId,
};

/// An operator as one who looks: what of the registry is theirs to see.
#[derive(Debug, Clone)]
pub struct Viewer<'r> {
    registry: &'r Registry,
    eyes: Eyes,
}

/// How far somebody sees: what they are today, whichever day they look at.
#[derive(Debug, Clone)]
pub struct Eyes {
    holder: Bin,
    role: Role,
    part: Part,
}

/// Which part of the registry is seen.
#[derive(Debug, Clone)]
enum Part {
    /// All of it.
    Whole,
    /// What is an organisation's, or where it is a party.
    Organisation(Bin),
    /// What is in a region.
    Region(Region),
    /// What a sector authority is customer and controller of; a territorial unit in its region only.
    Sector(Bin, Option<Region>),
    /// What an employee is responsible for.
    Responsible(OperatorId),
    /// What an expert was asked to look at: the named systems, or all of them.
    Expert(Vec<SystemId>),
    /// Nothing: not active, or without the reach that the role needs.
    Nothing,
}

impl Eyes {
    /// Takes an actor for what the newest registry has them as on `today`.
    pub fn of(newest: &Registry, actor: &Actor, today: Date) -> Self {
        let known = newest.operator(&actor.id);
        let standing = newest.operator_standing(&actor.id, today);
        let active = matches!(standing, None | Some(OperatorStanding::Active));
        let reach = known.map(|operator| &operator.reach);
        let region = reach.and_then(|reach| reach.region.clone());
        let part = match actor.role {
            _ if !active => Part::Nothing,
            Role::Administrator | Role::ServiceIntegrator | Role::Regulator | Role::NationalOperator => {
                Part::Whole
            }
            Role::HolderOfficer => Part::Organisation(actor.holder),
            Role::RegionalOperator => region.map_or(Part::Nothing, Part::Region),
            Role::SectorAuthority => Part::Sector(actor.holder, None),
            Role::TerritorialUnit => {
                region.map_or(Part::Nothing, |region| Part::Sector(actor.holder, Some(region)))
            }
            Role::ResponsibleEmployee => Part::Responsible(actor.id.clone()),
            Role::Expert => match reach {
                Some(Reach { until: Some(_), systems, .. }) => Part::Expert(systems.clone()),
                Some(_) | None => Part::Nothing,
            },
        };
        Self { holder: actor.holder, role: actor.role, part }
    }

    /// Looks with them at a registry, of today or of another day.
    pub fn on(self, registry: &Registry) -> Viewer<'_> {
        Viewer { registry, eyes: self }
    }
}

impl<'r> Viewer<'r> {
    /// Takes an actor for what they are on `today` in the registry that they look at, which is the newest.
    pub fn new(registry: &'r Registry, actor: &Actor, today: Date) -> Self {
        Eyes::of(registry, actor, today).on(registry)
    }

    /// Whether nothing is kept from them: of an expert, when they were asked to look at no system in particular.
    pub fn sees_everything(&self) -> bool {
        match &self.eyes.part {
            Part::Whole => true,
            Part::Expert(named) => named.is_empty(),
            Part::Organisation(_)
            | Part::Region(_)
            | Part::Sector(..)
            | Part::Responsible(_)
            | Part::Nothing => false,
        }
    }

    /// Whether they find all systems, with their holders and data types, though not all that is kept of each: who drafts
    /// agreements has to know with whom, and on what.
    pub fn finds_everything(&self) -> bool {
        match &self.eyes.part {
            Part::Organisation(_) => true,
            Part::Whole
            | Part::Region(_)
            | Part::Sector(..)
            | Part::Responsible(_)
            | Part::Expert(_)
            | Part::Nothing => self.sees_everything(),
        }
    }

    /// Whether they find a system: what it is called, whose it is, and what it publishes.
    pub fn finds_system(&self, system: &System) -> bool {
        self.finds_everything() || self.sees_system(system)
    }

    /// Whether they see a system.
    pub fn sees_system(&self, system: &System) -> bool {
        let card = &system.card;
        if let Part::Expert(named) = &self.eyes.part {
            return named.is_empty() || named.contains(&card.id);
        }
        self.sees_object_of(&[card.holder, card.owner], card.region.as_ref(), &system.dossier)
    }

    /// Whether they see another object.
    pub fn sees_object(&self, object: &Accounted) -> bool {
        let card = &object.card;
        self.sees_object_of(&[card.holder, card.owner], card.region.as_ref(), &object.dossier)
    }

    /// Whether they see what goes by this name; what is not registered nobody sees.
    pub fn sees(&self, subject: &Subject) -> bool {
        match subject {
            Subject::System(id) => self.registry.system(id).is_some_and(|system| self.sees_system(system)),
            Subject::Object(id) => self.registry.object(id).is_some_and(|object| self.sees_object(object)),
        }
    }

    /// Whether they see an application: before there is a dossier, by organisation and region.
    pub fn sees_application(&self, filed: &Filed) -> bool {
        let application = &filed.application;
        match &self.eyes.part {
            Part::Whole => true,
            Part::Organisation(bin) => application.holder() == *bin,
            Part::Region(region) => application.region() == Some(region),
            Part::Sector(..) | Part::Responsible(_) | Part::Expert(_) => self.sees(&application.subject()),
            Part::Nothing => false,
        }
    }

    /// Whether they see an agreement: as one sees either of its systems.
    pub fn sees_agreement(&self, agreement: &Agreement) -> bool {
        let sides = [&agreement.header.consumer, &agreement.header.provider];
        match &self.eyes.part {
            Part::Whole => true,
            Part::Organisation(bin) => {
                let holder = |id: &SystemId| self.registry.system(id).map(|system| system.card.holder);
                sides.iter().any(|id| holder(id) == Some(*bin))
            }
            _ => {
                sides.iter().any(|id| self.registry.system(id).is_some_and(|system| self.sees_system(system)))
            }
        }
    }

    /// Whether they see something that names a document, by its digest (A7).
    pub fn sees_document(&self, sha256: &str) -> bool {
        let registry = self.registry;
        self.sees_everything()
            || registry.systems().any(|one| one.refers_to(sha256) && self.sees_system(one))
            || registry.objects().any(|one| one.refers_to(sha256) && self.sees_object(one))
            || registry
                .applications()
                .any(|one| one.application.refers_to(sha256) && self.sees_application(one))
            || registry.delegations().any(|one| one.refers_to(sha256) && self.sees_delegation(one))
            || registry.agreements().any(|one| one.refers_to(sha256) && self.sees_agreement(one))
    }

    /// Whether they see a delegation: supervisors all of them, others what their organisation delegated, or was delegated.
    pub fn sees_delegation(&self, delegation: &Delegation) -> bool {
        let parties = [delegation.text.principal, delegation.text.delegate];
        match (&self.eyes.part, self.eyes.role) {
            (Part::Nothing, _) | (_, Role::Expert) => false,
            (_, Role::Administrator | Role::ServiceIntegrator | Role::Regulator | Role::NationalOperator) => {
                true
            }
            (
                _,
                Role::HolderOfficer
                | Role::RegionalOperator
                | Role::SectorAuthority
                | Role::TerritorialUnit
                | Role::ResponsibleEmployee,
            ) => parties.contains(&self.eyes.holder),
        }
    }

    /// Whether they see an operator: administrators and the regulator all of them, others their own organisation's.
    pub fn sees_operator(&self, operator: &Operator) -> bool {
        match (&self.eyes.part, self.eyes.role) {
            (Part::Nothing, _) => false,
            (_, Role::Administrator | Role::Regulator) => true,
            (_, Role::Expert) => false,
            (
                _,
                Role::HolderOfficer
                | Role::ServiceIntegrator
                | Role::RegionalOperator
                | Role::SectorAuthority
                | Role::TerritorialUnit
                | Role::NationalOperator
                | Role::ResponsibleEmployee,
            ) => operator.holder == self.eyes.holder,
        }
    }

    /// Whether an object of these organisations, in this region, would be theirs to see.
    pub(crate) fn sees_object_of(&self, holders: &[Bin], region: Option<&Region>, dossier: &Dossier) -> bool {
        match &self.eyes.part {
            Part::Whole => true,
            Part::Organisation(bin) => holders.contains(bin),
            Part::Region(theirs) => region == Some(theirs),
            Part::Sector(authority, theirs) => {
                dossier.authority == Some(*authority)
                    && theirs.as_ref().is_none_or(|theirs| region == Some(theirs))
            }
            Part::Responsible(id) => {
                dossier.employee().and_then(|employee| employee.operator.as_ref()) == Some(id)
            }
            Part::Expert(named) => named.is_empty(),
            Part::Nothing => false,
        }
    }
}
