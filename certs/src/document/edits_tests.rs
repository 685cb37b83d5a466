//! Signatures that count, edited at random: nothing panics, and what still counts is what was signed.
//!
//! `PROPTEST_CASES=100000 cargo test -p certs --lib document::edits` goes on for as long as one likes.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::blueprint::{sign_detached, sign_pdf};
use super::support::{root, today};
use super::tests::{person, trust};
use super::*;
use crate::trust::Trust;

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n0\n%%EOF\n";

struct Scene {
    trust: Trust,
    signer: agreements::Fingerprint,
    detached: Vec<u8>,
    pdf: Vec<u8>,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let root = root("root");
    let head = person(&root, 10, &rcgen::PKCS_ED25519, |_| {});
    let mut content = Digests::default();
    content.push(PDF);
    Scene {
        trust: trust(&root, &[]),
        signer: head.fingerprint(),
        detached: sign_detached(&content.finish(), &[&head], today()).unwrap(),
        pdf: sign_pdf(PDF, &head, today()).unwrap(),
    }
});

#[derive(Debug, Clone)]
enum Edit {
    Replace(u8),
    Insert(u8),
    Remove(usize),
    Repeat(usize),
    Cut,
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, Edit)>> {
    let edit = prop_oneof![
        any::<u8>().prop_map(Edit::Replace),
        prop::sample::select(b"<>/[]() 019af%\n".to_vec()).prop_map(Edit::Replace),
        any::<u8>().prop_map(Edit::Insert),
        (1..40_usize).prop_map(Edit::Remove),
        (1..400_usize).prop_map(Edit::Repeat),
        Just(Edit::Cut),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), edit), 1..4)
}

fn edited(mut bytes: Vec<u8>, edits: &[(prop::sample::Index, Edit)]) -> Vec<u8> {
    for (at, edit) in edits {
        let at = at.index(bytes.len() + 1);
        let until = |count: usize| bytes.len().min(at + count);
        match edit {
            Edit::Replace(byte) if at < bytes.len() => bytes[at] = *byte,
            Edit::Replace(byte) | Edit::Insert(byte) => bytes.insert(at, *byte),
            Edit::Remove(count) => drop(bytes.drain(at..until(*count))),
            Edit::Repeat(count) => {
                let again = bytes[at..until(*count)].to_vec();
                bytes.splice(at..at, again);
            }
            Edit::Cut => bytes.truncate(at),
        }
    }
    bytes
}

proptest! {
    /// Promise 7, C5
    #[test]
    fn edited_detached_signature_counts_for_its_signer_or_not_at_all(edits in edits()) {
        let mut content = Digests::default();
        content.push(PDF);
        let der = edited(SCENE.detached.clone(), &edits);
        if let Ok(found) = verify_detached(&der, &content.finish(), None, &SCENE.trust, today()) {
            prop_assert!(found.iter().all(|one| one.fingerprint == SCENE.signer && one.signed_at == today()));
        }
    }

    /// Promise 7, C5: what differs is the string alone, which says the same.
    #[test]
    fn edited_pdf_counts_only_where_all_that_was_signed_is_as_it_was(edits in edits(), piece in 1..5000_usize) {
        let pdf = edited(SCENE.pdf.clone(), &edits);
        let judge = |piece: usize| {
            let mut signed = SignedPdf::default();
            pdf.chunks(piece).try_for_each(|piece| signed.push(piece))?;
            signed.finish(&SCENE.trust, today()).map(|found| found.verified.len())
        };
        let verdict = judge(pdf.len().max(1));
        prop_assert_eq!(judge(piece), verdict);
        if verdict.is_ok() {
            let outside = |pdf: &[u8]| {
                let start = pdf.windows(11).rposition(|window| window == b"/Contents <").unwrap() + 11;
                let end = start + pdf[start..].iter().position(|byte| *byte == b'>').unwrap();
                [&pdf[..start], &pdf[end..]].concat()
            };
            prop_assert_eq!(outside(&pdf), outside(&SCENE.pdf));
        }
    }
}
