//! A draft act with its card (Portal 14, 22), signed by the head of the body that sends it, or not as it should be.

use agreements::OperatorId;
use bytes::Bytes;
use certs::document::sign_pdf;
use serde::Deserialize;
use serde_json::Value;

use super::founding::{identity, signer};
use super::{OrTrouble, Trouble};
use crate::clock;
use crate::office::Folder;

/// What a scene sends, as `deploy/demo/scenes.json` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    card: Value,
    /// The act's file.
    file: String,
    /// Whose head signs it.
    signed_by: OperatorId,
    #[serde(default)]
    then: Then,
}

/// What becomes of it after it was signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    /// It is sent as it was signed.
    #[default]
    Sent,
    /// Somebody puts another page behind it.
    Appended,
}

impl Draft {
    /// The media type of its form.
    pub(super) const MEDIA_TYPE: &str = "multipart/form-data; boundary=draft-act";

    /// Its form: the card, then the act.
    pub(super) fn form(&self, folder: &Folder) -> Result<Bytes, Trouble> {
        let head = identity(folder, &signer(&self.signed_by))?;
        let mut act = sign_pdf(ACT, &head, clock::now()).trouble("sign a draft act")?;
        if self.then == Then::Appended {
            act.extend_from_slice(ANOTHER_PAGE);
        }
        let begin = format!(
            "--draft-act\r\nContent-Disposition: form-data; name=\"card\"\r\nContent-Type: application/json\r\n\r\n{}\r\n\
             --draft-act\r\nContent-Disposition: form-data; name=\"act\"; filename=\"{}\"\r\n\
             Content-Type: application/pdf\r\n\r\n",
            self.card, self.file
        );
        Ok([begin.as_bytes(), &act, b"\r\n--draft-act--\r\n"].concat().into())
    }
}

/// The least that is a PDF of one page.
const ACT: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>\nendobj\n\
trailer\n<< /Root 1 0 R /Size 4 >>\nstartxref\n0\n%%EOF\n";
/// What was not there when the act was signed.
const ANOTHER_PAGE: &[u8] = b"\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] >>\nendobj\n\
trailer\n<< /Root 1 0 R /Size 4 >>\nstartxref\n0\n%%EOF\n";
