//! Signatures on agreements: made over the very bytes that the registry keeps, verified before they enter it.

use agreements::{
    Actor, AgreementNumber, Command, ListedUser, Recorded, Side, Signature, UserList, with_papers,
};
use certs::sign::{self, JwsSignature, NotCanonical, SignatureFault, Signer, SigningFault};
use serde::Serialize;
use serde_json::Value;

use super::Office;
use crate::clock;
use crate::registry::Failure;

/// Why a document was not drafted or signed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The document has no canonical form.
    #[error("the document has no canonical form")]
    NotCanonical(#[from] NotCanonical),
    /// There is no such version.
    #[error("no agreement {0} version {1}")]
    Unknown(AgreementNumber, u32),
    /// The key does not sign.
    #[error("the key does not sign")]
    Signing(#[from] SigningFault),
    /// The signature does not stand.
    #[error("the signature does not stand ({})", .0.code())]
    Fault(#[from] SignatureFault),
    /// The signer's certificate names no organisation.
    #[error("the signer's certificate names no organisation")]
    NoOrganisation,
    /// The registry refuses.
    #[error(transparent)]
    Registry(#[from] Failure),
    /// The signature has no JSON form.
    #[error("the signature has no JSON form")]
    Json(#[from] serde_json::Error),
}

impl Office {
    /// Drafts an agreement in its canonical form (RFC 8785), with both systems' papers among its attachments.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn draft(
        &mut self,
        document: &Value,
        actor: &Actor,
        reason: &str,
    ) -> Result<Vec<Recorded>, SignError> {
        let whole = with_papers(document.clone(), self.registry());
        let canonical = String::from_utf8_lossy(&sign::canonical(&whole)?).into_owned();
        Ok(self.issue(Command::DraftAgreement { document: canonical }, actor, reason)?)
    }

    /// Signs a version of an agreement for one side, and enters the signature: for the regulator that is the
    /// concurrence.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(
        &mut self,
        number: &AgreementNumber,
        version: u32,
        side: Side,
        signer: &Signer,
        actor: &Actor,
        reason: &str,
    ) -> Result<Vec<Recorded>, SignError> {
        let document = self.document(number, version)?;
        let made = signer.sign(document.as_bytes(), side, clock::now())?;
        self.enter(number, version, side, &made, actor, reason)
    }

    /// Enters a signature that was made elsewhere.
    ///
    /// # Errors
    /// [`SignError`]: a signature that does not stand never enters the registry.
    pub fn enter(
        &mut self,
        number: &AgreementNumber,
        version: u32,
        side: Side,
        made: &JwsSignature,
        actor: &Actor,
        reason: &str,
    ) -> Result<Vec<Recorded>, SignError> {
        let document = self.document(number, version)?;
        let signature = self.received(document.as_bytes(), side, made)?;
        let number = number.clone();
        let command = match side {
            Side::Consumer | Side::Provider => Command::SignAgreement { number, version, signature },
            Side::Regulator => Command::ConcurInAgreement { number, version, signature },
        };
        Ok(self.issue(command, actor, reason)?)
    }

    /// Signs the canonical form (RFC 8785) of a list, a delegation or an order for one side.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_value(
        &self,
        value: &impl Serialize,
        side: Side,
        signer: &Signer,
    ) -> Result<Signature, SignError> {
        let bytes = sign::canonical(&serde_json::to_value(value)?)?;
        let made = signer.sign(&bytes, side, clock::now())?;
        self.received(&bytes, side, &made)
    }

    /// What the registry keeps of a signature over a value's canonical form that was made elsewhere.
    ///
    /// # Errors
    /// [`SignError`]: a signature that does not stand never enters the registry.
    pub fn receive_value(
        &self,
        value: &impl Serialize,
        side: Side,
        made: &JwsSignature,
    ) -> Result<Signature, SignError> {
        self.received(&sign::canonical(&serde_json::to_value(value)?)?, side, made)
    }

    fn received(&self, bytes: &[u8], side: Side, made: &JwsSignature) -> Result<Signature, SignError> {
        let verified = sign::verify_received(bytes, made, self.trust(), clock::now())?;
        let bin = verified.subject.bin.ok_or(SignError::NoOrganisation)?;
        if verified.role != side {
            return Err(Failure::from(agreements::CommandError::Stranger { found: side, bin }).into());
        }
        Ok(Signature {
            side,
            certificate: verified.fingerprint,
            bin,
            signer: verified.subject.common_name.clone().unwrap_or_default(),
            signed_at: verified.signed_at,
            jws: serde_json::to_value(made)?,
        })
    }

    /// The next list of officials under an agreement, to be signed by the consumer's head.
    ///
    /// # Errors
    /// The registry is at a server, which does not say how many there were.
    pub fn next_list(&self, number: &AgreementNumber, users: Vec<ListedUser>) -> Result<UserList, Failure> {
        let newest = match self.at(|server| server.serial(number)) {
            Some(serial) => serial?,
            None => self.registry().user_list(number).map_or(0, |known| known.list.serial),
        };
        Ok(UserList { agreement: number.clone(), serial: newest.saturating_add(1), users })
    }

    fn document(&self, number: &AgreementNumber, version: u32) -> Result<std::sync::Arc<str>, SignError> {
        if let Some(document) = self.at(|server| server.document(number, version)) {
            return Ok(document.map_err(Failure::from)?);
        }
        let agreement = self.registry().agreement(number, version);
        let agreement = agreement.ok_or_else(|| SignError::Unknown(number.clone(), version))?;
        Ok(agreement.document.text().into())
    }
}
