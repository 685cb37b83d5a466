//! The Republic's calendar (A8): days that are not plain, terms of the law, and when a term ends.

use agreements::{CalendarDay, DayIs, Term, YearlyHoliday, almaty};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Media, Operation, at, parameter, place};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::one;
use crate::clock;

/// A year's days that are off though their weekday is worked, worked though it is off, or a holiday.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CalendarYear {
    /// Which year.
    year: i16,
    /// Its days.
    days: Vec<SpecialDay>,
    /// Holidays of every year.
    yearly: Vec<YearlyHoliday>,
    /// What operators said of single days, of any year.
    said: Vec<CalendarDay>,
}

/// A day that is not what its weekday says, or bears a name.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct SpecialDay {
    /// Which.
    day: Date,
    /// What it is.
    is: DayIs,
    /// Why.
    why: String,
}

/// How long the terms of the law are, by when they begin.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TermList {
    /// Each term with the day from which it is so long.
    terms: Vec<Term>,
}

/// A day that so many working days lead to.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DueDay {
    /// From which day; it does not count.
    from: Date,
    /// How many working days.
    working_days: u16,
    /// The last of them.
    due: Date,
}

pub(super) fn operations() -> Vec<Operation> {
    let year = json!({ "type": "integer", "minimum": FIRST, "maximum": LAST });
    let date = || json!({ "type": "string", "format": "date" });
    let days = json!({ "type": "integer", "minimum": 0, "maximum": MOST_DAYS });
    let read = |id, path, summary, name, does| {
        Operation::read(id, path, summary, "calendar", Media::named(name), does)
    };
    let shows = "Shows a year's days that are not what their weekday says, and the holidays of every year";
    let counts = "Counts working days from a day on, which does not count itself";
    vec![
        read("calendar", "/v1/calendar/{year}", shows, "CalendarYear", shown)
            .with([place("year", "Which year", year), at()]),
        read(
            "terms",
            "/v1/terms",
            "Shows how long the terms of the law are, and since when",
            "TermList",
            terms,
        )
        .with([at()]),
        read("due", "/v1/due", counts, "DueDay", due).with([
            parameter("from", "From which day; today where it is absent", date()),
            parameter("working-days", "How many", days),
            at(),
        ]),
    ]
}

fn shown(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let year: i16 = asked.place("year")?;
    one(shared, asked, |registry, _| {
        let first = Date::new(year, 1, 1).ok().filter(|_| (FIRST..=LAST).contains(&year))?;
        let calendar = registry.calendar();
        let special = |day: &Date| match calendar.at(*day) {
            DayIs::Working => !calendar.why(*day).is_empty(),
            DayIs::Weekend => false,
            DayIs::Holiday | DayIs::Transferred => true,
        };
        let days = first.series(1.day()).take_while(|day| day.year() == year).filter(special);
        let days = days.map(|day| SpecialDay { day, is: calendar.at(day), why: calendar.why(day).into() });
        let (days, said) = (days.collect(), calendar.days().cloned().collect());
        Some(CalendarYear { year, days, yearly: calendar.yearly().to_vec(), said })
    })
}

fn terms(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    one(shared, asked, |registry, _| Some(TermList { terms: registry.terms().all().to_vec() }))
}

fn due(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let today = clock::now().to_zoned(almaty()).date();
    let from: Date = asked.parameter("from")?.unwrap_or(today);
    let working_days: u16 = asked.parameter("working-days")?.unwrap_or(0);
    if working_days > MOST_DAYS || !(FIRST..=LAST).contains(&from.year()) {
        let bounds = format!("from: a day of {FIRST} to {LAST}; working-days: at most {MOST_DAYS}");
        return Err(Problem::new("parameter-malformed", bounds));
    }
    one(shared, asked, |registry, _| {
        let due = registry.calendar().add_working_days(from, working_days);
        Some(DueDay { from, working_days, due })
    })
}

/// Years that are shown.
const FIRST: i16 = 1991;
const LAST: i16 = 2999;

/// Four years of them: no term is longer.
const MOST_DAYS: u16 = 1_000;
