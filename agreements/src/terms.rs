//! Terms of the law as dated data (A8), and the deadlines that follow from them: worked out when asked, never stored.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Calendar;

/// What a term is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TermKind {
    /// Having a system registered, from approval of its project documentation or its entry into trial operation.
    Registration,
    /// Registering or giving an accounting code, from the application.
    Outcome,
    /// Returning an application that is not complete, from the application.
    Return,
    /// Correcting what is registered, from its change, or from the discovery of what is wrong or missing.
    Correction,
    /// Putting agreements onto another basis, from the last day of an act that they stand on (B10).
    Basis,
    /// The regulator's outcome on an agreement, from its submission (B9).
    Consideration,
    /// Placing the items of a body's own work plan in the portal, from the plan's approval. The gateway sees no plans: only
    /// the length is known here.
    DepartmentalPlan,
    /// Placing the items of a plan of several bodies, from its approval; the same holds for it.
    InterdepartmentalPlan,
}

/// In which days a term is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// The Republic's working days.
    Working,
    /// All days.
    Calendar,
}

/// How long a term is, while an act says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// What it is for.
    pub kind: TermKind,
    /// How many days.
    pub days: u16,
    /// Of which kind.
    pub counted: Counted,
    /// Where the act says so.
    pub clause: String,
    /// The first day of terms that are so long.
    pub from: Date,
}

/// All terms, each version from its day on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms(Arc<[Term]>);

impl Default for Terms {
    /// The terms of `data/terms.json`.
    fn default() -> Self {
        let seed: Vec<Term> =
            serde_json::from_str(SEED).expect("a test reads the terms that are compiled in");
        Self(seed.into())
    }
}

impl Terms {
    /// Enters a term, or corrects the one of the same kind and beginning.
    pub fn set(&mut self, term: Term) {
        let others = self.0.iter().filter(|known| (known.kind, known.from) != (term.kind, term.from));
        let mut terms: Vec<_> = others.cloned().collect();
        terms.push(term);
        terms.sort_by_key(|term| (term.kind, term.from));
        self.0 = terms.into();
    }

    /// All of them, by kind and beginning.
    pub fn all(&self) -> &[Term] {
        &self.0
    }

    /// The term that begins on `day`: the newest that was in force then, or else the first that ever was.
    pub fn on(&self, kind: TermKind, day: Date) -> Option<&Term> {
        let mut of_kind = self.0.iter().filter(|term| term.kind == kind);
        let first = of_kind.clone().next();
        of_kind.rfind(|term| term.from <= day).or(first)
    }
}

impl Term {
    /// Its last day, where it begins on `day`.
    pub fn due(&self, day: Date, calendar: &Calendar) -> Date {
        match self.counted {
            Counted::Working => calendar.add_working_days(day, self.days),
            Counted::Calendar => day.saturating_add(i64::from(self.days).days()),
        }
    }
}

/// The terms before operators say anything.
const SEED: &str = include_str!("../data/terms.json");

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// A8
    #[test]
    fn every_kind_of_term_has_its_length_from_the_start() {
        let terms = Terms::default();
        for (kind, days, counted) in [
            (TermKind::Registration, 10, Counted::Working),
            (TermKind::Outcome, 5, Counted::Working),
            (TermKind::Return, 2, Counted::Working),
            (TermKind::Correction, 10, Counted::Working),
            (TermKind::Basis, 30, Counted::Working),
            (TermKind::Consideration, 10, Counted::Working),
            (TermKind::DepartmentalPlan, 3, Counted::Calendar),
            (TermKind::InterdepartmentalPlan, 5, Counted::Working),
        ] {
            let term = terms.on(kind, day("2026-02-02")).unwrap();
            assert_eq!((term.days, term.counted), (days, counted));
            assert_eq!(terms.on(kind, day("2001-01-01")), Some(term), "older registries have terms too");
        }
    }

    /// A8: of a plan approved on a Friday, Portal 28 and 29 count Saturday and Sunday, and do not.
    #[test]
    fn a_term_ends_by_the_days_in_which_it_is_counted() {
        let due = |kind| {
            let term = Terms::default().on(kind, day("2026-02-06")).unwrap().clone();
            term.due(day("2026-02-06"), &Calendar::default())
        };
        assert_eq!(due(TermKind::DepartmentalPlan), day("2026-02-09"));
        assert_eq!(due(TermKind::InterdepartmentalPlan), day("2026-02-13"));
    }

    /// A8: a term that began under one act ends under it.
    #[test]
    fn a_new_length_holds_for_terms_that_begin_after_it() {
        let mut terms = Terms::default();
        let changed = Term {
            kind: TermKind::Return,
            days: 3,
            counted: Counted::Calendar,
            clause: "Portal 28".into(),
            from: day("2026-07-01"),
        };
        terms.set(changed.clone());
        terms.set(changed);
        assert_eq!(terms.all().len(), 9);
        let due = |from: &str| {
            let term = terms.on(TermKind::Return, day(from)).unwrap();
            term.due(day(from), &Calendar::default())
        };
        assert_eq!(due("2026-06-26"), day("2026-06-30"));
        // Three calendar days from Thursday end on Sunday.
        assert_eq!(due("2026-07-02"), day("2026-07-05"));
    }
}
