//! The system behind every peer: answers a fixed record to GET and a fixed receipt to POST.
//!
//! It runs in a process of its own, so that its time is not counted as the peer's, and does as little as
//! it can: what is left is the same for all.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::line::{content_length, head_end};
use super::pki::{self, Identity};
use super::{payload, proc};

/// Serves on a free port of loopback with the upstream's identity in `folder`, prints the address as the
/// first line, and returns when standard input ends: it does not outlive who started it.
///
/// # Errors
/// The keys cannot be read or no port can be had.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    proc::raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        println!("{}", spawn(folder).await?);
        let ended =
            tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        ended.await??;
        Ok(())
    })
}

/// Serves on a free port of loopback for as long as the current runtime lives.
///
/// # Errors
/// As [`run`].
pub async fn spawn(folder: &Path) -> anyhow::Result<SocketAddr> {
    let tls = TlsAcceptor::from(pki::server(folder, Identity::Upstream)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let answers = Arc::new(Answers::new());
    tokio::spawn(async move {
        loop {
            let Ok((tcp, _)) = listener.accept().await else { continue };
            let (tls, answers) = (tls.clone(), Arc::clone(&answers));
            // A connection that breaks shows at the generator, as an error of the peer's.
            tokio::spawn(async move { serve(tcp, tls, &answers).await.ok() });
        }
    });
    Ok(addr)
}

async fn serve(tcp: TcpStream, tls: TlsAcceptor, answers: &Answers) -> anyhow::Result<()> {
    tcp.set_nodelay(true)?;
    let mut stream = tls.accept(tcp).await?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut filled = 0;
    loop {
        if let Some(rest) = answers.rest_of_document(&buffer[..filled]) {
            read_on(&mut stream, rest).await?;
            stream.write_all(&answers.receipt).await?;
            stream.flush().await?;
            filled = 0;
        }
        while let Some((taken, answer)) = answers.first(&buffer[..filled])? {
            stream.write_all(answer).await?;
            stream.flush().await?;
            buffer.copy_within(taken..filled, 0);
            filled -= taken;
        }
        ensure!(filled < buffer.len(), "request longer than the buffer");
        match stream.read(&mut buffer[filled..]).await.context("reading a request")? {
            0 => return Ok(()),
            read => filled += read,
        }
    }
}

/// Reads what is not looked at.
async fn read_on(stream: &mut (impl AsyncRead + Unpin), mut rest: usize) -> anyhow::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while rest > 0 {
        let room = rest.min(buffer.len());
        match stream.read(&mut buffer[..room]).await.context("reading a document")? {
            0 => bail!("a document that ends early"),
            read => rest -= read,
        }
    }
    Ok(())
}

/// The answers, composed once.
struct Answers {
    record: Vec<u8>,
    receipt: Vec<u8>,
    document: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let answer = |body: String| {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: {}\r\n\r\n",
            payload::DOCUMENT_BYTES
        );
        let document = [head.as_bytes(), &payload::document()].concat();
        Self { record: answer(payload::record()), receipt: answer(payload::receipt()), document }
    }

    /// Of a document that comes, how many bytes are not there yet.
    fn rest_of_document(&self, bytes: &[u8]) -> Option<usize> {
        let body_at = head_end(bytes)?;
        let is_document = bytes.starts_with(b"POST /documents");
        let length = content_length(&bytes[..body_at]).filter(|_| is_document)?;
        Some(length - (bytes.len() - body_at))
    }

    /// Returns the length of the first request in `bytes` and its answer, once all of it is there.
    fn first(&self, bytes: &[u8]) -> anyhow::Result<Option<(usize, &[u8])>> {
        let Some(body_at) = head_end(bytes) else { return Ok(None) };
        if bytes.starts_with(b"GET /documents") {
            return Ok(Some((body_at, &self.document)));
        }
        if bytes.starts_with(b"GET ") {
            return Ok(Some((body_at, &self.record)));
        }
        let Some(length) = content_length(&bytes[..body_at]) else { bail!("a POST without a length") };
        Ok((bytes.len() - body_at >= length).then_some((body_at + length, self.receipt.as_slice())))
    }
}

const BUFFER_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::super::{Call, Dialler, Line};
    use super::*;

    struct Rig {
        addr: SocketAddr,
        client: Dialler,
        _folder: tempfile::TempDir,
    }

    async fn rig() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        pki::write(folder.path()).unwrap();
        let addr = spawn(folder.path()).await.unwrap();
        Rig { addr, client: Dialler::new(folder.path(), Identity::Client).unwrap(), _folder: folder }
    }

    #[tokio::test]
    async fn get_brings_the_record_and_post_the_receipt_on_one_connection() {
        let rig = rig().await;
        let mut line = Line::open(&rig.client, rig.addr).await.unwrap();
        let get = Call::new("/x", "localhost", &[], None, payload::record().len());
        let body = payload::submission();
        let post = Call::new("/x", "localhost", &[], Some(body.as_bytes()), payload::receipt().len());
        for call in [&get, &post, &get] {
            line.ask(call).await.unwrap();
        }
        line.close().await.unwrap();
    }

    #[tokio::test]
    async fn client_without_our_authoritys_certificate_is_not_served() {
        let rig = rig().await;
        let (ours, theirs) = (rig._folder.path(), tempfile::tempdir().unwrap());
        pki::write(theirs.path()).unwrap();
        std::fs::copy(pki::anchor(ours), pki::anchor(theirs.path())).unwrap();
        let stranger = Dialler::new(theirs.path(), Identity::Client).unwrap();
        let get = Call::new("/x", "localhost", &[], None, payload::record().len());
        // TLS 1.3: the client finishes first and learns of the refusal when it reads.
        let mut line = Line::open(&stranger, rig.addr).await.unwrap();
        assert!(line.ask(&get).await.is_err());
    }
}
