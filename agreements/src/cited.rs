//! The acts that refusals and problems cite by a short name: dated data, so that a clause can be looked up, and nobody takes an
//! act for one in force that is not.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use crate::ActId;
use crate::refusal::Language;

/// An act, as clauses are cited from it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cited {
    /// What stands before the clause's number: `Interaction` in "Interaction 17.3".
    pub short: String,
    /// Its code, as registers of acts have it.
    pub act: ActId,
    /// The day of the act.
    pub made: Date,
    /// Its last day in force, where it has lost force.
    #[serde(default)]
    pub in_force_until: Option<Date>,
    /// What came in its place.
    #[serde(default)]
    pub successor: Option<ActId>,
    kk: String,
    ru: String,
    en: String,
}

impl Cited {
    /// Its title, with its number and day.
    pub fn title(&self, language: Language) -> &str {
        match language {
            Language::Kazakh => &self.kk,
            Language::Russian => &self.ru,
            Language::English => &self.en,
        }
    }

    /// Short name and title, and that it has lost force, if it has.
    pub fn told(&self, language: Language) -> String {
        let told = format!("{}: {}", self.short, self.title(language));
        let Some(until) = self.in_force_until.map(|until| until.strftime("%d.%m.%Y")) else { return told };
        match language {
            Language::Kazakh => format!("{told} (күші {until} жойылған)"),
            Language::Russian => format!("{told} (утратил силу {until})"),
            Language::English => format!("{told} (lost force on {until})"),
        }
    }
}

/// All of them, in the order of the legend.
pub fn all() -> &'static [Cited] {
    &ALL
}

/// The acts that a clause is of: two for "Portal 63; HR 26.3", none for a standard.
pub fn cited_in(clause: &str) -> impl Iterator<Item = &'static Cited> + '_ {
    let short = |part: &str| part.trim().split([' ', ',']).next().unwrap_or_default().to_owned();
    let named: Vec<String> = clause.split(';').map(short).collect();
    all().iter().filter(move |act| named.contains(&act.short))
}

static ALL: LazyLock<Vec<Cited>> =
    LazyLock::new(|| serde_json::from_str(DATA).expect("a test reads the acts that are compiled in"));

const DATA: &str = include_str!("../data/cited.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_names_its_acts_and_a_standard_none() {
        let of = |clause: &str| cited_in(clause).map(|act| act.short.as_str()).collect::<Vec<_>>();
        assert_eq!(of("Interaction 17.3"), ["Interaction"]);
        assert_eq!(of("Registration, annex"), ["Registration"]);
        assert_eq!(of("HR 26.3; Portal 63; RFC 9421"), ["Portal", "HR"]);
        assert_eq!(of("RFC 9110 §15.5.9"), [""; 0]);
    }

    /// C2: in the three languages, with the day on which it lost force.
    #[test]
    fn every_act_is_told_with_its_title_and_that_it_lost_force() {
        assert_eq!(all().len(), 5);
        for act in all() {
            for language in [Language::Kazakh, Language::Russian, Language::English] {
                let told = act.told(language);
                assert!(told.starts_with(&act.short) && told.len() > 50, "{told}");
                let until = act.in_force_until.unwrap();
                assert!(until > act.made && told.contains(&until.strftime("%d.%m.%Y").to_string()), "{told}");
            }
        }
    }

    /// Whatever a refusal cites is an act of the legend, or a standard.
    #[test]
    fn every_clause_of_a_refusal_is_of_a_known_act_or_a_standard() {
        for row in crate::refusal::rows::ALL {
            let known = cited_in(row.clause).count() > 0 || row.clause.starts_with("RFC ");
            assert!(known, "{}: {}", row.code, row.clause);
        }
    }
}
