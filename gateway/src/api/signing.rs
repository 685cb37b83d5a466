//! Signatures that come by the API: the signature alone is taken, and what it proves is found out here.

use agreements::{
    Agreement, AgreementNumber, Bin, Command, CommandError, CommandName, Registry, Side, Signature,
};
use certs::sign::{self, JwsSignature, SignatureFault, VerifiedSignature};
use serde_json::{Map, Value};

use super::asked::read;
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;

/// Makes the command that enters a signature, from the signature itself: whose it is, for which side and when comes
/// from what was signed, never from what the sender says beside it.
///
/// # Errors
/// One of [`CODES`].
pub(super) fn command(
    shared: &Shared,
    name: CommandName,
    mut fields: Map<String, Value>,
) -> Result<Command, Problem> {
    if fields.contains_key("signature") {
        return Err(Problem::new("body-malformed", "signature: send jws, and nothing about it"));
    }
    let jws = fields.remove("jws").ok_or_else(|| Problem::new("body-malformed", "missing field `jws`"))?;
    let made: JwsSignature = read(jws)?;
    let number: AgreementNumber = read(fields.get("number").cloned().unwrap_or_default())
        .map_err(|_: Problem| Problem::new("body-malformed", "number: the agreement's"))?;
    let version: u32 = read(fields.get("version").cloned().unwrap_or_default())
        .map_err(|_: Problem| Problem::new("body-malformed", "version: the agreement's"))?;
    let signature = shared.newest(|registry| {
        let agreement = registry.agreement(&number, version).ok_or_else(|| {
            Problem::from(CommandError::Unknown { what: format!("agreement {number} version {version}") })
        })?;
        proven(shared, registry, agreement, &made)
    })?;
    let signature = serde_json::to_value(signature)
        .map_err(|error| Problem::new("signature-malformed", error.to_string()))?;
    fields.insert("signature".into(), signature);
    super::commands::plain(name, fields)
}

fn proven(
    shared: &Shared,
    registry: &Registry,
    agreement: &Agreement,
    made: &JwsSignature,
) -> Result<Signature, Problem> {
    let verified = verify(shared, registry, agreement, made)?;
    let (number, version) = (&agreement.header.number, agreement.header.version);
    let newest = registry.versions(number).last().map_or(version, |newest| newest.header.version);
    if newest > version {
        let detail = format!("version {version} of {number} was signed; {newest} is the newest");
        return Err(Problem::new("signature-of-old-version", detail));
    }
    let bin = verified.subject.bin;
    let parties = parties(registry, agreement);
    let theirs = |side: Side| parties.iter().any(|(known, holder)| *known == side && *holder == bin);
    match bin {
        Some(_) if theirs(verified.role) => {}
        Some(bin) if parties.iter().any(|(_, holder)| *holder == Some(bin)) => {
            let detail = format!("{bin} signed as the {}, which it is not", verified.role.as_str());
            return Err(Problem::new("signature-wrong-side", detail));
        }
        Some(bin) => {
            let detail = format!("{bin} is no party to {number}");
            return Err(Problem::new("signature-by-stranger", detail));
        }
        None => return Err(Problem::new("signature-by-stranger", "the certificate names no organisation")),
    }
    let bin =
        bin.ok_or_else(|| Problem::new("signature-by-stranger", "the certificate names no organisation"))?;
    Ok(Signature {
        side: verified.role,
        certificate: verified.fingerprint,
        bin,
        signer: verified.subject.common_name.clone().unwrap_or_default(),
        signed_at: verified.signed_at,
        jws: serde_json::to_value(made)
            .map_err(|error| Problem::new("signature-malformed", error.to_string()))?,
    })
}

fn verify(
    shared: &Shared,
    registry: &Registry,
    agreement: &Agreement,
    made: &JwsSignature,
) -> Result<VerifiedSignature, Problem> {
    let now = clock::now();
    let over = |document: &str| sign::verify_received(document.as_bytes(), made, &shared.trust, now);
    over(&agreement.document).map_err(|fault| {
        let number = &agreement.header.number;
        let others =
            registry.versions(number).filter(|other| other.header.version != agreement.header.version);
        // Told apart, so that whoever signed the wrong file sees it; a few, so that nobody can ask for much.
        let other = match fault {
            SignatureFault::Forged => others.take(MOST_OTHERS).find(|other| over(&other.document).is_ok()),
            _ => None,
        };
        match other {
            Some(other) => {
                let detail = format!("the signature is over version {}", other.header.version);
                Problem::new("signature-of-old-version", detail)
            }
            None => fault_found(&fault),
        }
    })
}

fn fault_found(fault: &SignatureFault) -> Problem {
    let code = match fault {
        SignatureFault::Forged => "signature-forged",
        SignatureFault::SignedInTheFuture { .. } => "signature-from-the-future",
        SignatureFault::Signer(_) => match fault.code() {
            "revoked" => "signer-revoked",
            "expired" => "signer-expired",
            _ => "signer-untrusted",
        },
        SignatureFault::TooLarge
        | SignatureFault::Malformed
        | SignatureFault::Header(_)
        | SignatureFault::CriticalHeader
        | SignatureFault::AlgorithmMismatch => "signature-malformed",
    };
    Problem::new(code, format!("{}: {}", fault.code(), crate::telemetry::chain(fault)))
}

fn parties(registry: &Registry, agreement: &Agreement) -> [(Side, Option<Bin>); 3] {
    let holder = |id| registry.system(id).map(|system| system.card.holder);
    [
        (Side::Consumer, holder(&agreement.header.consumer)),
        (Side::Provider, holder(&agreement.header.provider)),
        (Side::Regulator, registry.regulator()),
    ]
}

/// What a signature may be refused with.
pub(super) const CODES: [&str; 9] = [
    "signature-forged",
    "signature-by-stranger",
    "signature-wrong-side",
    "signature-of-old-version",
    "signature-malformed",
    "signature-from-the-future",
    "signer-revoked",
    "signer-expired",
    "signer-untrusted",
];

const MOST_OTHERS: usize = 8;
