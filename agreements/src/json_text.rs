//! JSON that others wrote, as schemas are: held as its text, which takes a tenth of what its tree would.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Any JSON value. Two are the same if their members are, in whatever order those were written.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(Box<str>);

impl JsonText {
    /// The value, read anew.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The text: members by name, without blanks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }
}

impl Default for JsonText {
    fn default() -> Self {
        Value::Null.into()
    }
}

impl From<Value> for JsonText {
    fn from(value: Value) -> Self {
        Self(value.to_string().into())
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A kept registry has the text.
        if serializer.is_human_readable() {
            self.value().serialize(serializer)
        } else {
            serializer.serialize_str(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Value::deserialize(deserializer).map(Self::from)
        } else {
            Box::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_says_what_the_value_said_in_json_and_in_a_kept_registry() {
        for value in [
            json!(null),
            json!("null"),
            json!({ "type": "object", "a": [1, 2.5, -3, true, "\u{0}ш\"\\"], "b": {} }),
        ] {
            let text = JsonText::from(value.clone());
            assert_eq!(text.value(), value);
            assert_eq!(serde_json::to_value(&text).unwrap(), value);
            assert_eq!(serde_json::from_value::<JsonText>(value.clone()).unwrap(), text);
            let kept = rmp_serde::to_vec_named(&text).unwrap();
            assert_eq!(rmp_serde::from_slice::<JsonText>(&kept).unwrap(), text);
            assert_eq!(text.is_null(), value.is_null());
        }
        let ordered = |text: &str| serde_json::from_str::<JsonText>(text).unwrap();
        assert_eq!(ordered(r#"{ "b": 1, "a": 2 }"#), ordered(r#"{"a":2,"b":1}"#));
    }
}
