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
    let mut size = Size::default();
    measure(schema, limits.schema_depth, &mut size)?;
    let Size { values, patterns, drafts } = size;
    if values > limits.schema_values || patterns > limits.schema_patterns || drafts > MOST_DRAFTS {
        return Err(SchemaError::TooLarge);
    }
    check_drafts(schema, draft)?;
    let resource = draft.create_resource_ref(schema);
    let base = uri::from_str(resource.id().unwrap_or(NAMELESS).trim_end_matches('#')).map_err(unresolved)?;
    let registry = Registry::new().retriever(Refuse).draft(draft);
    let registry =
        registry.add(base.as_str(), resource).map_err(unresolved)?.prepare().map_err(unresolved)?;
    let root = registry.resolver(base.clone()).lookup("").map_err(unresolved)?.contents();
    let mut walk = Walk {
        registry: &registry,
        limits,
        anchored: Vec::new(),
        done: HashMap::new(),
        open: HashSet::new(),
        later: vec![(root, Scope { base: base.clone(), draft })],
    };
    walk.find_anchored(root, &Scope { base, draft });
    while let Some((schema, scope)) = walk.later.pop() {
        walk.shape(schema, &scope, 0)?;
    }
    Ok(Survey { patterns })
}

struct Walk<'r> {
    registry: &'r Registry<'r>,
    limits: &'r Limits,
    /// Every subschema with a `$dynamicAnchor`: a `$dynamicRef` may end at any of that name. [`RECURSIVE`] is the name of
    /// every one with a `$recursiveAnchor`.
    anchored: Vec<(&'r str, &'r Value, Scope)>,
    done: HashMap<Place, Shape>,
    open: HashSet<Place>,
    /// Subschemas for values inside the value.
    later: Vec<(&'r Value, Scope)>,
}

/// What a subschema's references are relative to, and the draft that it is read by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Scope {
    base: Uri<String>,
    draft: Draft,
}

/// A subschema as it is read from one side: the drafts differ in which `$id` counts.
type Place = (*const Value, Scope);

/// What a subschema costs for one value, not counting the values inside.
#[derive(Debug, Clone, Copy)]
struct Shape {
    weight: usize,
    height: u16,
}

impl<'r> Walk<'r> {
    /// Surveys `schema`, at the end of a chain of `above` others.
    fn shape(&mut self, schema: &'r Value, scope: &Scope, above: u16) -> Result<Shape, SchemaError> {
        let Some(keywords) = schema.as_object() else { return Ok(Shape { weight: 1, height: 1 }) };
        let place = (ptr::from_ref(schema), scope.clone());
        if let Some(shape) = self.done.get(&place) {
            return if above + shape.height > self.limits.schema_chain {
                Err(SchemaError::TooDeep)
            } else {
                Ok(*shape)
            };
        }
        if above >= self.limits.schema_chain {
            return Err(SchemaError::TooDeep);
        }
        if self.done.len() > self.limits.schema_values {
            return Err(SchemaError::TooLarge);
        }
        // References lead to what is no subschema otherwise, too.
        known(scope.draft.detect(schema))?;
        if !self.open.insert(place.clone()) {
            return Err(SchemaError::Endless);
        }
        let mut shape = Shape { weight: 1, height: 1 };
        // Subschemas for the same value: those referred to (with where they stand), those written here.
        let (mut referred, mut here, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for (keyword, value) in keywords {
            shape.weight += 1 + value.as_array().map_or(0, Vec::len) + value.as_object().map_or(0, Map::len);
            match keyword.as_str() {
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    let Some(reference) = value.as_str() else { continue };
                    let resolver = self.registry.resolver(scope.base.clone());
                    let target = resolver.lookup(reference).map_err(unresolved)?;
                    let (target, inner, draft) = target.into_inner();
                    referred.push((target, Scope { base: (*inner.base_uri()).clone(), draft }));
                    let name = match keyword.as_str() {
                        "$ref" => continue,
                        "$dynamicRef" => reference.rsplit('#').next().unwrap_or_default(),
                        _ => RECURSIVE,
                    };
                    let named = self.anchored.iter().filter(|(anchor, ..)| *anchor == name);
                    referred.extend(named.map(|(_, schema, scope)| (*schema, scope.clone())));
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
            referred.push((schema, self.scope_within(schema, scope)?));
        }
        for schema in below {
            self.later.push((schema, self.scope_within(schema, scope)?));
        }
        for (child, scope) in referred {
            let child = self.shape(child, &scope, above + 1)?;
            shape.weight = shape.weight.saturating_add(child.weight);
            shape.height = shape.height.max(1 + child.height);
        }
        if shape.weight > self.limits.schema_weight {
            return Err(SchemaError::TooCostly);
        }
        self.open.remove(&place);
        self.done.insert(place, shape);
        Ok(shape)
    }

    fn find_anchored(&mut self, value: &'r Value, scope: &Scope) {
        let scope = self.scope_within(value, scope).unwrap_or_else(|_| scope.clone());
        if let Some(anchor) = value.get("$dynamicAnchor").and_then(Value::as_str) {
            self.anchored.push((anchor, value, scope.clone()));
        }
        if value.get("$recursiveAnchor").is_some() {
            self.anchored.push((RECURSIVE, value, scope.clone()));
        }
        members(value).chain(elements(value)).for_each(|value| self.find_anchored(value, &scope));
    }

    /// What holds within `schema`, which stands in `scope`.
    fn scope_within(&self, schema: &Value, scope: &Scope) -> Result<Scope, SchemaError> {
        let draft = scope.draft.detect(schema);
        let resource = draft.create_resource_ref(schema);
        if resource.id().is_none() {
            return Ok(Scope { base: scope.base.clone(), draft });
        }
        let inner =
            self.registry.resolver(scope.base.clone()).in_subresource(resource).map_err(unresolved)?;
        Ok(Scope { base: (*inner.base_uri()).clone(), draft })
    }
}

/// How large a schema is.
#[derive(Default)]
struct Size {
    values: usize,
    patterns: usize,
    /// How often a draft is named.
    drafts: usize,
}

fn measure(value: &Value, depth: u16, size: &mut Size) -> Result<(), SchemaError> {
    let depth = depth.checked_sub(1).ok_or(SchemaError::TooDeep)?;
    size.values += 1;
    size.patterns += usize::from(value.get("pattern").is_some());
    size.patterns += value.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
    size.drafts += usize::from(value.get("$schema").is_some());
    members(value).chain(elements(value)).try_for_each(|value| measure(value, depth, size))
}

/// Checks the drafts of documents within a bundle.
fn check_drafts(schema: &Value, draft: Draft) -> Result<(), SchemaError> {
    draft.subresources_of(schema).try_for_each(|inner| check_drafts(inner, known(draft.detect(inner))?))
}

/// A draft that a document within a bundle may be of: those whose keywords are all surveyed here.
fn known(draft: Draft) -> Result<Draft, SchemaError> {
    match draft {
        Draft::Draft7 | Draft::Draft201909 | Draft::Draft202012 => Ok(draft),
        _ => Err(SchemaError::Draft),
    }
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(|members| members.values())
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn unresolved(error: ReferencingError) -> SchemaError {
    match error {
        ReferencingError::Unretrievable { uri, .. } => SchemaError::Elsewhere { uri },
        other => SchemaError::Reference(other.to_string()),
    }
}

/// Where a schema without `$id` stands; the name that the library uses.
const NAMELESS: &str = "json-schema:///";
/// No `$dynamicAnchor` can be spelled so.
const RECURSIVE: &str = "#recursive";
/// Drafts that may be named in one schema: the library looks at all of a schema for each document of another draft in it.
const MOST_DRAFTS: usize = 64;
