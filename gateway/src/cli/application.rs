//! `kelisim application`: requests for registration and accounting, from what they lack to their outcome.

use std::path::PathBuf;

use agreements::{
    Application, ApplicationNumber, Command, Deadline, DocumentKind, Filed, Gap, Outcome, Words,
};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::desk::{Desk, kebab, read_json};
use super::system::document;
use super::table::{Table, facts};
use super::{Answer, Common, Exit, Failure};
use crate::clock;

#[derive(Subcommand)]
pub(super) enum ApplicationCommand {
    /// Say what an application lacks, without submitting it
    #[command(after_help = EXAMPLE)]
    Check(Package),
    /// Submit an application, complete or not: who lacks something gets it back
    #[command(after_help = EXAMPLE)]
    Submit(Package),
    /// List applications with the days on which something is due
    #[command(after_help = "Example:\n  kelisim application list --open")]
    List {
        /// Only those that nobody has judged yet
        #[arg(long)]
        open: bool,
    },
    /// Show an application: what it states, what it lacks, what is due
    #[command(after_help = "Example:\n  kelisim application show 7")]
    Show {
        /// Which
        number: ApplicationNumber,
    },
    /// Register or account for what a complete application is for
    #[command(after_help = "Example:\n  kelisim application accept 7 --as integrator")]
    Accept {
        /// Which
        number: ApplicationNumber,
        /// Its registration or accounting code [default: the next of its kind]
        #[arg(long)]
        code: Option<String>,
    },
    /// Return an application with what is missing
    #[command(
        after_help = "Example:\n  kelisim application return 7 --remark 'the act of trial operation is missing' --as integrator"
    )]
    Return {
        /// Which
        number: ApplicationNumber,
        /// A remark beside what it lacked when it was submitted; as often as needed
        #[arg(long = "remark", value_name = "TEXT")]
        remarks: Vec<Words>,
    },
    /// Take an application back
    #[command(after_help = "Example:\n  kelisim application withdraw 7 --as officer")]
    Withdraw {
        /// Which
        number: ApplicationNumber,
    },
}

#[derive(Args)]
pub(super) struct Package {
    /// The application, in JSON
    file: PathBuf,
    /// A document of the application; kept in the depositary when it is submitted
    #[arg(long = "document", value_name = "KIND=FILE", value_parser = document)]
    documents: Vec<(DocumentKind, PathBuf)>,
}

pub(super) fn run(common: &Common, command: ApplicationCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        ApplicationCommand::Check(package) => {
            let gaps = package.read(&desk)?.gaps();
            let text = lacking(&gaps);
            let answer = Answer::new(json!({ "gaps": gaps }), text);
            Ok(if gaps.is_empty() { answer } else { answer.negative() })
        }
        ApplicationCommand::Submit(package) => {
            let application = Box::new(package.read(&desk)?);
            let (subject, gaps) = (application.subject(), application.gaps());
            let answer = desk.issue(Command::SubmitApplication { application }, "")?;
            let filed = desk.registry().newest_application(&subject);
            // At a server, what happened says it.
            let said = answer
                .said("/events/0/event/number")
                .and_then(|said| serde_json::from_value(said.clone()).ok());
            let number = filed.map(|filed| filed.number).or(said);
            let due: Vec<Deadline> =
                filed.map(|filed| desk.registry().deadlines_of(filed)).unwrap_or_default();
            let shown = number.map(|number| number.to_string()).unwrap_or_default();
            let text = format!("application {shown} for {subject}\n{}{}", lacking(&gaps), dues(&due));
            Ok(answer.and(Answer::new(json!({ "number": number, "gaps": gaps, "deadlines": due }), text)))
        }
        ApplicationCommand::List { open } => Ok(list(&desk, open)),
        ApplicationCommand::Show { number } => show(&desk, number),
        ApplicationCommand::Accept { number, code } => {
            let answer = desk.issue(Command::AcceptApplication { number, code }, "")?;
            let outcome = desk.registry().application(number).map(|filed| &filed.outcome);
            let code = match outcome {
                Some(Outcome::Registered { code, .. }) => code.clone(),
                _ => {
                    answer.said("/events/0/event/code").and_then(Value::as_str).unwrap_or_default().to_owned()
                }
            };
            let text = format!("application {number} is registered: {code}\n");
            Ok(answer.and(Answer::new(json!({ "code": code }), text)))
        }
        ApplicationCommand::Return { number, remarks } => {
            let done = format!("application {number} is returned");
            desk.issue(Command::ReturnApplication { number, remarks }, done)
        }
        ApplicationCommand::Withdraw { number } => {
            let done = format!("application {number} is withdrawn");
            desk.issue(Command::WithdrawApplication { number }, done)
        }
    }
}

impl Package {
    fn read(&self, desk: &Desk<'_>) -> Result<Application, Failure> {
        let mut application: Application = read_json(&self.file)?;
        for (kind, path) in &self.documents {
            application.attach(desk.deposit(*kind, path)?);
        }
        Ok(application)
    }
}

fn list(desk: &Desk<'_>, open: bool) -> Answer {
    let registry = desk.registry();
    let mut table = Table::new(["NUMBER", "FOR", "HOLDER", "SUBMITTED", "OUTCOME", "LACKS", "DUE"]);
    let mut listed = Vec::new();
    let wanted = |filed: &&Filed| !open || filed.outcome == Outcome::Pending;
    for filed in registry.applications().filter(wanted) {
        let due = registry.deadlines_of(filed);
        table.row([
            filed.number.to_string(),
            filed.application.subject().to_string(),
            filed.application.holder().to_string(),
            day(filed.submitted.at).to_string(),
            filed.outcome.word().to_owned(),
            filed.gaps.len().to_string(),
            due.iter().map(|one| format!("{} {}", one.due, state(one))).collect::<Vec<_>>().join(", "),
        ]);
        listed.push(json!({
            "number": filed.number, "subject": filed.application.subject(), "submitted": filed.submitted.at,
            "outcome": filed.outcome.word(), "gaps": filed.gaps, "deadlines": deadlines(&due),
        }));
    }
    Answer::new(json!({ "applications": listed }), table.or("no application"))
}

fn show(desk: &Desk<'_>, number: ApplicationNumber) -> Result<Answer, Failure> {
    let registry = desk.registry();
    let filed = registry.application(number).ok_or_else(|| {
        Failure::new(Exit::Refused, format!("no application {number}"), "see `kelisim application list`")
    })?;
    let due = registry.deadlines_of(filed);
    let application = &filed.application;
    let settled = filed.outcome.trace().map(|trace| format!(" by {} on {}", trace.actor.id, day(trace.at)));
    let remarks = match &filed.outcome {
        Outcome::Returned { remarks, .. } => remarks.iter().map(ToString::to_string).collect(),
        Outcome::Pending | Outcome::Registered { .. } | Outcome::Withdrawn { .. } => Vec::<String>::new(),
    };
    let text = facts([
        ("application", number.to_string()),
        ("for", application.subject().to_string()),
        ("holder", application.holder().to_string()),
        ("submitted", format!("by {} on {}", filed.submitted.actor.id, day(filed.submitted.at))),
        ("after", application.follows.map(|earlier| format!("application {earlier}")).unwrap_or_default()),
        ("outcome", format!("{}{}", filed.outcome.word(), settled.unwrap_or_default())),
        ("remarks", remarks.join("\n")),
        (
            "responsible",
            application.responsible.as_ref().map(|employee| employee.name.to_string()).unwrap_or_default(),
        ),
        (
            "information",
            application.information.said().iter().map(|(kind, _)| kind.name()).collect::<Vec<_>>().join(", "),
        ),
        ("lacks", filed.gaps.iter().map(gap).collect::<Vec<_>>().join("\n")),
        ("due", dues(&due)),
    ]);
    let mut shown = serde_json::to_value(filed)
        .map_err(|error| Failure::of(Exit::Environment, &error, "report this: it is a bug"))?;
    if let Value::Object(members) = &mut shown {
        members.insert("deadlines".into(), deadlines(&due));
    }
    Ok(Answer::new(shown, text))
}

/// Deadlines with where they stand today.
pub(super) fn deadlines(due: &[Deadline]) -> Value {
    let told = due.iter().map(|one| json!({ "deadline": one, "standing": one.standing(today()) }));
    told.collect()
}

/// Today, in the Republic.
pub(super) fn today() -> Date {
    day(clock::now())
}

/// In one word, where a deadline stands today.
pub(super) fn state(deadline: &Deadline) -> String {
    kebab(&deadline.standing(today()))
}

fn day(at: jiff::Timestamp) -> Date {
    at.to_zoned(agreements::almaty()).date()
}

fn dues(due: &[Deadline]) -> String {
    let line = |one: &Deadline| {
        let owes = one.owed_by.map_or_else(|| "the integrator".to_owned(), |bin| bin.to_string());
        format!("{}: {} of {owes}, {} ({})\n", one.due, kebab(&one.kind), state(one), one.clause)
    };
    due.iter().map(line).collect()
}

fn lacking(gaps: &[Gap]) -> String {
    if gaps.is_empty() {
        return "complete\n".to_owned();
    }
    gaps.iter().map(|one| format!("lacks {}\n", gap(one))).collect()
}

fn gap(gap: &Gap) -> String {
    format!("{} ({})", gap.place, gap.clause)
}

const EXAMPLE: &str = "\
Example:
  kelisim application submit portal.json --as officer --document description=description.pdf \\
    --document trial-act=act.pdf --document technical-documentation=docs.pdf

In JSON, for a system (its card as in `kelisim system register`):
  { \"of\": { \"system\": { \"id\": \"portal\", … } }, \"project_approved\": \"2026-01-20\",
    \"responsible\": { \"name\": \"Name\", \"duty\": \"Engineer\", \"order\": \"12\" },
    \"information\": {
      \"general\": { \"purpose\": \"…\", \"functions\": \"…\", \"legal_basis\": \"…\", \"users\": \"…\",
        \"users_count\": 100, \"year\": 2025 },
      \"entries_into_operation\": [{ \"phase\": \"trial\", \"on\": \"2026-02-16\", \"act_number\": \"3\" }],
      \"nothing_to_say\": { \"contracts\": \"own work\" } } }

Another object has { \"of\": { \"object\": { \"id\": \"servers\", \"kind\": \"infrastructure\", \"name\": \"Servers\",
\"holder\": \"BIN\", \"owner\": \"BIN\" } } }; kinds: resource, software, infrastructure. What is still missing is told
by its place.";
