//! A way to a provider that a test opens when it likes: whoever dials meanwhile waits.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use super::wait::within;

/// Stands before a provider and lets nothing through yet.
pub struct Relay(TcpListener);

/// Somebody who dialled, and waits.
pub struct Dialled(TcpStream);

impl Relay {
    /// A relay on a port of the system's choice.
    ///
    /// # Panics
    /// If the machine gives no port.
    pub async fn stands() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap())
    }

    /// Where it listens.
    ///
    /// # Panics
    /// If the system does not know.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Waits until somebody dials.
    ///
    /// # Panics
    /// If the port fails.
    pub async fn dialled(&self) -> Dialled {
        Dialled(within("somebody to dial", self.0.accept()).await.unwrap().0)
    }
}

impl Dialled {
    /// Lets bytes through, in both directions.
    ///
    /// # Panics
    /// If the provider is not there.
    pub async fn opens_to(mut self, provider: SocketAddr) {
        let mut onward = TcpStream::connect(provider).await.unwrap();
        // Ends with either side.
        tokio::spawn(async move { drop(tokio::io::copy_bidirectional(&mut self.0, &mut onward).await) });
    }
}
