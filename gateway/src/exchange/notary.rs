//! Signatures on documents, where an agreement asks for them: whose count, and whether they are those that are asked for
//! (C5; Portal 61-65).
//!
//! Documents pass as they come, so what a signature is over is digested on the way, and the last piece waits for the verdict. What
//! may be signed by a national algorithm is shown to the service that verifies those; the transfer waits for its verdict.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use adapters::multipart::{Notary, Unsigned};
use agreements::{DocumentFormat, Fingerprint, Permit, SignatureKind, SignedDocuments, Way};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::Subject;
use certs::document::{
    Digested, Digests, DocumentFault, DocumentSignature, NationalSigner, SignedPdf, is_national,
    read_national, verify_detached,
};
use certs::trust::Trust;
use http::header::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::ExchangePath;
use crate::clock;
use crate::national::{Counsel, Desk, Showing};

/// Looks at documents that pass one way, under one agreement.
pub(super) struct Signatures {
    asked: SignedDocuments,
    /// BIN of the holder for whom they are to be signed.
    holder: String,
    trust: Arc<Trust>,
    now: Timestamp,
    /// Where documents are shown to the service that verifies national signatures, if there is one.
    desk: Option<Desk>,
    /// Whether the head brings a national signature; it counts for a document by itself.
    head_is_national: bool,
    file: Option<File>,
    /// Whether any document came at all.
    came: bool,
    /// Files that passed and beside which signatures may stand.
    awaiting: HashMap<String, Awaiting>,
    /// Whose signatures counted, as entries have them.
    counted: BTreeSet<String>,
}

/// A document as it passes.
#[derive(Debug)]
struct File {
    name: String,
    pdf: Option<SignedPdf>,
    digests: Option<Digests>,
    /// All of it, for a signature beside it.
    shown: Option<Showing>,
    /// What a signature within is over.
    shown_within: Option<Showing>,
}

/// A file that passed and beside which a signature may stand.
struct Awaiting {
    content: Digested,
    /// Why one has to, unless it is signed within.
    within: Result<(), Unsigned>,
    shown: Option<Showing>,
}

/// Who signed, and who says so, if not we.
#[derive(Debug, Clone, Copy)]
struct Signer<'a> {
    fingerprint: Fingerprint,
    subject: &'a Subject,
    signed_at: Timestamp,
    stamped_at: Option<Timestamp>,
    by: Option<&'a str>,
}

impl Signatures {
    pub(super) fn new(
        asked: &SignedDocuments,
        holder: &str,
        trust: &Arc<Trust>,
        now: Timestamp,
        desk: Option<Desk>,
        head: &HeaderMap,
    ) -> Self {
        let said = desk.as_ref().and_then(|_| in_head(head).ok().flatten());
        Self {
            desk,
            head_is_national: said.is_some_and(|signature| is_national(&signature)),
            asked: asked.clone(),
            holder: holder.to_owned(),
            trust: Arc::clone(trust),
            now,
            file: None,
            came: false,
            awaiting: HashMap::new(),
            counted: BTreeSet::new(),
        }
    }

    /// Whether enough of those who may sign have, and all of those who did count.
    fn judge(&mut self, signers: &[Signer<'_>]) -> Result<(), Unsigned> {
        let (mut counted, mut missed) = (BTreeSet::new(), None);
        for signer in signers {
            match self.misses(signer) {
                None => drop(counted.insert(signer.who())),
                Some(why) => missed = Some(why),
            }
        }
        if counted.len() < usize::from(self.asked.least) {
            return Err(missed.unwrap_or(TOO_FEW));
        }
        for Signer { fingerprint, signed_at, stamped_at, by, .. } in signers {
            if self.counted.len() < MOST_RECORDED {
                let stamped = stamped_at.map(|at| format!(" stamped {at}")).unwrap_or_default();
                let by = by.map(|by| format!(" verified-by {by}")).unwrap_or_default();
                self.counted.insert(format!("document {fingerprint} {signed_at}{stamped}{by}"));
            }
        }
        Ok(())
    }

    /// Why a signature that counts is none of those that are asked for.
    fn misses(&self, signer: &Signer<'_>) -> Option<Unsigned> {
        let subject = signer.subject;
        let named = |name: &String| self.asked.signers.iter().any(|one| one == name);
        if subject.bin.as_ref().is_none_or(|bin| bin.to_string() != self.holder) {
            return Some(OTHER_HOLDER);
        }
        if !self.asked.signers.is_empty() && !subject.common_name.as_ref().is_some_and(named) {
            return Some(NOT_NAMED);
        }
        if self.asked.stamped && signer.stamped_at.is_none() {
            return Some(NOT_STAMPED);
        }
        let signed_at = signer.stamped_at.unwrap_or(signer.signed_at);
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
        self.came = true;
        let within = format == DocumentFormat::Pdf && self.takes(SignatureKind::Pdf);
        if !within && !self.takes(SignatureKind::Detached) {
            return Err(unsigned(DocumentFault::Unsigned));
        }
        let beside = self.takes(SignatureKind::Detached);
        // A file of a form has a name, and its signature comes behind it.
        let may_be_national = beside && (self.head_is_national || !name.is_empty());
        let begins = || self.desk.as_ref().map(Desk::begins);
        let pdf = || if self.desk.is_some() { SignedPdf::showing() } else { SignedPdf::default() };
        self.file = Some(File {
            name: name.to_owned(),
            pdf: within.then(pdf),
            digests: beside.then(Digests::default),
            shown: may_be_national.then(begins).flatten(),
            shown_within: within.then(begins).flatten(),
        });
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), Unsigned> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if let Some(digests) = &mut file.digests {
            digests.push(bytes);
        }
        if let Some(shown) = &mut file.shown {
            shown.content(bytes);
        }
        let Some(pdf) = &mut file.pdf else { return Ok(()) };
        pdf.push(bytes).map_err(unsigned)?;
        if let Some(shown) = &mut file.shown_within {
            shown.content(&pdf.shown());
        }
        Ok(())
    }

    fn ends(&mut self) -> Result<(), Unsigned> {
        let Some(File { name, pdf, digests, shown, shown_within }) = self.file.take() else { return Ok(()) };
        let within = match pdf.map(|pdf| self.within(pdf, shown_within)) {
            None | Some(Err(DocumentFault::Unsigned)) => Err(unsigned(DocumentFault::Unsigned)),
            // What does not hold stops it, whatever stands beside it; what holds and is not enough does not.
            Some(Err(fault)) => return Err(unsigned(fault)),
            Some(Ok(judged)) => judged,
        };
        let Some(digests) = digests else { return within };
        match self.awaiting.insert(name, Awaiting { content: digests.finish(), within, shown }) {
            None => Ok(()),
            Some(_) => Err(OF_NONE),
        }
    }

    fn beside(&mut self, name: &str, signature: &[u8]) -> Result<(), Unsigned> {
        let Awaiting { content, shown, .. } = self.awaiting.remove(name).ok_or(OF_NONE)?;
        let found = verify_detached(signature, &content, None, &self.trust, self.now);
        match (found, shown) {
            (Err(DocumentFault::National), Some(shown)) => {
                let signers = read_national(signature, &content, None, &self.trust, self.now);
                let signers = signers.map_err(unsigned)?;
                let vouching = self.vouching();
                self.judge(&signers.iter().map(|one| of_service(one, &vouching)).collect::<Vec<_>>())?;
                shown.signed(signature.to_vec(), signers);
                Ok(())
            }
            (found, _) => {
                let found = found.map_err(unsigned)?;
                self.judge(&found.iter().map(ours).collect::<Vec<_>>())
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<String, Unsigned> {
        // A card that brings none is no way past the clause.
        if !self.came {
            return Err(unsigned(DocumentFault::Unsigned));
        }
        self.awaiting.values().try_for_each(|one| one.within)?;
        Ok(self.counted.into_iter().collect::<Vec<_>>().join(" "))
    }
}

impl Signatures {
    /// Verifies the signatures within a PDF, or sees to it; whether they are those that are asked for.
    fn within(
        &mut self,
        pdf: SignedPdf,
        shown: Option<Showing>,
    ) -> Result<Result<(), Unsigned>, DocumentFault> {
        let signatures = pdf.finish(&self.trust, self.now)?;
        let vouching = self.vouching();
        let mut signers: Vec<Signer<'_>> = signatures.verified.iter().map(ours).collect();
        let national = signatures.national.iter().map(|(signer, _)| of_service(signer, &vouching));
        let place = if signatures.national_is_last { signers.len() } else { 0 };
        signers.splice(place..place, national);
        // The last is over all that a reader sees: what others signed before may have been changed since.
        let last = signers.last().and_then(|last| self.misses(last));
        let judged = last.map_or_else(|| self.judge(&signers), Err);
        if let (Some((signer, signature)), Some(mut shown)) = (signatures.national, shown) {
            shown.content(&signatures.rest);
            shown.signed(signature, vec![signer]);
        }
        Ok(judged)
    }

    /// What entries call who vouches for national signatures.
    fn vouching(&self) -> String {
        self.desk.as_ref().map(|desk| desk.name().to_owned()).unwrap_or_default()
    }
}

impl Signer<'_> {
    /// The person who signed: two certificates of one, as when one is renewed, are not two signers.
    fn who(&self) -> String {
        let named = self.subject.iin.as_ref().or(self.subject.common_name.as_ref());
        named.cloned().unwrap_or_else(|| self.fingerprint.to_string())
    }
}

fn ours(signature: &DocumentSignature) -> Signer<'_> {
    let DocumentSignature { fingerprint, subject, signed_at, stamped_at, .. } = signature;
    Signer { fingerprint: *fingerprint, subject, signed_at: *signed_at, stamped_at: *stamped_at, by: None }
}

fn of_service<'a>(signer: &'a NationalSigner, by: &'a str) -> Signer<'a> {
    let NationalSigner { fingerprint, subject, signed_at, stamped_at, .. } = signer;
    Signer {
        fingerprint: *fingerprint,
        subject,
        signed_at: *signed_at,
        stamped_at: *stamped_at,
        by: Some(by),
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl ExchangePath {
    /// Who looks at documents that pass this way, where they are to be signed for a holder; and who says of national
    /// signatures whether they hold, where anybody does.
    pub(super) fn notary(
        &self,
        permit: &Permit<'_>,
        way: Way,
        holder: &str,
        head: &HeaderMap,
    ) -> (Option<Box<dyn Notary>>, Option<Counsel>) {
        let Some(asked) = permit.agreement().text.protection.signed_documents(way) else {
            return (None, None);
        };
        let service = self.shared.national.as_ref();
        let (desk, counsel) = service.map(|service| service.begin(&permit.consumer().system.card.id)).unzip();
        let signatures = Signatures::new(asked, holder, &self.shared.trust, clock::now(), desk, head);
        (Some(Box::new(signatures)), counsel)
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

/// A head whose documents are signed elsewhere brings no signature.
pub(super) fn none_in_head(headers: &HeaderMap) -> Result<(), Unsigned> {
    if headers.contains_key(HEADER) { Err(OF_NONE) } else { Ok(()) }
}

/// Passes a document's signature on in the head, as it came.
pub(super) fn pass_on(from: &HeaderMap, to: &mut HeaderMap) {
    if let Some(value) = from.get(HEADER) {
        to.insert(HEADER, HeaderValue::clone(value));
    }
}

pub(super) fn unsigned(fault: DocumentFault) -> Unsigned {
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
            let now = clock::now();
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
            let iin = if name == "Head" { "860101300123" } else { "900515400331" };
            let (iin, organisation) = (iin.into(), "A body".into());
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
            let now = clock::now();
            let mut digests = Digests::default();
            digests.push(b"act");
            let at = now - SignedDuration::from_hours(24 * days_ago);
            let der = sign_detached(&digests.finish(), signers, at).unwrap();
            let mut notary =
                Box::new(Signatures::new(asked, HOLDER, &self.trust, now, None, &HeaderMap::new()));
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
        let renewed = scene.person("Head", HOLDER);
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
            (
                "one person by two certificates",
                &asked(&["Head", "Deputy"], 2, None),
                vec![&head, &renewed],
                1,
                Err("document-signers-few"),
            ),
            ("the same twice", &asked(&[], 2, None), vec![&head, &head], 1, Err("document-signers-few")),
        ] {
            let found = scene.judge(asked, &signers, days_ago);
            assert_eq!(found.map(|said| said.matches("document ").count()), code, "{what}");
        }
    }
}
