//! PDFs whose signatures count, and those that were bent around theirs.

use proptest::prelude::*;

use super::blueprint::{revised, sign_pdf};
use super::support::{root, today};
use super::tests::{person, trust};
use super::*;
use crate::keys::Identity;
use crate::trust::Trust;

const PDF: &[u8] =
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Contents <FEFF0041> >>\nendobj\nstartxref\n0\n%%EOF\n";

struct Scene {
    trust: Trust,
    head: Identity,
    deputy: Identity,
}

fn scene() -> Scene {
    let root = root("root");
    let person = |serial| person(&root, serial, &rcgen::PKCS_ECDSA_P256_SHA256, |_| {});
    Scene { trust: trust(&root, &[]), head: person(10), deputy: person(11) }
}

impl Scene {
    fn judge(&self, pdf: &[u8], piece: usize) -> Result<usize, DocumentFault> {
        let mut signed = SignedPdf::default();
        pdf.chunks(piece).try_for_each(|piece| signed.push(piece))?;
        signed.finish(&self.trust, today()).map(|signatures| signatures.verified.len())
    }

    fn bent(&self, bend: impl FnOnce(&mut String)) -> Result<usize, DocumentFault> {
        let made = revised(PDF, &self.head, today(), bend).unwrap();
        let whole = self.judge(&made, made.len());
        assert_eq!(self.judge(&made, 7), whole, "it depends on how it is cut");
        whole
    }
}

/// C5
#[test]
fn signed_pdf_counts_however_it_comes_and_with_each_signature_over_its_revision() {
    let scene = scene();
    let large = [PDF, &vec![b' '; 400_000], b"\n%%EOF\n"].concat();
    for document in [PDF, &large] {
        let once = sign_pdf(document, &scene.head, today()).unwrap();
        let twice = sign_pdf(&once, &scene.deputy, today()).unwrap();
        for piece in [1, 13, 4096, 16 << 10, usize::MAX] {
            assert_eq!(scene.judge(&once, piece.min(once.len())), Ok(1), "{piece}");
            assert_eq!(scene.judge(&twice, piece.min(twice.len())), Ok(2), "{piece}");
        }
        assert_eq!(scene.judge(document, 4096), Err(DocumentFault::Unsigned));
    }
}

/// C5: whatever is added behind, or changed within, is seen.
#[test]
fn pdf_that_was_added_to_or_changed_after_it_was_signed_does_not_count() {
    let scene = scene();
    let signed = sign_pdf(PDF, &scene.head, today()).unwrap();
    for more in [&b" "[..], b"\n", b"\n2 0 obj\n<< /Type /Page >>\nendobj\nstartxref\n0\n%%EOF\n"] {
        let added = [&signed, more].concat();
        assert_eq!(scene.judge(&added, 100), Err(DocumentFault::Changed));
        // Signed by another afterwards, it is what the other signed.
        assert_eq!(scene.judge(&sign_pdf(&added, &scene.deputy, today()).unwrap(), 100), Ok(2));
    }
    let string = signed.windows(11).rposition(|window| window == b"/Contents <").unwrap();
    let end = string + signed[string..].iter().position(|byte| *byte == b'>').unwrap();
    for at in (0..signed.len()).filter(|at| !(string + 11..end).contains(at)) {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        assert!(scene.judge(&changed, 4096).is_err(), "byte {at} of {}", signed.len());
    }
    assert_eq!(
        scene.judge(&signed[..signed.len() - 1], 100).err(),
        Some(DocumentFault::Malformed("a signature is over more than the file has"))
    );
    let mut behind = signed.clone();
    behind[end - 1] = b'1';
    assert_eq!(
        scene.judge(&behind, 100),
        Err(DocumentFault::Malformed("something stands behind the signature in its string"))
    );
}

/// C5: the ways in which signatures were wrapped, moved and hidden in other programs.
#[test]
fn dictionaries_that_leave_out_more_than_their_string_or_can_be_read_in_two_ways_do_not_count() {
    use DocumentFault::{Algorithm, Malformed, Unsigned};
    let scene = scene();
    let wrapped = Malformed("its range leaves out more than its own string");
    let lacks = Malformed("a signature's dictionary lacks its string or its range");
    let several = Malformed("an object holds several signatures, or hides one");
    let twice = Malformed("a member of its dictionary is there twice");
    let form = Algorithm("a signature is of a format that does not count");
    let range = "/ByteRange [0 0000000000 0000000000 0000000000]";
    let put =
        |from: &'static str, to: &'static str| move |text: &mut String| *text = text.replacen(from, to, 1);
    assert_eq!(scene.bent(|_| {}), Ok(1));
    assert_eq!(scene.bent(put("/ETSI.CAdES.detached", "/adbe.pkcs7.detached")), Ok(1));
    assert_eq!(scene.bent(put("/Type /Sig", "")), Ok(1));
    assert_eq!(scene.bent(put("/Filter", "/Reason (I \\) (do) object) /Filter")).err(), None);
    for (what, bend, expected) in [
        ("a string in parentheses", put("/Contents <", "/Contents () /Other <"), None),
        (
            "another range",
            put("/ByteRange [0 ", "/ByteRange [1 "),
            Some(Malformed("its range is not two from the beginning on")),
        ),
        ("a range elsewhere", put(range, "/ByteRange 12 0 R"), Some(lacks)),
        ("a third part", put("0000000000] /", "0000000000 7 7] /"), Some(wrapped)),
        ("another format", put("ETSI.CAdES.detached", "adbe.pkcs7.sha1"), Some(form)),
        ("no format", put("/SubFilter /ETSI.CAdES.detached", ""), Some(form)),
        (
            "a time stamp",
            put("/Type /Sig", "/Type /DocTimeStamp"),
            Some(Algorithm("it holds something else than signatures of people")),
        ),
        ("two ranges", put("/Filter", "/ByteRange [0 1 2 3] /Filter"), Some(twice)),
        ("two ranges, spelled in two ways", put("/Filter", "/Byte#52ange [0 1 2 3] /Filter"), Some(twice)),
        ("two strings", put(">>\nendobj", "/Contents <00> >>\nendobj"), Some(twice)),
        ("a signature within", put("/Filter", "/V << /ByteRange [0 1 2 3] >> /Filter"), Some(several)),
        ("no object", put("9000 0 obj", "9000 0 xyz"), None),
        ("a comment", put("/Filter", "%\n/Filter"), Some(Malformed("its dictionary cannot be read"))),
        ("another name", put("/ByteRange", "/ByteRanges"), Some(Unsigned)),
    ] {
        match expected {
            Some(fault) => assert_eq!(scene.bent(bend), Err(fault), "{what}"),
            None => assert!(scene.bent(bend).is_err(), "{what}"),
        }
    }
    // The string moved away from where the range has it: what stood there is now the forger's.
    let signed = sign_pdf(PDF, &scene.head, today()).unwrap();
    let text = String::from_utf8(signed).unwrap();
    let second = text.find("/ByteRange [0 ").unwrap() + 25;
    let moved = format!(
        "{}{:010}{}",
        &text[..second],
        text[second..second + 10].parse::<u32>().unwrap() + 40,
        &text[second + 10..]
    );
    assert_eq!(scene.judge(moved.as_bytes(), 100), Err(wrapped));
    // A dictionary that goes on for ever is not waited for.
    let endless = format!("1 0 obj << /ByteRange [0 1 2 3] /Contents <{}", "0".repeat(1 << 20));
    assert_eq!(
        scene.judge(endless.as_bytes(), 4096),
        Err(Malformed("a signature's dictionary does not end"))
    );
}

proptest! {
    /// Promise 7
    #[test]
    fn no_bytes_make_it_panic_and_what_it_says_does_not_depend_on_where_they_are_cut(
        parts in prop::collection::vec(prop_oneof![
            Just("1 0 obj"), Just("<<"), Just(">>"), Just("/ByteRange"), Just("[0 1 2 3]"), Just("/Contents"),
            Just("<00>"), Just("endobj"), Just("("), Just(")"), Just("/M"), Just(" "), Just("#"), Just("12 0 R"),
            Just("/SubFilter /ETSI.CAdES.detached"), Just("[0 14 18 99]"),
        ], 0..40),
        piece in 1..20_usize,
    ) {
        let text = parts.concat();
        let judge = |piece| {
            let mut signed = SignedPdf::default();
            text.as_bytes().chunks(piece).try_for_each(|piece| signed.push(piece))?;
            signed.ends().map(|found| found.len())
        };
        prop_assert_eq!(judge(piece), judge(text.len().max(1)));
    }
}
