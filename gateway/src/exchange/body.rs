//! Bodies taken whole: within a size, a time, and the memory that all exchanges share.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use super::budget::{Budget, Share};

/// A body in memory, with its share of the memory.
#[derive(Debug)]
pub struct Held {
    /// The bytes.
    pub bytes: Bytes,
    _share: Share,
}

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More bytes than allowed.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// All exchanges together hold as much as they may.
    #[error("no memory left for payloads")]
    NoRoom,
    /// It did not come in time.
    #[error("the body did not end within {0:?}")]
    Late(Duration),
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// Takes a body whole.
///
/// # Errors
/// [`BodyError`]; what was read is dropped.
///
/// # Cancel safety
/// Dropped meanwhile, what was read is dropped and its memory given back.
pub(super) async fn hold<B>(
    body: B,
    most: u64,
    within: Duration,
    budget: &Arc<Budget>,
) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    if body.size_hint().lower() > most {
        return Err(BodyError::TooLarge(most));
    }
    let mut share = budget.share(0).ok_or(BodyError::NoRoom)?;
    if body.is_end_stream() {
        return Ok(Held { bytes: Bytes::new(), _share: share });
    }
    let collected = collect(body, most, &mut share);
    let bytes = tokio::time::timeout(within, collected).await.map_err(|_| BodyError::Late(within))??;
    Ok(Held { bytes, _share: share })
}

async fn collect<B>(mut body: B, most: u64, share: &mut Share) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut held: u64 = 0;
    while let Some(frame) = body.frame().await {
        // Trailers end here: nobody agreed on any.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        held += data.len() as u64;
        if held > most {
            return Err(BodyError::TooLarge(most));
        }
        if !share.grow(data.len()) {
            return Err(BodyError::NoRoom);
        }
        match (first.is_empty(), rest.is_empty()) {
            (true, _) => first = data,
            (false, true) => {
                rest.reserve(
                    usize::try_from(body.size_hint().lower()).unwrap_or(0) + first.len() + data.len(),
                );
                rest.extend_from_slice(&first);
                rest.extend_from_slice(&data);
            }
            (false, false) => rest.extend_from_slice(&data),
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
