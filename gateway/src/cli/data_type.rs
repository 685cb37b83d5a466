//! `kelisim data-type`: what may be exchanged.

use std::path::PathBuf;

use agreements::{Category, Command, DataType, DataTypeId, SystemId};
use clap::Subcommand;
use serde_json::json;

use super::common::word;
use super::desk::{Desk, kebab, read, read_json};
use super::table::{Table, facts, short};
use super::{Answer, Common, Exit, Failure};
use crate::import::{self, Imported, Naming};
use crate::versions::{Change, differences};

#[derive(Subcommand)]
pub(super) enum DataTypeCommand {
    /// Publish a version of a data type
    #[command(after_help = "\
Example:
  kelisim data-type publish address.json --as officer

In JSON:
  { \"id\": \"address\", \"version\": 1, \"provider\": \"address-register\", \"title\": \"Addresses\",
    \"category\": \"restricted\",
    \"operations\": [ { \"id\": \"lookup\", \"method\": \"GET\", \"path\": \"/addresses/{code}\",
      \"response\": { \"schema\": { \"type\": \"object\" } }, \"logical_part\": \"addresses\" } ] }")]
    Publish {
        /// The data type
        file: PathBuf,
    },
    /// Publish a data type whose operations are those of an OpenAPI document (3.0 or 3.1, JSON or YAML)
    #[command(after_help = "\
Example:
  kelisim data-type import openapi.json --provider address-register --id address --dry-run
  kelisim data-type import openapi.json --provider address-register --id address --category restricted --as officer

It tells what of the document cannot be taken, and why. With --dry-run nothing is published: with --json as well, the data
type is printed to be corrected (say where it holds personal data, declare samples) and published with `data-type publish`.")]
    Import {
        /// The document
        file: PathBuf,
        /// Who provides it
        #[arg(long, value_name = "SYSTEM")]
        provider: SystemId,
        /// Its code
        #[arg(long, value_name = "CODE")]
        id: DataTypeId,
        /// Its title [default: the document's]
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// Its category
        #[arg(long, default_value = "restricted", value_parser = word::<Category>)]
        category: Category,
        /// Tell what would be published, and publish nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// List data types
    #[command(after_help = "Example:\n  kelisim data-type list")]
    List,
    /// Show a data type
    #[command(after_help = "Example:\n  kelisim data-type show address-register address --json")]
    Show {
        /// Who provides it
        provider: SystemId,
        /// Which
        id: DataTypeId,
        /// Which version [default: the newest]
        #[arg(long)]
        version: Option<u32>,
    },
    /// Tell whether a version of a data type admits more or less than another
    #[command(after_help = "\
Example:
  kelisim data-type diff address-register/address@1 address-register/address@2
  kelisim data-type diff address-register/address@2 address.json

Each is a published version, PROVIDER/CODE@VERSION, or a file to be published. Exit code 1: it admits more, or that cannot be
told. Agreements keep the version that they were signed on.")]
    Diff {
        /// The earlier one
        old: String,
        /// The later one
        new: String,
    },
    /// Set the category of a data type, for all its versions
    #[command(after_help = "\
Example:
  kelisim data-type categorise address-register address official-use --as officer --reason 'order 5'

Categories: public, restricted, official-use, personal, special, confidential, state-secret.")]
    Categorise {
        /// Who provides it
        provider: SystemId,
        /// Which
        id: DataTypeId,
        /// Its category from now on
        #[arg(value_parser = word::<Category>)]
        category: Category,
    },
}

pub(super) fn run(common: &Common, command: DataTypeCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        DataTypeCommand::Publish { file } => {
            let data_type: DataType = read_json(&file)?;
            let done =
                format!("{}/{} version {} is published", data_type.provider, data_type.id, data_type.version);
            desk.issue(Command::PublishDataType { data_type }, done)
        }
        DataTypeCommand::Import { file, provider, id, title, category, dry_run } => {
            let version = newest(&desk, &provider, &id)?.saturating_add(1);
            let naming = Naming { provider, id, version, title, category };
            let imported = import::read(&read(&file)?, naming)
                .map_err(|error| Failure::of(Exit::Refused, &error, "correct the document"))?;
            let answer = told(&imported)?;
            if dry_run {
                return Ok(answer);
            }
            let data_type = imported.data_type;
            let done =
                format!("{}/{} version {} is published", data_type.provider, data_type.id, data_type.version);
            Ok(answer.and(desk.issue(Command::PublishDataType { data_type }, done)?))
        }
        DataTypeCommand::List => {
            let mut table = Table::new(["PROVIDER", "DATA TYPE", "VERSIONS", "CATEGORY", "TITLE"]);
            let mut listed = Vec::new();
            for ((provider, id), published) in desk.registry().data_types() {
                let versions: Vec<&u32> = published.versions.keys().collect();
                let title = published.versions.values().last().map_or("", |newest| newest.title.as_str());
                let shown = versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let category = kebab(&published.category);
                table.row([provider.to_string(), id.to_string(), shown, category.clone(), short(title)]);
                listed.push(json!({
                    "provider": provider, "id": id, "versions": versions, "category": category, "title": title,
                }));
            }
            Ok(Answer::new(json!({ "data_types": listed }), table.or("no data type is published")))
        }
        DataTypeCommand::Show { provider, id, version } => show(&desk, &provider, &id, version),
        DataTypeCommand::Diff { old, new } => {
            let (before, after) = (version(&desk, &old)?, version(&desk, &new)?);
            let told = differences(&before, &after);
            let mut table = Table::new(["FIELD", "IS", "BEFORE", "AFTER"]);
            for point in &told.points {
                let shown = |words: &str| if words.is_empty() { "-".to_owned() } else { short(words) };
                let (before, after) = (shown(&point.before), shown(&point.after));
                table.row([point.field.clone(), kebab(&point.change), before, after]);
            }
            let verdict = match told.change {
                Change::Same => "the same is admitted",
                Change::Wider => "more is admitted",
                Change::Narrower => "less is admitted",
                Change::Both => "some more is admitted, and some less",
                Change::CannotTell => "whether more is admitted cannot be told",
            };
            let answer = Answer::of(&told, format!("{}\n{verdict}\n", table.or("no part differs")))?;
            Ok(match told.change {
                Change::Same | Change::Narrower => answer,
                Change::Wider | Change::Both | Change::CannotTell => answer.negative(),
            })
        }
        DataTypeCommand::Categorise { provider, id, category } => {
            let done = format!("{provider}/{id} is {} now", kebab(&category));
            desk.issue(Command::Categorise { provider, data_type: id, category }, done)
        }
    }
}

/// A published version, or one in a file.
fn version(desk: &Desk<'_>, named: &str) -> Result<DataType, Failure> {
    let published = named.rsplit_once('@').and_then(|(of, version)| {
        let (provider, id) = of.split_once('/')?;
        let (provider, id) = (SystemId::new(provider).ok()?, DataTypeId::new(id).ok()?);
        desk.registry().data_type(&provider, &id, version.parse().ok()?)
    });
    match published {
        Some(data_type) => Ok((**data_type).clone()),
        None => read_json(&PathBuf::from(named)),
    }
}

/// The newest version of a data type, here or at the server; 0 before the first.
fn newest(desk: &Desk<'_>, provider: &SystemId, id: &DataTypeId) -> Result<u32, Failure> {
    if let Some(newest) = desk.office.at(|server| server.newest_data_type(provider, id)) {
        return Ok(newest?);
    }
    let published = desk.registry().published(provider, id);
    Ok(published.and_then(|known| known.versions.keys().last().copied()).unwrap_or(0))
}

/// What was taken of a document, and what was not.
fn told(imported: &Imported) -> Result<Answer, Failure> {
    let mut taken = Table::new(["OPERATION", "METHOD", "PATH"]);
    for operation in &imported.data_type.operations {
        let (method, path) = (operation.method.as_str().to_owned(), operation.path.as_str().to_owned());
        taken.row([operation.id.to_string(), method, path]);
    }
    let mut left = Table::new(["NOT TAKEN", "WHY"]);
    for one in &imported.left_out {
        left.row([one.place.clone(), one.why.clone()]);
    }
    Answer::of(imported, format!("{taken}\n{}\n", left.or("all of it is taken")))
}

fn show(
    desk: &Desk<'_>,
    provider: &SystemId,
    id: &DataTypeId,
    version: Option<u32>,
) -> Result<Answer, Failure> {
    let published = desk.registry().published(provider, id);
    let found = published.and_then(|published| match version {
        Some(version) => Some((published, published.versions.get(&version)?)),
        None => Some((published, published.versions.values().last()?)),
    });
    let (published, data_type) = found.ok_or_else(|| {
        Failure::new(
            Exit::Refused,
            format!("no such data type {provider}/{id}"),
            "see `kelisim data-type list`",
        )
    })?;
    let operations = data_type.operations.iter().map(|operation| {
        let query: Vec<&str> = operation.query.iter().map(|parameter| parameter.name.as_str()).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        format!("{}: {} {}{query}", operation.id, operation.method.as_str(), operation.path.as_str())
    });
    let personal = data_type.personal.as_ref();
    let text = facts([
        ("data type", format!("{provider}/{id} version {}", data_type.version)),
        ("title", data_type.title.clone()),
        ("category", kebab(&published.category)),
        (
            "personal data",
            personal.map_or("no".into(), |personal| format!("collected for {}", personal.collection_purpose)),
        ),
        ("operations", operations.collect::<Vec<_>>().join("\n")),
    ]);
    Ok(Answer::new(json!({ "category": published.category, "data_type": &**data_type }), text))
}
