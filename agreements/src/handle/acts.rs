//! The dated register of acts.

use jiff::civil::Date;

use super::{Check, CommandError};
use crate::{Act, ActId, Event, TermKind};

impl Check<'_> {
    pub(super) fn record_act(&self, act: Act) -> Result<Event, CommandError> {
        if self.registry.act(&act.id, &act.version).is_some() {
            return Err(CommandError::Exists { what: format!("act {} {}", act.id, act.version) });
        }
        Ok(Event::ActRecorded { act })
    }

    pub(super) fn repeal_act(
        &self,
        act: ActId,
        version: String,
        last_day: Date,
        successor: Option<ActId>,
        agreements_until: Option<Date>,
    ) -> Result<Event, CommandError> {
        if self.registry.act(&act, &version).is_none() {
            return Err(CommandError::Unknown { what: format!("act {act} {version}") });
        }
        if agreements_until.is_some_and(|day| day < last_day) {
            return Err(CommandError::EmptyValidity { number: format!("act {act} {version}") });
        }
        // B10: nobody has time who does not know yet.
        let known = last_day.max(self.today());
        let term = self.registry.terms().on(TermKind::Basis, known);
        let agreements_until = agreements_until.or_else(|| Some(term?.due(known, self.registry.calendar())));
        Ok(Event::ActRepealed { act, version, last_day, successor, agreements_until })
    }
}
