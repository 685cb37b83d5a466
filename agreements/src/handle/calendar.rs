//! The calendar and the terms (A8).

use super::{Check, CommandError};
use crate::{CalendarDay, Event, Term, YearlyHoliday};

impl Check<'_> {
    pub(super) fn set_calendar_day(&self, day: CalendarDay) -> Result<Event, CommandError> {
        said(&day.note)?;
        Ok(Event::CalendarDaySet { day })
    }

    pub(super) fn set_yearly_holiday(&self, holiday: YearlyHoliday) -> Result<Event, CommandError> {
        said(&holiday.name)?;
        let fault = self.registry.calendar().check(&holiday);
        fault.map_err(|fault| CommandError::Calendar { what: holiday.name.clone(), fault })?;
        Ok(Event::YearlyHolidaySet { holiday })
    }

    pub(super) fn set_term(&self, term: Term) -> Result<Event, CommandError> {
        said(&term.clause)?;
        if term.days == 0 || term.days > MOST_DAYS {
            return Err(CommandError::NothingSaid);
        }
        Ok(Event::TermSet { term })
    }
}

/// A holiday has a name, a transfer a decision, a term a clause.
fn said(text: &str) -> Result<(), CommandError> {
    let good = !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if good { Ok(()) } else { Err(CommandError::NothingSaid) }
}

/// No term of the acts comes near a year.
const MOST_DAYS: u16 = 366;
