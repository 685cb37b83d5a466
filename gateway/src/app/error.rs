//! Why a gateway does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use certs::keys::KeyError;
use certs::tls::Unready;

use crate::api::access::AccessError;
use crate::exchange_log::{LogKeyError, SearchError, StartError};
use crate::national::NationalError;
use crate::office::RestoredError;
use crate::personal::PersonalError;
use crate::registry::follower::FollowError;
use crate::registry::{Failure, StoreError};
use crate::repeats::RepeatsError;
use crate::subject_keys::RingError;
use crate::trusted::Unreadable;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The gateway's own certificate or key.
    #[error("the gateway's identity cannot be used")]
    Identity(#[source] KeyError),
    /// The key of subjects' hashes.
    #[error("the key of subjects' hashes cannot be used")]
    SubjectKey(#[source] KeyError),
    /// The keys of subjects' hashes by period.
    #[error("the keys of subjects' hashes cannot be used")]
    SubjectKeys(#[from] RingError),
    /// The keys of personal parts.
    #[error("the keys of personal parts cannot be used")]
    PersonalKeys(#[from] PersonalError),
    /// Trust.
    #[error("trust cannot be read")]
    Trust(#[from] Unreadable),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] Unready),
    /// The registry's store.
    #[error("the registry cannot be opened")]
    Store(#[from] StoreError),
    /// The registry.
    #[error("the registry cannot be followed")]
    Registry(#[from] FollowError),
    /// The authority of time stamps.
    #[error("time stamps cannot be asked for with {0}")]
    StampAnchors(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The service that verifies national signatures.
    #[error("the service of [national_signatures] cannot be asked")]
    National(#[from] NationalError),
    /// What became of requests with idempotency keys.
    #[error("repeats under idempotency keys cannot be told")]
    Repeats(#[from] RepeatsError),
    /// The keys of the exchange log.
    #[error("the exchange log's keys cannot be used")]
    LogKey(#[from] LogKeyError),
    /// The folder was restored from a backup, and the log that it had is not there.
    #[error(transparent)]
    Restored(#[from] RestoredError),
    /// The registry is older than what calls in the log were decided on.
    #[error(
        "the registry is at revision {registry}, but entries of the exchange log were decided on revision {log}: an older \
         registry was put in its place"
    )]
    RegistryWentBack {
        /// The registry's newest revision.
        registry: u64,
        /// The newest revision that an entry names.
        log: u64,
    },
    /// A witness proved that the log went back, and nobody dealt with it yet.
    #[error("{reason}")]
    WentBack {
        /// What was proven.
        reason: String,
    },
    /// The courier to the witnesses.
    #[error("the courier to the witnesses cannot be started")]
    Courier(#[source] io::Error),
    /// The exchange log.
    #[error("the exchange log cannot be started")]
    Log(#[from] StartError),
    /// The consents that the exchange log names.
    #[error("the consents that were used cannot be read from the exchange log")]
    Consents(#[source] SearchError),
    /// What passed today.
    #[error("what passed today cannot be read from the exchange log")]
    Volumes(#[source] SearchError),
    /// The API's part of the registry.
    #[error("the API cannot open the registry")]
    Commands(#[from] Failure),
    /// The access store.
    #[error("the access store cannot be opened")]
    Access(#[from] AccessError),
    /// A face.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
}
