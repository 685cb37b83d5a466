//! Two versions of an agreement, point by point: what allows more, what allows less, what is merely otherwise.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AccessPeriod, AgreementText, AnswerAfter, Category, Day, Excess, PersonalDataClause, Presence,
    Protection, Signatures, SignedDocuments, Users,
};

/// Which way a point goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It allows more, or asks for less.
    Wider,
    /// It allows less, or asks for more.
    Narrower,
    /// It is otherwise, and neither.
    Other,
}

/// One point in which two texts differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// Where: `data.record.fields`.
    pub field: String,
    /// Which way.
    pub direction: Direction,
    /// What stood there; empty for nothing.
    pub before: String,
    /// What stands there now; empty for nothing.
    pub after: String,
}

/// The points in which a text differs from the one before it, in the order of the fields.
pub fn diff(before: &AgreementText, after: &AgreementText) -> Vec<Point> {
    let mut points = Points(Vec::new());
    data(before, after, &mut points);
    period(&before.access_period, &after.access_period, &mut points);
    let codes = |text: &AgreementText| text.purposes.iter().map(|one| one.code.to_string()).collect();
    points.sets("purposes", &codes(before), &codes(after));
    for purpose in after.purposes.iter() {
        let earlier = before.purposes.iter().find(|one| one.code == purpose.code);
        if let Some(earlier) = earlier {
            points.words(&format!("purposes.{}", purpose.code), &earlier.text, &purpose.text);
        }
    }
    let bases = |text: &AgreementText| -> String {
        let bases = text.basis.iter().map(|one| format!("{} {} {}", one.act, one.version, one.clause));
        bases.collect::<Vec<_>>().join("; ")
    };
    points.words("basis", &bases(before), &bases(after));
    let (was, is) = (&before.accounting, &after.accounting);
    // Asking for less before the answer leaves is wider.
    let waits = |after: AnswerAfter| match after {
        AnswerAfter::Opened => 1_u8,
        AnswerAfter::Completed => 0,
    };
    points.ranked("accounting.answer_after", waits(was.answer_after), waits(is.answer_after), |rank| {
        if rank == 1 { "opened" } else { "completed" }
    });
    let free = |case: Presence| u8::from(case == Presence::Optional);
    points.ranked("accounting.case", free(was.case), free(is.case), |rank| {
        if rank == 1 { "optional" } else { "required" }
    });
    points.less_is_wider("accounting.retention_years", was.retention_years, is.retention_years);
    points.words("accounting.text", &was.text, &is.text);
    points.less_is_narrower(
        "recovery.within_hours",
        before.recovery.within_hours,
        after.recovery.within_hours,
    );
    points.words("recovery.text", &before.recovery.text, &after.recovery.text);
    protection(before, after, &mut points);
    personal(before, after, &mut points);
    points.words("signers", &said(&before.signers), &said(&after.signers));
    points.words("attachments", &said(&before.attachments), &said(&after.attachments));
    points.0
}

fn personal(before: &AgreementText, after: &AgreementText, points: &mut Points) {
    let bare = |text: &AgreementText| {
        let clause = text.personal_data.as_ref();
        said(&clause.map(|clause| PersonalDataClause { consent: None, ..PersonalDataClause::clone(clause) }))
    };
    points.words("personal_data", &bare(before), &bare(after));
    let issuers = |text: &AgreementText| -> Option<BTreeSet<String>> {
        let consent = text.personal_data.as_ref()?.consent.as_ref()?;
        Some(consent.issuers.iter().map(ToString::to_string).collect())
    };
    let field = "personal_data.consent";
    match (issuers(before), issuers(after)) {
        (None, None) => {}
        (None, Some(is)) => points.add(field, Direction::Narrower, "", &joined(&is)),
        (Some(was), None) => points.add(field, Direction::Wider, &joined(&was), ""),
        (Some(was), Some(is)) => points.sets(field, &was, &is),
    }
}

fn data(before: &AgreementText, after: &AgreementText, points: &mut Points) {
    let types = |text: &AgreementText| text.data.iter().map(|one| one.data_type.to_string()).collect();
    points.sets("data", &types(before), &types(after));
    for grant in after.data.iter() {
        let Some(earlier) = before.data.iter().find(|one| one.data_type == grant.data_type) else { continue };
        let at = |part: &str| format!("data.{}.{part}", grant.data_type);
        points.words(&at("version"), &earlier.version.to_string(), &grant.version.to_string());
        let operations = |of: &crate::Grant| of.operations.iter().map(ToString::to_string).collect();
        points.sets(&at("operations"), &operations(earlier), &operations(grant));
        let [was, is] = [earlier, grant].map(|one| one.fields.iter().cloned().collect::<BTreeSet<_>>());
        points.fields(&at("fields"), &was, &is);
        let lenient = |of: &crate::Grant| u8::from(of.excess == Excess::Trim);
        let word = |rank| if rank == 1 { "trim" } else { "refuse" };
        points.ranked(&at("excess"), lenient(earlier), lenient(grant), word);
        // Where none are named, all pass.
        let named = |of: &crate::Grant| -> BTreeSet<String> {
            of.request_fields
                .as_ref()
                .map_or_else(|| [String::new()].into(), |all| all.iter().cloned().collect())
        };
        points.fields(&at("request_fields"), &named(earlier), &named(grant));
        let lenient = |of: &crate::Grant| u8::from(of.request_excess == Excess::Trim);
        points.ranked(&at("request_excess"), lenient(earlier), lenient(grant), word);
    }
}

/// Whether a released field holds another: as a whole, above it, or with `*` in a place.
pub(crate) fn covers(released: &str, field: &str) -> bool {
    let mut parts = field.split('/');
    released.split('/').all(|part| parts.next().is_some_and(|other| part == "*" || part == other))
}

fn period(before: &AccessPeriod, after: &AccessPeriod, points: &mut Points) {
    points.less_is_wider("access_period.from", before.from, after.from);
    points.less_is_narrower("access_period.until", before.until, after.until);
    let days = |period: &AccessPeriod| -> BTreeSet<String> {
        let named = if period.days.is_empty() { &WEEK[..] } else { &period.days };
        named.iter().map(said).collect()
    };
    points.sets("access_period.days", &days(before), &days(after));
    // Minute by minute: hours may run over midnight.
    let open = |period: &AccessPeriod, minute: i64| {
        period.hours.as_ref().is_none_or(|hours| {
            let at = jiff::civil::Time::midnight().wrapping_add(jiff::SignedDuration::from_mins(minute));
            if hours.from < hours.until {
                (hours.from..hours.until).contains(&at)
            } else {
                at >= hours.from || at < hours.until
            }
        })
    };
    let hours = |period: &AccessPeriod| {
        period
            .hours
            .as_ref()
            .map_or_else(|| "all".to_owned(), |hours| format!("{} to {}", hours.from, hours.until))
    };
    let more = (0..1440).any(|minute| open(after, minute) && !open(before, minute));
    let less = (0..1440).any(|minute| open(before, minute) && !open(after, minute));
    for (changed, direction) in [(more, Direction::Wider), (less, Direction::Narrower)] {
        if changed {
            points.add("access_period.hours", direction, &hours(before), &hours(after));
        }
    }
    if !more && !less {
        points.words("access_period.hours", &hours(before), &hours(after));
    }
}

fn protection(before: &AgreementText, after: &AgreementText, points: &mut Points) {
    let (was, is) = (&before.protection, &after.protection);
    // Protected as more, more may pass.
    let category = |category: Category| (category, said(&category));
    let (from, to) = (category(was.category), category(is.category));
    points.compared("protection.category", to.0.cmp(&from.0), &from.1, &to.1);
    let users = |users: Users| match users {
        Users::Any => 2_u8,
        Users::Listed => 1,
        Users::ListedAndTrained => 0,
    };
    points.ranked("protection.users", users(was.users), users(is.users), |rank| match rank {
        2 => "any",
        1 => "listed",
        _ => "listed-and-trained",
    });
    points.less_is_narrower("protection.rate.per_second", was.rate.per_second, is.rate.per_second);
    points.less_is_narrower("protection.rate.burst", was.rate.burst, is.rate.burst);
    // Absent is the most.
    let volumes = [was, is].map(|one| one.volume);
    let exchanges = volumes.map(|one| one.and_then(|one| one.exchanges_per_day).map(u64::from));
    let bytes = volumes.map(|one| one.and_then(|one| one.bytes_per_day));
    for (field, [was, is]) in
        [("protection.volume.exchanges_per_day", exchanges), ("protection.volume.bytes_per_day", bytes)]
    {
        let word = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
        let order = is.unwrap_or(u64::MAX).cmp(&was.unwrap_or(u64::MAX));
        points.compared(field, order, &word(was), &word(is));
    }
    // Absent is the longest.
    for (field, was, is) in [
        ("protection.lease_seconds", was.lease_seconds, is.lease_seconds),
        ("protection.readiness_days", was.readiness_days, is.readiness_days),
    ] {
        let rank = |value: Option<u16>| value.map_or(u32::MAX, u32::from);
        let word = |value: Option<u16>| value.map_or_else(String::new, |value| value.to_string());
        points.compared(field, rank(is).cmp(&rank(was)), &word(was), &word(is));
    }
    signatures(was, is, points);
    points.words("protection.text", &was.text, &is.text);
}

/// Who asks for more signatures lets less pass.
fn signatures(was: &Protection, is: &Protection, points: &mut Points) {
    let [was, is] = [was, is].map(|one| one.signatures.clone().unwrap_or_default());
    let messages = |asked: &Signatures| asked.messages.iter().map(ToString::to_string).collect();
    points.demands("protection.signatures.messages", &messages(&was), &messages(&is));
    let at = "protection.signatures.documents";
    let (was, is) = match (was.documents, is.documents) {
        (None, None) => return,
        (None, Some(new)) => return points.add(at, Direction::Narrower, "", &said(&new)),
        (Some(gone), None) => return points.add(at, Direction::Wider, &said(&gone), ""),
        (Some(was), Some(is)) => (was, is),
    };
    let of = |asked: &SignedDocuments| asked.of.iter().map(ToString::to_string).collect();
    points.demands(&format!("{at}.of"), &of(&was), &of(&is));
    let kinds = |asked: &SignedDocuments| asked.kinds.iter().map(ToString::to_string).collect();
    points.sets(&format!("{at}.kinds"), &kinds(&was), &kinds(&is));
    // Where nobody is named, everybody of the holder's may sign.
    let (named, names) = (format!("{at}.signers"), |asked: &SignedDocuments| asked.signers.join(", "));
    match (was.signers.is_empty(), is.signers.is_empty()) {
        (true, false) => points.add(&named, Direction::Narrower, "", &names(&is)),
        (false, true) => points.add(&named, Direction::Wider, &names(&was), ""),
        (true, true) | (false, false) => {
            let of = |asked: &SignedDocuments| asked.signers.iter().cloned().collect();
            points.sets(&named, &of(&was), &of(&is));
        }
    }
    points.less_is_wider(&format!("{at}.least"), was.least, is.least);
    let rank = |days: Option<u16>| days.map_or(u32::MAX, u32::from);
    let word = |days: Option<u16>| days.map_or_else(String::new, |days| days.to_string());
    let order = rank(is.within_days).cmp(&rank(was.within_days));
    points.compared(&format!("{at}.within_days"), order, &word(was.within_days), &word(is.within_days));
    points.less_is_wider(&format!("{at}.stamped"), was.stamped, is.stamped);
}

struct Points(Vec<Point>);

impl Points {
    fn add(&mut self, field: &str, direction: Direction, before: &str, after: &str) {
        if before != after {
            let (field, before, after) = (field.to_owned(), before.to_owned(), after.to_owned());
            self.0.push(Point { field, direction, before, after });
        }
    }

    fn words(&mut self, field: &str, before: &str, after: &str) {
        self.add(field, Direction::Other, before, after);
    }

    /// More of them is wider; where some come and others go, that is two points.
    fn sets(&mut self, field: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        let new: BTreeSet<_> = after.difference(before).cloned().collect();
        let gone: BTreeSet<_> = before.difference(after).cloned().collect();
        self.add(field, Direction::Wider, "", &joined(&new));
        self.add(field, Direction::Narrower, &joined(&gone), "");
    }

    /// What is released, where one pointer may hold others.
    fn fields(&mut self, field: &str, was: &BTreeSet<String>, is: &BTreeSet<String>) {
        let released = |all: &BTreeSet<String>, field: &str| all.iter().any(|one| covers(one, field));
        let wider: BTreeSet<_> = is.iter().filter(|field| !released(was, field)).cloned().collect();
        let narrower: BTreeSet<_> = was.iter().filter(|field| !released(is, field)).cloned().collect();
        self.add(field, Direction::Wider, "", &joined(&wider));
        self.add(field, Direction::Narrower, &joined(&narrower), "");
    }

    /// More of them is narrower.
    fn demands(&mut self, field: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        let new: BTreeSet<_> = after.difference(before).cloned().collect();
        let gone: BTreeSet<_> = before.difference(after).cloned().collect();
        self.add(field, Direction::Wider, &joined(&gone), "");
        self.add(field, Direction::Narrower, "", &joined(&new));
    }

    /// The higher rank is the wider one.
    fn ranked(&mut self, field: &str, before: u8, after: u8, word: impl Fn(u8) -> &'static str) {
        self.compared(field, after.cmp(&before), word(before), word(after));
    }

    fn less_is_narrower<T: Ord + Display>(&mut self, field: &str, before: T, after: T) {
        self.compared(field, after.cmp(&before), &before.to_string(), &after.to_string());
    }

    fn less_is_wider<T: Ord + Display>(&mut self, field: &str, before: T, after: T) {
        self.compared(field, before.cmp(&after), &before.to_string(), &after.to_string());
    }

    fn compared(&mut self, field: &str, order: std::cmp::Ordering, before: &str, after: &str) {
        match order {
            std::cmp::Ordering::Greater => self.add(field, Direction::Wider, before, after),
            std::cmp::Ordering::Less => self.add(field, Direction::Narrower, before, after),
            std::cmp::Ordering::Equal => {}
        }
    }
}

fn joined(all: &BTreeSet<String>) -> String {
    // The root of a document is an empty pointer.
    let words = all.iter().map(|one| if one.is_empty() { "(everything)" } else { one });
    words.collect::<Vec<_>>().join(", ")
}

fn said(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}

const WEEK: [Day; 7] =
    [Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday, Day::Saturday, Day::Sunday];
