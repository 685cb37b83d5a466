//! Registration as it is typed: an application returned, resubmitted and accepted; the calendar; what is overdue.

use serde_json::json;

use crate::folder::Folder;

const MINISTRY: &str = "970140000013";
const INTEGRATOR: &str = "980340000012";

/// A2-A4, A8
#[test]
fn an_application_is_returned_for_what_it_lacks_and_accepted_when_it_comes_again() {
    let folder = Folder::new();
    found(&folder);
    let file = folder.file("application.json", &application().to_string());
    let paper = folder.file("paper.txt", "a document");
    let checked = folder.json(1, &["application", "check", &file]);
    let places: Vec<_> = checked["gaps"].as_array().unwrap().iter().map(|gap| gap["place"].clone()).collect();
    assert_eq!(places, ["document/description", "document/trial-act", "document/technical-documentation"]);

    let submitted = folder.json(0, &["application", "submit", &file, "--as", "ministry"]);
    assert_eq!(submitted["number"], 1, "{submitted:#}");
    let early = folder.json(1, &["application", "accept", "1", "--as", "integrator"]);
    assert!(early["error"]["what"].as_str().unwrap().contains("lacks 3"), "{early}");
    let back = ["application", "return", "1", "--remark", "no documents", "--as", "integrator"];
    folder.does(&back);

    let kinds = ["description", "trial-act", "technical-documentation"].map(|kind| format!("{kind}={paper}"));
    let documents = ["--document", &kinds[0], "--document", &kinds[1], "--document", &kinds[2]];
    folder.does(&[&["application", "submit", &file, "--as", "ministry"], &documents[..]].concat());
    let accepted = folder.json(0, &["application", "accept", "2", "--as", "integrator"]);
    assert_eq!(accepted["code"], "KZ-STATE-0001", "{accepted:#}");
    let listed = folder.json(0, &["application", "list"])["applications"].clone();
    let outcomes: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["returned", "registered"]);
    assert_eq!(folder.json(0, &["application", "list", "--open"])["applications"], json!([]));
    let shown = folder.does(&["application", "show", "2"]);
    assert!(shown.contains("application 1") && shown.contains("registered by integrator"), "{shown}");
    assert_eq!(folder.json(0, &["system", "show", "portal"])["code"], "KZ-STATE-0001");

    corrections_are_kept(&folder);
    // It entered trial operation in 2020, and was registered years too late: met, so no longer overdue.
    assert_eq!(folder.json(0, &["overdue"])["deadlines"], json!([]));
    let all = folder.json(0, &["overdue", "--all"])["deadlines"].clone();
    assert!(all.as_array().unwrap().iter().any(|one| one["standing"] == "met-late"), "{all:#}");
    assert!(folder.json(0, &["notices", "--on", "2026-01-01"])["notices"].is_array());
}

fn corrections_are_kept(folder: &Folder) {
    folder.does(&["object", "discover", "portal", "the name is another", "--as", "integrator"]);
    let correct =
        ["object", "correct", "portal", "--name", "New portal", "--discovery", "1", "--as", "ministry"];
    let silent = folder.json(1, &correct);
    assert!(silent["error"]["todo"].as_str().unwrap().contains("--reason"), "{silent}");
    folder.does(&[&correct[..], &["--reason", "renamed"]].concat());
    let dossier = folder.json(0, &["object", "show", "portal"])["dossier"].clone();
    let change = &dossier["corrections"][0]["changes"][0];
    assert_eq!((&change["old"], &change["new"]), (&json!("Portal"), &json!("New portal")));
    assert!(dossier["discoveries"][0]["corrected"].is_string(), "{dossier:#}");
    let responsible = ["object", "responsible", "portal", "Another", "--order", "14", "--as", "ministry"];
    folder.does(&responsible);
    assert!(folder.does(&["object", "show", "portal"]).contains("Another since"));
    assert!(folder.does(&["object", "list"]).contains("no object"));
}

/// A8
#[test]
fn operators_keep_the_calendar() {
    let folder = Folder::new();
    let due = || folder.does(&["calendar", "add", "2026-03-02", "5"]);
    // 8 March 2026 is a Sunday: Monday is off.
    assert_eq!(due(), "2026-03-10\n");
    folder.does(&["calendar", "set", "2026-03-07", "working", "Decree 1"]);
    assert_eq!(due(), "2026-03-07\n");
    folder.does(&["calendar", "clear", "2026-03-07"]);
    assert_eq!(due(), "2026-03-10\n");
    let shown = folder.json(0, &["calendar", "show", "--year", "2026"])["days"].clone();
    assert!(shown.as_array().unwrap().iter().any(|one| one["day"] == "2026-12-16"), "{shown:#}");
    assert!(folder.does(&["calendar", "terms"]).contains("Registration 15"));
    let wrong = folder.json(1, &["calendar", "holiday", "2", "30", "Never", "--from", "2026-01-01"]);
    assert!(wrong["error"]["what"].as_str().unwrap().contains("no such day"), "{wrong}");
}

/// E4
#[test]
fn a_second_administrator_confirms_who_may_approve() {
    let folder = Folder::new();
    folder.does(&["holder", "add", MINISTRY, "Ministry"]);
    let add = |id: &str, role: &str, by: &str| {
        folder.does(&["operator", "add", id, id, "--role", role, "--holder", MINISTRY, "--as", by]);
    };
    add("second", "administrator", "admin");
    add("judge", "regulator", "admin");
    let standing = |id: &str| {
        let listed = folder.json(0, &["operator", "list"])["operators"].clone();
        let one = listed.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone();
        one["standing"].as_str().unwrap().to_owned()
    };
    assert_eq!(standing("judge"), "unconfirmed");
    let alone = folder.json(1, &["operator", "confirm", "judge", "--as", "admin"]);
    assert!(alone["error"]["todo"].as_str().unwrap().contains("another operator"), "{alone}");
    folder.does(&["operator", "confirm", "judge", "--as", "second"]);
    assert_eq!(standing("judge"), "active");
    let no_end =
        ["operator", "add", "expert", "Expert", "--role", "expert", "--holder", MINISTRY, "--as", "second"];
    let forever = folder.json(1, &no_end);
    assert!(forever["error"]["todo"].as_str().unwrap().contains("--until"), "{forever}");
    folder.does(&[&no_end[..], &["--until", "2999-12-31"]].concat());
}

fn found(folder: &Folder) {
    for (bin, name) in [(MINISTRY, "Ministry"), (INTEGRATOR, "Integrator")] {
        folder.does(&["holder", "add", bin, name]);
    }
    for (id, role, bin) in
        [("ministry", "holder-officer", MINISTRY), ("integrator", "service-integrator", INTEGRATOR)]
    {
        folder.does(&["operator", "add", id, id, "--role", role, "--holder", bin]);
    }
}

fn application() -> serde_json::Value {
    json!({
        "of": { "system": {
            "id": "portal", "name": "Portal", "holder": MINISTRY, "owner": MINISTRY, "ownership": "state",
            "phase": "trial", "networks": ["127.0.0.0/8"], "responsible": "Somebody",
        } },
        "responsible": { "name": "Somebody", "duty": "Engineer", "order": "12" },
        "project_approved": "2020-01-20",
        "information": {
            "general": {
                "purpose": "Serves officials", "functions": "Search", "legal_basis": "Order 775", "users": "Officials",
                "users_count": 100, "year": 2019,
            },
            "technical": {
                "architecture": "Three tiers", "platform": "Linux", "databases": "PostgreSQL", "site": "Data centre",
                "interfaces": "Gateway", "protection": "Segment",
            },
            "resources": [{
                "name": "Directory", "content": "Officials", "owner": MINISTRY, "holder": MINISTRY,
                "category": "restricted", "source": "Officers", "updated": "daily",
            }],
            "document_changes": [{ "title": "Specification", "approved_by": "Head", "approved": "2020-01-20" }],
            "entries_into_operation": [{ "phase": "trial", "on": "2020-02-17", "act_number": "3" }],
            "nothing_to_say": {
                "software": "none", "infrastructure": "rented", "procurement_notices": "own work",
                "contracts": "own work", "contract_outcomes": "own work", "book_entries": "later",
                "investment_results": "none", "tests_and_attestations": "under way",
            },
        },
    })
}
