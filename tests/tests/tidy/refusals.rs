//! `gateway/docs/refusals.md` against the code: every code has its row, and no row is stale.
//!
//! The code's own columns are written from the code; what the operator does is written in the document, by hand, and
//! kept when the table is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use adapters::{Flaw, Unreadable};
use agreements::refusal::Row;
use gateway::framing::FramingViolation;

use super::documents::{cell, cells, keep};
use super::tree::root;

const PATH: &str = "gateway/docs/refusals.md";

#[test]
fn every_refusal_has_its_row_and_no_row_is_stale() {
    let advice = advice();
    keep(PATH, "rules", &table(agreements::refusal::rows::ALL, &advice));
    keep(PATH, "process", &table(gateway::exchange::rows::ALL, &advice));
    keep(PATH, "framing", &framing());
    keep(PATH, "unreadable", &unreadable());
    keep(PATH, "documents", &documents());
    keep(PATH, "signatures", &signatures());
    keep(PATH, "acts", &acts());
    for row in agreements::refusal::rows::ALL.iter().chain(gateway::exchange::rows::ALL) {
        assert!(advice.contains_key(row.code), "{PATH}: what does the operator do about {}?", row.code);
    }
}

#[test]
fn no_two_refusals_bear_one_code() {
    let rows = agreements::refusal::rows::ALL.iter().chain(gateway::exchange::rows::ALL).map(|row| row.code);
    let framing = FramingViolation::ALL.iter().map(|violation| violation.code());
    let all: Vec<&str> = rows
        .chain(framing)
        .chain(readings().map(|reading| reading.code()))
        .chain(unfit().map(|(code, _)| code))
        .chain(unsigned().map(|(code, _)| code))
        .collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

fn table(rows: &[&Row], advice: &BTreeMap<String, String>) -> String {
    let mut text = String::from(
        "| code | status | clause | culprit | meaning | what the consumer does | what the operator does |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        // The words say first what happened, then what to do.
        let (meaning, what_to_do) = row.words.en.split_once(". ").unwrap_or((row.words.en, "—"));
        let operator = advice.get(row.code).map_or("", String::as_str);
        text += &format!(
            "| `{}` | {} | {} | {} | {} | {} | {operator} |\n",
            row.code,
            row.status,
            cell(row.clause),
            row.culprit.as_str(),
            cell(&format!("{}.", meaning.trim_end_matches('.'))),
            cell(what_to_do),
        );
    }
    text
}

/// The short names of clauses.
fn acts() -> String {
    let mut text =
        String::from("| clauses of | are of | in force until | in its place |\n|---|---|---|---|\n");
    for act in agreements::cited::all() {
        let until = act.in_force_until.map_or_else(|| "—".to_owned(), |until| until.to_string());
        let successor = act.successor.as_ref().map_or("—", |id| id.as_str());
        let title = cell(act.title(agreements::refusal::Language::English));
        text += &format!("| {} | {title} (`{}`) | {until} | `{successor}` |\n", act.short, act.act);
    }
    text
}

/// Whatever the process's own refusals cite is an act of the legend, or a standard.
#[test]
fn every_clause_is_of_an_act_of_the_legend_or_of_a_standard() {
    for row in gateway::exchange::rows::ALL {
        let known = agreements::cited::cited_in(row.clause).count() > 0 || row.clause.starts_with("RFC ");
        assert!(known, "{}: {}", row.code, row.clause);
    }
}

fn framing() -> String {
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for violation in FramingViolation::ALL {
        text += &format!("| `{}` | {} |\n", violation.code(), cell(&violation.to_string()));
    }
    text
}

fn unreadable() -> String {
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for reading in readings() {
        text += &format!("| `{}` | {} |\n", reading.code(), meaning(reading));
    }
    text
}

fn documents() -> String {
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for (code, meaning) in unfit() {
        text += &format!("| `{code}` | {} |\n", cell(meaning));
    }
    text
}

fn signatures() -> String {
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for (code, meaning) in unsigned() {
        text += &format!("| `{code}` | {} |\n", cell(meaning));
    }
    text
}

/// Each way in which a message's signature may not count; a variant that is new does not compile in the match.
fn unsigned() -> impl Iterator<Item = (&'static str, &'static str)> {
    use certs::message::MessageFault as Fault;
    let faults = [
        Fault::Unsigned,
        Fault::Several,
        Fault::Malformed,
        Fault::Unsupported(""),
        Fault::NotCovered(""),
        Fault::NotNow,
        Fault::OtherKey,
        Fault::Algorithm,
        Fault::Digest,
        Fault::Forged,
    ];
    let meaning = |fault: &Fault| match fault {
        Fault::Unsigned => "the message bears no signature",
        Fault::Several => "it bears more than one, and nobody could say which counts",
        Fault::Malformed => "the signature's fields are not what RFC 9421 says, or are too long",
        Fault::Unsupported(_) => "it covers a component, or has a parameter, that is not known here",
        Fault::ComponentMissing | Fault::NotCovered(_) => {
            "it does not cover what it must, or covers a field that is not there"
        }
        Fault::NotNow | Fault::Expired => "it was not made within five minutes of now, or it expired",
        Fault::OtherKey => "its `keyid` is not the fingerprint of the certificate on the line",
        Fault::Algorithm | Fault::Key => "its algorithm is not one of the certificate's key",
        Fault::Digest => "`Content-Digest` is not that of the body, or says no SHA-256 or SHA-512",
        Fault::Forged => "it is not over this message by this key",
    };
    let of_messages = faults.into_iter().map(move |fault| (fault.code(), meaning(&fault)));
    of_messages.chain(of_documents()).chain(gateway::exchange::MISSES)
}

/// Each way in which a document's signature may not count.
fn of_documents() -> impl Iterator<Item = (&'static str, &'static str)> {
    use certs::document::DocumentFault as Fault;
    let faults = [
        Fault::Unsigned,
        Fault::Malformed(""),
        Fault::Algorithm(""),
        Fault::National,
        Fault::NationalTwice,
        Fault::Invalid,
        Fault::OtherContent,
        Fault::Changed,
        Fault::Forged,
        Fault::Time,
        Fault::SignerExpired,
        Fault::SignerRevoked,
        Fault::SignerUntrusted(""),
    ];
    let meaning = |fault: &Fault| match fault {
        Fault::Malformed(_) => {
            "a document's signature is not what it must be, can be read in two ways, or leaves out a part"
        }
        Fault::Algorithm(_) => {
            "its hash, key, algorithm or format is none that counts, or it does not name its signer's certificate"
        }
        Fault::SignerUntrusted(_) => {
            "its signer's certificate does not count; `reason` is the code of the verifier"
        }
        Fault::Unsigned
        | Fault::National
        | Fault::NationalTwice
        | Fault::Invalid
        | Fault::OtherContent
        | Fault::Changed
        | Fault::Forged
        | Fault::Time
        | Fault::SignerExpired
        | Fault::SignerRevoked => fault.reason(),
    };
    faults.into_iter().map(move |fault| (fault.code(), meaning(&fault)))
}

/// Each way in which a document or a form may not pass; a variant that is new does not compile in the two matches.
fn unfit() -> impl Iterator<Item = (&'static str, &'static str)> {
    use adapters::documents::Unfit;
    use adapters::multipart::{FormUnfit, Malformed};
    use agreements::DocumentFormat::Pdf;
    let forms = [FormUnfit::Malformed(Malformed("")), FormUnfit::Card(""), FormUnfit::Files("")];
    let documents = [
        Unfit::Undeclared,
        Unfit::Unrecognised { declared: Pdf },
        Unfit::Polyglot(""),
        Unfit::Damaged(""),
        Unfit::Encrypted,
        Unfit::Macros,
        Unfit::Name(""),
        Unfit::Link,
        Unfit::Bomb,
        Unfit::Entries(0),
        Unfit::Depth(0),
        Unfit::Inconsistent(""),
        Unfit::Unchecked(""),
    ];
    let of_document = |unfit: &Unfit| match unfit {
        Unfit::Undeclared => "a file's media type and name do not say one format that is agreed",
        Unfit::TooLarge(_) => "",
        Unfit::Unrecognised { .. } | Unfit::Other { .. } => "its content is of another format than declared",
        Unfit::Polyglot(_) => "it can be read as two formats",
        Unfit::Damaged(_) => {
            "it breaks off, lacks what must stand at its end, or its parts do not follow one another"
        }
        Unfit::Encrypted => "it is encrypted, so that nothing can be checked",
        Unfit::Macros => "it holds macros under the name of a format that has none",
        Unfit::Name(_) => {
            "the name of a file, or of an entry of an archive, leads elsewhere or is read differently by others"
        }
        Unfit::Link => "an entry of an archive is a link, a device, or a copy of another",
        Unfit::Bomb => "an archive unpacks to too much",
        Unfit::Entries(_) => "an archive has too many entries",
        Unfit::Depth(_) => "archives stand in archives, too deep",
        Unfit::Inconsistent(_) => "an archive's parts contradict each other",
        Unfit::Unchecked(_) => {
            "an archive or a document is packed in a way, or holds a part, that cannot be checked as it passes"
        }
    };
    let of_form = |unfit: &FormUnfit| match unfit {
        FormUnfit::Malformed(_) => "the body is no well-formed card with files, or can be read in two ways",
        FormUnfit::Card(_) => "the first part is not a card of JSON, or it is too large",
        FormUnfit::Files(_) => "there are too many files, or one has no name or no media type",
        FormUnfit::File { .. } | FormUnfit::Unsigned(_) => "",
    };
    let forms = forms.map(|unfit| (unfit.code(), of_form(&unfit)));
    let documents = documents.map(|unfit| (unfit.code(), of_document(&unfit)));
    let scanned =
        [("document-infected", "a virus scanner found something in it; the member `reason` has its name")];
    forms.into_iter().chain(documents).chain(scanned)
}

fn readings() -> impl Iterator<Item = Unreadable> {
    [
        Unreadable::TargetMalformed(Flaw::Escape),
        Unreadable::TargetAmbiguous(Flaw::DotSegment),
        Unreadable::QueryMalformed(Flaw::Escape),
        Unreadable::QueryAmbiguous(Flaw::Repeated),
        Unreadable::ClaimMalformed { name: "", flaw: Flaw::Empty },
        Unreadable::ClaimRepeated { name: "" },
    ]
    .into_iter()
}

/// A variant that is new does not compile here: it goes into [`readings`] too.
fn meaning(reading: Unreadable) -> &'static str {
    match reading {
        Unreadable::TargetMalformed(_) => {
            "the target is not `/{provider}/{data type}/{path}` in well-formed escapes"
        }
        Unreadable::TargetAmbiguous(_) => {
            "the target has dot segments, encoded slashes or the like, which another server reads otherwise"
        }
        Unreadable::QueryMalformed(_) => "the query is not `name=value` pairs in well-formed escapes",
        Unreadable::QueryAmbiguous(_) => {
            "the query repeats a name or the like: another server takes another value"
        }
        Unreadable::ClaimMalformed { .. } => {
            "a `Kelisim-…` header, `Idempotency-Key` or `traceparent` has a value that it cannot have; a key stands in quotes"
        }
        Unreadable::ClaimRepeated { .. } => "one of these headers stands twice",
    }
}

/// What the document tells operators to do, by code: the last cell of its longest rows.
fn advice() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join(PATH)).unwrap();
    let rows = text.lines().map(cells).filter(|cells| cells.len() == 7 && cells[0].starts_with('`'));
    rows.map(|cells| (cells[0].trim_matches('`').to_owned(), cells[6].clone()))
        .filter(|(_, advice)| !advice.is_empty())
        .collect()
}
