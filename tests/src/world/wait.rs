//! Waiting for things to happen, never for time to pass.

use std::future::Future;
use std::time::Duration;

/// Longest time that anything in a test may take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What `future` yields.
///
/// # Panics
/// If it takes longer than [`DEADLINE`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing within {DEADLINE:?}"),
    }
}

/// What `look` finds, once it finds something.
///
/// # Panics
/// If it finds nothing within [`DEADLINE`].
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(2);
