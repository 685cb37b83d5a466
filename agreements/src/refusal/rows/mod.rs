//! The refusals that rules cause. Codes are stable: they are never renamed and never reused.

mod agreed;
mod data;
mod prescription;
mod readiness;
mod standing;
mod why;

pub use self::agreed::*;
pub use self::data::*;
pub use self::prescription::*;
pub use self::readiness::*;
pub use self::standing::*;
pub use self::why::*;
use super::Row;

/// All of them, in the order in which a call is judged.
pub const ALL: &[&Row] = &[
    &CERTIFICATE_NOT_REGISTERED,
    &SYSTEM_SUSPENDED,
    &SYSTEM_DECOMMISSIONED,
    &WRONG_ENVIRONMENT,
    &NETWORK_NOT_REGISTERED,
    &ATTESTATION_MISSING,
    &ATTESTATION_ENDED,
    &ATTESTATION_WITHDRAWN,
    &QUALITY_CERTIFICATE_MISSING,
    &QUALITY_CERTIFICATE_ENDED,
    &QUALITY_CERTIFICATE_WITHDRAWN,
    &PROVIDER_UNKNOWN,
    &PROVIDER_WITHOUT_ENDPOINT,
    &NO_AGREEMENT,
    &AGREEMENT_NOT_CONCURRED,
    &AGREEMENT_UNPROVEN,
    &AGREEMENT_SUSPENDED,
    &AGREEMENT_TERMINATED,
    &AGREEMENT_NOT_YET_IN_FORCE,
    &AGREEMENT_EXPIRED,
    &OUTSIDE_ACCESS_HOURS,
    &PRESCRIPTION_SUSPENDS,
    &PRESCRIPTION_OVERDUE,
    &PRESCRIPTION_LIMITS,
    &READINESS_MISSING,
    &READINESS_FAILED,
    &READINESS_OUTDATED,
    &READINESS_STALE,
    &DATA_TYPE_NOT_AGREED,
    &OPERATION_UNKNOWN,
    &OPERATION_NOT_AGREED,
    &PARAMETER_NOT_DECLARED,
    &PARAMETER_MISSING,
    &STATE_SECRET,
    &CATEGORY_RAISED,
    &PURPOSE_MISSING,
    &PURPOSE_NOT_AGREED,
    &COLLECTION_PURPOSE_MISMATCH,
    &CASE_MISSING,
    &BASIS_NOT_IN_FORCE,
    &BASIS_LAPSED,
    &USER_MISSING,
    &USERS_UNPROVEN,
    &USER_NOT_LISTED,
    &USER_NOT_TRAINED,
];
