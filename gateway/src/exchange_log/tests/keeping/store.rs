//! A stand-in for a store that speaks S3, on loopback: what an archive asks of one, and what may be wrong with it. It does not
//! recompute signatures.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The store, until it is dropped.
pub(super) struct Store {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fault {
    #[default]
    None,
    /// It keeps another byte than it was given.
    KeepsAnother,
    /// It keeps less than it was given, and says that all is well.
    KeepsLess,
    /// Its answers break off.
    BreaksOff,
    /// Its answers have no end.
    Endless,
    /// It answers 500 so many times, then as it should.
    Fails(usize),
    /// It answers 500 to every part of an upload.
    FailsParts,
    /// It hears, and says nothing.
    Silent,
    /// It sends whoever asks to another server.
    Redirects,
}

#[derive(Default)]
struct State {
    ended: bool,
    fault: Fault,
    objects: BTreeMap<String, Vec<u8>>,
    uploads: HashMap<String, BTreeMap<u32, Vec<u8>>>,
    asked: Vec<String>,
    next: u32,
}

struct Asked {
    method: String,
    key: String,
    query: HashMap<String, String>,
    range: Option<(usize, usize)>,
    signed: bool,
    body: Vec<u8>,
}

impl Store {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if serving.lock().unwrap().ended {
                    return;
                }
                // Ends when its connection does, which the archive's end brings about.
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(&state, connection.unwrap()));
            }
        });
        Self { address, state }
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// Names of what it holds.
    pub(super) fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(super) fn change(&self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.state.lock().unwrap().objects.get_mut(key).unwrap());
    }

    /// Uploads that were neither completed nor given up.
    pub(super) fn unfinished(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }

    /// How often it was asked so.
    pub(super) fn asked(&self, what: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(what)).count()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Wakes who listens, who then finds that nobody holds it any more.
        self.state.lock().unwrap().ended = true;
        drop(TcpStream::connect(self.address));
    }
}

fn serve(state: &Mutex<State>, mut connection: TcpStream) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    while let Some(asked) = read(&mut reader) {
        let fault = state.lock().unwrap().fault;
        if fault == Fault::Silent {
            // Until the other side gives up.
            drop(reader.read_to_end(&mut Vec::new()));
            return;
        }
        if fault == Fault::Endless && asked.method == "GET" {
            let head = "HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\nETag: \"e\"\r\nContent-Range: bytes 0-9/10\r\n\
                        Last-Modified: Sun, 22 Nov 2026 06:00:00 GMT\r\n\r\n";
            let mut piece = head.as_bytes().to_vec();
            while connection.write_all(&piece).is_ok() {
                piece = [&b"10000\r\n"[..], &[b'x'; 1 << 16], b"\r\n"].concat();
            }
            return;
        }
        let (status, headers, body) = state.lock().unwrap().answer(&asked);
        let mut head = format!("HTTP/1.1 {status}\r\n{headers}");
        // Of what is only asked about, its headers have it.
        if asked.method != "HEAD" {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&body);
        if fault == Fault::BreaksOff && asked.method == "GET" && body.len() > 1 {
            bytes.truncate(bytes.len() - body.len() / 2);
            drop(connection.write_all(&bytes));
            return;
        }
        if connection.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// A request, as hyper writes it: in a form that leaves little to read.
fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut range, mut signed) = (0, None, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => signed = value.starts_with("AWS4-HMAC-SHA256 Credential=KEY/"),
            "range" => {
                let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
                range = Some((from.parse().ok()?, to.parse::<usize>().ok()? + 1));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let plain = |text: &str| text.replace("%2F", "/");
    let query = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query.map(|(name, value)| (name.to_owned(), plain(value))).collect();
    let key = plain(path.strip_prefix("/records")?.trim_start_matches('/'));
    Some(Asked { method, key, query, range, signed, body })
}

type Answer = (&'static str, String, Vec<u8>);

impl State {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let said = |status, body: &str| (status, String::new(), body.as_bytes().to_vec());
        self.asked.push(format!("{} {}", asked.method, asked.key));
        if !asked.signed {
            return said("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>");
        }
        match &mut self.fault {
            Fault::Fails(left) if *left > 0 => {
                *left -= 1;
                return said("500 Internal Server Error", "<Error><Code>InternalError</Code></Error>");
            }
            Fault::FailsParts if asked.query.contains_key("partNumber") => {
                return said("500 Internal Server Error", "");
            }
            Fault::Redirects => {
                let elsewhere = "Location: http://198.51.100.1/\r\n".to_owned();
                return ("307 Temporary Redirect", elsewhere, Vec::new());
            }
            _ => {}
        }
        let upload = asked.query.get("uploadId");
        match (asked.method.as_str(), upload) {
            ("PUT", None) => self.keep(asked.key.clone(), asked.body.clone()),
            ("POST", None) => {
                self.next += 1;
                self.uploads.insert(self.next.to_string(), BTreeMap::new());
                let id = self.next;
                let body = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                said("200 OK", &body)
            }
            ("PUT", Some(upload)) => {
                let number = asked.query["partNumber"].parse().unwrap();
                self.uploads.get_mut(upload).unwrap().insert(number, asked.body.clone());
                ("200 OK", format!("ETag: \"{number}\"\r\n"), Vec::new())
            }
            ("POST", Some(upload)) => {
                let parts = self.uploads.remove(upload).unwrap();
                drop(self.keep(asked.key.clone(), parts.into_values().flatten().collect()));
                let body =
                    "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>";
                said("200 OK", body)
            }
            ("DELETE", Some(upload)) => {
                self.uploads.remove(upload);
                ("204 No Content", String::new(), Vec::new())
            }
            ("GET", None) if asked.query.contains_key("list-type") => self.list(&asked.query["prefix"]),
            ("GET" | "HEAD", None) => self.show(asked),
            other => panic!("nobody asks that of an archive: {other:?}"),
        }
    }

    fn keep(&mut self, key: String, mut bytes: Vec<u8>) -> Answer {
        match self.fault {
            Fault::KeepsAnother => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            Fault::KeepsLess => drop(bytes.pop()),
            _ => {}
        }
        self.objects.insert(key, bytes);
        ("200 OK", "ETag: \"e\"\r\n".to_owned(), Vec::new())
    }

    fn show(&self, asked: &Asked) -> Answer {
        let Some(object) = self.objects.get(&asked.key) else {
            return ("404 Not Found", "Content-Type: application/xml\r\n".to_owned(), Vec::new());
        };
        let mut headers = "ETag: \"e\"\r\nLast-Modified: Sun, 22 Nov 2026 06:00:00 GMT\r\n".to_owned();
        if asked.method == "HEAD" {
            write!(headers, "Content-Length: {}\r\n", object.len()).unwrap();
            return ("200 OK", headers, Vec::new());
        }
        let (from, to) = asked.range.unwrap_or((0, object.len()));
        let to = to.min(object.len());
        write!(headers, "Content-Range: bytes {from}-{}/{}\r\n", to - 1, object.len()).unwrap();
        ("206 Partial Content", headers, object[from..to].to_vec())
    }

    /// All in one page, as a store gives up to a thousand.
    fn list(&self, prefix: &str) -> Answer {
        let mut body = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
        for (key, bytes) in self.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
            if !key[prefix.len()..].contains('/') {
                write!(
                    body,
                    "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-11-22T06:00:00.000Z</LastModified></Contents>",
                    bytes.len()
                )
                .unwrap();
            }
        }
        body.push_str("</ListBucketResult>");
        ("200 OK", String::new(), body.into_bytes())
    }
}
