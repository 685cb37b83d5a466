//! Documents of each format, edited: no panic, and one verdict wherever they are cut.

use std::sync::LazyLock;

use adapters::documents::{ArchiveLimits, Inspection};
use agreements::DocumentFormat::{self, *};

use super::{edits, files};

/// Made once: most of a fuzzer's time would go into it.
static SAMPLES: LazyLock<Vec<(DocumentFormat, Vec<u8>)>> = LazyLock::new(|| (0..32).map(sample).collect());

fn sample(which: u8) -> (DocumentFormat, Vec<u8>) {
    let inner = || files::zip(&[files::entry("inner.zip", files::docx())]);
    let streamed = || {
        let mut entry = files::entry("a/b.txt", "text of an entry".repeat(9));
        (entry.descriptor, entry.zip64) = (true, which.is_multiple_of(2));
        files::zip_with(&[entry, files::entry("c/", "")], b"comment")
    };
    match which % 16 {
        0 => (Pdf, files::pdf()),
        1 => (Tiff, files::tiff()),
        2 => (Jpeg, files::jpeg()),
        3 => (Rtf, files::rtf()),
        4 => (Doc, files::ole(&["WordDocument"])),
        5 => (Xls, files::ole(&["Workbook"])),
        6 => (Docx, files::docx()),
        7 => (Xlsx, files::office("xl", &[])),
        8 => (Rar, files::rar5_quick(&[("a/b", b"data"), ("c", b"")], |_| {}, 0)),
        9 => (Rar, files::rar5(&[("a/b", b"data", b""), ("c", b"", &[2, 7, 0])])),
        10 => (Rar, files::rar4(&[("a\\b", b"data")])),
        11 => (Zip, inner()),
        12 => (Jpeg, files::jpeg_progressive()),
        13 => (Rtf, files::rtf_rich()),
        _ => (Zip, streamed()),
    }
}

fn verdict<'a>(format: DocumentFormat, mut pieces: impl Iterator<Item = &'a [u8]>) -> Option<DocumentFormat> {
    let limits = ArchiveLimits { unpacked_bytes: 4 << 20, ..ArchiveLimits::default() };
    let mut inspection = Inspection::new(format, 1 << 20, limits);
    pieces.try_for_each(|piece| inspection.push(piece)).and_then(|()| inspection.finish()).ok()
}

/// Edits the sample that `said` begins with as the rest of it says, and judges it whole and in pieces.
pub fn check(said: &[u8]) {
    let [which, size, rest @ ..] = said else { return };
    let (format, whole) = SAMPLES[usize::from(which % 32)].clone();
    let bytes = if *which >= 200 { rest.to_vec() } else { edits::edited(whole, rest) };
    let found = verdict(format, std::iter::once(&bytes[..]));
    assert!(found.is_none_or(|found| found == format));
    assert_eq!(verdict(format, edits::pieces(&bytes, *size)), found);
}
