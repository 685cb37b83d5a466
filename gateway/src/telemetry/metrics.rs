//! Metrics: their names, once, and how the parts count.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::clock;
use crate::clock_watch::{ClockWatch, PeerClocks};
use crate::cryptography::Cryptography;
use crate::ends::{Footing, What};
use crate::exchange::rows;
use crate::exchange_log::{LogStats, Outcome};
use crate::registry::Views;
use crate::stamping::StampStats;
use crate::witness::Standing;

/// Names of all metrics, as dashboards and alerts rely on them.
pub const NAMES: [&str; 36] = [
    "kelisim_exchanges_total",
    "kelisim_refusals_total",
    "kelisim_refusals_suppressed_total",
    "kelisim_exchange_seconds",
    "kelisim_connections",
    "kelisim_connections_refused_total",
    "kelisim_handshake_failures_total",
    "kelisim_payload_bytes_held",
    "kelisim_log_entries_total",
    "kelisim_log_batches_total",
    "kelisim_log_open_exchanges",
    "kelisim_log_healthy",
    "kelisim_registry_revision",
    "kelisim_registry_confirmed_seconds_ago",
    "kelisim_log_unsealed_entries",
    "kelisim_log_cosigned_entries",
    "kelisim_log_unwitnessed_seconds",
    "kelisim_witness_failures_total",
    "kelisim_log_time_stamp_seconds_ago",
    "kelisim_log_time_stamp_failures_total",
    "kelisim_api_requests_total",
    "kelisim_api_request_seconds",
    "kelisim_api_connections_refused_total",
    "kelisim_api_logins_failed_total",
    "kelisim_api_connections",
    "kelisim_log_space",
    "kelisim_clock_ahead_ms",
    "kelisim_clock_trusted",
    "kelisim_clock_failures_total",
    "kelisim_provider_clock_ahead_ms",
    "kelisim_fields_withheld_total",
    "kelisim_national_verifications_total",
    "kelisim_request_fields_withheld_total",
    "kelisim_end_seconds",
    "kelisim_trust_sound",
    "kelisim_cryptography_confirmed_until_seconds",
];

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    asked: Mutex<()>,
    exchanges: IntCounterVec,
    completed: IntCounter,
    refusals: IntCounterVec,
    by_code: HashMap<&'static str, IntCounter>,
    suppressed: IntCounter,
    withheld: IntCounter,
    request_withheld: IntCounter,
    national: IntCounterVec,
    seconds: Histogram,
    /// Connections that are open.
    pub connections: IntGauge,
    /// Connections that were closed at once since too many were open.
    pub connections_refused: IntCounter,
    handshake_failures: IntCounterVec,
    held: IntGauge,
    log_entries: IntCounter,
    log_batches: IntCounter,
    log_open: IntGauge,
    log_healthy: IntGauge,
    log_space: IntGauge,
    revision: IntGauge,
    confirmed: IntGauge,
    unsealed: IntGauge,
    cosigned: IntGauge,
    unwitnessed: IntGauge,
    witness_failures: IntCounter,
    stamped: IntGauge,
    stamp_failures: IntCounter,
    api_requests: IntCounterVec,
    api_seconds: Histogram,
    /// Connections to the API that were closed at once since too many were open.
    pub api_connections_refused: IntCounter,
    /// Logins that failed.
    pub api_logins_failed: IntCounter,
    /// Connections to the API that are open.
    pub api_connections: IntGauge,
    clock_ahead: IntGauge,
    clock_trusted: IntGauge,
    clock_failures: IntCounter,
    peers_ahead: IntGaugeVec,
    ends: IntGaugeVec,
    trust_sound: IntGauge,
    cryptography_confirmed: IntGauge,
}

/// What is read when somebody asks, rather than counted on the path.
pub struct Gauges<'a> {
    /// Bytes of payloads held.
    pub held_bytes: usize,
    /// The log's own counts.
    pub log: &'a LogStats,
    /// Exchanges that are open.
    pub open_exchanges: usize,
    /// Whether the log takes entries.
    pub log_healthy: bool,
    /// Entries of the log without a checkpoint.
    pub unsealed: u64,
    /// How the log stands with its witnesses, if it has any.
    pub standing: Option<Standing>,
    /// Time stamps over its checkpoints.
    pub stamps: &'a StampStats,
    /// The registry.
    pub views: &'a Views,
    /// The gateway's own clock.
    pub clock: &'a ClockWatch,
    /// Providers' clocks.
    pub peers: &'a PeerClocks,
    /// What the gateway itself stands on.
    pub footing: &'a Footing,
    /// The cryptographic tool.
    pub cryptography: &'a Cryptography,
}

impl Metrics {
    /// Counters at zero.
    ///
    /// # Panics
    /// If two metrics bear one name, which the first start would show.
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let counter =
            |at: usize, help: &str| IntCounter::new(NAMES[at], help).expect("a metric's name is well-formed");
        let gauge =
            |at: usize, help: &str| IntGauge::new(NAMES[at], help).expect("a metric's name is well-formed");
        let labelled = |at: usize, help: &str, label: &str| {
            IntCounterVec::new(Opts::new(NAMES[at], help), &[label]).expect("a metric's name is well-formed")
        };
        let exchanges = labelled(0, "Exchanges that were opened, by outcome", "outcome");
        let refusals = labelled(1, "Refusals, by code", "code");
        let buckets =
            vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
        let seconds = HistogramOpts::new(NAMES[3], "From a request's head to its answer, seconds")
            .buckets(buckets.clone());
        let api_seconds = HistogramOpts::new(NAMES[21], "From a request to the API to its answer, seconds")
            .buckets(buckets);
        let codes = agreements::refusal::rows::ALL.iter().chain(rows::ALL).map(|row| row.code);
        let metrics = Self {
            completed: exchanges.with_label_values(&["completed"]),
            by_code: codes.map(|code| (code, refusals.with_label_values(&[code]))).collect(),
            exchanges,
            refusals,
            suppressed: counter(
                2,
                "Refusals that got no entry of their own, because there was a flood of them",
            ),
            withheld: counter(30, "Members and elements that were withheld, because no agreement names them"),
            request_withheld: counter(
                32,
                "Members and elements of requests that no agreement names: withheld from providers, or refused",
            ),
            national: labelled(
                31,
                "Signatures by national algorithms, by what the service made of them",
                "outcome",
            ),
            seconds: Histogram::with_opts(seconds).expect("a metric's name is well-formed"),
            connections: gauge(4, "Connections that are open"),
            connections_refused: counter(5, "Connections closed at once, because too many were open"),
            handshake_failures: labelled(6, "Handshakes that failed, by reason", "reason"),
            held: gauge(7, "Bytes of payloads held in memory"),
            log_entries: counter(8, "Entries written to the exchange log since the start"),
            log_batches: counter(9, "Batches synced to the exchange log since the start"),
            log_open: gauge(10, "Exchanges whose closing entry is still to come"),
            log_healthy: gauge(11, "1 while the exchange log takes entries; at 0 nothing is exchanged"),
            log_space: gauge(
                25,
                "1 while the exchange log has its next segment, or prepares it; at 0 its disk is full",
            ),
            revision: gauge(12, "Revision of the registry that calls are decided on"),
            confirmed: gauge(13, "Seconds since the registry was last confirmed to be the newest"),
            unsealed: gauge(14, "Entries of the exchange log that no checkpoint covers yet"),
            cosigned: gauge(15, "Entries of the exchange log that a quorum of witnesses cosigned"),
            unwitnessed: gauge(
                16,
                "Seconds for which the oldest checkpoint has been waiting for its cosignatures",
            ),
            witness_failures: counter(17, "Visits to a witness that brought no cosignature, since the start"),
            stamped: gauge(
                18,
                "Seconds since the newest checkpoint was time-stamped; -1 without an authority",
            ),
            stamp_failures: counter(19, "Time stamps that could not be had"),
            api_requests: labelled(20, "Requests to the API, by status", "status"),
            api_seconds: Histogram::with_opts(api_seconds).expect("a metric's name is well-formed"),
            api_connections_refused: counter(
                22,
                "Connections to the API closed at once, because too many were open",
            ),
            api_logins_failed: counter(23, "Logins that failed"),
            api_connections: gauge(24, "Connections to the API that are open"),
            clock_ahead: gauge(
                26,
                "By how many ms sources of time are ahead of this machine's clock; 0 while unknown",
            ),
            clock_trusted: gauge(27, "1 while work may depend on this machine's clock"),
            clock_failures: counter(28, "Answers of sources of time that did not come or told nothing"),
            peers_ahead: IntGaugeVec::new(
                Opts::new(NAMES[29], "By how many ms a provider's clock is ahead of ours, by its Date"),
                &["system"],
            )
            .expect("a metric's name is well-formed"),
            asked: Mutex::default(),
            ends: IntGaugeVec::new(
                Opts::new(
                    NAMES[33],
                    "Seconds until the first of the gateway's certificates, authorities, lists ends",
                ),
                &["what"],
            )
            .expect("a metric's name is well-formed"),
            trust_sound: gauge(34, "1 while the trust files can be read and every list settles something"),
            cryptography_confirmed: gauge(
                35,
                "When the confirmation of the cryptographic tool ends, in Unix time; 0 where none is configured",
            ),
            registry,
        };
        metrics.register().expect("no two metrics bear one name");
        Arc::new(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let r = &self.registry;
        r.register(Box::new(self.exchanges.clone()))?;
        r.register(Box::new(self.refusals.clone()))?;
        r.register(Box::new(self.suppressed.clone()))?;
        r.register(Box::new(self.withheld.clone()))?;
        r.register(Box::new(self.request_withheld.clone()))?;
        r.register(Box::new(self.national.clone()))?;
        r.register(Box::new(self.seconds.clone()))?;
        r.register(Box::new(self.connections.clone()))?;
        r.register(Box::new(self.connections_refused.clone()))?;
        r.register(Box::new(self.handshake_failures.clone()))?;
        r.register(Box::new(self.api_requests.clone()))?;
        r.register(Box::new(self.api_seconds.clone()))?;
        r.register(Box::new(self.peers_ahead.clone()))?;
        r.register(Box::new(self.ends.clone()))?;
        r.register(Box::new(self.api_connections_refused.clone()))?;
        r.register(Box::new(self.api_logins_failed.clone()))?;
        for counter in [
            &self.log_entries,
            &self.log_batches,
            &self.witness_failures,
            &self.stamp_failures,
            &self.clock_failures,
        ] {
            r.register(Box::new(counter.clone()))?;
        }
        for gauge in [
            &self.api_connections,
            &self.held,
            &self.log_open,
            &self.log_healthy,
            &self.log_space,
            &self.revision,
            &self.confirmed,
            &self.unsealed,
            &self.cosigned,
            &self.unwitnessed,
            &self.stamped,
            &self.clock_ahead,
            &self.clock_trusted,
            &self.trust_sound,
            &self.cryptography_confirmed,
        ] {
            r.register(Box::new(gauge.clone()))?;
        }
        Ok(())
    }

    /// Counts an exchange whose answer passed.
    pub fn completed(&self, outcome: Outcome) {
        match outcome {
            Outcome::Completed => self.completed.inc(),
            other => self.exchanges.with_label_values(&[other.as_str()]).inc(),
        }
    }

    /// Counts a refusal.
    pub fn refused(&self, code: &'static str) {
        match self.by_code.get(code) {
            Some(counter) => counter.inc(),
            None => self.refusals.with_label_values(&[code]).inc(),
        }
    }

    /// Counts a refusal that got no entry of its own.
    pub fn suppressed(&self) {
        self.suppressed.inc();
    }

    /// Counts what was withheld of an answer.
    pub fn withheld(&self, count: u32) {
        if count > 0 {
            self.withheld.inc_by(count.into());
        }
    }

    /// Counts what a request had beyond its agreement.
    pub fn request_withheld(&self, count: u32) {
        if count > 0 {
            self.request_withheld.inc_by(count.into());
        }
    }

    /// Counts what the service made of a signature by a national algorithm.
    pub fn nationally_verified(&self, outcome: &'static str) {
        self.national.with_label_values(&[outcome]).inc();
    }

    /// Counts how long a request took.
    pub fn exchanged(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a handshake that failed.
    pub fn handshake_failed(&self, reason: &str) {
        self.handshake_failures.with_label_values(&[reason]).inc();
    }

    /// Counts a request to the API, and how long it took.
    pub fn api_answered(&self, status: u16, took: Duration) {
        self.api_requests.with_label_values(&[&status.to_string()]).inc();
        self.api_seconds.observe(took.as_secs_f64());
    }

    /// All metrics in the text format of Prometheus.
    pub fn text(&self, gauges: &Gauges<'_>) -> String {
        // Two that ask at once raise no counter twice.
        let _alone = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.held.set(count(gauges.held_bytes as u64));
        raise(&self.log_entries, gauges.log.entries.load(Ordering::Relaxed));
        raise(&self.log_batches, gauges.log.batches.load(Ordering::Relaxed));
        self.log_open.set(count(gauges.open_exchanges as u64));
        self.log_healthy.set(i64::from(gauges.log_healthy));
        self.log_space.set(i64::from(!gauges.log.lacks_space.load(Ordering::Relaxed)));
        self.unsealed.set(count(gauges.unsealed));
        if let Some(standing) = gauges.standing {
            self.cosigned.set(count(standing.cosigned));
            self.unwitnessed.set(count(standing.waiting.as_secs()));
            raise(&self.witness_failures, standing.failures);
        }
        self.stamped.set(gauges.stamps.seconds_ago());
        raise(&self.stamp_failures, gauges.stamps.failures.load(Ordering::Relaxed));
        let milliseconds = |ahead: SignedDuration| i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        self.clock_ahead.set(gauges.clock.offset().map_or(0, milliseconds));
        self.clock_trusted.set(i64::from(!gauges.clock.too_far()));
        raise(&self.clock_failures, gauges.clock.failures());
        for (system, ahead) in gauges.peers.all() {
            self.peers_ahead.with_label_values(&[system.as_str()]).set(milliseconds(ahead));
        }
        for what in What::ALL {
            match gauges.footing.seconds(what, clock::now()) {
                Some(seconds) => self.ends.with_label_values(&[what.as_str()]).set(seconds),
                // None of the kind: no number would be true.
                None => drop(self.ends.remove_label_values(&[what.as_str()])),
            }
        }
        self.trust_sound.set(i64::from(gauges.footing.is_sound()));
        let confirmed = gauges.cryptography.confirmed_until();
        self.cryptography_confirmed.set(confirmed.map_or(0, Timestamp::as_second));
        self.revision.set(count(gauges.views.newest().book.revision()));
        self.confirmed.set(count(gauges.views.age().as_secs()));
        let mut text = Vec::new();
        // Writing to memory cannot fail; a metric that could not be encoded is left out.
        drop(TextEncoder::new().encode(&self.registry.gather(), &mut text));
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Brings a counter up to what its part has counted since the start.
fn raise(counter: &IntCounter, counted: u64) {
    counter.inc_by(counted.saturating_sub(counter.get()));
}

#[cfg(test)]
mod tests {
    use prometheus::proto::MetricType;

    use super::*;

    /// Dashboards take rates of counters only.
    #[test]
    fn what_is_named_as_a_total_is_a_counter_and_nothing_else_is() {
        let metrics = Metrics::new();
        for family in metrics.registry.gather() {
            let counts = family.get_field_type() == MetricType::COUNTER;
            assert_eq!(counts, family.name().ends_with("_total"), "{}", family.name());
        }
        raise(&metrics.log_entries, 7);
        raise(&metrics.log_entries, 7);
        assert_eq!(metrics.log_entries.get(), 7);
    }
}
