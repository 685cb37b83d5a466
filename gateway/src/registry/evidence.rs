//! Signatures as evidence: large, needed rarely, and kept in the store once.
//!
//! A registry that is held in memory names the event in which a signature stands, and the digest of what stands there.

use agreements::{Event, Recorded, Signature};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::store::{Store, StoreError};

/// Where a signature is that was set aside, and the digest of what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'s> {
    event: u64,
    digest: &'s str,
}

/// Leaves of the signature in an event only where it is and its digest; whatever stood there.
pub fn set_aside(recorded: &mut Recorded) {
    let event = recorded.sequence;
    if let Some(signature) = signature_in(&mut recorded.event) {
        signature.jws = Value::String(format!("{event}.{}", digest_of(&signature.jws)));
    }
}

/// The signature in an event of a kind that a registry holds many of; the others keep theirs.
fn signature_in(event: &mut Event) -> Option<&mut Signature> {
    match event {
        Event::AgreementSigned { signature, .. }
        | Event::AgreementConcurred { signature, .. }
        | Event::UsersApproved { signature: Some(signature), .. } => Some(signature),
        _ => None,
    }
}

/// The digest by which a signature is known, whether it was set aside or not.
pub(super) fn known_by(signature: &Signature) -> String {
    place(signature).map_or_else(|| digest_of(&signature.jws), |place| place.digest.to_owned())
}

/// Signatures as they were made.
///
/// # Errors
/// As [`Store::read`]; [`StoreError::Tampered`] if one is not where it was.
pub fn whole(signatures: &[Signature], store: &mut dyn Store) -> Result<Vec<Signature>, StoreError> {
    let one = |signature: &Signature| {
        let jws = whole_one(signature, Some(&mut *store))?;
        let jws = jws.ok_or(StoreError::Tampered(place(signature).map_or(0, |place| place.event)))?;
        Ok(Signature { jws, ..signature.clone() })
    };
    signatures.iter().map(one).collect()
}

/// The signature itself; `None` if it is not where it was.
///
/// # Errors
/// As [`Store::read`].
pub(super) fn whole_one(
    signature: &Signature,
    store: Option<&mut dyn Store>,
) -> Result<Option<Value>, StoreError> {
    let Some(place) = place(signature) else { return Ok(Some(signature.jws.clone())) };
    let Some(store) = store else { return Ok(None) };
    let before = place.event.checked_sub(1).ok_or(StoreError::Tampered(place.event))?;
    let mut event = store.read(before, 1)?.pop();
    let kept = event.as_mut().and_then(|event| signature_in(&mut event.event));
    Ok(kept.map(|kept| kept.jws.take()).filter(|jws| digest_of(jws) == place.digest))
}

fn place(signature: &Signature) -> Option<Place<'_>> {
    let (event, digest) = signature.jws.as_str()?.split_once('.')?;
    Some(Place { event: event.parse().ok()?, digest })
}

fn digest_of(jws: &Value) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jws.to_string().as_bytes()))
}
