//! Templates: how far agreements for a purpose may go, as the regulator says beforehand; and how far one goes beyond.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AgreementText, Category, DataTypeId, Direction, Excess, Grant, OperationId, Point, Purpose, Rate,
    Registry, Signatures, SystemId, Users, Words, diff,
};

/// A template: upper bounds of agreements that name a purpose. What it does not bound is left to the parties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// For which purpose.
    pub purpose: Purpose,
    /// Counts the purpose's templates from 1; the newest holds, until it is recalled.
    pub version: u32,
    /// What it is for, in words.
    pub title: Words,
    /// For how many days access may be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_days: Option<u16>,
    /// Until which day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// How many requests may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The highest category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Whose requests may pass at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Users>,
    /// What must be signed at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Signatures>,
    /// What may pass; empty where that is left to the parties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<TemplateData>,
}

/// A data type that a template allows, with the most that may be agreed on of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateData {
    /// Whose.
    pub provider: SystemId,
    /// Which.
    pub data_type: DataTypeId,
    /// The operations.
    pub operations: Vec<OperationId>,
    /// The fields of a response: JSON Pointers, as in [`Grant::fields`].
    pub fields: Vec<String>,
}

/// Whether a template counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateStanding {
    /// Agreements for its purpose are judged by it.
    Holds,
    /// A newer one came after it.
    Superseded,
    /// The regulator recalled it.
    Recalled,
}

/// What a template says to an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fit {
    /// Which of the agreement's purposes.
    pub purpose: Purpose,
    /// The template's version; none where no template holds for the purpose.
    pub template: Option<u32>,
    /// The version that was the purpose's last one, where it was recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<u32>,
    /// In which points the agreement goes beyond it, from the bound to what is agreed; none if it is within.
    pub wider: Vec<Point>,
}

impl Fit {
    /// Whether a template holds, and the agreement is within it.
    pub fn is_within(&self) -> bool {
        self.template.is_some() && self.wider.is_empty()
    }
}

impl Template {
    /// The agreement of the same parties that goes as far as this lets it go, and for the rest says the same.
    fn widest(&self, text: &AgreementText) -> AgreementText {
        let mut widest = text.clone();
        let last = self.most_days.map(|days| {
            text.access_period.from.saturating_add(i64::from(days).days()).saturating_sub(1.day())
        });
        if let Some(until) = last.into_iter().chain(self.until).min() {
            Arc::make_mut(&mut widest.access_period).until = until;
        }
        let protection = Arc::make_mut(&mut widest.protection);
        protection.rate = self.rate.unwrap_or(protection.rate);
        protection.category = self.category.unwrap_or(protection.category);
        protection.users = self.users.unwrap_or(protection.users);
        if let Some(signatures) = &self.signatures {
            protection.signatures = Some(signatures.clone());
        }
        if !self.data.is_empty() {
            let of_provider = self.data.iter().filter(|one| one.provider == text.provider);
            let grants = of_provider.map(|one| Grant {
                data_type: one.data_type.clone(),
                version: 1,
                operations: one.operations.clone(),
                fields: one.fields.as_slice().into(),
                excess: Excess::Trim,
                // Left to the parties.
                request_fields: None,
                request_excess: Excess::Trim,
            });
            widest.data = grants.collect();
        }
        widest
    }

    fn judge(&self, text: &AgreementText) -> Vec<Point> {
        let points = diff(&self.widest(text), text).into_iter();
        points.filter(|point| point.direction == Direction::Wider).collect()
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let no_pointer = |field: &String| !(field.is_empty() || field.starts_with('/'));
        if self.title.is_empty() {
            return Some("has no title");
        }
        if self.most_days == Some(0) || self.rate.is_some_and(|rate| rate.per_second == 0 || rate.burst == 0)
        {
            return Some("allows nothing: a bound is zero");
        }
        if self.signatures.as_ref().is_some_and(|asked| asked.fault().is_some()) {
            return Some("asks for signatures in a way that no agreement may");
        }
        if self.data.len() > MOST_DATA || self.data.iter().any(|one| one.fields.len() > MOST_FIELDS) {
            return Some("names more than 200 data types, or more than 1000 fields of one");
        }
        if self.data.iter().any(|one| one.fields.iter().any(no_pointer)) {
            return Some("names a field that is no JSON Pointer");
        }
        None
    }
}

/// What the template that holds for each purpose says to an agreement.
pub fn fits(text: &AgreementText, registry: &Registry) -> Vec<Fit> {
    let of_purpose = text.purposes.iter().map(|named| {
        let template = registry.template(&named.code);
        let newest = registry.templates_of(&named.code).next_back();
        Fit {
            purpose: named.code.clone(),
            template: template.map(|one| one.version),
            recalled: newest.filter(|_| template.is_none()).map(|one| one.version),
            wider: template.map_or_else(Vec::new, |one| one.judge(text)),
        }
    });
    of_purpose.collect()
}

/// As many as an agreement may name.
const MOST_DATA: usize = 200;

/// More than any response has.
const MOST_FIELDS: usize = 1000;
