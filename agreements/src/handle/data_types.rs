//! Data types: what may be published, and its category.

use std::collections::BTreeSet;

use super::{Check, CommandError};
use crate::{ANY_DOCUMENT, Category, DataType, DataTypeId, Documents, Event, Payload, SystemId};

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
        let Some(published) = self.registry.published(&provider, &data_type) else {
            return Err(CommandError::Unknown { what: format!("data type {provider}/{data_type}") });
        };
        // B7, B8: what is about persons bears their mark, and says what for it was collected.
        let wrong = |why: &str| Err(CommandError::DataType(data_type.to_string(), why.to_owned()));
        let newest = published.versions.values().next_back();
        if category.is_personal() && newest.is_none_or(|newest| newest.personal.is_none()) {
            return wrong(
                "its newest version does not say what for personal data was collected: publish one",
            );
        }
        let personal = published.versions.values().any(|version| version.personal.is_some());
        if personal && category < Category::Personal {
            return wrong("it holds personal data: its category is personal at least");
        }
        Ok(Event::DataTypeCategorised { provider, data_type, category })
    }

    fn publishable(&self, data_type: &DataType) -> Result<(), CommandError> {
        self.own(&data_type.provider)?;
        let wrong = |why: &str| Err(CommandError::DataType(data_type.id.to_string(), why.to_owned()));
        let published = self.registry.published(&data_type.provider, &data_type.id);
        let newest = published.and_then(|known| known.versions.keys().last().copied()).unwrap_or(0);
        if data_type.version != newest + 1 {
            return wrong(&format!("version {} is the next", newest + 1));
        }
        // A new version lowers no category.
        let category = published.map_or(data_type.category, |known| known.category.max(data_type.category));
        if (category.is_personal() || data_type.category.is_personal()) && data_type.personal.is_none() {
            return wrong("it is personal data: say what for it was collected");
        }
        if data_type.personal.is_some() && data_type.category < Category::Personal {
            return wrong("it holds personal data: its category is personal at least");
        }
        if data_type.operations.is_empty() {
            return wrong("it has no operation");
        }
        for (at, operation) in data_type.operations.iter().enumerate() {
            if data_type.operations[..at].iter().any(|earlier| earlier.id == operation.id) {
                return wrong(&format!("operation {} stands twice", operation.id));
            }
            // B2.1: a call is one operation, not the one that happens to stand first.
            let unclear = data_type.operations[..at].iter().find(|earlier| {
                let (one, other) = (&earlier.path, &operation.path);
                earlier.method == operation.method
                    && one.overlaps(other)
                    && !one.is_narrower_than(other)
                    && !other.is_narrower_than(one)
            });
            if let Some(earlier) = unclear {
                let why = format!("operations {} and {} have paths in common", earlier.id, operation.id);
                return wrong(&format!("{why}, and neither is the narrower one"));
            }
            // D4: the record names the subject by a keyed hash, which it takes from there.
            if !operation.names_subject() {
                return wrong(&format!("operation {} names its subject nowhere", operation.id));
            }
            if let Some(fault) = operation.parameters_fault().or_else(|| operation.sample_fault()) {
                return wrong(&format!("operation {}: {fault}", operation.id));
            }
            if operation.repeats.is_some() && operation.method.is_safe() {
                return wrong(&format!(
                    "operation {} changes nothing, so it needs no rule for repeats",
                    operation.id
                ));
            }
            for (side, payload) in [(Side::Asked, &operation.request), (Side::Answered, &operation.response)]
            {
                if let Some(flaw) = payload.as_ref().and_then(|payload| flaw(side, payload)) {
                    return wrong(&format!("operation {}: {flaw}", operation.id));
                }
            }
        }
        Ok(())
    }
}

/// Which body of an operation a payload is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Asked,
    Answered,
}

/// Why a payload cannot be published, if it cannot.
fn flaw(side: Side, payload: &Payload) -> Option<&'static str> {
    let Some(documents) = &payload.documents else {
        return if payload.schema.is_null() {
            Some("JSON needs a schema")
        } else if payload.max_bytes > MOST_JSON_BYTES {
            Some("a JSON payload of more than 8 MiB would hold up all others while it is validated")
        } else {
            None
        };
    };
    let card = match payload.media_type.as_str() {
        ANY_DOCUMENT => None,
        "multipart/form-data" | "multipart/related" => Some(&payload.schema),
        _ => return Some("documents are */*, multipart/form-data or multipart/related"),
    };
    if card.is_some() && side == Side::Answered {
        // B7: what a card says would have to be trimmed, and the files named one by one.
        return Some("an answer is JSON or one document, not both");
    }
    if card.is_some() == payload.schema.is_null() {
        return Some("a card needs a schema, and a document by itself has none");
    }
    let once = documents.formats.iter().collect::<BTreeSet<_>>().len() == documents.formats.len();
    if documents.formats.is_empty() || !once {
        return Some("the formats of its documents are some, each named once");
    }
    if !(1..=Documents::MOST_FILES).contains(&documents.max_files)
        || card.is_none() && documents.max_files != 1
    {
        return Some("beside a card are 1 to 64 files, and a document by itself is one");
    }
    if !(1..=Documents::MOST_FILE_BYTES).contains(&documents.max_file_bytes) {
        return Some("one document has 1 to 62914560 bytes (60 MiB)");
    }
    if !(documents.max_file_bytes..=Documents::MOST_BODY_BYTES).contains(&payload.max_bytes) {
        return Some("max_bytes is that of the body: no less than max_file_bytes, and 512 MiB at most");
    }
    None
}

/// Most bytes of a JSON body.
const MOST_JSON_BYTES: u64 = 8 << 20;
