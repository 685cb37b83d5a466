//! When what the gateway itself stands on ends: its certificates, the authorities above it, the revocation lists.
//!
//! All of it ends by itself, and exchange with it. Nothing here renews anything: it says in time that somebody must.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certs::keys::Identity;
use certs::trust::{Period, Trust, TrustSet};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tracing::{error, warn};

use crate::background::Background;
use crate::clock;
use crate::trusted::Reading;

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A certificate of the gateway.
    Certificate,
    /// An authority that it trusts.
    Authority,
    /// A revocation list.
    RevocationList,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Certificate, Self::Authority, Self::RevocationList];

    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Authority => "authority",
            Self::RevocationList => "revocation-list",
        }
    }
}

/// Something that the gateway stands on, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// What kind of thing.
    pub what: What,
    /// Which one, for people.
    pub name: String,
    /// Since when it has been in force.
    pub from: Timestamp,
    /// Until when it is.
    pub until: Timestamp,
}

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Nothing is to be done yet.
    Far,
    /// It is time to renew it.
    Near,
    /// It is over.
    Over,
}

impl End {
    /// The end of one of the gateway's own certificates.
    pub fn of_certificate(name: &str, identity: &Identity) -> Self {
        Self::new(What::Certificate, name.to_owned(), identity.period())
    }

    /// What a trust set stands on. Authorities that were over at `since` are kept for what they signed, not for exchange.
    pub fn of_trust(set: &TrustSet, since: Timestamp) -> Vec<Self> {
        let authorities = set.authorities().into_iter().filter(|(_, period)| period.until > since);
        let authorities = authorities
            .map(|(name, period)| Self::new(What::Authority, format!("the authority {name}"), period));
        let lists = (1..).zip(set.crl_periods());
        let lists = lists.map(|(ordinal, period)| {
            Self::new(What::RevocationList, format!("revocation list {ordinal}"), period)
        });
        authorities.chain(lists).collect()
    }

    fn new(what: What, name: String, Period { from, until }: Period) -> Self {
        Self { what, name, from, until }
    }

    /// How near the end is at `now`: near within `warn` of it, and within the last quarter of the time that it has, since some
    /// lists live for a day.
    pub fn nearness(&self, now: Timestamp, warn: SignedDuration) -> Nearness {
        let left = self.until.duration_since(now);
        let quarter = self.until.duration_since(self.from) / 4;
        if left <= SignedDuration::ZERO {
            Nearness::Over
        } else if left <= warn.min(quarter) {
            Nearness::Near
        } else {
            Nearness::Far
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ends at {}", self.name, self.until.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// What a running gateway stands on.
#[derive(Debug)]
pub struct Footing {
    own: Vec<End>,
    trust: Arc<Trust>,
    reading: Arc<Reading>,
    warn: SignedDuration,
    since: Timestamp,
}

impl Footing {
    /// A gateway's own certificates, and whom it trusts.
    pub fn new(own: Vec<End>, trust: Arc<Trust>, reading: Arc<Reading>, warn_days: u16) -> Self {
        Self { own, trust, reading, warn: days(warn_days), since: clock::now() }
    }

    /// Says in log lines what is near its end, as it comes near, when it is over, and once a day between.
    pub fn follow(self: &Arc<Self>) -> Background {
        let (footing, mut watch) = (Arc::clone(self), Watch::default());
        Background::every("ends", LOOK_EVERY, move || {
            for (nearness, text) in watch.news(&footing.ends(), clock::now(), footing.warn, Instant::now()) {
                match nearness {
                    Nearness::Over => error!("{text}: what it stood for is refused until it is renewed"),
                    Nearness::Near | Nearness::Far => warn!("{text}: renew it before"),
                }
            }
        })
    }

    /// Why nothing can be exchanged, as far as this is concerned.
    pub fn unready(&self, now: Timestamp) -> Option<String> {
        let over = |end: &&End| end.what == What::Certificate && end.until <= now;
        // The first is the one that systems see.
        if let Some(end) = self.own.iter().take(1).find(over) {
            return Some(end.to_string());
        }
        let lists = self.trust.current().crl_periods();
        if lists.iter().any(|period| period.until > now) {
            return None;
        }
        let last = lists.iter().map(|period| period.until).max();
        let since =
            last.map(|end| format!(" since {}", end.strftime("%Y-%m-%dT%H:%M:%SZ"))).unwrap_or_default();
        Some(format!("no revocation list is in force{since}: nobody can be shown not to be revoked"))
    }

    /// What somebody should see to, ready or not.
    pub fn remarks(&self, now: Timestamp) -> Vec<String> {
        let set = self.trust.current();
        let near = self.ends().into_iter().filter(|end| end.nearness(now, self.warn) != Nearness::Far);
        let unusable = set.unusable().iter();
        let unusable = unusable.map(|one| {
            format!("revocation list {} of the files settles nothing: {}", one.index + 1, one.fault)
        });
        let unread = self.reading.fault();
        let unread =
            unread.map(|fault| format!("trust cannot be read; what was read before is in force: {fault}"));
        near.map(|end| end.to_string()).chain(unusable).chain(unread).take(MOST_REMARKS).collect()
    }

    /// In how many seconds the first thing of a kind ends; negative once it has. `None`: there is none that ends.
    pub fn seconds(&self, what: What, now: Timestamp) -> Option<i64> {
        let ends = self.ends().into_iter().filter(|end| end.what == what && end.until != Timestamp::MAX);
        ends.map(|end| end.until.duration_since(now).as_secs()).min()
    }

    /// Whether the trust files could be read when they last changed, and every list in them settles something.
    pub fn is_sound(&self) -> bool {
        self.reading.fault().is_none() && self.trust.current().unusable().is_empty()
    }

    fn ends(&self) -> Vec<End> {
        self.own.iter().cloned().chain(End::of_trust(&self.trust.current(), self.since)).collect()
    }
}

/// Days before an end from which on it is told.
pub fn days(count: u16) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(count))
}

/// What was told last, and when.
#[derive(Debug, Default)]
struct Watch(BTreeMap<String, (Nearness, Instant)>);

impl Watch {
    /// What is to be told at `now`, which is `moment` of the clock that cannot be set.
    fn news(
        &mut self,
        ends: &[End],
        now: Timestamp,
        warn: SignedDuration,
        moment: Instant,
    ) -> Vec<(Nearness, String)> {
        let mut news = Vec::new();
        let mut told = BTreeMap::new();
        for end in ends {
            let nearness = end.nearness(now, warn);
            if nearness == Nearness::Far {
                continue;
            }
            let text = end.to_string();
            let before = self.0.get(&text).filter(|(told, at)| {
                *told == nearness && moment.saturating_duration_since(*at) < AGAIN_AFTER
            });
            let at = before.map_or(moment, |(_, at)| *at);
            if before.is_none() {
                news.push((nearness, text.clone()));
            }
            told.insert(text, (nearness, at));
        }
        self.0 = told;
        news
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(60);
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 3_600);
const MOST_REMARKS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn end(name: &str, from: i64, until: i64) -> End {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        End::new(What::RevocationList, name.into(), Period { from: day(from), until: day(until) })
    }

    fn on(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    #[test]
    fn an_end_is_near_within_the_days_that_were_asked_for_and_the_last_quarter_of_its_time() {
        let year = end("a certificate", 0, 365);
        assert_eq!(year.nearness(on(334), days(30)), Nearness::Far);
        assert_eq!(year.nearness(on(335), days(30)), Nearness::Near);
        assert_eq!(year.nearness(on(365), days(30)), Nearness::Over);
        let list = end("a list", 0, 8);
        assert_eq!(list.nearness(on(5), days(30)), Nearness::Far, "it has always been that near");
        assert_eq!(list.nearness(on(6), days(30)), Nearness::Near);
        assert_eq!(list.nearness(on(7), days(0)), Nearness::Far, "nobody asked");
    }

    #[test]
    fn what_comes_near_is_told_once_then_daily_then_when_it_is_over_and_not_after_its_renewal() {
        let (mut watch, begun) = (Watch::default(), Instant::now());
        let mut told = |ends: &[End], day, hours: u64| {
            let moment = begun + Duration::from_secs(hours * 3_600);
            let news = watch.news(ends, on(day), days(30), moment);
            news.into_iter().map(|(nearness, _)| nearness).collect::<Vec<_>>()
        };
        let ends = [end("one", 0, 40), end("another", 0, 400)];
        assert_eq!(told(&ends, 20, 0), []);
        assert_eq!(told(&ends, 35, 1), [Nearness::Near]);
        assert_eq!(told(&ends, 35, 2), []);
        assert_eq!(told(&ends, 36, 25), [Nearness::Near], "a day later");
        assert_eq!(told(&ends, 40, 26), [Nearness::Over]);
        assert_eq!(told(&ends, 40, 27), []);
        assert_eq!(told(&[end("one", 40, 80)], 41, 28), []);
        assert_eq!(told(&[end("one", 40, 80)], 75, 29), [Nearness::Near], "the renewed one, in its turn");
    }
}
