//! Registered systems and what gives them standing to exchange.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Bin, Dossier, Fingerprint, Region, SystemId};

/// Whose a system is. Both kinds may exchange; both need an attestation and a certificate (Interaction 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// A state body's: registered, with a registration code.
    State,
    /// Another's: accounted for, with an accounting code.
    NonState,
}

/// Phase of operation (Interaction 12-13), and the environment a gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Trial operation: synthetic data only.
    Trial,
    /// Production operation.
    Production,
}

/// Whether a system is marked *national* (Law 4.2.8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Significance {
    /// Not marked.
    #[default]
    Ordinary,
    /// Marked national.
    National,
}

/// Whether the public register names a system (Law 4.2.3; Portal 5.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Openness {
    /// It does: openness is presumed.
    #[default]
    Open,
    /// It does not, nor any agreement of the system.
    Restricted,
}

impl Openness {
    /// Whether it is what is presumed.
    pub fn is_presumed(&self) -> bool {
        *self == Self::Open
    }
}

/// Where a system stands in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SystemStatus {
    /// In the registry, with its code.
    Registered,
    /// Stopped for a time.
    Suspended,
    /// Ended: refused at once and for good (Registration, annex).
    Decommissioned,
}

/// Kinds of documents that a registration rests on (Registration 5-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// Description of the system.
    Description,
    /// Act of entry into trial operation.
    TrialAct,
    /// Technical documentation.
    TechnicalDocumentation,
    /// Act of entry into production operation.
    ProductionAct,
    /// Attestation.
    Attestation,
    /// Quality certificate.
    QualityCertificate,
    /// Anything else.
    Other,
}

/// A kept document, named by what it contains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its title.
    pub title: String,
}

/// Where a provider listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// `host:port` to dial.
    pub address: String,
    /// The name its certificate must bear.
    pub server_name: String,
    /// What stands before the operation's path; empty or `/…` without a final slash.
    #[serde(default)]
    pub base_path: String,
}

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// The address is none that can be dialled.
    #[error("its address is not host:port, with a DNS name or an IP address and a port from 1")]
    Address,
    /// No certificate can bear the name.
    #[error("its server name is no DNS name and no IP address")]
    ServerName,
    /// The base path would not be sent as it is written.
    #[error(
        "its base path is neither empty nor /segment/segment of letters, digits, '-', '.', '_', '~', at most 512 bytes"
    )]
    BasePath,
}

impl Endpoint {
    /// Whether it can be dialled and asked as it is written; the gateway takes it so.
    ///
    /// # Errors
    /// The first [`EndpointFault`].
    pub fn check(&self) -> Result<(), EndpointFault> {
        let (host, port) = self.address.rsplit_once(':').ok_or(EndpointFault::Address)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_good = match bracketed {
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => is_host(host),
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        if !host_good || !digits || !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(EndpointFault::Address);
        }
        if !(is_host(&self.server_name) || self.server_name.parse::<IpAddr>().is_ok()) {
            return Err(EndpointFault::ServerName);
        }
        let path = &self.base_path;
        let good =
            path.is_empty() || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment));
        if good && path.len() <= MOST_BASE_PATH_BYTES { Ok(()) } else { Err(EndpointFault::BasePath) }
    }
}

/// A DNS name or an IPv4 address.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // RFC 1123 §2.1: a name whose last label is a number can only be an address.
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    host.len() <= 253 && host.split('.').all(label) && (!numeric || host.parse::<IpAddr>().is_ok())
}

/// A path segment of unreserved characters (RFC 3986 §2.3) that is no dot segment.
fn is_segment(segment: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(unreserved)
}

/// A conformity document: an attestation or a quality certificate (Interaction 14).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conformity {
    /// Its number.
    pub number: String,
    /// Who issued it: for a quality certificate, an accredited body.
    pub issuer: String,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_until: Date,
    /// SHA-256 of the document, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What of the system it covers; empty for the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Since when it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Timestamp>,
    /// When it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
}

/// A registration certificate bound to a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundCertificate {
    /// Which certificate.
    pub fingerprint: Fingerprint,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// When it ends.
    pub not_after: Timestamp,
}

/// What an application for registration states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemCard {
    /// How the system is named.
    pub id: SystemId,
    /// Its title.
    pub name: String,
    /// Who runs it.
    pub holder: Bin,
    /// Who owns it.
    pub owner: Bin,
    /// State or not.
    pub ownership: Ownership,
    /// Trial or production.
    pub phase: Phase,
    /// Marked national or not.
    #[serde(default)]
    pub significance: Significance,
    /// Whether the public register names it.
    #[serde(default, skip_serializing_if = "Openness::is_presumed")]
    pub openness: Openness,
    /// Where it is; absent for the whole Republic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The networks it may connect from (Law 1.23; Interaction 11, 19).
    #[schema(value_type = Vec<String>)]
    pub networks: Vec<IpNet>,
    /// Where it listens, if it provides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The employee responsible for it (Registration 9).
    pub responsible: String,
    /// The documents of the application.
    #[serde(default)]
    pub documents: Vec<Document>,
}

impl SystemCard {
    /// The documents which this application still lacks (Registration 5-8): none when it is complete.
    pub fn missing_documents(&self) -> Vec<DocumentKind> {
        let mut wanted = match self.ownership {
            Ownership::State => {
                vec![DocumentKind::Description, DocumentKind::TrialAct, DocumentKind::TechnicalDocumentation]
            }
            Ownership::NonState => vec![DocumentKind::Description],
        };
        if self.ownership == Ownership::State && self.phase == Phase::Production {
            wanted.push(DocumentKind::ProductionAct);
        }
        wanted.retain(|kind| !self.documents.iter().any(|document| document.kind == *kind));
        wanted
    }
}

/// A system in the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct System {
    /// What its application stated, as corrected since.
    pub card: SystemCard,
    /// Registration code of a state system, accounting code of another.
    pub code: String,
    /// Where it stands.
    pub status: SystemStatus,
    /// Its attestation.
    pub attestation: Option<Conformity>,
    /// Its quality certificate.
    pub quality_certificate: Option<Conformity>,
    /// Its certificates; several at a time while one is renewed.
    pub certificates: Vec<BoundCertificate>,
    /// What else is kept of it.
    #[schema(value_type = Dossier)]
    pub dossier: Arc<Dossier>,
}

/// Longest base path: what remains of a target is the operation's.
const MOST_BASE_PATH_BYTES: usize = 512;
