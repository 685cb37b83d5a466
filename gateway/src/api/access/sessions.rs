//! Sessions: begun by a password, ended by leaving, by doing nothing, by their age, or by another password.

use agreements::OperatorId;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{AccessError, AccessStore, Secret};

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub struct SessionLife {
    /// Without a request.
    pub idle: SignedDuration,
    /// At most.
    pub most: SignedDuration,
}

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub operator: OperatorId,
    /// The event that granted the password it was begun with.
    pub granted: u64,
    /// When it ends at the latest.
    pub expires: Timestamp,
}

impl AccessStore {
    /// Begins a session; the operator's oldest beyond [`MOST_SESSIONS`] end.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn begin_session(
        &self,
        operator: &OperatorId,
        granted: u64,
        life: SessionLife,
        now: Timestamp,
    ) -> Result<Secret, AccessError> {
        let secret = Secret::fresh()?;
        let (sweep, begin) = (include_str!("sql/sessions_sweep.sql"), include_str!("sql/session_begin.sql"));
        let second = now.as_second();
        self.connection
            .execute(sweep, params![second - life.idle.as_secs(), second - life.most.as_secs()])?;
        self.connection.execute(begin, params![&secret.hash()[..], operator.as_str(), granted, second])?;
        let trim = include_str!("sql/sessions_trim.sql");
        self.connection.execute(trim, params![operator.as_str(), MOST_SESSIONS])?;
        Ok(secret)
    }

    /// The session that a secret is of, if it goes on at `now`; it then is not idle.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn session(
        &self,
        secret: &Secret,
        life: SessionLife,
        now: Timestamp,
    ) -> Result<Option<Session>, AccessError> {
        let (hash, get) = (secret.hash(), include_str!("sql/session_get.sql"));
        let kept: Option<(String, u64, i64, i64)> = self
            .connection
            .query_row(get, [&hash[..]], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((operator, granted, began, seen)) = kept else { return Ok(None) };
        let second = now.as_second();
        let expires = began.saturating_add(life.most.as_secs());
        if second >= expires || second >= seen.saturating_add(life.idle.as_secs()) {
            self.end_session(secret)?;
            return Ok(None);
        }
        // Not on each request: a write a minute is enough to know.
        if second >= seen + SEEN_EVERY {
            self.connection.execute(include_str!("sql/session_seen.sql"), params![&hash[..], second])?;
        }
        let (operator, expires) = (OperatorId::new(&operator).ok(), Timestamp::from_second(expires).ok());
        Ok(operator.zip(expires).map(|(operator, expires)| Session { operator, granted, expires }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn end_session(&self, secret: &Secret) -> Result<(), AccessError> {
        self.connection.execute(include_str!("sql/session_end.sql"), [&secret.hash()[..]])?;
        Ok(())
    }
}

/// Most sessions of one operator.
const MOST_SESSIONS: u32 = 10;

const SEEN_EVERY: i64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_idle_old_left_or_crowded_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = AccessStore::open(&dir.path().join("access.sqlite")).unwrap();
        let life = SessionLife { idle: SignedDuration::from_mins(30), most: SignedDuration::from_mins(100) };
        let at = |minute: i64| Timestamp::from_second(1_800_000_000 + minute * 60).unwrap();
        let saule = OperatorId::new("saule").unwrap();
        let begin = |minute| store.begin_session(&saule, 7, life, at(minute)).unwrap();
        let goes_on = |secret: &Secret, minute| store.session(secret, life, at(minute)).unwrap().is_some();

        let idle = begin(0);
        assert!(goes_on(&idle, 29) && goes_on(&idle, 58));
        assert!(!goes_on(&idle, 88) && !goes_on(&idle, 60), "ended is ended");
        let old = begin(100);
        assert!([120, 140, 160, 180, 199].into_iter().all(|minute| goes_on(&old, minute)));
        assert!(!goes_on(&old, 200));
        let left = begin(200);
        store.end_session(&left).unwrap();
        assert!(!goes_on(&left, 200));
        let first = begin(210);
        let newer: Vec<_> = (0..10).map(|minute| begin(211 + minute)).collect();
        assert!(!goes_on(&first, 221) && newer.iter().all(|secret| goes_on(secret, 221)));
        assert!(!goes_on(&Secret::fresh().unwrap(), 221));
    }
}
