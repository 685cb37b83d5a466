//! A time-stamping authority: `openssl ts`, which nobody here wrote.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use jiff::Timestamp;
use tempfile::TempDir;

/// A root and a time-stamping authority below it, in a folder.
#[derive(Debug)]
pub struct TimeAuthority(TempDir);

impl TimeAuthority {
    /// A new one, whose keys `openssl req -newkey` makes of these words.
    pub fn new(key: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(
            at("root.ext"),
            "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n",
        )
        .unwrap();
        fs::write(
            at("tsa.ext"),
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n",
        )
        .unwrap();
        fs::write(at("serial"), "01\n").unwrap();
        fs::write(
            at("ts.conf"),
            format!(
                "[tsa]\nserial={}\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n\
                 ess_cert_id_chain=no\ness_cert_id_alg=sha256\naccuracy=secs:1\n",
                at("serial")
            ),
        )
        .unwrap();
        for (name, subject) in [("root", "/CN=Root of time"), ("tsa", "/CN=Stamper")] {
            let mut request = vec!["req", "-new", "-nodes", "-newkey"];
            request.extend(key);
            let (out, csr) = (at(&format!("{name}.key")), at(&format!("{name}.csr")));
            request.extend(["-keyout", &out, "-out", &csr, "-subj", subject]);
            openssl(&request);
        }
        let root = [
            "x509",
            "-req",
            "-in",
            &at("root.csr"),
            "-signkey",
            &at("root.key"),
            "-extfile",
            &at("root.ext"),
        ];
        openssl(&[&root[..], &["-days", "30", "-out", &at("root.pem")]].concat());
        let tsa = ["x509", "-req", "-in", &at("tsa.csr"), "-CA", &at("root.pem"), "-CAkey", &at("root.key")];
        let rest = ["-CAcreateserial", "-extfile", &at("tsa.ext"), "-days", "30", "-out", &at("tsa.pem")];
        openssl(&[&tsa[..], &rest].concat());
        Self(dir)
    }

    /// What it answers to a request (DER).
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.reply(request, &[])
    }

    /// The token alone.
    pub fn token(&self, request: &[u8]) -> Vec<u8> {
        self.reply(request, &["-token_out"])
    }

    fn reply(&self, request: &[u8], more: &[&str]) -> Vec<u8> {
        let at = |name: &str| self.0.path().join(name).display().to_string();
        fs::write(at("query"), request).unwrap();
        let reply =
            ["ts", "-reply", "-config", &at("ts.conf"), "-section", "tsa", "-queryfile", &at("query")];
        let rest = ["-signer", &at("tsa.pem"), "-inkey", &at("tsa.key"), "-out", &at("reply")];
        openssl(&[&reply[..], &rest, more].concat());
        fs::read(at("reply")).unwrap()
    }

    /// Its root, PEM.
    pub fn anchors_pem(&self) -> Vec<u8> {
        fs::read(self.anchors_path()).unwrap()
    }

    /// Where that is.
    pub fn anchors_path(&self) -> PathBuf {
        self.0.path().join("root.pem")
    }
}

/// Has OpenSSL do something, which it has to succeed in.
pub fn openssl(arguments: &[&str]) {
    let run = Command::new("openssl").args(arguments).output().unwrap();
    assert!(run.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&run.stderr));
}

/// The time by which it makes what a test looks at.
#[expect(clippy::disallowed_methods, reason = "it reads the clock as well")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
