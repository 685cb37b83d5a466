//! What a command says when it was done: text for people, one JSON document for programs.

use std::io::Write;

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
        if json && !self.json.is_null() {
            let _ = print(&format!("{:#}\n", self.json));
        } else if !json && !self.text.is_empty() {
            let end = if self.text.ends_with('\n') { "" } else { self.end };
            let _ = print(&format!("{}{end}", self.text));
        }
        self.exit
    }
}

/// Prints to standard output; whoever closed it has read enough.
pub(super) fn print(text: &str) -> Heard {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Heard::Yes,
        // There is nobody left to tell.
        Err(_) => Heard::Closed,
    }
}

/// Whether somebody still reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "who prints much stops when nobody reads"]
pub(super) enum Heard {
    Yes,
    Closed,
}
