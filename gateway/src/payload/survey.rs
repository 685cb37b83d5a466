//! How much work a schema can ask for, found before it is compiled.
//!
//! The fuel of [`super::tape`] bounds the descent into a document. What it cannot see are schemas that apply
//! many subschemas to *one* value (`allOf`, `$ref`, …): those are counted here.

use std::collections::{HashMap, HashSet};
use std::ptr;

use jsonschema::{Draft, ReferencingError, Registry, Retrieve, Uri, uri};
use serde_json::{Map, Value};

use super::schema::{Limits, SchemaError};

/// What was found out about a schema.
#[derive(Debug)]
pub(super) struct Survey {
    /// Regular expressions to be compiled.
    pub(super) patterns: usize,
}

/// Refuses every reference that leaves the schema. Nothing is fetched, ever.
pub(super) struct Refuse;

impl Retrieve for Refuse {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} is not part of the schema, and nothing is fetched").into())
    }
}

/// Walks `schema` with everything it refers to, and refuses what costs more than `limits`.
pub(super) fn survey(schema: &Value, draft: Draft, limits: &Limits) -> Result<Survey, SchemaError> {
    let (mut values, mut patterns) = (0, 0);
    measure(schema, limits.schema_depth, &mut values, &mut patterns)?;
    if values > limits.schema_values || patterns > limits.schema_patterns {
        return Err(SchemaError::TooLarge);
    }
    let resource = draft.create_resource_ref(schema);
    let base = uri::from_str(resource.id().unwrap_or(NAMELESS).trim_end_matches('#')).map_err(unresolved)?;
    let registry = Registry::new().retriever(Refuse).draft(draft);
    let registry =
        registry.add(base.as_str(), resource).map_err(unresolved)?.prepare().map_err(unresolved)?;
    let root = registry.resolver(base.clone()).lookup("").map_err(unresolved)?.contents();
    let mut walk = Walk {
        registry: &registry,
        draft,
        limits,
        anchored: Vec::new(),
        done: HashMap::new(),
        open: HashSet::new(),
        later: vec![(root, base.clone())],
    };
    walk.find_anchored(root, &base);
    while let Some((schema, base)) = walk.later.pop() {
        walk.shape(schema, &base, 0)?;
    }
    Ok(Survey { patterns })
}

struct Walk<'r> {
    registry: &'r Registry<'r>,
    draft: Draft,
    limits: &'r Limits,
    /// Every subschema with a `$dynamicAnchor`: a `$dynamicRef` may end at any of that name.
    anchored: Vec<(&'r str, &'r Value, Uri<String>)>,
    done: HashMap<*const Value, Shape>,
    open: HashSet<*const Value>,
    /// Subschemas for values inside the value, with what references within them are relative to.
    later: Vec<(&'r Value, Uri<String>)>,
}

/// What a subschema costs for one value, not counting the values inside.
#[derive(Debug, Clone, Copy)]
struct Shape {
    weight: usize,
    height: u16,
}

impl<'r> Walk<'r> {
    /// Surveys `schema`, references in which are relative to `base`, at the end of a chain of `above` others.
    fn shape(&mut self, schema: &'r Value, base: &Uri<String>, above: u16) -> Result<Shape, SchemaError> {
        let Some(keywords) = schema.as_object() else { return Ok(Shape { weight: 1, height: 1 }) };
        if let Some(shape) = self.done.get(&ptr::from_ref(schema)) {
            return if above + shape.height > self.limits.schema_chain {
                Err(SchemaError::TooDeep)
            } else {
                Ok(*shape)
            };
        }
        if above >= self.limits.schema_chain {
            return Err(SchemaError::TooDeep);
        }
        if !self.open.insert(schema) {
            return Err(SchemaError::Endless);
        }
        let mut shape = Shape { weight: 1, height: 1 };
        // Subschemas for the same value: those referred to (with where they stand), those written here.
        let (mut referred, mut here, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for (keyword, value) in keywords {
            shape.weight += 1 + value.as_array().map_or(0, Vec::len) + value.as_object().map_or(0, Map::len);
            match keyword.as_str() {
                "$ref" | "$dynamicRef" => {
                    let Some(reference) = value.as_str() else { continue };
                    let target =
                        self.registry.resolver(base.clone()).lookup(reference).map_err(unresolved)?;
                    referred.push((target.contents(), (*target.resolver().base_uri()).clone()));
                    if keyword == "$dynamicRef" {
                        let name = reference.rsplit('#').next().unwrap_or_default();
                        let named = self.anchored.iter().filter(|(anchor, ..)| *anchor == name);
                        referred.extend(named.map(|(_, schema, base)| (*schema, base.clone())));
                    }
                }
                "allOf" | "anyOf" | "oneOf" => here.extend(elements(value)),
                "not" | "if" | "then" | "else" | "propertyNames" => here.push(value),
                "dependentSchemas" | "dependencies" => here.extend(members(value)),
                "properties" | "patternProperties" | "$defs" | "definitions" => below.extend(members(value)),
                "prefixItems" => below.extend(elements(value)),
                "items" => below.extend(elements(value).chain([value])),
                "additionalItems"
                | "additionalProperties"
                | "contains"
                | "unevaluatedItems"
                | "unevaluatedProperties" => below.push(value),
                _ => {}
            }
        }
        for schema in here {
            referred.push((schema, self.base_within(schema, base)?));
        }
        for schema in below {
            self.later.push((schema, self.base_within(schema, base)?));
        }
        for (child, base) in referred {
            let child = self.shape(child, &base, above + 1)?;
            shape.weight = shape.weight.saturating_add(child.weight);
            shape.height = shape.height.max(1 + child.height);
        }
        if shape.weight > self.limits.schema_weight {
            return Err(SchemaError::TooCostly);
        }
        self.open.remove(&ptr::from_ref(schema));
        self.done.insert(schema, shape);
        Ok(shape)
    }

    fn find_anchored(&mut self, value: &'r Value, base: &Uri<String>) {
        let base = self.base_within(value, base).unwrap_or_else(|_| base.clone());
        if let Some(anchor) = value.get("$dynamicAnchor").and_then(Value::as_str) {
            self.anchored.push((anchor, value, base.clone()));
        }
        members(value).chain(elements(value)).for_each(|value| self.find_anchored(value, &base));
    }

    /// The URI that references within `schema` are relative to.
    fn base_within(&self, schema: &Value, base: &Uri<String>) -> Result<Uri<String>, SchemaError> {
        let resource = self.draft.create_resource_ref(schema);
        if resource.id().is_none() {
            return Ok(base.clone());
        }
        let inner = self.registry.resolver(base.clone()).in_subresource(resource).map_err(unresolved)?;
        Ok((*inner.base_uri()).clone())
    }
}

fn measure(value: &Value, depth: u16, values: &mut usize, patterns: &mut usize) -> Result<(), SchemaError> {
    let depth = depth.checked_sub(1).ok_or(SchemaError::TooDeep)?;
    *values += 1;
    *patterns += usize::from(value.get("pattern").is_some());
    *patterns += value.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
    members(value).chain(elements(value)).try_for_each(|value| measure(value, depth, values, patterns))
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(|members| members.values())
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn unresolved(error: ReferencingError) -> SchemaError {
    SchemaError::Reference(error.to_string())
}

/// Where a schema without `$id` stands; the name that the library uses.
const NAMELESS: &str = "json-schema:///";
