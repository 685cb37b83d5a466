//! One document as it passes: is it what it was declared to be, and nothing else?

use agreements::DocumentFormat;

use super::jpeg::Jpeg;
use super::limits::Used;
use super::lookout::Lookout;
use super::ole::Ole;
use super::rar::Rar;
use super::rtf::Rtf;
use super::sniff::{self, Beginning};
use super::tail::{Strictness, Tail};
use super::zip::Zip;
use super::{ArchiveLimits, Unfit};

/// One document as it passes.
#[derive(Debug)]
pub struct Inspection {
    declared: DocumentFormat,
    most: u64,
    bytes: u64,
    /// The first bytes, until they say what begins here.
    head: Vec<u8>,
    reader: Option<Reader>,
    used: Used,
}

#[derive(Debug)]
enum Reader {
    Plain { plain: Plain, tail: Tail, pdf: Lookout, rar: Lookout },
    Ole { ole: Ole, tail: Tail, pdf: Lookout },
    Zip { zip: Box<Zip>, pdf: Lookout },
    Rar(Box<Rar>),
}

/// What holds no others.
#[derive(Debug)]
enum Plain {
    Pdf,
    /// Where its first directory is said to stand.
    Tiff(u64),
    Jpeg(Jpeg),
    Rtf(Rtf),
}

impl Inspection {
    /// A document that is declared to be of a format, of `most` bytes at most.
    pub fn new(declared: DocumentFormat, most: u64, limits: ArchiveLimits) -> Self {
        Self { declared, most, bytes: 0, head: Vec::new(), reader: None, used: Used::none(limits) }
    }

    /// Which of `formats` a document's media type and name declare it to be; either may be missing, and they agree.
    ///
    /// # Errors
    /// [`Unfit::Undeclared`].
    pub fn declared(
        formats: &[DocumentFormat],
        media_type: Option<&str>,
        name: Option<&str>,
    ) -> Result<DocumentFormat, Unfit> {
        let of_type = media_type.map(DocumentFormat::of_media_type);
        let of_name = name.map(DocumentFormat::of_name);
        let declared = match (of_type, of_name) {
            (Some(Some(one)), Some(Some(other))) if one == other => one,
            (Some(Some(one)), None) | (None, Some(Some(one))) => one,
            _ => return Err(Unfit::Undeclared),
        };
        if formats.contains(&declared) { Ok(declared) } else { Err(Unfit::Undeclared) }
    }

    /// Looks at the next bytes.
    ///
    /// # Errors
    /// [`Unfit`]: nothing more of it may pass. What it says afterwards means nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.most {
            return Err(Unfit::TooLarge(self.most));
        }
        if self.reader.is_some() {
            return self.read(bytes);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < sniff::BYTES {
            return Ok(());
        }
        self.begin()
    }

    /// Says at the end what it was.
    ///
    /// # Errors
    /// [`Unfit`]: the last bytes may not pass.
    pub fn finish(mut self) -> Result<DocumentFormat, Unfit> {
        if self.reader.is_none() {
            // Shorter than the shortest sign: none of ours.
            return Err(Unfit::Unrecognised { declared: self.declared });
        }
        let (declared, bytes) = (self.declared, self.bytes);
        let found = match self.reader.as_mut().expect("there is a reader, as was just seen") {
            Reader::Plain { plain, tail, .. } => {
                let found = plain.finish(tail, bytes)?;
                tail.holds_no_zip(Strictness::Lenient)?;
                found
            }
            Reader::Ole { ole, tail, .. } => {
                tail.holds_no_zip(Strictness::Exact)?;
                ole.finish(declared, tail)?
            }
            Reader::Zip { zip, .. } => zip.finish()?,
            Reader::Rar(rar) => {
                rar.finish()?;
                DocumentFormat::Rar
            }
        };
        if found == declared { Ok(found) } else { Err(Unfit::Other { declared, found }) }
    }

    fn begin(&mut self) -> Result<(), Unfit> {
        let head = std::mem::take(&mut self.head);
        let declared = self.declared;
        let Some(beginning) = Beginning::of(&head) else {
            let mut pdf = Lookout::new(PDF, PDF_WITHIN);
            return Err(if declared == DocumentFormat::Pdf && pdf.meets(&head) {
                Unfit::Polyglot("something stands before its beginning")
            } else {
                Unfit::Unrecognised { declared }
            });
        };
        if !beginning.may_be(declared) {
            return Err(match beginning.format() {
                Some(found) => Unfit::Other { declared, found },
                None => Unfit::Unrecognised { declared },
            });
        }
        let pdf = |within| Lookout::new(PDF, within);
        let plain = |plain, within| Reader::Plain {
            plain,
            tail: Tail::default(),
            pdf: pdf(within),
            rar: Lookout::new(RAR, u64::MAX / 2),
        };
        self.reader = Some(match beginning {
            Beginning::Pdf => plain(Plain::Pdf, 0),
            Beginning::Tiff => plain(Plain::Tiff(directory_of_tiff(&head)), PDF_WITHIN),
            Beginning::Jpeg => plain(Plain::Jpeg(Jpeg::default()), PDF_WITHIN),
            Beginning::Rtf => plain(Plain::Rtf(Rtf::default()), PDF_WITHIN),
            Beginning::Zip => {
                // An archive may hold a PDF as it is, near its beginning too; a document of an office may not.
                let within = if declared == DocumentFormat::Zip { 0 } else { PDF_WITHIN };
                Reader::Zip { zip: Box::new(Zip::new(0)), pdf: pdf(within) }
            }
            Beginning::Rar4 | Beginning::Rar5 => Reader::Rar(Box::new(Rar::new())),
            Beginning::Ole => {
                Reader::Ole { ole: Ole::default(), tail: Tail::default(), pdf: pdf(PDF_WITHIN) }
            }
        });
        self.read(&head)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        const PDF_INSIDE: Unfit = Unfit::Polyglot("a PDF begins near its beginning");
        match self.reader.as_mut().expect("bytes are read once it is known what begins") {
            Reader::Plain { plain, tail, pdf, rar } => {
                if pdf.meets(bytes) {
                    return Err(PDF_INSIDE);
                }
                if rar.meets(bytes) {
                    return Err(Unfit::Polyglot("a RAR archive begins in it"));
                }
                tail.push(bytes);
                match plain {
                    Plain::Pdf | Plain::Tiff(_) => Ok(()),
                    Plain::Jpeg(jpeg) => jpeg.push(bytes),
                    Plain::Rtf(rtf) => rtf.push(bytes),
                }
            }
            Reader::Ole { ole, tail, pdf } => {
                if pdf.meets(bytes) {
                    return Err(PDF_INSIDE);
                }
                tail.push(bytes);
                ole.push(bytes)
            }
            Reader::Zip { zip, pdf } => {
                if pdf.meets(bytes) {
                    return Err(PDF_INSIDE);
                }
                zip.push(bytes, &mut self.used)
            }
            Reader::Rar(rar) => rar.push(bytes, &mut self.used),
        }
    }
}

impl Plain {
    fn finish(&self, tail: &Tail, bytes: u64) -> Result<DocumentFormat, Unfit> {
        match self {
            Self::Pdf => tail.ends_with(b"%%EOF", 1024).map(|()| DocumentFormat::Pdf),
            Self::Tiff(directory) if (8..bytes).contains(directory) => Ok(DocumentFormat::Tiff),
            Self::Tiff(_) => Err(Unfit::Damaged("its directory lies outside it")),
            Self::Jpeg(jpeg) => jpeg.finish().map(|()| DocumentFormat::Jpeg),
            Self::Rtf(rtf) => rtf.finish().map(|()| DocumentFormat::Rtf),
        }
    }
}

/// Where the first directory of a TIFF is said to stand.
fn directory_of_tiff(head: &[u8]) -> u64 {
    let four = [head[4], head[5], head[6], head[7]];
    let at = if head[0] == b'I' { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
    at.into()
}

/// What readers of PDF look for, and how far.
const PDF: &[u8] = b"%PDF-";
const PDF_WITHIN: u64 = 1024;

/// What readers of RAR look for, behind any program that unpacks itself.
const RAR: &[u8] = b"Rar!\x1a\x07";
