//! Messages that systems sign (RFC 9421), and what is wrong with them where a test wants it so.

use std::net::SocketAddr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::message::{Content, Demand, Message, MessageFault, Target, sign_message, verify_message};
use certs::tls::Identity;
use gateway::clock;
use jiff::{SignedDuration, Timestamp};

use super::{Answer, Ask, Reply, Seen};

/// What a signature says of itself: what it covers, when it was made, and by which key.
#[derive(Debug, Clone)]
pub struct Said {
    /// What it covers, as in `Signature-Input`.
    pub covered: String,
    /// When it was made.
    pub created: Timestamp,
    /// What stands behind.
    pub more: String,
}

impl Said {
    /// Made now, over these components.
    pub fn now(covered: &str) -> Self {
        Self { covered: covered.into(), created: clock::now(), more: String::new() }
    }

    /// The same, made some minutes later.
    pub fn later(self, minutes: i64) -> Self {
        Self { created: self.created + SignedDuration::from_mins(minutes), ..self }
    }

    /// The same, with more parameters.
    pub fn and(self, more: &str) -> Self {
        Self { more: more.into(), ..self }
    }

    fn input(&self, identity: &Identity) -> String {
        let (created, keyid) = (self.created.as_second(), identity.fingerprint());
        format!("sig={};created={created};keyid=\"{keyid}\"{}", self.covered, self.more)
    }
}

/// The digest of a body, as its header says it.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
}

/// A request that its system signed as agreements want it.
pub fn signed(ask: &Ask, gateway: SocketAddr, identity: &Identity) -> Ask {
    let mut covered = String::from("(\"@method\" \"@target-uri\"");
    let mut ask = ask.clone();
    if let Some(body) = &ask.body {
        covered.push_str(" \"content-digest\"");
        ask = ask.clone().header("Content-Digest", &content_digest(body));
    }
    for (name, _) in &ask.headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("kelisim-") || name == "idempotency-key" {
            covered.push_str(&format!(" \"{name}\""));
        }
    }
    covered.push(')');
    signed_so(&ask, gateway, &Said::now(&covered), identity)
}

/// A request that was signed in a way of its own.
///
/// # Panics
/// If it covers what the request has not.
pub fn signed_so(ask: &Ask, gateway: SocketAddr, said: &Said, identity: &Identity) -> Ask {
    let fields: Vec<(String, &str)> =
        ask.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str())).collect();
    let fields: Vec<(&str, &[u8])> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let (path, query) =
        ask.target.split_once('?').map_or((ask.target.as_str(), None), |(path, query)| (path, Some(query)));
    let authority = gateway.to_string();
    let target = Target { method: &ask.method, authority: &authority, path, query };
    let message = Message { target, status: None, fields: &fields, request_fields: &[] };
    let input = said.input(identity);
    let made = sign_message(&message, &input, identity).unwrap();
    ask.clone().header("Signature-Input", &input).header("Signature", &made)
}

/// What an answer covers so that whoever gets it can verify it.
pub const ANSWERED: &str = r#"("@status" "content-digest" "@method";req "kelisim-exchange";req)"#;

/// An answer that its system signed.
pub fn replied(seen: &Seen, media_type: &str, body: &[u8], identity: &Identity) -> Reply {
    replied_so(seen, media_type, body, &content_digest(body), &Said::now(ANSWERED), identity)
}

/// An answer that was signed in a way of its own, over a digest of choice.
///
/// # Panics
/// If it covers what neither it nor its request has.
pub fn replied_so(
    seen: &Seen,
    media_type: &str,
    body: &[u8],
    digest: &str,
    said: &Said,
    identity: &Identity,
) -> Reply {
    let mut line = seen.head[0].split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let asked: Vec<(String, &str)> = seen.head[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let asked: Vec<(&str, &[u8])> =
        asked.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let fields: &[(&str, &[u8])] =
        &[("content-digest", digest.as_bytes()), ("content-type", media_type.as_bytes())];
    let authority = seen.header("host").unwrap_or_default();
    let target = Target { method, authority, path, query };
    let message = Message { target, status: Some(200), fields, request_fields: &asked };
    let input = said.input(identity);
    let made = sign_message(&message, &input, identity).unwrap();
    let headers = vec![
        ("Content-Type", media_type.to_owned()),
        ("Content-Digest", digest.to_owned()),
        ("Signature-Input", input),
        ("Signature", made),
    ];
    Reply::With(200, headers, body.to_vec())
}

/// Whether an answer's signature counts for whoever got it.
///
/// # Errors
/// Why it does not.
pub fn holds(answer: &Answer, method: &str, signer: &Identity) -> Result<(), MessageFault> {
    let fields: Vec<(&str, &[u8])> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let exchange = answer.exchange().to_string();
    let message = Message {
        target: Target { method, authority: "", path: "", query: None },
        status: Some(answer.status),
        fields: &fields,
        request_fields: &[("kelisim-exchange", exchange.as_bytes())],
    };
    let demand =
        Demand { content: Content::Some, request_fields: &["kelisim-exchange"], ..Demand::default() };
    verify_message(&message, &demand, &signer.certificates()[0], clock::now()).map(drop)
}
