//! Deadlines that run, were met or were missed (A2-A4, A8, B9): each worked out from what happened and the calendar of now.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Agreement, Bin, Dossier, Filed, Outcome, Registry, Stage, Subject, TermKind, almaty};

/// A step of the law with its last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deadline {
    /// What is due.
    pub kind: TermKind,
    /// Of what: `application 7`, `system portal`, `agreement a-1 version 2`.
    pub about: String,
    /// Who owes it: a holder; nobody named is the service integrator.
    pub owed_by: Option<Bin>,
    /// When the term began; this day does not count.
    pub from: Date,
    /// Its last day.
    pub due: Date,
    /// The clause that sets it.
    pub clause: String,
    /// When it was done.
    pub met: Option<Date>,
}

/// Where a deadline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeadlineStanding {
    /// There is time.
    Running,
    /// Done in time.
    Met,
    /// Done, but late.
    MetLate,
    /// Not done, and late.
    Overdue,
}

impl Deadline {
    /// Where it stands on a day.
    pub fn standing(&self, today: Date) -> DeadlineStanding {
        match self.met {
            Some(met) if met <= self.due => DeadlineStanding::Met,
            Some(_) => DeadlineStanding::MetLate,
            None if today <= self.due => DeadlineStanding::Running,
            None => DeadlineStanding::Overdue,
        }
    }
}

impl Registry {
    /// All deadlines, met ones too; the nearest first.
    pub fn deadlines(&self) -> Vec<Deadline> {
        let mut deadlines: Vec<Deadline> =
            self.applications().flat_map(|filed| self.deadlines_of(filed)).collect();
        for system in self.systems() {
            let about = Subject::System(system.card.id.clone());
            self.of_dossier(&about, system.card.holder, &system.dossier, &mut deadlines);
        }
        for object in self.objects() {
            let about = Subject::Object(object.card.id.clone());
            self.of_dossier(&about, object.card.holder, &object.dossier, &mut deadlines);
        }
        deadlines.extend(self.agreements().flat_map(|agreement| self.deadlines_of_agreement(agreement)));
        deadlines.sort_by(|one, other| (one.due, &one.about).cmp(&(other.due, &other.about)));
        deadlines
    }

    /// Deadlines that are overdue on a day.
    pub fn overdue(&self, today: Date) -> Vec<Deadline> {
        let late = |deadline: &Deadline| deadline.standing(today) == DeadlineStanding::Overdue;
        self.deadlines().into_iter().filter(late).collect()
    }

    /// The deadlines of an application: of the integrator for its outcome, of the holder for having it registered.
    pub fn deadlines_of(&self, filed: &Filed) -> Vec<Deadline> {
        let submitted = day(filed.submitted.at);
        let settled = filed.outcome.trace().map(|trace| day(trace.at));
        let about = format!("application {}", filed.number);
        // Registration 8: what is complete is registered within five days, what is not is returned within two.
        let complete = filed.gaps.is_empty() && !matches!(filed.outcome, Outcome::Returned { .. });
        let kind = if complete { TermKind::Outcome } else { TermKind::Return };
        let mut deadlines: Vec<Deadline> =
            self.deadline(kind, about.clone(), None, submitted, settled).into_iter().collect();
        // The holder's own term goes on through returned applications, and is told with the newest.
        let subject = filed.application.subject();
        let newest = self.newest_application(&subject).is_some_and(|newest| newest.number == filed.number);
        if let (true, Some(from)) = (newest, filed.application.registration_from()) {
            let met = match &filed.outcome {
                Outcome::Registered { trace, .. } => Some(day(trace.at)),
                Outcome::Pending | Outcome::Returned { .. } | Outcome::Withdrawn { .. } => None,
            };
            let holder = filed.application.holder();
            deadlines.extend(self.deadline(TermKind::Registration, about, Some(holder), from, met));
        }
        deadlines
    }

    /// B9: the regulator's, for its outcome, from each submission; whoever takes the agreement back ends it too.
    fn deadlines_of_agreement<'r>(&'r self, agreement: &'r Agreement) -> impl Iterator<Item = Deadline> + 'r {
        let steps = agreement.history.iter().enumerate();
        let submissions = steps.filter(|(_, step)| step.stage == Stage::Submitted);
        submissions.filter_map(|(at, step)| {
            let met = agreement.history.get(at + 1).map(|next| day(next.at));
            let about = format!("agreement {} version {}", agreement.header.number, agreement.header.version);
            self.deadline(TermKind::Consideration, about, self.regulator(), day(step.at), met)
        })
    }

    /// Registration 15: ten working days from a change, or from the discovery of what is wrong or missing.
    fn of_dossier(&self, about: &Subject, holder: Bin, dossier: &Dossier, deadlines: &mut Vec<Deadline>) {
        for discovery in &dossier.discoveries {
            let about = format!("{about}, discovery {}", discovery.number);
            let (from, met) = (day(discovery.trace.at), discovery.corrected.map(day));
            deadlines.extend(self.deadline(TermKind::Correction, about, Some(holder), from, met));
        }
        for (number, correction) in (1..).zip(&dossier.corrections) {
            if let Some(from) = correction.changed_on {
                let about = format!("{about}, correction {number}");
                let met = Some(day(correction.trace.at));
                deadlines.extend(self.deadline(TermKind::Correction, about, Some(holder), from, met));
            }
        }
    }

    fn deadline(
        &self,
        kind: TermKind,
        about: String,
        owed_by: Option<Bin>,
        from: Date,
        met: Option<Date>,
    ) -> Option<Deadline> {
        let term = self.terms().on(kind, from)?;
        let (due, clause) = (term.due(from, self.calendar()), term.clause.clone());
        Some(Deadline { kind, about, owed_by, from, due, clause, met })
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(almaty()).date()
}
