//! What the registry holds beside the plain nouns: data types with their versions, agreements with their history.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AgreementDocument;
use crate::{
    Actor, AgreementNumber, AgreementText, Category, DataType, Protocol, Readiness, Ruled, Side, Signature,
    Stage, SystemId,
};

/// A data type with all its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Published {
    /// Its category now, for all versions: a new version can raise it, only its holder's decision lowers it.
    pub category: Category,
    /// Its versions.
    pub versions: BTreeMap<u32, Arc<DataType>>,
}

/// A version of an agreement with what happened to it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Agreement {
    /// Its canonical form (RFC 8785): the bytes that are signed.
    #[schema(value_type = String)]
    pub document: AgreementDocument,
    /// The systems it binds.
    pub header: Header,
    /// Its typed form, from its first signature on.
    #[serde(skip_deserializing, serialize_with = "super::kept::typed")]
    pub text: Option<Arc<AgreementText>>,
    /// Where it stands.
    pub stage: Stage,
    /// Its signatures, in the order in which they came.
    pub signatures: Vec<Signature>,
    /// The regulator's remarks of earlier builds; those of now are in its ruling.
    pub remarks: Vec<String>,
    /// What the regulator decided by a statement of its own.
    pub ruled: Option<Box<Ruled>>,
    /// The protocol of disagreement.
    pub protocol: Option<Box<Protocol>>,
    /// Attestations and quality certificates as attached at submission.
    pub conformity: Vec<String>,
    /// The newest readiness check of its systems (B5).
    pub readiness: Option<Readiness>,
    /// Each step: when, who, why.
    #[serde(skip_deserializing, serialize_with = "super::kept::steps")]
    pub history: Vec<Step>,
}

impl Agreement {
    /// Where it stands on a day, as it is shown: what was agreed has expired once its period is over.
    pub fn stage_on(&self, day: Date) -> Stage {
        let over = self.text.as_ref().is_some_and(|text| text.access_period.until < day);
        match &self.stage {
            Stage::Concurred | Stage::Suspended if over => Stage::Expired,
            stage => stage.clone(),
        }
    }

    /// Whether the regulator has agreed to it, in either way.
    pub fn is_agreed(&self) -> bool {
        let ruled = self.ruled.as_ref().is_some_and(|ruled| ruled.text.ruling.agrees());
        ruled || self.signatures.iter().any(|signature| signature.side == Side::Regulator)
    }

    /// Somebody whom the agreement names as a signer of a side, and who has not signed.
    pub fn unsigned(&self, side: Side) -> Option<&str> {
        let named = self.text.as_ref()?.signers.of(side);
        let signed = |name: &&String| {
            self.signatures.iter().any(|signature| signature.side == side && signature.signer == **name)
        };
        named.iter().find(|name| !signed(name)).map(String::as_str)
    }
}

/// What every draft must at least say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Header {
    /// Its number.
    pub number: AgreementNumber,
    /// Its version.
    pub version: u32,
    /// The system that asks.
    pub consumer: SystemId,
    /// The system that answers.
    pub provider: SystemId,
}

/// A step in an agreement's life (B9).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Step {
    /// Where it led.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
    /// Who took it.
    pub actor: Arc<Actor>,
    /// Why.
    pub reason: Arc<str>,
}
