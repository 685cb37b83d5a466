//! One connection of the generator: HTTP/1.1 by hand, as cheap as it can be and no more lenient than
//! the benchmark needs.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::pki::Dialler;

/// A request, ready to be written, and what its answer must be.
#[derive(Debug, Clone)]
pub struct Call {
    bytes: Bytes,
    answer_bytes: usize,
}

impl Call {
    /// Composes a request; `headers` are lines without their line ends.
    pub fn new(
        target: &str,
        host: &str,
        headers: &[String],
        body: Option<&[u8]>,
        answer_bytes: usize,
    ) -> Self {
        Self::of("application/json", target, host, headers, body, answer_bytes)
    }

    /// Composes a request whose body is of another media type.
    pub(super) fn of(
        media_type: &str,
        target: &str,
        host: &str,
        headers: &[String],
        body: Option<&[u8]>,
        answer_bytes: usize,
    ) -> Self {
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n");
        if let Some(body) = body {
            head.push_str(&format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len()));
        }
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.unwrap_or_default());
        Self { bytes: bytes.into(), answer_bytes }
    }
}

/// Why a call was not answered as it had to be.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The connection failed.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// The connection ended in the middle of an answer.
    #[error("connection closed before the answer was complete")]
    Closed,
    /// The answer is not one that the benchmark's peers should give.
    #[error("answer not understood: {0}")]
    Malformed(&'static str),
    /// Another status than 200.
    #[error("status {status}, not 200: {start}")]
    Status {
        /// The status.
        status: u16,
        /// The start of the answer, to see why.
        start: String,
    },
    /// Another length than the upstream sends.
    #[error("{got} bytes of body, not {wanted}")]
    Length {
        /// As announced by the answer.
        got: usize,
        /// As the upstream sends it.
        wanted: usize,
    },
}

/// An open mutual-TLS connection to a peer.
#[derive(Debug)]
pub struct Line {
    stream: TlsStream<TcpStream>,
    buffer: Box<[u8]>,
}

impl Line {
    /// Connects and completes the handshake.
    ///
    /// # Errors
    /// [`Fault::Io`].
    pub async fn open(dialler: &Dialler, addr: SocketAddr) -> Result<Self, Fault> {
        let tcp = TcpStream::connect(addr).await?;
        tcp.set_nodelay(true)?;
        let stream = dialler.connector.connect(dialler.name.clone(), tcp).await?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES].into() })
    }

    /// Sends `call` and reads its answer to the end.
    ///
    /// # Errors
    /// Any [`Fault`]; the line is of no use afterwards.
    pub async fn ask(&mut self, call: &Call) -> Result<(), Fault> {
        self.stream.write_all(&call.bytes).await?;
        self.stream.flush().await?;
        let mut filled = 0;
        loop {
            let Some(room) = self.buffer.get_mut(filled..).filter(|room| !room.is_empty()) else {
                return Err(Fault::Malformed("longer than the buffer"));
            };
            let read = self.stream.read(room).await?;
            if read == 0 {
                return Err(Fault::Closed);
            }
            filled += read;
            match missing(&self.buffer[..filled], call.answer_bytes)? {
                None => {}
                Some(0) => return Ok(()),
                // Known by its head: the rest is read and not kept.
                Some(rest) => return self.read_on(rest).await,
            }
        }
    }

    async fn read_on(&mut self, mut missing: usize) -> Result<(), Fault> {
        while missing > 0 {
            let room = missing.min(self.buffer.len());
            match self.stream.read(&mut self.buffer[..room]).await? {
                0 => return Err(Fault::Closed),
                read => missing -= read,
            }
        }
        Ok(())
    }

    /// Ends the connection in good order.
    ///
    /// # Errors
    /// [`Fault::Io`].
    pub async fn close(mut self) -> Result<(), Fault> {
        Ok(self.stream.shutdown().await?)
    }
}

/// How many bytes of the answer that was wanted are missing, once its head is there; a wrong one is a fault at once.
fn missing(bytes: &[u8], wanted: usize) -> Result<Option<usize>, Fault> {
    let Some(end) = head_end(bytes) else { return Ok(None) };
    let head = &bytes[..end];
    let status = status(head)?;
    if status != 200 {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
        return Err(Fault::Status { status, start });
    }
    let got = content_length(head).ok_or(Fault::Malformed("no content-length"))?;
    if got != wanted {
        return Err(Fault::Length { got, wanted });
    }
    match bytes.len() - end {
        body if body > got => Err(Fault::Malformed("bytes after the answer")),
        body => Ok(Some(got - body)),
    }
}

/// Returns where the body starts.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Returns what the `Content-Length` line of a head says.
pub(super) fn content_length(head: &[u8]) -> Option<usize> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then(|| std::str::from_utf8(value).ok()?.trim().parse().ok())?
    })
}

fn status(head: &[u8]) -> Result<u16, Fault> {
    let digits = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    status.ok_or(Fault::Malformed("no HTTP/1.1 status line"))
}

const NAME: &[u8] = b"content-length:";
const BUFFER_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_complete_only_with_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\nabc";
        for short in 0..answer.len() {
            assert_ne!(missing(&answer[..short], 3).unwrap(), Some(0), "after {short} bytes");
        }
        assert_eq!(missing(answer, 3).unwrap(), Some(0));
        assert_eq!(missing(&answer[..answer.len() - 2], 3).unwrap(), Some(2));
    }

    #[test]
    fn wrong_status_length_or_surplus_is_a_fault() {
        let fault = |answer: &[u8]| missing(answer, 3).unwrap_err().to_string();
        assert_eq!(fault(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"), "4 bytes of body, not 3");
        assert!(fault(b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nabc").starts_with("status 403"));
        assert_eq!(
            fault(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd"),
            "answer not understood: bytes after the answer"
        );
        assert_eq!(fault(b"HTTP/1.1 200 OK\r\n\r\n"), "answer not understood: no content-length");
    }
}
