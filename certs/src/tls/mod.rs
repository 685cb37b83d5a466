//! Mutual TLS for both sides, with rustls kept in here.
//!
//! [`Acceptor`] takes those who call us, [`Connector`] calls others; both end with a
//! [`VerifiedChain`](crate::VerifiedChain) of the peer. Neither sets a deadline: the caller does, and drops
//! the future.

mod acceptor;
mod connector;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::time_provider::TimeProvider;
use rustls::{CipherSuite, NamedGroup};
use rustls_pki_types::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use acceptor::{
    Accepted, Acceptor, AcceptorOptions, ClientCertificates, Greeted, HandshakeFailure, Unready,
};
pub use connector::{ConnectFailure, Connected, Connector, ConnectorOptions};

pub use crate::keys::Identity;

/// Which protocol the two sides agreed on (ALPN); none means HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// `http/1.1`
    Http1,
    /// `h2`
    Http2,
}

/// How a connection began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Certificates were exchanged.
    Full,
    /// An earlier session was resumed, and its chain verified again.
    Resumed,
}

/// The oldest TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldestTls {
    /// TLS 1.3 only.
    #[default]
    Tls13,
    /// TLS 1.2 as well, for systems that cannot yet do better.
    Tls12,
}

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Asks `now` each time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let second = u64::try_from(self.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(second)))
    }
}

/// A connection over mutual TLS whose handshake is done. Small: what rustls keeps of it is moved around by address.
#[derive(Debug)]
pub struct TlsStream<IO>(Box<tokio_rustls::TlsStream<IO>>);

impl<IO> TlsStream<IO> {
    fn new(stream: impl Into<tokio_rustls::TlsStream<IO>>) -> Self {
        Self(Box::new(stream.into()))
    }

    /// How the connection began.
    pub fn handshake(&self) -> Handshake {
        Handshake::of(self.0.get_ref().1)
    }

    /// What it runs over.
    pub fn get_ref(&self) -> &IO {
        self.0.get_ref().0
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

impl Alpn {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    fn names(offered: &[Self]) -> Vec<Vec<u8>> {
        offered.iter().map(|alpn| alpn.name().to_vec()).collect()
    }

    fn agreed(name: Option<&[u8]>) -> Self {
        if name == Some(Self::Http2.name()) { Self::Http2 } else { Self::Http1 }
    }
}

impl Handshake {
    fn of(connection: &rustls::CommonState) -> Self {
        match connection.handshake_kind() {
            Some(rustls::HandshakeKind::Resumed) => Self::Resumed,
            _ => Self::Full,
        }
    }
}

impl OldestTls {
    fn versions(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        match self {
            Self::Tls13 => TLS13_ONLY,
            Self::Tls12 => rustls::ALL_VERSIONS,
        }
    }
}

/// All that rustls can, in our order.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| !is_preferred(suite.suite()));
    // Offered first as a client, whatever features of rustls some crate switches on. As a server the peer's order
    // counts: who prefers the hybrid with ML-KEM gets it.
    provider.kx_groups.sort_by_key(|group| group.name() != NamedGroup::X25519);
    Arc::new(provider)
}

/// As strong as the keys that are exchanged and certified, at 128 bits, and with the hash that processors compute:
/// a handshake hashes some thirty times, and with SHA-384, in software, that is a tenth of its cost.
fn is_preferred(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}

/// rustls' own error within what tokio-rustls reports.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

static TLS13_ONLY: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferred_suites_stand_first_and_none_is_lost() {
        let (ours, all) = (provider(), aws_lc_rs::default_provider());
        let preferred: Vec<_> = ours.cipher_suites.iter().map(|suite| is_preferred(suite.suite())).collect();
        assert!(preferred[0] && preferred.is_sorted_by(|one, next| one >= next), "{preferred:?}");
        assert!(all.cipher_suites.iter().all(|suite| ours.cipher_suites.contains(suite)));
        assert_eq!(ours.kx_groups[0].name(), NamedGroup::X25519);
        assert_eq!(ours.kx_groups.len(), all.kx_groups.len());
    }
}
