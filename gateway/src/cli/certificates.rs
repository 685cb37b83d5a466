//! `kelisim certs`: the trial authority's certificates, revocation, and the gateway's verifier on files.

mod renewal;

use std::path::{Path, PathBuf};

use agreements::{Bin, Command, Fingerprint, System, SystemId};
use certs::authority::{AuthorityError, IssuedPem, PersonRequest, SystemRequest};
use certs::inspect::{Inspection, Revocation, Verdict, inspect};
use certs::keys::read_certificates;
use certs::trust::Purpose;
use clap::{Args, Subcommand};
use serde_json::json;

use super::desk::{Desk, read};
use super::table::facts;
use super::{Answer, Common, Exit, Failure, system};
use crate::clock;
use crate::office::Folder;

#[derive(Subcommand)]
pub(super) enum CertsCommand {
    /// Issue a certificate to a system, from the trial authority
    IssueSystem(IssueSystem),
    /// Issue a certificate to a person who signs, from the trial authority
    IssuePerson(IssuePerson),
    /// Issue a system a new certificate and bind it beside the old one
    #[command(after_help = "\
Example:
  kelisim certs renew portal --as integrator --reason 'the old one ends'

The old certificate works until it is revoked or ends. Names are those of the system's endpoint and of --name.")]
    Renew {
        /// Which system
        id: SystemId,
        /// A DNS name or address; as often as needed
        #[arg(long = "name", value_name = "NAME")]
        names: Vec<String>,
        /// How long it lasts
        #[arg(long, default_value_t = 365)]
        days: u16,
    },
    /// Issue the gateway itself a new key and certificate, from the trial authority
    RenewGateway(renewal::RenewGateway),
    /// Revoke a certificate of the trial authority, and unbind it from its system
    #[command(
        after_help = "Example:\n  kelisim certs revoke keys/portal.pem --as integrator --reason 'key lost'"
    )]
    Revoke {
        /// Which: a PEM file, a fingerprint, or a serial number in hexadecimal
        certificate: String,
    },
    /// Print the trial authority's revocation lists
    #[command(after_help = "Example:\n  kelisim certs crl --renew")]
    Crl {
        /// Make them anew first, so that they last again
        #[arg(long)]
        renew: bool,
    },
    /// Say whether the gateway would let in whoever shows a chain
    Verify(Verify),
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim certs issue-system portal --name portal.example --bind --as integrator --reason 'letter 9'

The certificate becomes keys/OUT.pem in the data folder, its key keys/OUT.key.")]
pub(super) struct IssueSystem {
    /// Its code
    code: SystemId,
    /// BIN of its holder [default: as registered]
    #[arg(long)]
    bin: Option<Bin>,
    /// Name of its holder [default: as registered]
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// A DNS name or address under which it is called; as often as needed
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// How long it lasts
    #[arg(long, default_value_t = 365)]
    days: u16,
    /// How the files are called [default: the code]
    #[arg(long, value_parser = file_name)]
    out: Option<String>,
    /// Bind it to the system too
    #[arg(long)]
    bind: bool,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim certs issue-person --name 'Saule Akhmetova' --iin 800101400017 --bin 990140000021 --out saule")]
pub(super) struct IssuePerson {
    /// Their name
    #[arg(long)]
    name: String,
    /// Their IIN
    #[arg(long)]
    iin: String,
    /// BIN of the body that they sign for
    #[arg(long)]
    bin: Bin,
    /// Name of the body [default: as registered]
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// How long it lasts
    #[arg(long, default_value_t = 365)]
    days: u16,
    /// How the files are called
    #[arg(long, value_parser = file_name)]
    out: String,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim certs verify --anchors root.pem --crls crls.pem --purpose client chain.pem

The verifier is the gateway's own. Without --crls nobody asks whether something was revoked; the gateway itself
would refuse. Ends with 0 if accepted, with 1 if rejected.")]
pub(super) struct Verify {
    /// Trust anchors, PEM
    #[arg(long, value_name = "FILE")]
    anchors: PathBuf,
    /// Revocation lists, PEM or DER
    #[arg(long, value_name = "FILE")]
    crls: Option<PathBuf>,
    /// What it would be shown for: client, server or signing
    #[arg(long, default_value = "client", value_parser = purpose)]
    purpose: Purpose,
    /// The name that the certificate must be for
    #[arg(long)]
    name: Option<String>,
    /// The chain, PEM, leaf first
    chain: PathBuf,
}

pub(super) fn run(common: &Common, command: CertsCommand) -> Result<Answer, Failure> {
    match command {
        CertsCommand::IssueSystem(asked) => asked.run(common),
        CertsCommand::IssuePerson(asked) => asked.run(common),
        CertsCommand::Renew { id, names, days } => renew(common, &id, names, days),
        CertsCommand::RenewGateway(asked) => asked.run(common),
        CertsCommand::Revoke { certificate } => revoke(common, &certificate),
        CertsCommand::Crl { renew } => {
            let authority = common.folder().authority()?;
            if renew {
                authority.renew_crls(clock::now())?;
            }
            let pem = authority.crl_pem()?;
            let json = json!({ "path": authority.crls_path(), "renewed": renew, "pem": pem });
            Ok(Answer::new(json, pem))
        }
        CertsCommand::Verify(asked) => asked.run(common),
    }
}

impl IssueSystem {
    fn run(self, common: &Common) -> Result<Answer, Failure> {
        let mut desk = Desk::open(common)?;
        let folder = common.folder();
        if self.bind {
            desk.says_why()?;
        }
        let out = self.out.unwrap_or_else(|| self.code.to_string());
        unused(&folder, &out)?;
        let holder = desk.registry().system(&self.code).map(|system| system.card.holder);
        let bin = self.bin.or(holder).ok_or_else(|| {
            let what = format!("no system {} is registered", self.code);
            Failure::new(Exit::Refused, what, "register it first, or give --bin and --organisation")
        })?;
        let request = SystemRequest {
            code: self.code.to_string(),
            bin,
            organisation: organisation(&desk, bin, self.organisation)?,
            names: self.names,
            days: self.days,
        };
        let issued = folder.authority()?.issue_system(&request, clock::now())?;
        let answer = kept(&folder, &out, &issued)?;
        match self.bind {
            true => Ok(answer.and(system::bind(&mut desk, self.code, issued.chain.as_bytes())?)),
            false => Ok(answer),
        }
    }
}

impl IssuePerson {
    fn run(self, common: &Common) -> Result<Answer, Failure> {
        let desk = Desk::open(common)?;
        let folder = common.folder();
        unused(&folder, &self.out)?;
        let request = PersonRequest {
            name: self.name,
            iin: self.iin,
            bin: self.bin,
            organisation: organisation(&desk, self.bin, self.organisation)?,
            days: self.days,
        };
        let issued = folder.authority()?.issue_person(&request, clock::now())?;
        kept(&folder, &self.out, &issued)
    }
}

fn renew(common: &Common, id: &SystemId, mut names: Vec<String>, days: u16) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    let folder = common.folder();
    let known = desk
        .registry()
        .system(id)
        .ok_or_else(|| Failure::new(Exit::Refused, format!("no system {id}"), "see `kelisim system list`"))?;
    let bin = known.card.holder;
    if let Some(endpoint) = &known.card.endpoint
        && !names.contains(&endpoint.server_name)
    {
        names.push(endpoint.server_name.clone());
    }
    // Who may not bind shall not leave a certificate behind that works nowhere.
    desk.actor()?;
    desk.says_why()?;
    let request = SystemRequest {
        code: id.to_string(),
        bin,
        organisation: organisation(&desk, bin, None)?,
        names,
        days,
    };
    let issued = folder.authority()?.issue_system(&request, clock::now())?;
    let out = format!("{id}-{}", issued.serial.get(..8).unwrap_or(&issued.serial));
    let answer = kept(&folder, &out, &issued)?;
    Ok(answer.and(system::bind(&mut desk, id.clone(), issued.chain.as_bytes())?))
}

fn revoke(common: &Common, named: &str) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    let (fingerprint, serial) = match (named.parse::<Fingerprint>(), Path::new(named).is_file()) {
        (_, true) => {
            let pem = read(Path::new(named))?;
            (Some(certs::fingerprint(&read_certificates(&pem)?[0])), Serial::InPem(pem))
        }
        (Ok(fingerprint), false) => {
            let bound = bound(&desk, |bound| bound.fingerprint == fingerprint).ok_or_else(|| {
                let what = format!("certificate {fingerprint} is bound to no system");
                Failure::new(Exit::Refused, what, "name its PEM file or its serial number")
            })?;
            (Some(fingerprint), Serial::Known(bound.serial))
        }
        (Err(_), false) => {
            let serial = named.to_ascii_lowercase();
            let bound = bound(&desk, |bound| bound.serial == serial);
            (bound.map(|bound| bound.fingerprint), Serial::Known(serial))
        }
    };
    let fingerprint = fingerprint.filter(|fingerprint| desk.registry().bound_to(fingerprint).is_some());
    // First the binding: gateways act on it at their next look, whatever becomes of the lists.
    let unbound = match fingerprint {
        Some(fingerprint) => {
            let done = format!("{fingerprint} is bound to no system now");
            Some(desk.issue(Command::UnbindCertificate { certificate: fingerprint }, done)?)
        }
        None => None,
    };
    let authority = common.folder().authority();
    let revoked = authority.and_then(|authority| match &serial {
        Serial::Known(serial) => authority.revoke(serial, clock::now()),
        Serial::InPem(pem) => authority.revoke_certificate(pem, clock::now()),
    });
    let (told, by_us) = match (revoked, &unbound) {
        (Ok(()), _) => ("the certificate is revoked, and the lists are new", true),
        (Err(AuthorityError::Unknown(_)), Some(_)) => {
            ("the trial authority did not issue it: have its issuer revoke it too", false)
        }
        (Err(error), _) => return Err(error.into()),
    };
    let answer = Answer::new(json!({ "revoked": by_us }), format!("{told}\n"));
    Ok(match unbound {
        Some(unbound) => answer.and(unbound),
        None => answer,
    })
}

/// A serial number, or the certificate that it stands in.
enum Serial {
    Known(String),
    InPem(Vec<u8>),
}

fn bound(
    desk: &Desk<'_>,
    is: impl Fn(&agreements::BoundCertificate) -> bool,
) -> Option<agreements::BoundCertificate> {
    let certificates = |system: &'_ System| system.certificates.clone();
    desk.registry().systems().flat_map(certificates).find(is)
}

impl Verify {
    fn run(self, common: &Common) -> Result<Answer, Failure> {
        let (anchors, chain) = (read(&self.anchors)?, read(&self.chain)?);
        let crls = self.crls.as_deref().map(read).transpose()?;
        let verdict = inspect(Inspection {
            anchors: &anchors,
            crls: crls.as_deref(),
            chain: &chain,
            purpose: self.purpose,
            name: self.name.as_deref(),
            at: common.at.unwrap_or_else(clock::now),
        });
        Ok(match verdict {
            Verdict::Accepted { chain, revocation } => {
                let asked = match revocation {
                    Revocation::Asked => "asked: not revoked",
                    Revocation::NotAsked => "NOT ASKED: no lists were given, and the gateway would refuse",
                };
                let text = facts([
                    ("ACCEPTED", chain.subject().display.clone()),
                    ("fingerprint", chain.fingerprint().to_string()),
                    ("serial", chain.serial().to_owned()),
                    ("valid", format!("{} to {}", chain.not_before(), chain.not_after())),
                    ("revocation", asked.to_owned()),
                ]);
                let json = json!({
                    "verdict": "accepted",
                    "subject": chain.subject().display,
                    "fingerprint": chain.fingerprint(),
                    "serial": chain.serial(),
                    "not_before": chain.not_before(),
                    "not_after": chain.not_after(),
                    "revocation_asked": revocation == Revocation::Asked,
                });
                Answer::new(json, text)
            }
            Verdict::Rejected(untrusted) => {
                let reason = crate::telemetry::chain(&untrusted);
                let json = json!({ "verdict": "rejected", "code": untrusted.code(), "reason": reason });
                Answer::new(json, format!("REJECTED  {}: {reason}", untrusted.code())).negative()
            }
        })
    }
}

pub(super) fn organisation(desk: &Desk<'_>, bin: Bin, named: Option<String>) -> Result<String, Failure> {
    let known = desk.registry().holder(bin).map(|holder| holder.name.clone());
    named.or(known).ok_or_else(|| {
        let todo = "give --organisation, or register it with `kelisim holder add`";
        Failure::new(Exit::Refused, format!("no organisation {bin} is registered"), todo)
    })
}

/// A key that is overwritten is lost.
pub(super) fn unused(folder: &Folder, out: &str) -> Result<(), Failure> {
    for ending in ["pem", "key"] {
        let path = folder.dir().join("keys").join(format!("{out}.{ending}"));
        if path.exists() {
            let what = format!("{} is there already", path.display());
            return Err(Failure::new(Exit::Refused, what, "choose another name with --out"));
        }
    }
    Ok(())
}

pub(super) fn kept(folder: &Folder, out: &str, issued: &IssuedPem) -> Result<Answer, Failure> {
    let (certificate, key) = folder.keep(out, issued).map_err(|error| {
        Failure::of(Exit::Environment, &error, "see who may write to the data folder's keys")
    })?;
    let text = facts([
        ("certificate", certificate.display().to_string()),
        ("key", key.display().to_string()),
        ("fingerprint", issued.fingerprint.to_string()),
        ("until", issued.not_after.to_string()),
    ]);
    let json = json!({
        "certificate": certificate,
        "key": key,
        "fingerprint": issued.fingerprint,
        "serial": issued.serial,
        "not_after": issued.not_after,
    });
    Ok(Answer::new(json, text))
}

fn purpose(word: &str) -> Result<Purpose, String> {
    match word {
        "client" => Ok(Purpose::Client),
        "server" => Ok(Purpose::Server),
        "signing" => Ok(Purpose::Signing),
        _ => Err("client, server or signing".into()),
    }
}

/// A name within the folder of keys, and nowhere else.
fn file_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && !text.starts_with('.') && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("letters, digits, '-', '_' and '.'".into())
    }
}
