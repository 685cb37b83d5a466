//! `kelisim history`: what was done, by whom, when and why.

use agreements::Event;
use clap::Args;
use serde_json::{Value, json};

use super::desk::Desk;
use super::table::{Table, moment};
use super::{Answer, Common, Failure};

#[derive(Args)]
#[command(after_help = "Example:\n  kelisim history --after 20 --json")]
pub(super) struct History {
    /// Only what came after this revision
    #[arg(long, value_name = "REVISION", default_value_t = 0)]
    after: u64,
    /// At most so many events
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    limit: usize,
}

impl History {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let mut desk = Desk::open(common)?;
        let newest = desk.registry().revision();
        let until = usize::try_from(newest.saturating_sub(self.after)).unwrap_or(usize::MAX);
        // The store cannot say what comes after what it does not hold.
        let events = match self.after {
            after if after >= newest => Vec::new(),
            after => desk.office.history(after, self.limit.min(until))?,
        };
        let mut table = Table::new(["REVISION", "AT", "ACTOR", "EVENT", "OF", "REASON"]);
        for recorded in &events {
            let (kind, of) = told(&recorded.event);
            table.row([
                recorded.sequence.to_string(),
                moment(recorded.at),
                recorded.actor.id.to_string(),
                kind,
                of,
                recorded.reason.clone(),
            ]);
        }
        let text = table.or("nothing happened since");
        Ok(Answer::new(json!({ "revision": newest, "events": events }), text))
    }
}

/// An event's kind, and what it is about.
fn told(event: &Event) -> (String, String) {
    let event = serde_json::to_value(event).unwrap_or_default();
    let word = |value: &Value| match value {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    };
    let places = [
        "/card/id",
        "/system",
        "/holder/bin",
        "/operator/id",
        "/act/id",
        "/act",
        "/bin",
        "/data_type/id",
        "/data_type",
        "/number",
    ];
    let mut of = places.iter().find_map(|place| event.pointer(place)).map(word).unwrap_or_default();
    if let Some(drafted) = event["document"].as_str() {
        let document: Value = serde_json::from_str(drafted).unwrap_or_default();
        of = format!("{} version {}", word(&document["number"]), document["version"]);
    } else if event["number"].is_string() && event["version"].is_number() {
        of = format!("{of} version {}", event["version"]);
    }
    (word(&event["event"]), of)
}
