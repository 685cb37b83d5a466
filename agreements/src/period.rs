//! The access period: when an agreement allows access (Interaction 17.2), in the Republic's civil time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Days and hours when an agreement allows access.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessPeriod {
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub until: Date,
    /// Days of the week; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// Hours of the day; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Hours of the day. Where `until` is not after `from` they run over midnight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First moment.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", example = "09:00:00")]
    pub from: Time,
    /// First moment after.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", example = "18:00:00")]
    pub until: Time,
}

/// Where a moment lies with regard to an access period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Inside.
    Within,
    /// Before the first day.
    Before,
    /// After the last day.
    After,
    /// Between first and last day, but not at this hour or on this day.
    OutsideHours,
}

/// The Republic's civil time.
///
/// # Panics
/// Never: the time zone database is compiled in, and holds this zone.
pub fn almaty() -> TimeZone {
    TimeZone::get("Asia/Almaty").expect("the bundled time zone database holds Asia/Almaty")
}

/// The moment when `day` begins in `zone`.
pub fn start_of(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// The moment when the day after `day` begins in `zone`.
pub fn end_of(day: Date, zone: &TimeZone) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, |next| start_of(next, zone))
}

/// What the clock on the wall shows; quick for moments after the zone's last change.
#[derive(Debug)]
pub(crate) struct WallClock {
    zone: TimeZone,
    settled: Timestamp,
    offset: Offset,
}

impl WallClock {
    pub(crate) fn new(zone: TimeZone) -> Self {
        // A zone that changes its clock every year never settles, and is asked each time.
        let mut changes = zone.following(Timestamp::UNIX_EPOCH).take(MOST_CHANGES);
        let last = changes.by_ref().last();
        let settled = match last {
            Some(change) if zone.following(change.timestamp()).next().is_none() => change.timestamp(),
            Some(_) => Timestamp::MAX,
            None => Timestamp::UNIX_EPOCH,
        };
        let offset = zone.to_offset(settled);
        Self { zone, settled, offset }
    }

    pub(crate) fn at(&self, now: Timestamp) -> DateTime {
        if now >= self.settled { self.offset.to_datetime(now) } else { self.zone.to_datetime(now) }
    }
}

/// More than the Republic's clocks were changed since 1970, daylight saving time included.
const MOST_CHANGES: usize = 200;

/// An access period with its ends as moments: ready to be asked on each call.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    from: Timestamp,
    until: Timestamp,
    days: u8,
    hours: Option<Hours>,
}

impl Window {
    pub(crate) fn new(period: &AccessPeriod, zone: &TimeZone) -> Self {
        let days = match period.days.as_slice() {
            [] => 0x7f,
            named => named.iter().fold(0, |mask, day| mask | 1 << *day as u8),
        };
        Self {
            from: start_of(period.from, zone),
            until: end_of(period.until, zone),
            days,
            hours: period.hours.clone(),
        }
    }

    pub(crate) fn at(&self, now: Timestamp, clock: &WallClock) -> Moment {
        if now < self.from {
            return Moment::Before;
        }
        if now >= self.until {
            return Moment::After;
        }
        if self.days == 0x7f && self.hours.is_none() {
            return Moment::Within;
        }
        let local = clock.at(now);
        let today = local.weekday().to_monday_zero_offset() as u8;
        let yesterday = (today + 6) % 7;
        let named = |day: u8| self.days & (1 << day) != 0;
        let inside = match &self.hours {
            None => named(today),
            Some(Hours { from, until }) if from < until => {
                named(today) && (*from..*until).contains(&local.time())
            }
            // Over midnight: the early hours belong to the day before.
            Some(Hours { from, until }) => {
                (named(today) && local.time() >= *from) || (named(yesterday) && local.time() < *until)
            }
        };
        if inside { Moment::Within } else { Moment::OutsideHours }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(period: &AccessPeriod, moment: &str) -> Moment {
        Window::new(period, &almaty()).at(moment.parse().unwrap(), &WallClock::new(almaty()))
    }

    fn period(days: Vec<Day>, hours: Option<(&str, &str)>) -> AccessPeriod {
        AccessPeriod {
            from: "2026-03-02".parse().unwrap(),
            until: "2026-03-31".parse().unwrap(),
            days,
            hours: hours
                .map(|(from, until)| Hours { from: from.parse().unwrap(), until: until.parse().unwrap() }),
        }
    }

    #[test]
    fn days_begin_and_end_at_midnight_in_almaty() {
        let whole = period(vec![], None);
        assert_eq!(at(&whole, "2026-03-01T18:59:59Z"), Moment::Before);
        assert_eq!(at(&whole, "2026-03-01T19:00:00Z"), Moment::Within);
        assert_eq!(at(&whole, "2026-03-31T18:59:59Z"), Moment::Within);
        assert_eq!(at(&whole, "2026-03-31T19:00:00Z"), Moment::After);
    }

    #[test]
    fn the_wall_clock_shows_what_the_zone_says_before_and_after_every_change() {
        for zone in [almaty(), TimeZone::get("Europe/Berlin").unwrap(), TimeZone::UTC] {
            let clock = WallClock::new(zone.clone());
            let changes: Vec<_> =
                zone.following(Timestamp::UNIX_EPOCH).take(300).map(|one| one.timestamp()).collect();
            for change in changes.into_iter().chain([Timestamp::UNIX_EPOCH]) {
                for nanoseconds in [-1, 0, 1] {
                    let now = change + jiff::Span::new().nanoseconds(nanoseconds);
                    assert_eq!(clock.at(now), zone.to_datetime(now), "{now}");
                }
            }
        }
        let clock = WallClock::new(almaty());
        assert_eq!(clock.settled, "2024-02-29T18:00:00Z".parse().unwrap());
    }

    #[test]
    fn hours_may_run_over_midnight_from_a_named_day() {
        let nights = period(vec![Day::Monday], Some(("22:00", "02:00")));
        assert_eq!(at(&nights, "2026-03-02T17:00:00Z"), Moment::Within); // Monday 22:00
        assert_eq!(at(&nights, "2026-03-02T20:59:59Z"), Moment::Within); // Tuesday 01:59
        assert_eq!(at(&nights, "2026-03-02T21:00:00Z"), Moment::OutsideHours);
        assert_eq!(at(&nights, "2026-03-03T17:00:00Z"), Moment::OutsideHours);
    }
}
