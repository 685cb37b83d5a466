//! What a command says when it was done: text for people, one JSON document for programs.

use std::io::{ErrorKind, Write};

use serde::Serialize;
use serde_json::Value;

use super::{Exit, Failure};

/// An answer in both forms.
pub(super) struct Answer {
    json: Value,
    text: String,
    /// What stands after a text that does not end its line.
    end: &'static str,
    exit: Exit,
}

impl Answer {
    pub(super) fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), end: "\n", exit: Exit::Done }
    }

    /// An answer whose JSON is what `subject` serialises to.
    pub(super) fn of(subject: &impl Serialize, text: impl Into<String>) -> Result<Self, Failure> {
        let json = serde_json::to_value(subject)
            .map_err(|error| Failure::of(Exit::Environment, &error, "report this: it is a bug"))?;
        Ok(Self::new(json, text))
    }

    /// An answer that was already given, or needs no words.
    pub(super) fn silent() -> Self {
        Self { json: Value::Null, text: String::new(), end: "", exit: Exit::Done }
    }

    /// What stands at a place of its JSON.
    pub(super) fn said(&self, pointer: &str) -> Option<&Value> {
        self.json.pointer(pointer)
    }

    /// The same, without a newline that nobody gave it.
    pub(super) fn unended(self) -> Self {
        Self { end: "", ..self }
    }

    /// What was done, and what was done besides: the members of both.
    pub(super) fn and(mut self, besides: Self) -> Self {
        if let (Value::Object(members), Value::Object(more)) = (&mut self.json, besides.json) {
            members.extend(more);
        }
        self.text.push_str(&besides.text);
        self
    }

    /// The same, but the configuration, a file or the machine does not do.
    pub(super) fn unfit(self) -> Self {
        Self { exit: Exit::Environment, ..self }
    }

    /// The same, but negative.
    pub(super) fn negative(self) -> Self {
        Self { exit: Exit::Refused, ..self }
    }

    /// Prints it, and says how the command ended.
    pub(super) fn print(self, json: bool) -> Exit {
        let printed = if json && !self.json.is_null() {
            print(&format!("{:#}\n", self.json))
        } else if !json && !self.text.is_empty() {
            let end = if self.text.ends_with('\n') { "" } else { self.end };
            print(&format!("{}{end}", self.text))
        } else {
            return self.exit;
        };
        match printed {
            Ok(Heard::Yes | Heard::Closed) => self.exit,
            Err(failure) => failure.report(json),
        }
    }
}

/// Prints to standard output; whoever closed it has read enough.
///
/// # Errors
/// It takes no more, as a file on a full disk: what was printed is not whole.
pub(super) fn print(text: &str) -> Result<Heard, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Heard::Yes),
        // There is nobody left to tell.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Heard::Closed),
        Err(error) => {
            let what = format!("standard output does not take the answer: {error}");
            Err(Failure::new(Exit::Environment, what, "what it took is not whole: make room, then ask again"))
        }
    }
}

/// Whether somebody still reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "who prints much stops when nobody reads"]
pub(super) enum Heard {
    Yes,
    Closed,
}
