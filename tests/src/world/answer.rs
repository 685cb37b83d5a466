//! What comes back: one answer, and what is wrong with it if it is a refusal.

use std::fmt;
use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use uuid::Uuid;

/// An answer of the gateway.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case, as they came.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The refusal's code, if it is one.
    pub fn refusal(&self) -> Option<&str> {
        self.header("kelisim-refusal")
    }

    /// The exchange's number.
    ///
    /// # Panics
    /// If the gateway did not say.
    pub fn exchange(&self) -> Uuid {
        self.header("kelisim-exchange").expect("every answer names its exchange").parse().unwrap()
    }

    /// The index of its entry, if it says that there is one.
    pub fn entry(&self) -> Option<u64> {
        self.header("kelisim-entry")?.rsplit_once('/')?.1.parse().ok()
    }

    /// Its body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The whole answer with what differs from call to call replaced: for snapshots.
    pub fn shown(&self) -> String {
        let mut shown = format!("{}\n", self.status);
        let mut headers = self.headers.clone();
        headers.sort();
        for (name, value) in &headers {
            let value = match name.as_str() {
                "date" => "<date>".to_owned(),
                "kelisim-exchange" => "<exchange>".to_owned(),
                "kelisim-entry" => "<entry>".to_owned(),
                "content-length" => "<length>".to_owned(),
                _ => value.clone(),
            };
            shown.push_str(&format!("{name}: {value}\n"));
        }
        let mut body = String::from_utf8_lossy(&self.body).into_owned();
        for (name, word) in [("kelisim-exchange", "<exchange>"), ("kelisim-entry", "<entry>")] {
            if let Some(value) = self.header(name) {
                body = body.replace(value, word);
            }
        }
        shown + "\n" + &body
    }

    /// Reads an answer of HTTP/1.1; `bodiless` if it answers HEAD.
    pub(super) async fn read<R: AsyncRead + Unpin>(
        from: &mut R,
        buffer: &mut Vec<u8>,
        bodiless: bool,
    ) -> io::Result<Self> {
        loop {
            let head_bytes = fill_until(from, buffer, head_end).await?;
            let head = String::from_utf8_lossy(&buffer[..head_bytes]).into_owned();
            buffer.drain(..head_bytes);
            let mut lines = head.split("\r\n");
            let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
            let status: u16 = status.ok_or_else(|| broken("no status line"))?;
            if status == 100 {
                continue;
            }
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let mut answer = Self { status, headers, body: Vec::new() };
            let length = answer.header("content-length").map_or(Ok(0), str::parse::<usize>);
            let length = length.map_err(|_| broken("no content length"))?;
            if answer.header("transfer-encoding").is_some() {
                return Err(broken("an answer in chunks"));
            }
            if !bodiless {
                let whole = move |bytes: &[u8]| (bytes.len() >= length).then_some(length);
                fill_until(from, buffer, whole).await?;
                answer.body = buffer.drain(..length).collect();
            }
            return Ok(answer);
        }
    }
}

/// `403 agreement-suspended` for a refusal, else the status and the body.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refusal() {
            Some(code) => write!(f, "{} {code}", self.status),
            None => write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body)),
        }
    }
}

/// Reads until `end` finds how many of the bytes make up what is wanted.
pub(super) async fn fill_until<R: AsyncRead + Unpin>(
    from: &mut R,
    buffer: &mut Vec<u8>,
    end: impl Fn(&[u8]) -> Option<usize>,
) -> io::Result<usize> {
    loop {
        if let Some(bytes) = end(buffer) {
            return Ok(bytes);
        }
        if from.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Where the body begins.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn broken(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
