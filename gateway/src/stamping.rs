//! Time stamps over checkpoints: an authority elsewhere states when they existed (RFC 3161).
//!
//! Each period the newest checkpoint is put aside and stamped; the response stands beside it, as
//! `checkpoints/SIZE.tsr`, over the SHA-256 of the file `checkpoints/SIZE`: `openssl ts -verify` reads both. A stamp that
//! cannot be had is told and tried again; whether exchange ever stops for it is a setting, and by default it does not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use certs::TrustAnchors;
use certs::stamp::{Stamp, StampFault, StampRequest, verify_stamp};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tracing::{error, info, warn};

use crate::background::Background;
use crate::clock;
use crate::exchange_log::{ExchangeLog, KeptCheckpoint, STAMP_EXTENSION, keep_checkpoint};

/// Where stamps come from, and what their absence means.
#[derive(Debug, Clone)]
pub struct Stamping {
    /// Where the authority answers, over HTTP: what it says is signed.
    pub authority: Uri,
    /// Whom it must lead to.
    pub anchors: TrustAnchors,
    /// How often the newest checkpoint is stamped.
    pub every: Duration,
    /// Without a stamp for so long, the log is closed. `None`: never.
    pub stop_after: Option<Duration>,
}

/// What stamping counts.
#[derive(Debug, Default)]
pub struct StampStats {
    /// When the newest checkpoint was last found stamped, in seconds since 1970; 0: nobody stamps.
    since: AtomicI64,
    /// Attempts that failed.
    pub failures: AtomicU64,
}

impl StampStats {
    /// Seconds since the newest checkpoint was stamped, or since the start; -1 if there is no authority.
    pub fn seconds_ago(&self) -> i64 {
        match self.since.load(Ordering::Relaxed) {
            0 => -1,
            since => (clock::now().as_second() - since).max(0),
        }
    }
}

/// Why there is no stamp.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// The checkpoint cannot be read, or the stamp not be kept.
    #[error("the checkpoint or its stamp cannot be read or written")]
    Io(#[from] std::io::Error),
    /// The authority cannot be asked.
    #[error("the authority cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the authority did not answer in {} s", PATIENCE.as_secs())]
    Silent,
    /// It answered with an error.
    #[error("the authority answers {0}")]
    Status(StatusCode),
    /// What it answered is no stamp.
    #[error("what the authority answered is no time stamp")]
    Fault(#[from] StampFault),
    /// The system gave no random bytes.
    #[error("no random bytes for a nonce")]
    NoRandomness,
}

/// Stamps checkpoints of `log` in its folder until the result is dropped.
pub fn start(stamping: Stamping, dir: PathBuf, log: Arc<ExchangeLog>, stats: Arc<StampStats>) -> Background {
    stats.since.store(clock::now().as_second(), Ordering::Relaxed);
    Background::every("log-stamper", stamping.every, move || {
        match stamp_newest(&stamping, &dir) {
            Ok(None) => {}
            Ok(Some(Stamp { at, authority })) => {
                stats.since.store(clock::now().as_second(), Ordering::Relaxed);
                info!("the log's newest checkpoint is stamped by {authority} at {at}");
            }
            Err(error) => {
                stats.failures.fetch_add(1, Ordering::Relaxed);
                warn!(
                    error = &error as &dyn std::error::Error,
                    "the log's checkpoint is not time-stamped: {error}"
                );
            }
        }
        let ago = u64::try_from(stats.seconds_ago()).unwrap_or_default();
        if stamping.stop_after.is_some_and(|most| Duration::from_secs(ago) >= most) {
            error!(
                "no time stamp for {ago} s: the exchange log is closed, as log.time_stamps.stop_after_hours asks"
            );
            log.close_because("no time stamp for as long as the configuration allows");
        }
    })
}

/// Puts the newest checkpoint aside and stamps it, unless it is stamped; `None`: there is none yet.
///
/// # Errors
/// [`StampError`]: it is not stamped.
pub fn stamp_newest(stamping: &Stamping, dir: &Path) -> Result<Option<Stamp>, StampError> {
    let Some(KeptCheckpoint { path, bytes }) = keep_checkpoint(dir)? else { return Ok(None) };
    let imprint: [u8; 32] = digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes");
    let place = path.with_extension(STAMP_EXTENSION);
    if let Ok(kept) = std::fs::read(&place) {
        return Ok(Some(verify_stamp(&kept, &imprint, &stamping.anchors)?));
    }
    let mut nonce = [0; 8];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| StampError::NoRandomness)?;
    let request = StampRequest::new(imprint, nonce);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = async { tokio::time::timeout(PATIENCE, ask(&stamping.authority, request.der())).await };
    let response = runtime.block_on(asked).map_err(|_| StampError::Silent)??;
    let stamp = request.verify(&response, &stamping.anchors, clock::now())?;
    crate::exchange_log::replace(&place, &response)?;
    Ok(Some(stamp))
}

/// RFC 3161 §3.4: a POST, and the response is the answer's body.
async fn ask(authority: &Uri, query: Vec<u8>) -> Result<Bytes, StampError> {
    let unreachable = |error: Box<dyn std::error::Error + Send + Sync>| StampError::Unreachable(error);
    let host = authority.host().unwrap_or_default();
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(|error| unreachable(error.into()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(error.into()))?;
    let path = authority.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(header::HOST, authority.authority().map_or(host, |authority| authority.as_str()))
        .header(header::CONTENT_TYPE, "application/timestamp-query")
        .body(Full::new(Bytes::from(query)))
        .map_err(|error| unreachable(error.into()))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| unreachable(error.into()))?;
        if answer.status() != StatusCode::OK {
            return Err(StampError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await.map_err(unreachable)?;
        Ok(body.to_bytes())
    };
    tokio::pin!(answer);
    tokio::pin!(connection);
    tokio::select! {
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    }
}

/// Longest that an authority may take.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 64 << 10;
