//! `kelisim overdue` and `kelisim notices`: what should have been done, and what ends soon.

use agreements::{Matter, notices};
use clap::Args;
use jiff::civil::Date;
use serde_json::json;

use super::application::{deadlines, state, today};
use super::desk::{Desk, kebab};
use super::table::Table;
use super::{Answer, Common, Failure};

#[derive(Args)]
#[command(after_help = "Example:\n  kelisim overdue\n\nIt ends with 1 where something is overdue.")]
pub(super) struct Overdue {
    /// Deadlines that run or were met, too
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  kelisim notices\n  kelisim notices --on 2026-12-01")]
pub(super) struct Notices {
    /// As of which day [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

impl Overdue {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let desk = Desk::open(common)?;
        let registry = desk.registry();
        let overdue = registry.overdue(today());
        let late = !overdue.is_empty();
        let told = if self.all { registry.deadlines() } else { overdue };
        let mut table = Table::new(["DUE", "STANDING", "WHAT", "ABOUT", "OWED BY", "CLAUSE"]);
        for one in &told {
            let owes = one.owed_by.map_or_else(|| "integrator".to_owned(), |bin| bin.to_string());
            let (what, about) = (kebab(&one.kind), one.about.clone());
            table.row([one.due.to_string(), state(one), what, about, owes, one.clause.clone()]);
        }
        let answer = Answer::new(json!({ "deadlines": deadlines(&told) }), table.or("nothing is overdue"));
        Ok(if late { answer.negative() } else { answer })
    }
}

impl Notices {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let desk = Desk::open(common)?;
        let told = notices(desk.registry(), self.on.unwrap_or_else(today));
        let mut table = Table::new(["SEVERITY", "DUE", "ABOUT", "WHAT", "CONCERNS"]);
        for one in &told {
            let concerns = one.concerns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            table.row([
                kebab(&one.severity),
                one.due.to_string(),
                one.about.clone(),
                matter(&one.what),
                concerns,
            ]);
        }
        Ok(Answer::new(json!({ "notices": told }), table.or("nothing ends within 60 days")))
    }
}

fn matter(what: &Matter) -> String {
    match what {
        Matter::TermEnds(kind) => format!("term-ends: {}", kebab(kind)),
        Matter::Agreement(text) => text.clone(),
        Matter::AttestationEnds
        | Matter::QualityCertificateEnds
        | Matter::RegistrationCertificateEnds
        | Matter::RoleEnds => kebab(what),
    }
}
