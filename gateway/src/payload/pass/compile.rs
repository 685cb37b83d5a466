//! From a schema to the rules of a [`Program`], for the keywords that they know.

use std::collections::HashMap;
use std::ptr;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::format::{is_surely_date_time, is_surely_uuid};
use super::pattern::Row;
use super::program::{
    ANYTHING, ARRAY, ArrayRule, Asked, Beyond, EVERY, FALSE, FRACTION, Found, Guess, INTEGER, MOST_MEMBERS,
    Member, Mixed, NOTHING, NULL, NumberRule, OBJECT, ObjectRule, Program, Rule, RuleId, Sort, Spelling,
    TEXT, TRUE, TextCheck, TextRule,
};
use super::table::Table;
use crate::payload::tape::Tape;

/// Compiles `schema`, which the library has accepted; `None` if only the judge can follow it.
///
/// `ask` makes a validator of a part of it that refers to nothing.
pub(super) fn compile(
    schema: &Value,
    draft: Draft,
    ask: &dyn Fn(&Value) -> Option<Validator<Tape>>,
) -> Option<Program> {
    if moves_references(schema, true) {
        return None;
    }
    let open = ObjectRule {
        least: 0,
        most: u64::MAX,
        required: 0,
        table: Table::new([])?,
        members: Vec::new(),
        patterns: Vec::new(),
        others: ANYTHING,
        first: Guess::new(0),
    };
    let any = Rule { kinds: EVERY, ..Rule::default() };
    let mut compiler = Compiler {
        whole: schema,
        draft,
        ask,
        asked: 0,
        rules: vec![Some(any), Some(Rule::default())],
        known: HashMap::new(),
        later: Vec::new(),
    };
    let root = compiler.rule(schema)?;
    while let Some((id, keywords)) = compiler.later.pop() {
        compiler.rules[id as usize] = Some(compiler.build(keywords)?);
    }
    let rules = compiler.rules.into_iter().collect::<Option<_>>()?;
    Some(Program { rules, root, open })
}

struct Compiler<'s> {
    whole: &'s Value,
    draft: Draft,
    ask: &'s dyn Fn(&Value) -> Option<Validator<Tape>>,
    /// How many validators were made.
    asked: usize,
    /// `None`: still to be built.
    rules: Vec<Option<Rule>>,
    known: HashMap<*const Value, RuleId>,
    later: Vec<(RuleId, &'s Value)>,
}

impl<'s> Compiler<'s> {
    /// The rule of a subschema, which is built later unless it was seen before.
    fn rule(&mut self, schema: &'s Value) -> Option<RuleId> {
        let mut schema = schema;
        // What only refers to another is that other.
        for _ in 0..MOST_HOPS {
            let keywords = match schema {
                Value::Bool(true) => return Some(ANYTHING),
                Value::Bool(false) => return Some(NOTHING),
                Value::Object(keywords) => keywords,
                Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => return None,
            };
            match keywords.get("$ref") {
                Some(target) if self.lone(keywords) => schema = self.target(target)?,
                _ => {
                    if let Some(id) = self.known.get(&ptr::from_ref(schema)) {
                        return Some(*id);
                    }
                    let id = self.reserve()?;
                    self.known.insert(schema, id);
                    self.later.push((id, schema));
                    return Some(id);
                }
            }
        }
        None
    }

    fn rules_of(&mut self, schemas: &'s Value) -> Option<Vec<RuleId>> {
        schemas.as_array()?.iter().map(|schema| self.rule(schema)).collect()
    }

    fn reserve(&mut self) -> Option<RuleId> {
        let id = RuleId::try_from(self.rules.len()).ok()?;
        self.rules.push(None);
        Some(id)
    }

    /// Whether `$ref` stands alone: earlier drafts ignore what stands beside it.
    fn lone(&self, keywords: &Map<String, Value>) -> bool {
        self.draft == Draft::Draft7 || keywords.keys().all(|name| name == "$ref" || asserts_nothing(name))
    }

    /// What a reference within the schema leads to.
    fn target(&self, reference: &Value) -> Option<&'s Value> {
        let pointer = reference.as_str()?.strip_prefix('#')?;
        if pointer.contains('%') { None } else { self.whole.pointer(pointer) }
    }

    fn asked(&mut self, schema: &Value) -> Option<Asked> {
        self.asked += 1;
        if self.asked > MOST_ASKED { None } else { (self.ask)(schema).map(Asked) }
    }

    fn build(&mut self, schema: &'s Value) -> Option<Rule> {
        let keywords = schema.as_object()?;
        if keywords.keys().any(|name| !KNOWN.contains(&&**name) && !asserts_nothing(name))
            || (self.draft == Draft::Draft7 && keywords.contains_key("prefixItems"))
            || (keywords.contains_key("enum") && keywords.contains_key("const"))
        {
            return self.judged(schema);
        }
        let Some(plain) = self.plain(keywords)? else { return self.judged(schema) };
        let mut mixed = Mixed::default();
        for (keyword, value) in keywords {
            match keyword.as_str() {
                "$ref" => {
                    let target = self.target(value)?;
                    mixed.all.push(self.rule(target)?);
                }
                "allOf" => mixed.all.extend(self.rules_of(value)?),
                "anyOf" => mixed.any.push(self.rules_of(value)?),
                "oneOf" => mixed.one.push(self.rules_of(value)?),
                "not" => mixed.none.push(self.rule(value)?),
                "if" => {
                    let mut branch = |name| keywords.get(name).map_or(Some(ANYTHING), |then| self.rule(then));
                    let (then, other) = (branch("then")?, branch("else")?);
                    mixed.choice = Some([self.rule(value)?, then, other]);
                }
                _ => {}
            }
        }
        let says_nothing = plain.kinds == EVERY
            && plain.text.is_none()
            && plain.number.is_none()
            && plain.array.is_none()
            && plain.object.is_none();
        let is_mixed = !(mixed.any.is_empty() && mixed.one.is_empty() && mixed.none.is_empty())
            || mixed.choice.is_some()
            || !mixed.all.is_empty();
        if !is_mixed {
            return Some(plain);
        }
        if !says_nothing || mixed.all.is_empty() {
            let own = self.reserve()?;
            self.rules[own as usize] = Some(plain);
            mixed.all.insert(0, own);
        }
        Some(Beyond::Mixed(mixed).into())
    }

    /// Leaves a subschema to the judge.
    fn judged(&mut self, schema: &Value) -> Option<Rule> {
        if refers(schema) { None } else { self.asked(schema).map(|asked| Beyond::Asked(asked).into()) }
    }

    /// What the keywords say that need no second look; `Some(None)` if only the judge can tell.
    fn plain(&mut self, keywords: &'s Map<String, Value>) -> Option<Option<Rule>> {
        let mut kinds = EVERY;
        match keywords.get("type") {
            Some(Value::String(name)) => kinds = kind(name)?,
            Some(names) => {
                let names = names.as_array()?.iter();
                kinds = names.map(|name| kind(name.as_str()?)).try_fold(0, |all, kind| Some(all | kind?))?;
            }
            None => {}
        }
        let mut texts = None;
        let mut numbers = false;
        let allowed = keywords.get("enum").map(|values| values.as_array().map_or(&[][..], Vec::as_slice));
        if let Some(values) = allowed.or(keywords.get("const").map(std::slice::from_ref)) {
            let mut named = 0;
            for value in values {
                named |= match value {
                    Value::Null => NULL,
                    Value::Bool(false) => FALSE,
                    Value::Bool(true) => TRUE,
                    Value::Number(_) => INTEGER | FRACTION,
                    Value::String(_) => TEXT,
                    Value::Array(_) | Value::Object(_) => return Some(None),
                };
            }
            kinds &= named;
            numbers = named & INTEGER != 0;
            let Some(table) = Table::new(values.iter().filter_map(Value::as_str)) else { return Some(None) };
            texts = Some(table);
        }
        let Some(text) = self.text(keywords, texts)? else { return Some(None) };
        let Some(array) = self.array(keywords)? else { return Some(None) };
        let Some(object) = self.object(keywords)? else { return Some(None) };
        let number = self.number(keywords, numbers)?;
        Some(Some(Rule { kinds, text, number, array, object, beyond: None }))
    }

    fn text(
        &mut self,
        keywords: &'s Map<String, Value>,
        values: Option<Table>,
    ) -> Option<Option<Option<Box<TextRule>>>> {
        let bounds = (size(keywords, "minLength", 0), size(keywords, "maxLength", u64::MAX));
        let (Some(least), Some(most)) = bounds else { return Some(None) };
        let mut checks = Vec::new();
        if let Some(pattern) = keywords.get("pattern") {
            checks.push(self.pattern(pattern.as_str()?)?);
        }
        match keywords.get("format").map(|format| format.as_str()) {
            None => {}
            Some(Some("date")) => checks.push(TextCheck::Date),
            Some(format) => {
                let quick: fn(&[u8]) -> bool = match format? {
                    "date-time" => is_surely_date_time,
                    "uuid" => is_surely_uuid,
                    _ => |_| false,
                };
                checks.push(TextCheck::Format(quick, self.asked(&json!({"format": format?}))?));
            }
        }
        let idle = least == 0 && most == u64::MAX && values.is_none() && checks.is_empty();
        let sort = match checks[..] {
            _ if values.is_some() => Sort::Other,
            [] => Sort::Length,
            [TextCheck::Date] if least == 0 && most == u64::MAX => Sort::Date,
            _ => Sort::Other,
        };
        Some(Some((!idle).then(|| Box::new(TextRule { least, most, values, checks, sort }))))
    }

    fn pattern(&mut self, pattern: &str) -> Option<TextCheck> {
        Some(match Row::parse(pattern) {
            Some(row) => TextCheck::Row(row),
            None => {
                let matches = self.asked(&json!({"pattern": pattern}))?;
                let fails = self.asked(&json!({"not": {"pattern": pattern}}))?;
                TextCheck::Pattern(Box::new(Found { matches, fails }))
            }
        })
    }

    fn number(&mut self, keywords: &'s Map<String, Value>, values: bool) -> Option<Option<Box<NumberRule>>> {
        let mut rest: Map<String, Value> = Map::new();
        for name in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] {
            rest.extend(keywords.get(name).map(|bound| (name.to_owned(), bound.clone())));
        }
        if values {
            for name in ["enum", "const"] {
                rest.extend(keywords.get(name).map(|values| (name.to_owned(), values.clone())));
            }
        }
        if rest.is_empty() {
            return Some(None);
        }
        let mut rule = NumberRule {
            least: i64::MIN,
            most: i64::MAX,
            step: 1,
            low: (f64::NEG_INFINITY, true),
            high: (f64::INFINITY, true),
            rest: None,
        };
        // Whether integers of few digits, and then all other numbers, are judged by the bounds alone.
        let (mut integers, mut others) = (!values, !values);
        for (name, bound) in &rest {
            let Some(bound) = bound.as_f64().filter(|bound| bound.abs() < EXACT) else {
                (integers, others) = (false, false);
                continue;
            };
            match name.as_str() {
                "minimum" => {
                    rule.least = rule.least.max(bound.ceil() as i64);
                    if bound >= rule.low.0 {
                        rule.low = (bound, rule.low.1 || bound > rule.low.0);
                    }
                }
                "exclusiveMinimum" => {
                    rule.least = rule.least.max(bound.floor() as i64 + 1);
                    if bound >= rule.low.0 {
                        rule.low = (bound, false);
                    }
                }
                "maximum" => {
                    rule.most = rule.most.min(bound.floor() as i64);
                    if bound <= rule.high.0 {
                        rule.high = (bound, rule.high.1 || bound < rule.high.0);
                    }
                }
                "exclusiveMaximum" => {
                    rule.most = rule.most.min(bound.ceil() as i64 - 1);
                    if bound <= rule.high.0 {
                        rule.high = (bound, false);
                    }
                }
                "multipleOf" => {
                    others = false;
                    integers &= bound.fract() == 0.0;
                    rule.step = (bound as i64).max(1);
                }
                _ => {}
            }
        }
        if !integers {
            // Nothing lies between: the judge is always asked.
            (rule.least, rule.most) = (i64::MAX, i64::MIN);
        }
        if !integers || !others {
            rule.low = (f64::NAN, true);
        }
        rule.rest = Some(self.asked(&Value::Object(rest))?);
        Some(Some(Box::new(rule)))
    }

    fn array(&mut self, keywords: &'s Map<String, Value>) -> Option<Option<Option<Box<ArrayRule>>>> {
        let bounds = (size(keywords, "minItems", 0), size(keywords, "maxItems", u64::MAX));
        let (Some(least), Some(most)) = bounds else { return Some(None) };
        let earlier = keywords.get("items").is_some_and(Value::is_array);
        let (first, rest) = if earlier { ("items", "additionalItems") } else { ("prefixItems", "items") };
        let first = keywords.get(first).map_or(Some(Vec::new()), |first| self.rules_of(first))?;
        let rest = keywords.get(rest).map_or(Some(ANYTHING), |rest| self.rule(rest))?;
        let unique = keywords.get("uniqueItems").is_some_and(|unique| *unique == Value::Bool(true));
        let unique = if unique { Some(self.asked(&json!({"uniqueItems": true}))?) } else { None };
        let idle = least == 0 && most == u64::MAX && first.is_empty() && rest == ANYTHING && unique.is_none();
        Some(Some((!idle).then(|| Box::new(ArrayRule { least, most, first, rest, unique }))))
    }

    fn object(&mut self, keywords: &'s Map<String, Value>) -> Option<Option<Option<Box<ObjectRule>>>> {
        const NAMES: [&str; 6] = [
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "minProperties",
            "maxProperties",
        ];
        if !NAMES.iter().any(|name| keywords.contains_key(*name)) {
            return Some(Some(None));
        }
        let bounds = (size(keywords, "minProperties", 0), size(keywords, "maxProperties", u64::MAX));
        let (Some(least), Some(most)) = bounds else { return Some(None) };
        let mut named: Vec<(&str, Option<RuleId>, bool)> = Vec::new();
        for (name, schema) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
            named.push((name, Some(self.rule(schema)?), false));
        }
        if named.len() > MOST_MEMBERS {
            return Some(None);
        }
        for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten() {
            let name = name.as_str()?;
            match named.iter_mut().find(|(other, ..)| *other == name) {
                Some(found) => found.2 = true,
                None => named.push((name, None, true)),
            }
            if named.len() > MOST_MEMBERS {
                return Some(None);
            }
        }
        let Some(table) = Table::new(named.iter().map(|(name, ..)| *name)) else { return Some(None) };
        let mut patterns = Vec::new();
        for (pattern, schema) in
            keywords.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
        {
            patterns.push((self.pattern(pattern)?, self.rule(schema)?));
        }
        let others =
            keywords.get("additionalProperties").map_or(Some(ANYTHING), |others| self.rule(others))?;
        let required = named.iter().filter(|(.., required)| *required).count() as u32;
        let members = named.iter().enumerate().map(|(at, (name, rule, required))| Member {
            rule: *rule,
            required: *required,
            // With patterns, the name itself is needed.
            spelling: if patterns.is_empty() { Spelling::of(name) } else { None },
            next: Guess::new(at + 1),
        });
        let (members, first) = (members.collect(), Guess::new(0));
        Some(Some(Some(Box::new(ObjectRule {
            least,
            most,
            required,
            table,
            members,
            patterns,
            others,
            first,
        }))))
    }
}

/// A bound on a size; `None` if it is one that the library reads in a way of its own.
fn size(keywords: &Map<String, Value>, name: &str, default: u64) -> Option<u64> {
    keywords.get(name).map_or(Some(default), Value::as_u64)
}

fn kind(name: &str) -> Option<u8> {
    Some(match name {
        "null" => NULL,
        "boolean" => FALSE | TRUE,
        "integer" => INTEGER,
        "number" => INTEGER | FRACTION,
        "string" => TEXT,
        "array" => ARRAY,
        "object" => OBJECT,
        _ => return None,
    })
}

fn asserts_nothing(keyword: &str) -> bool {
    keyword.starts_with("x-") || ANNOTATIONS.contains(&keyword)
}

/// Whether something in `schema` changes what references mean, or hides among what looks like it.
fn moves_references(schema: &Value, is_root: bool) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let moves = match name.as_str() {
                "$id" | "$schema" => !is_root,
                "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$recursiveAnchor" | "$recursiveRef"
                | "$vocabulary" => true,
                _ => false,
            };
            moves || moves_references(value, false)
        }),
        Value::Array(elements) => elements.iter().any(|value| moves_references(value, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether `schema` may refer to something outside of itself.
fn refers(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(name, value)| name == "$ref" || refers(value)),
        Value::Array(elements) => elements.iter().any(refers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

const MOST_HOPS: usize = 32;
/// Validators of the library beside the one for the whole schema; each may take some hundred kilobytes.
const MOST_ASKED: usize = 256;
/// Up to here a double is exact for integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Keywords that the rules follow.
const KNOWN: &[&str] = &[
    "$ref",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "required",
    "then",
    "type",
    "uniqueItems",
];

/// Keywords that assert nothing.
const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];
