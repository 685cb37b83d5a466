//! The bytes that a message signature is over (RFC 9421 §2.5).

use sfv::{BareItem, FieldType, InnerList, Item, ListEntry};

use super::MessageFault;

/// A message as it passes: a request, or an answer with the request that it answers.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What was asked.
    pub target: Target<'a>,
    /// The status, if it is an answer.
    pub status: Option<u16>,
    /// Its fields, names in lower case, in their order.
    pub fields: &'a [(&'a str, &'a [u8])],
    /// The fields of the request, if it is an answer.
    pub request_fields: &'a [(&'a str, &'a [u8])],
}

/// What a request asks, as its sender spelled it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its method.
    pub method: &'a str,
    /// Host and port, in lower case, without the port of `https`.
    pub authority: &'a str,
    /// Its path.
    pub path: &'a str,
    /// Its query, without the question mark, if there is one.
    pub query: Option<&'a str>,
}

/// Which part of which message a component means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) name: String,
    /// `;req`: of the request that is answered.
    pub(super) of_request: bool,
}

impl Component {
    pub(super) fn read(item: &Item) -> Result<Self, MessageFault> {
        let BareItem::String(name) = &item.bare_item else { return Err(MessageFault::Malformed) };
        let mut of_request = false;
        for (name, value) in &item.params {
            match (name.as_str(), value) {
                ("req", BareItem::Boolean(true)) => of_request = true,
                // Others read a field in a way of its own, which both sides would have to agree on.
                _ => return Err(MessageFault::Unsupported("a component is covered in a way of its own")),
            }
        }
        Ok(Self { name: name.as_str().to_owned(), of_request })
    }

    /// The component's one value.
    fn value(&self, message: &Message<'_>) -> Result<String, MessageFault> {
        let is_answer = message.status.is_some();
        if self.of_request && !is_answer {
            return Err(MessageFault::Malformed);
        }
        let target = message.target;
        let of_target = |value: String| {
            if is_answer == self.of_request { Ok(value) } else { Err(MessageFault::Malformed) }
        };
        let query = || target.query.map_or(String::new(), |query| format!("?{query}"));
        match self.name.as_str() {
            "@method" => of_target(target.method.to_owned()),
            "@authority" => of_target(target.authority.to_owned()),
            "@scheme" => of_target("https".to_owned()),
            "@path" => of_target(target.path.to_owned()),
            // RFC 9421 §2.2.7: without a query it is a question mark alone.
            "@query" => of_target(format!("?{}", target.query.unwrap_or_default())),
            "@request-target" => of_target(format!("{}{}", target.path, query())),
            "@target-uri" => of_target(format!("https://{}{}{}", target.authority, target.path, query())),
            "@status" if !self.of_request => {
                message.status.map(|status| status.to_string()).ok_or(MessageFault::Malformed)
            }
            name if name.starts_with('@') => {
                Err(MessageFault::Unsupported("a component that is not known here"))
            }
            name => {
                let fields = if self.of_request { message.request_fields } else { message.fields };
                field(fields, name)
            }
        }
    }
}

/// The bytes that were signed, and what they cover.
pub(super) fn base(
    message: &Message<'_>,
    inner: &InnerList,
) -> Result<(String, Vec<Component>), MessageFault> {
    let mut covered: Vec<Component> = Vec::with_capacity(inner.items.len());
    let mut base = String::new();
    for item in &inner.items {
        let component = Component::read(item)?;
        // RFC 9421 §2: each once.
        if covered.contains(&component) || covered.len() == MOST_COMPONENTS {
            return Err(MessageFault::Malformed);
        }
        let value = component.value(message)?;
        base.push_str(&FieldType::serialize(item));
        base.push_str(": ");
        base.push_str(&value);
        base.push('\n');
        covered.push(component);
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&written(inner)?);
    Ok((base, covered))
}

/// What a signature says of itself, in the one way in which it is written.
pub(super) fn written(inner: &InnerList) -> Result<String, MessageFault> {
    let list = vec![ListEntry::InnerList(inner.clone())];
    FieldType::serialize(&list).ok_or(MessageFault::Malformed)
}

/// All values of a field in one line (RFC 9421 §2.1).
fn field(fields: &[(&str, &[u8])], name: &str) -> Result<String, MessageFault> {
    let mut values = fields.iter().filter(|(known, _)| *known == name).peekable();
    if values.peek().is_none() {
        return Err(MessageFault::ComponentMissing);
    }
    let mut joined = String::new();
    for (at, (_, value)) in values.enumerate() {
        let value = std::str::from_utf8(value.trim_ascii()).map_err(|_| MessageFault::Malformed)?;
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(MessageFault::Malformed);
        }
        if at > 0 {
            joined.push_str(", ");
        }
        joined.push_str(value);
    }
    Ok(joined)
}

/// Most components of one signature.
const MOST_COMPONENTS: usize = 32;
