//! `kelisim overdue` and `kelisim notices`: what should have been done, and what ends soon.

use agreements::{Matter, Severity, notices};
use certs::keys::Identity;
use clap::Args;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;

use super::application::{deadlines, state, today};
use super::desk::{Desk, kebab};
use super::table::Table;
use super::{Answer, Common, Failure};
use crate::clock;
use crate::config::Config;
use crate::ends::{End, Nearness, What, days};
use crate::trusted::TrustFiles;

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
        let on = self.on.unwrap_or_else(today);
        let told = notices(desk.registry(), on);
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
        let own = of_gateway(&common.config()?, on);
        for one in &own {
            table.row([
                kebab(&one.severity),
                one.due.to_string(),
                one.about.clone(),
                one.what.to_owned(),
                String::new(),
            ]);
        }
        let json = json!({ "notices": told, "gateway": own });
        Ok(Answer::new(json, table.or("nothing ends within 60 days")))
    }
}

/// What the gateway of this folder stands on that ends, or has ended.
#[derive(Serialize)]
struct OfGateway {
    severity: Severity,
    due: Date,
    about: String,
    what: &'static str,
}

/// What cannot be read is told by `check-config`.
fn of_gateway(config: &Config, on: Date) -> Vec<OfGateway> {
    let identity = &config.identity;
    let own = Identity::from_files(&config.path(&identity.certificate), &config.path(&identity.key));
    let own = own.iter().map(|own| End::of_certificate("the gateway's certificate", own));
    let trusted = TrustFiles::of(config).load(clock::now()).map(|set| End::of_trust(&set, clock::now()));
    let ends = own.chain(trusted.into_iter().flatten());
    let mut told: Vec<OfGateway> = ends
        .filter_map(|end| {
            // A list that lives for a month is ahead of its end all the time.
            let day = on.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
            let near = end.what != What::RevocationList || end.nearness(day, days(60)) != Nearness::Far;
            let due = end.until.to_zoned(jiff::tz::TimeZone::UTC).date();
            let severity = Severity::of(due, on).filter(|_| near)?;
            Some(OfGateway { severity, due, about: end.name, what: "ends, and exchange with it" })
        })
        .collect();
    told.sort_by_key(|one| one.due);
    told
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
