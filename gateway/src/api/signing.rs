//! Signatures that come by the API: the signature alone is taken, and what it proves is found out here.

use agreements::{
    Agreement, AgreementNumber, Bin, Command, CommandError, CommandName, DelegationText, LiftingText,
    PrescriptionText, ProtocolText, Registry, RulingText, Side, Signature, Signed, UserList,
};
use certs::sign::{self, JwsSignature, SignatureFault, VerifiedSignature};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::asked::read;
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;
use crate::registry::proof::document_sha256;

/// What a command has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The version of an agreement that it names.
    Agreement,
    /// The canonical form of one of its own fields, for one of some sides.
    Field(&'static str, &'static [Side]),
}

/// What a command has signed, if it bears a signature.
pub(super) fn form(name: CommandName) -> Option<Form> {
    Some(match name {
        CommandName::SignAgreement | CommandName::ConcurInAgreement => Form::Agreement,
        CommandName::ApproveUsers => Form::Field("list", &[Side::Consumer]),
        CommandName::RecordDelegation => Form::Field("delegation", &[Side::Consumer]),
        CommandName::IssuePrescription => Form::Field("prescription", &[Side::Regulator]),
        CommandName::LiftPrescription => Form::Field("lifting", &[Side::Regulator]),
        CommandName::RuleOnAgreement => Form::Field("ruling", &[Side::Regulator]),
        CommandName::SignProtocol => Form::Field("protocol", &[Side::Consumer, Side::Provider]),
        _ => return None,
    })
}

/// Makes the command that enters a signature, from the signature itself: whose it is, for which side and when comes
/// from what was signed, never from what the sender says beside it.
///
/// # Errors
/// One of [`CODES`].
pub(super) fn command(
    shared: &Shared,
    name: CommandName,
    form: Form,
    mut fields: Map<String, Value>,
) -> Result<Command, Problem> {
    if fields.contains_key("signature") {
        return Err(Problem::new("body-malformed", "signature: send jws, and nothing about it"));
    }
    let jws = fields.remove("jws").ok_or_else(|| Problem::new("body-malformed", "missing field `jws`"))?;
    let made: JwsSignature = read(jws)?;
    let signature = match form {
        Form::Agreement => over_agreement(shared, &fields, &made)?,
        Form::Field(field, sides) => {
            let value = fields.get(field).cloned().unwrap_or_default();
            if name == CommandName::RuleOnAgreement {
                of_this_document(shared, &value)?;
            }
            over_field(shared, &canonical(name, field, value)?, sides, &made)?
        }
    };
    let signature = serde_json::to_value(signature)
        .map_err(|error| Problem::new("signature-malformed", error.to_string()))?;
    fields.insert("signature".into(), signature);
    super::commands::plain(name, fields)
}

fn over_agreement(
    shared: &Shared,
    fields: &Map<String, Value>,
    made: &JwsSignature,
) -> Result<Signature, Problem> {
    let number: AgreementNumber = read(fields.get("number").cloned().unwrap_or_default())
        .map_err(|_: Problem| Problem::new("body-malformed", "number: the agreement's"))?;
    let version: u32 = read(fields.get("version").cloned().unwrap_or_default())
        .map_err(|_: Problem| Problem::new("body-malformed", "version: the agreement's"))?;
    shared.newest(|registry| {
        let agreement = registry.agreement(&number, version).ok_or_else(|| {
            Problem::from(CommandError::Unknown { what: format!("agreement {number} version {version}") })
        })?;
        proven(shared, registry, agreement, made)
    })
}

/// Whose organisation must have signed is for the rules; for which side is asked here.
fn over_field(
    shared: &Shared,
    bytes: &[u8],
    sides: &[Side],
    made: &JwsSignature,
) -> Result<Signature, Problem> {
    let verified = sign::verify_received(bytes, made, &shared.trust, clock::now())
        .map_err(|fault| fault_found(&fault))?;
    if !sides.contains(&verified.role) {
        let wanted = sides.iter().map(|side| side.as_str()).collect::<Vec<_>>().join(" or the ");
        let detail = format!("it is for the {}, not for the {wanted}", verified.role.as_str());
        return Err(Problem::new("signature-wrong-side", detail));
    }
    kept(&verified, made)
}

/// A ruling names the very bytes that it is on.
fn of_this_document(shared: &Shared, value: &Value) -> Result<(), Problem> {
    let ruling: RulingText = read(value.clone())
        .map_err(|problem: Problem| Problem::new("body-malformed", format!("ruling: {}", problem.detail)))?;
    let (number, version) = (&ruling.agreement, ruling.version);
    shared.newest(|registry| {
        let agreement = registry.agreement(number, version).ok_or_else(|| {
            Problem::from(CommandError::Unknown { what: format!("agreement {number} version {version}") })
        })?;
        let found = document_sha256(&agreement.document.text());
        if found == ruling.document_sha256 {
            return Ok(());
        }
        let detail = format!("version {version} of {number} has SHA-256 {found}");
        Err(Problem::new("ruling-of-other-document", detail))
    })
}

/// The bytes that are signed: the canonical form (RFC 8785) of the field as the registry will keep it.
fn canonical(name: CommandName, field: &str, value: Value) -> Result<Vec<u8>, Problem> {
    fn of<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, Problem> {
        let typed: T = read(value)?;
        serde_json::to_value(typed).map_err(|error| Problem::new("body-malformed", error.to_string()))
    }
    let typed = match name {
        CommandName::ApproveUsers => of::<UserList>(value),
        CommandName::RecordDelegation => of::<DelegationText>(value),
        CommandName::IssuePrescription => of::<PrescriptionText>(value),
        CommandName::LiftPrescription => of::<LiftingText>(value),
        CommandName::RuleOnAgreement => of::<RulingText>(value),
        CommandName::SignProtocol => of::<ProtocolText>(value),
        _ => Ok(value),
    };
    let typed =
        typed.map_err(|problem| Problem::new("body-malformed", format!("{field}: {}", problem.detail)))?;
    sign::canonical(&typed).map_err(|error| Problem::new("body-malformed", format!("{field}: {error}")))
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
    // A10: or another body signs for the holder.
    let for_them = |bin| {
        let signed = Signed::Agreement(agreement);
        signed.delegation(verified.role, bin, clock::now(), registry).is_some()
    };
    match bin {
        Some(bin) if theirs(verified.role) || for_them(bin) => {}
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
    kept(&verified, made)
}

/// What the registry keeps of a signature.
fn kept(verified: &VerifiedSignature, made: &JwsSignature) -> Result<Signature, Problem> {
    let bin = verified.subject.bin;
    let nobodys = || Problem::new("signature-by-stranger", "the certificate names no organisation");
    Ok(Signature {
        side: verified.role,
        certificate: verified.fingerprint,
        bin: bin.ok_or_else(nobodys)?,
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
    over(&agreement.document.text()).map_err(|fault| {
        let number = &agreement.header.number;
        let others =
            registry.versions(number).filter(|other| other.header.version != agreement.header.version);
        // Told apart, so that whoever signed the wrong file sees it; a few, so that nobody can ask for much.
        let other = match fault {
            SignatureFault::Forged => {
                others.take(MOST_OTHERS).find(|other| over(&other.document.text()).is_ok())
            }
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
pub(super) const CODES: [&str; 10] = [
    "signature-forged",
    "signature-by-stranger",
    "signature-wrong-side",
    "signature-of-old-version",
    "ruling-of-other-document",
    "signature-malformed",
    "signature-from-the-future",
    "signer-revoked",
    "signer-expired",
    "signer-untrusted",
];

const MOST_OTHERS: usize = 8;
