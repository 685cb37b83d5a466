//! Signed PDFs, edited: no panic, one verdict wherever they are cut, and what counts is what was signed.

use std::sync::LazyLock;

use certs::Trust;
use certs::document::{DocumentFault, SignedPdf, sign_pdf};
use certs::tls::Identity;

use super::support::today;
use super::{edits, signers};

struct Scene {
    trust: Trust,
    signer: Identity,
    once: Vec<u8>,
    twice: Vec<u8>,
    /// More than what is held of a file, which is signed behind that.
    large: Vec<u8>,
    /// What is signed of each of them.
    signed: [Vec<u8>; 3],
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let (root, trust) = signers::authority();
    let ((signer, _), (deputy, _)) = (signers::person(&root, 10), signers::person(&root, 11));
    let signed = |pdf: &[u8], by: &Identity| sign_pdf(pdf, by, today()).expect("the key signs");
    let once = signed(PDF, &signer);
    let twice = signed(&once, &deputy);
    let large = signed(&[PDF, &vec![b' '; LARGE_BYTES]].concat(), &signer);
    let beside = [&once, &twice, &large].map(|pdf| beside_strings(pdf));
    Scene { trust: Trust::new(trust), signer, once, twice, large, signed: beside }
});

/// Edits a signed file; or a file, which is signed then.
pub fn check(said: &[u8]) {
    let [which, size, rest @ ..] = said else { return };
    let sample = match which % 8 {
        0 => &SCENE.large,
        1..4 => &SCENE.twice,
        _ => &SCENE.once,
    };
    // Of the large file, what is behind the blanks.
    let (untouched, part) = sample.split_at(sample.len().saturating_sub(LARGEST_PART_BYTES));
    let mut pdf = [untouched, &edits::edited(part.to_vec(), rest)].concat();
    let signed_anew = *which >= 192;
    if signed_anew {
        pdf = sign_pdf(&pdf, &SCENE.signer, today()).expect("the key signs");
    }
    let verdict = judge([&pdf[..]]);
    assert_eq!(judge(pieces(&pdf, *size)), verdict, "it depends on how it is cut");
    if verdict.is_err() {
        return;
    }
    let longer = [&pdf[..], b" "].concat();
    assert_eq!(judge([&longer[..]]), Err(DocumentFault::Changed), "more than what was signed");
    if !signed_anew {
        assert!(SCENE.signed.contains(&beside_strings(&pdf)), "it counts, and was never signed");
    }
}

fn judge<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<usize, DocumentFault> {
    let mut signed = SignedPdf::default();
    pieces.into_iter().try_for_each(|piece| signed.push(piece))?;
    signed.finish(&SCENE.trust, today()).map(|found| found.verified.len())
}

/// In pieces of so many bytes at one end, and whole at the other: so that a large file does not take long.
fn pieces(pdf: &[u8], size: u8) -> impl Iterator<Item = &[u8]> {
    let small = usize::from(size).max(1);
    let span = (MOST_PIECES * small).min(pdf.len());
    let at_end = size.is_multiple_of(2);
    let (first, last) = pdf.split_at(if at_end { pdf.len() - span } else { span });
    let [of_first, of_last] = if at_end { [first.len(), small] } else { [small, last.len()] };
    first.chunks(of_first.max(1)).chain(last.chunks(of_last.max(1)))
}

/// All but the strings of signatures: those may be written in several ways, and certificates in them be edited.
fn beside_strings(pdf: &[u8]) -> Vec<u8> {
    let (mut beside, mut rest) = (Vec::new(), pdf);
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        let (before, string) = rest.split_at(at + 1);
        beside.extend_from_slice(before);
        let until =
            if before.ends_with(START) { string.iter().position(|byte| *byte == b'>') } else { Some(0) };
        rest = until.map_or(&[], |until| &string[until..]);
    }
    [&beside, rest].concat()
}

const START: &[u8] = b"/Contents <";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n0\n%%EOF\n";
const LARGE_BYTES: usize = 240_000;
const MOST_PIECES: usize = 400;
/// Edits reach so far.
const LARGEST_PART_BYTES: usize = 1 << 16;
