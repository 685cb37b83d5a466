//! Addresses of the faces: taken before anything else is begun, listened on when there is somebody to serve.
//!
//! Between the two whoever connects is refused, as before the start; and a start that cannot have an address ends before it
//! wrote anything.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// A face's address. Given back when dropped.
#[derive(Debug)]
pub struct Address {
    at: SocketAddr,
    sockets: Vec<Socket>,
}

impl Address {
    /// Takes an address, for as many listeners as will share it.
    ///
    /// # Errors
    /// Somebody has it, or it is none of this machine's.
    pub fn take(listen: SocketAddr, listeners: usize) -> io::Result<Self> {
        free(listen)?;
        let first = bind(listen)?;
        let at = first.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
        let mut sockets = vec![first];
        for _ in 1..listeners {
            sockets.push(bind(at)?);
        }
        Ok(Self { at, sockets })
    }

    /// Which it is, with the port that the machine chose where 0 was asked for.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Listens on it, once for each listener.
    ///
    /// # Errors
    /// Somebody else listens there now.
    pub fn listen(self, backlog: i32) -> io::Result<Vec<TcpListener>> {
        free(self.at)?;
        let listen = |socket: Socket| {
            socket.listen(backlog)?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        };
        self.sockets.into_iter().map(listen).collect()
    }
}

/// Fails if another process has the port: with `SO_REUSEPORT` the two would share it in silence.
///
/// # Errors
/// Somebody listens there, or it is no address of this machine.
pub fn free(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Connections that may wait to be accepted on a face for people and programs that look after the gateway.
pub const SMALL_BACKLOG: i32 = 128;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn an_address_that_is_taken_refuses_connections_until_somebody_listens() {
        let address = Address::take(ANY, 3).unwrap();
        let at = address.at();
        assert_eq!(TcpStream::connect(at).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let listeners = address.listen(8).unwrap();
        assert_eq!(listeners.len(), 3);
        TcpStream::connect(at).unwrap();
    }

    #[test]
    fn a_port_that_another_has_is_not_shared_in_silence() {
        let other = TcpListener::bind(ANY).unwrap();
        let taken = Address::take(other.local_addr().unwrap(), 1).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        let one = Address::take(ANY, 1).unwrap();
        let also = Address::take(one.at(), 1).unwrap();
        let _listening = one.listen(8).unwrap();
        assert_eq!(also.listen(8).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
