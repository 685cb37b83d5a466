//! What events change in applications, other objects, and what is kept of every object.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Registry;
use crate::{
    Accounted, Application, ApplicationNumber, Applied, CardCorrection, Changed, Correction, Discovery,
    Document, Dossier, Employee, EndOfOperation, Filed, Gap, Information, InformationKind, Named, ObjectCard,
    ObjectStatus, Outcome, Recorded, Region, Significance, Subject, Superseded, SystemCard, SystemStatus,
    Trace, Words,
};

impl Registry {
    pub(super) fn file(
        &mut self,
        number: ApplicationNumber,
        application: Application,
        gaps: Vec<Gap>,
        recorded: &Recorded,
    ) -> Option<()> {
        if number != self.next_application() {
            return None;
        }
        self.newest_applications.insert(application.subject(), number);
        let (application, submitted) = (Arc::new(application), Trace::of(recorded));
        self.applications.push(Filed { number, application, submitted, gaps, outcome: Outcome::Pending });
        Some(())
    }

    pub(super) fn settle(&mut self, number: ApplicationNumber, outcome: Outcome) -> Option<()> {
        let filed = self.applications.get_mut(usize::try_from(number.0).ok()?.checked_sub(1)?)?;
        match filed.outcome {
            Outcome::Pending => filed.outcome = outcome,
            Outcome::Registered { .. } | Outcome::Returned { .. } | Outcome::Withdrawn { .. } => return None,
        }
        Some(())
    }

    /// What is kept of a system from its registration on. One that came without an application is recorded as one
    /// that was accepted at once.
    pub(super) fn dossier_of(
        &mut self,
        card: &SystemCard,
        code: &str,
        recorded: &Recorded,
    ) -> Option<Dossier> {
        let subject = Subject::System(card.id.clone());
        if let Some(dossier) = self.accepted(&subject, recorded) {
            return Some(dossier);
        }
        let name = Words::new(&card.responsible).unwrap_or_default();
        let employee = Employee { name, duty: Words::default(), order: Words::default(), operator: None };
        let application = Application {
            of: Applied::System(Box::new(card.clone())),
            information: Information::default(),
            responsible: Some(employee),
            project_approved: None,
            follows: None,
        };
        let (number, gaps) = (self.next_application(), application.gaps());
        self.file(number, application, gaps, recorded)?;
        self.settle(number, Outcome::Registered { code: code.to_owned(), trace: Trace::of(recorded) })?;
        self.accepted(&subject, recorded)
    }

    pub(super) fn account(&mut self, card: &ObjectCard, code: &str, recorded: &Recorded) -> Option<()> {
        let dossier = self.accepted(&Subject::Object(card.id.clone()), recorded)?;
        let object =
            Accounted { card: card.clone(), code: code.to_owned(), status: ObjectStatus::Accounted, dossier };
        self.objects.insert(card.id.clone(), object).is_none().then_some(())
    }

    fn accepted(&self, subject: &Subject, recorded: &Recorded) -> Option<Dossier> {
        let filed = self.newest_application(subject)?;
        let Outcome::Registered { .. } = filed.outcome else { return None };
        let trace = Trace::of(recorded);
        let named = filed.application.responsible.clone().map(|employee| Named { employee, trace });
        Some(Dossier {
            application: Some(filed.number),
            information: filed.application.information.clone(),
            responsible: named.into_iter().collect(),
            ..Dossier::default()
        })
    }

    pub(super) fn correct(
        &mut self,
        subject: &Subject,
        card: &CardCorrection,
        information: &Information,
        changed_on: Option<jiff::civil::Date>,
        discovery: Option<u32>,
        recorded: &Recorded,
    ) -> Option<()> {
        let touches = |(kind, _): &(InformationKind, Value)| CHECKED.contains(kind);
        if let Subject::System(id) = subject
            && information.said().iter().any(touches)
        {
            self.changed.insert(id.clone(), recorded.sequence);
        }
        let mut changes = self.correct_card(subject, card)?;
        let dossier = self.dossier_mut(subject)?;
        changes.extend(dossier.information.correct(information.clone()));
        if let Some(number) = discovery {
            let found = dossier.discoveries.iter_mut().find(|one| one.number == number)?;
            found.corrected = Some(recorded.at);
        }
        dossier.corrections.push(Correction { trace: Trace::of(recorded), changed_on, discovery, changes });
        Some(())
    }

    fn correct_card(&mut self, subject: &Subject, card: &CardCorrection) -> Option<Vec<Changed>> {
        let mut changes = Vec::new();
        let mut changed = |field: &str, old: Value, new: Value| {
            if old != new {
                changes.push(Changed { field: field.to_owned(), old, new });
            }
        };
        let (name, region, owner, openness) = match subject {
            Subject::System(id) => {
                let known = &mut self.system_mut(id)?.card;
                let name = card.name.as_ref().map(|name| {
                    (Value::from(std::mem::replace(&mut known.name, name.to_string())), json!(name))
                });
                (name, &mut known.region, &mut known.owner, Some(&mut known.openness))
            }
            Subject::Object(id) => {
                let known = &mut self.objects.get_mut(id)?.card;
                let name = card
                    .name
                    .as_ref()
                    .map(|name| (json!(std::mem::replace(&mut known.name, name.clone())), json!(name)));
                (name, &mut known.region, &mut known.owner, None)
            }
        };
        if let Some((old, new)) = name {
            changed("name", old, new);
        }
        if let (Some(new), Some(old)) = (&card.openness, openness) {
            changed("openness", json!(std::mem::replace(old, *new)), json!(new));
        }
        if let Some(new) = &card.region {
            let old: Option<Region> = region.replace(new.clone());
            changed("region", json!(old), json!(new));
        }
        if let Some(new) = &card.owner {
            changed("owner", json!(std::mem::replace(owner, *new)), json!(new));
        }
        Some(changes)
    }

    /// Writes down a correction that a command of its own has made.
    pub(super) fn note_change(
        &mut self,
        subject: &Subject,
        changes: Vec<Changed>,
        recorded: &Recorded,
    ) -> Option<()> {
        let trace = Trace::of(recorded);
        let dossier = self.dossier_mut(subject)?;
        dossier.corrections.push(Correction { trace, changed_on: None, discovery: None, changes });
        Some(())
    }

    pub(super) fn discover(&mut self, subject: &Subject, what: &Words, recorded: &Recorded) -> Option<()> {
        let discoveries = &mut self.dossier_mut(subject)?.discoveries;
        let number = u32::try_from(discoveries.len()).ok()?.checked_add(1)?;
        let trace = Trace::of(recorded);
        discoveries.push(Discovery { number, what: what.clone(), trace, corrected: None });
        Some(())
    }

    pub(super) fn name_responsible(
        &mut self,
        subject: &Subject,
        employee: &Employee,
        recorded: &Recorded,
    ) -> Option<()> {
        if let Subject::System(id) = subject {
            self.system_mut(id)?.card.responsible = employee.name.to_string();
        }
        let trace = Trace::of(recorded);
        self.dossier_mut(subject)?.responsible.push(Named { employee: employee.clone(), trace });
        Some(())
    }

    pub(super) fn file_document(
        &mut self,
        subject: &Subject,
        document: &Document,
        supersedes: Option<&str>,
        recorded: &Recorded,
    ) -> Option<()> {
        let documents = match subject {
            Subject::System(id) => &mut self.system_mut(id)?.card.documents,
            Subject::Object(id) => &mut self.objects.get_mut(id)?.card.documents,
        };
        let replaced = match supersedes {
            None => None,
            Some(sha256) => {
                let at = documents.iter().position(|known| known.sha256 == sha256)?;
                Some(documents.remove(at))
            }
        };
        documents.push(document.clone());
        if let Some(replaced) = replaced {
            let (by, trace) = (document.sha256.clone(), Trace::of(recorded));
            self.dossier_mut(subject)?.superseded.push(Superseded { document: replaced, by, trace });
        }
        Some(())
    }

    pub(super) fn mark(
        &mut self,
        subject: &Subject,
        significance: Significance,
        recorded: &Recorded,
    ) -> Option<()> {
        let known = match subject {
            Subject::System(id) => &mut self.system_mut(id)?.card.significance,
            Subject::Object(id) => &mut self.objects.get_mut(id)?.card.significance,
        };
        let old = std::mem::replace(known, significance);
        let change = Changed { field: "significance".into(), old: json!(old), new: json!(significance) };
        self.note_change(subject, vec![change], recorded)
    }

    pub(super) fn end(&mut self, subject: &Subject, end: &EndOfOperation) -> Option<()> {
        match subject {
            Subject::System(id) => self.system_mut(id)?.status = SystemStatus::Decommissioned,
            Subject::Object(id) => self.objects.get_mut(id)?.status = ObjectStatus::Ended,
        }
        let dossier = self.dossier_mut(subject)?;
        dossier.information.end_of_operation = Some(end.clone());
        dossier.ended = Some(end.clone());
        Some(())
    }

    pub(super) fn dossier_mut(&mut self, subject: &Subject) -> Option<&mut Dossier> {
        match subject {
            Subject::System(id) => Some(Arc::make_mut(&mut self.system_mut(id)?.dossier)),
            Subject::Object(id) => Some(&mut self.objects.get_mut(id)?.dossier),
        }
    }
}

/// What of the registered information says how a system is made: after its correction both sides are checked anew (B5).
const CHECKED: [InformationKind; 3] =
    [InformationKind::Technical, InformationKind::Software, InformationKind::Infrastructure];

impl Trace {
    /// Who caused an event, when and why.
    pub(super) fn of(recorded: &Recorded) -> Self {
        Self { at: recorded.at, actor: recorded.actor.clone(), reason: recorded.reason.clone() }
    }
}
