//! How much of each there is at once, and how much of that for one: nobody keeps everybody else from the API (promise 7).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use agreements::OperatorId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::operation::Access;
use super::problem::Problem;

/// What there is little of.
pub(super) struct Places {
    /// Requests of those who are known that are being answered.
    requests: Semaphore,
    /// Threads on which they are; there are others on which it is found out who asks.
    threads: Arc<Semaphore>,
    /// Threads on which requests of those are whom nobody knows.
    strangers: Arc<Semaphore>,
    /// Passwords being hashed: each takes 19 MiB and a core.
    pub hashing: Semaphore,
    /// Documents under way.
    pub documents: Shares,
    /// Exports under way: each reads much.
    pub exports: Shares,
}

/// A place among the requests being answered.
pub(super) struct Place<'p> {
    _request: Option<SemaphorePermit<'p>>,
    /// To be held by the work until it ends, also when nobody waits for it any more.
    pub thread: OwnedSemaphorePermit,
}

impl Places {
    /// With room for so many requests of those who are known.
    pub(super) fn new(requests: usize) -> Self {
        Self {
            requests: Semaphore::new(requests),
            threads: Arc::new(Semaphore::new(WORKING_THREADS)),
            strangers: Arc::new(Semaphore::new(MOST_STRANGERS)),
            hashing: Semaphore::new(MOST_HASHING),
            documents: Shares::new(MOST_DOCUMENTS),
            exports: Shares::new(MOST_EXPORTS),
        }
    }

    /// A place for a request, and a thread. Strangers have few, and take none of those of people who are known.
    ///
    /// # Errors
    /// `busy`.
    pub(super) async fn request(&self, access: Access) -> Result<Place<'_>, Problem> {
        let (request, threads) = match access {
            Access::Public => (None, &self.strangers),
            Access::Roles(_) | Access::Portals => (Some(room(&self.requests).await?), &self.threads),
        };
        match timeout(LONGEST_WAIT, Arc::clone(threads).acquire_owned()).await {
            Ok(Ok(thread)) => Ok(Place { _request: request, thread }),
            Ok(Err(_)) | Err(_) => Err(busy("too many requests at once")),
        }
    }
}

/// A place among those that are served at once; those who wait too long are told so.
///
/// # Errors
/// `busy`.
pub(super) async fn room(places: &Semaphore) -> Result<SemaphorePermit<'_>, Problem> {
    match timeout(LONGEST_WAIT, places.acquire()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) | Err(_) => Err(busy("too many requests at once")),
    }
}

/// Places of which one operator has half at most.
pub(super) struct Shares {
    all: Arc<Semaphore>,
    each: usize,
    /// As long as somebody holds one of theirs, or waits for it.
    of: Mutex<HashMap<OperatorId, Weak<Semaphore>>>,
}

/// A place of an operator's share.
#[derive(Debug)]
pub(super) struct Share {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Shares {
    fn new(most: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(most)), each: (most / 2).max(1), of: Mutex::default() }
    }

    /// A place for an operator; those who wait too long are told so.
    ///
    /// # Errors
    /// `busy`.
    pub(super) async fn room(&self, operator: &OperatorId) -> Result<Share, Problem> {
        // First their own: who waits for that keeps no place from others.
        let both = async {
            let own = self.own(operator).acquire_owned().await.ok()?;
            Some(Share { _own: own, _all: Arc::clone(&self.all).acquire_owned().await.ok()? })
        };
        let both = timeout(LONGEST_WAIT, both).await.ok().flatten();
        both.ok_or_else(|| busy("too many of these at once, or too many of yours"))
    }

    /// The same, if there is one now.
    ///
    /// # Errors
    /// `busy`.
    pub(super) fn room_now(&self, operator: &OperatorId) -> Result<Share, Problem> {
        let own = self.own(operator).try_acquire_owned();
        let all = own.and_then(|own| Ok((own, Arc::clone(&self.all).try_acquire_owned()?)));
        let share = all.map(|(own, all)| Share { _own: own, _all: all });
        share.map_err(|_| busy("too many of these at once, or too many of yours"))
    }

    fn own(&self, operator: &OperatorId) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.retain(|_, own| own.strong_count() > 0);
        let known = of.get(operator).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let own = Arc::new(Semaphore::new(self.each));
            of.insert(operator.clone(), Arc::downgrade(&own));
            own
        })
    }
}

fn busy(detail: &str) -> Problem {
    Problem::new("busy", detail).after(1)
}

/// Requests of those who are known that are carried out at once, each on a thread.
pub(super) const WORKING_THREADS: usize = 16;

/// Requests of strangers that are.
pub(super) const MOST_STRANGERS: usize = 4;

const MOST_HASHING: usize = 2;

const MOST_DOCUMENTS: usize = 8;

const MOST_EXPORTS: usize = 4;

/// How long a request waits for its place.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::super::operation::EVERYBODY;
    use super::*;

    fn operator(name: &str) -> OperatorId {
        OperatorId::new(name).unwrap()
    }

    /// Whether somebody is still waiting after a while.
    async fn waits<T>(room: impl Future<Output = T>) -> bool {
        timeout(Duration::from_millis(20), room).await.is_err()
    }

    #[tokio::test]
    async fn strangers_take_no_place_of_those_who_are_known() {
        let places = Places::new(1);
        let mut held = Vec::new();
        for _ in 0..MOST_STRANGERS {
            held.push(places.request(Access::Public).await.unwrap());
        }
        assert!(waits(places.request(Access::Public)).await);
        let known = places.request(Access::Roles(EVERYBODY)).await.unwrap();
        assert!(waits(places.request(Access::Portals)).await);
        held.pop();
        assert!(places.request(Access::Public).await.is_ok(), "nor the other way round");
        drop(known);
        assert!(places.request(Access::Portals).await.is_ok());
    }

    #[tokio::test]
    async fn one_operator_has_half_of_the_places_and_others_the_rest() {
        let shares = Shares::new(4);
        let (one, other) = (operator("one"), operator("other"));
        let mut held = vec![shares.room(&one).await.unwrap(), shares.room_now(&one).unwrap()];
        assert!(waits(shares.room(&one)).await);
        assert_eq!(shares.room_now(&one).unwrap_err().code, "busy");
        held.extend([shares.room_now(&other).unwrap(), shares.room(&other).await.unwrap()]);
        let third = operator("third");
        assert_eq!(shares.room_now(&third).unwrap_err().code, "busy", "there are no more");
        held.remove(0);
        assert_eq!(shares.room_now(&other).unwrap_err().code, "busy", "it is not theirs");
        drop(shares.room(&third).await.unwrap());
        drop(held);
        drop(shares.own(&third));
        assert_eq!(shares.of.lock().unwrap().len(), 1, "who holds nothing is not remembered");
    }
}
