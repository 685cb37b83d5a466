//! What reads, by which operation: arguments become the places, parameters or fields that bear their names.

use std::collections::BTreeSet;
use std::time::Duration;

use agreements::Fit;
use clap::ArgMatches;
use clap::parser::ValueSource;
use http::Method;
use serde_json::{Map, Value, json};

use super::super::common::Common;
use super::super::desk::read_json;
use super::super::table::{Table, short};
use super::super::{Answer, Exit, Failure, template};
use super::Line;
use crate::api::operation::{Operation, Place};
use crate::registry::ServerError;

/// A command that reads, and the operation that answers it.
struct Read {
    path: &'static str,
    operation: &'static str,
    /// Arguments that the operation calls otherwise.
    renames: &'static [(&'static str, &'static str)],
    /// Parameters that the command means.
    meant: &'static [(&'static str, &'static str)],
    /// Whether the answer is a negative one, as scripts know it of the same command on a folder.
    negative: fn(&Value) -> bool,
}

const fn read(path: &'static str, operation: &'static str) -> Read {
    Read { path, operation, renames: &[], meant: &[], negative: never }
}

/// All of them: where two have one path, the first that knows all that was given.
const READS: &[Read] = &[
    read("holder list", "list-holders"),
    read("operator list", "list-operators"),
    read("operator access", "operator-access"),
    read("system list", "list-systems"),
    read("system show", "system"),
    read("application list", "list-applications"),
    read("application show", "application"),
    read("object list", "list-objects"),
    read("object show", "object"),
    read("calendar show", "calendar"),
    read("calendar terms", "terms"),
    Read { renames: &[("day", "from"), ("days", "working-days")], ..read("calendar add", "due") },
    Read { meant: &[("standing", "overdue")], negative: some, ..read("overdue", "list-deadlines") },
    read("notices", "list-notices"),
    read("data-type list", "list-data-types"),
    read("data-type show", "data-type"),
    read("act list", "list-acts"),
    read("template list", "list-templates"),
    read("template show", "template"),
    read("agreement list", "list-agreements"),
    read("agreement show", "agreement"),
    read("agreement show", "agreement-version"),
    read("agreement users", "agreement"),
    Read { negative: wider, ..read("agreement diff", "diff") },
    Read { negative: |found| found["holds"] != true, ..read("agreement readiness", "readiness") },
    Read { negative: |told| told["decision"] != "permit", ..read("explain", "explain") },
    read("prescription list", "list-prescriptions"),
    read("prescription show", "prescription"),
    read("delegation list", "list-delegations"),
    read("history", "list-events"),
];

/// What a command that reads says, if it is one and asks for nothing that its operation does not know.
pub(super) fn answered(common: &Common, path: &str, leaf: &ArgMatches) -> Result<Option<Answer>, Failure> {
    let given = given(path, leaf);
    match path {
        "agreement lint" => return lint(common, leaf).map(Some),
        "agreement check-template" => return within(common, leaf).map(Some),
        "readiness" => return checked(common, &given),
        _ => {}
    }
    let operations = crate::api::operations();
    for one in READS.iter().filter(|one| one.path == path) {
        let Some(operation) = operations.iter().find(|known| known.id == one.operation) else { continue };
        if let Some(asked) = asked(one, operation, &given) {
            let mut line = Line::open(common)?;
            let found = asked.ask(&mut line, operation)?;
            let answer = Answer::new(found.clone(), shown(&found));
            return Ok(Some(if (one.negative)(&found) { answer.negative() } else { answer }));
        }
    }
    Ok(None)
}

/// What was given on the command line, but for what all commands take.
fn given(path: &str, leaf: &ArgMatches) -> Vec<(String, String)> {
    let mut command = crate::cli::command();
    for name in path.split(' ') {
        command = command.find_subcommand(name).cloned().unwrap_or(command);
    }
    let names = command.get_arguments().map(|argument| argument.get_id().as_str().to_owned());
    let names = names.chain(["at".to_owned()]).filter(|name| !COMMON.contains(&name.as_str()));
    let typed = names.filter(|name| leaf.try_contains_id(name).is_ok());
    let typed = typed.filter(|name| leaf.value_source(name) == Some(ValueSource::CommandLine));
    let text = |name: &String| {
        let values = leaf.get_raw(name)?;
        Some(values.map(|value| value.to_string_lossy().into_owned()).collect::<Vec<_>>().join(","))
    };
    typed.filter_map(|name| text(&name).map(|text| (name, text))).collect()
}

/// A request for an operation.
struct Asked {
    places: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    fields: Map<String, Value>,
}

fn asked(read: &Read, operation: &Operation, given: &[(String, String)]) -> Option<Asked> {
    let mut asked = Asked { places: Vec::new(), parameters: Vec::new(), fields: Map::new() };
    for (name, text) in given {
        let renamed = read.renames.iter().find(|(known, _)| known == name).map(|(_, other)| *other);
        let name = renamed.map_or_else(|| name.clone(), str::to_owned);
        let dashed = name.replace('_', "-");
        match operation.inputs.iter().find(|input| input.name == name || input.name == dashed) {
            Some(input) if input.place == Place::Path => asked.places.push((input.name.into(), text.clone())),
            Some(input) => asked.parameters.push((input.name.into(), text.clone())),
            None if operation.body.is_some() => drop(asked.fields.insert(name, text.clone().into())),
            None => return None,
        }
    }
    let meant = read.meant.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    asked.parameters.extend(meant);
    Some(asked)
}

impl Asked {
    fn ask(&self, line: &mut Line, operation: &Operation) -> Result<Value, Failure> {
        let mut path = operation.path.clone();
        for input in operation.inputs.iter().filter(|input| input.place == Place::Path) {
            let known =
                self.places.iter().find(|(name, _)| name == input.name).map(|(_, text)| encoded(text));
            let text = match (known, input.name) {
                (Some(text), _) => text,
                (None, "version") => {
                    let number =
                        self.places.iter().find(|(name, _)| name == "number").map(|(_, text)| encoded(text));
                    newest(line, &number.unwrap_or_default())?
                }
                (None, name) => {
                    let what = format!("a server wants to be told the {name}");
                    return Err(Failure::new(Exit::Usage, what, format!("give --{name}")));
                }
            };
            path = path.replace(&format!("{{{}}}", input.name), &text);
        }
        if operation.body.is_some() {
            return Ok(line.ask(
                operation.method.clone(),
                &path,
                Some(&Value::Object(self.fields.clone())),
            )?);
        }
        self.pages(line, &path, operation)
    }

    /// All pages of a list, unless some were asked for; anything else as it is.
    fn pages(&self, line: &mut Line, path: &str, operation: &Operation) -> Result<Value, Failure> {
        let is_input = |name: &str| operation.inputs.iter().any(|input| input.name == name);
        let onward = if is_input("cursor") { "cursor" } else { "after" };
        let bounded = self.parameters.iter().any(|(name, _)| name == "limit");
        let mut parameters = self.parameters.clone();
        if is_input("limit") && !bounded {
            parameters.push(("limit".into(), "200".into()));
        }
        let mut items = Vec::new();
        loop {
            let query: Vec<String> =
                parameters.iter().map(|(name, text)| format!("{name}={}", encoded(text))).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            let mut page = line.ask(Method::GET, &format!("{path}{mark}{}", query.join("&")), None)?;
            let Some(found) = page.get_mut("items").and_then(Value::as_array_mut) else { return Ok(page) };
            items.append(found);
            match page["next"].as_str() {
                Some(next) if !bounded && items.len() < MOST_ITEMS => {
                    parameters.retain(|(name, _)| name != onward);
                    parameters.push((onward.into(), next.into()));
                }
                _ => {
                    page["items"] = items.into();
                    return Ok(page);
                }
            }
        }
    }
}

fn newest(line: &mut Line, number: &str) -> Result<String, Failure> {
    let found = line.ask(Method::GET, &format!("/v1/agreements/{number}"), None)?;
    let versions = found["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(versions.last().map(|newest| newest["version"].to_string()).unwrap_or_default())
}

fn lint(common: &Common, leaf: &ArgMatches) -> Result<Answer, Failure> {
    let found = linted(common, leaf)?;
    let problems = json!({ "items": found["problems"] });
    let remarks = json!({ "items": found["remarks"] });
    let said = if some(&remarks) { &remarks } else { &problems };
    let answer = Answer::new(found.clone(), shown(said));
    Ok(if some(&problems) { answer.negative() } else { answer })
}

/// Whether a document is within the templates of its purposes: what cannot be signed is judged by none.
fn within(common: &Common, leaf: &ArgMatches) -> Result<Answer, Failure> {
    let found = linted(common, leaf)?;
    let problems = found["problems"].as_array().map_or(0, Vec::len);
    if problems > 0 {
        let todo = "see `kelisim agreement lint` for each";
        return Err(Failure::new(Exit::Refused, format!("it has {problems} problems"), todo));
    }
    let fits: Vec<Fit> = serde_json::from_value(found["fits"].clone())
        .map_err(|error| Failure::from(ServerError::unreadable(&error)))?;
    let answer = Answer::new(json!({ "fits": fits }), template::judged(&fits).to_string());
    Ok(if fits.iter().all(Fit::is_within) { answer } else { answer.negative() })
}

fn linted(common: &Common, leaf: &ArgMatches) -> Result<Value, Failure> {
    let file = leaf.get_raw("file").and_then(|mut files| files.next()).unwrap_or_default();
    let document: Value = read_json(std::path::Path::new(file))?;
    Ok(Line::open(common)?.ask(Method::POST, "/v1/lint", Some(&json!({ "document": document })))?)
}

/// Has the gateway check, and waits for what it finds.
fn checked(common: &Common, given: &[(String, String)]) -> Result<Option<Answer>, Failure> {
    let of = |name: &str| given.iter().find(|(known, _)| known == name).map(|(_, text)| encoded(text));
    if of("dry_run").is_some() {
        return Ok(None);
    }
    let mut line = Line::open(common)?;
    let number = of("number").unwrap_or_default();
    let version = of("version").map_or_else(|| newest(&mut line, &number), Ok)?;
    let path = format!("/v1/agreements/{number}/versions/{version}/readiness");
    let mut asked = json!({ "reason": common.reason });
    if let Some((_, why)) = given.iter().find(|(known, _)| known == "accept_unmeasured") {
        asked["accept_unmeasured"] = why.as_str().into();
    }
    let mut found = line.ask(Method::POST, &path, Some(&asked))?;
    // It ends with its own deadline, which the gateway keeps.
    while found["under_way"] == true {
        std::thread::sleep(PAUSE);
        found = line.ask(Method::GET, &path, None)?;
    }
    let checks = json!({ "items": found["newest"]["checks"] });
    let ready = found["holds"] == true && found["unrecorded"].is_null();
    let word = if ready { "ready" } else { "not ready" };
    let answer = Answer::new(found, format!("{word}\n{}", shown(&checks)));
    Ok(Some(if ready { answer } else { answer.negative() }))
}

/// What was found, for people: a list as a table, one thing as facts.
fn shown(found: &Value) -> String {
    let Some(items) = found.get("items").and_then(Value::as_array) else {
        let mut facts = Vec::new();
        flat("", found, DEEPEST, &mut facts);
        return facts.iter().map(|(name, text)| format!("{name}: {text}\n")).collect();
    };
    let rows: Vec<Vec<(String, String)>> = items
        .iter()
        .map(|item| {
            let mut cells = Vec::new();
            flat("", item, 2, &mut cells);
            cells
        })
        .collect();
    let mut names: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    for (name, _) in rows.iter().flatten() {
        if names.len() < MOST_COLUMNS && known.insert(name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return "nothing\n".into();
    }
    let mut table = Table::of(names.iter().map(|name| name.to_uppercase()).collect());
    for row in &rows {
        let cell = |name: &&str| row.iter().find(|(known, _)| known == name).map(|(_, text)| short(text));
        table.cells(names.iter().map(|name| cell(name).unwrap_or_else(|| "-".into())).collect());
    }
    table.to_string()
}

fn flat(name: &str, value: &Value, depth: usize, to: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if depth > 0 => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flat(&name, value, depth - 1, to);
            }
        }
        Value::Array(items) if depth > 0 && items.iter().all(Value::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            to.push((name.to_owned(), words.join(", ")));
        }
        Value::Array(items) if depth > 2 => {
            for (at, item) in items.iter().enumerate() {
                flat(&format!("{name}.{at}"), item, depth - 1, to);
            }
        }
        Value::String(text) => to.push((name.to_owned(), text.clone())),
        Value::Number(_) | Value::Bool(_) => to.push((name.to_owned(), value.to_string())),
        Value::Null | Value::Object(_) | Value::Array(_) => {}
    }
}

/// RFC 3986 §2.3.
fn encoded(text: &str) -> String {
    let mut to = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => to.push(char::from(byte)),
            other => to.push_str(&format!("%{other:02X}")),
        }
    }
    to
}

fn never(_: &Value) -> bool {
    false
}

fn some(found: &Value) -> bool {
    found["items"].as_array().is_some_and(|items| !items.is_empty())
}

fn wider(found: &Value) -> bool {
    found["points"].as_array().is_some_and(|points| points.iter().any(|point| point["direction"] == "wider"))
}

/// What all commands take, and no operation.
const COMMON: &[&str] = &[
    "dir",
    "config",
    "operator",
    "reason",
    "json",
    "server",
    "ca",
    "client_cert",
    "client_key",
    "token_file",
    "help",
];

const MOST_ITEMS: usize = 100_000;
const MOST_COLUMNS: usize = 8;
const DEEPEST: usize = 8;
const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_that_reads_is_one_and_its_operation_is_there() {
        let (line, operations) = (crate::cli::command(), crate::api::operations());
        for one in READS {
            let mut known = &line;
            for name in one.path.split(' ') {
                known = known.find_subcommand(name).unwrap_or_else(|| panic!("no command {}", one.path));
            }
            assert!(operations.iter().any(|operation| operation.id == one.operation), "{}", one.operation);
            for (argument, input) in one.renames {
                assert!(known.get_arguments().any(|known| known.get_id() == argument), "{argument}");
                let operation = operations.iter().find(|operation| operation.id == one.operation).unwrap();
                assert!(operation.inputs.iter().any(|known| known.name == *input), "{input}");
            }
        }
    }

    #[test]
    fn a_list_is_a_table_and_one_thing_is_facts() {
        let list = json!({ "items": [{ "id": "a", "card": { "name": "A" } }, { "id": "b" }], "next": null });
        assert_eq!(shown(&list), "CARD.NAME  ID\nA          a\n-          b\n");
        assert_eq!(shown(&json!({ "items": [] })), "nothing\n");
        let thing = json!({ "id": "a", "card": { "networks": ["10.0.0.0/8", "::/0"], "region": null } });
        assert_eq!(shown(&thing), "card.networks: 10.0.0.0/8, ::/0\nid: a\n");
        assert_eq!(encoded("a b/ә"), "a%20b%2F%D3%99");
    }
}
