//! The story, line by line as it happens.

use std::io::{self, Write};

use super::leaving::Pasted;
use super::scene::{Came, Played, Scene};
use super::{Record, Report};
use crate::exchange_log::Verification;

/// Tells the story on standard output, or keeps silent.
pub(super) struct Teller {
    voice: Voice,
    chapters: u32,
}

enum Voice {
    Loud,
    Silent,
}

impl Teller {
    pub(super) fn new(silent: bool) -> Self {
        Self { voice: if silent { Voice::Silent } else { Voice::Loud }, chapters: 0 }
    }

    pub(super) fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        let bar = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 6));
        self.say(&format!("\n── {}. {title} {bar}", self.chapters));
    }

    pub(super) fn step(&mut self, text: &str) {
        self.wrapped("• ", text);
    }

    pub(super) fn detail(&mut self, text: &str) {
        self.wrapped("    ", text);
    }

    pub(super) fn scene(&mut self, scene: &Scene) {
        if let Some(title) = &scene.chapter {
            self.chapter(title);
        }
        self.say("");
        self.wrapped("", &scene.tells);
        let purpose = scene.purpose().map(|purpose| format!("  for {purpose}")).unwrap_or_default();
        self.say(&format!("  {} → {}{purpose}  ({})", scene.by, scene.ask, scene.http.name()));
    }

    pub(super) fn outcome(&mut self, played: &Played) {
        match &played.came {
            Came::Allowed { status, withheld, spared, document, entry, .. } => {
                let withheld = match withheld {
                    0 => String::new(),
                    count => format!("; {count} not agreed and withheld"),
                };
                let spared = match spared {
                    0 => String::new(),
                    count => format!("; {count} of the request not agreed and not passed on"),
                };
                self.say(&format!("  ✓ allowed ({status}{withheld}{spared}); entry {entry}"));
                self.wrapped("      ", &shortened(document));
            }
            Came::Refused { code, status, clause, words, entry, .. } => {
                self.say(&format!("  ✗ refused: {code} ({status}; {clause}); entry {entry}"));
                self.wrapped("      ", words);
            }
            Came::Handshake(why) => self.say(&format!("  ✗ refused in the handshake: {why}")),
            Came::Nothing(why) => self.say(&format!("  ? no answer: {why}")),
        }
        if let Some(recorded) = &played.recorded {
            self.wrapped("      ", recorded);
        }
        if let Some(meanwhile) = &played.meanwhile {
            self.wrapped(
                "      ",
                &format!("after {} ms; {} calls passed before", meanwhile.ms, meanwhile.passed),
            );
        }
        if let Some(deviation) = &played.deviation {
            self.say(&format!("  !! NOT AS IT SHOULD BE: {deviation}"));
        }
    }

    pub(super) fn record(&mut self, found: &Verification, report: &Report) {
        self.step(&format!(
            "{} answers were given. The exchange log holds {} exchanges that were permitted and {} calls that were \
             refused, {} entries in all, chained by hash.",
            report.answers, found.openings, found.refusals, found.entries
        ));
        match report.record {
            Record::Whole => {
                self.step("✓ Read back from the disk: every answer has its entry, and nothing was changed.")
            }
            Record::Wanting => {
                self.say("  !! NOT AS IT SHOULD BE: the record is not whole");
                for finding in &found.findings {
                    self.detail(&format!("entry {}: {}", finding.index, finding.problem));
                }
            }
        }
        let wrong = report.scenes.iter().filter(|played| !played.is_as_expected()).count();
        match wrong {
            0 => self.step(&format!("✓ All {} scenes went as they should.", report.scenes.len())),
            some => {
                self.step(&format!("!! {some} of {} scenes did not go as they should.", report.scenes.len()))
            }
        }
        self.detail(&format!("kelisim log verify --dir '{}'", report.folder.display()));
    }

    pub(super) fn lines(&mut self, pasted: &[Pasted]) {
        self.chapter("Your turn");
        self.step("The gateway stays up. Paste a line into another terminal; Ctrl-C here ends it all.");
        for Pasted { why, line } in pasted {
            self.say(&format!("\n# {why}\n{line}"));
        }
        self.say("");
    }

    fn wrapped(&mut self, indent: &str, text: &str) {
        let (mut line, mut width) = (indent.to_owned(), indent.chars().count());
        let hanging = " ".repeat(width);
        for word in text.split_whitespace() {
            let more = word.chars().count() + 1;
            if width + more > WIDTH && line.trim() != "" {
                self.say(line.trim_end());
                (line, width) = (hanging.clone(), hanging.len());
            }
            line.push_str(word);
            line.push(' ');
            width += more;
        }
        self.say(line.trim_end());
    }

    fn say(&mut self, line: &str) {
        match self.voice {
            // A reader who went away takes nothing from the exit code.
            Voice::Loud => drop(writeln!(io::stdout().lock(), "{line}")),
            Voice::Silent => {}
        }
    }
}

/// A document's beginning, with spaces where lines may break.
fn shortened(document: &str) -> String {
    let document = document.replace(",\"", ", \"").replace("},{", "}, {");
    match document.char_indices().nth(MOST_SHOWN) {
        Some((at, _)) => format!("{} …", &document[..at]),
        None => document,
    }
}

const WIDTH: usize = 110;
const MOST_SHOWN: usize = 300;
