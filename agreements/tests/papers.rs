//! What goes along with commands on paper: documents that they name, and systems' papers (A2, A7, B3).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use serde_json::json;
use support::*;

/// B3: a paper is attached by its document, not by its number.
#[test]
fn an_agreement_is_not_submitted_while_a_paper_of_either_system_has_no_document() {
    type Record = fn(SystemId, Conformity) -> Command;
    let papers: [(&str, Record); 2] = [
        ("an attestation", |system, conformity| Command::RecordAttestation { system, conformity }),
        ("a quality certificate", |system, conformity| Command::RecordQualityCertificate {
            system,
            conformity,
        }),
    ];
    for id in ["portal", "personnel"] {
        for (what, record) in papers {
            let mut world = World::registered();
            let bare = Conformity { document: None, ..conformity(id) };
            world.must(integrator(), record(system(id), bare));
            let agreement = with_papers(personnel_agreement(), &world.registry);
            world.draft(&agreement);
            world.sign_both(&agreement);
            let (number, version) = key(&agreement);
            let submit = Command::SubmitAgreement { number, version };
            let error = world.refused(officer(MINISTRY), submit.clone());
            let paper = format!("{what} of {id}, No {id}");
            assert_eq!(error, CommandError::PaperWithoutDocument { paper });
            world.must(integrator(), record(system(id), conformity(id)));
            world.must(officer(MINISTRY), submit);
        }
    }
}

/// A2, A4, A7: what has to be kept before a command is carried out.
#[test]
fn a_command_stands_on_the_documents_that_it_names_and_on_those_of_what_it_settles() {
    let mut world = World::registered();
    let mut whole = application("fresh", MINISTRY);
    whole.information.document_changes[0].document = Some("b2".repeat(32));
    world.must(officer(MINISTRY), submit(whole.clone()));
    let agreement = with(
        address_agreement(),
        "/attachments",
        json!([
            { "title": "Act", "sha256": "c1".repeat(32) }, { "title": "Map", "sha256": "c2".repeat(32) },
        ]),
    );
    world.draft(&agreement);
    let (number, version) = key(&agreement);
    let filed = Document { sha256: "d1".repeat(32), ..document(DocumentKind::Other) };
    let filing = Command::FileDocument { subject: portal(), document: filed, supersedes: None };
    let end = EndOfOperation { document: Some("e1".repeat(32)), ..EndOfOperation::default() };
    let (id, paper) = (system("portal"), conformity("portal"));
    for (command, digits) in [
        (submit(whole), &["b1", "b2"][..]),
        (accept(5), &["b1", "b2"]),
        (accept(99), &[]),
        (Command::RegisterSystem { card: card("other", MINISTRY), code: None }, &["b1"]),
        (Command::EnterProduction { system: id.clone(), act: document(DocumentKind::Other) }, &["b1"]),
        (Command::RecordAttestation { system: id.clone(), conformity: paper.clone() }, &["a7"]),
        (Command::RecordQualityCertificate { system: id, conformity: paper }, &["a7"]),
        (filing, &["d1"]),
        (Command::EndOperation { subject: portal(), end }, &["e1"]),
        (draft(&agreement), &["c1", "c2"]),
        (draft(&json!({ "attachments": [1, { "sha256": 2 }] })), &[]),
        (draft(&json!([])), &[]),
        (Command::SubmitAgreement { number: number.clone(), version }, &["c1", "c2"]),
        (Command::WithdrawAgreement { number, version }, &[]),
    ] {
        let named = documents_of(&command, &world.registry);
        let expected: Vec<String> = digits.iter().map(|digits| digits.repeat(32)).collect();
        assert_eq!(named.into_iter().collect::<Vec<_>>(), expected, "{command:?}");
    }
}
