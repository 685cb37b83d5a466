//! Lock-out: who fails too often waits, and longer each time; an account and an address alike.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{AccessError, AccessStore};

/// When failures lock out.
#[derive(Debug, Clone, Copy)]
pub struct Lockout {
    /// How many failures are free.
    pub free: u32,
    /// How long the first lock lasts; each further failure doubles it.
    pub first: SignedDuration,
}

/// Too many failures: not even the right password counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Until when.
    pub until: Timestamp,
}

impl Lockout {
    fn until(self, count: u32, last: Timestamp) -> Option<Timestamp> {
        let over = count.checked_sub(self.free)?;
        let wait = self.first.saturating_mul(1 << over.min(10)).min(LONGEST);
        last.checked_add(wait).ok()
    }

    /// Addresses are shared by offices: they get more.
    fn of_address(self) -> Self {
        Self { free: self.free.saturating_mul(4), ..self }
    }
}

impl AccessStore {
    /// Whether an account or an address is locked at `now`.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn locked(
        &self,
        account: &str,
        address: IpAddr,
        lockout: Lockout,
        now: Timestamp,
    ) -> Result<Option<Locked>, AccessError> {
        let account = self.until(&of_account(account), lockout)?;
        let address = self.until(&of_address(address), lockout.of_address())?;
        let until = account.into_iter().chain(address).max();
        Ok(until.filter(|until| *until > now).map(|until| Locked { until }))
    }

    /// Counts a failure of an account from an address.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn failed(&self, account: &str, address: IpAddr, now: Timestamp) -> Result<(), AccessError> {
        for subject in [of_account(account), of_address(address)] {
            let add = include_str!("sql/failure_add.sql");
            self.connection.execute(add, params![subject, now.as_second()])?;
        }
        Ok(())
    }

    /// Forgets the failures of an account that showed the right password. Its address keeps its own: else one account
    /// would free the guessing of others.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn succeeded(&self, account: &str) -> Result<(), AccessError> {
        self.connection.execute(include_str!("sql/failure_clear.sql"), [of_account(account)])?;
        Ok(())
    }

    /// Forgets failures of yesterday, and all but the newest of very many.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn sweep_failures(&self, now: Timestamp) -> Result<(), AccessError> {
        let since = now.as_second() - REMEMBERED.as_secs();
        self.connection.execute(include_str!("sql/failures_sweep.sql"), params![since, MOST_SUBJECTS])?;
        Ok(())
    }

    fn until(&self, subject: &str, lockout: Lockout) -> Result<Option<Timestamp>, AccessError> {
        let get = include_str!("sql/failure_get.sql");
        let counted: Option<(u32, i64)> =
            self.connection.query_row(get, [subject], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(counted.and_then(|(count, last)| lockout.until(count, Timestamp::from_second(last).ok()?)))
    }
}

fn of_account(account: &str) -> String {
    // What a stranger names may be long.
    format!("account {}", account.chars().take(64).collect::<String>())
}

/// A network of IPv6 is one customer's.
fn of_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address {address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("address {a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// A lock does not last longer: it would serve whoever wants to keep an operator out.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

const MOST_SUBJECTS: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKOUT: Lockout = Lockout { free: 3, first: SignedDuration::from_secs(30) };

    fn store() -> (tempfile::TempDir, AccessStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = AccessStore::open(&dir.path().join("access.sqlite")).unwrap();
        (dir, store)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn an_account_is_locked_for_longer_with_each_failure_and_free_after_a_success() {
        let (_dir, store) = store();
        let home: IpAddr = "192.0.2.1".parse().unwrap();
        let locked = |now| store.locked("saule", home, LOCKOUT, now).unwrap().map(|locked| locked.until);
        for _ in 0..2 {
            store.failed("saule", home, at(0)).unwrap();
        }
        assert_eq!(locked(at(0)), None);
        store.failed("saule", home, at(0)).unwrap();
        assert_eq!(locked(at(29)), Some(at(30)));
        assert_eq!(locked(at(30)), None);
        store.failed("saule", home, at(30)).unwrap();
        assert_eq!(locked(at(30)), Some(at(90)));
        for _ in 0..50 {
            store.failed("saule", home, at(100)).unwrap();
        }
        assert_eq!(locked(at(100)), Some(at(100 + 15 * 60)));
        store.succeeded("saule").unwrap();
        assert!(locked(at(100)).is_some(), "the address stays locked");
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_locked_for_all_of_them() {
        let (_dir, store) = store();
        let (bad, good): (IpAddr, IpAddr) =
            ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        for guess in 0..12 {
            store.failed(&format!("guess-{guess}"), bad, at(0)).unwrap();
        }
        let beside: IpAddr = "2001:db8::2".parse().unwrap();
        assert!(store.locked("saule", beside, LOCKOUT, at(1)).unwrap().is_some());
        assert!(store.locked("saule", good, LOCKOUT, at(1)).unwrap().is_none());
        store.sweep_failures(at(25 * 3_600)).unwrap();
        assert!(store.locked("saule", beside, LOCKOUT, at(1)).unwrap().is_none());
    }
}
