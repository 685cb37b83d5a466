//! Commands that bear a signature of their own: rulings, protocols, prescriptions, delegations.

use agreements::*;
use serde_json::Value;

use super::*;

/// The regulator's ruling, with a reason, and a remark where it agrees.
pub(crate) fn rule(agreement: &Value, ruling: Ruling) -> Command {
    let (agreement, version) = key(agreement);
    let remark = Remark { remark: words("the term is long"), remedy: words("a year will do") };
    let remarks = if ruling.agrees() { vec![remark] } else { vec![] };
    let ruling = RulingText {
        agreement,
        version,
        document_sha256: "d0".repeat(32),
        ruling,
        reason: words("as considered"),
        remarks,
    };
    Command::RuleOnAgreement { ruling, signature: signature(Side::Regulator, REGULATOR) }
}

/// A protocol of disagreement, signed for one side.
pub(crate) fn protocol(agreement: &Value, about: &str, side: Side, holder: &str) -> Command {
    let (agreement, version) = key(agreement);
    let protocol = ProtocolText { agreement, version, document: "d1".repeat(32), about: words(about) };
    Command::SignProtocol { protocol, signature: signature(side, holder) }
}

/// A prescription, signed by the regulator.
pub(crate) fn prescription(number: &str, against: Target, order: Order) -> Command {
    let words = |text: &str| Words::new(text).unwrap();
    let prescription = PrescriptionText {
        prescription: PrescriptionNumber::new(number).unwrap(),
        against,
        order,
        reason: words("complaint 4"),
        clause: words("HR 27"),
        appeal: words("to the court, within ten days"),
    };
    Command::IssuePrescription { prescription, signature: signature(Side::Regulator, REGULATOR) }
}

/// The order that lifts a prescription.
pub(crate) fn lifting(number: &str) -> Command {
    let lifts = PrescriptionNumber::new(number).unwrap();
    let lifting = LiftingText { lifts, reason: Words::new("done").unwrap() };
    Command::LiftPrescription { lifting, signature: signature(Side::Regulator, REGULATOR) }
}

/// The ministry's delegation to another body.
pub(crate) fn delegation(delegate: &str, scope: &[Delegated]) -> DelegationText {
    DelegationText {
        delegation: DelegationNumber::new("d-1").unwrap(),
        principal: bin(MINISTRY),
        delegate: bin(delegate),
        scope: scope.to_vec(),
        systems: vec![],
        from: "2026-02-01".parse().unwrap(),
        until: "2026-03-31".parse().unwrap(),
        document: "d1".repeat(32),
    }
}

pub(crate) fn delegate() -> Command {
    let delegation = delegation(OFFICE, &[Delegated::Signing]);
    Command::RecordDelegation { delegation, signature: signature(Side::Consumer, MINISTRY) }
}
