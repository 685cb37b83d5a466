//! Organisations and those who act for them.

use super::{Check, CommandError};
use crate::{Bin, Event, Operator};

impl Check<'_> {
    pub(super) fn register_operator(&self, operator: Operator) -> Result<Event, CommandError> {
        self.holder(operator.holder)?;
        Ok(Event::OperatorRegistered { operator })
    }

    pub(super) fn name_regulator(&self, bin: Bin) -> Result<Event, CommandError> {
        self.holder(bin)?;
        if self.registry.regulator().is_some() {
            return Err(CommandError::Exists { what: "the regulator".into() });
        }
        Ok(Event::RegulatorNamed { bin })
    }
}
