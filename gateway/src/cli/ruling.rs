//! What becomes of an agreement before the regulator: `kelisim agreement concur`, `refuse`, `return`, `withdraw`,
//! `protocol`.

use std::path::PathBuf;

use agreements::{
    Command, DocumentKind, Protocol, ProtocolText, Remark, Ruled, Ruling, RulingText, Side, Words,
};
use certs::sign::canonical;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::agreement::{Which, With};
use super::common::word;
use super::desk::{Desk, kebab};
use super::table::moment;
use super::{Answer, Exit, Failure};
use crate::registry::proof::document_sha256;

/// What the regulator says, and what it is signed with.
#[derive(Args)]
pub(super) struct Judged {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) with: With,
    /// A remark; as often as needed, each with its --remedy
    #[arg(long = "remark", value_name = "TEXT")]
    remarks: Vec<Words>,
    /// What is proposed to remove what the remark is on, in the order of the remarks
    #[arg(long = "remedy", value_name = "TEXT")]
    remedies: Vec<Words>,
    /// Print the statement that is signed, to be signed elsewhere and given with --jws; change nothing
    #[arg(long)]
    statement: bool,
}

impl Judged {
    /// Whether nothing but agreement is said: then the signature is over the agreement itself.
    pub(super) fn is_bare(&self) -> bool {
        self.remarks.is_empty() && self.remedies.is_empty()
    }
}

/// A protocol of disagreement, and what it is signed with.
#[derive(Args)]
pub(super) struct Disagreed {
    #[command(flatten)]
    which: Which,
    /// The protocol
    file: PathBuf,
    /// On what the two do not agree, in short
    #[arg(long, value_name = "TEXT")]
    about: Words,
    /// For whom it is signed: consumer or provider
    #[arg(long, value_parser = word::<Side>)]
    side: Side,
    #[command(flatten)]
    with: With,
    /// Print the statement that is signed, to be signed elsewhere and given with --jws; change nothing
    #[arg(long)]
    statement: bool,
}

/// Decides on an agreement by a statement that the regulator signs.
pub(super) fn judge(desk: &mut Desk<'_>, judged: Judged, ruling: Ruling) -> Result<Answer, Failure> {
    let Judged { which, with, remarks, remedies, statement } = judged;
    let version = desk.version(&which.number, which.version)?;
    let known = desk.document(&which.number, version)?;
    let document = known.map(|document| document_sha256(&document)).ok_or_else(|| {
        let what = format!("no agreement {} version {version}", which.number);
        Failure::new(Exit::Refused, what, "see `kelisim agreement list`")
    })?;
    if remarks.len() != remedies.len() {
        let todo = "give as many --remedy as --remark, in the same order";
        return Err(Failure::new(Exit::Usage, "a remark proposes its remedy", todo));
    }
    let reason = Words::new(desk.reason())
        .map_err(|error| Failure::of(Exit::Usage, &error, "say it shorter with --reason"))?;
    let remarks = remarks.into_iter().zip(remedies).map(|(remark, remedy)| Remark { remark, remedy });
    let text = RulingText {
        agreement: which.number,
        version,
        document_sha256: document,
        ruling,
        reason,
        remarks: remarks.collect(),
    };
    if statement {
        return stated(&text);
    }
    let signature = with.signature(desk, &text, Side::Regulator)?;
    let done = match ruling {
        Ruling::AgreedWithRemarks => "the regulator concurs, with remarks, in",
        Ruling::Refused => "the regulator refuses",
        Ruling::Returned => "the regulator returns for rework",
    };
    let done = format!("{done} {} version {version}", text.agreement);
    desk.issue(Command::RuleOnAgreement { ruling: text, signature }, done)
}

/// Attaches a protocol of disagreement, or signs the one that is attached.
pub(super) fn disagree(desk: &mut Desk<'_>, disagreed: Disagreed) -> Result<Answer, Failure> {
    let Disagreed { which, file, about, side, with, statement } = disagreed;
    let version = desk.version(&which.number, which.version)?;
    let document = desk.deposit(DocumentKind::Other, &file)?.sha256;
    let protocol = ProtocolText { agreement: which.number, version, document, about };
    if statement {
        return stated(&protocol);
    }
    let signature = with.signature(desk, &protocol, side)?;
    let done = format!(
        "the protocol of disagreement under {} version {version} is signed for the {}",
        protocol.agreement,
        side.as_str()
    );
    desk.issue(Command::SignProtocol { protocol, signature }, done)
}

/// A ruling in words.
pub(super) fn ruled(ruled: &Ruled) -> String {
    let RulingText { ruling, reason, remarks, .. } = &ruled.text;
    let mut lines = vec![format!("{}, {} by {}", kebab(ruling), moment(ruled.at), ruled.signature.signer)];
    if !reason.is_empty() {
        lines.push(reason.to_string());
    }
    lines.extend(remarks.iter().map(|one| format!("{}; proposed: {}", one.remark, one.remedy)));
    lines.join("\n")
}

/// A protocol of disagreement in words.
pub(super) fn protocol(protocol: &Protocol) -> String {
    let signed = protocol.signatures.iter().map(|one| format!("{}: {}", one.side.as_str(), one.signer));
    let signed = signed.collect::<Vec<_>>().join(", ");
    let standing = if protocol.is_signed_by_both() { "" } else { ", not yet by both" };
    format!("{} ({}), signed by {signed}{standing}", protocol.text.about, protocol.text.document)
}

/// The canonical form of a statement: what is signed.
fn stated(value: &impl Serialize) -> Result<Answer, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::of(Exit::Refused, error, "correct what is stated");
    let value = serde_json::to_value(value).map_err(|error| failed(&error))?;
    let bytes = canonical(&value).map_err(|error| failed(&error))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Answer::new(json!({ "statement": text }), text).unended())
}
