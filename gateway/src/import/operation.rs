//! Operations of a document: paths, methods, parameters and bodies.

use std::collections::{BTreeMap, BTreeSet};

use agreements::{JsonText, Method, Operation, OperationId, Parameter, PathTemplate, Payload, Presence};
use serde_json::{Map, Value};

use super::schema::{self, Direction};
use super::{Dialect, LeftOut, target};
use crate::payload::{Limits, Schema};

/// All operations that can be taken.
pub(super) fn all(document: &Value, dialect: Dialect, left_out: &mut Vec<LeftOut>) -> Vec<Operation> {
    let mut reader = Reader { document, dialect, left_out, ids: BTreeSet::new() };
    let (empty, mut taken) = (Map::new(), Vec::new());
    let paths = document.get("paths").and_then(Value::as_object).unwrap_or(&empty);
    for (path, item) in paths {
        let place = format!("/paths/{}", escaped(path));
        let Some(item) = reader.resolved(item).and_then(Value::as_object) else {
            reader.leave(place, "it is no object, or a reference that leads nowhere in the document");
            continue;
        };
        for (name, operation) in item {
            let place = format!("{place}/{name}");
            let Some(method) = Method::parse(&name.to_ascii_uppercase()) else {
                if let "options" | "trace" = name.as_str() {
                    reader.leave(place, "such a method is not exchanged");
                }
                continue;
            };
            if taken.len() == MOST_OPERATIONS {
                reader.leave(place, "a data type has at most 200 operations");
                return taken;
            }
            match reader.operation(path, method, item, operation, &place) {
                Ok(operation) => taken.push(operation),
                Err(why) => reader.leave(place, why),
            }
        }
    }
    taken
}

struct Reader<'d, 'l> {
    document: &'d Value,
    dialect: Dialect,
    left_out: &'l mut Vec<LeftOut>,
    ids: BTreeSet<String>,
}

impl<'d> Reader<'d, '_> {
    fn operation(
        &mut self,
        path: &str,
        method: Method,
        item: &'d Map<String, Value>,
        operation: &'d Value,
        place: &str,
    ) -> Result<Operation, String> {
        let template = PathTemplate::new(path).map_err(|error| error.to_string())?;
        let (places, query) = self.parameters(item, operation, &template, place)?;
        let request = match operation.get("requestBody") {
            Some(_) if matches!(method, Method::Get | Method::Head | Method::Delete) => {
                self.leave(format!("{place}/requestBody"), "such a method has no body");
                None
            }
            Some(body) => self.body(body, Direction::Request, &format!("{place}/requestBody"))?,
            None => None,
        };
        let response = self.response(operation, place)?;
        let said = operation.get("operationId").and_then(Value::as_str);
        let id = self.id(&said.map_or_else(|| format!("{} {path}", method.as_str()), str::to_owned))?;
        let tag = operation.pointer("/tags/0").and_then(Value::as_str);
        let literal = path.split('/').find(|piece| !piece.is_empty() && !piece.starts_with('{'));
        let part = tag.or(literal).unwrap_or("all");
        for name in ["callbacks", "security", "servers"] {
            if operation.get(name).is_some() {
                self.leave(format!("{place}/{name}"), "an exchange has no place for it");
            }
        }
        Ok(Operation {
            id,
            method,
            path: template,
            places,
            query,
            subject: None,
            request,
            response,
            logical_part: part.chars().take(MOST_PART).collect(),
            sample: None,
            repeats: None,
        })
    }

    /// What its path and query must hold.
    fn parameters(
        &mut self,
        item: &'d Map<String, Value>,
        operation: &'d Value,
        template: &PathTemplate,
        place: &str,
    ) -> Result<(BTreeMap<String, JsonText>, Vec<Parameter>), String> {
        let of =
            |value: Option<&'d Value>| value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let (mut places, mut query): (BTreeMap<String, JsonText>, Vec<Parameter>) = Default::default();
        let mut named = BTreeSet::new();
        // An operation's own stand before its path's: the first of a name counts.
        let all = of(operation.get("parameters")).iter().chain(of(item.get("parameters")));
        for (at, parameter) in all.take(MOST_PARAMETERS).enumerate() {
            let place = format!("{place}/parameters/{at}");
            let parameter =
                self.resolved(parameter).ok_or("a parameter's reference leads nowhere in the document")?;
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let required = parameter.get("required") == Some(&Value::Bool(true));
            match parameter.get("in").and_then(Value::as_str) {
                Some("path") if template.has_place(name) => {
                    if named.insert(name)
                        && let Some(schema) = self.scalar(parameter, &place)
                    {
                        places.insert(name.to_owned(), schema.into());
                    }
                }
                Some("query") if query.iter().any(|known| known.name == name) => {}
                Some("query") if name.is_empty() || name.len() > MOST_NAME => {
                    return Err("a parameter has no name, or one that is too long".into());
                }
                Some("query") => {
                    let presence = if required { Presence::Required } else { Presence::Optional };
                    let schema = self.scalar(parameter, &place).map(JsonText::from);
                    query.push(Parameter { name: name.to_owned(), presence, schema });
                }
                Some("header" | "cookie") if required => {
                    return Err(format!(
                        "it needs the header or cookie {name:.64}, and none of a caller's passes"
                    ));
                }
                Some("header" | "cookie") => self.leave(place, "headers and cookies of callers do not pass"),
                _ => return Err("a parameter is in no place that there is".into()),
            }
        }
        Ok((places, query))
    }

    /// The schema of a parameter that is one scalar; of others, it is said that they are not checked.
    fn scalar(&mut self, parameter: &'d Value, place: &str) -> Option<Value> {
        let given = parameter.get("schema").and_then(|given| self.resolved(given));
        let schema = given.and_then(|given| {
            let (dialect, document) = (self.dialect, self.document);
            // Told of what is left out of it only if it is taken.
            let mut left_out = Vec::new();
            let schema =
                schema::converted(document, dialect, Direction::Request, given, place, &mut left_out).ok()?;
            let one = matches!(schema["type"].as_str(), Some("string" | "integer" | "number" | "boolean"));
            let usable = one && Schema::compile(&schema, Limits::default()).is_ok();
            usable.then_some((schema, left_out))
        });
        match schema {
            Some((schema, left_out)) => {
                left_out.into_iter().for_each(|one| self.leave(one.place, one.why));
                Some(schema)
            }
            None => {
                // Where nothing is said of it, nothing is lost.
                if parameter.get("schema").or_else(|| parameter.get("content")).is_some() {
                    self.leave(place.to_owned(), "its form is not checked: it passes as text");
                }
                None
            }
        }
    }

    fn response(&mut self, operation: &'d Value, place: &str) -> Result<Option<Payload>, String> {
        let responses = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
        // The first that says success: 200 before 201, and a whole class after both.
        let mut good: Vec<(&String, &Value)> =
            responses.filter(|(status, _)| status.len() == 3 && status.starts_with('2')).collect();
        good.sort_by_key(|(status, _)| status.ends_with(['X', 'x']));
        let mut chosen: Option<Payload> = None;
        for (status, response) in good {
            let place = format!("{place}/responses/{status}");
            match self.body(response, Direction::Response, &place)? {
                Some(payload) if chosen.is_none() => chosen = Some(payload),
                Some(payload) if chosen.as_ref() == Some(&payload) => {}
                Some(_) => self.leave(place, "an operation has one successful answer: the first is taken"),
                None => {}
            }
        }
        Ok(chosen)
    }

    /// The JSON that a body holds, if it holds any.
    fn body(
        &mut self,
        body: &'d Value,
        direction: Direction,
        place: &str,
    ) -> Result<Option<Payload>, String> {
        let body = self.resolved(body).ok_or("a body's reference leads nowhere in the document")?;
        let empty = Map::new();
        let content = body.get("content").and_then(Value::as_object).unwrap_or(&empty);
        if content.is_empty() {
            return Ok(None);
        }
        let essence = |name: &str| name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json = |name: &str| {
            name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
        };
        let mut json: Vec<(&String, &Value)> =
            content.iter().filter(|(name, _)| is_json(&essence(name))).collect();
        json.sort_by_key(|(name, _)| essence(name) != "application/json");
        let Some((name, media)) = json.first() else {
            return Err("its payload is not JSON".into());
        };
        for other in content.keys().filter(|other| other != name) {
            self.leave(format!("{place}/content/{}", escaped(other)), "one media type is taken: JSON");
        }
        if direction == Direction::Request && body.get("required") != Some(&Value::Bool(true)) {
            self.leave(format!("{place}/required"), "a body that may be left out is asked for always");
        }
        let place = format!("{place}/content/{}/schema", escaped(name));
        let given = media.get("schema").unwrap_or(&Value::Bool(true));
        let schema = schema::converted(self.document, self.dialect, direction, given, &place, self.left_out)?;
        Schema::compile(&schema, Limits::default())
            .map_err(|error| format!("its schema cannot be used: {error}"))?;
        Ok(Some(Payload {
            media_type: essence(name),
            schema: schema.into(),
            max_bytes: 1 << 20,
            documents: None,
        }))
    }

    /// What a value stands for, through references; a few, so that none leads back to itself.
    fn resolved(&self, mut value: &'d Value) -> Option<&'d Value> {
        for _ in 0..MOST_HOPS {
            match value.get("$ref").and_then(Value::as_str) {
                Some(reference) => value = target(self.document, reference)?,
                None => return Some(value),
            }
        }
        None
    }

    /// A code made of a name: `getPersonByIin` is `get-person-by-iin`.
    fn id(&mut self, name: &str) -> Result<OperationId, String> {
        let mut code = String::new();
        let mut low = false;
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && low {
                code.push('-');
            }
            low = letter.is_ascii_lowercase() || letter.is_ascii_digit();
            match letter.to_ascii_lowercase() {
                letter @ ('a'..='z' | '0'..='9') => code.push(letter),
                _ if code.is_empty() || code.ends_with('-') => {}
                _ => code.push('-'),
            }
            if code.len() >= MOST_CODE {
                break;
            }
        }
        let code = code.trim_matches('-');
        let code = if code.is_empty() { "operation" } else { code };
        let mut free = std::iter::once(code.to_owned()).chain((2..).map(|number| format!("{code}-{number}")));
        let free = free.find(|code| !self.ids.contains(code)).ok_or("it cannot be named")?;
        self.ids.insert(free.clone());
        OperationId::new(&free).map_err(|error| error.to_string())
    }

    fn leave(&mut self, place: String, why: impl Into<String>) {
        if self.left_out.len() < MOST_LEFT_OUT {
            self.left_out.push(LeftOut { place, why: why.into() });
        }
    }
}

/// RFC 6901 §3.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

const MOST_OPERATIONS: usize = 200;
const MOST_PARAMETERS: usize = 100;
const MOST_NAME: usize = 100;
const MOST_PART: usize = 100;
const MOST_HOPS: usize = 16;

/// Leaves room for a number behind it.
const MOST_CODE: usize = 56;

/// Told of one document.
pub(super) const MOST_LEFT_OUT: usize = 1_000;
