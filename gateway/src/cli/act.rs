//! `kelisim act`: the dated register of acts, and what stands on each.

use std::path::PathBuf;

use agreements::{Act, ActId, Agreement, AgreementText, Command, Registry, Stage};
use clap::Subcommand;
use jiff::civil::Date;
use serde_json::json;

use super::application::today;
use super::desk::{Desk, kebab, read_json};
use super::table::{Table, facts, short};
use super::{Answer, Common, Exit, Failure};

#[derive(Subcommand)]
pub(super) enum ActCommand {
    /// Enter a version of an act
    #[command(after_help = "\
Example:
  kelisim act record joint-procedure.json --as regulator

In JSON:
  { \"id\": \"joint-procedure\", \"title\": \"Joint procedure of …\", \"version\": \"2026-01-10\",
    \"in_force_from\": \"2026-01-10\", \"kind\": \"joint-procedure\" }

What it is as a basis:
  \"kind\"          act, treaty, joint-procedure or sector-act
  \"sector\"        of a sector's act: BIN of the sector's authority
  \"ratified\"      of a treaty: the day
  \"official_use\"  allowed, where data for official use may pass on it
  \"officials\"     listed or listed-and-trained, where only such officials may ask under it
An act that was recorded without its kind is recorded once more, otherwise alike.")]
    Record {
        /// The act
        file: PathBuf,
    },
    /// Say when a version of an act loses force
    #[command(after_help = "\
Example:
  kelisim act repeal joint-procedure 2026-01-10 --last-day 2026-06-30 --successor joint-procedure-2 \\
    --as regulator --reason 'order 12'")]
    Repeal {
        /// Which act
        id: ActId,
        /// Which version
        version: String,
        /// Its last day in force
        #[arg(long, value_name = "DATE")]
        last_day: Date,
        /// Last day of the agreements that stand on it; its own for at once [default: 30 working days later]
        #[arg(long, value_name = "DATE")]
        agreements_until: Option<Date>,
        /// What comes in its place
        #[arg(long, value_name = "ACT")]
        successor: Option<ActId>,
    },
    /// List acts, with the agreements that stand on each
    #[command(after_help = "Example:\n  kelisim act list")]
    List,
    /// List agreements that stand on an act which loses force, with the last day of each
    #[command(after_help = "Example:\n  kelisim act affected")]
    Affected,
    /// Show an act in all its versions
    #[command(after_help = "Example:\n  kelisim act show joint-procedure")]
    Show {
        /// Which
        id: ActId,
    },
}

pub(super) fn run(common: &Common, command: ActCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        ActCommand::Record { file } => {
            let act: Act = read_json(&file)?;
            let done = format!("act {} {} is recorded", act.id, act.version);
            desk.issue(Command::RecordAct { act }, done)
        }
        ActCommand::Repeal { id, version, last_day, successor, agreements_until } => {
            let command = Command::RepealAct {
                act: id.clone(),
                version: version.clone(),
                last_day,
                successor,
                agreements_until,
            };
            let answer = desk.issue(command, format!("act {id} {version} is in force until {last_day}"))?;
            Ok(answer.and(affected(&desk)))
        }
        ActCommand::Affected => Ok(affected(&desk)),
        ActCommand::List => {
            let mut table = Table::new(["ACT", "VERSION", "KIND", "FROM", "UNTIL", "TITLE", "AGREEMENTS"]);
            let mut listed = Vec::new();
            for act in desk.registry().acts() {
                let standing = standing_on(desk.registry(), act);
                table.row([
                    act.id.to_string(),
                    act.version.clone(),
                    act.kind.map_or_else(|| "-".into(), |kind| kebab(&kind)),
                    act.in_force_from.to_string(),
                    last_day(act),
                    short(&act.title),
                    if standing.is_empty() { "-".into() } else { standing.join(", ") },
                ]);
                listed.push(json!({ "act": act, "agreements": standing }));
            }
            Ok(Answer::new(json!({ "acts": listed }), table.or("no act is recorded")))
        }
        ActCommand::Show { id } => {
            let versions: Vec<&Act> = desk.registry().acts().filter(|act| act.id == id).collect();
            if versions.is_empty() {
                return Err(Failure::new(Exit::Refused, format!("no act {id}"), "see `kelisim act list`"));
            }
            let shown = versions.iter().map(|act| {
                facts([
                    ("act", format!("{} {}", act.id, act.version)),
                    ("title", act.title.clone()),
                    ("kind", act.kind.map_or_else(|| NO_KIND.into(), |kind| kebab(&kind))),
                    ("sector", act.sector.map_or_else(String::new, |authority| authority.to_string())),
                    ("ratified", act.ratified.map_or_else(String::new, |day| day.to_string())),
                    ("official use", kebab(&act.official_use)),
                    ("officials", kebab(&act.officials)),
                    ("in force", format!("{} to {}", act.in_force_from, last_day(act))),
                    ("successor", act.successor.as_ref().map_or_else(String::new, ToString::to_string)),
                    ("agreements", standing_on(desk.registry(), act).join("\n")),
                ])
            });
            let text = shown.collect::<Vec<_>>().join("\n");
            let json: Vec<_> = versions
                .iter()
                .map(|act| json!({ "act": act, "agreements": standing_on(desk.registry(), act) }))
                .collect();
            Ok(Answer::new(json!({ "versions": json }), text))
        }
    }
}

/// Agreements whose basis ends: a new version, on a basis in force, is due by that day.
fn affected(desk: &Desk<'_>) -> Answer {
    let mut table = Table::new(["AGREEMENT", "ACT", "LOSES FORCE AFTER", "AGREEMENT UNTIL", "SUCCESSOR"]);
    let mut listed = Vec::new();
    let ending = desk.registry().acts().filter_map(|act| Some((act, act.in_force_until?)));
    for (act, last) in ending {
        let until = act.agreements_until.map_or(last, |day| day.max(last));
        let successor = act.successor.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        for agreement in standing_on(desk.registry(), act) {
            table.row([
                agreement.clone(),
                format!("{} {}", act.id, act.version),
                last.to_string(),
                until.to_string(),
                successor.clone(),
            ]);
            listed.push(json!({
                "agreement": agreement, "act": act.id, "version": act.version, "last_day": last,
                "agreement_until": until, "successor": act.successor,
            }));
        }
    }
    Answer::new(json!({ "affected": listed }), table.or("no agreement stands on an act that loses force"))
}

/// The agreements that stand on an act, and have not ended.
fn standing_on(registry: &Registry, act: &Act) -> Vec<String> {
    let on_it = |agreement: &&Agreement| {
        let text = serde_json::from_str::<AgreementText>(&agreement.document.text());
        text.is_ok_and(|text| text.basis.iter().any(|one| one.act == act.id && one.version == act.version))
    };
    registry
        .agreements()
        .filter(|agreement| match agreement.stage_on(today()) {
            Stage::Draft | Stage::Submitted | Stage::Concurred | Stage::Suspended => true,
            Stage::Refused
            | Stage::Returned
            | Stage::Withdrawn
            | Stage::Terminated
            | Stage::Superseded
            | Stage::Expired => false,
        })
        .filter(on_it)
        .map(|agreement| {
            let header = &agreement.header;
            format!("{}/{} {}", header.number, header.version, kebab(&agreement.stage_on(today())))
        })
        .collect()
}

fn last_day(act: &Act) -> String {
    act.in_force_until.map_or_else(|| "-".into(), |day| day.to_string())
}

/// Of acts recorded before they said of which kind they are.
const NO_KIND: &str = "not recorded: nothing new is agreed on it until it is recorded once more, with it";
