//! Reading: pages, filters, dates, what one sees, and the public register.

use agreements::{Command, OperatorId};
use gateway::registry::sqlite::SqliteStore;
use serde_json::{Value, json};
use tests::world::{World, sample};

fn ids(body: &Value, field: &str) -> Vec<String> {
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_long_list_comes_in_pages_both_ways() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.administrator);
    let (mut path, mut read) = ("/v1/holders?limit=3".to_owned(), Vec::new());
    loop {
        let page = clerk.get(&path).await.json();
        read.extend(ids(&page, "bin"));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/holders?limit=3&cursor={next}");
    }
    assert_eq!(read, [sample::MINISTRY, sample::AGENCY, sample::REGULATOR, sample::OPERATOR]);
    let back = clerk.get("/v1/holders?limit=1&sort=-id").await.json();
    assert_eq!(ids(&back, "bin"), [sample::OPERATOR]);
    let next = format!("/v1/holders?sort=-id&cursor={}", back["next"].as_str().unwrap());
    read.pop();
    read.reverse();
    assert_eq!(ids(&clerk.get(&next).await.json(), "bin"), read);
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_until_it_changes() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.integrator);
    let first = clerk.get("/v1/systems/portal").await;
    let again = clerk.saying("if-none-match", first.header("etag").unwrap());
    let told = again.get("/v1/systems/portal").await;
    assert_eq!((told.status.as_u16(), told.body.len()), (304, 0));
    clerk.command("suspend-system", json!({ "system": "portal" })).await;
    assert_eq!(again.get("/v1/systems/portal").await.json()["status"], "suspended");
}

/// E4
#[tokio::test]
async fn an_officer_sees_their_own_systems_agreements_and_history_and_no_others() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let (ministry, supervisor) = (world.program(&world.ministry), world.program(&world.regulator));
    assert_eq!(ministry.get("/v1/systems/portal").await.outcome(), "200");
    assert_eq!(ministry.get("/v1/systems/address-register").await.outcome(), "404 not-found");
    assert_eq!(supervisor.get("/v1/systems/address-register").await.outcome(), "200");
    let lines = ministry.get("/v1/systems").await.json();
    assert_eq!(ids(&lines, "id"), ["address-register", "portal"], "to agree one must know with whom");
    assert!(lines["items"][0].get("endpoint").is_none() && lines["items"][0].get("networks").is_none());
    assert_eq!(
        ids(&ministry.get("/v1/agreements?stage=concurred").await.json(), "number"),
        ["address-lookup"]
    );
    assert_eq!(ids(&ministry.get("/v1/operators").await.json(), "id"), ["ministry"]);
    assert_eq!(ministry.get("/v1/operators/agency/access").await.outcome(), "404 not-found");
    let events = ministry.get("/v1/events?limit=200").await.json();
    let about_the_other = events["items"].as_array().unwrap().iter().filter(|one| {
        one["event"]["system"] == "address-register" || one["event"]["card"]["id"] == "address-register"
    });
    assert_eq!(about_the_other.count(), 0);
    assert!(
        events["items"].as_array().unwrap().iter().any(|one| one["event"]["event"] == "agreement-concurred")
    );
}

#[tokio::test]
async fn after_the_last_event_there_is_none() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.administrator);
    for after in [9_999_u64, (1 << 53) - 1] {
        let told = clerk.get(&format!("/v1/events?after={after}")).await;
        assert_eq!((told.outcome().as_str(), &told.json()["items"]), ("200", &json!([])));
        assert!(told.json()["next"].is_null());
    }
}

#[tokio::test]
async fn the_state_at_a_date_is_shown_as_it_was() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.integrator);
    let then = gateway::clock::now();
    clerk.command("suspend-system", json!({ "system": "portal" })).await;
    let at = |moment: String| format!("/v1/systems/portal?at={}", moment.replace('+', "%2B"));
    assert_eq!(clerk.get(&at(then.to_string())).await.json()["status"], "registered");
    let today = then.to_zoned(agreements::almaty()).date();
    assert_eq!(clerk.get(&at(today.to_string())).await.json()["status"], "suspended");
    assert_eq!(clerk.get(&at("2020-01-01".to_owned())).await.outcome(), "404 not-found");
}

/// Who asks about today is answered from the newest registry, however many they are.
#[tokio::test]
async fn many_at_once_may_ask_about_today() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.regulator);
    let today = gateway::clock::now().to_zoned(agreements::almaty()).date();
    let ask = |_| {
        let (clerk, path) = (clerk.clone(), format!("/v1/systems?at={today}"));
        tokio::spawn(async move { clerk.get(&path).await.outcome() })
    };
    let asked: Vec<_> = (0..24).map(ask).collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), "200");
    }
}

/// A registry of the past takes no more memory than the newest, and its signatures are shown as they were made.
#[tokio::test]
async fn signatures_of_the_past_are_set_aside_and_shown_whole() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let (clerk, then) = (world.program(&world.regulator), gateway::clock::now());
    clerk.command("suspend-system", json!({ "system": "portal" })).await;
    let mut store = SqliteStore::open(&world.config.path(&world.config.registry.path)).unwrap();
    let registry = gateway::registry::as_of(&mut store, then, &mut |_| {}).unwrap();
    let signatures = registry.agreements().flat_map(|one| &one.signatures);
    let bytes: Vec<usize> = signatures.map(|one| one.jws.to_string().len()).collect();
    assert!(bytes.len() == 3 && bytes.iter().all(|bytes| *bytes < 100), "{bytes:?}");
    let path = "/v1/agreements/address-lookup/versions/1";
    let (shown, before) = (clerk.get(path).await, clerk.get(&format!("{path}?at={then}")).await);
    assert_eq!(shown.json()["signatures"], before.json()["signatures"]);
    assert!(shown.json()["signatures"][0]["jws"].to_string().len() > 100);
}

/// E4: who drafts agreements finds all systems; who looks at a part finds that, in lists, one by one, and in the past.
#[tokio::test]
async fn lists_go_no_further_than_what_each_sees() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let [ministry, integrator] = [&world.ministry, &world.integrator].map(|desk| world.program(desk));
    let almaty =
        json!({ "subject": { "system": "portal" }, "card": { "region": "almaty" }, "information": {} });
    assert_eq!(integrator.command("correct-information", almaty).await.outcome(), "200");
    let enrol = |id: &str, role: &str, reach: Value| {
        let operator =
            json!({ "id": id, "name": id, "role": role, "holder": sample::OPERATOR, "reach": reach });
        let operator = serde_json::from_value(operator).unwrap();
        world.administrator.issues(Command::RegisterOperator { operator });
        world.program_of(&world.administrator, OperatorId::new(id).unwrap())
    };
    let expert = enrol("expert", "expert", json!({ "until": "2999-01-01", "systems": ["address-register"] }));
    let regional = enrol("regional", "regional-operator", json!({ "region": "almaty" }));
    let then = gateway::clock::now();
    assert_eq!(integrator.command("suspend-system", json!({ "system": "portal" })).await.outcome(), "200");
    for at in [String::new(), format!("?at={then}")] {
        for (clerk, systems, holders, provides) in [
            (&ministry, &["address-register", "portal"][..], 4, "200"),
            (&expert, &["address-register"], 2, "200"),
            (&regional, &["portal"], 2, "404 not-found"),
        ] {
            let list = async |name: &str| clerk.get(&format!("/v1/{name}{at}")).await.json();
            assert_eq!(ids(&list("systems").await, "id"), systems);
            assert_eq!(ids(&list("holders").await, "bin").len(), holders);
            let types = ids(&list("data-types").await, "provider");
            assert_eq!(types.is_empty(), provides != "200");
            for path in [
                "/v1/data-types/address-register/address".to_owned(),
                format!("/v1/holders/{}", sample::AGENCY),
            ] {
                assert_eq!(clerk.get(&format!("{path}{at}")).await.outcome(), provides, "{path}");
            }
        }
    }
    assert_eq!(regional.get("/v1/data-types/address-register/address/diff").await.outcome(), "404 not-found");
}

/// E4: what somebody might see once they do not see by asking about then.
#[tokio::test]
async fn the_past_is_looked_at_with_todays_eyes() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let enrol = |systems: &[&str]| {
        let operator = serde_json::from_value(json!({ "id": "expert", "name": "Expert", "role": "expert",
            "holder": sample::OPERATOR, "reach": { "until": "2999-01-01", "systems": systems } }));
        Command::RegisterOperator { operator: operator.unwrap() }
    };
    world.administrator.issues(enrol(&[]));
    let wide = gateway::clock::now().to_string();
    world.administrator.issues(enrol(&["archive"]));
    let expert = OperatorId::new("expert").unwrap();
    let expert = world.program_of(&world.administrator, expert);
    for path in [
        "/v1/systems/portal".to_owned(),
        "/v1/agreements/address-lookup".to_owned(),
        "/v1/agreements/address-lookup/versions/1/readiness".to_owned(),
    ] {
        assert_eq!(expert.get(&path).await.outcome(), "404 not-found", "{path}");
        let then = format!("{path}?at={wide}");
        assert_eq!(expert.get(&then).await.outcome(), "404 not-found", "{then}");
    }
    let (now, then) =
        (expert.get("/v1/agreements").await, expert.get(&format!("/v1/agreements?at={wide}")).await);
    assert_eq!((&now.json()["items"], &then.json()["items"]), (&json!([]), &json!([])));
    let asked = json!({ "consumer": "portal", "provider": "address-register", "data_type": "address",
        "path": "/addresses/7", "purpose": "delivery", "at": wide });
    assert_eq!(expert.post("/v1/explain", &asked).await.outcome(), "404 not-found");
}

#[tokio::test]
async fn a_call_that_nobody_made_is_explained() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let clerk = world.program(&world.ministry);
    let asked = json!({ "consumer": "portal", "provider": "address-register", "data_type": "address",
        "path": "/addresses/7", "purpose": "delivery" });
    let told = clerk.post("/v1/explain", &asked).await;
    assert_eq!(told.outcome(), "200");
    assert_eq!(
        (&told.json()["decision"], &told.json()["agreement"]),
        (&json!("permit"), &json!("address-lookup"))
    );
    let mut other = asked.clone();
    other["purpose"] = json!("curiosity");
    assert_eq!(clerk.post("/v1/explain", &other).await.json()["code"], "purpose-not-agreed");
    let mut early = asked.clone();
    early["at"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(clerk.post("/v1/explain", &early).await.outcome(), "404 not-found");
    let mut coming = asked;
    coming["at"] = json!("2999-01-01T00:00:00Z");
    assert_eq!(clerk.post("/v1/explain", &coming).await.outcome(), "422 unexplained");
}

#[tokio::test]
async fn a_draft_is_judged_without_being_drafted() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.ministry);
    let told = clerk.post("/v1/lint", &json!({ "document": {} })).await.json();
    let fields: Vec<&str> =
        told["problems"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, agreements::SEVEN_FIELDS.map(|(field, _)| field));
    let good = json!({ "document": sample::agreement("address-lookup") });
    assert_eq!(clerk.post("/v1/lint", &good).await.json()["problems"], json!([]));
}

/// That the registry's file cannot be read is not that there is no such agreement.
#[tokio::test]
async fn an_agreement_whose_signatures_cannot_be_read_is_not_said_to_be_absent() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let clerk = world.program(&world.regulator);
    let paths = ["/v1/agreements/address-lookup", "/v1/agreements/address-lookup/versions/1"];
    for path in paths {
        assert_eq!(clerk.get(path).await.outcome(), "200");
    }
    let file = rusqlite::Connection::open(world.config.path(&world.config.registry.path)).unwrap();
    let spoil = "DROP TRIGGER events_are_never_edited;
        UPDATE events SET body = replace(body, 'jws', 'JWS') WHERE body LIKE '%agreement-signed%'";
    file.execute_batch(spoil).unwrap();
    for path in paths {
        assert_eq!(clerk.get(path).await.outcome(), "503 registry-unavailable");
    }
    assert_eq!(clerk.get("/v1/agreements/nothing").await.outcome(), "404 not-found");
}

/// E5
#[tokio::test]
async fn anybody_reads_which_agreements_are_in_force_and_nobody_how_they_are_protected() {
    let plan = World::consumer_and_provider().agreement("address-lookup").agreement("person-records");
    let quiet = |text: &mut Value| {
        (text["number"], text["protection"]["category"]) = (json!("quiet-lookup"), json!("restricted"));
    };
    let world = plan.agreement_with("address-lookup", quiet).start().await;
    let nobody = world.clerk();
    let told = nobody.get("/v1/public/agreements").await;
    let body = told.json();
    let all = ["address-lookup", "person-records", "quiet-lookup"];
    assert_eq!(ids(&body, "number"), all, "whatever they are about");
    let one = &body["items"][0];
    assert_eq!(one["consumer"]["holder_name"], "Ministry");
    assert_eq!(one["purposes"], json!(["Delivery of answers"]));
    assert_eq!(one["basis"][0]["act"], "hr-order");
    assert_eq!((&one["data"], &one["data_withheld"]), (&json!(["Address"]), &json!(0)));
    for above_public in &body["items"].as_array().unwrap()[1..] {
        let shown = (&above_public["data"], &above_public["data_withheld"]);
        assert_eq!(shown, (&json!([]), &json!(1)), "{above_public}");
    }
    let records = &body["items"][1];
    assert_eq!(records["purposes"], json!(["Filling of vacancies"]));
    assert_eq!(
        (&records["basis"][0]["clause"], &records["provider"]["system"]),
        (&json!("8.2"), &json!("address-register"))
    );
    let csv = nobody.get("/v1/public/agreements?format=csv").await;
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    let text = String::from_utf8(csv.body.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 4);
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert!(lines[0].starts_with("address-lookup,1,portal,") && lines[0].ends_with(",0"), "{text}");
    assert!(lines[0].contains(",Address,") && !lines[2].contains(",Address,"), "{text}");
    assert!(lines[1].starts_with("person-records,1,") && lines[1].ends_with(",1"), "{text}");
    let hidden = [
        "protection",
        "127.0.0.1",
        "networks",
        "rate",
        "signatures",
        "users",
        "Person,",
        "\"Person\"",
        "/name",
        "confidential",
    ];
    for word in hidden {
        assert!(!String::from_utf8_lossy(&told.body).contains(word) && !text.contains(word), "{word}");
    }
    let regulator = world.program(&world.regulator);
    let mark = |openness: &str| json!({ "subject": { "system": "portal" }, "card": { "openness": openness }, "information": {} });
    let ministry = world.program(&world.ministry);
    for (openness, listed) in [("restricted", &[][..]), ("open", &all)] {
        assert_eq!(ministry.command("correct-information", mark(openness)).await.outcome(), "200");
        let register = nobody.get("/v1/public/agreements").await.json();
        assert_eq!(ids(&register, "number"), listed, "the portal is {openness}");
        let csv = nobody.get("/v1/public/agreements?format=csv").await;
        assert_eq!(String::from_utf8_lossy(&csv.body).lines().count(), 1 + listed.len());
    }
    let agency = world.program(&world.agency);
    for (category, shown) in [("restricted", json!([[], 1])), ("public", json!([["Address"], 0]))] {
        let raise = json!({ "provider": "address-register", "data_type": "address", "category": category });
        assert_eq!(agency.command("categorise", raise).await.outcome(), "200");
        let one = &nobody.get("/v1/public/agreements").await.json()["items"][0];
        assert_eq!(json!([one["data"], one["data_withheld"]]), shown, "the data are {category}");
    }
    let secret = json!({ "provider": "address-register", "data_type": "person", "category": "state-secret" });
    assert_eq!(agency.command("categorise", secret).await.outcome(), "200");
    let register = nobody.get("/v1/public/agreements").await.json();
    assert_eq!(ids(&register, "number"), ["address-lookup", "quiet-lookup"], "it passes no more");
    for number in ["address-lookup", "quiet-lookup"] {
        let stop = json!({ "number": number, "version": 1 });
        assert_eq!(regulator.command("suspend-agreement", stop).await.outcome(), "200");
    }
    assert_eq!(ids(&nobody.get("/v1/public/agreements").await.json(), "number"), [""; 0]);
}

/// Templates are the regulator's, read by everybody, and what they say comes with a draft's problems and with the agreement.
#[tokio::test]
async fn how_an_agreement_fits_its_template_is_told_before_and_after_it_is_drafted() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let [ministry, regulator] = [&world.ministry, &world.regulator].map(|desk| world.program(desk));
    let template = json!({
        "purpose": "delivery", "version": 1, "title": "Delivery", "rate": { "per_second": 1, "burst": 1 },
    });
    let publish = json!({ "template": template });
    assert_eq!(ministry.command("publish-template", publish.clone()).await.outcome(), "403 not-in-role");
    assert_eq!(regulator.command("publish-template", publish.clone()).await.outcome(), "200");
    assert_eq!(regulator.command("publish-template", publish).await.outcome(), "422 template-unfit");
    let listed = ministry.get("/v1/templates?purpose=delivery").await.json();
    assert_eq!(listed["items"], json!([template]));
    let draft = json!({ "document": sample::agreement("address-lookup") });
    let told = ministry.post("/v1/lint", &draft).await.json();
    let fields: Vec<&Value> =
        told["fits"][0]["wider"].as_array().unwrap().iter().map(|one| &one["field"]).collect();
    assert_eq!(fields, ["protection.rate.per_second", "protection.rate.burst"]);
    let sheet = ministry.get("/v1/agreements/address-lookup").await.json();
    assert_eq!(sheet["fits"], told["fits"]);
}

/// E4: what the regulator recalls judges nobody any more, is shown as recalled, and stands in the history.
#[tokio::test]
async fn a_template_is_recalled_by_the_regulator_and_says_so_to_drafts() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let [ministry, regulator] = [&world.ministry, &world.regulator].map(|desk| world.program(desk));
    let template = json!({ "purpose": "delivery", "version": 1, "title": "Delivery", "most_days": 1 });
    regulator.command("publish-template", json!({ "template": template })).await;
    let recall = json!({ "purpose": "delivery", "version": 1 });
    assert_eq!(ministry.command("recall-template", recall.clone()).await.outcome(), "403 not-in-role");
    assert_eq!(regulator.command("recall-template", recall.clone()).await.outcome(), "200");
    assert_eq!(regulator.command("recall-template", recall).await.outcome(), "422 template-unfit");
    let draft = json!({ "document": sample::agreement("address-lookup") });
    let told = ministry.post("/v1/lint", &draft).await.json();
    assert_eq!(
        told["fits"],
        json!([{ "purpose": "delivery", "template": null, "recalled": 1, "wider": [] }])
    );
    let sheet = ministry.get("/v1/templates/delivery").await.json();
    assert_eq!((&sheet["holds"], &sheet["versions"][0]["standing"]), (&Value::Null, &json!("recalled")));
    assert_eq!(sheet["versions"][0]["recalled"]["actor"]["id"], "regulator");
    let held = ministry.get("/v1/templates?standing=holds").await.json();
    assert_eq!(held["items"], json!([]));
    let history = regulator.get("/v1/events?event=template-recalled").await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
    assert_eq!(ministry.get("/v1/templates/nothing").await.outcome(), "404 not-found");
}
