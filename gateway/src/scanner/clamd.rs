//! The protocol of clamd: one document as a stream of pieces with their lengths before them, one line as the verdict.
//!
//! Source: clamd(8), INSTREAM, in its `z` form: commands and replies end with a zero byte.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// What clamd says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Clean,
    /// It bears what that signature describes.
    Found(String),
    /// It is larger than `StreamMaxLength` of clamd's own configuration.
    TooLarge,
}

/// Why it says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mute {
    #[error("the scanner cannot be reached, or the connection to it broke")]
    Io(#[from] io::Error),
    #[error("the scanner answers '{0}'")]
    Fault(String),
}

/// Begins a document.
pub(super) async fn begin(to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    to.write_all(b"zINSTREAM\0").await
}

/// The next bytes of it.
pub(super) async fn piece(to: &mut (impl AsyncWrite + Unpin), bytes: &Bytes) -> io::Result<()> {
    for bytes in bytes.chunks(MOST_PIECE) {
        let length = u32::try_from(bytes.len()).expect("a piece is shorter than that");
        to.write_all(&length.to_be_bytes()).await?;
        to.write_all(bytes).await?;
    }
    Ok(())
}

/// Ends it.
pub(super) async fn end(to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    to.write_all(&[0; 4]).await?;
    to.flush().await
}

/// What it says; also before the end, if it wants no more.
pub(super) async fn verdict(from: &mut (impl AsyncRead + Unpin)) -> Result<Said, Mute> {
    let mut reply = Vec::new();
    let mut limited = from.take(MOST_REPLY);
    while !reply.contains(&0) {
        if limited.read_buf(&mut reply).await? == 0 {
            break;
        }
    }
    let end = reply.iter().position(|byte| *byte == 0);
    let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let text = String::from_utf8_lossy(&reply[..end]).into_owned();
    // `stream: OK`, `stream: Eicar-Test-Signature FOUND`
    match text.strip_prefix("stream: ") {
        Some("OK") => Ok(Said::Clean),
        Some(rest) if rest.ends_with(" FOUND") => {
            let name = rest.trim_end_matches(" FOUND");
            let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
            Ok(Said::Found(name.chars().take(MOST_NAME).map(plain).collect()))
        }
        _ if text.starts_with("INSTREAM size limit exceeded") => Ok(Said::TooLarge),
        _ => Err(Mute::Fault(text.chars().filter(|c| !c.is_control()).take(MOST_NAME).collect())),
    }
}

/// Far below what any configuration of clamd refuses at once.
const MOST_PIECE: usize = 1 << 20;
const MOST_REPLY: u64 = 4 << 10;
const MOST_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn document_goes_out_in_pieces_with_their_lengths_and_ends_with_none() {
        let mut wire = Vec::new();
        begin(&mut wire).await.unwrap();
        piece(&mut wire, &Bytes::from_static(b"abc")).await.unwrap();
        piece(&mut wire, &Bytes::from_static(b"")).await.unwrap();
        end(&mut wire).await.unwrap();
        assert_eq!(wire, b"zINSTREAM\0\0\0\0\x03abc\0\0\0\0", "an empty piece would end it");
    }

    #[tokio::test]
    async fn only_a_plain_verdict_is_one() {
        let said = async |reply: &[u8]| verdict(&mut &reply[..]).await;
        assert_eq!(said(b"stream: OK\0").await.unwrap(), Said::Clean);
        let found = said(b"stream: Win.Test.EICAR_HDB-1 FOUND\0").await.unwrap();
        assert_eq!(found, Said::Found("Win.Test.EICAR_HDB-1".into()));
        assert_eq!(said(b"INSTREAM size limit exceeded. ERROR\0").await.unwrap(), Said::TooLarge);
        for mute in [
            &b""[..],
            b"stream: OK",
            b"stream: OK \0",
            b"stream: ok\0",
            b"OK\0",
            b"stream: Can't allocate memory ERROR\0",
            b"UNKNOWN COMMAND\0",
        ] {
            assert!(said(mute).await.is_err(), "{:?}", String::from_utf8_lossy(mute));
        }
        let endless = vec![b'x'; 1 << 20];
        assert!(said(&endless).await.is_err());
    }
}
