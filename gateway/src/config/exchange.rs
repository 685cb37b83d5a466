//! The exchange face: where systems connect, and how much of anything they may use.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

/// The exchange face.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExchangeConfig {
    /// Where systems connect. Default: `0.0.0.0:8443`.
    pub listen: SocketAddr,
    /// Runtimes, each on a thread of its own; 0 for one a core. Default: 0.
    pub runtimes: usize,
    /// Whether TLS 1.2 is spoken beside 1.3. Default: false.
    pub tls12: bool,
    /// Bounds.
    pub limits: Limits,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443)),
            runtimes: 0,
            tls12: false,
            limits: Limits::default(),
        }
    }
}

/// Bounds on what peers can make the gateway hold or wait for.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most connections at once. Default: 20,000 (twice the idle connections of the benchmark).
    pub max_connections: usize,
    /// Most exchanges at once of one system, as consumer or as provider; one consumer has at most half of a provider's.
    /// Default: 512.
    pub max_exchanges_per_system: usize,
    /// Most bytes of payloads held at once, in MiB. Default: 256.
    pub max_buffered_mib: usize,
    /// Most bytes of payloads held at once for one consumer, in MiB: no one takes all. Default: 64.
    pub max_buffered_mib_per_system: usize,
    /// Most connections at once of one certificate: no one takes all; 16 of one that is bound to no system. Default: 2,000.
    pub max_connections_per_caller: usize,
    /// Most TLS handshakes under way at once; half of them from one address. Default: 1,024.
    pub max_handshakes: usize,
    /// Most streams at once on an HTTP/2 connection; 4 where the certificate is bound to no system. Default: 128.
    pub max_streams: u32,
    /// Longest TLS handshake, in ms. Default: 10,000.
    pub handshake_timeout_ms: u64,
    /// Longest time from a head's first byte to its last, in ms. Default: 10,000.
    pub head_timeout_ms: u64,
    /// Longest time for a request's body, in ms. Default: 30,000.
    pub body_timeout_ms: u64,
    /// Longest time that a connection may be idle, in ms. Default: 120,000.
    pub idle_timeout_ms: u64,
    /// After how long an idle connection gives its buffers back, in ms. Default: 1,000.
    pub rest_after_ms: u64,
    /// Longest time to connect to a provider, handshake included, in ms. Default: 5,000.
    pub connect_timeout_ms: u64,
    /// Longest time from forwarding a call to the provider's whole answer, in ms. Default: 30,000.
    pub provider_timeout_ms: u64,
    /// Longest time for a document to pass, each way, in ms; between two pieces of it no more than for other bodies.
    /// Default: 900,000.
    pub transfer_timeout_ms: u64,
    /// Most idle connections kept to one provider by one runtime. Default: 256; fewer than calls come at once means handshakes.
    pub max_idle_per_provider: usize,
    /// Longest time to finish exchanges under way when stopping, in ms; then those whose providers have not answered are
    /// told so. Best longer than `provider_timeout_ms`. Default: 35,000.
    pub drain_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_exchanges_per_system: 512,
            max_buffered_mib: 256,
            max_buffered_mib_per_system: 64,
            max_connections_per_caller: 2_000,
            max_handshakes: 1_024,
            max_streams: 128,
            handshake_timeout_ms: 10_000,
            head_timeout_ms: 10_000,
            body_timeout_ms: 30_000,
            idle_timeout_ms: 120_000,
            rest_after_ms: 1_000,
            connect_timeout_ms: 5_000,
            provider_timeout_ms: 30_000,
            transfer_timeout_ms: 900_000,
            max_idle_per_provider: 256,
            drain_timeout_ms: 35_000,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let bounds = [
            ("max_connections", self.max_connections as u64, 1_000_000),
            ("max_exchanges_per_system", self.max_exchanges_per_system as u64, 1_000_000),
            ("max_buffered_mib", self.max_buffered_mib as u64, 1 << 20),
            ("max_buffered_mib_per_system", self.max_buffered_mib_per_system as u64, 1 << 20),
            ("max_connections_per_caller", self.max_connections_per_caller as u64, 1_000_000),
            ("max_handshakes", self.max_handshakes as u64, 1_000_000),
            ("max_streams", u64::from(self.max_streams), 10_000),
            ("handshake_timeout_ms", self.handshake_timeout_ms, 600_000),
            ("head_timeout_ms", self.head_timeout_ms, 600_000),
            ("body_timeout_ms", self.body_timeout_ms, 3_600_000),
            ("idle_timeout_ms", self.idle_timeout_ms, 86_400_000),
            ("rest_after_ms", self.rest_after_ms, 86_400_000),
            ("connect_timeout_ms", self.connect_timeout_ms, 600_000),
            ("provider_timeout_ms", self.provider_timeout_ms, 3_600_000),
            ("transfer_timeout_ms", self.transfer_timeout_ms, 86_400_000),
            ("drain_timeout_ms", self.drain_timeout_ms, 3_600_000),
        ];
        for (key, value, most) in bounds {
            if value == 0 || value > most {
                return Err((key, format!("{value} is not within 1..={most}")));
            }
        }
        Ok(())
    }

    /// As [`Limits::handshake_timeout_ms`].
    pub fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout_ms)
    }

    /// As [`Limits::head_timeout_ms`].
    pub fn head_timeout(&self) -> Duration {
        Duration::from_millis(self.head_timeout_ms)
    }

    /// As [`Limits::body_timeout_ms`].
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// As [`Limits::idle_timeout_ms`].
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// As [`Limits::rest_after_ms`].
    pub fn rest_after(&self) -> Duration {
        Duration::from_millis(self.rest_after_ms)
    }

    /// As [`Limits::connect_timeout_ms`].
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// As [`Limits::provider_timeout_ms`].
    pub fn provider_timeout(&self) -> Duration {
        Duration::from_millis(self.provider_timeout_ms)
    }

    /// As [`Limits::transfer_timeout_ms`].
    pub fn transfer_timeout(&self) -> Duration {
        Duration::from_millis(self.transfer_timeout_ms)
    }

    /// As [`Limits::drain_timeout_ms`].
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}
