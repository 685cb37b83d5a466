//! How much passed today under an agreement that says how much may (Interaction 17.7).
//!
//! Owned by the views, and shared by each that follows: counted by the agreement's number, so that a new version goes on where the
//! last one was. A day is the Republic's. Each node counts what passes through it; what passed before a start is counted
//! again from the exchange log ([decision 0068]).
//!
//! [decision 0068]: ../../docs/decisions/0068-a-days-volume-is-what-the-log-says.md

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agreements::{AgreementNumber, Volume, almaty, end_of, start_of};
use jiff::Timestamp;

use crate::exchange_log::{Closing, Filter, Record, SearchError, search};

/// What passed today, by agreement.
#[derive(Debug, Default)]
pub struct Volumes(Mutex<HashMap<AgreementNumber, Arc<Tally>>>);

/// What passed today under one agreement.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Day>);

#[derive(Debug, Clone, Copy, Default)]
struct Day {
    /// When it ends; long ago, where nothing was counted yet.
    ends: Timestamp,
    exchanges: u64,
    bytes: u64,
}

/// An exchange's place in its day; given back unless it is opened.
#[derive(Debug)]
pub struct Charge {
    tally: Arc<Tally>,
    /// Which day: what passes later is still of the day on which the exchange began.
    ends: Timestamp,
    opened: bool,
}

/// As much passed as may pass in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// When the next day begins.
    pub until: Timestamp,
}

impl Volumes {
    /// What passed today under an agreement; one for all its versions.
    pub fn of(&self, number: &AgreementNumber) -> Arc<Tally> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tallies.entry(number.clone()).or_default())
    }

    /// Counts again what the log in `dir` has of the day of `now`, for the agreements that were asked for; to be called
    /// before anything passes.
    ///
    /// # Errors
    /// The log cannot be read: what passed is unknown.
    pub fn recall(&self, dir: &Path, now: Timestamp) -> Result<(), SearchError> {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if tallies.is_empty() {
            return Ok(());
        }
        let begins = start_of(now.to_zoned(almaty()).date(), &almaty());
        // Bounded as open exchanges are.
        let mut open: HashMap<u64, Charge> = HashMap::new();
        for entry in search(dir, Filter { from: Some(begins), ..Filter::default() })? {
            let entry = entry?;
            match entry.record {
                Record::Opening(opening) => {
                    let Ok(number) = AgreementNumber::new(&opening.agreement) else { continue };
                    let Some(tally) = tallies.get(&number) else { continue };
                    let mut charge = tally.counts(opening.at);
                    charge.opens(opening.request_bytes);
                    open.insert(entry.index, charge);
                }
                Record::Closing { opening, closing, .. } => {
                    if let Some(charge) = open.remove(&opening) {
                        charge.closes(&closing);
                    }
                }
                Record::Refused(_) | Record::Segment(_) => {}
            }
        }
        Ok(())
    }
}

impl Tally {
    /// Takes a place in the day of `now`, if there is one. The bytes of exchanges under way are counted as they pass, so
    /// the last ones may go beyond by what they bring.
    ///
    /// # Errors
    /// [`Spent`]: as much passed as may.
    pub fn begin(self: &Arc<Self>, most: Volume, now: Timestamp) -> Result<Charge, Spent> {
        let mut day = self.day(now);
        day.left(most)?;
        day.exchanges += 1;
        Ok(Charge { tally: Arc::clone(self), ends: day.ends, opened: false })
    }

    /// Whether the day of `now` has anything left; takes nothing.
    ///
    /// # Errors
    /// [`Spent`]: as much passed as may.
    pub fn left(&self, most: Volume, now: Timestamp) -> Result<(), Spent> {
        self.day(now).left(most)
    }

    /// Counts an exchange that passed, whatever may.
    fn counts(self: &Arc<Self>, at: Timestamp) -> Charge {
        let mut day = self.day(at);
        day.exchanges += 1;
        Charge { tally: Arc::clone(self), ends: day.ends, opened: false }
    }

    /// The day of `now`, begun anew if it is a later one: a clock that goes back gives nothing again.
    fn day(&self, now: Timestamp) -> MutexGuard<'_, Day> {
        let mut day = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= day.ends {
            let zone = almaty();
            *day = Day { ends: end_of(now.to_zoned(zone.clone()).date(), &zone), exchanges: 0, bytes: 0 };
        }
        day
    }
}

impl Day {
    fn left(&self, most: Volume) -> Result<(), Spent> {
        let spent = |most: Option<u64>, passed: u64| most.is_some_and(|most| passed >= most);
        let exchanges = most.exchanges_per_day.map(u64::from);
        if spent(exchanges, self.exchanges) || spent(most.bytes_per_day, self.bytes) {
            return Err(Spent { until: self.ends });
        }
        Ok(())
    }
}

impl Charge {
    /// The exchange is on record, with so many bytes of its request.
    pub fn opens(&mut self, bytes: u64) {
        self.opened = true;
        self.adds(bytes);
    }

    /// The exchange ended, and this passed of what streamed, and of its answer.
    pub fn closes(&self, closing: &Closing<'_>) {
        let passed = closing.request_bytes.unwrap_or(0).saturating_add(closing.response_bytes.unwrap_or(0));
        self.adds(passed);
    }

    fn adds(&self, bytes: u64) {
        let mut day = self.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        if day.ends == self.ends {
            day.bytes = day.bytes.saturating_add(bytes);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.opened {
            return;
        }
        let mut day = self.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        if day.ends == self.ends {
            day.exchanges = day.exchanges.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn most(exchanges: Option<u32>, bytes: Option<u64>) -> Volume {
        Volume { exchanges_per_day: exchanges, bytes_per_day: bytes }
    }

    /// B2.7, C2
    #[test]
    fn a_day_has_so_many_exchanges_and_begins_anew_at_midnight_of_the_republic() {
        let (tally, two) = (Arc::<Tally>::default(), most(Some(2), None));
        let (before, midnight) = (at("2026-11-22T18:59:59Z"), at("2026-11-22T19:00:00Z"));
        for _ in 0..2 {
            tally.begin(two, before).unwrap().opens(0);
        }
        assert_eq!(tally.begin(two, before).unwrap_err(), Spent { until: midnight });
        tally.begin(two, midnight).unwrap().opens(0);
        // A clock that is set back opens nothing that was shut, and shuts nothing that is open.
        tally.begin(two, before).unwrap().opens(0);
        let spent = tally.begin(two, before).unwrap_err();
        assert_eq!(spent.until, at("2026-11-23T19:00:00Z"));
    }

    #[test]
    fn what_is_not_opened_gives_its_place_back_to_its_own_day() {
        let (tally, one) = (Arc::<Tally>::default(), most(Some(1), None));
        let (day, next) = (at("2026-11-22T12:00:00Z"), at("2026-11-23T12:00:00Z"));
        let given = tally.begin(one, day).unwrap();
        assert!(tally.begin(one, day).is_err());
        drop(given);
        let yesterdays = tally.begin(one, day).unwrap();
        tally.begin(one, next).unwrap().opens(0);
        drop(yesterdays);
        assert!(tally.begin(one, next).is_err(), "a place of yesterday is none of today");
    }

    #[test]
    fn bytes_of_requests_and_answers_are_counted_for_the_day_on_which_the_exchange_began() {
        let (tally, few) = (Arc::<Tally>::default(), most(None, Some(100)));
        let (day, next) = (at("2026-11-22T12:00:00Z"), at("2026-11-23T12:00:00Z"));
        let closing = |request, response| Closing {
            request_bytes: request,
            response_bytes: Some(response),
            ..Closing::bare(day, crate::exchange_log::Outcome::Completed)
        };
        let mut held = tally.begin(few, day).unwrap();
        held.opens(60);
        held.closes(&closing(None, 39));
        let mut streamed = tally.begin(few, day).unwrap();
        streamed.opens(0);
        streamed.closes(&closing(Some(1), 0));
        assert!(tally.begin(few, day).is_err());
        let mut late = tally.begin(few, next).unwrap();
        late.opens(0);
        streamed.closes(&closing(None, 1000));
        assert!(tally.begin(few, next).is_ok(), "yesterday's bytes are not today's");
    }

    /// What an entry holds beside what is looked at.
    const HEAD: &str = r#""batch":0,"prev":"AAAA","salt":"AAAA""#;

    fn entry(index: u64, members: &str) -> String {
        format!("{{\"index\":{index},{HEAD},{members}}}\n")
    }

    fn opening(index: u64, agreement: &str, at: &str, bytes: u64) -> String {
        let exchange = uuid::Uuid::from_u128(index.into());
        entry(
            index,
            &format!(
                r#""kind":"opening","decision":"permit","exchange":"{exchange}","at":"{at}","consumer":"c","consumer_holder":"1","provider":"p","provider_holder":"2","data_type":"d","data_type_version":"1","operation":"o","environment":"trial","agreement":"{agreement}","agreement_version":1,"purpose":"s","basis":"law","peer_address":"127.0.0.1","certificate":"{zeros}","category":"open","request_bytes":{bytes},"registry_revision":1"#,
                zeros = "00".repeat(32),
            ),
        )
    }

    fn closing(index: u64, opening: u64, at: &str, bytes: u64) -> String {
        let exchange = uuid::Uuid::from_u128(opening.into());
        let members = format!(
            r#""kind":"closing","opening":{opening},"exchange":"{exchange}","at":"{at}","outcome":"completed","response_bytes":{bytes}"#
        );
        entry(index, &members)
    }

    /// C2: a start begins no day anew, and charges no agreement with what passed under another, or yesterday.
    #[test]
    fn what_passed_since_midnight_is_counted_again_from_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let lines = [
            opening(0, "a-1", "2026-11-22T18:59:59Z", 1000),
            opening(1, "a-1", "2026-11-22T19:00:00Z", 10),
            opening(2, "b-1", "2026-11-22T19:00:01Z", 1000),
            closing(3, 0, "2026-11-22T19:00:02Z", 1000),
            closing(4, 1, "2026-11-22T19:00:02Z", 20),
            opening(5, "a-1", "2026-11-22T19:00:03Z", 5),
        ];
        std::fs::write(dir.path().join(format!("{:020}.jsonl", 0)), lines.concat()).unwrap();
        let (volumes, now) = (Volumes::default(), at("2026-11-23T06:00:00Z"));
        let tally = volumes.of(&AgreementNumber::new("a-1").unwrap());
        volumes.recall(dir.path(), now).unwrap();
        let left = |most| tally.left(most, now).is_ok();
        assert_eq!([2, 3].map(|exchanges| left(most(Some(exchanges), None))), [false, true]);
        assert_eq!([35, 36].map(|bytes| left(most(None, Some(bytes)))), [false, true]);

        std::fs::write(dir.path().join(format!("{:020}.jsonl", 0)), "{").unwrap();
        assert!(Volumes::default().recall(dir.path(), now).is_ok(), "who asks for nothing reads nothing");
    }
}
