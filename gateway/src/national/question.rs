//! What the service is asked, in pieces: `{"revocationCheck":[…],"data":"…","cms":"…"}` (NCANode 3, `CmsVerifyRequest`).
//!
//! The content stands before its signature, since it passes before that is known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::config::RevocationCheck;

/// A question as it is asked. What was asked of it and not ended is no JSON, so that nobody could answer it.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// The last bytes of the content, fewer than three: base64 takes three at a time.
    over: Vec<u8>,
}

impl Question {
    /// Begins: nothing of the content was given yet.
    pub(super) fn begins(checks: &[RevocationCheck]) -> (Self, Bytes) {
        let checks: Vec<String> = checks.iter().map(|check| format!("\"{}\"", check.as_str())).collect();
        let text = format!("{{\"revocationCheck\":[{}],\"data\":\"", checks.join(","));
        (Self::default(), text.into())
    }

    /// The next bytes of the content.
    pub(super) fn content(&mut self, bytes: &[u8]) -> Bytes {
        let mut all = std::mem::take(&mut self.over);
        all.extend_from_slice(bytes);
        self.over = all.split_off(all.len() - all.len() % 3);
        STANDARD.encode(all).into()
    }

    /// Its end, with the signature.
    pub(super) fn ends(self, signature: &[u8]) -> Bytes {
        format!("{}\",\"cms\":\"{}\"}}", STANDARD.encode(self.over), STANDARD.encode(signature)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_is_one_json_whose_content_is_what_came_however_it_was_cut() {
        let content: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for piece in [1, 2, 3, 4, 7, 64, 999, 1_000] {
            let (mut question, first) = Question::begins(&[RevocationCheck::Ocsp, RevocationCheck::Crl]);
            let mut text = first.to_vec();
            content.chunks(piece).for_each(|piece| text.extend(question.content(piece)));
            assert!(serde_json::from_slice::<serde_json::Value>(&text).is_err(), "until it ends it is none");
            text.extend(question.ends(b"signature"));
            let said: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(said["revocationCheck"], serde_json::json!(["OCSP", "CRL"]));
            let decoded = |member: &str| STANDARD.decode(said[member].as_str().unwrap()).unwrap();
            assert!(decoded("data") == content, "in pieces of {piece}");
            assert_eq!(decoded("cms"), b"signature");
        }
    }
}
