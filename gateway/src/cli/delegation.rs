//! `kelisim delegation`: bodies that sign or operate for a holder (A10).

use std::path::PathBuf;

use agreements::{Command, Delegation, DelegationNumber, DelegationText, DocumentKind, Side};
use clap::Subcommand;
use serde_json::json;

use super::agreement::With;
use super::desk::{Desk, kebab, read_json};
use super::table::{Table, moment};
use super::{Answer, Common, Failure};

#[derive(Subcommand)]
pub(super) enum DelegationCommand {
    /// Record that a holder has another body sign or operate for it; the holder's head signs
    #[command(after_help = "\
Example:
  kelisim delegation record delegation.json --document order.pdf \\
    --cert keys/head.pem --key keys/head.key --as officer

In JSON; systems may be left out for all:
  { \"delegation\": \"d-2026-1\", \"principal\": \"000140000011\", \"delegate\": \"000140000022\",
    \"scope\": [\"signing\", \"operation\"], \"systems\": [\"portal\"], \"from\": \"2026-01-01\", \"until\": \"2026-12-31\",
    \"document\": \"…the SHA-256 of the document that delegates…\" }")]
    Record {
        /// The delegation
        file: PathBuf,
        /// The document that delegates, which the delegation names; kept in the depositary
        #[arg(long, value_name = "FILE")]
        document: Option<PathBuf>,
        #[command(flatten)]
        with: With,
    },
    /// End a delegation; what was signed under it before stays signed
    #[command(
        after_help = "Example:\n  kelisim delegation revoke d-2026-1 --as officer --reason 'no longer needed'"
    )]
    Revoke {
        /// Which
        number: DelegationNumber,
    },
    /// List delegations
    #[command(after_help = "Example:\n  kelisim delegation list")]
    List,
}

pub(super) fn run(common: &Common, command: DelegationCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        DelegationCommand::Record { file, document, with } => {
            let delegation: DelegationText = read_json(&file)?;
            if let Some(document) = document {
                desk.deposit(DocumentKind::Other, &document)?;
            }
            let signature = with.signature(&desk, &delegation, Side::Consumer)?;
            let done = format!("delegation {} is recorded", delegation.delegation);
            desk.issue(Command::RecordDelegation { delegation, signature }, done)
        }
        DelegationCommand::Revoke { number } => {
            let done = format!("delegation {number} is revoked");
            desk.issue(Command::RevokeDelegation { delegation: number }, done)
        }
        DelegationCommand::List => {
            let mut table =
                Table::new(["DELEGATION", "HOLDER", "DELEGATE", "SCOPE", "FROM", "UNTIL", "REVOKED"]);
            let all: Vec<&Delegation> = desk.registry().delegations().collect();
            for one in &all {
                let text = &one.text;
                table.row([
                    text.delegation.to_string(),
                    text.principal.to_string(),
                    text.delegate.to_string(),
                    text.scope.iter().map(kebab).collect::<Vec<_>>().join(", "),
                    text.from.to_string(),
                    text.until.to_string(),
                    one.revoked.map_or_else(|| "-".into(), moment),
                ]);
            }
            Ok(Answer::new(json!({ "delegations": all }), table.or("nothing is delegated")))
        }
    }
}
