//! What stands in a call's path and query, held against the schemas that its operation has for it (C3).

use std::borrow::Cow;
use std::sync::Arc;

use agreements::{JsonText, Operation};
use serde_json::Value;

use crate::payload::{Schema, Violation};

/// The schemas of an operation's parameters, compiled. There is none for an operation that has no schema for any.
#[derive(Debug)]
pub struct Parameters {
    places: Vec<(Box<str>, Judge)>,
    query: Vec<(Box<str>, Judge)>,
}

/// What one value must be.
#[derive(Debug)]
struct Judge {
    form: Form,
    schema: Arc<Schema>,
}

/// What a text is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Boolean,
}

impl Parameters {
    /// The compiled side of an operation's parameters.
    ///
    /// # Errors
    /// A schema does not compile.
    pub fn of<E>(
        operation: &Operation,
        compile: impl Fn(&JsonText) -> Result<Arc<Schema>, E>,
    ) -> Result<Option<Box<Self>>, E> {
        let judge = |name: &String, schema: &JsonText| {
            let form = match schema.value()["type"].as_str() {
                Some("integer" | "number") => Form::Number,
                Some("boolean") => Form::Boolean,
                _ => Form::Text,
            };
            Ok((Box::from(name.as_str()), Judge { form, schema: compile(schema)? }))
        };
        let query = operation.query.iter().filter_map(|one| Some((&one.name, one.schema.as_ref()?)));
        let places =
            operation.places.iter().map(|(name, schema)| judge(name, schema)).collect::<Result<_, E>>()?;
        let query: Vec<_> = query.map(|(name, schema)| judge(name, schema)).collect::<Result<_, E>>()?;
        let all = Self { places, query };
        Ok((!all.places.is_empty() || !all.query.is_empty()).then(|| Box::new(all)))
    }

    /// Whether what stands in the decoded path and query is as it must be. What is left out is not looked at.
    ///
    /// # Errors
    /// The first that is not, by a pointer such as `/query/page`; never the value.
    pub fn check(
        &self,
        operation: &Operation,
        path: &[&str],
        query: &[(Cow<'_, str>, Cow<'_, str>)],
    ) -> Result<(), Violation> {
        for (name, judge) in &self.places {
            if let Some(text) = operation.path.place(name, path) {
                judge.check(text).map_err(|violation| placed("path", name, violation))?;
            }
        }
        for (name, judge) in &self.query {
            for (_, text) in query.iter().filter(|(known, _)| known.as_ref() == &**name) {
                judge.check(text).map_err(|violation| placed("query", name, violation))?;
            }
        }
        Ok(())
    }
}

impl Judge {
    fn check(&self, text: &str) -> Result<(), Violation> {
        let is_number = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
        };
        let bare = match self.form {
            Form::Text => false,
            Form::Number => is_number(text),
            Form::Boolean => matches!(text, "true" | "false"),
        };
        // What is no number is judged as the text that it is: the schema says that it should have been one.
        let json = if bare { text.to_owned() } else { Value::from(text).to_string() };
        self.schema.check(json.as_bytes()).map(drop)
    }
}

fn placed(part: &str, name: &str, violation: Violation) -> Violation {
    let name = name.replace('~', "~0").replace('/', "~1");
    Violation { pointer: format!("/{part}/{name}"), ..violation }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::payload::Limits;

    fn operation(extra: &Value) -> Operation {
        let mut operation = json!({
            "id": "find", "method": "GET", "path": "/persons/{iin}/orders", "logical_part": "orders",
            "query": [{ "name": "page" }, { "name": "free" }],
        });
        for (name, value) in extra.as_object().unwrap() {
            operation[name] = value.clone();
        }
        serde_json::from_value(operation).unwrap()
    }

    fn judged(extra: Value, iin: &str, query: &[(&str, &str)]) -> Result<(), String> {
        let operation = operation(&extra);
        let compile = |schema: &JsonText| Schema::compile(&schema.value(), Limits::default()).map(Arc::new);
        let Some(parameters) = Parameters::of(&operation, compile).unwrap() else {
            return Err("none".into());
        };
        let query: Vec<_> =
            query.iter().map(|(name, text)| (Cow::Borrowed(*name), Cow::Borrowed(*text))).collect();
        let checked = parameters.check(&operation, &["persons", iin, "orders"], &query);
        checked.map_err(|violation| format!("{} {}", violation.pointer, violation.code))
    }

    /// C3
    #[test]
    fn parameters_are_held_against_their_schemas_and_others_against_nothing() {
        assert_eq!(judged(json!({}), "7", &[]), Err("none".into()), "nothing is made for who has no schema");
        let iin = json!({ "places": { "iin": { "type": "string", "pattern": "^[0-9]{12}$" } } });
        assert_eq!(judged(iin.clone(), "860101300123", &[("page", "anything")]), Ok(()));
        assert_eq!(judged(iin, "86010130012x", &[]), Err("/path/iin pattern".into()));
        let page =
            |schema: Value| json!({ "query": [{ "name": "page", "schema": schema }, { "name": "free" }] });
        let small = page(json!({ "type": "integer", "minimum": 1, "maximum": 100 }));
        for (text, said) in [
            ("7", Ok(())),
            ("0", Err("/query/page minimum")),
            ("101", Err("/query/page maximum")),
            ("7.5", Err("/query/page type")),
            ("seven", Err("/query/page type")),
            ("\"7\"", Err("/query/page type")),
            (" 7", Err("/query/page type")),
            ("", Err("/query/page type")),
            ("--7", Err("/query/page json-syntax")),
        ] {
            assert_eq!(
                judged(small.clone(), "7", &[("page", text)]),
                said.map_err(str::to_owned),
                "{text:?}"
            );
        }
        assert_eq!(judged(small, "7", &[]), Ok(()), "what is left out is judged by the rules");
        let flag = page(json!({ "type": "boolean" }));
        assert_eq!(judged(flag.clone(), "7", &[("page", "true")]), Ok(()));
        assert_eq!(judged(flag, "7", &[("page", "yes")]), Err("/query/page type".into()));
        let word = page(json!({ "type": "string", "enum": ["true", "7"] }));
        assert_eq!(judged(word.clone(), "7", &[("page", "7")]), Ok(()), "a text is a text");
        assert_eq!(judged(word, "7", &[("page", "false")]), Err("/query/page enum".into()));
    }
}
