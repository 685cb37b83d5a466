//! What an agreement lets pass, compiled: schemas and released fields of its operations, made when first needed.

use std::sync::{Arc, LazyLock, OnceLock};

use agreements::{AgreementPage, DataType, Excess, GrantPage, JsonText, Permit, SubjectPlace};
use aws_lc_rs::digest::{SHA256, digest};

use super::parameters::Parameters;
use crate::payload::{Limits, Place, Schema, SchemaCache, Selection};

/// The compiled side of one version of an agreement.
#[derive(Debug)]
pub struct Contract {
    grants: Box<[OnceLock<Compiled>]>,
}

/// The operations of one grant, once they were compiled.
type Compiled = Result<Vec<Terms>, Unusable>;

/// What may pass in one operation.
#[derive(Debug)]
pub struct Terms {
    /// What a request's body must be, or its card, where documents come beside one.
    pub request: Option<Arc<Schema>>,
    /// What a response's body must be.
    pub response: Option<Arc<Schema>>,
    /// The fields of a response that are released.
    pub released: Arc<Selection>,
    /// What becomes of a response that holds more.
    pub excess: Excess,
    /// The fields of a request that reach its provider, where the agreement names any.
    pub named: Option<Arc<Selection>>,
    /// What becomes of a request that holds more.
    pub request_excess: Excess,
    /// Where a request's body names persons.
    pub asked_about: Option<Place>,
    /// Where a response's body names persons.
    pub told_about: Option<Place>,
    /// What must stand in the path and the query, where the data type says so.
    pub parameters: Option<Box<Parameters>>,
}

/// A schema or field list that cannot be compiled: the data type's or the agreement's fault.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the data type cannot be checked: {0}")]
pub struct Unusable(String);

impl Unusable {
    /// An agreement that the view has no gate for: its systems are not registered.
    pub fn unknown() -> Self {
        Self("the agreement's systems are not registered".into())
    }
}

impl Contract {
    /// The contract of an agreement; nothing is compiled yet.
    pub fn new(page: &AgreementPage) -> Self {
        Self { grants: page.grants().iter().map(|_| OnceLock::new()).collect() }
    }

    /// What may pass in the operation that a permit allows.
    ///
    /// # Errors
    /// [`Unusable`]: refuse, since nothing can be checked.
    pub fn terms(&self, permit: &Permit<'_>) -> Result<&Terms, Unusable> {
        let grants = permit.agreement().grants();
        let at = grants.iter().position(|grant| std::ptr::eq(grant, permit.grant()));
        let slot =
            at.and_then(|at| self.grants.get(at)).ok_or_else(|| Unusable("not of this agreement".into()))?;
        let compiled = slot.get_or_init(|| compile(permit.grant())).as_ref();
        compiled
            .map_err(Clone::clone)?
            .get(permit.operation_at())
            .ok_or_else(|| Unusable("no such operation".into()))
    }
}

fn compile(grant: &GrantPage) -> Result<Vec<Terms>, Unusable> {
    let data_type: &DataType = &grant.data_type;
    let selection = |fields: &[String]| match Selection::parse(fields) {
        Ok(selection) => Ok(Arc::new(selection)),
        Err(error) => Err(Unusable(error.to_string())),
    };
    let released = selection(&grant.fields)?;
    let named = grant.request_fields.as_deref().map(selection).transpose()?;
    let place = |pointer: &String| Place::parse(pointer).map_err(|error| Unusable(error.to_string()));
    let compiled = |schema: &JsonText| {
        let key = digest(&SHA256, schema.as_str().as_bytes());
        let key = <[u8; 32]>::try_from(key.as_ref()).expect("SHA-256 has 32 bytes");
        SCHEMAS.compiled(key, || schema.value()).map_err(|error| Unusable(error.to_string()))
    };
    let schema = |payload: &Option<agreements::Payload>| match payload {
        None => Ok(None),
        // C4: a document by itself has none; that it has one otherwise was checked when it was published.
        Some(payload) if payload.documents.is_some() && payload.schema.is_null() => Ok(None),
        Some(payload) => compiled(&payload.schema).map(Some),
    };
    let terms = data_type.operations.iter().map(|operation| {
        let (asked_about, told_about) = match &operation.subject {
            Some(SubjectPlace::Body(at)) => (Some(place(at)?), None),
            Some(SubjectPlace::Response(at)) => (None, Some(place(at)?)),
            Some(SubjectPlace::Path(_) | SubjectPlace::Query(_)) | None => (None, None),
        };
        Ok(Terms {
            request: schema(&operation.request)?,
            response: schema(&operation.response)?,
            released: Arc::clone(&released),
            excess: grant.excess,
            named: named.clone(),
            request_excess: grant.request_excess,
            asked_about,
            told_about,
            parameters: Parameters::of(operation, compiled)?,
        })
    });
    terms.collect()
}

/// Agreements on one data type share its compiled schemas. Most at once: 4096, the rest is compiled again.
static SCHEMAS: LazyLock<SchemaCache> = LazyLock::new(|| SchemaCache::new(4096, Limits::default()));
