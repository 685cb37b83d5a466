//! The documents: what they name exists, and what exists is named.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use gateway::telemetry::fields::FIELDS;

use super::ships;
use super::tree::{File, files, root};

#[test]
fn every_metric_is_documented_and_no_other() {
    let text = fs::read_to_string(root().join("gateway/docs/operations.md")).unwrap();
    let rows = text.lines().map(cells).filter(|cells| cells[0].starts_with("`kelisim_"));
    let documented: Vec<String> = rows.map(|cells| cells[0].trim_matches('`').to_owned()).collect();
    assert_eq!(documented, gateway::telemetry::metrics::NAMES);
}

#[test]
fn log_lines_bear_listed_and_documented_fields_only() {
    let text = fs::read_to_string(root().join("gateway/docs/operations.md")).unwrap();
    let table = text.split("| field | meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().map(cells).filter(|cells| cells[0].starts_with('`'));
    let documented: Vec<String> = rows.map(|cells| cells[0].trim_matches('`').to_owned()).collect();
    assert_eq!(documented, FIELDS);

    let mut borne = BTreeSet::new();
    for file in
        files(".rs").iter().filter(|file| file.path.contains("/src/") && !file.path.starts_with("tests/"))
    {
        for level in ["error!(", "warn!(", "info!(", "debug!("] {
            for line in file.text.split(level).skip(1) {
                // Fields stand before the message.
                for field in line.split('"').next().unwrap().split(',') {
                    let name = field.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
                    let first = name.split([')', ';', '}']).next().unwrap();
                    if first == name && !name.is_empty() {
                        assert!(FIELDS.contains(&name), "{}: {level} bears {name}", file.path);
                        borne.insert(name.to_owned());
                    }
                }
            }
        }
    }
    assert_eq!(borne.into_iter().collect::<Vec<_>>(), FIELDS, "a field that no line bears is stale");
}

#[test]
fn each_word_of_the_lexicon_is_in_the_code_where_it_says() {
    let text = fs::read_to_string(root().join("gateway/docs/lexicon.md")).unwrap();
    let rows: Vec<_> =
        text.lines().map(cells).filter(|cells| cells.len() == 4 && cells[0].starts_with("**")).collect();
    let words: BTreeSet<_> = rows.iter().map(|cells| cells[0].trim_matches('*')).collect();
    for word in [
        "caller",
        "call",
        "standing",
        "permit",
        "denial",
        "refusal",
        "entry",
        "checkpoint",
        "delivery",
        "book",
    ] {
        assert!(words.contains(word), "the lexicon lacks {word}");
    }
    let sources = files(".rs");
    for cells in rows {
        for name in cells[3].split('`').skip(1).step_by(2) {
            let (path, name) = name.split_once("::").unwrap_or(("", name));
            let name = name.rsplit("::").next().unwrap();
            let defined = |file: &File| {
                let kinds = ["struct", "enum", "trait", "fn", "mod"];
                file.path.starts_with(path)
                    && file
                        .text
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .collect::<Vec<_>>()
                        .windows(2)
                        .any(|pair| kinds.contains(&pair[0]) && pair[1] == name)
            };
            assert!(sources.iter().any(defined), "the lexicon says that {} is {path}::{name}", cells[0]);
        }
    }
}

#[test]
fn decisions_are_numbered_without_gaps_and_say_context_choice_and_consequence() {
    let decisions: Vec<_> =
        files(".md").into_iter().filter(|file| file.path.starts_with("gateway/docs/decisions/")).collect();
    assert!(!decisions.is_empty());
    for (number, file) in (1..).zip(&decisions) {
        let name = file.path.rsplit('/').next().unwrap();
        assert!(name.starts_with(&format!("{number:04}-")), "{name} should be number {number:04}");
        assert!(file.text.starts_with(&format!("# {number:04} ")), "{name} has another title");
        for part in ["## Context", "## Choice", "## Consequence"] {
            assert!(file.text.contains(part), "{name} lacks {part}");
        }
        assert!(file.text.lines().count() <= 60, "{name} is longer than a page");
    }
}

#[test]
fn what_documents_name_exists() {
    for file in files(".md") {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(root().join(folder).join(target).exists(), "{} links to {target}", file.path);
            }
        }
        for named in file.text.split('`').skip(1).step_by(2) {
            let ours = ["adapters/", "agreements/", "certs/", "deploy/", "gateway/", "tests/"];
            let path = named.split("::").next().unwrap();
            if ours.iter().any(|folder| path.starts_with(folder)) && !path.contains([' ', '*', '{']) {
                assert!(root().join(path).exists(), "{} names {path}", file.path);
            }
            let line = named
                .split_once(".rs:")
                .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
            assert!(!line, "{} cites a line by its number: {named}", file.path);
        }
    }
}

#[test]
fn the_two_commands_of_the_readme_are_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("cargo run --release -- demo"));
    assert!(readme.contains("tests/run"));
    for script in ["tests/run", ".ci/run", "tests/bench/run"] {
        let mode = fs::metadata(root().join(script)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} cannot be executed");
    }
}

#[test]
fn commands_that_documents_name_are_commands() {
    for file in files(".md") {
        let blocks = file.text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        for line in blocks.flat_map(str::lines).filter_map(|line| line.split(" #").next()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first() != Some(&"kelisim") {
                continue;
            }
            let read = gateway::cli::command().try_get_matches_from(words);
            let help = |error: &clap::Error| error.kind() == clap::error::ErrorKind::DisplayHelp;
            assert!(
                read.as_ref().map_or_else(help, |_| true),
                "{}: {line}: {}",
                file.path,
                read.unwrap_err()
            );
        }
        let quoted = file.text.split('`').skip(1).step_by(2);
        quoted.for_each(|named| assert!(is_command(named), "{} names {named}", file.path));
    }
}

/// What an error tells somebody to do, they can do.
#[test]
fn commands_that_the_program_names_are_commands() {
    let mut seen = 0;
    for file in files(".rs").into_iter().filter(ships) {
        for line in file.text.lines() {
            for named in line.split('`').skip(1).step_by(2).filter(|named| named.starts_with("kelisim ")) {
                seen += 1;
                assert!(is_command(named), "{} names {named}", file.path);
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

/// Whether a text, if it names a command, names one: `kelisim log verify`, with options that it has, and something beside
/// them only where it takes that.
fn is_command(named: &str) -> bool {
    let Some(words) = named.strip_prefix("kelisim").filter(|rest| rest.starts_with(char::is_whitespace))
    else {
        return true;
    };
    let mut words = words.split_whitespace().peekable();
    let mut at = gateway::cli::command();
    at.build();
    while let Some(next) = words.peek().and_then(|word| at.find_subcommand(word)) {
        at = next.clone();
        words.next();
    }
    // Of a family that is named by itself, any command may be meant; what stands in braces is put in when it is said.
    if at.has_subcommands() {
        return words.all(|word| word.starts_with(['-', '{']) || word == "…");
    }
    while let Some(word) = words.next() {
        let word = word.trim_matches(['[', ']', '…']);
        let option = word.strip_prefix("--").map(|name| name.split('=').next().unwrap_or(name));
        let argument = match option {
            Some(name) => at.get_arguments().find(|one| one.get_long() == Some(name)),
            None if word.starts_with('-') => {
                at.get_arguments().find(|one| one.get_short() == word[1..].chars().next())
            }
            None => at.get_positionals().next(),
        };
        let Some(argument) = argument else { return word.is_empty() };
        if option.is_some() && !word.contains('=') && argument.get_action().takes_values() {
            words.next();
        }
    }
    true
}

/// The cells of a line of a table; one empty cell for any other line.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')).unwrap_or_default();
    inner.replace("\\|", "\0").split('|').map(|cell| cell.trim().replace('\0', "\\|")).collect()
}

/// Text for a cell.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Holds a generated part of a document against what it should say; with `UPDATE_DOCS` set, writes it anew.
pub(crate) fn keep(path: &str, name: &str, due: &str) {
    let path = root().join(path);
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) =
        text.split_once(&begin).unwrap_or_else(|| panic!("{} lacks {begin}", path.display()));
    let (found, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{} lacks {end}", path.display()));
    if found == due {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(&path, [before, &begin, due, &end, after].concat()).unwrap();
    }
    let lines: BTreeSet<&str> = found.lines().collect();
    let new: Vec<&str> = due.lines().filter(|line| !lines.contains(line)).collect();
    panic!(
        "{}, part {name}, is behind the code: run UPDATE_DOCS=1 cargo test -p tests --test tidy. New:\n{}",
        path.display(),
        new.join("\n")
    );
}
