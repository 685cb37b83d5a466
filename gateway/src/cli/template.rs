//! `kelisim template`: how far agreements for a purpose may go; and what that says to one.

use std::path::PathBuf;

use agreements::{Command, Fit, Purpose, Template, TemplateStanding, Trace};
use clap::Subcommand;
use serde_json::json;

use super::desk::{Desk, kebab, read_json};
use super::table::{Table, facts, moment, short};
use super::{Answer, Common, Exit, Failure};

#[derive(Subcommand)]
pub(super) enum TemplateCommand {
    /// Publish a version of a template, for the regulator
    #[command(after_help = "\
Example:
  kelisim template publish delivery.json --as regulator

In JSON; what is left out is left to the parties:
  { \"purpose\": \"delivery\", \"version\": 1, \"title\": \"Delivery of answers\", \"most_days\": 365,
    \"until\": \"2027-12-31\", \"rate\": { \"per_second\": 10, \"burst\": 20 }, \"category\": \"restricted\",
    \"users\": \"listed\", \"data\": [ { \"provider\": \"address-register\", \"data_type\": \"address\",
      \"operations\": [\"lookup\"], \"fields\": [\"/kk\"] } ] }")]
    Publish {
        /// The template, JSON
        file: PathBuf,
    },
    /// Recall the template that holds for a purpose, for the regulator: none holds until another version is published
    #[command(
        after_help = "Example:\n  kelisim template recall delivery 2 --as regulator --reason 'the act was amended'"
    )]
    Recall {
        /// The purpose
        purpose: Purpose,
        /// The version that holds
        version: u32,
    },
    /// List templates
    #[command(after_help = "Example:\n  kelisim template list")]
    List,
    /// Show the template of a purpose: the one that holds, or the one that was recalled
    #[command(after_help = "Example:\n  kelisim template show delivery")]
    Show {
        /// The purpose
        purpose: Purpose,
    },
}

pub(super) fn run(common: &Common, command: TemplateCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        TemplateCommand::Publish { file } => {
            let template: Template = read_json(&file)?;
            let done = format!("template {} of {} holds", template.version, template.purpose);
            desk.issue(Command::PublishTemplate { template }, done)
        }
        TemplateCommand::Recall { purpose, version } => {
            let done = format!("template {version} of {purpose} is recalled: none holds");
            desk.issue(Command::RecallTemplate { purpose, version }, done)
        }
        TemplateCommand::List => {
            let mut table = Table::new(["PURPOSE", "VERSION", "STANDING", "UNTIL", "TITLE"]);
            let all: Vec<&Template> = desk.registry().templates().collect();
            for one in &all {
                let until = one.until.map_or_else(|| "-".to_owned(), |day| day.to_string());
                table.row([
                    one.purpose.to_string(),
                    one.version.to_string(),
                    kebab(&desk.registry().template_standing(one)),
                    until,
                    short(one.title.as_str()),
                ]);
            }
            Ok(Answer::new(json!({ "templates": all }), table.or("no template is published")))
        }
        TemplateCommand::Show { purpose } => {
            let Some(one) = desk.registry().templates_of(&purpose).next_back() else {
                let todo = "see `kelisim template list`";
                return Err(Failure::new(Exit::Refused, format!("no template of {purpose}"), todo));
            };
            let (standing, recalled) =
                (desk.registry().template_standing(one), desk.registry().recall_of(one));
            let json = json!({ "template": one, "standing": standing, "recalled": recalled });
            Ok(Answer::new(json, told(one, standing, recalled)))
        }
    }
}

/// What templates say to an agreement, point by point.
pub(super) fn judged(fits: &[Fit]) -> Table {
    let mut table = Table::new(["PURPOSE", "TEMPLATE", "FIELD", "BOUND", "AGREEMENT"]);
    for fit in fits {
        let purpose = fit.purpose.to_string();
        let Some(version) = fit.template else {
            let none = fit.recalled.map_or_else(|| "none".to_owned(), |one| format!("{one}, recalled"));
            table.row([purpose, none, "-".into(), "-".into(), "judged by nobody".into()]);
            continue;
        };
        if fit.is_within() {
            table.row([purpose.clone(), version.to_string(), "-".into(), "-".into(), "within".into()]);
        }
        for point in &fit.wider {
            let bound = if point.before.is_empty() { "-".to_owned() } else { short(&point.before) };
            let row = [purpose.clone(), version.to_string(), point.field.clone(), bound, short(&point.after)];
            table.row(row);
        }
    }
    table
}

/// What one template says to an agreement, in a line.
pub(super) fn in_words(fit: &Fit) -> String {
    let wider = fit.wider.iter().map(|point| format!("{} ({})", point.field, short(&point.after)));
    match fit.template {
        None => match fit.recalled {
            Some(version) => format!("{}: no template, {version} was recalled", fit.purpose),
            None => format!("{}: no template", fit.purpose),
        },
        Some(version) if fit.wider.is_empty() => format!("{}: within template {version}", fit.purpose),
        Some(version) => {
            let wider = wider.collect::<Vec<_>>().join(", ");
            format!("{}: beyond template {version} in {wider}", fit.purpose)
        }
    }
}

fn told(one: &Template, standing: TemplateStanding, recalled: Option<&Trace>) -> String {
    let bound = |words: Option<String>| words.unwrap_or_else(|| "left to the parties".to_owned());
    let data = one.data.iter().map(|data| {
        let operations = data.operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("{} of {}: {operations}; fields {}", data.data_type, data.provider, data.fields.join(", "))
    });
    let data = Some(data.collect::<Vec<_>>().join("\n")).filter(|lines| !lines.is_empty());
    let recalled = recalled.map_or_else(String::new, |trace| {
        format!(", {} by {}: {}", moment(trace.at), trace.actor.id, trace.reason)
    });
    facts([
        ("template", format!("{} of {}", one.version, one.purpose)),
        ("standing", format!("{}{recalled}", kebab(&standing))),
        ("title", one.title.to_string()),
        ("days", bound(one.most_days.map(|days| days.to_string()))),
        ("until", bound(one.until.map(|day| day.to_string()))),
        ("rate", bound(one.rate.map(|rate| format!("{} a second, {} at once", rate.per_second, rate.burst)))),
        ("category", bound(one.category.as_ref().map(kebab))),
        ("users", bound(one.users.as_ref().map(kebab))),
        ("data", bound(data)),
    ])
}
