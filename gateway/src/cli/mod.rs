//! The command line: reads what is asked, has the parts do it, and says what came of it.
//!
//! Commands that change the registry go through [`crate::office::Office`], like those of every other face. A command
//! answers with an [`Answer`] or a [`Failure`]; only here they become text, JSON and an exit code.

mod answer;
mod common;
mod failure;
mod table;

mod desk;
mod examples;
mod progress;

mod access;
mod act;
mod agreement;
mod application;
mod backup;
mod calendar;
mod certificates;
mod check_config;
mod clock;
mod data_type;
mod delegation;
mod explain;
mod history;
mod init;
mod log;
mod object;
mod overdue;
mod parties;
mod prescription;
mod readiness;
mod remote;
mod restore;
mod ruling;
mod run;
mod subject_key;
mod system;
mod template;
mod witness;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use self::answer::{Answer, print};
use self::common::Common;
use self::failure::Failure;
use crate::demo;

/// How a command ends, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done,
    Refused,
    Usage,
    Environment,
    /// It cannot be done at a server.
    Local,
}

impl Exit {
    fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Local => 4,
        }
    }
}

/// A gateway between the systems of public bodies: it carries what the law and an agreement allow, and writes down
/// what it carries.
#[derive(Parser)]
#[command(name = "kelisim", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show systems that exchange data under agreements, and calls that are refused; needs nothing but this program
    #[command(after_help = DEMO_AFTER_HELP)]
    Demo(demo::DemoArgs),
    /// Make a data folder: keys, trial authority, configuration, an administrator
    Init(init::Init),
    /// Serve systems until told to stop
    #[command(after_help = run::AFTER_HELP)]
    Run,
    /// Check the configuration and everything that it names
    #[command(after_help = check_config::AFTER_HELP)]
    CheckConfig,
    /// Organisations
    #[command(subcommand)]
    Holder(parties::HolderCommand),
    /// Those who may issue commands
    #[command(subcommand)]
    Operator(parties::OperatorCommand),
    /// The regulator
    #[command(subcommand)]
    Regulator(parties::RegulatorCommand),
    /// Systems: registration, standing, certificates
    #[command(subcommand)]
    System(system::SystemCommand),
    /// Applications for registration and accounting
    #[command(subcommand)]
    Application(application::ApplicationCommand),
    /// What is kept of systems and other objects: corrections, employees, documents, their end
    #[command(subcommand)]
    Object(object::ObjectCommand),
    /// Working days, holidays, and the terms of the law
    #[command(subcommand)]
    Calendar(calendar::CalendarCommand),
    /// What should have been done by now
    Overdue(overdue::Overdue),
    /// What ends within 60 days, or has ended
    Notices(overdue::Notices),
    /// Certificates: the trial authority, revocation, verification
    #[command(subcommand)]
    Certs(certificates::CertsCommand),
    /// Data types: what may be exchanged
    #[command(subcommand)]
    DataType(data_type::DataTypeCommand),
    /// Acts that agreements stand on
    #[command(subcommand)]
    Act(act::ActCommand),
    /// Templates: how far agreements for a purpose may go
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Agreements: from a draft to the end
    #[command(subcommand)]
    Agreement(agreement::AgreementCommand),
    /// Check that both systems of an agreement are ready for transfer, and record what was found
    Readiness(readiness::Readiness),
    /// Orders of the regulator against a system or an agreement
    #[command(subcommand)]
    Prescription(prescription::PrescriptionCommand),
    /// Bodies that sign or operate for a holder
    #[command(subcommand)]
    Delegation(delegation::DelegationCommand),
    /// Say whether a call would pass, and why not: on any day, without making it
    Explain(explain::Explain),
    /// What was done to the registry, by whom, when and why
    History(history::History),
    /// The exchange log: what was exchanged, and what was refused
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Keys of subjects' hashes, which the operator and the regulator make together
    #[command(subcommand)]
    SubjectKey(subject_key::SubjectKeyCommand),
    /// The regulator's witness: remembers how far exchange logs had come, so that none can be taken back unseen
    #[command(subcommand)]
    Witness(witness::WitnessCommand),
    /// Ask the configured sources of time how this machine's clock stands
    Clock(clock::Clock),
    /// Copy the data folder while it is worked on
    Backup(backup::Backup),
    /// Make a data folder from a backup
    Restore(restore::Restore),
    /// Print a script that completes commands in a shell
    #[command(after_help = "Example:\n  kelisim completions bash > /etc/bash_completion.d/kelisim")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Command {
    /// Whether it looks at something that can be as it was at another time.
    fn looks(&self) -> bool {
        match self {
            Self::Holder(_)
            | Self::Operator(_)
            | Self::Regulator(_)
            | Self::System(_)
            | Self::Application(_)
            | Self::Object(_)
            | Self::Calendar(_)
            | Self::Overdue(_)
            | Self::Notices(_)
            | Self::DataType(_)
            | Self::Act(_)
            | Self::Template(_)
            | Self::Agreement(_)
            | Self::Prescription(_)
            | Self::Delegation(_)
            | Self::Explain(_)
            | Self::History(_)
            // Verified as of then.
            | Self::Certs(certificates::CertsCommand::Verify(_)) => true,
            Self::Demo(_)
            | Self::Readiness(_)
            | Self::Init(_)
            | Self::Run
            | Self::CheckConfig
            | Self::Certs(_)
            | Self::Log(_)
            | Self::SubjectKey(_)
            | Self::Witness(_)
            | Self::Clock(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Completions { .. } => false,
        }
    }
}

/// Reads the process's command line, does what it asks, and says how it ended.
pub fn main() -> ExitCode {
    ExitCode::from(with(std::env::args_os().collect()).number())
}

/// The whole command line, for documents that name parts of it.
pub fn command() -> clap::Command {
    Line::command()
}

fn with(arguments: Vec<OsString>) -> Exit {
    let wants_json = arguments.iter().skip(1).any(|argument| argument == "--json");
    let read = examples::folded(Line::command())
        .try_get_matches_from(arguments)
        .and_then(|matches| Line::from_arg_matches(&matches).map(|line| (matches, line)));
    let (matches, line) = match read {
        Ok(read) => read,
        Err(error) if !error.use_stderr() => {
            return match print(&error.render().to_string()) {
                Ok(answer::Heard::Yes | answer::Heard::Closed) => Exit::Done,
                Err(failure) => failure.report(wants_json),
            };
        }
        Err(error) if wants_json => {
            let (exit, todo) = (Exit::Usage, "see `kelisim --help`");
            return Failure::new(exit, error.render().to_string().trim(), todo).report(true);
        }
        Err(error) => {
            eprint!("{}", error.render());
            return Exit::Usage;
        }
    };
    // clap sees no conflict where one stands before the command and the other behind it.
    let Common { dir, config, server, .. } = &line.common;
    if server.is_some() && (dir.is_some() || config.is_some()) {
        let todo = "give either --server, or --dir or --config";
        return Failure::new(Exit::Usage, "there is one place to work at", todo).report(line.common.json);
    }
    // What is not about a registry has nothing to do with a server that the environment names.
    let line = match &line.command {
        command if command.looks() => Line { common: line.common.with_environment(), ..line },
        Command::Readiness(_) => Line { common: line.common.with_environment(), ..line },
        _ => line,
    };
    if line.common.at.is_some() && !line.command.looks() {
        let todo = "leave --at out: it is for commands that show the registry";
        return Failure::new(Exit::Usage, "this command is not for looking at another time", todo)
            .report(line.common.json);
    }
    let done = match remote::answered(&line.common, &matches) {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => act(&line.common, line.command),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(answer) => answer.print(line.common.json),
        Err(failure) => failure.report(line.common.json),
    }
}

fn act(common: &Common, command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Demo(arguments) => demonstrate(common, arguments),
        Command::Init(init) => init.run(common),
        Command::Run => run::run(common),
        Command::CheckConfig => check_config::run(common),
        Command::Holder(command) => parties::holder(common, command),
        Command::Operator(command) => parties::operator(common, command),
        Command::Regulator(command) => parties::regulator(common, command),
        Command::System(command) => system::run(common, command),
        Command::Application(command) => application::run(common, command),
        Command::Object(command) => object::run(common, command),
        Command::Calendar(command) => calendar::run(common, command),
        Command::Overdue(overdue) => overdue.run(common),
        Command::Notices(notices) => notices.run(common),
        Command::Certs(command) => certificates::run(common, command),
        Command::DataType(command) => data_type::run(common, command),
        Command::Act(command) => act::run(common, command),
        Command::Template(command) => template::run(common, command),
        Command::Agreement(command) => agreement::run(common, command),
        Command::Readiness(readiness) => readiness.run(common),
        Command::Prescription(command) => prescription::run(common, command),
        Command::Delegation(command) => delegation::run(common, command),
        Command::Explain(explain) => explain.run(common),
        Command::History(history) => history.run(common),
        Command::Log(command) => log::run(common, command),
        Command::SubjectKey(command) => subject_key::run(common, command),
        Command::Witness(command) => witness::run(common, command),
        Command::Clock(clock) => clock.run(common),
        Command::Backup(backup) => backup.run(common),
        Command::Restore(restore) => restore.run(common),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Line::command(), "kelisim", &mut script);
            let script = String::from_utf8_lossy(&script).into_owned();
            Ok(Answer::new(serde_json::json!({ "shell": shell.to_string(), "script": script }), script))
        }
    }
}

fn demonstrate(common: &Common, arguments: demo::DemoArgs) -> Result<Answer, Failure> {
    // KELISIM_DIR names a folder that is used in earnest.
    let arguments = demo::DemoArgs { dir: common.dir.clone(), json: common.json, ..arguments };
    let report = demo::run(&arguments).map_err(|trouble| {
        Failure::of(
            Exit::Environment,
            &trouble,
            "name a fresh folder with --dir; it needs free ports on loopback",
        )
    })?;
    let answer = Answer::of(&report, "")?;
    Ok(if report.is_as_expected() { answer } else { answer.negative() })
}

const DEMO_AFTER_HELP: &str = "\
Example:
  kelisim demo --once --dir /tmp/kelisim-demo

It founds a folder of its own (--dir, or a new temporary one), serves on loopback, tells what happens, and stays
up until Ctrl-C. With --once it ends, with 1 if anything went otherwise than it should.";

const AFTER_HELP: &str = "\
Exit codes:
  0  done; permitted; accepted; whole
  1  refused by the rules; or a negative answer, such as a rejected chain or a damaged log
  2  the command line is wrong
  3  the configuration, a file or the machine does not allow it
  4  the command needs the data folder, and --server was given

Environment:
  KELISIM_DIR  the data folder, where --dir and --config are not given
  KELISIM_AS   the operator, where --as is not given
  KELISIM_SERVER, KELISIM_CA, KELISIM_TOKEN  a gateway's API to work at, the root to believe it by, and a token

At a gateway elsewhere, by its API:
  kelisim --server https://gateway:8444 --ca root.pem --token-file token system list

A first folder:
  kelisim init --dir trial --bin 000140000011 --organisation 'Operator of the gateway'
  kelisim check-config --dir trial
  kelisim run --dir trial";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        let mut left: Vec<clap::Command> = Line::command().get_subcommands().cloned().collect();
        while let Some(command) = left.pop() {
            if command.has_subcommands() {
                left.extend(command.get_subcommands().cloned());
                continue;
            }
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(shown.contains("Example") && shown.contains("  kelisim "), "{}", command.get_name());
        }
    }
}
