//! Documents past a virus scanner: what it finds passes whole to nobody, and without its word nothing passes.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use agreements::DocumentFormat::{self, Pdf, Zip};
use gateway::config::{Scanned, WhenDown};
use gateway::exchange_log::Outcome;
use serde_json::json;
use tempfile::TempDir;
use tests::world::files::{self, entry, zip};
use tests::world::sample::drafts::draft;
use tests::world::sample::{DOCUMENT, DOCUMENTS};
use tests::world::wait::until;
use tests::world::{Ask, Plan, Reply, World};

/// The harmless test file of all scanners, put together here so that none takes this file for one.
fn eicar() -> String {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR", "-STANDARD-ANTIVIRUS-TEST-", "FILE!$H+H*"].concat()
}

/// A document that bears it.
fn infected() -> Vec<u8> {
    let mut bait = entry("bait.com", eicar());
    bait.deflated = false;
    zip(&[bait, entry("act.pdf", files::pdf_of(100_000))])
}

/// What a stand-in does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Scans,
    /// Takes no more than so many bytes.
    Takes(usize),
    /// Ends the connection before it says anything.
    Dies,
    /// Ends the connection once it was shown so many bytes.
    DiesOf(usize),
    /// Says what no scanner says.
    Babbles,
}

/// A clamd of our own: the same words on the wire, and one signature.
#[derive(Clone)]
struct Clamd {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Clamd {
    fn start(does: Does) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Vec<u8>>>>::default());
        let kept = Arc::clone(&seen);
        // Ends with the process: it owns nothing but its socket.
        std::thread::spawn(move || {
            for line in listener.incoming() {
                let (line, kept) = (line.unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || drop(scan(line, does, &kept)));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }
}

fn scan(mut line: TcpStream, does: Does, seen: &Mutex<Vec<Vec<u8>>>) -> std::io::Result<()> {
    let mut command = [0; 10];
    line.read_exact(&mut command)?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut document = Vec::new();
    loop {
        let mut length = [0; 4];
        line.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 {
            break;
        }
        let from = document.len();
        document.resize(from + length, 0);
        line.read_exact(&mut document[from..])?;
        if let Does::Takes(most) = does
            && document.len() > most
        {
            line.write_all(b"INSTREAM size limit exceeded. ERROR\0")?;
            // Read to its end, so that the words are not lost with the connection.
            return std::io::copy(&mut line, &mut std::io::sink()).map(drop);
        }
        if matches!(does, Does::DiesOf(most) if document.len() > most) {
            return Ok(());
        }
    }
    let found = document.windows(eicar().len()).any(|bytes| bytes == eicar().as_bytes());
    seen.lock().unwrap().push(document);
    match does {
        Does::Scans | Does::Takes(_) | Does::DiesOf(_) if found => {
            line.write_all(b"stream: Eicar-Test-Signature FOUND\0")
        }
        Does::Scans | Does::Takes(_) | Does::DiesOf(_) => line.write_all(b"stream: OK\0"),
        Does::Dies => Ok(()),
        Does::Babbles => line.write_all(b"stream: probably OK\0"),
    }
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("documents")
}

fn scanned_by(clamd: &Clamd) -> Plan {
    let address = format!("tcp://{}", clamd.address);
    agreed().configure(move |config| config.scanner.address = Some(address.clone()))
}

fn sends(format: DocumentFormat, document: &[u8]) -> Ask {
    Ask::new("POST", DOCUMENTS).header("Content-Type", format.media_type()).bytes(document)
}

fn document_of(format: DocumentFormat, document: &[u8]) -> Reply {
    Reply::With(200, vec![("Content-Type", format.media_type().into())], document.to_vec())
}

fn accepted() -> Reply {
    Reply::Json(200, json!({ "code": "7" }))
}

/// C4
#[tokio::test]
async fn clean_documents_pass_as_they_are_and_infected_ones_pass_whole_to_nobody() {
    let clamd = Clamd::start(Does::Scans);
    let world = scanned_by(&clamd).start().await;
    let (clean, infected) = (files::pdf_of(250_000), infected());
    world.provider.replies(accepted());
    let answer = world.consumer.asks(&sends(Pdf, &clean)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(clamd.seen() == [clean.clone()], "the scanner saw all of it, and nothing else");
    assert!(world.provider.seen()[0].body == clean);
    assert_eq!(world.log.closing(answer.exchange()).await.scan.as_deref(), Some("clean"));

    let refused = world.consumer.asks(&sends(Zip, &infected)).await;
    assert_eq!(refused.to_string(), "422 document-infected");
    assert_eq!(refused.json()["reason"], "Eicar-Test-Signature");
    assert_eq!(world.provider.seen().len(), 1, "the provider saw no whole request");
    let closing = world.log.closing(refused.exchange()).await;
    assert_eq!(closing.outcome, Outcome::RequestRefused);
    assert_eq!(closing.scan.as_deref(), Some("infected: Eicar-Test-Signature"));

    world.provider.replies(document_of(Pdf, &clean));
    assert!(world.consumer.asks(&Ask::get(DOCUMENT)).await.body == clean);
    world.provider.replies(document_of(Zip, &infected));
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(DOCUMENT).wire("gateway")).await;
    assert!(line.answer().await.is_err(), "it ends before its length");
    let seen = world.provider.seen();
    let closing = world.log.closing(seen.last().unwrap().exchange()).await;
    assert_eq!(closing.code.unwrap().as_str(), "document-infected");
    // What is small is judged before its head is sent.
    let mut bait = entry("bait.com", eicar());
    bait.deflated = false;
    world.provider.replies(document_of(Zip, &zip(&[bait])));
    assert_eq!(world.consumer.asks(&Ask::get(DOCUMENT)).await.to_string(), "502 document-infected");
    assert!(world.log.verified().is_whole());
}

/// C4: each file of a form is a document of its own to the scanner.
#[tokio::test]
async fn each_file_of_a_form_is_shown_by_itself() {
    let clamd = Clamd::start(Does::Scans);
    let world = scanned_by(&clamd).start().await;
    world.provider.replies(accepted());
    let (act, annex) = (files::pdf_of(50_000), zip(&[entry("a.txt", "Annex")]));
    let answer = world.consumer.asks(&act_and_annex(&act, &annex)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(clamd.seen() == [act.clone(), annex], "the card is JSON, and checked as that");
    let refused = world.consumer.asks(&act_and_annex(&act, &infected())).await;
    assert_eq!(refused.to_string(), "422 document-infected");
    assert_eq!(world.provider.seen().len(), 1);
}

/// C4: what is behind a file that the scanner says nothing of is shown to it all the same.
#[tokio::test]
async fn no_file_of_a_form_hides_behind_another() {
    let act = files::pdf_of(200_000);
    for (does, code) in [(Does::Dies, None), (Does::Takes(100_000), Some("503 scanner-limit"))] {
        let clamd = Clamd::start(does);
        let lenient = scanned_by(&clamd).configure(|config| config.scanner.when_down = WhenDown::Pass);
        let world = lenient.start().await;
        world.provider.replies(accepted());
        let answer = world.consumer.asks(&act_and_annex(&act, &zip(&[entry("a.txt", "Annex")]))).await;
        match code {
            None => assert_eq!(answer.status, 200, "{answer}"),
            Some(code) => assert_eq!(answer.to_string(), code),
        }
    }
    // It dies of large ones only.
    let clamd = Clamd::start(Does::DiesOf(100_000));
    let lenient = scanned_by(&clamd).configure(|config| config.scanner.when_down = WhenDown::Pass);
    let world = lenient.start().await;
    world.provider.replies(accepted());
    let mut bait = entry("bait.com", eicar());
    bait.deflated = false;
    assert_eq!(
        world.consumer.asks(&act_and_annex(&act, &zip(&[bait]))).await.to_string(),
        "422 document-infected"
    );
    assert_eq!(world.provider.seen().len(), 0);
}

/// An act with its card and an annex.
fn act_and_annex(act: &[u8], annex: &[u8]) -> Ask {
    draft(&[("act.pdf", Pdf.media_type(), act), ("annex.zip", Zip.media_type(), annex)])
}

/// C4: without its word nothing passes, unless the operator says so.
#[tokio::test]
async fn scanner_that_says_nothing_stops_documents_and_lets_them_pass_only_where_that_is_configured() {
    let document = files::pdf_of(200_000);
    let nobody = Clamd {
        address: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap(),
        seen: Arc::default(),
    };
    for (clamd, code) in [
        (nobody, "503 scanner-unavailable"),
        (Clamd::start(Does::Dies), "503 scanner-unavailable"),
        (Clamd::start(Does::Babbles), "503 scanner-unavailable"),
        (Clamd::start(Does::Takes(100_000)), "503 scanner-limit"),
    ] {
        let world = scanned_by(&clamd).start().await;
        world.provider.replies(accepted());
        assert_eq!(world.consumer.asks(&sends(Pdf, &document)).await.to_string(), code);
        assert_eq!(world.provider.seen().len(), 0);

        let lenient = scanned_by(&clamd).configure(|config| config.scanner.when_down = WhenDown::Pass);
        let world = lenient.start().await;
        world.provider.replies(accepted());
        let passed = world.consumer.asks(&sends(Pdf, &document)).await;
        if code == "503 scanner-limit" {
            assert_eq!(passed.to_string(), code, "or every sender could choose not to be scanned");
            continue;
        }
        assert_eq!(passed.status, 200, "{passed}");
        assert_eq!(world.log.closing(passed.exchange()).await.scan.as_deref(), Some("unscanned"));
    }
}

/// C4: a data type that asks for a scan gets one, or nothing passes.
#[tokio::test]
async fn data_type_that_asks_for_a_scan_never_passes_without() {
    let asks = |plan: Plan| {
        plan.data_type("document", |data_type| {
            for payload in data_type.operations.iter_mut().filter_map(|one| one.request.as_mut()) {
                payload.documents.as_mut().unwrap().scan = agreements::Presence::Required;
            }
        })
    };
    let document = files::pdf_of(1_000);
    let without = asks(agreed()).configure(|config| config.scanner.when_down = WhenDown::Pass).start().await;
    without.provider.replies(accepted());
    let refused = without.consumer.asks(&sends(Pdf, &document)).await;
    assert_eq!(refused.to_string(), "503 scanner-unavailable");

    let clamd = Clamd::start(Does::Scans);
    let asked = asks(scanned_by(&clamd)).configure(|config| config.scanner.documents = Scanned::Asked);
    let asked = asked.start().await;
    asked.provider.replies(accepted());
    assert_eq!(asked.consumer.asks(&sends(Pdf, &document)).await.status, 200);
    asked.provider.replies(document_of(Pdf, &document));
    assert_eq!(asked.consumer.asks(&Ask::get(DOCUMENT)).await.status, 200);
    assert_eq!(clamd.seen().len(), 1, "what nobody asked to scan was not");
}

/// C4: Debian's clamd, with one signature of ours in place of its lists.
#[tokio::test]
async fn real_clamd_finds_what_the_stand_in_finds() {
    let real = Daemon::start().await;
    let address = format!("unix:{}", real.socket().display());
    let plan = agreed().configure(move |config| config.scanner.address = Some(address));
    let world = plan.start().await;
    world.provider.replies(accepted());
    assert_eq!(world.consumer.asks(&sends(Pdf, &files::pdf_of(200_000))).await.status, 200);
    assert_eq!(world.consumer.asks(&sends(Zip, &infected())).await.to_string(), "422 document-infected");
    assert_eq!(world.provider.seen().len(), 1);
}

/// The clamd that `tests/run` installs; ends with it.
struct Daemon {
    process: Child,
    folder: TempDir,
}

impl Daemon {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signatures = folder.path().join("signatures");
        std::fs::create_dir(&signatures).unwrap();
        let bytes: String = eicar().bytes().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(signatures.join("ours.ndb"), format!("Eicar-Test-Signature:0:*:{bytes}\n")).unwrap();
        let (settings, socket) = (folder.path().join("clamd.conf"), folder.path().join("socket"));
        let text = format!(
            "Foreground yes\nDatabaseDirectory {}\nLocalSocket {}\nStreamMaxLength 100M\n",
            signatures.display(),
            socket.display()
        );
        std::fs::write(&settings, text).unwrap();
        // Debian keeps it in /usr/sbin, which is not on everybody's path.
        let place =
            ["/usr/sbin/clamd", "/usr/local/sbin/clamd"].into_iter().find(|path| Path::new(path).exists());
        let mut command = std::process::Command::new(place.unwrap_or("clamd"));
        command.arg("--config-file").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("clamd, which tests/run installs");
        let daemon = Self { process, folder };
        until("clamd to listen", || UnixStream::connect(&socket).ok()).await;
        daemon
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
