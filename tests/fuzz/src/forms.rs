//! Cards with files, edited: no panic, and one verdict wherever they are cut.

use std::sync::LazyLock;

use adapters::documents::ArchiveLimits;
use adapters::multipart::{Boundary, Form, FormBounds};
use agreements::DocumentFormat::{Docx, Pdf, Zip};
use http::HeaderValue;

use super::{edits, files};

static BODY: LazyLock<Vec<u8>> = LazyLock::new(body);

fn body() -> Vec<u8> {
    let head = |name: &str, more: &str, media_type: &str| {
        format!(
            "--a--b\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\nContent-Type: {media_type}\r\n\r\n"
        )
    };
    let (card, file) =
        (head("card", "", "application/json"), head("file", "; filename=\"a.pdf\"", "application/pdf"));
    let packed = head("file", "; filename=\"b.zip\"", "application/zip");
    let archive = files::zip(&[files::entry("a", "b")]);
    [
        card.as_bytes(),
        b"{\"title\":\"Act\"}\r\n",
        file.as_bytes(),
        &files::pdf_of(120),
        b"\r\n",
        packed.as_bytes(),
        &archive,
        b"\r\n--a--b--\r\n",
    ]
    .concat()
}

fn verdict<'a>(boundary: &Boundary, mut pieces: impl Iterator<Item = &'a [u8]>) -> Option<(u32, Vec<u8>)> {
    let bounds = FormBounds {
        formats: vec![Pdf, Docx, Zip],
        files: 3,
        file_bytes: 1 << 20,
        card_bytes: 256,
        archives: ArchiveLimits { unpacked_bytes: 4 << 20, ..ArchiveLimits::default() },
    };
    let mut form = Form::new(boundary, bounds);
    pieces.try_for_each(|piece| form.push(piece)).ok()?;
    let card = form.card().map(<[u8]>::to_vec).unwrap_or_default();
    Some((form.finish().ok()?.0, card))
}

/// Edits a form, or a media type, as `said` says, and judges it whole and in pieces.
pub fn check(said: &[u8]) {
    let [which, size, rest @ ..] = said else { return };
    if *which >= 230 {
        // The media type is the peer's as well.
        let Ok(media_type) = HeaderValue::from_bytes(rest) else { return };
        let _ = Boundary::of(&media_type);
        return;
    }
    let media_type = HeaderValue::from_static("multipart/form-data; boundary=a--b");
    let boundary = Boundary::of(&media_type).expect("a good media type");
    let bytes = if *which >= 200 { rest.to_vec() } else { edits::edited(BODY.clone(), rest) };
    let whole = verdict(&boundary, std::iter::once(&bytes[..]));
    assert_eq!(verdict(&boundary, edits::pieces(&bytes, *size)), whole);
}
