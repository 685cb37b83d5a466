//! Data types: what may be published, and its category.

use super::{Check, CommandError};
use crate::{Category, DataType, DataTypeId, Event, SubjectPlace, SystemId};

impl Check<'_> {
    pub(super) fn publish(&self, data_type: DataType) -> Result<Event, CommandError> {
        self.publishable(&data_type)?;
        Ok(Event::DataTypePublished { data_type })
    }

    pub(super) fn categorise(
        &self,
        provider: SystemId,
        data_type: DataTypeId,
        category: Category,
    ) -> Result<Event, CommandError> {
        self.own(&provider)?;
        if self.registry.category(&provider, &data_type).is_none() {
            return Err(CommandError::Unknown { what: format!("data type {provider}/{data_type}") });
        }
        Ok(Event::DataTypeCategorised { provider, data_type, category })
    }

    fn publishable(&self, data_type: &DataType) -> Result<(), CommandError> {
        self.own(&data_type.provider)?;
        let wrong = |why: &str| Err(CommandError::DataType(data_type.id.to_string(), why.to_owned()));
        let newest = self
            .registry
            .published(&data_type.provider, &data_type.id)
            .and_then(|published| published.versions.keys().last().copied())
            .unwrap_or(0);
        if data_type.version != newest + 1 {
            return wrong(&format!("version {} is the next", newest + 1));
        }
        if data_type.operations.is_empty() {
            return wrong("it has no operation");
        }
        for (at, operation) in data_type.operations.iter().enumerate() {
            if data_type.operations[..at].iter().any(|earlier| earlier.id == operation.id) {
                return wrong(&format!("operation {} stands twice", operation.id));
            }
            // D4: the record names the subject by a keyed hash, which it takes from there.
            let named = match &operation.subject {
                None => true,
                Some(SubjectPlace::Path(name)) => operation.path.has_place(name),
                Some(SubjectPlace::Query(name)) => operation.query.iter().any(|one| one.name == *name),
            };
            if !named {
                return wrong(&format!("operation {} names its subject nowhere", operation.id));
            }
            if let Some(fault) = operation.sample_fault() {
                return wrong(&format!("operation {}: {fault}", operation.id));
            }
            for payload in [&operation.request, &operation.response].into_iter().flatten() {
                if payload.max_bytes > 8 << 20 {
                    return wrong(
                        "a JSON payload of more than 8 MiB would hold up all others while it is validated",
                    );
                }
            }
        }
        Ok(())
    }
}
