//! Who takes part: the data of `deploy/demo`, with its days made relative to today.

use agreements::{
    Act, Bin, DataType, Holder, ListedUser, OperatorId, Ownership, Phase, Region, Role, Significance,
    SystemId, almaty,
};
use jiff::civil::Date;
use jiff::{Span, Timestamp, Zoned};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{OrTrouble, Trouble};

/// Organisations and systems.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cast {
    pub(super) operator: Holder,
    pub(super) regulator: Bin,
    pub(super) holders: Vec<Body>,
    pub(super) systems: Vec<Member>,
}

/// An organisation, with the officer who acts for it and the head who signs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) bin: Bin,
    pub(super) name: String,
    pub(super) officer: OperatorId,
    #[serde(default = "officer")]
    pub(super) role: Role,
    pub(super) head: String,
    pub(super) iin: String,
}

/// A system.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) id: SystemId,
    pub(super) name: String,
    pub(super) holder: Bin,
    pub(super) code: String,
    #[serde(default = "state")]
    pub(super) ownership: Ownership,
    #[serde(default = "production")]
    pub(super) phase: Phase,
    #[serde(default)]
    pub(super) significance: Significance,
    #[serde(default)]
    pub(super) region: Option<Region>,
    #[serde(default)]
    pub(super) provides: Provides,
    #[serde(default)]
    pub(super) attestation: Paper,
    #[serde(default)]
    pub(super) quality_certificate: Paper,
}

/// Whether a system answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Provides {
    /// It only asks.
    #[default]
    Nothing,
    /// A stand-in answers for it.
    StandIn,
    /// It is registered, and down.
    Silent,
}

/// How a conformity document stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Paper {
    #[default]
    Valid,
    Ended,
    Missing,
}

/// A data type, published by each of its providers.
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    pub(super) providers: Vec<SystemId>,
    #[serde(flatten)]
    card: Value,
}

/// An agreement as its holders draw it up, with the officials whom the consumer's head lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agreed {
    pub(super) document: Value,
    pub(super) users: Vec<ListedUser>,
}

impl Cast {
    pub(super) fn read(day: &Day) -> Result<Self, Trouble> {
        day.read("cast.json", include_str!("../../../deploy/demo/cast.json"))
    }

    pub(super) fn body(&self, bin: Bin) -> Result<&Body, Trouble> {
        let found = self.holders.iter().find(|body| body.bin == bin);
        found.ok_or("no such organisation in cast.json").trouble(format!("find organisation {bin}"))
    }

    pub(super) fn system(&self, id: &SystemId) -> Result<&Member, Trouble> {
        let found = self.systems.iter().find(|member| member.id == *id);
        found.ok_or("no such system in cast.json").trouble(format!("find system {id}"))
    }

    /// The organisation that has a role.
    pub(super) fn with(&self, role: Role) -> Result<&Body, Trouble> {
        let found = self.holders.iter().find(|body| body.role == role);
        found.ok_or("nobody in cast.json has it").trouble(format!("find a {role:?}"))
    }
}

impl Published {
    /// The data type as one of its providers publishes it.
    pub(super) fn by(&self, provider: &SystemId) -> Result<DataType, Trouble> {
        let mut card = self.card.clone();
        card["provider"] = provider.as_str().into();
        serde_json::from_value(card).trouble("read data-types.json")
    }
}

pub(super) fn acts(day: &Day) -> Result<Vec<Act>, Trouble> {
    day.read("acts.json", include_str!("../../../deploy/demo/acts.json"))
}

pub(super) fn data_types(day: &Day) -> Result<Vec<Published>, Trouble> {
    day.read("data-types.json", include_str!("../../../deploy/demo/data-types.json"))
}

pub(super) fn agreements(day: &Day) -> Result<Vec<Agreed>, Trouble> {
    day.read("agreements.json", include_str!("../../../deploy/demo/agreements.json"))
}

/// The moment from which the data counts: `"@+30"` is the day in thirty days, `"@hour-2"` two hours ago.
#[derive(Debug, Clone)]
pub(super) struct Day {
    now: Zoned,
}

impl Day {
    pub(super) fn of(now: Timestamp) -> Self {
        Self { now: now.to_zoned(almaty()) }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, name: &str, text: &str) -> Result<T, Trouble> {
        let mut value: Value = serde_json::from_str(text).trouble(format!("read {name}"))?;
        self.resolve(&mut value);
        serde_json::from_value(value).trouble(format!("read {name}"))
    }

    pub(super) fn date(&self, days: i64) -> Date {
        self.now.date().saturating_add(Span::new().days(days))
    }

    fn resolve(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(resolved) = text.strip_prefix('@').and_then(|offset| self.resolved(offset)) {
                    *text = resolved;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.resolve(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.resolve(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn resolved(&self, offset: &str) -> Option<String> {
        if let Some(hours) = offset.strip_prefix("hour") {
            let hours = Span::new().hours(hours.parse::<i64>().ok()?);
            return Some(self.now.saturating_add(hours).time().strftime("%H:%M:%S").to_string());
        }
        Some(self.date(offset.parse().ok()?).to_string())
    }
}

fn officer() -> Role {
    Role::HolderOfficer
}

fn state() -> Ownership {
    Ownership::State
}

fn production() -> Phase {
    Phase::Production
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_relative_to_now_in_almaty() {
        let day = Day::of("2026-03-01T20:30:00Z".parse().unwrap());
        let read: Vec<String> = day.read("", r#"["@+0", "@-2", "@hour+23", "@x", "12"]"#).unwrap();
        assert_eq!(read, ["2026-03-02", "2026-02-28", "00:30:00", "@x", "12"]);
    }

    #[test]
    fn every_number_of_a_person_or_body_has_its_check_digit() {
        let texts = [
            include_str!("../../../deploy/demo/cast.json"),
            include_str!("../../../deploy/demo/records.json"),
            include_str!("../../../deploy/demo/scenes.json"),
        ];
        let runs = texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_digit()));
        let numbers: Vec<&str> = runs.filter(|run| run.len() == 12).collect();
        assert!(numbers.len() > 30);
        for number in numbers {
            let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
            let sum = |from: usize| (0..11).map(|at| digits[at] * ((at + from) % 11 + 1) as u32).sum::<u32>();
            // Twelve digits of a person or body: weights 1..11, and from 3 on where that leaves 10.
            let check = match sum(0) % 11 {
                10 => sum(2) % 11,
                check => check,
            };
            assert_eq!(digits[11], check, "{number}");
        }
    }
}
