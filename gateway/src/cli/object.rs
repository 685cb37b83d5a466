//! `kelisim object`: what is kept of systems and other objects beside their standing.

use std::path::PathBuf;

use agreements::{
    Accounted, Bin, CardCorrection, Command, DocumentKind, Dossier, Employee, EndOfOperation, Information,
    Openness, OperatorId, Region, Significance, Subject, Words,
};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::common::word;
use super::desk::{Desk, kebab, read_json};
use super::system::document;
use super::table::{Table, facts, moment};
use super::{Answer, Common, Exit, Failure};

#[derive(Subcommand)]
pub(super) enum ObjectCommand {
    /// List objects beside systems: resources, software, infrastructure
    #[command(after_help = "Example:\n  kelisim object list")]
    List,
    /// Show what is kept of a system or another object: corrections, discoveries, employees
    #[command(
        after_help = "Example:\n  kelisim object show portal\n  kelisim object show object/servers --json"
    )]
    Show {
        /// Which: a system, or object/ID
        subject: Subject,
    },
    /// Correct what is registered
    Correct(Correct),
    /// Say that something registered is wrong or missing
    #[command(
        after_help = "Example:\n  kelisim object discover portal 'the site is another' --as integrator"
    )]
    Discover {
        /// Of which
        subject: Subject,
        /// What
        what: Words,
    },
    /// Name the responsible employee, in the place of another
    #[command(
        after_help = "Example:\n  kelisim object responsible portal 'A. Serikov' --duty Engineer --order 14 --as officer"
    )]
    Responsible {
        /// For which
        subject: Subject,
        /// Their name
        name: Words,
        /// Their duty
        #[arg(long, default_value = "", hide_default_value = true)]
        duty: Words,
        /// The order that names them
        #[arg(long, default_value = "", hide_default_value = true)]
        order: Words,
        /// Who they are among the operators
        #[arg(long = "operator", id = "employee", value_name = "OPERATOR")]
        employee: Option<OperatorId>,
    },
    /// File a document, in the place of another where it supersedes it
    #[command(
        after_help = "Example:\n  kelisim object document portal technical-documentation=v2.pdf --supersedes SHA256 --as officer"
    )]
    Document {
        /// Of which
        subject: Subject,
        /// The document
        #[arg(value_name = "KIND=FILE", value_parser = document)]
        document: (DocumentKind, PathBuf),
        /// SHA-256 of the one that it supersedes; that one is kept
        #[arg(long, value_name = "SHA256")]
        supersedes: Option<String>,
    },
    /// Mark an object national, or ordinary again
    #[command(
        after_help = "Example:\n  kelisim object mark portal national --as regulator --reason 'order 5'"
    )]
    Mark {
        /// Which
        subject: Subject,
        /// national or ordinary
        #[arg(value_parser = word::<Significance>)]
        significance: Significance,
    },
    /// Say which sector authority is customer and controller of an object
    #[command(after_help = "Example:\n  kelisim object authority portal 990140000021 --as regulator")]
    Authority {
        /// Of which
        subject: Subject,
        /// BIN of the authority; without it, none
        authority: Option<Bin>,
    },
    /// End operation for good, with its last day and the act
    #[command(
        after_help = "Example:\n  kelisim object end portal --on 2026-06-30 --act act.pdf --as integrator --reason 'replaced by portal-2'"
    )]
    End {
        /// Which
        subject: Subject,
        /// The last day
        #[arg(long, value_name = "DATE")]
        on: Date,
        /// What comes in its place
        #[arg(long, default_value = "", hide_default_value = true)]
        successor: Words,
        /// The act
        #[arg(long, value_name = "FILE")]
        act: Option<PathBuf>,
    },
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim object correct portal --information site.json --changed-on 2026-03-02 --as officer --reason 'moved'

The file holds the kinds of information that are replaced: { \"technical\": { \"site\": \"…\", … } }.")]
pub(super) struct Correct {
    /// Which: a system, or object/ID
    subject: Subject,
    /// The kinds of information that are replaced, in JSON
    #[arg(long, value_name = "FILE")]
    information: Option<PathBuf>,
    /// Its title
    #[arg(long)]
    name: Option<Words>,
    /// Where it is
    #[arg(long)]
    region: Option<Region>,
    /// Who owns it
    #[arg(long, value_name = "BIN")]
    owner: Option<Bin>,
    /// Whether the public register names the system and its agreements: open or restricted
    #[arg(long, value_parser = word::<Openness>)]
    openness: Option<Openness>,
    /// When what it tells of changed, where it is not an error that is put right
    #[arg(long, value_name = "DATE")]
    changed_on: Option<Date>,
    /// The discovery that it answers
    #[arg(long, value_name = "NUMBER")]
    discovery: Option<u32>,
}

pub(super) fn run(common: &Common, command: ObjectCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        ObjectCommand::List => Ok(list(&desk)),
        ObjectCommand::Show { subject } => show(&desk, &subject),
        ObjectCommand::Correct(correct) => {
            let information = correct.information.map(|path| read_json::<Information>(&path)).transpose()?;
            let done = format!("{} is corrected", correct.subject);
            let command = Command::CorrectInformation {
                subject: correct.subject,
                card: CardCorrection {
                    name: correct.name,
                    region: correct.region,
                    owner: correct.owner,
                    openness: correct.openness,
                },
                information: Box::new(information.unwrap_or_default()),
                changed_on: correct.changed_on,
                discovery: correct.discovery,
            };
            desk.issue(command, done)
        }
        ObjectCommand::Discover { subject, what } => {
            let done = format!("{subject} is to be corrected");
            desk.issue(Command::ReportDiscovery { subject, what }, done)
        }
        ObjectCommand::Responsible { subject, name, duty, order, employee } => {
            let done = format!("{name} is responsible for {subject}");
            let employee = Employee { name, duty, order, operator: employee };
            desk.issue(Command::NameResponsible { subject, employee }, done)
        }
        ObjectCommand::Document { subject, document: (kind, path), supersedes } => {
            let document = desk.deposit(kind, &path)?;
            let done = format!("{} is filed: {}", document.title, document.sha256);
            desk.issue(Command::FileDocument { subject, document, supersedes }, done)
        }
        ObjectCommand::Mark { subject, significance } => {
            let done = format!("{subject} is {}", kebab(&significance));
            desk.issue(Command::MarkSignificance { subject, significance }, done)
        }
        ObjectCommand::Authority { subject, authority } => {
            let done = match authority {
                Some(authority) => format!("{subject} is under {authority}"),
                None => format!("{subject} is under no sector authority"),
            };
            desk.issue(Command::AssignAuthority { subject, authority }, done)
        }
        ObjectCommand::End { subject, on, successor, act } => {
            let act = act.map(|path| desk.deposit(DocumentKind::Other, &path)).transpose()?;
            let document = act.map(|act| act.sha256);
            let end = EndOfOperation { on: Some(on), why: Words::default(), successor, document };
            let done = format!("{subject} has ended");
            desk.issue(Command::EndOperation { subject, end }, done)
        }
    }
}

fn list(desk: &Desk<'_>) -> Answer {
    let mut table = Table::new(["OBJECT", "KIND", "CODE", "STATUS", "HOLDER", "NAME"]);
    for object in desk.registry().objects() {
        let card = &object.card;
        let (kind, status) = (kebab(&card.kind), kebab(&object.status));
        let (holder, name) = (card.holder.to_string(), card.name.to_string());
        table.row([card.id.to_string(), kind, object.code.clone(), status, holder, name]);
    }
    let objects: Vec<&Accounted> = desk.registry().objects().collect();
    Answer::new(json!({ "objects": objects }), table.or("no object is accounted for"))
}

fn show(desk: &Desk<'_>, subject: &Subject) -> Result<Answer, Failure> {
    let registry = desk.registry();
    let found = match subject {
        Subject::System(id) => registry.system(id).map(|system| (&system.code, &*system.dossier)),
        Subject::Object(id) => registry.object(id).map(|object| (&object.code, &object.dossier)),
    };
    let (code, dossier) = found.ok_or_else(|| {
        let todo = "see `kelisim object list`, `kelisim system list`";
        Failure::new(Exit::Refused, format!("no {subject}"), todo)
    })?;
    Ok(Answer::new(
        json!({ "subject": subject, "code": code, "dossier": dossier }),
        text(subject, code, dossier),
    ))
}

fn text(subject: &Subject, code: &str, dossier: &Dossier) -> String {
    let corrections = dossier.corrections.iter().map(|one| {
        let fields: Vec<&str> = one.changes.iter().map(|change| change.field.as_str()).collect();
        let trace = &one.trace;
        format!("{} {}: {} ({})", moment(trace.at), trace.actor.id, fields.join(", "), trace.reason)
    });
    let discoveries = dossier.discoveries.iter().map(|one| {
        let state = one.corrected.map_or("open".to_owned(), |at| format!("corrected {}", moment(at)));
        format!("{}: {} ({} {}, {state})", one.number, one.what, one.trace.actor.id, moment(one.trace.at))
    });
    let lines = |lines: Vec<String>| lines.join("\n");
    let employees = dossier.responsible.iter().rev();
    facts([
        ("object", subject.to_string()),
        ("code", code.to_owned()),
        ("application", dossier.application.map(|number| number.to_string()).unwrap_or_default()),
        (
            "responsible",
            lines(
                employees
                    .map(|one| format!("{} since {}", one.employee.name, moment(one.trace.at)))
                    .collect(),
            ),
        ),
        ("authority", dossier.authority.map(|bin| bin.to_string()).unwrap_or_default()),
        (
            "information",
            dossier.information.said().iter().map(|(kind, _)| kind.name()).collect::<Vec<_>>().join(", "),
        ),
        ("corrections", lines(corrections.collect())),
        ("discoveries", lines(discoveries.collect())),
        (
            "superseded",
            lines(
                dossier
                    .superseded
                    .iter()
                    .map(|one| format!("{} by {}", one.document.title, one.by))
                    .collect(),
            ),
        ),
        (
            "ended",
            dossier
                .ended
                .as_ref()
                .map(|end| format!("{}: {}", end.on.map(|on| on.to_string()).unwrap_or_default(), end.why))
                .unwrap_or_default(),
        ),
    ])
}
