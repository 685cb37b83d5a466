//! What the first bytes of a document are.

use agreements::DocumentFormat;

/// What a document begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Pdf,
    Tiff,
    Jpeg,
    Rtf,
    /// The compound file of DOC, XLS and PPT: which one, its directory says.
    Ole,
    /// The container of DOCX, XLSX, PPTX and ZIP: which one, its entries say.
    Zip,
    Rar4,
    Rar5,
}

impl Beginning {
    /// What the first [`BYTES`] bytes of a document are, or fewer if it has no more.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let begins = |sign: &[u8]| bytes.starts_with(sign);
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        Some(if begins(b"%PDF-") && digit(5) && bytes.get(6) == Some(&b'.') && digit(7) {
            Self::Pdf
        } else if begins(b"II*\0") || begins(b"MM\0*") {
            Self::Tiff
        } else if begins(b"\xff\xd8\xff") && bytes.get(3).is_some_and(|marker| (0xc0..=0xfe).contains(marker))
        {
            Self::Jpeg
        } else if begins(b"{\\rtf") && digit(5) {
            Self::Rtf
        } else if begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            Self::Ole
        } else if begins(b"PK\x03\x04") {
            Self::Zip
        } else if begins(b"Rar!\x1a\x07\x00") {
            Self::Rar4
        } else if begins(b"Rar!\x1a\x07\x01\x00") {
            Self::Rar5
        } else {
            return None;
        })
    }

    /// Whether a document of that format begins so.
    pub(super) fn may_be(self, format: DocumentFormat) -> bool {
        use DocumentFormat as F;
        match self {
            Self::Pdf => format == F::Pdf,
            Self::Tiff => format == F::Tiff,
            Self::Jpeg => format == F::Jpeg,
            Self::Rtf => format == F::Rtf,
            Self::Ole => matches!(format, F::Doc | F::Xls | F::Ppt),
            Self::Zip => matches!(format, F::Docx | F::Xlsx | F::Pptx | F::Zip),
            Self::Rar4 | Self::Rar5 => format == F::Rar,
        }
    }

    /// The format, where the first bytes alone say it.
    pub(super) fn format(self) -> Option<DocumentFormat> {
        match self {
            Self::Pdf => Some(DocumentFormat::Pdf),
            Self::Tiff => Some(DocumentFormat::Tiff),
            Self::Jpeg => Some(DocumentFormat::Jpeg),
            Self::Rtf => Some(DocumentFormat::Rtf),
            Self::Rar4 | Self::Rar5 => Some(DocumentFormat::Rar),
            Self::Ole | Self::Zip => None,
        }
    }
}

/// How many bytes it takes.
pub(super) const BYTES: usize = 8;
