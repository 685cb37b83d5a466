//! `kelisim agreement`: from a draft to an agreement in force, and to its end.

use std::path::{Path, PathBuf};

use agreements::{
    Agreement, AgreementNumber, AgreementText, Attachment, Command, Direction, Document, DocumentKind, Fit,
    Ruling, Side, Signature, Signed, Stage, almaty, diff, fits, lint, remarks,
};
use certs::keys::Identity;
use certs::sign::{JwsSignature, Signer};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

use super::common::word;
use super::desk::{Desk, kebab, read_json};
use super::ruling::{Disagreed, Judged};
use super::table::{Table, facts, moment, short};
use super::{Answer, Common, Exit, Failure, readiness, ruling, template};
use crate::clock;

#[derive(Subcommand)]
pub(super) enum AgreementCommand {
    /// Draw up a version of an agreement
    #[command(after_help = "\
Example:
  kelisim agreement draft address-lookup.json --as officer
  kelisim agreement draft address-lookup.json --attach protocol.pdf --as officer")]
    Draft {
        /// The document, JSON; it is kept in its canonical form
        file: PathBuf,
        /// A file that is added to its attachments; kept in the depositary; as often as needed
        #[arg(long, value_name = "FILE")]
        attach: Vec<PathBuf>,
    },
    /// Say what a document lacks before it can be signed
    #[command(
        after_help = "Example:\n  kelisim agreement lint address-lookup.json\n\nEnds with 1 if it lacks anything."
    )]
    Lint {
        /// The document, JSON
        file: PathBuf,
    },
    /// Say whether a document is within the templates of its purposes, and in which points it goes beyond
    #[command(after_help = "\
Example:
  kelisim agreement check-template address-lookup.json

Ends with 1 if it goes beyond in any point, or if a purpose has no template.")]
    CheckTemplate {
        /// The document, JSON
        file: PathBuf,
    },
    /// Sign for the consumer or the provider
    #[command(after_help = "\
Example:
  kelisim agreement sign ar-2026-1 --side consumer --cert keys/head.pem --key keys/head.key --as officer \\
    --reason 'as agreed'

A signature that was made elsewhere, over the bytes of `agreement show --document`, is entered with --jws.")]
    Sign {
        #[command(flatten)]
        which: Which,
        /// For whom: consumer or provider
        #[arg(long, value_parser = word::<Side>)]
        side: Side,
        #[command(flatten)]
        with: With,
    },
    /// Put a signed agreement before the regulator
    #[command(
        after_help = "Example:\n  kelisim agreement submit ar-2026-1 --as officer --reason 'both have signed'"
    )]
    Submit(Which),
    /// Concur in an agreement, for the regulator: it is in force within its period
    #[command(after_help = "\
Example:
  kelisim agreement concur ar-2026-1 --cert keys/regulator.pem --key keys/regulator.key --as regulator \\
    --reason 'it keeps to the acts'
  kelisim agreement concur ar-2026-1 --remark 'the term is long' --remedy 'a year will do' \\
    --cert keys/regulator.pem --key keys/regulator.key --as regulator

With remarks, a statement is signed that names the agreement's digest, the remarks and the remedies.")]
    Concur(Judged),
    /// Refuse an agreement, for the regulator, by a signed statement
    #[command(after_help = "\
Example:
  kelisim agreement refuse ar-2026-1 --reason 'no basis' --cert keys/regulator.pem --key keys/regulator.key --as regulator")]
    Refuse(Judged),
    /// Return an agreement for rework, for the regulator, by a signed statement: the next version follows
    #[command(after_help = "\
Example:
  kelisim agreement return ar-2026-1 --reason 'the fields are too many' --remark 'data' --remedy 'name only /kk' \\
    --cert keys/regulator.pem --key keys/regulator.key --as regulator")]
    Return(Judged),
    /// Take an agreement back from the regulator
    #[command(
        after_help = "Example:\n  kelisim agreement withdraw ar-2026-1 --as officer --reason 'a clause is wrong'"
    )]
    Withdraw(Which),
    /// Attach a protocol of disagreement, or sign the one that is attached
    #[command(after_help = "\
Example:
  kelisim agreement protocol ar-2026-1 protocol.pdf --about 'retention' --side consumer \\
    --cert keys/head.pem --key keys/head.key --as officer")]
    Protocol(Disagreed),
    /// Stop an agreement for a time
    #[command(
        after_help = "Example:\n  kelisim agreement suspend ar-2026-1 --as regulator --reason 'complaint 4'"
    )]
    Suspend(Which),
    /// Let a suspended agreement work again
    #[command(
        after_help = "Example:\n  kelisim agreement resume ar-2026-1 --as regulator --reason 'complaint 4 is settled'"
    )]
    Resume(Which),
    /// End an agreement for good
    #[command(
        after_help = "Example:\n  kelisim agreement terminate ar-2026-1 --as officer --reason 'not needed'"
    )]
    Terminate(Which),
    /// Show an agreement: what it says, who signed, what happened to it
    #[command(after_help = "Example:\n  kelisim agreement show ar-2026-1")]
    Show {
        #[command(flatten)]
        which: Which,
        /// Print the document alone: the bytes that are signed
        #[arg(long)]
        document: bool,
    },
    /// List agreements
    #[command(after_help = "Example:\n  kelisim agreement list")]
    List,
    /// Say point by point what a version allows that another does not, and the reverse
    #[command(after_help = "\
Example:
  kelisim agreement diff ar-2026-1
  kelisim agreement diff ar-2026-1 --from 1 --to 2

Ends with 1 if anything is wider.")]
    Diff {
        /// Which agreement
        number: AgreementNumber,
        /// From which version [default: the one before]
        #[arg(long)]
        from: Option<u32>,
        /// To which version [default: the newest]
        #[arg(long)]
        to: Option<u32>,
    },
    /// Show whether the systems of an agreement are known to be ready, or record what a check of them found
    #[command(after_help = readiness::AFTER_HELP)]
    Readiness {
        #[command(flatten)]
        which: Which,
        /// What the check found, JSON
        file: Option<PathBuf>,
    },
    /// Show the officials who may ask under an agreement, or replace them
    #[command(after_help = "\
Example:
  kelisim agreement users ar-2026-1
  kelisim agreement users ar-2026-1 users.json --cert keys/head.pem --key keys/head.key --as officer \\
    --reason 'order 8'

In JSON:
  [ { \"id\": \"a.serik\", \"name\": \"A. Serik\", \"duty\": \"personnel officer\", 
      \"training_certificate\": { \"number\": \"T-1\", \"issued\": \"2026-01-12\", \"valid_until\": \"2028-01-11\" } } ]")]
    Users {
        /// Which agreement
        number: AgreementNumber,
        /// The new list
        file: Option<PathBuf>,
        #[command(flatten)]
        with: With,
    },
}

/// Which version of which agreement.
#[derive(Args)]
pub(super) struct Which {
    /// Which agreement
    pub(super) number: AgreementNumber,
    /// Which version [default: the newest]
    #[arg(long)]
    pub(super) version: Option<u32>,
}

/// What a signature is made with.
#[derive(Args)]
pub(super) struct With {
    /// The signer's certificate chain, PEM, their own first
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The signer's private key, PEM, mode 600
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// A signature made elsewhere, JSON: { "protected": …, "signature": … }
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "key"])]
    jws: Option<PathBuf>,
}

impl With {
    /// A signature over the canonical form of a value, for one side.
    pub(super) fn signature(
        self,
        desk: &Desk<'_>,
        value: &impl Serialize,
        side: Side,
    ) -> Result<Signature, Failure> {
        match (self.cert.zip(self.key), self.jws) {
            (Some((cert, key)), _) => {
                let signer = Signer::new(Identity::from_files(&cert, &key)?);
                Ok(desk.office.sign_value(value, side, &signer)?)
            }
            (None, Some(jws)) => Ok(desk.office.receive_value(value, side, &read_json(&jws)?)?),
            (None, None) => Err(unsigned()),
        }
    }
}

fn unsigned() -> Failure {
    Failure::new(Exit::Usage, "nothing to sign with", "give --cert and --key, or --jws")
}

/// Keeps a file, and adds it to a draft's attachments; what is no list of them, the rules tell.
fn attached(desk: &Desk<'_>, draft: &mut Value, file: &Path) -> Result<(), Failure> {
    let Document { sha256, title, .. } = desk.deposit(DocumentKind::Other, file)?;
    let members = draft.as_object_mut();
    let all = members.map(|members| members.entry("attachments").or_insert_with(|| json!([])));
    if let Some(all) = all.and_then(Value::as_array_mut) {
        all.push(json!(Attachment { title, sha256 }));
    }
    Ok(())
}

pub(super) fn run(common: &Common, command: AgreementCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        AgreementCommand::Draft { file, attach } => {
            let mut document: Value = read_json(&file)?;
            for file in &attach {
                attached(&desk, &mut document, file)?;
            }
            let actor = desk.actor()?;
            let events = desk.office.draft(&document, &actor, common.reason.as_str())?;
            desk.issued(&events, format!("{} is drafted", document["number"].as_str().unwrap_or_default()))
        }
        AgreementCommand::Lint { file } => Ok(linted(&desk, &read_json(&file)?)),
        AgreementCommand::CheckTemplate { file } => within(&desk, &read_json(&file)?),
        AgreementCommand::Sign { which, side: Side::Regulator, .. } => Err(Failure::new(
            Exit::Usage,
            format!("the regulator does not sign {}, but concurs in it", which.number),
            "use `kelisim agreement concur`",
        )),
        AgreementCommand::Sign { which, side, with } => sign(&mut desk, which, side, with),
        AgreementCommand::Concur(judged) if judged.is_bare() => {
            sign(&mut desk, judged.which, Side::Regulator, judged.with)
        }
        AgreementCommand::Concur(judged) => ruling::judge(&mut desk, judged, Ruling::AgreedWithRemarks),
        AgreementCommand::Refuse(judged) => ruling::judge(&mut desk, judged, Ruling::Refused),
        AgreementCommand::Return(judged) => ruling::judge(&mut desk, judged, Ruling::Returned),
        AgreementCommand::Withdraw(which) => step(&mut desk, which, "is taken back", |number, version| {
            Command::WithdrawAgreement { number, version }
        }),
        AgreementCommand::Protocol(disagreed) => ruling::disagree(&mut desk, disagreed),
        AgreementCommand::Submit(which) => submit(&mut desk, which),
        AgreementCommand::Suspend(which) => step(&mut desk, which, "is suspended", |number, version| {
            Command::SuspendAgreement { number, version }
        }),
        AgreementCommand::Resume(which) => step(&mut desk, which, "works again", |number, version| {
            Command::ResumeAgreement { number, version }
        }),
        AgreementCommand::Terminate(which) => step(&mut desk, which, "has ended", |number, version| {
            Command::TerminateAgreement { number, version }
        }),
        AgreementCommand::Show { which, document } => show(&desk, which, document),
        AgreementCommand::List => Ok(list(&desk)),
        AgreementCommand::Diff { number, from, to } => differing(&desk, &number, from, to),
        AgreementCommand::Readiness { which, file: Some(file) } => readiness::record(&mut desk, which, &file),
        AgreementCommand::Readiness { which, file: None } => readiness::show(&desk, which),
        AgreementCommand::Users { number, file: Some(file), with } => {
            let list = desk.office.next_list(&number, read_json(&file)?)?;
            let signature = with.signature(&desk, &list, Side::Consumer)?;
            let done = format!("{} officials may ask under {number}", list.users.len());
            desk.issue(Command::ApproveUsers { list, signature }, done)
        }
        AgreementCommand::Users { number, file: None, .. } => {
            desk.version(&number, None)?;
            let users = desk.registry().users(&number);
            let mut table = Table::new(["OFFICIAL", "TRAINED", "NAME", "DUTY"]);
            for user in users {
                let trained = user.training_certificate.as_ref().map_or_else(
                    || "-".to_owned(),
                    |held| match held.valid_until() {
                        Some(until) => format!("{} until {until}", held.number()),
                        None => held.number().to_owned(),
                    },
                );
                table.row([user.id.as_str().to_owned(), trained, user.name.clone(), user.duty.clone()]);
            }
            Ok(Answer::new(json!({ "users": users }), table.or("nobody is listed")))
        }
    }
}

fn step(
    desk: &mut Desk<'_>,
    which: Which,
    done: &str,
    command: impl Fn(AgreementNumber, u32) -> Command,
) -> Result<Answer, Failure> {
    let version = desk.version(&which.number, which.version)?;
    let done = format!("{} version {version} {done}", which.number);
    desk.issue(command(which.number, version), done)
}

fn sign(desk: &mut Desk<'_>, which: Which, side: Side, with: With) -> Result<Answer, Failure> {
    let version = desk.version(&which.number, which.version)?;
    let (actor, reason, number) = (desk.actor()?, desk.reason(), which.number);
    let events = match (with.cert.zip(with.key), with.jws) {
        (Some((cert, key)), _) => {
            let signer = Signer::new(Identity::from_files(&cert, &key)?);
            desk.office.sign(&number, version, side, &signer, &actor, reason)?
        }
        (None, Some(jws)) => {
            let made: JwsSignature = read_json(&jws)?;
            desk.office.enter(&number, version, side, &made, &actor, reason)?
        }
        (None, None) => {
            return Err(unsigned());
        }
    };
    let done = match side {
        Side::Consumer | Side::Provider => {
            format!("{number} version {version} is signed for the {}", side.as_str())
        }
        Side::Regulator => format!("the regulator concurs in {number} version {version}"),
    };
    desk.issued(&events, done)
}

fn differing(
    desk: &Desk<'_>,
    number: &AgreementNumber,
    from: Option<u32>,
    to: Option<u32>,
) -> Result<Answer, Failure> {
    let to = desk.version(number, to)?;
    let from = from.unwrap_or(to.saturating_sub(1));
    let text = |version: u32| {
        let known = desk.registry().agreement(number, version).map(|one| one.document.text());
        let todo = "see `kelisim agreement list`, and `kelisim agreement lint`";
        known.and_then(|document| serde_json::from_str::<AgreementText>(&document).ok()).ok_or_else(|| {
            let what = format!("there is no complete {number} version {version} to compare");
            Failure::new(Exit::Refused, what, todo)
        })
    };
    let points = diff(&text(from)?, &text(to)?);
    let mut table = Table::new(["FIELD", "IS", "BEFORE", "AFTER"]);
    for point in &points {
        let shown = |words: &str| if words.is_empty() { "-".to_owned() } else { short(words) };
        table.row([point.field.clone(), kebab(&point.direction), shown(&point.before), shown(&point.after)]);
    }
    let wider = points.iter().any(|point| point.direction == Direction::Wider);
    let json = json!({ "number": number, "from": from, "to": to, "points": points });
    let answer = Answer::new(json, table.or("they say the same"));
    Ok(if wider { answer.negative() } else { answer })
}

/// Puts an agreement before the regulator, and says what the templates say to it.
fn submit(desk: &mut Desk<'_>, which: Which) -> Result<Answer, Failure> {
    let number = which.number.clone();
    let version = desk.version(&number, which.version)?;
    let answer = step(desk, which, "is before the regulator", |number, version| Command::SubmitAgreement {
        number,
        version,
    })?;
    let text = desk.registry().agreement(&number, version).and_then(|one| one.text.clone());
    // At a server `agreement show` says it.
    let Some(text) = text else { return Ok(answer) };
    let fits = fits(&text, desk.registry());
    Ok(answer.and(Answer::new(json!({ "fits": fits }), template::judged(&fits).to_string())))
}

fn within(desk: &Desk<'_>, document: &Value) -> Result<Answer, Failure> {
    let text = lint(document, desk.registry()).map_err(|problems| {
        let what = format!("the document has {} problems", problems.len());
        Failure::new(Exit::Refused, what, "see `kelisim agreement lint`")
    })?;
    let fits = fits(&text, desk.registry());
    let all_within = fits.iter().all(Fit::is_within);
    let answer = Answer::new(json!({ "fits": fits }), template::judged(&fits).to_string());
    Ok(if all_within { answer } else { answer.negative() })
}

fn linted(desk: &Desk<'_>, document: &Value) -> Answer {
    match lint(document, desk.registry()) {
        Ok(text) => {
            let remarks = remarks(&text, desk.registry());
            let json =
                json!({ "number": text.number, "version": text.version, "problems": [], "remarks": remarks });
            let mut said = format!("{} version {} can be signed", text.number, text.version);
            for remark in &remarks {
                said.push_str(&format!("\nthink of it ({}): {}", remark.clause, remark.message));
            }
            Answer::new(json, said)
        }
        Err(problems) => {
            let mut table = Table::new(["FIELD", "CLAUSE", "PROBLEM"]);
            for problem in &problems {
                table.row([problem.field.clone(), problem.clause.to_owned(), problem.message.clone()]);
            }
            Answer::new(json!({ "problems": problems }), table.to_string()).negative()
        }
    }
}

fn show(desk: &Desk<'_>, which: Which, document: bool) -> Result<Answer, Failure> {
    let version = desk.version(&which.number, which.version)?;
    let registry = desk.registry();
    let agreement = registry.agreement(&which.number, version).ok_or_else(|| {
        let what = format!("no agreement {} version {version}", which.number);
        Failure::new(Exit::Refused, what, "see `kelisim agreement list`")
    })?;
    if document {
        let document = agreement.document.text();
        return Ok(Answer::new(json!({ "document": document }), &*document).unended());
    }
    let proof = desk.office.proofs()?.prove(Signed::Agreement(agreement), registry, clock::now());
    let said: Value = serde_json::from_str(&agreement.document.text()).unwrap_or_default();
    let fits = agreement.text.as_ref().map_or_else(Vec::new, |text| fits(text, registry));
    let text = told(agreement, &said, proof, &agreement.stage_on(shown_on(desk)), &fits);
    let json = json!({
        "document": said,
        "stage": agreement.stage_on(shown_on(desk)),
        "signatures": desk.office.whole(&agreement.signatures)?,
        "signatures_stand": proof.is_ok(),
        "fault": proof.err(),
        "remarks": agreement.remarks,
        "ruled": agreement.ruled,
        "fits": fits,
        "protocol": agreement.protocol,
        "conformity": agreement.conformity,
        "history": agreement.history,
        "users": registry.users(&which.number),
    });
    Ok(Answer::new(json, text))
}

/// The day that is looked at.
fn shown_on(desk: &Desk<'_>) -> Date {
    desk.at().to_zoned(almaty()).date()
}

fn told(
    agreement: &Agreement,
    said: &Value,
    proof: Result<(), &'static str>,
    stage: &Stage,
    fits: &[Fit],
) -> String {
    let header = &agreement.header;
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // What was not signed yet may lack anything; then nothing is shown.
    let all = |list: &Value, each: &dyn Fn(&Value) -> String| {
        list.as_array().map_or_else(String::new, |list| list.iter().map(each).collect::<Vec<_>>().join("\n"))
    };
    let signatures = agreement.signatures.iter().map(|signature| {
        let (side, signer) = (signature.side.as_str(), &signature.signer);
        format!("{side}: {signer} of {}, {}", signature.bin, moment(signature.signed_at))
    });
    let standing = match (agreement.signatures.is_empty(), proof) {
        (true, _) => "none".to_owned(),
        (false, Ok(())) => "this gateway has verified each".to_owned(),
        (false, Err(fault)) => format!("DO NOT STAND: {fault}"),
    };
    let history = agreement.history.iter().map(|step| {
        let reason = if step.reason.is_empty() { String::new() } else { format!(": {}", step.reason) };
        format!("{} {} by {}{reason}", moment(step.at), kebab(&step.stage), step.actor.id)
    });
    let period = &said["access_period"];
    facts([
        ("agreement", format!("{} version {}", header.number, header.version)),
        ("stage", kebab(stage)),
        ("consumer", header.consumer.to_string()),
        ("provider", header.provider.to_string()),
        (
            "data",
            all(&said["data"], &|one| {
                let operations = all(&one["operations"], &word).replace('\n', ", ");
                let fields = all(&one["fields"], &word).replace('\n', ", ");
                format!(
                    "{} version {}: {operations}; fields {fields}",
                    word(&one["data_type"]),
                    one["version"]
                )
            }),
        ),
        ("access period", format!("{} to {}", word(&period["from"]), word(&period["until"]))),
        (
            "purposes",
            all(&said["purposes"], &|one| format!("{}: {}", word(&one["code"]), word(&one["text"]))),
        ),
        (
            "basis",
            all(&said["basis"], &|one| {
                format!("{} {} {}", word(&one["act"]), word(&one["version"]), word(&one["clause"]))
            }),
        ),
        ("accounting", word(&said["accounting"]["text"])),
        ("recovery", word(&said["recovery"]["text"])),
        ("protection", word(&said["protection"]["text"])),
        ("signatures", format!("{standing}\n{}", signatures.collect::<Vec<_>>().join("\n"))),
        ("templates", fits.iter().map(template::in_words).collect::<Vec<_>>().join("\n")),
        ("remarks", agreement.remarks.join("\n")),
        ("ruled", agreement.ruled.as_deref().map_or_else(String::new, ruling::ruled)),
        ("protocol", agreement.protocol.as_deref().map_or_else(String::new, ruling::protocol)),
        ("history", history.collect::<Vec<_>>().join("\n")),
    ])
}

fn list(desk: &Desk<'_>) -> Answer {
    let mut table = Table::new(["AGREEMENT", "VERSION", "STAGE", "CONSUMER", "PROVIDER", "SIGNED BY"]);
    let mut listed = Vec::new();
    for agreement in desk.registry().agreements() {
        let header = &agreement.header;
        let signed: Vec<&str> =
            agreement.signatures.iter().map(|signature| signature.side.as_str()).collect();
        table.row([
            header.number.to_string(),
            header.version.to_string(),
            kebab(&agreement.stage_on(shown_on(desk))),
            header.consumer.to_string(),
            header.provider.to_string(),
            signed.join(", "),
        ]);
        listed.push(
            json!({ "agreement": header, "stage": agreement.stage_on(shown_on(desk)), "signed_by": signed }),
        );
    }
    Answer::new(json!({ "agreements": listed }), table.or("no agreement is drafted"))
}
