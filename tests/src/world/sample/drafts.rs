//! Drafts: cards with files, as forms.

use super::DRAFTS;
use crate::world::Ask;

/// A draft with its card, and these files: name, media type, content.
pub fn draft(files: &[(&str, &str, &[u8])]) -> Ask {
    let card = ("card", "application/json", None, &br#"{"title":"Draft"}"#[..]);
    let files = files.iter().map(|(name, media_type, content)| ("file", *media_type, Some(*name), *content));
    submitted(&form(&[card].into_iter().chain(files).collect::<Vec<_>>()))
}

/// A draft whose body is this.
pub fn submitted(body: &[u8]) -> Ask {
    Ask::new("POST", DRAFTS).header("Content-Type", "multipart/form-data; boundary=a--b").bytes(body)
}

/// A form of these parts: name, media type, file name, content.
pub fn form(parts: &[(&str, &str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, media_type, file_name, content) in parts {
        let file_name = file_name.map_or(String::new(), |file_name| format!("; filename=\"{file_name}\""));
        let head = format!(
            "--a--b\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\nContent-Type: {media_type}\r\n\r\n"
        );
        body.extend_from_slice(&[head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend_from_slice(b"--a--b--\r\n");
    body
}
