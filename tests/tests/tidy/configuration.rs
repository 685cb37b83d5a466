//! `gateway/docs/configuration.md` against the code: each key with what its own documentation says.

use std::collections::BTreeMap;

use super::documents::{cell, keep};
use super::tree::files;

#[test]
fn every_key_of_the_configuration_is_documented() {
    let structs = structs();
    let mut text = String::new();
    section("", "Config", &structs, &mut text);
    keep("gateway/docs/configuration.md", "keys", &text);
}

/// The program refuses any key but these, so what is documented is all there is.
#[test]
fn the_program_knows_the_same_keys() {
    let structs = structs();
    for (table, name) in [("", "Config"), ("exchange", "ExchangeConfig"), ("exchange.limits", "Limits")] {
        let section = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        let text = format!("{section}no_such_key = 1\n");
        let (path, base) = (std::path::Path::new("kelisim.toml"), std::path::Path::new("."));
        let error = gateway::config::Config::parse(&text, path, base).unwrap_err().to_string();
        let known: Vec<&str> = error.split('`').skip(1).step_by(2).skip(1).collect();
        let documented: Vec<&str> = structs[name].iter().map(|field| field.name.as_str()).collect();
        assert_eq!(known, documented, "{error}");
    }
}

/// The small one has all that must be set, and nothing that is refused.
#[test]
fn the_small_configuration_of_the_document_is_one() {
    let text = std::fs::read_to_string(super::tree::root().join("gateway/docs/configuration.md")).unwrap();
    let small = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let here = std::path::Path::new(".");
    gateway::config::Config::parse(small, here, here).unwrap();
    for (at, line) in small.lines().enumerate().filter(|(_, line)| line.contains(" = ")) {
        let without: String = small
            .lines()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, line)| [line, "\n"].concat())
            .collect();
        let optional = line.starts_with("issuing");
        assert_eq!(gateway::config::Config::parse(&without, here, here).is_ok(), optional, "{line}");
    }
}

struct Field {
    name: String,
    kind: String,
    documentation: String,
}

/// The structs of the configuration with the fields that a file may set.
fn structs() -> BTreeMap<String, Vec<Field>> {
    let mut structs: BTreeMap<String, Vec<Field>> = BTreeMap::new();
    for file in files(".rs").iter().filter(|file| file.path.starts_with("gateway/src/config/")) {
        let (mut open, mut documentation, mut skipped) = (None, String::new(), false);
        for line in file.text.lines() {
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("pub struct ") {
                open = rest.split([' ', '{']).next().map(str::to_owned);
                documentation.clear();
            } else if let Some(said) = line.strip_prefix("///") {
                documentation.push_str(said);
            } else if line == "#[serde(skip)]" {
                skipped = true;
            } else if let (Some(name), Some((field, kind))) =
                (&open, line.strip_prefix("pub ").and_then(|rest| rest.split_once(": ")))
            {
                let documentation = std::mem::take(&mut documentation).trim().to_owned();
                let field = Field {
                    name: field.to_owned(),
                    kind: kind.trim_end_matches(',').to_owned(),
                    documentation,
                };
                if !std::mem::take(&mut skipped) {
                    structs.entry(name.clone()).or_default().push(field);
                }
            } else if line == "}" {
                open = None;
            }
        }
    }
    structs
}

/// A table of the configuration as a table of the document, then the tables inside it.
fn section(table: &str, name: &str, structs: &BTreeMap<String, Vec<Field>>, text: &mut String) {
    let (tables, keys): (Vec<_>, Vec<_>) =
        structs[name].iter().partition(|field| structs.contains_key(&field.kind));
    let title = if table.is_empty() { "At the top".to_owned() } else { format!("`[{table}]`") };
    if !keys.is_empty() {
        *text += &format!("### {title}\n\n| key | meaning | default |\n|---|---|---|\n");
    }
    for field in keys {
        let (meaning, default) = match field.documentation.split_once(" Default: ") {
            Some((meaning, default)) => (meaning, cell(default.trim_end_matches('.'))),
            None => (field.documentation.as_str(), "must be set".to_owned()),
        };
        assert!(!meaning.is_empty(), "{name}.{} has no documentation", field.name);
        *text += &format!("| `{}` | {} | {default} |\n", field.name, cell(meaning));
    }
    for field in tables {
        let inner = if table.is_empty() { field.name.clone() } else { format!("{table}.{}", field.name) };
        if !text.is_empty() {
            *text += "\n";
        }
        section(&inner, &field.kind, structs, text);
    }
}
