//! `kelisim holder`, `operator`, `regulator`: organisations and the people who act for them.

use agreements::{Bin, Command, Holder, Operator, OperatorId, Reach, Region, Role, SystemId};
use clap::Subcommand;
use jiff::civil::Date;
use serde_json::json;

use super::access;
use super::application::today;
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

Roles: administrator, holder-officer, service-integrator, regulator, regional-operator, sector-authority,
territorial-unit, national-operator, responsible-employee, expert.")]
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
        /// In which region, for a regional operator or a territorial unit
        #[arg(long)]
        region: Option<Region>,
        /// Last day of the role; an expert has one
        #[arg(long, value_name = "DATE")]
        until: Option<Date>,
        /// Which system an expert looks at; as often as needed [default: all]
        #[arg(long = "system", value_name = "SYSTEM")]
        systems: Vec<SystemId>,
    },
    /// Confirm somebody whom another administrator enrolled in a role that approves
    #[command(after_help = "Example:\n  kelisim operator confirm saule --as second-administrator")]
    Confirm {
        /// Whom
        id: OperatorId,
    },
    /// Stop an operator for a time
    #[command(after_help = "Example:\n  kelisim operator suspend saule --reason 'on leave'")]
    Suspend {
        /// Whom
        id: OperatorId,
    },
    /// Let a suspended operator act again
    #[command(after_help = "Example:\n  kelisim operator resume saule --reason 'back from leave'")]
    Resume {
        /// Whom
        id: OperatorId,
    },
    /// End an operator for good; an administrator is suspended by another before
    #[command(after_help = "Example:\n  kelisim operator remove saule --reason 'dismissed'")]
    Remove {
        /// Whom
        id: OperatorId,
    },
    /// List those who may issue commands
    #[command(after_help = "Example:\n  kelisim operator list")]
    List,
    /// Let somebody log in to the API with a password
    #[command(
        after_help = "Example:\n  kelisim operator password saule --generate --reason 'new in the body'"
    )]
    Password(access::PasswordArguments),
    /// Let somebody's program into the API with a token
    #[command(after_help = "\
Example:
  kelisim operator token saule nightly-report --days 30
  kelisim operator token saule watchdog --command suspend-system --reason 'stops what misbehaves'")]
    Token(access::TokenArguments),
    /// Let somebody into the API with a client certificate
    #[command(after_help = "\
Example:
  kelisim operator certificate saule --chain saule.pem
  kelisim operator certificate saule --iin 860101300123")]
    Certificate(access::CertificateArguments),
    /// Show what lets an operator into the API, and what waits to be confirmed
    #[command(after_help = "Example:\n  kelisim operator access saule")]
    Access {
        /// Whose
        id: OperatorId,
    },
    /// Confirm what another gave to an operator who approves: it counts from then on
    #[command(after_help = "Example:\n  kelisim operator confirm-access saule 57 --as second-administrator")]
    ConfirmAccess {
        /// Whose
        id: OperatorId,
        /// The event that gave it, as `kelisim operator access` shows
        grant: u64,
    },
    /// Take a means of access away
    #[command(subcommand)]
    Revoke(access::RevokeCommand),
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
    let desk = || Desk::open(common);
    match command {
        OperatorCommand::Password(asked) => access::password(common, asked),
        OperatorCommand::Token(asked) => access::token(common, asked),
        OperatorCommand::Certificate(asked) => access::certificate(common, asked),
        OperatorCommand::Revoke(command) => access::revoke(common, command),
        OperatorCommand::Access { id } => access::show(common, &id),
        OperatorCommand::ConfirmAccess { id, grant } => {
            let done = format!("what event {grant} gave to {id} counts now");
            desk()?.issue(Command::ConfirmAccess { operator: id, grant }, done)
        }
        OperatorCommand::Add { id, name, role, holder, region, until, systems } => {
            let reach = Reach { region, until, systems };
            let done = format!("{id} may act as {} for {holder}", kebab(&role));
            desk()?.issue(
                Command::RegisterOperator { operator: Operator { id, name, role, holder, reach } },
                done,
            )
        }
        OperatorCommand::Confirm { id } => {
            let done = format!("{id} may act");
            desk()?.issue(Command::ConfirmOperator { operator: id }, done)
        }
        OperatorCommand::Suspend { id } => {
            let done = format!("{id} is suspended");
            desk()?.issue(Command::SuspendOperator { operator: id }, done)
        }
        OperatorCommand::Resume { id } => {
            let done = format!("{id} may act again");
            desk()?.issue(Command::ResumeOperator { operator: id }, done)
        }
        OperatorCommand::Remove { id } => {
            let done = format!("{id} is removed");
            desk()?.issue(Command::RemoveOperator { operator: id }, done)
        }
        OperatorCommand::List => {
            let desk = desk()?;
            let mut table = Table::new(["OPERATOR", "ROLE", "STANDING", "HOLDER", "NAME"]);
            for operator in desk.registry().operators() {
                let (role, name) = (kebab(&operator.role), operator.name.clone());
                let standing = desk.registry().operator_standing(&operator.id, today()).unwrap_or_default();
                let holder = operator.holder.to_string();
                table.row([operator.id.to_string(), role, kebab(&standing), holder, name]);
            }
            let told = |operator: &Operator| {
                json!({
                    "id": operator.id, "name": operator.name, "role": operator.role, "holder": operator.holder,
                    "reach": operator.reach,
                    "standing": desk.registry().operator_standing(&operator.id, today()).unwrap_or_default(),
                })
            };
            let operators: Vec<_> = desk.registry().operators().map(told).collect();
            Ok(Answer::new(json!({ "operators": operators }), table.to_string()))
        }
    }
}

pub(super) fn regulator(common: &Common, command: RegulatorCommand) -> Result<Answer, Failure> {
    let RegulatorCommand::Name { bin } = command;
    Desk::open(common)?.issue(Command::NameRegulator { bin }, format!("{bin} is the regulator"))
}
