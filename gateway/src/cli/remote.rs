//! `--server`: the same commands, on a registry that is reached over the API, with `kelisim` as its client.
//!
//! ```text
//! line    HTTPS to the API, one answer at a time        reads   which commands read, by which operation
//! ```
//!
//! What changes the registry goes one way for all commands: [`agreements::Command`] as its operation takes it. What reads
//! is a table of names: the operation says which places and parameters it has. Commands that need the data folder say so.

mod line;
mod reads;

use std::sync::Arc;

use agreements::{
    Actor, AgreementNumber, BoundCertificate, Command, DataTypeId, OperatorId, Recorded, SystemId,
};
use clap::ArgMatches;
use http::Method;
use serde_json::{Map, Value, json};

pub(super) use self::line::Line;
use super::common::Common;
use super::{Answer, Exit, Failure};
use crate::registry::{Server, ServerError};

/// What of a command line is done at a server, if it names one: an answer, or nothing where the command itself goes on.
pub(super) fn answered(common: &Common, matches: &ArgMatches) -> Result<Option<Answer>, Failure> {
    if common.server.is_none() {
        return Ok(None);
    }
    let (path, leaf) = leaf(matches);
    if common.operator.is_some() {
        let what = "--as is for a data folder: a server knows who asks by token or certificate";
        return Err(Failure::new(Exit::Usage, what, "leave --as out"));
    }
    if let Some(answer) = reads::answered(common, &path, leaf)? {
        return Ok(Some(answer));
    }
    if WRITES.contains(&path.as_str()) {
        return Ok(None);
    }
    let what =
        format!("`kelisim {path}` needs the data folder, or asks in a way that the API has no operation for");
    Err(Failure::new(Exit::Local, what, "run it where the folder is, without --server"))
}

/// The names of a command, and its arguments.
fn leaf(matches: &ArgMatches) -> (String, &ArgMatches) {
    let (mut path, mut at) = (Vec::new(), matches);
    while let Some((name, next)) = at.subcommand() {
        path.push(name);
        at = next;
    }
    (path.join(" "), at)
}

impl Server for Line {
    fn present(&self) -> &Actor {
        &self.present
    }

    fn issue(&mut self, command: Command, reason: &str) -> Result<Vec<Recorded>, ServerError> {
        let (name, mut body) = wire(&command)?;
        body.insert("reason".into(), reason.into());
        let answer = self.ask(Method::POST, &format!("/v1/commands/{name}"), Some(&Value::Object(body)))?;
        serde_json::from_value(answer["events"].clone()).map_err(|error| ServerError::unreadable(&error))
    }

    fn document(&mut self, number: &AgreementNumber, version: u32) -> Result<Arc<str>, ServerError> {
        let found = self.ask(Method::GET, &format!("/v1/agreements/{number}/versions/{version}"), None)?;
        Ok(found["document"].as_str().unwrap_or_default().into())
    }

    fn newest(&mut self, number: &AgreementNumber) -> Result<u32, ServerError> {
        let found = self.ask(Method::GET, &format!("/v1/agreements/{number}"), None)?;
        let versions = found["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let newest = versions.last().and_then(|newest| newest["version"].as_u64());
        Ok(newest.and_then(|newest| newest.try_into().ok()).unwrap_or(1))
    }

    fn serial(&mut self, number: &AgreementNumber) -> Result<u32, ServerError> {
        let found = self.ask(Method::GET, &format!("/v1/agreements/{number}"), None)?;
        Ok(found["list"].as_u64().and_then(|serial| serial.try_into().ok()).unwrap_or(0))
    }

    fn check_certificate(&mut self, chain: &str) -> Result<BoundCertificate, ServerError> {
        let found = self.ask(Method::POST, "/v1/certificates/check", Some(&json!({ "chain": chain })))?;
        serde_json::from_value(found).map_err(|error| ServerError::unreadable(&error))
    }

    fn grant(
        &mut self,
        operator: &OperatorId,
        access: Value,
        reason: &str,
    ) -> Result<(Vec<Recorded>, Option<String>), ServerError> {
        let body = json!({ "operator": operator, "access": access, "reason": reason });
        let answer = self.ask(Method::POST, "/v1/commands/grant-access", Some(&body))?;
        let events = serde_json::from_value(answer["events"].clone());
        let events = events.map_err(|error| ServerError::unreadable(&error))?;
        Ok((events, answer["secret"].as_str().map(str::to_owned)))
    }

    fn has_password(&mut self, operator: &OperatorId) -> Result<bool, ServerError> {
        let found = self.ask(Method::GET, &format!("/v1/operators/{operator}/access"), None)?;
        Ok(!found["password"].is_null())
    }

    fn newest_data_type(&mut self, provider: &SystemId, id: &DataTypeId) -> Result<u32, ServerError> {
        let found = match self.ask(Method::GET, &format!("/v1/data-types/{provider}/{id}"), None) {
            Err(ServerError::Problem { status: 404, .. }) => return Ok(0),
            found => found?,
        };
        let versions = found["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let newest = versions.last().and_then(|newest| newest["version"].as_u64());
        Ok(newest.and_then(|newest| newest.try_into().ok()).unwrap_or(0))
    }

    fn deposit(&mut self, sha256: &str, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.send(Method::PUT, &format!("/v1/documents/{sha256}"), "application/octet-stream", bytes)
            .map(drop)
    }
}

/// A command as its operation takes it: of a signature, what was signed alone; an agreement as the object that it is.
fn wire(command: &Command) -> Result<(&'static str, Map<String, Value>), ServerError> {
    let name = command.name().as_str();
    let whole = serde_json::to_value(command).map_err(|error| ServerError::unreadable(&error))?;
    let mut body = whole.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(mut signature) = body.remove("signature") {
        body.insert("jws".into(), signature["jws"].take());
    }
    if let (Command::DraftAgreement { document }, Some(field)) = (command, body.get_mut("document")) {
        *field = serde_json::from_str(document).map_err(|error| ServerError::unreadable(&error))?;
    }
    Ok((name, body))
}

/// Commands that change the registry and need nothing of its folder. Others say that they cannot go.
const WRITES: &[&str] = &[
    "holder add",
    "operator add",
    "operator confirm",
    "operator suspend",
    "operator resume",
    "operator remove",
    "operator password",
    "operator token",
    "operator certificate",
    "operator confirm-access",
    "operator revoke password",
    "operator revoke token",
    "operator revoke certificate",
    "regulator name",
    "system register",
    "system bind",
    "system suspend",
    "system resume",
    "system decommission",
    "system update",
    "system production",
    "system attest",
    "system certify",
    "system withdraw-attestation",
    "system withdraw-certificate",
    "system suspend-paper",
    "system resume-paper",
    "system unbind",
    "application submit",
    "application accept",
    "application return",
    "application withdraw",
    "object correct",
    "object discover",
    "object responsible",
    "object document",
    "object mark",
    "object authority",
    "object end",
    "calendar set",
    "calendar clear",
    "calendar holiday",
    "calendar term",
    "data-type publish",
    "data-type import",
    "data-type categorise",
    "act record",
    "act repeal",
    "template publish",
    "template recall",
    "agreement draft",
    "agreement sign",
    "agreement submit",
    "agreement concur",
    "agreement refuse",
    "agreement return",
    "agreement withdraw",
    "agreement protocol",
    "agreement suspend",
    "agreement resume",
    "agreement terminate",
    "agreement users",
    "delegation record",
    "delegation revoke",
    "prescription issue",
    "prescription lift",
];

#[cfg(test)]
mod tests {
    use agreements::{Bin, Fingerprint, Holder, Side, Signature, SystemId};
    use serde_json::json;

    use super::*;

    /// One way for all: no command is mapped by hand.
    #[test]
    fn a_command_goes_as_its_operation_takes_it() {
        let bin = Bin::new("000140000011").unwrap();
        let holder = Holder { bin, name: "Body".into(), region: None };
        let (name, body) = wire(&Command::RegisterHolder { holder }).unwrap();
        assert_eq!((name, &body["holder"]["name"]), ("register-holder", &json!("Body")));
        let signature = Signature {
            side: Side::Consumer,
            certificate: Fingerprint::new([7; 32]),
            bin,
            signer: "A head".into(),
            signed_at: "2026-03-02T05:00:00Z".parse().unwrap(),
            jws: json!({ "protected": "a", "signature": "b" }),
        };
        let number = AgreementNumber::new("n").unwrap();
        let (_, body) = wire(&Command::SignAgreement { number, version: 1, signature }).unwrap();
        let expected = json!({ "number": "n", "version": 1, "jws": { "protected": "a", "signature": "b" } });
        assert_eq!(Value::Object(body), expected);
        let (_, body) = wire(&Command::DraftAgreement { document: "{\"number\":\"n\"}".into() }).unwrap();
        assert_eq!(body["document"]["number"], "n");
        let system = SystemId::new("portal").unwrap();
        assert_eq!(wire(&Command::SuspendSystem { system }).unwrap().1["system"], "portal");
    }

    #[test]
    fn what_may_go_is_a_command_and_stands_once() {
        let line = crate::cli::command();
        for (at, path) in WRITES.iter().enumerate() {
            let mut known = &line;
            for name in path.split(' ') {
                known = known.find_subcommand(name).unwrap_or_else(|| panic!("no command {path}"));
            }
            assert!(!known.has_subcommands() && !WRITES[..at].contains(path), "{path}");
        }
    }
}
