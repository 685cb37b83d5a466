//! What an entry says. One set of types for writing (borrowed) and reading (owned).
//!
//! Fields are written in the order in which they stand here; absent ones are left out. Text that a peer chose is
//! a [`Claim`], which is bounded by construction; ids that the registry gave are bounded there. D1 names what is
//! recorded; D4: the persons whom data is about appear in `subject` only, as a keyed hash.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use agreements::Fingerprint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::{self, Claim, Sha256};
use crate::cryptography::Cryptography;

/// A call that was permitted, written before any of it is forwarded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening<'a> {
    /// The exchange (UUIDv7), as told to both sides.
    pub exchange: Uuid,
    /// When the request was received.
    #[serde(serialize_with = "text::micros")]
    pub at: Timestamp,
    /// The system that asks.
    pub consumer: Cow<'a, str>,
    /// BIN of the consumer's holder.
    pub consumer_holder: Cow<'a, str>,
    /// The system that answers.
    pub provider: Cow<'a, str>,
    /// BIN of the provider's holder.
    pub provider_holder: Cow<'a, str>,
    /// What is exchanged.
    pub data_type: Cow<'a, str>,
    /// Version of the data type.
    pub data_type_version: Cow<'a, str>,
    /// The data type's operation.
    pub operation: Cow<'a, str>,
    /// `production` or `trial`.
    pub environment: Cow<'a, str>,
    /// Method of the request, where the surface has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Cow<'a, str>>,
    /// The agreement that permits it.
    pub agreement: Cow<'a, str>,
    /// Its version.
    pub agreement_version: u32,
    /// Why access is given.
    pub purpose: Cow<'a, str>,
    /// What the personal data was collected for (B7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_purpose: Option<Cow<'a, str>>,
    /// Act, version and clause that allow it.
    pub basis: Cow<'a, str>,
    /// The official in whose name the consumer asks, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Claim<'a>>,
    /// Address of the official's computer, as claimed (D1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_address: Option<Claim<'a>>,
    /// Address of the peer, as seen (D1).
    pub peer_address: IpAddr,
    /// The certificate that the peer proved to hold.
    #[serde(with = "text::fingerprint")]
    pub certificate: Fingerprint,
    /// The case for which the official asks, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Claim<'a>>,
    /// The part of the resource that was accessed (D1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logical_part: Option<Claim<'a>>,
    /// Keyed hash of the person whom the data is about (D4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Cow<'a, str>>,
    /// Those of further persons, where a request names several (D4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// The consent that it passed with, by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Uuid>,
    /// Category of the data.
    pub category: Cow<'a, str>,
    /// Digest of the request's body, unless it streams and is known only at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<Sha256>,
    /// Size of the request's body.
    pub request_bytes: u64,
    /// The registry on which the call was decided.
    pub registry_revision: u64,
    /// W3C trace context, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Claim<'a>>,
    /// Official, address and case, sealed under a key that can be destroyed; then they stand nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Cow<'a, str>>,
    /// Signatures that the agreement asks for and that counted: what was signed, the certificate, and when (C5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Cow<'a, str>>,
    /// Digest of the request's body as the provider gets it, where the consumer sent more than is agreed (B7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_digest: Option<Sha256>,
    /// Size of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_bytes: Option<u64>,
}

impl Opening<'_> {
    /// An opening of which only the exchange is known; certificate and address are those of nobody.
    pub const fn bare(exchange: Uuid, at: Timestamp) -> Self {
        const NONE: Cow<'_, str> = Cow::Borrowed("");
        Self {
            exchange,
            at,
            consumer: NONE,
            consumer_holder: NONE,
            provider: NONE,
            provider_holder: NONE,
            data_type: NONE,
            data_type_version: NONE,
            operation: NONE,
            environment: NONE,
            method: None,
            agreement: NONE,
            agreement_version: 0,
            purpose: NONE,
            collection_purpose: None,
            basis: NONE,
            user: None,
            user_address: None,
            peer_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            certificate: Fingerprint::new([0; 32]),
            case: None,
            logical_part: None,
            subject: None,
            subjects: Vec::new(),
            consent: None,
            category: NONE,
            request_digest: None,
            request_bytes: 0,
            registry_revision: 0,
            traceparent: None,
            sealed: None,
            signatures: None,
            passed_digest: None,
            passed_bytes: None,
        }
    }
}

/// How an opened exchange ended. The log adds which one it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Closing<'a> {
    /// When it ended.
    #[serde(serialize_with = "text::micros")]
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// Status of the provider's response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Our refusal code, if the consumer got one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Claim<'a>>,
    /// Digest of the request's body, where it became known only while streaming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<Sha256>,
    /// Size of the request's body, where it became known only while streaming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_bytes: Option<u64>,
    /// Digest of the response's body as the consumer got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_digest: Option<Sha256>,
    /// Size of the response's body as the consumer got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<u64>,
    /// Fields withheld because the agreement does not name them (B7).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trimmed: u32,
    /// The same by field: the first, as many as an entry has room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
    /// Fields of the request that the agreement does not name: withheld from the provider, or why it was refused (B7).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub request_trimmed: u32,
    /// The same by field: the first, as many as an entry has room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_withheld: Vec<Withheld>,
    /// Keyed hashes of the persons whom the response named (D4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// From receiving the request to the end; unknown after a crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// Signatures that counted and were known only now: of documents in the request, and of the response (C5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Cow<'a, str>>,
    /// The exchange whose answer was given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_exchange: Option<Uuid>,
    /// What a virus scanner said of the documents: `clean`, `unscanned`, or what it found; absent where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Cow<'a, str>>,
}

/// A field that a body had and its agreement does not name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Where: a JSON Pointer, `*` for any element, and for names that neither data type nor agreement know.
    pub field: String,
    /// How often.
    pub count: u64,
}

impl Closing<'_> {
    /// An end of which only the kind is known.
    pub const fn bare(at: Timestamp, outcome: Outcome) -> Self {
        Self {
            at,
            outcome,
            status: None,
            code: None,
            request_digest: None,
            request_bytes: None,
            response_digest: None,
            response_bytes: None,
            trimmed: 0,
            withheld: Vec::new(),
            request_trimmed: 0,
            request_withheld: Vec::new(),
            subjects: Vec::new(),
            duration_us: None,
            signatures: None,
            first_exchange: None,
            scan: None,
        }
    }
}

/// How an opened exchange can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The provider answered and the consumer got the answer.
    Completed,
    /// The first answer under the same idempotency key was given again; the provider was not asked.
    AnsweredAgain,
    /// The provider answered with an error of its own, which was passed on.
    RefusedByProvider,
    /// No connection to the provider; nothing was sent.
    ProviderUnreachable,
    /// The provider did not answer in time; it may have acted.
    Timeout,
    /// The connection broke after the request was sent; the provider may have acted.
    ProviderFailed,
    /// The request turned out not to be allowed before all of it was sent; the code says why.
    RequestRefused,
    /// The provider's answer was not let through; the code says why.
    ResponseRefused,
    /// The consumer went away before the end.
    Abandoned,
    /// The gateway stopped before the end: written by recovery.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Completed,
        Self::AnsweredAgain,
        Self::RefusedByProvider,
        Self::ProviderUnreachable,
        Self::Timeout,
        Self::ProviderFailed,
        Self::RequestRefused,
        Self::ResponseRefused,
        Self::Abandoned,
        Self::Unknown,
    ];

    /// Its name, as serde has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::AnsweredAgain => "answered-again",
            Self::RefusedByProvider => "refused-by-provider",
            Self::ProviderUnreachable => "provider-unreachable",
            Self::Timeout => "timeout",
            Self::ProviderFailed => "provider-failed",
            Self::RequestRefused => "request-refused",
            Self::ResponseRefused => "response-refused",
            Self::Abandoned => "abandoned",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the provider may have got the whole request: else it has nothing to act on, and nothing to note.
    pub const fn reaches_provider(self) -> bool {
        match self {
            Self::Completed
            | Self::RefusedByProvider
            | Self::Timeout
            | Self::ProviderFailed
            | Self::ResponseRefused
            | Self::Abandoned
            | Self::Unknown => true,
            Self::AnsweredAgain | Self::ProviderUnreachable | Self::RequestRefused => false,
        }
    }

    /// Whether the provider may have acted without anybody having heard so: what has to be asked again, or cleared up
    /// with the provider (Interaction 17.6).
    pub const fn is_unsettled(self) -> bool {
        match self {
            Self::Timeout | Self::ProviderFailed | Self::Abandoned | Self::Unknown => true,
            Self::Completed
            | Self::AnsweredAgain
            | Self::RefusedByProvider
            | Self::ProviderUnreachable
            | Self::RequestRefused
            | Self::ResponseRefused => false,
        }
    }
}

/// A call that was not permitted. Fields are what was asked and claimed, as far as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// The exchange (UUIDv7), as told to the consumer.
    pub exchange: Uuid,
    /// When the request was received.
    #[serde(serialize_with = "text::micros")]
    pub at: Timestamp,
    /// The refusal's stable code.
    pub code: Cow<'a, str>,
    /// The clause that it obeys.
    pub clause: Cow<'a, str>,
    /// On whose side the cause is (C8).
    pub culprit: Cow<'a, str>,
    /// The system that asks, if its certificate told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Cow<'a, str>>,
    /// The certificate that the peer proved to hold.
    #[serde(with = "text::fingerprint")]
    pub certificate: Fingerprint,
    /// Address of the peer, as seen.
    pub peer_address: IpAddr,
    /// Address of the official's computer, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_address: Option<Claim<'a>>,
    /// Provider, as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Claim<'a>>,
    /// Data type, as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<Claim<'a>>,
    /// Operation, as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Claim<'a>>,
    /// Agreement, as claimed or found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Claim<'a>>,
    /// Purpose, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Claim<'a>>,
    /// Official, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Claim<'a>>,
    /// Case, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Claim<'a>>,
    /// Equal refusals before this one which the flood guard counted but did not log.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suppressed: u32,
    /// Official, address and case, sealed as those of an opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Cow<'a, str>>,
}

/// First entry of each segment: makes it readable, and recoverable, without those before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentHeader<'a> {
    /// When the segment was begun.
    #[serde(serialize_with = "text::micros")]
    pub at: Timestamp,
    /// Whose log it is.
    pub origin: Cow<'a, str>,
    /// Exchanges that were open when it was begun: index of the opening, and exchange.
    pub open: Vec<(u64, Uuid)>,
    /// Whether the next entry continues the list.
    pub more: bool,
    /// What does the cryptography from here on (C5). Where it changes, a segment is begun; older ones do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cryptography: Option<Cow<'a, Cryptography>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
