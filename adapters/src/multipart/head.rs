//! The head of a part: which headers it may have, and the one way in which they may be written.

/// A body that is not well-formed, in words that name nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// What a part says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartHead {
    /// Its place in a form.
    pub(super) name: Option<String>,
    /// Its file's name.
    pub(super) file_name: Option<String>,
    /// Its media type; of parameters it has none by which its bytes would be others.
    pub(super) media_type: Option<String>,
    /// The name that its media type says beside.
    second_name: Option<String>,
    /// What others call it.
    pub(super) content_id: Option<String>,
    disposed: bool,
}

impl PartHead {
    /// Reads header lines, without the empty one that ends them.
    pub(super) fn read(lines: &[u8]) -> Result<Self, Malformed> {
        let mut head = Self::default();
        let mut lines = lines;
        while !lines.is_empty() {
            let end =
                memchr::memmem::find(lines, b"\r\n").ok_or(Malformed("a part's header does not end"))?;
            head.line(&lines[..end])?;
            lines = &lines[end + 2..];
        }
        if head.second_name.is_some() && head.second_name != head.file_name {
            return Err(Malformed("a part has two names"));
        }
        Ok(head)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Malformed> {
        if line.contains(&b'\r') || line.contains(&b'\n') {
            return Err(Malformed("a part's header holds half a line end"));
        }
        let colon =
            line.iter().position(|byte| *byte == b':').ok_or(Malformed("a part's header has no colon"))?;
        let (name, value) = (line[..colon].to_ascii_lowercase(), line[colon + 1..].trim_ascii());
        let text = || std::str::from_utf8(value).map_err(|_| NOT_TEXT);
        let repeated = match name.as_slice() {
            b"content-disposition" => std::mem::replace(&mut self.disposed, true),
            b"content-type" => self.media_type.is_some(),
            b"content-id" => self.content_id.is_some(),
            // RFC 7578 §4.7: there is none; these say so.
            b"content-transfer-encoding" if [&b"binary"[..], b"8bit"].contains(&value) => return Ok(()),
            b"content-transfer-encoding" => return Err(Malformed("a part is encoded once more")),
            // Said by some clients; the boundary says it too.
            b"content-length" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => return Ok(()),
            _ => return Err(Malformed("a part has a header that is not its own")),
        };
        if repeated {
            return Err(Malformed("a part's header is repeated"));
        }
        match name.as_slice() {
            b"content-disposition" => self.disposition(value),
            b"content-type" => self.typed(text()?),
            _ => {
                self.content_id = Some(text()?.to_owned());
                Ok(())
            }
        }
    }

    fn typed(&mut self, value: &str) -> Result<(), Malformed> {
        let (media_type, rest) = value.split_at(value.find(';').unwrap_or(value.len()));
        self.media_type = Some(media_type.trim().to_ascii_lowercase());
        for (name, value) in parameters(rest.as_bytes())? {
            match name.as_str() {
                // RFC 8259 §8.1: JSON is UTF-8. Who is told otherwise, and believes it, reads what nobody checked.
                "charset" if value.eq_ignore_ascii_case("utf-8") => {}
                // Said by programs that make mail.
                "name" => self.second_name = Some(value),
                _ => return Err(Malformed("a part's media type has a parameter that is not its own")),
            }
        }
        Ok(())
    }

    fn disposition(&mut self, value: &[u8]) -> Result<(), Malformed> {
        let (kind, rest) = value.split_at(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
        if !matches!(
            kind.trim_ascii().to_ascii_lowercase().as_slice(),
            b"form-data" | b"attachment" | b"inline"
        ) {
            return Err(Malformed("a part is of no kind that is known"));
        }
        for (name, value) in parameters(rest)? {
            match name.as_str() {
                "name" => self.name = Some(value),
                "filename" => self.file_name = Some(value),
                // RFC 7578 §4.2: `filename*` must not be used; it would be a second name.
                _ => return Err(Malformed("a part's disposition has a parameter that is not its own")),
            }
        }
        Ok(())
    }
}

/// `; name=value` as often as it comes, each name once. In quotes there are no escapes: readers differ over them.
pub(super) fn parameters(mut text: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let mut read: Vec<(String, String)> = Vec::new();
    loop {
        text = text.trim_ascii_start();
        if text.is_empty() {
            return Ok(read);
        }
        text = text.strip_prefix(b";").ok_or(Malformed("parameters are not separated"))?.trim_ascii_start();
        let equals =
            text.iter().position(|byte| *byte == b'=').ok_or(Malformed("a parameter has no value"))?;
        let name = std::str::from_utf8(&text[..equals]).map_err(|_| NOT_TEXT)?.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Malformed("a parameter has no name"));
        }
        text = &text[equals + 1..];
        let value = match text.strip_prefix(b"\"") {
            Some(quoted) => {
                let end =
                    quoted.iter().position(|byte| *byte == b'"').ok_or(Malformed("a quote does not end"))?;
                text = &quoted[end + 1..];
                &quoted[..end]
            }
            None => {
                let end = text.iter().position(|byte| !is_token(*byte)).unwrap_or(text.len());
                let token = &text[..end];
                if token.is_empty() {
                    return Err(Malformed("a parameter has no value"));
                }
                text = &text[end..];
                token
            }
        };
        let value = std::str::from_utf8(value).map_err(|_| NOT_TEXT)?;
        if value.contains('\\') || value.chars().any(char::is_control) {
            return Err(Malformed("a parameter holds a backslash or a control character"));
        }
        if read.len() == 8 || read.iter().any(|(known, _)| *known == name) {
            return Err(Malformed("a parameter is repeated"));
        }
        read.push((name, value.to_owned()));
    }
}

/// RFC 9110 §5.6.2
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const NOT_TEXT: Malformed = Malformed("a part's header is not UTF-8");
