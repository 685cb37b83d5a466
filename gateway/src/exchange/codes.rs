//! The codes of all refusals, for whoever looks for one of them.

/// All codes that an answer or an entry may bear, families and their more exact codes.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let tables = DOCUMENT.split("<!-- begin ").skip(1).filter_map(|part| part.split_once("<!-- end "));
    let rows = tables.flat_map(|(table, _)| table.lines());
    rows.filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0))
}

/// Names each code between marks; `tests/tests/tidy.rs` holds it against the code.
const DOCUMENT: &str = include_str!("../../docs/refusals.md");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::rows;
    use crate::framing::FramingViolation;

    #[test]
    fn the_codes_are_those_of_the_rules_of_the_process_and_of_what_they_say_more_exactly() {
        let all: Vec<&str> = codes().collect();
        let rows = agreements::refusal::rows::ALL.iter().chain(rows::ALL).map(|row| row.code);
        let framing = FramingViolation::ALL.iter().map(|violation| violation.code());
        let exact = ["claim-malformed", "document-infected", "message-unsigned"];
        for code in rows.chain(framing).chain(exact) {
            assert!(all.contains(&code), "{code}");
        }
        assert!(!all.contains(&"code") && !all.contains(&"crl-expired"), "headings and handshakes are none");
    }
}
