//! Certificates looked at before they are bound: whether this gateway would let their bearer in.

use agreements::{BoundCertificate, CommandName};
use certs::Purpose;
use certs::keys::read_certificates;
use serde::Deserialize;
use utoipa::ToSchema;

use super::asked::{Asked, Reply};
use super::operation::{Media, Operation};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;
use crate::telemetry::chain;

/// A chain to be looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateRequest {
    /// The certificate with those that issued it, PEM, its own first.
    #[schema(max_length = 65536)]
    chain: String,
}

pub(super) fn operations() -> Vec<Operation> {
    let check = Operation::read(
        "check-certificate",
        "/v1/certificates/check",
        "Says what is to be bound of a client certificate, if this gateway would let its bearer in; changes nothing",
        "systems",
        Media::named("BoundCertificate"),
        check,
    )
    .asking("CertificateRequest")
    .entitled_to(CommandName::BindCertificate)
    .failing(&["certificate-untrusted", "not-in-role"]);
    vec![check]
}

fn check(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let CertificateRequest { chain: pem } = asked.json()?;
    if pem.len() > MOST_BYTES {
        return Err(Problem::new("body-malformed", format!("chain: at most {MOST_BYTES} bytes")));
    }
    let unreadable =
        |error: &dyn std::error::Error| Problem::new("body-malformed", format!("chain: {}", chain(error)));
    let certificates = read_certificates(pem.as_bytes()).map_err(|error| unreadable(&error))?;
    let verified = shared
        .trust
        .verify(&certificates, Purpose::Client, clock::now())
        .map_err(|untrusted| Problem::new("certificate-untrusted", chain(&untrusted)))?;
    Reply::json(&BoundCertificate {
        fingerprint: verified.fingerprint(),
        serial: verified.serial().to_owned(),
        not_after: verified.not_after(),
    })
}

/// A chain of several certificates has some ten thousand.
const MOST_BYTES: usize = 64 << 10;
