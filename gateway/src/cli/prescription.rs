//! `kelisim prescription`: the regulator's signed orders against a system or an agreement.

use std::path::PathBuf;

use agreements::{
    Command, LiftingText, Order, Prescription, PrescriptionNumber, PrescriptionText, Side, Signed, Target,
    Words,
};
use clap::Subcommand;
use serde_json::json;

use super::agreement::With;
use super::desk::{Desk, read_json};
use super::table::{Table, facts, moment};
use super::{Answer, Common, Exit, Failure};
use crate::clock;

#[derive(Subcommand)]
pub(super) enum PrescriptionCommand {
    /// Order something against a system or an agreement, for the regulator
    #[command(after_help = "\
Example:
  kelisim prescription issue order.json --cert keys/regulator.pem --key keys/regulator.key --as regulator

In JSON, with order \"suspend\", \"keep-record\", { \"correct-by\": DATE } or { \"limit-to\": [ { \"provider\", \"data_type\", \"operation\" } ] }:
  { \"prescription\": \"p-2026-1\", \"against\": { \"system\": \"portal\" }, \"order\": \"suspend\",
    \"reason\": \"complaint 4\", \"clause\": \"HR 27\", \"appeal\": \"to the court, within ten days\" }")]
    Issue {
        /// The order
        file: PathBuf,
        #[command(flatten)]
        with: With,
    },
    /// Lift an order by another, for the regulator; --reason says why
    #[command(after_help = "\
Example:
  kelisim prescription lift p-2026-1 --cert keys/regulator.pem --key keys/regulator.key --as regulator --reason 'done'")]
    Lift {
        /// Which
        number: PrescriptionNumber,
        #[command(flatten)]
        with: With,
    },
    /// List orders
    #[command(after_help = "Example:\n  kelisim prescription list")]
    List,
    /// Show an order
    #[command(after_help = "Example:\n  kelisim prescription show p-2026-1")]
    Show {
        /// Which
        number: PrescriptionNumber,
    },
}

pub(super) fn run(common: &Common, command: PrescriptionCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        PrescriptionCommand::Issue { file, with } => {
            let prescription: PrescriptionText = read_json(&file)?;
            let signature = with.signature(&desk, &prescription, Side::Regulator)?;
            let done = format!("prescription {} is issued", prescription.prescription);
            desk.issue(Command::IssuePrescription { prescription, signature }, done)
        }
        PrescriptionCommand::Lift { number, with } => {
            let reason = Words::new(desk.reason())
                .map_err(|error| Failure::of(Exit::Usage, &error, "say it shorter with --reason"))?;
            let done = format!("prescription {number} is lifted");
            let lifting = LiftingText { lifts: number, reason };
            let signature = with.signature(&desk, &lifting, Side::Regulator)?;
            desk.issue(Command::LiftPrescription { lifting, signature }, done)
        }
        PrescriptionCommand::List => {
            let mut table = Table::new(["PRESCRIPTION", "AGAINST", "ORDER", "ISSUED", "LIFTED"]);
            let all: Vec<&Prescription> = desk.registry().prescriptions().collect();
            for one in &all {
                table.row([
                    one.text.prescription.to_string(),
                    against(one),
                    order(one),
                    moment(one.issued),
                    one.lifted.as_ref().map_or_else(|| "-".into(), |lifted| moment(lifted.at)),
                ]);
            }
            Ok(Answer::new(json!({ "prescriptions": all }), table.or("nothing is prescribed")))
        }
        PrescriptionCommand::Show { number } => show(&desk, &number),
    }
}

fn show(desk: &Desk<'_>, number: &PrescriptionNumber) -> Result<Answer, Failure> {
    let registry = desk.registry();
    let Some(one) = registry.prescription(number) else {
        let todo = "see `kelisim prescription list`";
        return Err(Failure::new(Exit::Refused, format!("no prescription {number}"), todo));
    };
    let proofs = desk.office.proofs()?;
    let stands = |signed| match proofs.prove(signed, registry, clock::now()) {
        Ok(()) => "this gateway has verified it".to_owned(),
        Err(fault) => format!("DOES NOT STAND: {fault}"),
    };
    let lifted = one.lifted.as_ref().map_or_else(String::new, |lifted| {
        format!("{}: {}\n{}", moment(lifted.at), lifted.text.reason.as_str(), stands(Signed::Lifting(lifted)))
    });
    let text = facts([
        ("prescription", number.to_string()),
        ("against", against(one)),
        ("order", order(one)),
        ("reason", one.text.reason.as_str().to_owned()),
        ("clause", one.text.clause.as_str().to_owned()),
        ("appeal", one.text.appeal.as_str().to_owned()),
        ("issued", format!("{} by {}", moment(one.issued), one.signature.signer)),
        ("signature", stands(Signed::Prescription(one))),
        ("lifted", lifted),
    ]);
    Answer::of(one, text)
}

fn against(one: &Prescription) -> String {
    match &one.text.against {
        Target::System(system) => format!("system {system}"),
        Target::Agreement(number) => format!("agreement {number}"),
    }
}

fn order(one: &Prescription) -> String {
    match &one.text.order {
        Order::Suspend => "suspend".into(),
        Order::KeepRecord => "keep the record".into(),
        Order::CorrectBy(day) => format!("correct by {day}"),
        Order::LimitTo(operations) => {
            let named =
                operations.iter().map(|one| format!("{}/{} {}", one.provider, one.data_type, one.operation));
            format!("only {}", named.collect::<Vec<_>>().join(", "))
        }
    }
}
