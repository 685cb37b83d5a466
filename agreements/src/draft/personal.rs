//! What a draft lacks where personal data passes (Law 4.2.11, 5.12).

use super::{Problem, problem};
use crate::{
    AgreementText, Category, DataType, Grant, PersonalData, PersonalDataClause, Registry, SubjectPlace,
};

/// A data type about persons that a draft grants, as published.
struct Granted<'d> {
    grant: &'d Grant,
    data_type: &'d DataType,
    category: Category,
}

pub(super) fn judge(text: &AgreementText, registry: &Registry, problems: &mut Vec<Problem>) {
    let granted: Vec<_> = granted(text, registry).collect();
    for one in &granted {
        match &one.data_type.personal {
            Some(personal) => collected(text, one, personal, problems),
            None => {
                let Granted { grant, category, .. } = one;
                let message = format!(
                    "{} is {category:?}, and version {} does not say what for it was collected: grant one that does",
                    grant.data_type, grant.version
                );
                problem(problems, "data", "Law 4.2.11", message);
            }
        }
        if !text.limits_users() {
            let message =
                format!("{}: personal data needs listed officials, or consent", one.grant.data_type);
            problem(problems, "protection", "HR 20-21; Law 4.2.11", message);
        }
        // What a provider adds one day would pass as well.
        let all = |field: &&String| field.is_empty() || field.ends_with("/*");
        let fields =
            one.grant.fields.iter().chain(one.grant.request_fields.iter().flat_map(|named| named.iter()));
        if let Some(field) = fields.into_iter().find(all) {
            let message =
                format!("{}: personal data is named field by field, not by {field:?}", one.grant.data_type);
            problem(problems, "data", "Law 4.2.11", message);
        }
    }
    consent(text, registry, &granted, problems);
    if let Some(clause) = &text.personal_data {
        listed(clause, &granted, problems);
    }
}

fn granted<'d>(text: &'d AgreementText, registry: &'d Registry) -> impl Iterator<Item = Granted<'d>> {
    text.data.iter().filter_map(|grant| {
        let data_type = registry.data_type(&text.provider, &grant.data_type, grant.version)?;
        let category = registry.category(&text.provider, &grant.data_type).unwrap_or(data_type.category);
        data_type.holds_personal(category).then_some(Granted { grant, data_type, category })
    })
}

/// B2, B7: the purpose for which the data was collected is stated, and each purpose of the agreement serves it.
fn collected(
    text: &AgreementText,
    granted: &Granted<'_>,
    personal: &PersonalData,
    problems: &mut Vec<Problem>,
) {
    let (data_type, collected) = (&granted.grant.data_type, &personal.collection_purpose);
    match &text.personal_data {
        None => {
            let message = format!("{data_type} holds personal data: state its collection purpose");
            problem(problems, "personal_data", "Law 4.2.11", message);
        }
        Some(clause) if clause.collection_purpose != *collected => {
            let message = format!("{data_type} was collected for {collected}");
            problem(problems, "personal_data", "Law 4.2.11", message);
        }
        Some(_) => {}
    }
    for purpose in text.purposes.iter() {
        if purpose.collection_purpose.as_ref() != Some(collected) {
            let message = format!("{} does not serve {collected}", purpose.code);
            problem(problems, "purposes", "Law 4.2.11", message);
        }
    }
}

/// B2, Law 5.12: each field that passes has its item of the approved list, itself or by one above it.
fn listed(clause: &PersonalDataClause, granted: &[Granted<'_>], problems: &mut Vec<Problem>) {
    let mut wrong = |message: String| problem(problems, "personal_data", "Law 5.12", message);
    if clause.fields.is_empty() {
        return wrong("name the personal fields, each with its item of the approved list".into());
    }
    for field in &clause.fields {
        if !field.field.starts_with('/') {
            wrong(format!("{:?} is not a JSON Pointer to a field", field.field));
        }
        if field.approved_list_item.trim().is_empty() {
            wrong(format!("{}: no item of the approved list", field.field));
        }
    }
    for Granted { grant, .. } in granted {
        // What is no pointer, or names no field, is told elsewhere.
        let named = grant.fields.iter().filter(|field| field.starts_with('/'));
        let bare = named.filter(|released| !clause.fields.iter().any(|one| covers(&one.field, released)));
        let bare: Vec<_> = bare.take(FIELDS_TOLD).map(String::as_str).collect();
        if !bare.is_empty() {
            let (data_type, fields) = (&grant.data_type, bare.join(", "));
            wrong(format!("{data_type} releases {fields}: name the item of the approved list"));
        }
    }
}

/// Whether a field is another, or above it.
fn covers(listed: &str, released: &str) -> bool {
    let below = released.strip_prefix(listed).filter(|_| !listed.is_empty());
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// B7: who gives consents out, and that each request names one person, whose consent it can be.
fn consent(text: &AgreementText, registry: &Registry, granted: &[Granted<'_>], problems: &mut Vec<Problem>) {
    let Some(consent) = text.personal_data.as_ref().and_then(|clause| clause.consent.as_ref()) else {
        return;
    };
    let mut wrong = |message: String| problem(problems, "personal_data", "Law 4.2.11", message);
    if !(1..=ISSUERS).contains(&consent.issuers.len()) {
        wrong(format!("name 1 to {ISSUERS} systems that give consents out"));
    }
    for issuer in &consent.issuers {
        if *issuer == text.consumer {
            wrong(format!("{issuer} asks: it cannot consent in the person's place"));
        } else if registry.system(issuer).is_none() {
            wrong(format!("{issuer}, which would give consents out, is not registered"));
        }
    }
    if granted.is_empty() {
        wrong("no personal data passes: there is nothing to consent to".into());
    }
    for Granted { grant, data_type, .. } in granted {
        for operation in data_type.operations.iter().filter(|one| grant.operations.contains(&one.id)) {
            let named = match &operation.subject {
                Some(SubjectPlace::Path(_) | SubjectPlace::Query(_) | SubjectPlace::Body(_)) => true,
                Some(SubjectPlace::Response(_)) | None => false,
            };
            if !named {
                let operation = &operation.id;
                wrong(format!("{}: requests of {operation} name nobody who could consent", grant.data_type));
            }
        }
    }
}

/// Most systems that give consents out.
const ISSUERS: usize = 10;
/// Most fields of a data type that a problem names.
const FIELDS_TOLD: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_field_covers_itself_and_what_is_below_it() {
        for (listed, released, covered) in [
            ("/name", "/name", true),
            ("/orders", "/orders/*/date", true),
            ("/orders/*", "/orders/*/date", true),
            ("/orders/*/date", "/orders/*/date", true),
            ("/orders/*/date", "/orders", false),
            ("/name", "/names", false),
            ("/name", "/other/name", false),
            ("/", "/name", false),
            ("", "/name", false),
        ] {
            assert_eq!(covers(listed, released), covered, "{listed} {released}");
        }
    }
}
