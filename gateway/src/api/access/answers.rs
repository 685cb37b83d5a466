//! Answers kept under the key that a client gave: asking again answers the same, and does nothing again.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{AccessError, AccessStore};

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its status.
    pub status: u16,
    /// Its media type.
    pub media_type: String,
    /// Its body.
    pub body: String,
}

/// What became of claiming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is new, and now this request's: keep an answer under it, or release it.
    New,
    /// The same request was answered.
    Answered(Kept),
    /// The same request is being carried out; or was, when the machine stopped.
    Pending,
    /// It was given to another request.
    Other,
    /// The operator has too many.
    TooMany,
}

impl AccessStore {
    /// Claims a key for a request, known by its digest.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn claim(
        &self,
        operator: &str,
        key: &str,
        request: &[u8],
        now: Timestamp,
    ) -> Result<Claim, AccessError> {
        let second = now.as_second();
        let since = second - KEPT_FOR.as_secs();
        self.connection.execute(include_str!("sql/answers_sweep.sql"), [since])?;
        let count: u32 =
            self.connection.query_row(include_str!("sql/answers_count.sql"), [operator], |row| row.get(0))?;
        if let Some(known) = self.answer(operator, key, request)? {
            return Ok(known);
        }
        if count >= MOST_KEYS {
            return Ok(Claim::TooMany);
        }
        let claim = include_str!("sql/answer_claim.sql");
        match self.connection.execute(claim, params![operator, key, request, second])? {
            0 => Ok(self.answer(operator, key, request)?.unwrap_or(Claim::Pending)),
            _ => Ok(Claim::New),
        }
    }

    /// Keeps the answer under a claimed key.
    ///
    /// # Errors
    /// [`AccessError`]: the key stays claimed without an answer, so that nothing is done again.
    pub fn keep(&self, operator: &str, key: &str, answer: &Kept) -> Result<(), AccessError> {
        let keep = include_str!("sql/answer_keep.sql");
        let row = params![operator, key, answer.status, answer.media_type, answer.body];
        self.connection.execute(keep, row)?;
        Ok(())
    }

    /// Gives a claimed key back: nothing was done.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn release(&self, operator: &str, key: &str) -> Result<(), AccessError> {
        self.connection.execute(include_str!("sql/answer_release.sql"), [operator, key])?;
        Ok(())
    }

    fn answer(&self, operator: &str, key: &str, request: &[u8]) -> Result<Option<Claim>, AccessError> {
        type Row = (Vec<u8>, Option<u16>, Option<String>, Option<String>);
        let row: Option<Row> = self
            .connection
            .query_row(include_str!("sql/answer_get.sql"), [operator, key], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        Ok(row.map(|(known, status, media_type, body)| match (status, media_type, body) {
            _ if known != request => Claim::Other,
            (Some(status), Some(media_type), Some(body)) => {
                Claim::Answered(Kept { status, media_type, body })
            }
            _ => Claim::Pending,
        }))
    }
}

/// How long an answer is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Most keys of one operator in that time.
const MOST_KEYS: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_requests_until_its_answer_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = AccessStore::open(&dir.path().join("access.sqlite")).unwrap();
        let at = |hour: i64| Timestamp::from_second(1_800_000_000 + hour * 3_600).unwrap();
        let claim = |operator, request: &[u8], hour| store.claim(operator, "k", request, at(hour)).unwrap();
        assert_eq!(claim("saule", b"one", 0), Claim::New);
        assert_eq!(claim("saule", b"one", 0), Claim::Pending);
        store.release("saule", "k").unwrap();
        assert_eq!(claim("saule", b"one", 0), Claim::New);
        let kept = Kept { status: 200, media_type: "application/json".into(), body: "{}".into() };
        store.keep("saule", "k", &kept).unwrap();
        store.release("saule", "k").unwrap();
        assert_eq!(claim("saule", b"one", 23), Claim::Answered(kept));
        assert_eq!(claim("saule", b"two", 23), Claim::Other);
        assert_eq!(claim("berik", b"two", 23), Claim::New, "others' keys are others'");
        assert_eq!(claim("saule", b"two", 25), Claim::New);
    }
}
