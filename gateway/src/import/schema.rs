//! Schemas of a document as JSON Schema 2020-12: what they refer to comes along under `$defs`, each once.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::MOST_LEFT_OUT;
use super::{Dialect, LeftOut, target};

/// Which way a payload goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// A schema with all that it refers to.
///
/// # Errors
/// Why it cannot be taken: a reference leaves the document, a keyword means something that cannot be carried over.
pub(super) fn converted(
    document: &Value,
    dialect: Dialect,
    direction: Direction,
    given: &Value,
    place: &str,
    left_out: &mut Vec<LeftOut>,
) -> Result<Value, String> {
    let mut work = Work { dialect, direction, defs: BTreeMap::new(), wanted: Vec::new(), left_out };
    let mut whole = work.schema(given, place)?;
    let mut defs = Map::new();
    while let Some((reference, name)) = work.wanted.pop() {
        let found = target(document, &reference)
            .ok_or_else(|| format!("the reference {reference:.100} leads nowhere in the document"))?;
        let schema = work.schema(found, reference.trim_start_matches('#'))?;
        defs.insert(name, schema);
    }
    if !defs.is_empty() {
        if !whole.is_object() {
            whole = json!({ "allOf": [whole] });
        }
        whole["$defs"] = Value::Object(defs);
    }
    Ok(whole)
}

struct Work<'l> {
    dialect: Dialect,
    direction: Direction,
    /// The name of each reference, under `$defs`.
    defs: BTreeMap<String, String>,
    /// References whose targets are still to be converted.
    wanted: Vec<(String, String)>,
    left_out: &'l mut Vec<LeftOut>,
}

impl Work<'_> {
    /// Recursion is as deep as the document, which is bounded: references are not followed here.
    fn schema(&mut self, given: &Value, place: &str) -> Result<Value, String> {
        let fields = match given {
            Value::Bool(_) => return Ok(given.clone()),
            Value::Object(fields) => fields,
            _ => return Err(format!("at {place:.200} stands no schema")),
        };
        if let Some(reference) = fields.get("$ref") {
            let reference =
                reference.as_str().ok_or_else(|| format!("at {place:.200} stands no reference"))?;
            let refers = json!({ "$ref": format!("#/$defs/{}", self.named(reference)?) });
            // OpenAPI 3.0: what stands beside a reference does not count.
            if self.dialect == Dialect::ThreeZero || fields.len() == 1 {
                return Ok(refers);
            }
            let mut others = fields.clone();
            others.remove("$ref");
            let beside = self.schema(&Value::Object(others), place)?;
            return Ok(json!({ "allOf": [refers, beside] }));
        }
        let mut taken = Map::new();
        for (name, value) in fields {
            let place = format!("{place}/{name}");
            match name.as_str() {
                "properties" | "patternProperties" | "dependentSchemas" => {
                    let members =
                        value.as_object().ok_or_else(|| format!("at {place:.200} stands no object"))?;
                    let mut schemas = Map::new();
                    for (member, schema) in members {
                        schemas.insert(member.clone(), self.schema(schema, &place)?);
                    }
                    taken.insert(name.clone(), Value::Object(schemas));
                }
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                    let items = value.as_array().ok_or_else(|| format!("at {place:.200} stands no array"))?;
                    let schemas: Result<Vec<Value>, String> =
                        items.iter().map(|schema| self.schema(schema, &place)).collect();
                    taken.insert(name.clone(), Value::Array(schemas?));
                }
                "items"
                | "additionalProperties"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties" => {
                    taken.insert(name.clone(), self.schema(value, &place)?);
                }
                "type" | "enum" | "const" | "required" | "multipleOf" | "minimum" | "maximum"
                | "exclusiveMinimum" | "exclusiveMaximum" | "minLength" | "maxLength" | "pattern"
                | "minItems" | "maxItems" | "uniqueItems" | "minProperties" | "maxProperties"
                | "minContains" | "maxContains" | "dependentRequired" | "title" | "description" => {
                    taken.insert(name.clone(), value.clone());
                }
                "format" => self.format(fields, value, &place, &mut taken),
                "$id" | "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "$recursiveRef" => {
                    return Err(format!("at {place:.200}: {name} is not taken"));
                }
                "$schema" if value != DRAFT => return Err(format!("at {place:.200}: another dialect")),
                "discriminator" => self.leave(place, "alternatives are told apart by their schemas alone"),
                // `$defs` come along with what refers to them; the rest says nothing about a payload.
                _ => {}
            }
        }
        self.required(fields, &mut taken);
        if self.dialect == Dialect::ThreeZero {
            bounds(&mut taken);
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                return Ok(nullable(taken));
            }
        }
        Ok(Value::Object(taken))
    }

    fn named(&mut self, reference: &str) -> Result<String, String> {
        if !reference.starts_with("#/") {
            return Err(format!("the reference {reference:.100} leaves the document: nothing is fetched"));
        }
        if let Some(name) = self.defs.get(reference) {
            return Ok(name.clone());
        }
        if self.defs.len() == MOST_DEFS {
            return Err(format!("it refers to more than {MOST_DEFS} schemas"));
        }
        let last = reference.rsplit('/').next().unwrap_or_default();
        let plain: String =
            last.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        let mut names = std::iter::once(plain.clone()).chain((2..).map(|number| format!("{plain}-{number}")));
        let free = |name: &String| !name.is_empty() && !self.defs.values().any(|known| known == name);
        let name = names.find(free).ok_or("a reference cannot be named")?;
        self.defs.insert(reference.to_owned(), name.clone());
        self.wanted.push((reference.to_owned(), name.clone()));
        Ok(name)
    }

    fn format(
        &mut self,
        fields: &Map<String, Value>,
        value: &Value,
        place: &str,
        taken: &mut Map<String, Value>,
    ) {
        match value.as_str().unwrap_or_default() {
            known if FORMATS.contains(&known) => drop(taken.insert("format".into(), value.clone())),
            "int32" => {
                // What they meant by it.
                for (bound, limit) in [("minimum", i32::MIN), ("maximum", i32::MAX)] {
                    if !fields.contains_key(bound) {
                        taken.insert(bound.into(), limit.into());
                    }
                }
            }
            "int64" | "float" | "double" | "password" => {}
            other => self.leave(place.to_owned(), format!("the format {other:?} is not checked")),
        }
    }

    /// What only answers hold is not asked of a request, and the other way round.
    fn required(&self, fields: &Map<String, Value>, taken: &mut Map<String, Value>) {
        let other = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let properties = fields.get("properties");
        let elsewhere = |name: &Value| {
            let property = name.as_str().and_then(|name| properties?.get(name));
            property.and_then(|property| property.get(other)) == Some(&Value::Bool(true))
        };
        if let Some(names) = taken.get_mut("required").and_then(Value::as_array_mut) {
            names.retain(|name| !elsewhere(name));
        }
    }

    fn leave(&mut self, place: String, why: impl Into<String>) {
        if self.left_out.len() < MOST_LEFT_OUT {
            self.left_out.push(LeftOut { place, why: why.into() });
        }
    }
}

/// OpenAPI 3.0 says of a bound that it is exclusive; later drafts give the exclusive bound.
fn bounds(taken: &mut Map<String, Value>) {
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match taken.get(exclusive) {
            Some(Value::Bool(true)) => {
                taken.remove(exclusive);
                if let Some(limit) = taken.remove(bound) {
                    taken.insert(exclusive.into(), limit);
                }
            }
            Some(Value::Bool(false)) => drop(taken.remove(exclusive)),
            _ => {}
        }
    }
}

/// OpenAPI 3.0: `nullable` lets `null` pass beside what the schema says.
fn nullable(mut taken: Map<String, Value>) -> Value {
    let Some(Value::String(kind)) = taken.get("type").cloned() else {
        return json!({ "anyOf": [{ "type": "null" }, taken] });
    };
    taken.insert("type".into(), json!([kind, "null"]));
    if let Some(Value::Array(values)) = taken.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(taken)
}

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Formats of JSON Schema 2020-12 (validation, §7.3): others cannot be checked.
const FORMATS: &[&str] = &[
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

/// Schemas that one payload may refer to.
const MOST_DEFS: usize = 1_000;
