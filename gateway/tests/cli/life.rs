//! The life of an agreement, every step of it typed.

use serde_json::{Value, json};

use crate::folder::Folder;

const MINISTRY: &str = "970140000013";
const OFFICE: &str = "020740000018";
const REGULATOR: &str = "991040000016";
const INTEGRATOR: &str = "980340000012";

const ASKED: [&str; 11] = [
    "explain",
    "--consumer",
    "portal",
    "--provider",
    "address-register",
    "--data-type",
    "address",
    "--path",
    "/addresses/7?language=kk",
    "--purpose",
    "address-check",
];

#[test]
fn an_agreement_lives_from_its_draft_to_its_suspension_and_each_day_is_explained() {
    let folder = Folder::new();
    found(&folder);

    let lacking = folder.file("lacking.json", &json!({ "number": "ar-1", "version": 1 }).to_string());
    let problems = folder.json(1, &["agreement", "lint", &lacking])["problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 7, "{problems:#}");
    let draft = folder.file("agreement.json", &agreement().to_string());
    assert_eq!(folder.json(0, &["agreement", "lint", &draft])["problems"], json!([]));
    what_templates_say(&folder, &draft);
    folder.does(&["agreement", "draft", &draft, "--as", "ministry"]);
    assert_eq!(refusal(&folder, &[]), "no-agreement");

    let sign = |side: &str, head: &str, officer: &str| {
        let (cert, key) = (folder.key(&format!("{head}.pem")), folder.key(&format!("{head}.key")));
        let with = ["--cert", &cert, "--key", &key, "--as", officer, "--reason", "as agreed"];
        match side {
            "regulator" => folder.json(
                0,
                &[
                    &["agreement", "concur", "ar-1", "--remark", "a long term", "--remedy", "a year"],
                    &with[..],
                ]
                .concat(),
            ),
            side => folder.json(0, &[&["agreement", "sign", "ar-1", "--side", side], &with[..]].concat()),
        }
    };
    sign("consumer", "head-of-ministry", "ministry");
    let early =
        folder.json(1, &["agreement", "submit", "ar-1", "--as", "ministry", "--reason", "it is whole"]);
    assert!(early["error"]["todo"].as_str().unwrap().contains("agreement sign"), "{early}");
    sign("provider", "head-of-office", "office");
    let submitted =
        folder.json(0, &["agreement", "submit", "ar-1", "--as", "office", "--reason", "it is whole"]);
    assert_eq!(submitted["fits"][0]["wider"][0]["field"], "access_period.until");
    assert_eq!(submitted["events"][0]["event"]["fits"], submitted["fits"]);
    assert_eq!(refusal(&folder, &[]), "agreement-not-concurred");
    sign("regulator", "head-of-regulator", "regulator");

    assert_eq!(refusal(&folder, &[]), "readiness-missing");
    found_ready(&folder);
    let permit = folder.json(0, &ASKED);
    assert_eq!(permit["decision"], "permit");
    assert_eq!((&permit["agreement"], &permit["operation"]), (&json!("ar-1"), &json!("lookup")));
    assert_eq!(permit["forwarded"], "GET /addresses/7?language=kk");
    assert_eq!(permit["fields"], json!(["/kk"]));
    assert!(folder.does(&ASKED).starts_with("PERMITTED"));
    refusals_of_other_calls(&folder);
    let shown = folder.json(0, &["agreement", "show", "ar-1"]);
    assert_eq!((&shown["stage"], &shown["signatures_stand"]), (&json!("concurred"), &json!(true)));
    assert!(folder.does(&["act", "list"]).contains("ar-1"));

    let in_force = folder.json(0, &["agreement", "readiness", "ar-1"])["newest"]["at"].clone();
    let in_force = in_force.as_str().unwrap();
    let stopped = folder.json(1, &["agreement", "suspend", "ar-1", "--as", "regulator"]);
    assert!(stopped["error"]["todo"].as_str().unwrap().contains("--reason"), "{stopped}");
    folder.does(&["agreement", "suspend", "ar-1", "--as", "regulator", "--reason", "complaint 4"]);
    assert_eq!(refusal(&folder, &[]), "agreement-suspended");
    let before = folder.json(0, &[&ASKED[..], &["--at", in_force]].concat());
    assert_eq!(before["decision"], "permit");
    assert!(before["revision"].as_u64() < folder.json(0, &["history"])["revision"].as_u64());
    let unheard_of = folder.say(&[&ASKED[..], &["--at", "2001-01-01T00:00:00Z"]].concat());
    assert_eq!(unheard_of.exit, 1, "{unheard_of:?}");

    let resume = ["agreement", "resume", "ar-1", "--as", "regulator"];
    let silent = folder.json(1, &resume);
    assert!(silent["error"]["todo"].as_str().unwrap().contains("--reason"), "{silent}");
    folder.does(&[&resume[..], &["--reason", "complaint 4 is settled"]].concat());
    the_regulator_orders(&folder);
    what_heads_sign_beside_agreements(&folder);
    folder.does(&["system", "suspend", "portal", "--as", "integrator", "--reason", "incident"]);
    assert_eq!(refusal(&folder, &[]), "system-suspended");
    folder.does(&["system", "resume", "portal", "--as", "integrator", "--reason", "it is over"]);
    certificates_come_and_go(&folder);
    versions_are_compared(&folder);
    what_the_regulator_says_otherwise(&folder);
    every_view_has_its_json(&folder);
}

fn what_templates_say(folder: &Folder, draft: &str) {
    let judged = folder.json(1, &["agreement", "check-template", draft]);
    assert_eq!(judged["fits"], json!([{ "purpose": "address-check", "template": null, "wider": [] }]));
    let mut template = json!({
        "purpose": "address-check", "version": 1, "title": "Checking an address", "category": "restricted",
        "data": [{
            "provider": "address-register", "data_type": "address", "operations": ["lookup"], "fields": ["/kk"],
        }],
    });
    let publish = |template: &Value| {
        let file = folder.file("template.json", &template.to_string());
        folder.does(&["template", "publish", &file, "--as", "regulator"]);
    };
    publish(&template);
    assert!(folder.does(&["agreement", "check-template", draft]).contains("within"));
    (template["version"], template["until"]) = (json!(2), json!("2030-12-31"));
    publish(&template);
    let judged = folder.say(&["agreement", "check-template", draft]);
    assert!(judged.exit == 1 && judged.out.contains("2030-12-31"), "{judged:?}");
    assert!(folder.does(&["template", "show", "address-check"]).contains("2030-12-31"));
    assert_eq!(folder.json(0, &["template", "list"])["templates"].as_array().unwrap().len(), 2);
}

fn the_regulator_orders(folder: &Folder) {
    let order = json!({
        "prescription": "p-1", "against": { "system": "portal" }, "order": "suspend",
        "reason": "complaint 5", "clause": "HR 27", "appeal": "to the court",
    });
    let order = folder.file("order.json", &order.to_string());
    let (cert, key) = (folder.key("head-of-regulator.pem"), folder.key("head-of-regulator.key"));
    let with = ["--cert", &cert, "--key", &key, "--as", "regulator", "--reason", "mended"];
    let bare = folder.json(2, &["prescription", "issue", &order, "--as", "regulator"]);
    assert!(bare["error"]["todo"].as_str().unwrap().contains("--cert"), "{bare}");
    folder.does(&[&["prescription", "issue", &order], &with[..]].concat());
    assert_eq!(refusal(folder, &[]), "prescription-suspends");
    assert!(folder.does(&["prescription", "show", "p-1"]).contains("has verified it"));
    folder.does(&[&["prescription", "lift", "p-1"], &with[..]].concat());
    assert_eq!(folder.json(0, &ASKED)["decision"], "permit");
}

fn versions_are_compared(folder: &Folder) {
    let mut second = agreement();
    (second["version"], second["access_period"]["until"]) = (json!(2), json!("2089-12-31"));
    let narrower = folder.file("second.json", &second.to_string());
    folder.does(&["agreement", "draft", &narrower, "--as", "ministry"]);
    let points = folder.json(0, &["agreement", "diff", "ar-1"])["points"].clone();
    assert_eq!(
        (points[0]["field"].as_str(), points[0]["direction"].as_str()),
        (Some("access_period.until"), Some("narrower"))
    );
    folder.json(1, &["agreement", "diff", "ar-1", "--from", "2", "--to", "1"]);
}

/// B9: each version is taken back, returned or refused, and the next one follows.
fn what_the_regulator_says_otherwise(folder: &Folder) {
    let keys = |head: &str| [folder.key(&format!("{head}.pem")), folder.key(&format!("{head}.key"))];
    let signs = |command: &[&str], head: &str, officer: &str| {
        let [cert, key] = keys(head);
        let with = ["--cert", &cert, "--key", &key, "--as", officer, "--reason", "as considered"];
        folder.json(0, &[command, &with[..]].concat())
    };
    let submitted = |version: u32| {
        if version > 2 {
            let mut next = agreement();
            next["version"] = json!(version);
            folder.does(&[
                "agreement",
                "draft",
                &folder.file("next.json", &next.to_string()),
                "--as",
                "ministry",
            ]);
        }
        signs(&["agreement", "sign", "ar-1", "--side", "consumer"], "head-of-ministry", "ministry");
        signs(&["agreement", "sign", "ar-1", "--side", "provider"], "head-of-office", "office");
        folder.does(&["agreement", "submit", "ar-1", "--as", "office", "--reason", "it is whole"]);
    };
    let stage = || folder.json(0, &["agreement", "show", "ar-1"])["stage"].clone();
    submitted(2);
    folder.does(&["agreement", "withdraw", "ar-1", "--as", "ministry", "--reason", "a clause is wrong"]);
    assert_eq!(stage(), "withdrawn");
    submitted(3);
    let unproposed = ["agreement", "return", "ar-1", "--remark", "data", "--as", "regulator"];
    assert!(folder.json(2, &unproposed)["error"]["todo"].as_str().unwrap().contains("--remedy"));
    signs(
        &["agreement", "return", "ar-1", "--remark", "data", "--remedy", "less"],
        "head-of-regulator",
        "regulator",
    );
    assert_eq!(stage(), "returned");
    submitted(4);
    let about = folder.file("protocol.txt", "We disagree on the retention.");
    for (side, head, officer) in
        [("consumer", "head-of-ministry", "ministry"), ("provider", "head-of-office", "office")]
    {
        signs(
            &["agreement", "protocol", "ar-1", &about, "--about", "retention", "--side", side],
            head,
            officer,
        );
    }
    let said = folder.does(&["agreement", "refuse", "ar-1", "--statement", "--reason", "no basis"]);
    assert!(said.contains("\"ruling\":\"refused\""), "{said}");
    signs(&["agreement", "refuse", "ar-1"], "head-of-regulator", "regulator");
    let shown = folder.does(&["agreement", "show", "ar-1"]);
    assert!(shown.contains("as considered") && shown.contains("retention"), "{shown}");
    assert!(shown.contains("beyond template 2 in access_period.until"), "{shown}");
    assert_eq!(stage(), "refused");
    assert_eq!(folder.json(0, &["agreement", "show", "ar-1", "--version", "1"])["stage"], "concurred");
    let late = ["agreement", "show", "ar-1", "--version", "1", "--at", "2099-01-01"];
    assert_eq!(folder.json(0, &late)["stage"], "expired");
}

fn what_heads_sign_beside_agreements(folder: &Folder) {
    let (cert, key) = (folder.key("head-of-ministry.pem"), folder.key("head-of-ministry.key"));
    let with = ["--cert", &cert, "--key", &key, "--as", "ministry", "--reason", "as needed"];
    let users = json!([{ "id": "a.serik", "name": "A. Serik", "duty": "addresses" }]);
    let users = folder.file("users.json", &users.to_string());
    folder.does(&[&["agreement", "users", "ar-1", &users], &with[..]].concat());
    assert_eq!(folder.json(0, &["agreement", "users", "ar-1"])["users"][0]["id"], "a.serik");
    let order = b"order 12";
    let delegation = json!({
        "delegation": "d-1", "principal": MINISTRY, "delegate": OFFICE, "scope": ["signing"],
        "from": "2020-01-01", "until": "2090-12-31", "document": certs::fingerprint(order).to_string(),
    });
    let delegation = folder.file("delegation.json", &delegation.to_string());
    // A7: what the depositary does not keep is named in vain.
    let record = [&["delegation", "record", &delegation], &with[..]].concat();
    let bare = folder.json(1, &record);
    assert!(bare["error"]["what"].as_str().unwrap().contains("the depositary does not keep"), "{bare}");
    assert!(bare["error"]["todo"].as_str().unwrap().contains("--document"), "{bare}");
    let order = folder.file("order.txt", std::str::from_utf8(order).unwrap());
    folder.does(&[&record[..], &["--document", &order]].concat());
    folder.does(&["delegation", "revoke", "d-1", "--as", "ministry", "--reason", "over"]);
    assert!(folder.json(0, &["delegation", "list"])["delegations"][0]["revoked"].is_string());
}

/// B5: what was to be checked was found to be good, after something else was not checked at all.
fn found_ready(folder: &Folder) {
    let asked = folder.json(1, &["agreement", "readiness", "ar-1"]);
    assert_eq!(asked["ready"], "unchecked");
    let mut found = all_passed(&asked);
    let whole = folder.file("found.json", &found.to_string());
    found["checks"].as_array_mut().unwrap().pop();
    let part = folder.file("part.json", &found.to_string());
    let why = ["--as", "integrator", "--reason", "report 3"];
    let lacking = folder.json(1, &[&["agreement", "readiness", "ar-1", &part], &why[..]].concat());
    assert!(lacking["error"]["what"].as_str().unwrap().contains("lacks"), "{lacking}");
    folder.does(&[&["agreement", "readiness", "ar-1", &whole], &why[..]].concat());
    let known = folder.does(&["agreement", "readiness", "ar-1"]);
    assert!(known.starts_with("ready until a system changes; it was recorded by hand"), "{known}");
}

/// The record of a check in which all that is asked for is as it should be.
fn all_passed(asked: &Value) -> Value {
    let mut checks = asked["wanted"].clone();
    for check in checks.as_array_mut().unwrap() {
        (check["outcome"], check["detail"]) = (json!("passed"), json!("as it should be"));
    }
    json!({ "revision": asked["revision"], "checks": checks })
}

/// What a call that differs from the agreed one is refused with.
fn refusal(folder: &Folder, more: &[&str]) -> String {
    let refused = folder.json(1, &[&ASKED[..], more].concat());
    assert_eq!(refused["decision"], "refuse", "{refused}");
    for language in ["kk", "ru", "en"] {
        assert!(refused["words"][language].as_str().unwrap().len() > 20, "{refused}");
    }
    let acts = refused["acts"].as_array().unwrap();
    assert!(acts.iter().all(|act| act.as_str().unwrap().contains("lost force on")) && !acts.is_empty());
    refused["code"].as_str().unwrap().to_owned()
}

fn refusals_of_other_calls(folder: &Folder) {
    let with = |name: &str, value: &str| {
        let mut asked: Vec<&str> = ASKED.to_vec();
        match asked.iter().position(|argument| *argument == name) {
            Some(at) => asked[at + 1] = value,
            None => asked.extend([name, value]),
        }
        folder.json(1, &asked)["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(with("--purpose", "curiosity"), "purpose-not-agreed");
    assert_eq!(with("--path", "/addresses/7?owner=1"), "parameter-not-declared");
    assert_eq!(with("--path", "/addresses/%2e%2e"), "target-ambiguous");
    assert_eq!(with("--method", "DELETE"), "operation-unknown");
    assert_eq!(with("--data-type", "owner"), "data-type-not-agreed");
    assert_eq!(with("--peer", "192.0.2.1"), "network-not-registered");
    assert_eq!(with("--at", "2098-06-01T00:00:00Z"), "certificate-expired");
    assert_eq!(with("--agreement", "ar-2"), "no-agreement");
}

fn certificates_come_and_go(folder: &Folder) {
    let renew = ["certs", "renew", "portal", "--as", "integrator"];
    let silent = folder.json(1, &renew);
    assert!(silent["error"]["todo"].as_str().unwrap().contains("--reason"), "{silent}");
    let renewed = folder.json(0, &[&renew[..], &["--reason", "the old one ends"]].concat());
    let newer = renewed["fingerprint"].as_str().unwrap().to_owned();
    let shown = folder.json(0, &["system", "show", "portal"]);
    assert_eq!(shown["certificates"].as_array().unwrap().len(), 2);
    let older = shown["certificates"][0]["fingerprint"].as_str().unwrap().to_owned();
    let revoke = |which: &str| {
        folder.json(0, &["certs", "revoke", which, "--as", "integrator", "--reason", "renewed"])
    };
    assert_eq!(revoke(&folder.key("portal.pem"))["revoked"], true);
    let by = |certificate: &str| {
        let mut asked = ASKED.to_vec();
        asked.splice(1..3, ["--certificate", certificate]);
        asked.extend(["--peer", "127.0.0.1"]);
        folder.say(&asked)
    };
    assert!(by(&older).out.contains("certificate-not-registered"));
    assert!(by(&newer).out.contains("readiness-outdated"), "a new certificate is checked");
    let asked = folder.json(1, &["agreement", "readiness", "ar-1"]);
    assert_eq!(asked["ready"], json!({ "outdated": "consumer" }));
    let found = folder.file("found.json", &all_passed(&asked).to_string());
    let record = ["agreement", "readiness", "ar-1", &found, "--as", "integrator", "--reason", "report 4"];
    folder.does(&record);
    assert_eq!(by(&newer).exit, 0);
    revoke(&newer);
    assert_eq!(refusal(folder, &[]), "certificate-not-registered");
    let chain = folder.key("portal.pem");
    let dead =
        folder.json(1, &["system", "bind", "portal", &chain, "--as", "integrator", "--reason", "again"]);
    assert!(dead["error"]["what"].as_str().unwrap().contains("revoked"), "{dead}");
}

fn every_view_has_its_json(folder: &Folder) {
    for view in [
        &["holder", "list"][..],
        &["operator", "list"],
        &["system", "list"],
        &["data-type", "list"],
        &["data-type", "show", "address-register", "address"],
        &["act", "list"],
        &["act", "show", "procedure"],
        &["agreement", "list"],
        &["agreement", "show", "ar-1", "--document"],
        &["agreement", "users", "ar-1"],
        &["act", "affected"],
        &["prescription", "list"],
        &["prescription", "show", "p-1"],
        &["delegation", "list"],
        &["history", "--after", "3", "--limit", "2"],
        &["history", "--after", "1000000"],
        &["completions", "zsh"],
        &["check-config"],
    ] {
        assert!(folder.json(0, view).is_object(), "{view:?}");
        assert!(!folder.does(view).is_empty(), "{view:?}");
    }
}

#[test]
fn who_may_not_is_told_who_may() {
    let folder = Folder::new();
    found(&folder);
    let said = folder.say(&["system", "suspend", "portal", "--as", "office", "--reason", "spite"]);
    assert_eq!(said.exit, 1);
    assert!(said.err.contains("--as integrator or --as registrar or --as regulator"), "{said:?}");
    let nobody = folder.json(1, &["system", "resume", "portal", "--as", "nobody", "--reason", "spite"]);
    assert!(nobody["error"]["what"].as_str().unwrap().contains("no operator nobody"), "{nobody}");
    let categorise = ["data-type", "categorise", "address-register", "address", "public"];
    let other = folder.json(1, &[&categorise[..], &["--as", "ministry", "--reason", "spite"]].concat());
    assert!(other["error"]["what"].as_str().unwrap().contains("belongs to organisation"), "{other}");
}

/// Organisations, people, two systems in standing, a data type and an act: typed.
fn found(folder: &Folder) {
    for (bin, name) in
        [(MINISTRY, "Ministry"), (OFFICE, "Office"), (REGULATOR, "Regulator"), (INTEGRATOR, "Integrator")]
    {
        folder.does(&["holder", "add", bin, name]);
    }
    folder.does(&["regulator", "name", REGULATOR]);
    for (id, role, bin) in [
        ("ministry", "holder-officer", MINISTRY),
        ("office", "holder-officer", OFFICE),
        ("regulator", "regulator", REGULATOR),
        ("integrator", "service-integrator", INTEGRATOR),
        ("registrar", "service-integrator", INTEGRATOR),
    ] {
        folder.does(&["operator", "add", id, id, "--role", role, "--holder", bin]);
    }
    for (head, bin) in [("ministry", MINISTRY), ("office", OFFICE), ("regulator", REGULATOR)] {
        let out = format!("head-of-{head}");
        let person = ["certs", "issue-person", "--name", head, "--iin", "800101400017", "--bin", bin];
        folder.does(&[&person[..], &["--out", &out]].concat());
    }
    for (id, bin) in [("portal", MINISTRY), ("address-register", OFFICE)] {
        system(folder, id, bin);
    }
    let act = json!({
        "id": "procedure", "title": "Joint procedure", "version": "1", "in_force_from": "2020-01-01",
        "kind": "act",
    });
    folder.does(&["act", "record", &folder.file("act.json", &act.to_string()), "--as", "regulator"]);
    let published = folder.file("address.json", &data_type().to_string());
    folder.does(&["data-type", "publish", &published, "--as", "office"]);
}

fn system(folder: &Folder, id: &str, bin: &str) {
    let card = json!({
        "id": id, "name": id, "holder": bin, "owner": bin, "ownership": "state", "phase": "trial",
        "networks": ["127.0.0.0/8"], "responsible": "Somebody",
        "endpoint": { "address": "127.0.0.1:1", "server_name": "localhost" },
    });
    let card = folder.file(&format!("{id}.json"), &card.to_string());
    let lacking = folder.json(1, &["system", "register", &card, "--as", "registrar"]);
    assert!(lacking["error"]["todo"].as_str().unwrap().contains("--document"), "{lacking}");
    let paper = folder.file("paper.txt", "a document");
    let kinds = ["description", "trial-act", "technical-documentation"].map(|kind| format!("{kind}={paper}"));
    let documents = ["--document", &kinds[0], "--document", &kinds[1], "--document", &kinds[2]];
    folder.does(&[&["system", "register", &card, "--as", "registrar"], &documents[..]].concat());
    for step in ["attest", "certify"] {
        let dates = ["--number", "1", "--issuer", "Body", "--from", "2020-01-01", "--until", "2099-12-31"];
        let paper = [&dates[..], &["--document", &paper, "--reason", "as submitted"]].concat();
        let alone = folder.json(1, &[&["system", step, id, "--as", "registrar"], &paper[..]].concat());
        assert!(alone["error"]["todo"].as_str().unwrap().contains("--as"), "{alone}");
        folder.does(&[&["system", step, id, "--as", "integrator"], &paper[..]].concat());
    }
    let issue = ["certs", "issue-system", id, "--name", "localhost", "--bind", "--as", "integrator"];
    folder.does(&[&issue[..], &["--reason", "as submitted"]].concat());
    let again = folder.json(1, &["certs", "issue-system", id]);
    assert!(again["error"]["what"].as_str().unwrap().ends_with("is there already"), "{again}");
}

fn data_type() -> Value {
    json!({
        "id": "address", "version": 1, "provider": "address-register", "title": "Addresses",
        "category": "restricted",
        "operations": [{
            "id": "lookup", "method": "GET", "path": "/addresses/{code}", "query": [{ "name": "language" }],
            "response": { "schema": { "type": "object", "properties": { "kk": { "type": "string" } } } },
            "logical_part": "addresses",
        }],
    })
}

fn agreement() -> Value {
    json!({
        "number": "ar-1", "version": 1, "consumer": "portal", "provider": "address-register",
        "data": [{ "data_type": "address", "version": 1, "operations": ["lookup"], "fields": ["/kk"] }],
        "access_period": { "from": "2020-01-01", "until": "2090-12-31" },
        "purposes": [{ "code": "address-check", "text": "Checking an address" }],
        "basis": [{ "act": "procedure", "version": "1", "clause": "clause 4" }],
        "accounting": { "retention_years": 5, "text": "Each holder keeps a journal" },
        "recovery": { "within_hours": 24, "text": "The consumer asks again" },
        "protection": { "category": "restricted", "text": "Mutual TLS" },
    })
}
