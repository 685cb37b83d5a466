//! Signed messages, edited: no panic, and one that counts says in all that was covered what its signer said.

use std::sync::LazyLock;

use certs::message::{
    Content, ContentDigest, Demand, Message, MessageFault, Target, sign_message, verify_message,
};
use certs::tls::Identity;

use super::support::{Leaf, today};
use super::{edits, signers};

struct Scene {
    identity: Identity,
    leaf: Leaf,
    /// As text: what is asked, then its fields, each in a line.
    request: Vec<u8>,
    /// The same, with the request's fields behind an empty line.
    answer: Vec<u8>,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let (root, _) = signers::authority();
    let leaf = root.leaf_of(signers::key(10), |_| {});
    let identity = signers::identity(&leaf);
    let said = format!(";created={};keyid=\"{}\"", today().as_second(), identity.fingerprint());
    let signed = |unsigned: &str, beside: &str, list: &str| {
        let input = format!("s={list}{said};alg=\"ed25519\";nonce=\"7\"");
        let text = Text::read(format!("{unsigned}{beside}").as_bytes()).expect("a message");
        let made = text.with(|message| sign_message(message, &input, &identity)).expect("it is covered");
        format!("{unsigned}\nsignature-input: {input}\nsignature: {made}{beside}").into_bytes()
    };
    let request = signed(REQUEST, "", COVERED_BY_REQUEST);
    let answer = signed(ANSWER, "\n\nkelisim-exchange: 7", COVERED_BY_ANSWER);
    Scene { identity, leaf, request, answer }
});

/// Edits a message, or what its signature says that it is over, or a digest alone.
pub fn check(said: &[u8]) {
    let [which, rest @ ..] = said else { return };
    match which % 8 {
        0..3 => check_message(&SCENE.request, rest),
        3..6 => check_message(&SCENE.answer, rest),
        6 => check_input(rest),
        _ => check_digest(rest),
    }
}

/// What was signed, edited.
fn check_message(sample: &[u8], edits: &[u8]) {
    let (genuine, text) = (Text::read(sample), edits::edited(sample.to_vec(), edits));
    let (Some(genuine), Some(text)) = (genuine, Text::read(&text)) else { return };
    if text.judge().is_ok() {
        assert_eq!(text.covered(), genuine.covered(), "it counts, and says another thing");
    }
}

/// What a signer may say that its signature is over: what was signed so is judged on what it covers, and never taken for
/// another's.
fn check_input(edits: &[u8]) {
    let input = format!("s={COVERED_BY_REQUEST};created={};keyid=\"", today().as_second());
    let input = format!("{input}{}\";expires={}", SCENE.identity.fingerprint(), today().as_second());
    let input = edits::edited(input.into_bytes(), edits);
    let (Ok(input), Some(mut text)) = (std::str::from_utf8(&input), Text::read(REQUEST.as_bytes())) else {
        return;
    };
    let Ok(made) = text.with(|message| sign_message(message, input, &SCENE.identity)) else { return };
    text.fields.push(("signature-input".to_owned(), input.as_bytes().to_vec()));
    text.fields.push(("signature".to_owned(), made.into_bytes()));
    assert_ne!(text.judge(), Err(MessageFault::Forged), "signed and verified over different bytes: {input}");
}

/// A field that says what a body is.
fn check_digest(edits: &[u8]) {
    let field = edits::edited(DIGEST.as_bytes().to_vec(), edits);
    let Ok(digest) = ContentDigest::read(&field) else { return };
    assert!(!digest.is_of(b"another"), "it is that of another body");
    let mut running = digest.clone().running();
    BODY.chunks(3).for_each(|piece| running.push(piece));
    assert_eq!(running.holds(), digest.is_of(BODY), "it depends on how the body is cut");
}

/// A message, as it may come.
#[derive(Default)]
struct Text {
    target: [String; 3],
    query: Option<String>,
    status: Option<u16>,
    fields: Vec<(String, Vec<u8>)>,
    request_fields: Vec<(String, Vec<u8>)>,
}

impl Text {
    /// Method, authority, path, query and status in a line, and fields in a line each.
    fn read(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|byte| *byte == b'\n');
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let mut read = Self::default();
        let mut words = first.split(' ');
        for part in &mut read.target {
            words.next()?.clone_into(part);
        }
        read.query = words.next()?.strip_prefix('?').map(str::to_owned);
        read.status = words.next().map(str::parse).transpose().ok()?;
        let mut of_request = false;
        for line in lines {
            if line.is_empty() {
                of_request = true;
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?.to_ascii_lowercase();
            let fields = if of_request { &mut read.request_fields } else { &mut read.fields };
            fields.push((name, line[colon + 1..].to_vec()));
        }
        Some(read)
    }

    fn with<T>(&self, look: impl FnOnce(&Message<'_>) -> T) -> T {
        fn borrowed(fields: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
            fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
        }
        let [method, authority, path] = &self.target;
        let target = Target { method, authority, path, query: self.query.as_deref() };
        let (fields, request_fields) = (borrowed(&self.fields), borrowed(&self.request_fields));
        look(&Message { target, status: self.status, fields: &fields, request_fields: &request_fields })
    }

    fn judge(&self) -> Result<(), MessageFault> {
        let request_fields: &[&str] = if self.status.is_some() { &["kelisim-exchange"] } else { &[] };
        let demand = Demand { content: Content::Some, fields: &[], request_fields };
        self.with(|message| verify_message(message, &demand, &SCENE.leaf.der, today()).map(drop))
    }

    /// What the signature is over, by meaning: without a query is with an empty one, and blanks around a field's value
    /// are none of it.
    fn covered(&self) -> Vec<Vec<u8>> {
        let joined = |fields: &[(String, Vec<u8>)], name: &str| {
            let values = fields.iter().filter(|(known, _)| known == name);
            values.map(|(_, value)| value.trim_ascii()).collect::<Vec<_>>().join(&b", "[..])
        };
        let mut covered = vec![joined(&self.fields, "content-digest")];
        match self.status {
            Some(status) => {
                covered.push(status.to_string().into_bytes());
                covered.push(self.target[0].clone().into_bytes());
                covered.push(joined(&self.request_fields, "kelisim-exchange"));
            }
            None => {
                covered.extend(self.target.iter().map(|part| part.clone().into_bytes()));
                covered.push(self.query.clone().unwrap_or_default().into_bytes());
                covered.push(joined(&self.fields, "kelisim-purpose"));
            }
        }
        covered
    }
}

const BODY: &[u8] = b"{\"hello\": \"world\"}\n";
/// RFC 9530, appendix D.
const DIGEST: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
const REQUEST: &str = "POST gateway.example /portal/draft/acts ?a=b\n\
    content-digest: sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:\nkelisim-purpose: drafting";
const COVERED_BY_REQUEST: &str =
    r#"("@method" "@authority" "@path" "@query" "content-digest" "kelisim-purpose")"#;
const ANSWER: &str = "POST gateway.example /portal/draft/acts - 200\n\
    content-digest: sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
const COVERED_BY_ANSWER: &str = r#"("@status" "content-digest" "@method";req "kelisim-exchange";req)"#;
