//! Why a command was not done: one line says what, one line says what to do.

use std::error::Error;

use serde_json::json;

use super::Exit;
use crate::config::ConfigError;
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
