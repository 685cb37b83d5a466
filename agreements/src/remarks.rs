//! What may be agreed on and had better be thought of: said beside a draft that can be signed, and in nobody's way.

use crate::{AgreementText, Payload, Problem, Registry};

/// What a draft leaves open that it could close.
pub fn remarks(text: &AgreementText, registry: &Registry) -> Vec<Problem> {
    // B7: what the agreement does not name does not pass; whoever names nothing of requests has the schema as the only bound.
    let open = text.data.iter().filter(|grant| grant.request_fields.is_none()).filter(|grant| {
        let data_type = registry.data_type(&text.provider, &grant.data_type, grant.version);
        let mut operations = data_type.iter().flat_map(|data_type| &data_type.operations);
        operations.any(|one| {
            grant.operations.contains(&one.id) && one.request.as_ref().is_some_and(Payload::has_json)
        })
    });
    let remark = |data_type| Problem {
        field: "data".into(),
        clause: "Law 4.2.11",
        message: format!(
            "{data_type}: requests pass with all that its schema lets be; request_fields could name what is needed"
        ),
    };
    open.map(|grant| remark(&grant.data_type)).collect()
}
