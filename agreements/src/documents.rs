//! Documents: the formats that the acts name, and how many of them a body may carry.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Presence;

/// A format that documents may have (Portal 9), with PPTX beside PPT as DOCX stands beside DOC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, strum::Display,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum DocumentFormat {
    /// Portable Document Format.
    Pdf,
    /// Tagged Image File Format.
    Tiff,
    /// JPEG.
    Jpeg,
    /// Rich Text Format.
    Rtf,
    /// Word, the binary format.
    Doc,
    /// Word, Office Open XML.
    Docx,
    /// Excel, the binary format.
    Xls,
    /// Excel, Office Open XML.
    Xlsx,
    /// PowerPoint, the binary format.
    Ppt,
    /// PowerPoint, Office Open XML.
    Pptx,
    /// RAR archive, version 4 or 5.
    Rar,
    /// ZIP archive.
    Zip,
}

impl DocumentFormat {
    /// All of them, in the order of the act.
    pub const ALL: [Self; 12] = [
        Self::Pdf,
        Self::Tiff,
        Self::Jpeg,
        Self::Rtf,
        Self::Doc,
        Self::Docx,
        Self::Xls,
        Self::Xlsx,
        Self::Ppt,
        Self::Pptx,
        Self::Rar,
        Self::Zip,
    ];

    /// Its media type, as the gateway says it.
    pub fn media_type(self) -> &'static str {
        self.media_types()[0]
    }

    /// The format that a media type means, without parameters; older names of archives count too.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let is = |known: &&str| known.eq_ignore_ascii_case(media_type);
        Self::ALL.into_iter().find(|format| format.media_types().iter().any(is))
    }

    /// The format that a file's name promises, if its ending is one of those that are known.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        let is = |known: &&str| known.eq_ignore_ascii_case(ending);
        Self::ALL.into_iter().find(|format| format.endings().iter().any(is))
    }

    fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["application/pdf"],
            Self::Tiff => &["image/tiff"],
            Self::Jpeg => &["image/jpeg"],
            Self::Rtf => &["application/rtf", "text/rtf"],
            Self::Doc => &["application/msword"],
            Self::Docx => &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
            Self::Xls => &["application/vnd.ms-excel"],
            Self::Xlsx => &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
            Self::Ppt => &["application/vnd.ms-powerpoint"],
            Self::Pptx => &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
            Self::Rar => &["application/vnd.rar", "application/x-rar-compressed"],
            Self::Zip => &["application/zip", "application/x-zip-compressed"],
        }
    }

    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Tiff => &["tif", "tiff"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Rtf => &["rtf"],
            Self::Doc => &["doc"],
            Self::Docx => &["docx"],
            Self::Xls => &["xls"],
            Self::Xlsx => &["xlsx"],
            Self::Ppt => &["ppt"],
            Self::Pptx => &["pptx"],
            Self::Rar => &["rar"],
            Self::Zip => &["zip"],
        }
    }
}

/// Which documents a body is, or carries beside its card (Portal 8-10, 14, 54-55).
///
/// With the media type `*/*` the body is one document; with `multipart/form-data` or `multipart/related` it is a JSON card,
/// which fits the payload's schema, and then the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The formats that a document may have, by its content.
    pub formats: Vec<DocumentFormat>,
    /// Most bytes of one document. The body's own bound is `max_bytes` of its payload.
    pub max_file_bytes: u64,
    /// Most files beside a card. Default: 1.
    #[serde(default = "one")]
    pub max_files: u32,
    /// Whether none passes that no virus scanner called clean. Default: optional, and the gateway's configuration says.
    #[serde(default, skip_serializing_if = "is_optional")]
    pub scan: Presence,
}

impl Documents {
    /// Most bytes that a data type may allow one document to have: 60 MB (Portal 8), read as generously as it can be.
    pub const MOST_FILE_BYTES: u64 = 60 << 20;

    /// Most files that a data type may allow beside one card.
    pub const MOST_FILES: u32 = 64;

    /// Most bytes of a body: its files, its card, and what stands between them.
    pub const MOST_BODY_BYTES: u64 = 512 << 20;
}

/// What stands for a payload's media type where its documents have several.
pub const ANY_DOCUMENT: &str = "*/*";

fn one() -> u32 {
    1
}

fn is_optional(presence: &Presence) -> bool {
    *presence == Presence::Optional
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C4
    #[test]
    fn each_format_of_the_acts_is_found_by_its_media_type_and_its_ending() {
        for format in DocumentFormat::ALL {
            assert_eq!(DocumentFormat::of_media_type(format.media_type()), Some(format));
            assert_eq!(DocumentFormat::of_name(&format!("Акт № 7.{format}")), Some(format));
            assert_eq!(
                DocumentFormat::of_name(&format!("ACT.{}", format.to_string().to_uppercase())),
                Some(format)
            );
        }
        assert_eq!(DocumentFormat::of_media_type("text/html"), None);
        for name in ["act", "act.", "act.pdf ", "act.exe", "pdf", "act.pdf.exe"] {
            assert_eq!(DocumentFormat::of_name(name), None, "{name}");
        }
    }
}
