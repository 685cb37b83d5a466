//! Documents by their content, whole and in pieces, well-formed and hostile.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "support/files.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod files;

use adapters::documents::{ArchiveLimits, Inspection, Unfit};
use agreements::DocumentFormat::{self, *};
use files::*;
use proptest::prelude::*;

/// One of each format.
fn all() -> Vec<(DocumentFormat, Vec<u8>)> {
    vec![
        (Pdf, pdf()),
        (Tiff, tiff()),
        (Jpeg, jpeg()),
        (Jpeg, jpeg_progressive()),
        (Rtf, rtf()),
        (Rtf, rtf_rich()),
        (Doc, ole(&["WordDocument", "1Table"])),
        (Xls, ole(&["Workbook"])),
        (Ppt, ole(&["Current User", "PowerPoint Document"])),
        (Docx, docx()),
        (Xlsx, office("xl", &[])),
        (Pptx, office("ppt", &[])),
        (Rar, rar5(&[("папка/act.pdf", &pdf(), b"")])),
        (Rar, rar5_quick(&[("папка/act.pdf", &pdf()), ("act.txt", b"text")], |_| {}, 0)),
        (Rar, rar4(&[("folder\\act.pdf", &pdf())])),
        (Zip, zip(&[entry("папка/", ""), entry("папка/act.txt", "Акт")])),
    ]
}

fn inspect(declared: DocumentFormat, bytes: &[u8], pieces: usize) -> Result<DocumentFormat, Unfit> {
    let mut inspection = Inspection::new(declared, 100 << 20, ArchiveLimits::default());
    bytes.chunks(pieces).try_for_each(|piece| inspection.push(piece))?;
    inspection.finish()
}

/// In pieces of several sizes, which must not matter.
fn judge(declared: DocumentFormat, bytes: &[u8]) -> Result<DocumentFormat, Unfit> {
    let verdict = inspect(declared, bytes, usize::MAX);
    for pieces in [1, 7, 4096] {
        assert_eq!(
            inspect(declared, bytes, pieces).is_ok(),
            verdict.is_ok(),
            "in pieces of {pieces}: {verdict:?}"
        );
    }
    verdict
}

fn code(declared: DocumentFormat, bytes: &[u8]) -> &'static str {
    judge(declared, bytes).map_or_else(|unfit| unfit.code(), |_| "fits")
}

/// C4
#[test]
fn each_format_is_known_by_its_content_and_is_no_other() {
    for (format, bytes) in all() {
        for declared in DocumentFormat::ALL {
            let verdict = judge(declared, &bytes);
            if declared == format {
                assert_eq!(verdict, Ok(format));
            } else {
                assert_eq!(verdict.unwrap_err().code(), "document-format", "{format} declared {declared}");
            }
        }
    }
}

/// C4
#[test]
fn document_that_ends_early_at_any_byte_does_not_fit() {
    for (format, bytes) in all() {
        // What is only blank at the end may be missing; so may what a TIFF's directory says nothing of, and sectors that
        // are free in a compound file's table, which stands at its end.
        let needed = match format {
            Pdf => bytes.trim_ascii_end().len(),
            Rtf => bytes.iter().rposition(|byte| *byte == b'}').unwrap() + 1,
            Tiff => 9,
            Doc | Xls | Ppt => bytes.len() - 384,
            _ => bytes.len(),
        };
        for end in 0..needed {
            // An old RAR archive may lack its last header.
            let verdict = inspect(format, &bytes[..end], usize::MAX);
            let old_rar_without_end = format == Rar && bytes[6] == 0 && end == bytes.len() - 7;
            assert!(verdict.is_err() || old_rar_without_end, "{format} of {end} bytes");
        }
    }
}

#[test]
fn bound_holds_to_the_byte() {
    let bytes = pdf_of(10_000);
    for (most, fits) in [(10_000, true), (9_999, false)] {
        let mut inspection = Inspection::new(Pdf, most, ArchiveLimits::default());
        let pushed = bytes.chunks(100).try_for_each(|piece| inspection.push(piece));
        assert_eq!(pushed.is_ok(), fits);
        if !fits {
            assert_eq!(pushed, Err(Unfit::TooLarge(9_999)));
        }
    }
}

#[test]
fn media_type_and_name_declare_one_format_that_is_agreed() {
    let declared = |media_type, name| Inspection::declared(&[Pdf, Docx], media_type, name);
    assert_eq!(declared(Some("application/pdf"), Some("act.PDF")), Ok(Pdf));
    assert_eq!(declared(Some("application/pdf"), None), Ok(Pdf));
    assert_eq!(declared(None, Some("act.docx")), Ok(Docx));
    for (media_type, name) in [
        (None, None),
        (Some("application/pdf"), Some("act.docx")),
        (Some("application/pdf"), Some("act")),
        (Some("application/pdf"), Some("act.pdf.exe")),
        (Some("application/octet-stream"), Some("act.pdf")),
        (Some("image/jpeg"), Some("act.jpg")),
    ] {
        assert_eq!(declared(media_type, name), Err(Unfit::Undeclared), "{media_type:?} {name:?}");
    }
}

/// C4: what one reader takes for one thing and another for another.
#[test]
fn polyglots_are_refused() {
    let zip_behind = |bytes: &[u8]| [bytes, &zip(&[entry("run.exe", "MZ")])].concat();
    let before = |junk: &[u8], bytes: &[u8]| [junk, bytes].concat();
    for (what, format, bytes) in [
        ("junk before a PDF", Pdf, before(b"junk....", &pdf())),
        ("a PDF in a JPEG", Jpeg, before(b"\xff\xd8\xff\xfe\0\x20%PDF-1.7\n", &jpeg()[20..])),
        ("a ZIP behind a PDF", Pdf, zip_behind(&pdf())),
        ("a ZIP behind a JPEG", Jpeg, zip_behind(&jpeg())),
        ("a ZIP behind a TIFF", Tiff, zip_behind(&tiff())),
        ("a ZIP behind a rich text", Rtf, zip_behind(&rtf())),
        ("a ZIP behind a compound file", Doc, zip_behind(&ole(&["WordDocument"]))),
        (
            "a ZIP in a PDF, before its end",
            Pdf,
            [&pdf()[..400], &zip(&[entry("run.exe", "MZ")]), b"\n%%EOF\n"].concat(),
        ),
        ("a RAR in a JPEG", Jpeg, [&jpeg()[..200], &rar5(&[("a", b"b", b"")]), &jpeg()[200..]].concat()),
        (
            "a program behind a JPEG, and the mark of an end",
            Jpeg,
            [&jpeg()[..], b"MZ<script>alert(1)</script>\xff\xd9"].concat(),
        ),
        ("a picture behind a JPEG, as cameras put it", Jpeg, [jpeg(), jpeg()].concat()),
        ("many blanks behind a JPEG", Jpeg, [&jpeg()[..], &[0; 1025]].concat()),
        ("a script behind a rich text, and a brace", Rtf, [&rtf()[..], b"<script>}"].concat()),
        ("a rich text behind a rich text", Rtf, [rtf(), rtf()].concat()),
        (
            "a ZIP and a blank behind a compound file",
            Xls,
            [&zip_behind(&ole(&["Workbook"]))[..], b" "].concat(),
        ),
        ("a program behind a compound file", Ppt, [&ole(&["PowerPoint Document"])[..], b"MZ"].concat()),
        ("text behind a PDF", Pdf, [&pdf()[..], b"<script>"].concat()),
        (
            "two PDFs' parts in an office document",
            Docx,
            office("word", &[entry("xl/workbook.xml", "<workbook/>")]),
        ),
        ("a ZIP behind a ZIP", Zip, zip_behind(&zip(&[entry("a", "b")]))),
        ("a comment that is another ZIP's end", Zip, zip_with(&[entry("a", "b")], b"PK\x05\x06 and so on")),
        ("a comment that is a PDF", Zip, zip_with(&[entry("a", "b")], b"%PDF-1.7")),
        ("something behind a RAR", Rar, [&rar5(&[("a", b"b", b"")])[..], b"MZ"].concat()),
        ("something behind an old RAR", Rar, [&rar4(&[("a", b"b")])[..], b"MZ"].concat()),
    ] {
        let code = code(format, &bytes);
        assert!(["document-polyglot", "document-format"].contains(&code), "{what}: {code}");
    }
    assert_eq!(
        code(Jpeg, &[&jpeg()[..], &[0; 1024]].concat()),
        "fits",
        "some programs fill up what they write"
    );
    let mut stored = entry("act.pdf", pdf());
    stored.deflated = false;
    assert_eq!(code(Zip, &zip(&[stored])), "fits", "an archive may hold a PDF as it is");
    assert_eq!(code(Zip, &before(b"MZ program that unpacks itself", &docx())), "document-format");
}

/// C4: what readers skip, and where they stop.
#[test]
fn pictures_and_texts_whose_parts_do_not_follow_one_another_are_refused() {
    let at = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark).unwrap();
    let jpeg = jpeg();
    let scan = at(&jpeg, b"\xff\xda");
    for (what, bytes) in [
        ("without a scan", [&jpeg[..scan], b"\xff\xd9"].concat()),
        ("without a frame", [&jpeg[..at(&jpeg, b"\xff\xc0")], &jpeg[scan..]].concat()),
        ("with something between segments", [&jpeg[..scan], b"<script>", &jpeg[scan..]].concat()),
        ("with a picture between segments", [&jpeg[..scan], &jpeg, &jpeg[scan..]].concat()),
        ("with a restart outside a scan", [&jpeg[..scan], b"\xff\xd0", &jpeg[scan..]].concat()),
        ("with a segment of no length", [&jpeg[..scan], b"\xff\xfe\0\x01", &jpeg[scan..]].concat()),
        ("with a mark that is none", [&jpeg[..jpeg.len() - 2], b"\xff\x02\xff\xd9"].concat()),
    ] {
        assert_eq!(code(Jpeg, &bytes), "document-damaged", "a JPEG {what}");
    }
    for (text, expected) in [
        (&b"{\\rtf1 {\\pict\\bin3 }}}}}"[..], "fits"),
        (b"{\\rtf1 {\\pict\\bin3 }}}}", "document-damaged"),
        (b"{\\rtf1 \\bin00000000003 }}}}", "document-damaged"),
        (b"{\\rtf1 \\bin-3 }}}}", "document-damaged"),
        (b"{\\rtf1 \\bin3}}}}", "document-damaged"),
        (b"{\\rtf1 \\BIN3 }}}}", "document-damaged"),
        (b"{\\rtf1 \\bina3 }  ", "fits"),
        (b"{\\rtf1 \\binary}  ", "fits"),
        (b"{\\rtf1 \\bin }   ", "fits"),
        (b"{\\rtf1 \\'}}}     ", "document-damaged"),
        (b"{\\rtf1 \\}}       ", "fits"),
        (b"{\\rtf1 \\\\}}     ", "document-polyglot"),
    ] {
        assert_eq!(code(Rtf, text), expected, "{}", String::from_utf8_lossy(text));
    }
}

/// C4: a compound file is as large as its own table says.
#[test]
fn compound_files_end_with_their_last_sector_however_large_they_are() {
    // Of sectors of either size, and with a table so long that its sectors are listed elsewhere.
    for (others, size) in [(2, 512), (500, 512), (3, 4096), (15_000, 512)] {
        let whole = ole_of(&["Workbook"], others, size);
        for (behind, expected) in [
            (&b""[..], "fits"),
            (b"\0\0", "fits"),
            (b"MZ", "document-polyglot"),
            (&zip(&[entry("run.exe", "MZ")]), "document-polyglot"),
        ] {
            let bytes = [&whole[..], behind].concat();
            for pieces in [4096, 1_000_003] {
                let found = inspect(Xls, &bytes, pieces).map_or_else(|unfit| unfit.code(), |_| "fits");
                assert_eq!(found, expected, "{others} sectors of {size} bytes, {} behind", behind.len());
            }
        }
        let far = [&whole[..], &vec![0; 70_000], b"MZ"].concat();
        assert_eq!(inspect(Xls, &far, 4096).unwrap_err().code(), "document-polyglot");
    }
    let mut backwards = ole_of(&["Workbook"], 15_000, 512);
    backwards[68..72].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert_eq!(inspect(Xls, &backwards, 4096).unwrap_err().code(), "archive-unchecked");
    let mut without = ole(&["Workbook"]);
    without[44..48].fill(0);
    assert_eq!(code(Xls, &without), "document-damaged");
    without[44..48].fill(0xff);
    assert_eq!(code(Xls, &without), "archive-unchecked");
}

/// C4
#[test]
fn archives_whose_entries_lead_elsewhere_are_refused() {
    for name in ["../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\a", "..\\a", "a\0.pdf", "a/.. /b", ""] {
        assert_eq!(code(Zip, &zip(&[entry(name, "x")])), "archive-name", "{name:?}");
        assert_eq!(code(Docx, &office("word", &[entry(name, "x")])), "archive-name", "{name:?}");
    }
    for name in ["../a", "/a", "a/../b", "..\\a", ""] {
        assert_eq!(code(Rar, &rar5(&[(name, b"x", b"")])), "archive-name", "{name:?}");
        assert_eq!(code(Rar, &rar4(&[(name, b"x")])), "archive-name", "{name:?}");
    }
    let within = zip(&[entry("inner.zip", zip(&[entry("../a", "x")]))]);
    assert_eq!(code(Zip, &within), "archive-name", "in an archive in the archive");
    let mut twice = entry("a", "x");
    twice.local = |record| {
        let field = [&0x7075_u16.to_le_bytes()[..], &6_u16.to_le_bytes(), &[1, 0, 0, 0, 0, b'b']].concat();
        record[28..30].copy_from_slice(&10_u16.to_le_bytes());
        record.extend_from_slice(&field);
    };
    assert_eq!(code(Zip, &zip(&[twice])), "archive-name", "a second name in a field of its own");
}

/// C4: readers believe modes of more systems than two, and modes that stand in fields of their own.
#[test]
fn links_in_zip_archives_are_refused_whatever_system_they_are_said_to_be_of() {
    let links = |tampers: [fn(&mut Vec<u8>); 2]| {
        let mut link = entry("link", "/etc/passwd");
        [link.local, link.central] = tampers;
        code(Zip, &zip(&[link]))
    };
    for system in 0..=u8::MAX {
        let archive = |mode: u32| {
            let mut archive = zip(&[entry("link", "/etc/passwd")]);
            let record = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
            archive[record + 5] = system;
            archive[record + 38..record + 42].copy_from_slice(&mode.to_le_bytes());
            archive
        };
        assert_eq!(code(Zip, &archive(0xa1ff_0000)), "archive-link", "of system {system}");
        assert_eq!(code(Zip, &archive(0x81a4_0020)), "fits", "of system {system}");
    }
    let plain: fn(&mut Vec<u8>) = |_| {};
    // ASi's field has a mode, and so has what libarchive writes into streams; PKWARE's has a link's target.
    let asi: fn(&mut Vec<u8>) =
        |record| adds(record, 0x756e, &[&[0; 4][..], &[0xff, 0xa1], &[0; 8]].concat());
    let asi_of_file: fn(&mut Vec<u8>) =
        |record| adds(record, 0x756e, &[&[0; 4][..], &[0xa4, 0x81], &[0; 8]].concat());
    let unix: fn(&mut Vec<u8>) = |record| adds(record, 0x000d, &[&[0; 12][..], b"/etc"].concat());
    let unix_of_file: fn(&mut Vec<u8>) = |record| adds(record, 0x000d, &[0; 12]);
    let streamed: fn(&mut Vec<u8>) = |record| adds(record, 0x6c78, &[4, 0, 0, 0xff, 0xa1]);
    for (tamper, expected) in [
        (asi, "archive-link"),
        (asi_of_file, "fits"),
        (unix, "archive-link"),
        (unix_of_file, "fits"),
        (streamed, "archive-unchecked"),
    ] {
        assert_eq!(links([tamper, plain]), expected);
        assert_eq!(links([plain, tamper]), expected);
    }
}

/// Puts a field behind the name of a record that has none.
fn adds(record: &mut Vec<u8>, id: u16, field: &[u8]) {
    let at = if record.starts_with(b"PK\x03") { 28 } else { 30 };
    record[at..at + 2].copy_from_slice(&(field.len() as u16 + 4).to_le_bytes());
    record.extend_from_slice(&[id.to_le_bytes(), (field.len() as u16).to_le_bytes()].concat());
    record.extend_from_slice(field);
}

/// C4: what a redirection is, its type says, not its flags.
#[test]
fn links_and_copies_in_rar_archives_are_refused_whatever_their_flags_say() {
    for kind in 1..=5 {
        for flags in [0, 1, 5] {
            let extra = [8, 5, kind, flags, 4, b'/', b'e', b't', b'c'];
            let archive = rar5(&[("a", b"x", b""), ("link", b"", &extra)]);
            assert_eq!(code(Rar, &archive), "archive-link", "{kind} {flags}");
            let service = rar5_block(3, "CMT", b"text", &extra);
            assert_eq!(code(Rar, &rar5_of(&[rar5_block(2, "a", b"x", b""), service])), "archive-link");
        }
    }
    for (mode, expected) in
        [(0x81a4, "fits"), (0x41ed, "fits"), (0xa1ff, "archive-link"), (0x21ff, "archive-link")]
    {
        assert_eq!(
            code(Rar, &rar5_of(&[rar5_block_of(2, "a", b"/etc", b"", [mode, 1])])),
            expected,
            "{mode:x}"
        );
        for system in [3, 4, 5, 9] {
            let archive = rar4_of(&[rar4_block(0x74, "a", b"/etc", [mode, system])]);
            assert_eq!(code(Rar, &archive), expected, "{mode:x} of system {system}");
        }
    }
    // On Windows these are other attributes.
    assert_eq!(code(Rar, &rar5_of(&[rar5_block_of(2, "a", b"x", b"", [0x2020, 0])])), "fits");
}

/// C4: what stands in an archive beside its files.
#[test]
fn records_of_rar_archives_that_are_not_known_to_be_harmless_are_refused() {
    let beside = |record: Vec<u8>| rar5_of(&[rar5_block(2, "a", b"x", b""), record]);
    for (name, expected) in [
        ("CMT", "fits"),
        ("RR", "fits"),
        ("STM", "archive-unchecked"),
        ("ACL", "archive-unchecked"),
        ("cmt", "archive-unchecked"),
        ("", "archive-unchecked"),
        ("new", "archive-unchecked"),
    ] {
        let subdata = [&[9, 7][..], b":\\..\\a.l"].concat();
        for extra in [&[][..], &subdata] {
            assert_eq!(code(Rar, &beside(rar5_block(3, name, b"data", extra))), expected, "{name}");
        }
        let old = rar4_of(&[rar4_block(0x74, "a", b"x", [0x20, 2]), rar4_block(0x7a, name, b"data", [0, 2])]);
        assert_eq!(code(Rar, &old), expected, "{name} of old");
    }
    assert_eq!(code(Rar, &beside(rar5_header(&[6, 0]))), "archive-unchecked", "of a kind that is to come");
    let subblock = rar4_header(0x77, 0, &[5, 1, 0]);
    assert_eq!(code(Rar, &rar4_of(&[subblock])), "archive-unchecked", "streams as older archives have them");
}

/// C4: readers may take a quick open record's copies of headers instead of the headers.
#[test]
fn copies_of_headers_in_rar_archives_are_those_of_its_headers() {
    let files: [(&str, &[u8]); 2] = [("папка/act.pdf", b"data"), ("act.txt", b"more data")];
    assert_eq!(code(Rar, &rar5_quick(&files, |_| {}, 0)), "fits");
    let renamed = |header: &mut Vec<u8>| {
        let fields =
            header[5..].iter().map(|byte| if *byte == b'x' { b'e' } else { *byte }).collect::<Vec<u8>>();
        *header = rar5_header(&fields);
    };
    for (what, archive) in [
        ("another name", rar5_quick(&files, renamed, 0)),
        ("a header and more", rar5_quick(&files, |header| header.push(0), 0)),
        ("no header", rar5_quick(&files, Vec::clear, 0)),
        ("said to stand elsewhere", rar5_quick(&files, |_| {}, 1)),
        ("said to stand nowhere", rar5_quick(&files, |_| {}, 1 << 30)),
    ] {
        assert_eq!(code(Rar, &archive), "archive-inconsistent", "{what}");
    }
    let broken = rar5_of(&[rar5_block(2, "a", b"x", b""), rar5_block(3, "QO", b"not copies", b"")]);
    assert_ne!(code(Rar, &broken), "fits");
    let twice = [&rar5(&[("a", b"x", b"")])[..22 - 6], &rar5(&[("a", b"x", b"")])[8..]].concat();
    assert_eq!(code(Rar, &twice), "archive-inconsistent", "that begins twice");
    let headless =
        [&b"Rar!\x1a\x07\x01\x00"[..], &rar5_block(2, "a", b"x", b""), &rar5_header(&[5, 0, 0])].concat();
    assert_eq!(code(Rar, &headless), "archive-inconsistent", "that does not begin");
}

/// C4: macros are what parts are said to be, not what they are called.
#[test]
fn macros_are_found_whatever_their_part_is_called() {
    let types = |main: &str| {
        let part = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types><Override PartName=\"/word/document.xml\" ContentType=\"{}\"/></Types>",
            if main.is_empty() { part } else { main }
        );
        entry("[Content_Types].xml", text)
    };
    let relationships = |kind: &str| {
        let text = format!(
            "<Relationships><Relationship Type=\"http://schemas.microsoft.com/office/2006/relationships/{kind}\" Target=\"project.dat\"/></Relationships>"
        );
        entry("word/_rels/document.xml.rels", text)
    };
    let document = |types: Entry, relationships: Entry, streamed: bool| {
        let mut parts =
            [relationships, entry("word/document.xml", "<document/>"), entry("word/project.dat", "x"), types];
        parts.iter_mut().for_each(|part| part.descriptor = streamed);
        zip(&parts)
    };
    for streamed in [false, true] {
        for (kind, related, expected) in [
            ("", "image", "fits"),
            ("", "vbaProject", "document-macros"),
            ("application/vnd.ms-word.document.macroEnabled.main+xml", "image", "document-macros"),
            ("application/vnd.ms-office.vbaProject", "image", "document-macros"),
            ("application/vnd.ms-&#119;ord.document.macro&#x45;nabled.main+xml", "image", "document-macros"),
        ] {
            let document = document(types(kind), relationships(related), streamed);
            assert_eq!(code(Docx, &document), expected, "{kind} {related}");
            let within = zip(&[entry("act.docx", document)]);
            assert_eq!(code(Zip, &within), "fits", "an archive does not say that it holds none");
        }
    }
    let pieces = office("word", &[entry("[Content_Types].xml/[0].piece", "<Types>")]);
    assert_eq!(code(Docx, &pieces), "archive-unchecked");
    let defined = office("word", &[entry("word/_rels/document.xml.rels", "<!DOCTYPE a>")]);
    assert_eq!(code(Docx, &defined), "archive-unchecked");
    assert_eq!(code(Zip, &zip(&[entry("a.rels", "<!DOCTYPE a>")])), "fits", "no office document");
}

/// C4
#[test]
fn bombs_are_refused_before_they_unpack() {
    assert_eq!(code(Docx, &docx_bomb(50 << 20)), "archive-bomb");
    assert_eq!(code(Docx, &docx_bomb(1 << 20)), "fits", "what is small may be as dense as it likes");
    let mut archive = zip(&[entry("a", "x")]);
    for _ in 0..3 {
        archive = zip(&[entry("inner.zip", archive)]);
    }
    assert_eq!(code(Zip, &archive), "fits");
    assert_eq!(code(Zip, &zip(&[entry("inner.zip", archive)])), "archive-depth");
    let many: Vec<Entry> = (0..10_001).map(|at| entry(format!("{at}"), "")).collect();
    assert_eq!(inspect(Zip, &zip(&many), usize::MAX), Err(Unfit::Entries(10_000)));
    let within = zip(&[entry("inner.docx", docx_bomb(50 << 20))]);
    assert_eq!(inspect(Zip, &within, 4096), Err(Unfit::Bomb));
    let mut spread: Vec<Entry> = vec![entry("a", vec![0; 1 << 20]); 30];
    spread.iter_mut().enumerate().for_each(|(at, one)| one.name = format!("{at}").into());
    let limits = ArchiveLimits { unpacked_bytes: 20 << 20, ..ArchiveLimits::default() };
    let mut inspection = Inspection::new(Zip, 100 << 20, limits);
    assert_eq!(inspection.push(&zip(&spread)), Err(Unfit::Bomb), "many small ones are one large one");
    let header = [2, 2, 3, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0x20, 0, 1, 1, b'a'];
    let claims = [b"Rar!\x1a\x07\x01\x00".to_vec(), rar5_header(&[1, 0, 0]), rar5_header(&header)].concat();
    assert_eq!(inspect(Rar, &claims, usize::MAX), Err(Unfit::Bomb), "that says so itself");
}

/// C4: what readers that begin at the end would see must be what those see that begin at the start.
#[test]
fn archives_that_contradict_themselves_are_refused() {
    type Tamper = fn(&mut Entry);
    for (what, tamper, expected) in [
        (
            "another name in the directory",
            (|one| one.central = |record| record[46] = b'z') as Tamper,
            "archive-inconsistent",
        ),
        ("another checksum", |one| one.central = |record| record[16] ^= 1, "archive-inconsistent"),
        ("another size", |one| one.central = |record| record[24] ^= 1, "archive-inconsistent"),
        ("another place", |one| one.central = |record| record[42] ^= 1, "archive-inconsistent"),
        ("another packing", |one| one.central = |record| record[10] = 0, "archive-inconsistent"),
        ("a checksum that is wrong", |one| one.local = |record| record[14] ^= 1, "archive-inconsistent"),
        ("a size that is wrong", |one| one.local = |record| record[22] ^= 1, "archive-inconsistent"),
        ("encrypted", |one| one.local = |record| record[6] |= 1, "document-encrypted"),
        ("encrypted in the directory", |one| one.central = |record| record[8] |= 1, "document-encrypted"),
        ("packed otherwise", |one| one.local = |record| record[8] = 14, "archive-unchecked"),
        (
            "without an end",
            |one| {
                one.deflated = false;
                one.descriptor = true;
            },
            "archive-unchecked",
        ),
        ("a record that is no record", |one| one.central = |record| record[0] = b'p', "archive-inconsistent"),
    ] {
        let mut tampered = entry("b", "x".repeat(100));
        tamper(&mut tampered);
        assert_eq!(code(Zip, &zip(&[entry("a", "y"), tampered])), expected, "{what}");
    }
    let twice = zip(&[entry("Act.pdf", "x"), entry("act.pdf", "y")]);
    assert_eq!(code(Zip, &twice), "archive-inconsistent", "one name for systems that know no case");
    let mut gap = zip(&[entry("a", "x")]);
    let directory = gap.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    gap.splice(directory..directory, b"hidden".iter().copied());
    assert_eq!(code(Zip, &gap), "archive-inconsistent");
    let whole = zip(&[entry("a", "x"), entry("b", "y")]);
    let second = whole.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    let end = whole.len() - 22;
    let mut hidden = [&whole[..second], &whole[end..]].concat();
    hidden.truncate(second + 22);
    assert_eq!(code(Zip, &hidden), "archive-inconsistent", "an entry that the directory does not name");
    assert_eq!(code(Docx, &office("word", &[entry("word/vbaProject.bin", "x")])), "document-macros");
    assert_eq!(code(Doc, &ole(&["EncryptionInfo", "EncryptedPackage"])), "document-encrypted");
    assert_eq!(code(Rar, &rar5(&[("a", b"x", &[1, 1])])), "document-encrypted");
    let encrypted = [b"Rar!\x1a\x07\x01\x00".to_vec(), rar5_header(&[4, 0, 0, 0, 0])].concat();
    assert_eq!(code(Rar, &encrypted), "document-encrypted");
}

#[test]
fn archives_as_streaming_writers_and_large_ones_make_them_fit() {
    let (mut streamed, mut wide, mut both) = (entry("a", "x".repeat(300)), entry("b", "y"), entry("c", "z"));
    (streamed.descriptor, wide.zip64, both.descriptor, both.zip64) = (true, true, true, true);
    let mut stored = entry("d", "stored");
    stored.deflated = false;
    let archive = zip_with(&[streamed, wide, both, stored, entry("e/", "")], "түсініктеме".as_bytes());
    assert_eq!(code(Zip, &archive), "fits");
}

proptest! {
    /// Whatever comes, cut wherever: no panic, and the same verdict.
    #[test]
    fn what_passes_does_not_depend_on_where_it_is_cut(
        which in 0..16_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(1..600_usize, 1..6),
    ) {
        let (format, mut bytes) = all().swap_remove(which);
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = inspect(format, &bytes, usize::MAX);
        let mut inspection = Inspection::new(format, 100 << 20, ArchiveLimits::default());
        let (mut rest, mut pushed) = (&bytes[..], Ok(()));
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pushed = pushed.and_then(|()| inspection.push(piece));
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(pushed.and_then(|()| inspection.finish()).ok(), whole.ok());
    }

    /// Arbitrary bytes behind each sign.
    #[test]
    fn arbitrary_bytes_panic_nothing(
        which in 0..16_usize,
        keep in 0..64_usize,
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let (format, bytes) = all().swap_remove(which);
        let bytes = [&bytes[..keep.min(bytes.len())], &noise].concat();
        let _ = judge(format, &bytes);
    }
}
