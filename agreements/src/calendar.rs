//! The Republic's calendar (A8): which days are worked. Weekends, public holidays with the days off that move, and
//! transfers of days off.
//!
//! Yearly holidays and days are dated data: `data/calendar.json` is where a registry begins, operators' commands go on
//! from there. What a day is, is worked out when it is asked, so a corrected calendar corrects every term that runs.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What operators make of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DayKind {
    /// A public holiday of that year only, such as the first day of Kurban Ait.
    Holiday,
    /// Worked, though it would be off: its day off went elsewhere.
    Working,
    /// Off, though it would be worked: a day off came from elsewhere.
    Transferred,
}

/// What a day is to whoever counts working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DayIs {
    /// Worked.
    Working,
    /// A Saturday or a Sunday.
    Weekend,
    /// A public holiday.
    Holiday,
    /// Off instead of another day.
    Transferred,
}

/// A day of which operators said what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarDay {
    /// Which.
    pub day: Date,
    /// What it is.
    pub kind: DayKind,
    /// Why: the holiday's name, or the decision that transferred it.
    pub note: String,
}

/// A public holiday that comes every year, while it is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearlyHoliday {
    /// Its month, 1 to 12.
    pub month: i8,
    /// Its day of the month.
    pub day: i8,
    /// Its name.
    pub name: String,
    /// The first day on which it could be kept.
    pub from: Date,
    /// The last, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// What becomes of it on a weekend.
    pub weekend: OnWeekend,
}

/// What becomes of a holiday that falls on a weekend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnWeekend {
    /// The next working day is off instead.
    Moves,
    /// Nothing.
    Stays,
}

/// What is wrong with a yearly holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HolidayFault {
    /// No year has that day.
    #[error("there is no such day in any year")]
    NoSuchDay,
    /// It is over before it begins.
    #[error("it ends before it begins")]
    EmptyValidity,
    /// There are too many.
    #[error("a calendar holds at most {MOST_YEARLY} yearly holidays")]
    TooMany,
}

/// Which days are worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calendar {
    yearly: Arc<[YearlyHoliday]>,
    days: Arc<BTreeMap<Date, CalendarDay>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    yearly: Vec<YearlyHoliday>,
    days: Vec<CalendarDay>,
}

impl Default for Calendar {
    /// The calendar of `data/calendar.json`.
    fn default() -> Self {
        let seed: Seed = serde_json::from_str(SEED).expect("a test reads the calendar that is compiled in");
        Self {
            yearly: seed.yearly.into(),
            days: Arc::new(seed.days.into_iter().map(|day| (day.day, day)).collect()),
        }
    }
}

impl Calendar {
    /// A calendar that knows weekends only.
    pub fn plain() -> Self {
        Self { yearly: Arc::default(), days: Arc::default() }
    }

    /// Says what a day is.
    pub fn set(&mut self, day: CalendarDay) {
        Arc::make_mut(&mut self.days).insert(day.day, day);
    }

    /// Takes back what was said of a day.
    pub fn clear(&mut self, day: Date) {
        Arc::make_mut(&mut self.days).remove(&day);
    }

    /// Whether a yearly holiday could be kept.
    ///
    /// # Errors
    /// [`HolidayFault`].
    pub fn check(&self, holiday: &YearlyHoliday) -> Result<(), HolidayFault> {
        // 2024 has every day that any year has.
        Date::new(2024, holiday.month, holiday.day).map_err(|_| HolidayFault::NoSuchDay)?;
        if holiday.until.is_some_and(|until| until < holiday.from) {
            return Err(HolidayFault::EmptyValidity);
        }
        let known = self.yearly.iter().any(|known| known.same(holiday));
        if !known && self.yearly.len() >= MOST_YEARLY { Err(HolidayFault::TooMany) } else { Ok(()) }
    }

    /// Enters a yearly holiday, or corrects the one of the same day and beginning.
    pub fn set_yearly(&mut self, holiday: YearlyHoliday) {
        let mut yearly: Vec<_> = self.yearly.iter().filter(|known| !known.same(&holiday)).cloned().collect();
        yearly.push(holiday);
        yearly.sort_by_key(|holiday| (holiday.month, holiday.day, holiday.from));
        self.yearly = yearly.into();
    }

    /// The yearly holidays.
    pub fn yearly(&self) -> &[YearlyHoliday] {
        &self.yearly
    }

    /// The days of which operators said what they are.
    pub fn days(&self) -> impl Iterator<Item = &CalendarDay> {
        self.days.values()
    }

    /// What a day is.
    pub fn at(&self, day: Date) -> DayIs {
        // Days off that a weekend swallowed come back on the working days after it.
        let mut owed = 0_u32;
        let first = day.saturating_sub(LOOK_BACK_DAYS.days());
        let mut last = DayIs::Working;
        for one in first.series(1.day()).take_while(|one| *one <= day) {
            last = match (self.days.get(&one).map(|said| said.kind), self.holiday(one), is_weekend(one)) {
                (Some(DayKind::Working), ..) => DayIs::Working,
                (Some(DayKind::Transferred), ..) => DayIs::Transferred,
                (Some(DayKind::Holiday), ..) => DayIs::Holiday,
                (None, Some(holiday), true) => {
                    owed += u32::from(holiday.weekend == OnWeekend::Moves);
                    DayIs::Holiday
                }
                (None, Some(_), false) => DayIs::Holiday,
                (None, None, true) => DayIs::Weekend,
                (None, None, false) if owed > 0 => {
                    owed -= 1;
                    DayIs::Transferred
                }
                (None, None, false) => DayIs::Working,
            };
        }
        last
    }

    /// Why a day is what it is: the holiday's name or the operators' note; empty for others.
    pub fn why(&self, day: Date) -> &str {
        let said = self.days.get(&day).map(|said| said.note.as_str());
        said.or_else(|| self.holiday(day).map(|holiday| holiday.name.as_str())).unwrap_or_default()
    }

    /// Whether a day is worked.
    pub fn works(&self, day: Date) -> bool {
        match self.at(day) {
            DayIs::Working => true,
            DayIs::Weekend | DayIs::Holiday | DayIs::Transferred => false,
        }
    }

    /// The last day of a term of so many working days from `day`, which itself does not count.
    ///
    /// Without days, it is the first working day from `day` on.
    pub fn add_working_days(&self, day: Date, days: u16) -> Date {
        let mut left = days;
        let mut at = day;
        if left == 0 {
            return self.days_off(day).unwrap_or(at);
        }
        // A calendar without working days would otherwise be walked to its end for each question.
        let furthest = day.saturating_add((i64::from(days) * 7 + MOST_DAYS_OFF).days());
        while left > 0 && at < furthest {
            at = at.saturating_add(1.day());
            left -= u16::from(self.works(at));
        }
        at
    }

    /// The working days after `from` up to `until`, that one included.
    pub fn working_days(&self, from: Date, until: Date) -> usize {
        let days = from.saturating_add(1.day()).series(1.day());
        days.take_while(|day| *day <= until).filter(|day| self.works(*day)).count()
    }

    fn days_off(&self, day: Date) -> Option<Date> {
        let furthest = day.saturating_add(MOST_DAYS_OFF.days());
        day.series(1.day()).take_while(|one| *one <= furthest).find(|one| self.works(*one))
    }

    fn holiday(&self, day: Date) -> Option<&YearlyHoliday> {
        self.yearly.iter().find(|holiday| {
            (holiday.month, holiday.day) == (day.month(), day.day()) && holiday.kept().contains(&day)
        })
    }
}

impl YearlyHoliday {
    fn same(&self, other: &Self) -> bool {
        (self.month, self.day, self.from) == (other.month, other.day, other.from)
    }

    fn kept(&self) -> RangeInclusive<Date> {
        self.from..=self.until.unwrap_or(Date::MAX)
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// What the calendar knows before operators say anything.
const SEED: &str = include_str!("../data/calendar.json");

/// Days off do not move further than this.
const LOOK_BACK_DAYS: i64 = 21;

/// A term is not made longer than this by days off in a row.
const MOST_DAYS_OFF: i64 = 366;

/// More than any calendar of the Republic has had.
const MOST_YEARLY: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// A8
    #[test]
    fn holidays_of_the_republic_are_not_worked() {
        let calendar = Calendar::default();
        for off in [
            "2026-01-01",
            "2026-01-02",
            "2026-01-07",
            "2026-03-08",
            "2026-03-21",
            "2026-03-22",
            "2026-03-23",
            "2026-05-01",
            "2026-05-07",
            "2026-05-09",
            "2026-07-06",
            "2026-08-30",
            "2026-10-25",
            "2026-12-16",
            "2026-05-27",
        ] {
            assert_eq!(calendar.at(day(off)), DayIs::Holiday, "{off}");
            assert!(!calendar.why(day(off)).is_empty(), "{off}");
        }
        assert_eq!(calendar.at(day("2026-12-17")), DayIs::Working, "no holiday since 2022");
        assert_eq!(calendar.at(day("2021-12-17")), DayIs::Holiday);
        assert_eq!(calendar.at(day("2021-10-25")), DayIs::Working, "Republic Day came back in 2022");
    }

    /// A8: a holiday that falls on a weekend gives the next working day off.
    #[test]
    fn days_off_that_a_weekend_swallowed_move_to_the_next_working_days() {
        let calendar = Calendar::default();
        // 21 March 2026 is a Saturday, 22 a Sunday, 23 a Monday and itself a holiday.
        assert_eq!(calendar.at(day("2026-03-24")), DayIs::Transferred);
        assert_eq!(calendar.at(day("2026-03-25")), DayIs::Transferred);
        assert_eq!(calendar.at(day("2026-03-26")), DayIs::Working);
        // 8 March 2026 is a Sunday; 7 January 2023 was a Saturday, and stays.
        assert_eq!(calendar.at(day("2026-03-09")), DayIs::Transferred);
        assert_eq!(calendar.at(day("2023-01-09")), DayIs::Working);
        // Over the new year: 1 January 2023 was a Sunday, 2 January a Monday.
        assert_eq!(calendar.at(day("2023-01-03")), DayIs::Transferred);
    }

    /// A8: operators transfer days off.
    #[test]
    fn what_operators_say_of_a_day_stands_until_it_is_taken_back() {
        let mut calendar = Calendar::default();
        let (monday, saturday) = (day("2026-06-08"), day("2026-06-13"));
        let say = |day, kind| CalendarDay { day, kind, note: "Government decree 1".into() };
        calendar.set(say(monday, DayKind::Transferred));
        calendar.set(say(saturday, DayKind::Working));
        assert_eq!((calendar.at(monday), calendar.at(saturday)), (DayIs::Transferred, DayIs::Working));
        assert_eq!(calendar.add_working_days(day("2026-06-05"), 5), saturday);
        calendar.clear(monday);
        assert_eq!(calendar.at(monday), DayIs::Working);
    }

    #[test]
    fn a_yearly_holiday_ends_with_a_date_and_another_begins() {
        let mut calendar = Calendar::plain();
        let mut holiday = YearlyHoliday {
            month: 6,
            day: 10,
            name: "Feast".into(),
            from: day("2027-01-01"),
            until: None,
            weekend: OnWeekend::Stays,
        };
        calendar.set_yearly(holiday.clone());
        holiday.until = Some(day("2027-12-31"));
        calendar.set_yearly(holiday.clone());
        assert_eq!(calendar.yearly().len(), 1);
        assert_eq!(
            [day("2026-06-10"), day("2027-06-10"), day("2028-06-12")].map(|day| calendar.works(day)),
            [true, false, true]
        );
        holiday.day = 31;
        assert_eq!(calendar.check(&holiday), Err(HolidayFault::NoSuchDay));
        holiday = YearlyHoliday { day: 30, until: Some(day("2026-01-01")), ..holiday };
        assert_eq!(calendar.check(&holiday), Err(HolidayFault::EmptyValidity));
    }

    #[test]
    fn a_calendar_without_working_days_does_not_hold_anybody_up() {
        let mut calendar = Calendar::plain();
        for one in day("2026-01-01").series(1.day()).take(3000) {
            calendar.set(CalendarDay { day: one, kind: DayKind::Transferred, note: String::new() });
        }
        assert_eq!(calendar.add_working_days(day("2026-01-01"), 0), day("2026-01-01"));
        assert!(calendar.add_working_days(day("2026-01-01"), 10) < day("2027-04-01"));
        assert_eq!(Calendar::plain().add_working_days(Date::MAX, 5), Date::MAX);
    }

    proptest! {
        /// A8: a term ends on a working day, holds so many of them, and is longer the more it has.
        #[test]
        fn a_term_of_working_days_ends_on_the_working_day_that_completes_it(
            from in 0..20_000_i64, days in 1..60_u16, said in proptest::collection::vec((0..20_400_i64, 0..3_u8), 0..30),
        ) {
            let epoch = day("1995-01-01");
            let mut calendar = Calendar::default();
            for (at, kind) in said {
                let kind = [DayKind::Holiday, DayKind::Working, DayKind::Transferred][usize::from(kind)];
                calendar.set(CalendarDay { day: epoch + at.days(), kind, note: String::new() });
            }
            let from = epoch + from.days();
            let end = calendar.add_working_days(from, days);
            prop_assert!(calendar.works(end));
            prop_assert_eq!(calendar.working_days(from, end), usize::from(days));
            prop_assert!(calendar.add_working_days(from, days - 1) <= end);
            prop_assert_eq!(calendar.add_working_days(end, 3), calendar.add_working_days(from, days + 3));
        }
    }
}
