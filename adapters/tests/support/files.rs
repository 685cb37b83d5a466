//! Documents of every format, well-formed ones and hostile ones, made by hand so that each byte is the test's own.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// An entry of a ZIP archive to be.
#[derive(Clone)]
pub struct Entry {
    /// Its name, as it stands there.
    pub name: Vec<u8>,
    /// What it unpacks to.
    pub data: Vec<u8>,
    /// Whether it is packed by Deflate.
    pub deflated: bool,
    /// Whether sizes and checksum stand behind the data.
    pub descriptor: bool,
    /// Whether sizes stand in the ZIP64 field.
    pub zip64: bool,
    /// What is done to the local header.
    pub local: fn(&mut Vec<u8>),
    /// What is done to the directory's record.
    pub central: fn(&mut Vec<u8>),
}

/// An entry that is packed as most are.
pub fn entry(name: impl AsRef<[u8]>, data: impl Into<Vec<u8>>) -> Entry {
    Entry {
        name: name.as_ref().to_vec(),
        data: data.into(),
        deflated: true,
        descriptor: false,
        zip64: false,
        local: |_| {},
        central: |_| {},
    }
}

/// An archive of these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, b"")
}

/// An archive of these entries, with a comment.
pub fn zip_with(entries: &[Entry], comment: &[u8]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let packed = if entry.deflated { deflated(&entry.data) } else { entry.data.clone() };
        let crc = crc(&entry.data);
        let flags: u16 = 1 << 11 | u16::from(entry.descriptor) << 3;
        let method: u16 = if entry.deflated { 8 } else { 0 };
        let sizes = [packed.len() as u64, entry.data.len() as u64];
        let at = file.len() as u32;
        let wide = |numbers: &[u64]| {
            let mut field = [1_u16.to_le_bytes(), (8 * numbers.len() as u16).to_le_bytes()].concat();
            numbers.iter().for_each(|number| field.extend_from_slice(&number.to_le_bytes()));
            field
        };
        let extra = if entry.zip64 { wide(&[sizes[1], sizes[0]]) } else { Vec::new() };
        let short = |size: u64| if entry.zip64 { u32::MAX } else { size as u32 };
        let common = |known: bool| {
            let mut record = Vec::new();
            record.extend_from_slice(&45_u16.to_le_bytes());
            record.extend_from_slice(&flags.to_le_bytes());
            record.extend_from_slice(&method.to_le_bytes());
            record.extend_from_slice(&[0; 4]);
            record.extend_from_slice(&if known { crc } else { 0 }.to_le_bytes());
            for size in sizes {
                record.extend_from_slice(&if known { short(size) } else { short(0) }.to_le_bytes());
            }
            record.extend_from_slice(&(entry.name.len() as u16).to_le_bytes());
            record.extend_from_slice(&(extra.len() as u16).to_le_bytes());
            record
        };
        let mut local =
            [b"PK\x03\x04".to_vec(), common(!entry.descriptor), entry.name.clone(), extra.clone()].concat();
        (entry.local)(&mut local);
        file.extend_from_slice(&local);
        file.extend_from_slice(&packed);
        if entry.descriptor {
            file.extend_from_slice(b"PK\x07\x08");
            file.extend_from_slice(&crc.to_le_bytes());
            for size in sizes {
                file.extend_from_slice(&size.to_le_bytes()[..if entry.zip64 { 8 } else { 4 }]);
            }
        }
        let mut central = [b"PK\x01\x02\x2d\x03".to_vec(), common(true)].concat();
        central.extend_from_slice(&[0; 10]); // comment, disk, attributes
        central.extend_from_slice(&at.to_le_bytes());
        central.extend_from_slice(&entry.name);
        central.extend_from_slice(&extra);
        (entry.central)(&mut central);
        directory.extend_from_slice(&central);
    }
    let (count, at) = (entries.len() as u16, file.len() as u32);
    let bytes = directory.len() as u32;
    file.extend_from_slice(&directory);
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    file.extend_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    file.extend_from_slice(&[bytes.to_le_bytes(), at.to_le_bytes()].concat());
    file.extend_from_slice(&(comment.len() as u16).to_le_bytes());
    file.extend_from_slice(comment);
    file
}

/// An office document: its parts stand in that folder, beside these.
pub fn office(folder: &str, more: &[Entry]) -> Vec<u8> {
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
    let main = entry(format!("{folder}/document.xml"), "<document>Акт</document>".repeat(50));
    zip(&[&[entry("[Content_Types].xml", types), entry("_rels/.rels", "<Relationships/>"), main], more]
        .concat())
}

/// A text document.
pub fn docx() -> Vec<u8> {
    office("word", &[])
}

/// A text document of so many bytes: most of it a picture that does not pack.
pub fn docx_of(bytes: usize) -> Vec<u8> {
    let with = |count: usize| {
        let mut picture = entry("word/media/image1.jpeg", noise(count));
        picture.deflated = false;
        office("word", &[picture])
    };
    let bare = with(0).len();
    with(bytes.checked_sub(bare).expect("it has room for its parts"))
}

/// A text document that unpacks to so many bytes of nothing.
pub fn docx_bomb(bytes: usize) -> Vec<u8> {
    office("word", &[entry("word/media/image1.bmp", vec![0; bytes])])
}

/// A PDF of so many bytes.
pub fn pdf_of(bytes: usize) -> Vec<u8> {
    let (begin, end) = (b"%PDF-1.7\n1 0 obj\nstream\n", b"\nendstream\nendobj\nstartxref\n0\n%%EOF\n");
    let mut file = begin.to_vec();
    let room = bytes.checked_sub(begin.len() + end.len()).expect("a PDF has room for its frame");
    file.extend_from_slice(&noise(room));
    file.extend_from_slice(end);
    file
}

/// A small PDF.
pub fn pdf() -> Vec<u8> {
    pdf_of(500)
}

/// A small TIFF.
pub fn tiff() -> Vec<u8> {
    b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()
}

/// A small JPEG, with restart markers and a comment.
pub fn jpeg() -> Vec<u8> {
    let coded = [coded(100), b"\xff\xd0".to_vec(), coded(100), b"\xff\xd1".to_vec(), coded(100)].concat();
    let parts = [
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        segment(0xfe, b"A comment."),
        segment(0xdb, &[8; 65]),
        segment(0xc0, b"\x08\0\x10\0\x10\x01\x01\x11\0"),
        segment(0xc4, &[[0; 17].as_slice(), &[1; 3]].concat()),
        segment(0xdd, b"\0\x02"),
        segment(0xda, b"\x01\x01\0\0\x3f\0"),
        coded,
    ];
    [&b"\xff\xd8"[..], &parts.concat(), b"\xff\xd9"].concat()
}

/// A JPEG as cameras and web servers make them: with a thumbnail, in several scans with tables between them, and fill bytes.
pub fn jpeg_progressive() -> Vec<u8> {
    let tables = || segment(0xc4, &[[0; 17].as_slice(), &[2; 3]].concat());
    let scan = |chosen: u8| [segment(0xda, &[1, 1, 0, chosen, chosen, 0]), coded(90)].concat();
    let parts = [
        segment(0xe1, &[b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0", &jpeg()[..]].concat()),
        segment(0xe2, b"ICC_PROFILE\0\x01\x01"),
        segment(0xdb, &[8; 65]),
        b"\xff\xff".to_vec(),
        segment(0xc2, b"\x08\0\x10\0\x10\x01\x01\x11\0"),
        tables(),
        scan(0),
        tables(),
        scan(1),
        scan(2),
    ];
    [&b"\xff\xd8"[..], &parts.concat(), b"\xff\xd9"].concat()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(content.len() as u16 + 2).to_be_bytes(), content].concat()
}

/// What is coded between segments: behind `FF` stands a nought.
fn coded(count: usize) -> Vec<u8> {
    let bytes = [noise(count), vec![0xff, 0xd9]].concat();
    bytes.iter().flat_map(|byte| if *byte == 0xff { vec![0xff, 0] } else { vec![*byte] }).collect()
}

/// A small rich text.
pub fn rtf() -> Vec<u8> {
    b"{\\rtf1\\ansi Act}\r\n".to_vec()
}

/// A rich text with braces that are none: escaped, and in what is counted off.
pub fn rtf_rich() -> Vec<u8> {
    let text: [&[u8]; 5] = [
        b"{\\rtf1\\ansi\\ansicpg1251\\deff0{\\fonttbl{\\f0\\fcharset204 Arial;}}\r\n",
        b"{\\*\\generator A program;}\\pard\\'c0\\'ea\\'f2 \\{7\\} \\\\ \\u1178\\'3f\\par\r\n",
        b"{\\pict\\pngblip\\bin9 }}{{\\}\xff\0}}",
        b"{\\b0\\i-1\\bin0 x}\\~\\\n",
        b"}\r\n\0",
    ];
    text.concat()
}

/// A compound file whose directory names these streams.
pub fn ole(streams: &[&str]) -> Vec<u8> {
    ole_of(streams, 2, 512)
}

/// The same, with so many sectors of other things, of that size.
pub fn ole_of(streams: &[&str], others: usize, size: usize) -> Vec<u8> {
    let mut directory = Vec::new();
    for (name, kind) in [("Root Entry", 5)].into_iter().chain(streams.iter().map(|name| (*name, 2))) {
        let mut record: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bytes = record.len() as u16 + 2;
        record.resize(64, 0);
        record.extend_from_slice(&bytes.to_le_bytes());
        record.push(kind);
        record.resize(128, 0);
        directory.extend_from_slice(&record);
    }
    directory.resize(directory.len().next_multiple_of(size), 0);
    let (numbers, listed) = (size / 4, 109);
    let used = others + directory.len() / size;
    // The table has its own sectors in it, and those that list them.
    let (mut table, mut lists) = (1, 0);
    while used + table + lists > table * numbers {
        table += 1;
        lists = table.saturating_sub(listed).div_ceil(numbers - 1);
    }
    let first = (lists + used) as u32;
    let sectors: Vec<u32> = (first..first + table as u32).collect();
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(24, 0);
    for number in if size == 512 { [0x3e_u16, 3, 0xfffe, 9, 6] } else { [0x3e, 4, 0xfffe, 12, 6] } {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header.resize(44, 0);
    let end = 0xffff_fffe_u32;
    let fields = [
        table as u32,
        (lists + others) as u32,
        0,
        4096,
        end,
        0,
        if lists > 0 { 0 } else { end },
        lists as u32,
    ];
    fields.iter().for_each(|field| header.extend_from_slice(&field.to_le_bytes()));
    sectors.iter().take(listed).for_each(|sector| header.extend_from_slice(&sector.to_le_bytes()));
    header.resize(512, 0xff);
    header.resize(size, 0);
    let mut file = header;
    let rest: Vec<&[u32]> = sectors.get(listed..).unwrap_or_default().chunks(numbers - 1).collect();
    for (nth, sectors) in rest.iter().enumerate() {
        let mut list: Vec<u8> = sectors.iter().flat_map(|sector| sector.to_le_bytes()).collect();
        list.resize(size - 4, 0xff);
        let next = if nth + 1 < rest.len() { nth as u32 + 1 } else { end };
        list.extend_from_slice(&next.to_le_bytes());
        file.extend_from_slice(&list);
    }
    file.extend_from_slice(&noise(others * size));
    file.extend_from_slice(&directory);
    let mut numbers: Vec<u8> = Vec::new();
    (0..lists + used + table).for_each(|_| numbers.extend_from_slice(&end.to_le_bytes()));
    numbers.resize(table * size, 0xff);
    file.extend_from_slice(&numbers);
    file
}

/// A RAR 5 archive of files that are not packed: name, data, and what extra records it has.
pub fn rar5(files: &[(&str, &[u8], &[u8])]) -> Vec<u8> {
    let blocks: Vec<Vec<u8>> =
        files.iter().map(|(name, data, extra)| rar5_block(2, name, data, extra)).collect();
    rar5_of(&blocks)
}

/// A RAR 5 archive of these blocks.
pub fn rar5_of(blocks: &[Vec<u8>]) -> Vec<u8> {
    [b"Rar!\x1a\x07\x01\x00".to_vec(), rar5_header(&[1, 0, 0]), blocks.concat(), rar5_header(&[5, 0, 0])]
        .concat()
}

/// A file (2) or a service record (3) of RAR 5 that is not packed.
pub fn rar5_block(kind: u8, name: &str, data: &[u8], extra: &[u8]) -> Vec<u8> {
    rar5_block_of(kind, name, data, extra, [0x20, 0])
}

/// The same, with these attributes and of that system.
pub fn rar5_block_of(kind: u8, name: &str, data: &[u8], extra: &[u8], [mode, system]: [u16; 2]) -> Vec<u8> {
    let mut fields = vec![kind, if extra.is_empty() { 2 } else { 3 }];
    if !extra.is_empty() {
        fields.extend_from_slice(&number(extra.len() as u64));
    }
    fields.extend_from_slice(&number(data.len() as u64));
    fields.push(0);
    fields.extend_from_slice(&number(data.len() as u64));
    fields.extend_from_slice(&number(mode.into()));
    fields.extend_from_slice(&[0, system as u8]);
    fields.extend_from_slice(&number(name.len() as u64));
    fields.extend_from_slice(name.as_bytes());
    fields.extend_from_slice(extra);
    [rar5_header(&fields), data.to_vec()].concat()
}

/// A RAR 5 archive as its own program makes it with a comment and a recovery record: before its end stand copies of its
/// headers. Of the last file's header another copy may be made, and the copies may be said to stand so much further behind.
pub fn rar5_quick(files: &[(&str, &[u8])], copied: fn(&mut Vec<u8>), further: u64) -> Vec<u8> {
    let sign = b"Rar!\x1a\x07\x01\x00".to_vec();
    let mut blocks = vec![rar5_block(3, "CMT", b"A comment.\0", b"")];
    blocks.extend(files.iter().map(|(name, data)| rar5_block(2, name, data, b"")));
    let main = |quick_at: u64| {
        let offset: Vec<u8> =
            (0..5).map(|at| (quick_at >> (7 * at)) as u8 & 0x7f | u8::from(at < 4) << 7).collect();
        rar5_header(&[&[1, 5, 8, 0, 7, 1, 1][..], &offset].concat())
    };
    let before = (main(0).len() + blocks.iter().map(Vec::len).sum::<usize>()) as u64;
    let mut copies = Vec::new();
    let mut at = main(0).len() as u64;
    for (block, data) in blocks.iter().zip([11].into_iter().chain(files.iter().map(|(_, data)| data.len()))) {
        let mut header = block[..block.len() - data].to_vec();
        if at as usize + block.len() == before as usize {
            copied(&mut header);
        }
        let fields = [vec![0], number(before - at), number(header.len() as u64), header].concat();
        copies.extend_from_slice(&rar5_header(&fields));
        at += block.len() as u64;
    }
    blocks.push(rar5_block(3, "QO", &copies, b""));
    blocks.push(rar5_block(3, "RR", &noise(200), &[2, 7, 3]));
    [sign, main(before + further), blocks.concat(), rar5_header(&[5, 0, 0])].concat()
}

/// A header of RAR 5 with these fields.
pub fn rar5_header(fields: &[u8]) -> Vec<u8> {
    let sized = [number(fields.len() as u64), fields.to_vec()].concat();
    [crc(&sized).to_le_bytes().to_vec(), sized].concat()
}

/// A RAR 4 archive of files that are not packed.
pub fn rar4(files: &[(&str, &[u8])]) -> Vec<u8> {
    let blocks: Vec<Vec<u8>> =
        files.iter().map(|(name, data)| rar4_block(0x74, name, data, [0x20, 2])).collect();
    rar4_of(&blocks)
}

/// A RAR 4 archive of these blocks.
pub fn rar4_of(blocks: &[Vec<u8>]) -> Vec<u8> {
    let main = rar4_header(0x73, 0, &[0; 6]);
    [b"Rar!\x1a\x07\x00".to_vec(), main, blocks.concat(), rar4_header(0x7b, 0x4000, &[])].concat()
}

/// A file (0x74) or a service record (0x7a) of RAR 4 that is not packed, with these attributes and of that system.
pub fn rar4_block(kind: u8, name: &str, data: &[u8], [mode, system]: [u16; 2]) -> Vec<u8> {
    let size = (data.len() as u32).to_le_bytes();
    let mut fields = [size, size].concat();
    fields.push(system as u8);
    fields.extend_from_slice(&crc(data).to_le_bytes());
    fields.extend_from_slice(&[0, 0, 0, 0, 29, 0x30]);
    fields.extend_from_slice(&(name.len() as u16).to_le_bytes());
    fields.extend_from_slice(&u32::from(mode).to_le_bytes());
    fields.extend_from_slice(name.as_bytes());
    [rar4_header(kind, 0x8000, &fields), data.to_vec()].concat()
}

/// A header of RAR 4.
pub fn rar4_header(kind: u8, flags: u16, fields: &[u8]) -> Vec<u8> {
    let mut header = vec![kind];
    header.extend_from_slice(&flags.to_le_bytes());
    header.extend_from_slice(&(7 + fields.len() as u16).to_le_bytes());
    header.extend_from_slice(fields);
    [(crc(&header) as u16).to_le_bytes().to_vec(), header].concat()
}

/// Bytes that do not pack, the same each time.
pub fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let bits = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(bits);
            return bytes;
        }
        bytes.push(bits | 0x80);
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).expect("memory takes what it is given");
    packer.finish().expect("memory takes what it is given")
}
