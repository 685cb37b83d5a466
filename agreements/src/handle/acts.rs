//! What the regulator lays down beforehand: the dated register of acts, and templates.

use jiff::civil::Date;

use super::{Check, CommandError};
use crate::{Act, ActId, Event, Purpose, Template, TermKind};

impl Check<'_> {
    pub(super) fn record_act(&self, act: Act) -> Result<Event, CommandError> {
        // B10: what it is as a basis is not for the drafter of an agreement to say.
        if act.kind.is_none() {
            return Err(CommandError::ActUnfit("does not say of which kind it is as a basis"));
        }
        if let Some(fault) = act.fault() {
            return Err(CommandError::ActUnfit(fault));
        }
        if let Some(sector) = act.sector {
            self.holder(sector)?;
        }
        match self.registry.act(&act.id, &act.version) {
            Some(known) if known.kind.is_some() => {
                return Err(CommandError::Exists { what: format!("act {} {}", act.id, act.version) });
            }
            Some(known) if !act.completes(known) => {
                return Err(CommandError::ActUnfit("is recorded already, and differs in more than its kind"));
            }
            Some(_) | None => {}
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

    pub(super) fn publish_template(&self, template: Template) -> Result<Event, CommandError> {
        if let Some(fault) = template.fault() {
            return Err(CommandError::TemplateUnfit(fault));
        }
        for one in &template.data {
            if self.registry.published(&one.provider, &one.data_type).is_none() {
                let what = format!("data type {} of {}", one.data_type, one.provider);
                return Err(CommandError::Unknown { what });
            }
        }
        // Recalled ones count: no version says two things.
        let newest = self.registry.templates_of(&template.purpose).next_back();
        let newest = newest.map_or(0, |known| known.version);
        if template.version != newest.saturating_add(1) {
            return Err(CommandError::TemplateUnfit("has a version that is not the next of its purpose"));
        }
        Ok(Event::TemplatePublished { template })
    }

    /// The version is named, so that nobody recalls one that they have not seen.
    pub(super) fn recall_template(&self, purpose: Purpose, version: u32) -> Result<Event, CommandError> {
        let known = self.registry.templates_of(&purpose).any(|one| one.version == version);
        if !known {
            return Err(CommandError::Unknown { what: format!("template {version} of {purpose}") });
        }
        if self.registry.template(&purpose).is_none_or(|holds| holds.version != version) {
            return Err(CommandError::TemplateUnfit(
                "does not hold: another came after it, or it was recalled",
            ));
        }
        Ok(Event::TemplateRecalled { purpose, version })
    }
}
