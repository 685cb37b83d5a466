//! Why a command was not done: one line says what, one line says what to do.

use std::error::Error;

use agreements::CommandError;
use certs::authority::AuthorityError;
use certs::keys::KeyError;
use serde_json::{Value, json};

use super::Exit;
use super::desk::kebab;
use crate::config::ConfigError;
use crate::exchange_log::SearchError;
use crate::office::{OfficeError, SignError};
use crate::registry::{self, ServerError, StoreError};
use crate::telemetry::chain;

/// A command that was not done.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    what: String,
    todo: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { exit, what: what.into(), todo: todo.into() }
    }

    /// The failure that an error with its causes is.
    pub(super) fn of(exit: Exit, error: &dyn Error, todo: impl Into<String>) -> Self {
        Self::new(exit, chain(error), todo)
    }

    /// Prints it on standard error, and says how the command ended.
    pub(super) fn report(self, json: bool) -> Exit {
        if json {
            let error = json!({ "what": self.what, "todo": self.todo });
            eprintln!("{:#}", json!({ "error": error, "exit": self.exit.number() }));
        } else {
            eprintln!("error: {}", self.what);
            if !self.todo.is_empty() {
                eprintln!("  {}", self.todo);
            }
        }
        self.exit
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let todo = match &error {
            ConfigError::Unreadable { .. } => {
                "name the data folder with --dir, or make one with `kelisim init --dir DIR`"
            }
            ConfigError::Syntax { .. } | ConfigError::Key { .. } => {
                "correct the file, then run `kelisim check-config`"
            }
        };
        Self::of(Exit::Environment, &error, todo)
    }
}

impl From<OfficeError> for Failure {
    fn from(error: OfficeError) -> Self {
        match error {
            OfficeError::Registry(failure) => failure.into(),
            OfficeError::Trust(_) => {
                Self::of(Exit::Environment, &error, "run `kelisim check-config`: it says what is wrong")
            }
            OfficeError::NoFolder => {
                Self::of(Exit::Local, &error, "run it where the folder is, without --server")
            }
            OfficeError::UnknownOperator(_) => {
                Self::of(Exit::Refused, &error, "name another with --as; see `kelisim operator list`")
            }
        }
    }
}

impl From<registry::Failure> for Failure {
    fn from(failure: registry::Failure) -> Self {
        match failure {
            registry::Failure::Refused(error) => error.into(),
            registry::Failure::Elsewhere(error) => error.into(),
            registry::Failure::Busy(_) | registry::Failure::TooManyKeys => {
                Self::of(Exit::Environment, &failure, "try again")
            }
            registry::Failure::Store(StoreError::Missing(_) | StoreError::Empty(_)) => {
                let todo = "see that its disk is mounted, or restore it from its backup; only `kelisim init` begins one";
                Self::of(Exit::Environment, &failure, todo)
            }
            registry::Failure::Documents(_) => {
                let todo = "see api.depositary in the configuration, and who may read that folder";
                Self::of(Exit::Environment, &failure, todo)
            }
            registry::Failure::Store(_) | registry::Failure::OutOfStep(_) => {
                let todo =
                    "if the store was changed from outside, restore it from a backup and find out by whom";
                Self::of(Exit::Environment, &failure, todo)
            }
        }
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let ServerError::Problem { status, code, problems, .. } = &error else {
            let todo = match &error {
                ServerError::Broken(_) => "see `kelisim history` whether it was done, then do it again",
                _ => "see --server and --ca, and whether the gateway runs",
            };
            return Self::of(Exit::Environment, &error, todo);
        };
        let text = |one: &Value| match one.as_object() {
            Some(fields) => fields.values().filter_map(Value::as_str).collect::<Vec<_>>().join(": "),
            None => one.to_string(),
        };
        let todo = match status {
            401 => "give --token-file, KELISIM_TOKEN, or --client-cert with --client-key".to_owned(),
            403 => "have it done by an operator who may".to_owned(),
            _ if code == "no-reason" => "say why with --reason TEXT".to_owned(),
            _ => problems.iter().map(text).collect::<Vec<_>>().join("\n  "),
        };
        let exit = if *status >= 500 || *status == 429 { Exit::Environment } else { Exit::Refused };
        Self::of(exit, &error, todo)
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let todo = match &error {
            CommandError::Draft(problems) => {
                let line =
                    |one: &agreements::Problem| format!("{} ({}): {}", one.field, one.clause, one.message);
                problems.iter().map(line).collect::<Vec<_>>().join("\n  ")
            }
            CommandError::Incomplete { missing, .. } => {
                let paper = |kind: &agreements::DocumentKind| format!(" --document {}=FILE", kebab(kind));
                format!("add what lacks:{}", missing.iter().map(paper).collect::<String>())
            }
            other => advice(other).to_owned(),
        };
        Self::of(Exit::Refused, &error, todo)
    }
}

fn advice(error: &CommandError) -> &'static str {
    match error {
        CommandError::NotInRole { .. } => "name an operator of another role with --as",
        CommandError::NotYours { .. } => "have an operator of that organisation do it",
        CommandError::OutOfReach { .. } => "have somebody do it whose region or sector it is",
        CommandError::NotActive { .. } => "see `kelisim operator list`: another operator acts meanwhile",
        CommandError::SamePerson { .. } => "name another operator with --as",
        CommandError::LastAdministrator => "enrol another administrator first: `kelisim operator add`",
        CommandError::ReachMissing { .. } => "see --region, --until and --system",
        CommandError::Lacking { .. } => "return it, or have what lacks filed: see `kelisim application show`",
        CommandError::Settled { .. } => {
            "what comes after it is a new application: `kelisim application submit`"
        }
        CommandError::Application(_) | CommandError::Information(_) => "correct the file",
        CommandError::Calendar { .. } => "correct the entry; see `kelisim calendar show`",
        CommandError::Date { .. } => "give a day that is over, or today",
        CommandError::NothingSaid => "say what is meant: a text, a name, a value",
        CommandError::ObjectEnded { .. } => "see `kelisim object show`",
        CommandError::Unknown { .. } => "look for it with `list`; what is missing is registered first",
        CommandError::Exists { .. } => {
            "if that is what was wanted, nothing is to be done; else choose another name or version"
        }
        CommandError::Incomplete { .. } => "add what lacks with --document KIND=FILE",
        CommandError::NoNetworks { .. } => "name the networks in the card, or with --network",
        CommandError::Endpoint { .. } => {
            "correct the card's endpoint, or --address, --server-name, --base-path"
        }
        CommandError::SystemStatus { .. } => "see `kelisim system show`",
        CommandError::NoConformity { .. } => {
            "record it first: `kelisim system attest`, `kelisim system certify`"
        }
        CommandError::EmptyValidity { .. } => "correct --from and --until",
        CommandError::Stage { .. } => "see `kelisim agreement show`: another step is due",
        CommandError::Version { .. } => "give the draft that version",
        CommandError::SignedAlready { .. } => "draft the next version",
        CommandError::Unreadable(_) => "correct the document; `kelisim agreement lint` helps",
        CommandError::Draft(_) => "correct the draft",
        CommandError::Stranger { .. } => "sign with the certificate of the organisation whose side it is",
        CommandError::Unsigned(_) => "have that side sign first: `kelisim agreement sign`",
        CommandError::NoReason => "say why with --reason TEXT",
        CommandError::OldVersion { .. } => "sign the newest version",
        CommandError::OldList { .. } => "take the newest list, change it, and sign it anew",
        CommandError::NotNamed { .. } | CommandError::SignerMissing { .. } => {
            "have those sign whom the agreement names"
        }
        CommandError::DelegationUnfit(_) => "correct the delegation and have it signed anew",
        CommandError::PaperNotAttached { .. } => {
            "draft the next version: the papers of both systems are attached to it, and signed"
        }
        CommandError::PaperWithoutDocument { .. } => {
            "record it anew with --document FILE (`kelisim system attest`, `kelisim system certify`), then draft anew"
        }
        CommandError::NotKept { .. } => {
            "bring it first: give its file with --document, `kelisim object document`, or PUT /v1/documents/SHA256 of the API"
        }
        CommandError::TrainingUnfit { .. } => {
            "give number, issued and valid_until of the certificate, or leave it out until the official is trained"
        }
        CommandError::TemplateUnfit(_) => "correct the template; see `kelisim template list`",
        CommandError::RulingUnfit(_) => "give each --remark its --remedy, and say why with --reason",
        CommandError::ProtocolUnfit(_) => "sign the protocol that is attached: see `kelisim agreement show`",
        CommandError::PrescriptionUnfit(_) => "correct the prescription; see `kelisim prescription list`",
        CommandError::NotChecked { .. } => {
            "see `kelisim agreement readiness`: it lists what is to be checked; `kelisim readiness` checks it"
        }
        CommandError::CheckUnfit(_) => "correct the record of the check",
        CommandError::ChangedSince { .. } => "check again: the systems are not what was checked",
        CommandError::ActUnfit(_) => {
            "see `kelisim act record --help` for what an act says of itself as a basis"
        }
        CommandError::DataType(..) => "correct the data type and publish it again",
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Registry(failure) => failure.into(),
            SignError::Fault(_) => {
                let todo = "sign with a certificate for signing, of an authority that this gateway trusts";
                Self::of(Exit::Refused, &error, todo)
            }
            SignError::Unknown(..) => Self::of(Exit::Refused, &error, "see `kelisim agreement list`"),
            SignError::NotCanonical(_) => Self::of(Exit::Refused, &error, "correct the document"),
            SignError::NoOrganisation => {
                Self::of(Exit::Refused, &error, "sign with a certificate that names the organisation's BIN")
            }
            SignError::Signing(_) | SignError::Json(_) => {
                Self::of(Exit::Environment, &error, "sign with another key")
            }
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::of(Exit::Environment, &error, "name the PEM file that was meant")
    }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        let (exit, todo) = match &error {
            AuthorityError::Unknown(_) => (Exit::Refused, "ask the authority that issued it"),
            AuthorityError::Request(_) => (Exit::Usage, "correct what was asked for"),
            AuthorityError::Folder { .. } | AuthorityError::Key(_) | AuthorityError::Damaged(_) => {
                (Exit::Environment, "this needs the folder's trial authority, and the right to use its keys")
            }
            AuthorityError::Exists | AuthorityError::Making(_) => (Exit::Environment, "see the cause"),
        };
        Self::of(exit, &error, todo)
    }
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Self {
        match &error {
            SearchError::Io { .. } => {
                Self::of(Exit::Environment, &error, "see log.dir in the configuration, and who may read it")
            }
            SearchError::Damaged { .. } => Self::of(Exit::Refused, &error, "run `kelisim log verify`"),
        }
    }
}
