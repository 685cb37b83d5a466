//! A card with files, whole and in pieces, well-formed and hostile.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "support/files.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod files;

use adapters::documents::ArchiveLimits;
use adapters::multipart::{Boundary, Form, FormBounds, FormUnfit, Heard};
use agreements::DocumentFormat::*;
use files::*;
use http::HeaderValue;
use proptest::prelude::*;

const CARD: &str = "Content-Disposition: form-data; name=\"card\"\r\nContent-Type: application/json\r\n";
const FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"Акт.pdf\"\r\nContent-Type: application/pdf\r\n";
const PACKED: &str =
    "Content-Disposition: form-data; name=\"file\"; filename=\"b.zip\"\r\nContent-Type: application/zip\r\n";

fn form(content_type: &'static str) -> Form {
    let bounds = FormBounds {
        formats: vec![Pdf, Docx, Zip],
        files: 2,
        file_bytes: 5_000,
        card_bytes: 100,
        archives: ArchiveLimits::default(),
    };
    Form::new(&Boundary::of(&HeaderValue::from_static(content_type)).unwrap(), bounds)
}

const FORM_DATA: &str = "multipart/form-data; boundary=a--b";

/// A body of these parts: head and content.
fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend_from_slice(format!("--a--b\r\n{head}\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--a--b--\r\n");
    body
}

fn read(mut form: Form, body: &[u8], pieces: usize) -> Result<(Vec<u8>, u32), FormUnfit> {
    let mut card = Vec::new();
    for piece in body.chunks(pieces) {
        form.push(piece)?;
        if let Some(whole) = form.card().filter(|whole| !whole.is_empty()) {
            card = whole.to_vec();
            form.forget_card();
        }
    }
    form.finish().map(|(files, _)| (card, files))
}

/// In pieces of several sizes, which must not matter.
fn judge(body: &[u8]) -> Result<(Vec<u8>, u32), FormUnfit> {
    let verdict = read(form(FORM_DATA), body, usize::MAX);
    for pieces in [1, 2, 7, 1000] {
        assert_eq!(read(form(FORM_DATA), body, pieces).ok(), verdict.clone().ok(), "in pieces of {pieces}");
    }
    verdict
}

fn code(parts: &[(&str, &[u8])]) -> &'static str {
    judge(&body(parts)).map_or_else(|unfit| unfit.code(), |_| "fits")
}

/// C4
#[test]
fn a_card_and_its_files_pass_and_the_card_is_known_before_the_files() {
    let document = pdf_of(4_000);
    let whole =
        body(&[(CARD, b"{\"title\":\"Act\"}"), (FILE, &document), (PACKED, &zip(&[entry("a", "b")]))]);
    assert_eq!(judge(&whole), Ok((b"{\"title\":\"Act\"}".to_vec(), 2)));
    let files_begin = whole.windows(5).position(|five| five == b"%PDF-").unwrap();
    let mut form = form(FORM_DATA);
    form.push(&whole[..files_begin]).unwrap();
    assert_eq!(form.card(), Some(&b"{\"title\":\"Act\"}"[..]));
    assert_eq!(judge(&body(&[(CARD, b"{}")])), Ok((b"{}".to_vec(), 0)));
}

#[test]
fn related_body_names_its_root_and_its_files() {
    let parts: [(&str, &[u8]); 2] = [
        ("Content-Type: application/json; charset=utf-8\r\nContent-ID: <card@gov.kz>\r\n", b"{}"),
        (
            "Content-Type: application/pdf\r\nContent-ID: <f1@gov.kz>\r\nContent-Transfer-Encoding: binary\r\n\
             Content-Disposition: attachment; filename=act.pdf\r\n",
            &pdf(),
        ),
    ];
    let related = |start: bool| match start {
        true => form("multipart/related; boundary=a--b; type=\"application/json\"; start=\"<card@gov.kz>\""),
        false => form("multipart/related; boundary=a--b"),
    };
    for start in [true, false] {
        assert_eq!(read(related(start), &body(&parts), 3), Ok((b"{}".to_vec(), 1)));
    }
    let other = form("multipart/related; boundary=a--b; start=\"<other@gov.kz>\"");
    assert_eq!(read(other, &body(&parts), 3).unwrap_err().code(), "form-card");
}

/// C4: bounds, each to the byte or the piece.
#[test]
fn bounds_hold_for_card_files_and_their_number() {
    let (five, six) = (pdf_of(5_000), pdf_of(5_001));
    assert_eq!(code(&[(CARD, &[b' '; 100])]), "fits");
    assert_eq!(code(&[(CARD, &[b' '; 101])]), "form-card");
    assert_eq!(code(&[(CARD, b"{}"), (FILE, &five)]), "fits");
    assert_eq!(code(&[(CARD, b"{}"), (FILE, &six)]), "document-too-large");
    let named = |at| {
        format!(
            "Content-Disposition: form-data; name=f; filename={at}.pdf\r\nContent-Type: application/pdf\r\n"
        )
    };
    let (one, two, three) = (named(1), named(2), named(3));
    assert_eq!(code(&[(CARD, b"{}"), (&one, &pdf()), (&two, &pdf())]), "fits");
    assert_eq!(code(&[(CARD, b"{}"), (&one, &pdf()), (&two, &pdf()), (&three, &pdf())]), "form-files");
    assert_eq!(code(&[(CARD, b"{}"), (&one, &pdf()), (&one, &pdf())]), "form-files", "one name twice");
}

/// C4
#[test]
fn parts_that_are_not_what_they_say_are_refused() {
    let file = |name: &str, media_type: &str| {
        format!(
            "Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n"
        )
    };
    for (what, parts, expected) in [
        ("no card", vec![(FILE.to_owned(), pdf())], "form-card"),
        ("a card that is not JSON", vec![(CARD.replace("json", "xml"), b"<a/>".to_vec())], "form-card"),
        ("a card under another name", vec![(CARD.replace("card", "kard"), b"{}".to_vec())], "form-card"),
        ("a second card", vec![(CARD.into(), b"{}".to_vec()), (CARD.into(), b"{}".to_vec())], "form-files"),
        (
            "a format not agreed",
            vec![(CARD.into(), b"{}".to_vec()), (file("a.rtf", "text/rtf"), rtf())],
            "document-type",
        ),
        (
            "name and type differ",
            vec![(CARD.into(), b"{}".to_vec()), (file("a.exe", "application/pdf"), pdf())],
            "document-type",
        ),
        (
            "content differs",
            vec![(CARD.into(), b"{}".to_vec()), (file("a.docx", Docx.media_type()), pdf())],
            "document-format",
        ),
        (
            "a bomb",
            vec![
                (CARD.into(), b"{}".to_vec()),
                (file("a.zip", "application/zip"), zip(&[entry("../a", "b")])),
            ],
            "archive-name",
        ),
        (
            "a path",
            vec![(CARD.into(), b"{}".to_vec()), (file("a/b.pdf", "application/pdf"), pdf())],
            "form-files",
        ),
        (
            "a path up",
            vec![(CARD.into(), b"{}".to_vec()), (file("../b.pdf", "application/pdf"), pdf())],
            "archive-name",
        ),
        ("nothing in it", vec![(CARD.into(), b"{}".to_vec()), (FILE.into(), Vec::new())], "document-format"),
    ] {
        let parts: Vec<(&str, &[u8])> =
            parts.iter().map(|(head, bytes)| (head.as_str(), bytes.as_slice())).collect();
        assert_eq!(code(&parts), expected, "{what}");
    }
}

/// Two readers of one body must see the same parts.
#[test]
fn body_that_can_be_read_in_two_ways_is_refused() {
    let fine = body(&[(CARD, b"{}"), (FILE, &pdf())]);
    let text = |bytes: &[u8]| bytes.to_vec();
    let replaced = |from: &str, to: &str| {
        let at = fine.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&fine[..at], to.as_bytes(), &fine[at + from.len()..]].concat()
    };
    assert!(judge(&fine).is_ok());
    for (what, body) in [
        ("nothing", text(b"")),
        ("a preamble", [b"preamble\r\n", &fine[..]].concat()),
        ("a line end first", [b"\r\n", &fine[..]].concat()),
        ("an epilogue", [&fine[..], b"epilogue"].concat()),
        ("a blank behind a boundary", replaced("--a--b\r\n", "--a--b \r\n")),
        ("a line feed alone", replaced("--a--b\r\n", "--a--b\n")),
        ("a folded header", replaced("; name=\"card\"", ";\r\n name=\"card\"")),
        ("a header twice", replaced(CARD, &format!("Content-Type: text/html\r\n{CARD}"))),
        ("an unknown header", replaced(CARD, &format!("X-Other: 1\r\n{CARD}"))),
        ("encoded once more", replaced(CARD, &format!("Content-Transfer-Encoding: base64\r\n{CARD}"))),
        ("a card in UTF-7", replaced("application/json", "application/json; charset=utf-7")),
        (
            "a card in two encodings",
            replaced("application/json", "application/json; charset=utf-8; charset=utf-7"),
        ),
        ("a card with a parameter", replaced("application/json", "application/json; profile=other")),
        ("a card with a name", replaced("application/json", "application/json; name=card.json")),
        ("a file in UTF-16", replaced("application/pdf", "application/pdf; charset=utf-16")),
        ("a file with a parameter", replaced("application/pdf", "application/pdf; version=2")),
        ("a file with a second name", replaced("application/pdf", "application/pdf; name=act.exe")),
        ("an escape", replaced("name=\"card\"", "name=\"ca\\rd\"")),
        ("two names", replaced("filename=", "filename*=utf-8''a.exe; filename=")),
        ("one parameter twice", replaced("name=\"card\"", "name=\"card\"; name=\"file\"")),
        ("a quote that does not end", replaced("name=\"card\"", "name=\"card")),
        ("no colon", replaced("Content-Type: application/json", "Content-Type application/json")),
        ("not UTF-8", {
            let mut body = fine.clone();
            let at = body.windows(6).position(|six| six == "Акт".as_bytes()).unwrap();
            body[at] = 0xff;
            body
        }),
        ("a long head", replaced(CARD, &format!("Content-ID: {}\r\n{CARD}", "x".repeat(3_000)))),
        (
            "a part that ends in its head",
            replaced("application/json\r\n\r\n{}\r\n", "application/json\r\n\r\n"),
        ),
    ] {
        let unfit = judge(&body).expect_err(what);
        assert!(
            ["form-malformed", "form-card", "document-damaged"].contains(&unfit.code()),
            "{what}: {unfit}"
        );
    }
    for fine in [
        replaced("application/json", "application/json;charset=UTF-8"),
        replaced("application/json", "Application/JSON; charset=\"utf-8\""),
        replaced("application/pdf", "application/pdf; charset=utf-8; name=\"Акт.pdf\""),
    ] {
        assert!(judge(&fine).is_ok(), "{}", String::from_utf8_lossy(&fine));
    }
    let charset = judge(&replaced("name=\"file\"", "name=\"_charset_\"")).unwrap_err();
    assert_eq!(charset.code(), "form-files", "what says how to read the others");
    for end in 0..fine.len() - 2 {
        assert!(read(form(FORM_DATA), &fine[..end], 50).is_err(), "that ends after {end} bytes");
    }
    assert!(judge(&fine[..fine.len() - 2]).is_ok(), "the last line end may be missing");
}

/// What looks like a boundary and is none belongs to the content.
#[test]
fn near_boundaries_are_content() {
    let near = b"\r\n--a-\r\n--a--\r\n\r\n--a\r\r\n--a--B\r--a--b\n--a--b ";
    let card = [&near[..], b"\r\n"].concat();
    assert_eq!(judge(&body(&[(CARD, &card)])), Ok((card, 0)));
}

/// C4: what a scanner is shown of a form.
#[test]
fn files_of_a_form_are_told_one_by_one_as_they_are() {
    let (first, second) = (pdf(), zip(&[entry("a", "b")]));
    let body = body(&[(CARD, b"{}"), (FILE, &first), (PACKED, &second)]);
    for pieces in [1, 2, 7, 1000] {
        let mut form = form(FORM_DATA);
        form.listen();
        let (mut files, mut ended) = (Vec::<Vec<u8>>::new(), 0);
        for piece in body.chunks(pieces) {
            form.push(piece).unwrap();
            for heard in form.heard() {
                match heard {
                    Heard::Begins => files.push(Vec::new()),
                    Heard::Content(bytes) => files.last_mut().unwrap().extend(bytes),
                    Heard::Ends => ended += 1,
                }
                assert!(files.len() - ended <= 1, "one at a time");
            }
        }
        assert!(files == [first.clone(), second.clone()], "in pieces of {pieces}");
        assert_eq!(form.finish(), Ok((2, None)));
    }
}

proptest! {
    /// However it is cut, and whatever is changed in it: no panic, and the same verdict.
    #[test]
    fn what_passes_does_not_depend_on_where_it_is_cut(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cuts in prop::collection::vec(1..300_usize, 1..6),
    ) {
        let mut body = body(&[(CARD, b"{\"title\":\"Act\"}"), (FILE, &pdf()), (PACKED, &zip(&[entry("a", "b")]))]);
        for (at, byte) in flips {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let whole = read(form(FORM_DATA), &body, usize::MAX).ok();
        let (mut form, mut rest, mut pushed) = (form(FORM_DATA), &body[..], Ok(()));
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pushed = pushed.and_then(|()| form.push(piece));
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        let card = form.card().map(<[u8]>::to_vec);
        let pieces = pushed.and_then(|()| form.finish()).ok().map(|(files, _)| (card.unwrap_or_default(), files));
        prop_assert_eq!(pieces, whole);
    }

    /// Arbitrary bytes behind an arbitrary part of a good body.
    #[test]
    fn arbitrary_bytes_panic_nothing(keep in 0..400_usize, noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let good = body(&[(CARD, b"{}"), (FILE, &pdf())]);
        let _ = judge(&[&good[..keep.min(good.len())], &noise].concat());
    }
}
