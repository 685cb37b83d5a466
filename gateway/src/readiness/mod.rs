//! The two-sided readiness check that precedes transfer (B5; HR 26.6, 28.1), measured: on the line to the provider, and by
//! what is known of the consumer.
//!
//! ```text
//! plan      what is to be checked, taken from the registry     line    the provider: TLS, HTTP, its clock
//! sample    what its operations are asked, and the answers     arrivals  when consumers were last seen, and their clocks
//! ```
//!
//! Trust: a provider that is not ready may be hostile. Each wait ends with the check, each answer is bounded by what the
//! data type allows, and what it says reaches the record only in words of ours.
//!
//! Nothing that a sample answers is released to anybody: it is held against its schema, and dropped. That a provider was
//! asked stands in the registry, with who had it asked and why.

mod arrivals;
mod line;
mod plan;
mod sample;

use std::sync::Arc;

use agreements::{CheckKind, CheckOutcome, Party, ReadinessCheck};
use certs::keys::Identity;
use certs::tls::{Alpn, Clock, Connector, ConnectorOptions, Unready};
use certs::trust::Trust;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub use self::arrivals::{Arrivals, Arrived, Said, Seen};
pub use self::plan::{Plan, Unplannable};

use self::line::Found;
use crate::clock;
use crate::config::{Config, ReadinessConfig};

/// What checks are made with: the gateway's own certificate, and its trust.
pub struct Prober {
    connector: Connector,
    settings: ReadinessConfig,
}

impl Prober {
    /// Whoever checks shows the same certificate, and believes the same, as the gateway that will carry the calls.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(config: &Config, identity: &Identity, trust: &Arc<Trust>) -> Result<Self, Unready> {
        use certs::tls::OldestTls::{Tls12, Tls13};
        let oldest = if config.exchange.tls12 { Tls12 } else { Tls13 };
        let options = ConnectorOptions {
            oldest,
            alpn: vec![Alpn::Http1],
            ..ConnectorOptions::new(Clock::new(clock::now))
        };
        let connector = Connector::new(identity, Arc::clone(trust), options)?;
        Ok(Self { connector, settings: config.readiness.clone() })
    }

    /// Checks all that a plan names, one after the other. It ends in time, whoever is on the other side; what was not
    /// reached by then failed.
    ///
    /// # Cancel safety
    /// Dropped meanwhile, the connection is closed and nothing is recorded.
    pub async fn check(&self, plan: &Plan, arrived: Option<Arrived>) -> Vec<ReadinessCheck> {
        let until = Instant::now() + self.settings.timeout();
        let mut checks = self.of_consumer(plan, arrived);
        let found = line::look(&self.connector, &self.settings, plan, until).await;
        checks.extend(found.into_iter().map(|(check, found)| check_of(Party::Provider, check, found)));
        checks
    }

    /// A consumer calls, it is not called: what is known of it is what is bound to it, and how it was last seen.
    fn of_consumer(&self, plan: &Plan, arrived: Option<Arrived>) -> Vec<ReadinessCheck> {
        let ends = plan.consumer_certificates.iter().map(|bound| bound.not_after).max();
        let certificate = match ends {
            Some(ends) => life(ends, clock::now(), self.settings.least_life()),
            None => Found::failed("no certificate is bound to it"),
        };
        let unseen = "it calls and is not called, and no connection of it is known here (a gateway knows those since it started, the command line none)";
        let (reachability, protocol) = match arrived.map(|known| known.seen) {
            Some(Seen { at, alpn }) => {
                let spoke = match alpn {
                    Alpn::Http1 => "http/1.1",
                    Alpn::Http2 => "h2",
                };
                let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
                (Found::passed(format!("it connected over mutual TLS at {at}")), Found::passed(spoke))
            }
            None => (Found::unmeasured(unseen), Found::unmeasured(unseen)),
        };
        let clock = match arrived.and_then(|known| known.said) {
            Some(said) if clock::now().duration_since(said.at) <= SAID_LATELY => {
                let found = line::clock_of(said.offset, self.settings.clock_tolerance());
                let at = said.at.strftime("%Y-%m-%dT%H:%M:%SZ");
                Found { detail: format!("{}, by the Date of its call at {at}", found.detail), ..found }
            }
            Some(_) => {
                Found::unmeasured("it has said no Date for a day: have it call, to be refused if need be")
            }
            None => Found::unmeasured(
                "no call of it that bore a Date is known here: have it call, to be refused if need be, and ask over the gateway's API",
            ),
        };
        [
            (CheckKind::Certificate, certificate),
            (CheckKind::Clock, clock),
            (CheckKind::Reachability, reachability),
            (CheckKind::Protocol, protocol),
        ]
        .map(|(check, found)| check_of(Party::Consumer, check, found))
        .into()
    }
}

/// Whether a certificate that ends then lasts long enough.
fn life(ends: Timestamp, now: Timestamp, least: SignedDuration) -> Found {
    let left = ends.duration_since(now);
    let (days, hours) = (left.as_hours() / 24, left.as_hours() % 24);
    if left.is_negative() || left.is_zero() {
        Found::failed("its certificate has ended: bind another")
    } else if left < least {
        let wanted = least.as_hours() / 24;
        Found::failed(format!("it ends in {days} d {hours} h, and {wanted} d are asked for: renew it"))
    } else {
        Found::passed(format!("{days} d {hours} h left"))
    }
}

fn check_of(party: Party, check: CheckKind, found: Found) -> ReadinessCheck {
    let Found { outcome, detail } = found;
    // The rules take no more.
    let detail = match detail.char_indices().nth(MOST_DETAIL) {
        Some((end, _)) => format!("{}…", &detail[..end]),
        None => detail,
    };
    ReadinessCheck { party, check, outcome, detail: detail.into(), accepted: None }
}

/// Puts a reason beside all that was not measured.
pub fn accept(checks: &mut [ReadinessCheck], why: &str) {
    let why: Arc<str> = why.trim().into();
    for one in checks.iter_mut().filter(|one| one.outcome == CheckOutcome::Unmeasured) {
        one.accepted = Some(Arc::clone(&why));
    }
}

/// How long what a consumer said of its clock is believed: clocks drift.
const SAID_LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Characters of a detail, and one that says that it goes on.
const MOST_DETAIL: usize = 499;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_sooner_than_is_asked_for_does_not_do() {
        let now: Timestamp = "2026-03-02T05:00:00Z".parse().unwrap();
        let week = SignedDuration::from_hours(7 * 24);
        for (ends, outcome) in [
            ("2026-03-09T05:00:00Z", CheckOutcome::Passed),
            ("2026-03-09T04:59:59Z", CheckOutcome::Failed),
            ("2026-03-02T05:00:00Z", CheckOutcome::Failed),
            ("2026-01-01T00:00:00Z", CheckOutcome::Failed),
        ] {
            assert_eq!(life(ends.parse().unwrap(), now, week).outcome, outcome, "{ends}");
        }
        assert_eq!(
            life("2026-03-02T05:00:01Z".parse().unwrap(), now, SignedDuration::ZERO).detail,
            "0 d 0 h left"
        );
    }

    #[test]
    fn a_long_detail_is_cut_where_the_rules_would_refuse_it() {
        let long = check_of(Party::Provider, CheckKind::Clock, Found::failed("қ".repeat(900)));
        assert_eq!(long.detail.chars().count(), 500);
    }
}
