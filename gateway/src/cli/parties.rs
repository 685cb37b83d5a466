//! `kelisim holder`, `operator`, `regulator`: organisations and the people who act for them.

use agreements::{Bin, Command, Holder, Operator, OperatorId, Reach, Region, Role};
use clap::Subcommand;
use serde_json::json;

use super::common::word;
use super::desk::{Desk, kebab};
use super::table::Table;
use super::{Answer, Common, Failure};

#[derive(Subcommand)]
pub(super) enum HolderCommand {
    /// Enter an organisation, or correct its card
    #[command(after_help = "Example:\n  kelisim holder add 990140000021 'Agency for Civil Service'")]
    Add {
        /// Its BIN
        bin: Bin,
        /// Its name
        name: String,
        /// Its region, where it is not of the whole Republic
        #[arg(long)]
        region: Option<Region>,
    },
    /// List organisations
    #[command(after_help = "Example:\n  kelisim holder list --json")]
    List,
}

#[derive(Subcommand)]
pub(super) enum OperatorCommand {
    /// Let somebody issue commands
    #[command(after_help = "\
Example:
  kelisim operator add saule 'Saule Akhmetova' --role holder-officer --holder 990140000021

Roles: administrator, holder-officer, service-integrator, regulator.")]
    Add {
        /// How they are named in the history
        id: OperatorId,
        /// Their name
        name: String,
        /// What they may do
        #[arg(long, value_parser = word::<Role>)]
        role: Role,
        /// BIN of the organisation that they act for
        #[arg(long, value_name = "BIN")]
        holder: Bin,
    },
    /// List those who may issue commands
    #[command(after_help = "Example:\n  kelisim operator list")]
    List,
}

#[derive(Subcommand)]
pub(super) enum RegulatorCommand {
    /// Say which organisation is the regulator; once
    #[command(after_help = "Example:\n  kelisim regulator name 120140000033")]
    Name {
        /// Its BIN
        bin: Bin,
    },
}

pub(super) fn holder(common: &Common, command: HolderCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        HolderCommand::Add { bin, name, region } => {
            let done = format!("{bin} is {name}");
            desk.issue(Command::RegisterHolder { holder: Holder { bin, name, region } }, done)
        }
        HolderCommand::List => {
            let registry = desk.registry();
            let mut table = Table::new(["BIN", "", "NAME"]);
            for holder in registry.holders() {
                let mark = if registry.regulator() == Some(holder.bin) { "regulator" } else { "" };
                table.row([holder.bin.to_string(), mark.into(), holder.name.clone()]);
            }
            let holders: Vec<_> = registry.holders().collect();
            Ok(Answer::new(
                json!({ "holders": holders, "regulator": registry.regulator() }),
                table.to_string(),
            ))
        }
    }
}

pub(super) fn operator(common: &Common, command: OperatorCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        OperatorCommand::Add { id, name, role, holder } => {
            let done = format!("{id} may act as {} for {holder}", kebab(&role));
            desk.issue(
                Command::RegisterOperator {
                    operator: Operator { id, name, role, holder, reach: Reach::default() },
                },
                done,
            )
        }
        OperatorCommand::List => {
            let mut table = Table::new(["OPERATOR", "ROLE", "HOLDER", "NAME"]);
            for operator in desk.registry().operators() {
                let (role, name) = (kebab(&operator.role), operator.name.clone());
                table.row([operator.id.to_string(), role, operator.holder.to_string(), name]);
            }
            let operators: Vec<_> = desk.registry().operators().collect();
            Ok(Answer::new(json!({ "operators": operators }), table.to_string()))
        }
    }
}

pub(super) fn regulator(common: &Common, command: RegulatorCommand) -> Result<Answer, Failure> {
    let RegulatorCommand::Name { bin } = command;
    Desk::open(common)?.issue(Command::NameRegulator { bin }, format!("{bin} is the regulator"))
}
