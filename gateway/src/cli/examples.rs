//! Examples in `--help`, folded so that they can be pasted: what clap folds itself is two commands to a shell.

/// The command with the examples of all its commands folded.
pub(super) fn folded(command: clap::Command) -> clap::Command {
    let command = command.mut_subcommands(folded);
    match command.get_after_help().map(ToString::to_string) {
        Some(text) => command.after_help(text.lines().map(fold).collect::<Vec<_>>().join("\n")),
        None => command,
    }
}

/// Folds a line before options, as a shell goes on behind `\`. What is no command stays as it is.
fn fold(line: &str) -> String {
    let is_command = line.starts_with("  kelisim ") || line.starts_with("    --");
    let (mut rest, mut text) = (line, String::new());
    while is_command && rest.chars().count() > COLUMNS {
        let room = rest.char_indices().nth(COLUMNS - 2).map_or(rest.len(), |(at, _)| at);
        // An option within quotes is text.
        let fits = |at: &usize| *at > 4 && *at <= room && rest[..*at].matches('\'').count() % 2 == 0;
        let Some(at) = rest.match_indices(" --").map(|(at, _)| at).filter(fits).last() else { break };
        text += &format!("{} \\\n   ", &rest[..at]);
        rest = &rest[at..];
    }
    text + rest
}

/// What a terminal shows without folding, four columns behind the margin.
const COLUMNS: usize = 76;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Line;

    #[test]
    fn no_example_is_longer_than_a_terminal_is_wide() {
        let mut left = vec![folded(Line::command())];
        while let Some(command) = left.pop() {
            left.extend(command.get_subcommands().cloned());
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = shown.lines().collect();
            for (at, line) in lines.iter().enumerate() {
                let goes_on = at > 0 && lines[at - 1].ends_with('\\');
                assert!(!line.starts_with("    --") || goes_on, "{}: {line:?}", command.get_name());
                let is_command = goes_on || line.starts_with("  kelisim ");
                // Between an option and its value there is nothing to fold.
                let folds = line.trim_start().split(' ').filter(|word| *word != "\\").count() > 2;
                assert!(!is_command || !folds || line.len() <= 80, "{}: {line:?}", command.get_name());
            }
        }
    }

    #[test]
    fn a_folded_example_is_the_same_command() {
        let long = "  kelisim agreement refuse ar-2026-1 --reason 'no -- or -- basis, and none to come -- at all' \
                    --cert keys/regulator.pem --key keys/regulator.key --as regulator";
        let folded = fold(long);
        assert!(folded.lines().count() == 3 && folded.lines().all(|line| line.len() <= 80), "{folded}");
        assert_eq!(folded.replace(" \\\n   ", ""), long);
        assert_eq!(fold("  kelisim system list"), "  kelisim system list");
    }
}
