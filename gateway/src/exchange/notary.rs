//! Signatures on documents, where an agreement asks for them: whose count, and whether they are those that are asked for
//! (C5; Portal 61-65).
//!
//! Documents pass as they come, so what a signature is over is digested on the way, and the last piece waits for the verdict.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use adapters::multipart::{Notary, Unsigned};
use agreements::{DocumentFormat, SignatureKind, SignedDocuments};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::document::{Digested, Digests, DocumentFault, DocumentSignature, SignedPdf, verify_detached};
use certs::trust::Trust;
use http::header::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};

/// Looks at documents that pass one way, under one agreement.
pub(super) struct Signatures {
    asked: SignedDocuments,
    /// BIN of the holder for whom they are to be signed.
    holder: String,
    trust: Arc<Trust>,
    now: Timestamp,
    file: Option<File>,
    /// Files that passed and beside which signatures may stand; and why one has to, unless they are signed within.
    awaiting: HashMap<String, (Digested, Result<(), Unsigned>)>,
    /// Whose signatures counted, as entries have them.
    counted: BTreeSet<String>,
}

/// A document as it passes.
#[derive(Debug)]
struct File {
    name: String,
    pdf: Option<SignedPdf>,
    digests: Option<Digests>,
}

impl Signatures {
    pub(super) fn new(asked: &SignedDocuments, holder: &str, trust: &Arc<Trust>, now: Timestamp) -> Self {
        Self {
            asked: asked.clone(),
            holder: holder.to_owned(),
            trust: Arc::clone(trust),
            now,
            file: None,
            awaiting: HashMap::new(),
            counted: BTreeSet::new(),
        }
    }

    /// Whether enough of those who may sign have, and all of those who did count.
    fn judge(&mut self, signatures: &[DocumentSignature]) -> Result<(), Unsigned> {
        let (mut counted, mut missed) = (BTreeSet::new(), None);
        for signature in signatures {
            match self.misses(signature) {
                None => drop(counted.insert(signature.fingerprint.to_string())),
                Some(why) => missed = Some(why),
            }
        }
        if counted.len() < usize::from(self.asked.least) {
            return Err(missed.unwrap_or(TOO_FEW));
        }
        for one in signatures {
            if self.counted.len() < MOST_RECORDED {
                let stamped = one.stamped_at.map(|at| format!(" stamped {at}")).unwrap_or_default();
                self.counted.insert(format!("document {} {}{stamped}", one.fingerprint, one.signed_at));
            }
        }
        Ok(())
    }

    /// Why a signature that counts is none of those that are asked for.
    fn misses(&self, signature: &DocumentSignature) -> Option<Unsigned> {
        let subject = &signature.subject;
        let named = |name: &String| self.asked.signers.iter().any(|one| one == name);
        if subject.bin.as_ref().is_none_or(|bin| bin.to_string() != self.holder) {
            return Some(OTHER_HOLDER);
        }
        if !self.asked.signers.is_empty() && !subject.common_name.as_ref().is_some_and(named) {
            return Some(NOT_NAMED);
        }
        if self.asked.stamped && signature.stamped_at.is_none() {
            return Some(NOT_STAMPED);
        }
        let signed_at = signature.stamped_at.unwrap_or(signature.signed_at);
        let days = self.asked.within_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        if days.is_some_and(|days| self.now.duration_since(signed_at) > days) {
            return Some(TOO_OLD);
        }
        None
    }

    fn takes(&self, kind: SignatureKind) -> bool {
        self.asked.kinds.contains(&kind)
    }
}

impl Notary for Signatures {
    fn begins(&mut self, name: &str, format: DocumentFormat) -> Result<(), Unsigned> {
        let within = format == DocumentFormat::Pdf && self.takes(SignatureKind::Pdf);
        if !within && !self.takes(SignatureKind::Detached) {
            return Err(unsigned(DocumentFault::Unsigned));
        }
        self.file = Some(File {
            name: name.to_owned(),
            pdf: within.then(SignedPdf::default),
            digests: self.takes(SignatureKind::Detached).then(Digests::default),
        });
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), Unsigned> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if let Some(digests) = &mut file.digests {
            digests.push(bytes);
        }
        match &mut file.pdf {
            Some(pdf) => pdf.push(bytes).map_err(unsigned),
            None => Ok(()),
        }
    }

    fn ends(&mut self) -> Result<(), Unsigned> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let within = file.pdf.map(|pdf| pdf.finish(&self.trust, self.now));
        match (within, file.digests) {
            (Some(Ok(signatures)), None) => self.judge(&signatures),
            (Some(Ok(signatures)), Some(digests)) => {
                let within = self.judge(&signatures);
                self.awaits(file.name, digests, within)
            }
            (Some(Err(DocumentFault::Unsigned)) | None, Some(digests)) => {
                self.awaits(file.name, digests, Err(unsigned(DocumentFault::Unsigned)))
            }
            (Some(Err(fault)), _) => Err(unsigned(fault)),
            (None, None) => Err(unsigned(DocumentFault::Unsigned)),
        }
    }

    fn beside(&mut self, name: &str, signature: &[u8]) -> Result<(), Unsigned> {
        let (content, _) = self.awaiting.remove(name).ok_or(OF_NONE)?;
        let found = verify_detached(signature, &content, None, &self.trust, self.now);
        self.judge(&found.map_err(unsigned)?)
    }

    fn finish(self: Box<Self>) -> Result<String, Unsigned> {
        self.awaiting.values().try_for_each(|(_, within)| *within)?;
        Ok(self.counted.into_iter().collect::<Vec<_>>().join(" "))
    }
}

impl Signatures {
    fn awaits(
        &mut self,
        name: String,
        digests: Digests,
        within: Result<(), Unsigned>,
    ) -> Result<(), Unsigned> {
        match self.awaiting.insert(name, (digests.finish(), within)) {
            None => Ok(()),
            Some(_) => Err(OF_NONE),
        }
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures").field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// The signature that a head brings for the document behind it.
///
/// # Errors
/// [`Unsigned`]: there are several, or it is not written as bytes are in a header (RFC 9651 §3.3.5).
pub(super) fn in_head(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Unsigned> {
    let mut values = headers.get_all(HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(HEADER) { Err(IN_HEAD) } else { Ok(None) };
    };
    let text = value.as_bytes().strip_prefix(b":").and_then(|rest| rest.strip_suffix(b":"));
    STANDARD.decode(text.ok_or(IN_HEAD)?).map(Some).map_err(|_| IN_HEAD)
}

/// Passes a document's signature on in the head, as it came.
pub(super) fn pass_on(from: &HeaderMap, to: &mut HeaderMap) {
    if let Some(value) = from.get(HEADER) {
        to.insert(HEADER, HeaderValue::clone(value));
    }
}

fn unsigned(fault: DocumentFault) -> Unsigned {
    Unsigned { code: fault.code(), reason: fault.reason() }
}

/// Each way in which signatures that count are not those that are asked for.
pub const MISSES: [(&str, &str); 7] = [
    (OTHER_HOLDER.code, OTHER_HOLDER.reason),
    (NOT_NAMED.code, NOT_NAMED.reason),
    (TOO_FEW.code, TOO_FEW.reason),
    (TOO_OLD.code, TOO_OLD.reason),
    (NOT_STAMPED.code, NOT_STAMPED.reason),
    (OF_NONE.code, OF_NONE.reason),
    (IN_HEAD.code, IN_HEAD.reason),
];

const OTHER_HOLDER: Unsigned = Unsigned {
    code: "document-signer-holder",
    reason: "its signer's certificate names another body than the holder of the system that sends it",
};
const NOT_NAMED: Unsigned = Unsigned {
    code: "document-signer-named",
    reason: "its signer is none of those that the agreement names",
};
const TOO_FEW: Unsigned =
    Unsigned { code: "document-signers-few", reason: "fewer signed it than the agreement asks for" };
const TOO_OLD: Unsigned =
    Unsigned { code: "document-signature-old", reason: "it was signed longer ago than the agreement allows" };
const NOT_STAMPED: Unsigned = Unsigned {
    code: "document-signature-unstamped",
    reason: "it bears no time stamp of an authority that is believed here",
};
const OF_NONE: Unsigned = Unsigned {
    code: "document-signature-stray",
    reason: "a signature stands beside no document that awaits one, or two documents bear one name",
};
const IN_HEAD: Unsigned = Unsigned {
    code: "document-signature-header",
    reason: "Kelisim-Document-Signature is not one byte sequence (RFC 9651)",
};

/// Where the signature of a document by itself stands.
const HEADER: &str = "kelisim-document-signature";
/// Most signatures that an entry names.
const MOST_RECORDED: usize = 16;

#[cfg(test)]
mod tests {
    use agreements::Way;
    use certs::authority::{Authority, PersonRequest};
    use certs::document::sign_detached;
    use certs::keys::read_crls;
    use certs::tls::Identity;
    use certs::{TrustAnchors, TrustSet};

    use super::*;

    const HOLDER: &str = "000140000011";

    struct Scene {
        _dir: tempfile::TempDir,
        authority: Authority,
        began: Timestamp,
        trust: Arc<Trust>,
    }

    impl Scene {
        /// An authority of two months ago.
        fn new() -> Self {
            let now = crate::clock::now();
            let began = now - SignedDuration::from_hours(24 * 60);
            let dir = tempfile::tempdir().unwrap();
            let authority = Authority::create(&dir.path().join("authority"), began).unwrap();
            authority.renew_crls(now).unwrap();
            let anchors = TrustAnchors::from_pem(authority.anchors_pem().unwrap().as_bytes(), now).unwrap();
            let crls = read_crls(authority.crl_pem().unwrap().as_bytes()).unwrap();
            let issuing =
                certs::keys::read_certificates(authority.issuing_pem().unwrap().as_bytes()).unwrap();
            let trust = Arc::new(Trust::new(TrustSet::load(anchors, issuing, &crls).unwrap()));
            Self { _dir: dir, authority, began, trust }
        }

        fn person(&self, name: &str, body: &str) -> Identity {
            let bin = agreements::Bin::new(body).unwrap();
            let (iin, organisation) = ("860101300123".into(), "A body".into());
            let request = PersonRequest { name: name.into(), iin, bin, organisation, days: 300 };
            let issued = self.authority.issue_person(&request, self.began).unwrap();
            Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap()
        }

        fn judge(
            &self,
            asked: &SignedDocuments,
            signers: &[&Identity],
            days_ago: i64,
        ) -> Result<String, &'static str> {
            let now = crate::clock::now();
            let mut digests = Digests::default();
            digests.push(b"act");
            let at = now - SignedDuration::from_hours(24 * days_ago);
            let der = sign_detached(&digests.finish(), signers, at).unwrap();
            let mut notary = Box::new(Signatures::new(asked, HOLDER, &self.trust, now));
            let verdict = notary.begins("act.docx", DocumentFormat::Docx);
            let verdict = verdict.and_then(|()| notary.content(b"act")).and_then(|()| notary.ends());
            let verdict = verdict.and_then(|()| notary.beside("act.docx", &der));
            verdict.and_then(|()| notary.finish()).map_err(|unsigned| unsigned.code)
        }
    }

    fn asked(signers: &[&str], least: u8, within_days: Option<u16>) -> SignedDocuments {
        SignedDocuments {
            of: vec![Way::Requests],
            kinds: vec![SignatureKind::Detached],
            signers: signers.iter().map(ToString::to_string).collect(),
            least,
            within_days,
            stamped: false,
        }
    }

    /// C5: one or several, for the holder, of those whom the agreement names, and lately where it says so.
    #[test]
    fn signatures_that_count_are_held_against_holder_list_number_and_age() {
        let scene = Scene::new();
        let (head, deputy) = (scene.person("Head", HOLDER), scene.person("Deputy", HOLDER));
        let stranger = scene.person("Head", "000140000022");
        let anybody = asked(&[], 1, None);
        let stamped = SignedDocuments { stamped: true, ..anybody.clone() };
        for (what, asked, signers, days_ago, code) in [
            ("of another body", &anybody, vec![&stranger], 1, Err("document-signer-holder")),
            ("one of two bodies", &anybody, vec![&stranger, &head], 1, Ok(2)),
            ("an old one", &anybody, vec![&head], 40, Ok(1)),
            ("too old", &asked(&[], 1, Some(30)), vec![&head], 40, Err("document-signature-old")),
            ("not named", &asked(&["Head"], 1, None), vec![&deputy], 1, Err("document-signer-named")),
            ("both of those named", &asked(&["Head", "Deputy"], 2, None), vec![&deputy, &head], 1, Ok(2)),
            ("one of two", &asked(&[], 2, None), vec![&head], 1, Err("document-signers-few")),
            ("without a time stamp", &stamped, vec![&head], 1, Err("document-signature-unstamped")),
            ("the same twice", &asked(&[], 2, None), vec![&head, &head], 1, Err("document-signers-few")),
        ] {
            let found = scene.judge(asked, &signers, days_ago);
            assert_eq!(found.map(|said| said.matches("document ").count()), code, "{what}");
        }
    }
}
