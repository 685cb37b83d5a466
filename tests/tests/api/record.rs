//! The record over the API: who finds what, what proves it, and that every look is written down.

use agreements::{Command, Operator, OperatorId, Reach, Role};
use gateway::clock;
use gateway::config::{Config, CryptographyConfig};
use gateway::exchange_index::Journal;
use gateway::transparency::policy::Policy;
use gateway::transparency::receipt::Receipt;
use gateway::transparency::tile_hashes;
use jiff::ToSpan;
use serde_json::{Value, json};
use tests::world::sample::{self, LOOKUP, address_record};
use tests::world::wait::{PAUSE, within};
use tests::world::{Answer, Ask, Clerk, Reply, Told, World};

async fn agreed() -> World {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    world.provider.acts(|_| Reply::Json(200, address_record()));
    world
}

/// A call whose exchange the index and a checkpoint have reached.
async fn exchanged(world: &World, regulator: &Clerk, user: &str) -> Answer {
    let ask = Ask::get(LOOKUP).header("Kelisim-User", user).header("Kelisim-Case", "12-34%2F2026");
    let answer = world.consumer.asks(&ask).await;
    assert_eq!(answer.status, 200, "{answer}");
    let path = format!("/v1/exchanges/{}/proof", answer.exchange());
    until_told(regulator, &path, "200").await;
    answer
}

async fn until_told(clerk: &Clerk, path: &str, outcome: &str) -> Told {
    within(path, async {
        loop {
            let told = clerk.get(path).await;
            if told.outcome() == outcome {
                return told;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

/// An officer of an organisation that took part in nothing.
fn stranger(world: &World) -> Clerk {
    let id = OperatorId::new("stranger").unwrap();
    let holder = sample::bin(sample::OPERATOR);
    let operator = Operator {
        id: id.clone(),
        name: "Stranger".into(),
        role: Role::HolderOfficer,
        holder,
        reach: Reach::default(),
    };
    world.administrator.issues(Command::RegisterOperator { operator });
    world.program_of(&world.administrator, id)
}

fn exchanges(told: &Told) -> Vec<String> {
    let body = told.json();
    let named = |item: &Value| item["entry"]["exchange"].as_str().unwrap().to_owned();
    body["items"].as_array().unwrap().iter().map(named).collect()
}

/// D2, E2, E4
#[tokio::test]
async fn an_exchange_is_found_by_its_parties_and_the_regulator_and_by_nobody_else() {
    let world = agreed().await;
    let regulator = world.program(&world.regulator);
    let answer = exchanged(&world, &regulator, "a.serik").await;
    let id = answer.exchange().to_string();
    let strange = stranger(&world);
    for clerk in [&regulator, &world.program(&world.ministry), &world.program(&world.agency)] {
        assert_eq!(
            exchanges(&clerk.get("/v1/exchanges?user=a.serik").await).as_slice(),
            std::slice::from_ref(&id)
        );
        let one = clerk.get(&format!("/v1/exchanges/{id}")).await.json();
        assert_eq!(one["closing"]["outcome"], "completed");
    }
    assert_eq!(exchanges(&strange.get("/v1/exchanges").await), [""; 0]);
    for path in [format!("/v1/exchanges/{id}"), format!("/v1/exchanges/{id}/proof")] {
        assert_eq!(strange.get(&path).await.outcome(), "404 not-found");
    }
    let entry = format!("/v1/log/entries/{}/proof", answer.entry().unwrap());
    assert_eq!(strange.get(&entry).await.outcome(), "404 not-found");
    assert_eq!(world.program(&world.administrator).get("/v1/exchanges").await.outcome(), "403 not-in-role");
}

/// D2: what is looked for fits, and what does not is not found.
#[tokio::test]
async fn a_search_has_the_filters_that_the_command_line_has() {
    let world = agreed().await;
    let regulator = world.program(&world.regulator);
    let id = exchanged(&world, &regulator, "a.serik").await.exchange().to_string();
    let refused = world.consumer.asks(&Ask::get(LOOKUP).header("Kelisim-Purpose", "curiosity")).await;
    let refused_id = refused.exchange().to_string();
    within("the index to reach the refusal", async {
        while exchanges(&regulator.get("/v1/exchanges").await).len() < 2 {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    for fits in [
        "system=portal,other",
        "consumer=portal&provider=address-register",
        "holder=000140000022",
        "data-type=address&purpose=delivery",
        "agreement=address-lookup",
        "case=12-34%2F2026",
        "decision=permit&outcome=completed&status=200",
        "from=2026-01-01T00:00:00Z&until=2999-01-01T00:00:00Z&decision=permit",
        &format!("exchange={id}"),
    ] {
        let told = regulator.get(&format!("/v1/exchanges?{fits}")).await;
        assert!(exchanges(&told).contains(&id), "{fits}: {:?}", told.body);
    }
    for fits_not in ["system=other", "user=b", "status=404", "until=2020-01-01T00:00:00Z", "region=almaty"] {
        let told = regulator.get(&format!("/v1/exchanges?{fits_not}")).await;
        assert_eq!(exchanges(&told), [""; 0], "{fits_not}");
    }
    let by_code = regulator.get("/v1/exchanges?code=purpose-not-agreed").await;
    assert_eq!(exchanges(&by_code).as_slice(), std::slice::from_ref(&refused_id));
    for (slip, said) in [
        ("code=purpose-not-agred", "did you mean purpose-not-agreed?"),
        ("outcome=time-out", "did you mean timeout?"),
        ("decision=no", "none that there is"),
        ("status=all", "none that there is"),
    ] {
        let told = regulator.get(&format!("/v1/exchanges?{slip}")).await;
        assert_eq!(told.outcome(), "400 parameter-malformed", "{slip}");
        assert!(told.json()["detail"].as_str().unwrap().contains(said), "{slip}: {:?}", told.body);
    }
    for wrong in ["limit=0", "cursor=x", "from=yesterday", "region=almaty&holder=1", "system=a,,b", "who=me"]
    {
        let told = regulator.get(&format!("/v1/exchanges?{wrong}")).await;
        assert_eq!(told.outcome(), "400 parameter-malformed", "{wrong}");
    }
    let first = regulator.get("/v1/exchanges?limit=1").await;
    assert_eq!(exchanges(&first), [refused_id], "the newest first");
    // What comes in meanwhile moves nothing.
    exchanged(&world, &regulator, "b.aigul").await;
    let next = format!("/v1/exchanges?limit=1&cursor={}", first.json()["next"].as_str().unwrap());
    assert_eq!(exchanges(&regulator.get(&next).await), [id]);
}

/// D2, E4
#[tokio::test]
async fn an_export_is_whole_in_both_forms_and_holds_what_one_sees() {
    let world = agreed().await;
    let regulator = world.program(&world.regulator);
    for user in ["a", "b", "c"] {
        exchanged(&world, &regulator, user).await;
    }
    let csv = regulator.get("/v1/exchanges/export?decision=permit").await;
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    let text = String::from_utf8(csv.body.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.starts_with("index,kind,at,exchange,"), "{text}");
    let lines = world.program(&world.agency).get("/v1/exchanges/export?format=jsonl&user=b").await;
    let line: Value = serde_json::from_slice(&lines.body).unwrap();
    assert_eq!((&line["entry"]["user"], &line["closing"]["status"]), (&"b".into(), &200.into()));
    let strange = stranger(&world).get("/v1/exchanges/export?format=jsonl").await;
    assert_eq!((strange.outcome().as_str(), strange.body.len()), ("200", 0));
    assert_eq!(regulator.get("/v1/exchanges/export?format=xml").await.outcome(), "400 parameter-malformed");
}

/// D3: what the API gives is verified with the log's public key and nothing else.
#[tokio::test]
async fn a_proof_from_the_api_convinces_who_has_only_the_policy() {
    let world = agreed().await;
    let (ministry, regulator) = (world.program(&world.ministry), world.program(&world.regulator));
    let answer = exchanged(&world, &regulator, "a.serik").await;
    let policy: Policy = std::fs::read_to_string(world.path().join("log.policy")).unwrap().parse().unwrap();
    for path in [
        format!("/v1/exchanges/{}/proof", answer.exchange()),
        format!("/v1/exchanges/{}/proof?of=opening", answer.exchange()),
        format!("/v1/log/entries/{}/proof", answer.entry().unwrap()),
    ] {
        let told = ministry.get(&path).await;
        assert_eq!(told.outcome(), "200", "{path}");
        let receipt = Receipt::parse(&told.body).unwrap();
        let entry = receipt.extra.clone().unwrap();
        receipt.verify(&entry, &policy).unwrap();
        let said: Value = serde_json::from_slice(&entry).unwrap();
        assert_eq!(said["exchange"], answer.exchange().to_string());
    }
    assert_eq!(ministry.get("/v1/log/entries/999999/proof").await.outcome(), "409 not-sealed");
    // A segment's header is nobody's exchange.
    assert_eq!(ministry.get("/v1/log/entries/0/proof").await.outcome(), "404 not-found");
    assert_eq!(regulator.get("/v1/log/entries/0/proof").await.outcome(), "200");
}

/// C5: the head of a log names what does the cryptography, and so does the operations face.
#[tokio::test]
async fn the_record_and_the_operations_face_name_the_cryptographic_tool_and_what_confirms_it() {
    let until = clock::today().saturating_add(10.days());
    let confirmed = move |config: &mut Config| {
        let (confirmation, issuer) = (Some("KZ-77".into()), Some("Accredited body".into()));
        config.cryptography = CryptographyConfig { confirmation, issuer, until: Some(until) };
    };
    let world = World::consumer_and_provider().configure(confirmed).start().await;
    let regulator = world.program(&world.regulator);
    until_told(&regulator, "/v1/log/entries/0/proof", "200").await;
    let told = regulator.get("/v1/log/entries/0/proof").await;
    let head: Value = serde_json::from_slice(&Receipt::parse(&told.body).unwrap().extra.unwrap()).unwrap();
    let tool = certs::tool::tool();
    let confirmation = json!({ "number": "KZ-77", "issuer": "Accredited body", "until": until });
    let known = json!({ "tool": tool.name, "version": tool.version, "fips": tool.fips, "confirmation": confirmation });
    assert_eq!(head["cryptography"], known);
    let page = world.operations("/ready").await;
    let line = page.lines().find(|line| line.starts_with("cryptography: ")).unwrap();
    for word in [tool.name, tool.version, "KZ-77 of Accredited body", "have it confirmed anew"] {
        assert!(line.contains(word), "{line}");
    }
    let metrics = world.operations("/metrics").await;
    let ends =
        metrics.lines().find_map(|line| line.strip_prefix("kelisim_cryptography_confirmed_until_seconds "));
    assert!(ends.unwrap().parse::<i64>().unwrap() > clock::now().as_second(), "{ends:?}");
}

/// D3, E2: the paths are those of C2SP tlog-tiles, below `/v1/log`.
#[tokio::test]
async fn the_regulator_reads_checkpoint_tiles_and_bundles_and_parties_do_not() {
    let world = agreed().await;
    let regulator = world.program(&world.regulator);
    exchanged(&world, &regulator, "a.serik").await;
    let checkpoint = regulator.get("/v1/log/checkpoint").await;
    let text = String::from_utf8(checkpoint.body.to_vec()).unwrap();
    let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
    assert!(text.starts_with("gateway.example/log\n") && size >= 3, "{text}");
    let tile = regulator.get(&format!("/v1/log/tile/0/000.p/{size}")).await;
    assert_eq!(tile_hashes(&tile.body).unwrap().len() as u64, size);
    let bundle = regulator.get(&format!("/v1/log/tile/entries/000.p/{size}")).await;
    assert_eq!(gateway::transparency::split_bundle(&bundle.body).unwrap().len() as u64, size);
    for none in ["0/001", "0/0", "0/000.p/256", "9/000", "entries/../../checkpoint", "entries/000.p%2F0"] {
        assert_eq!(regulator.get(&format!("/v1/log/tile/{none}")).await.status, 404, "{none}");
    }
    let ministry = world.program(&world.ministry);
    for path in ["/v1/log/checkpoint", "/v1/log/tile/0/000", "/v1/log/tile/entries/000"] {
        assert_eq!(ministry.get(path).await.outcome(), "403 not-in-role", "{path}");
    }
}

/// D2, E4: what a command is conditional on is read again as its sender may read it, and never from the record: nobody is
/// written down as having looked who only named a tag.
#[tokio::test]
async fn a_condition_of_a_command_is_no_look_into_the_record() {
    let world = agreed().await;
    let officer = world.program(&world.ministry);
    let fields = json!({ "number": "address-lookup", "version": 1 });
    for tag in ["\"exchanges~AAAA\"", "\"log/tile/entries/000~AAAA\"", "\"log/entries/0/proof~AAAA\""] {
        let told = officer.saying("if-match", tag).command("withdraw-agreement", fields.clone()).await;
        assert_eq!(told.outcome(), "400 header-malformed", "{tag}");
    }
    let looks = std::fs::read_to_string(world.config.path(&world.config.log.searches)).unwrap_or_default();
    assert_eq!(looks, "");
}

/// D2: who looked for what, why and by which way, before anything is shown.
#[tokio::test]
async fn every_look_into_the_record_is_itself_on_record() {
    let world = agreed().await;
    let regulator = world.program(&world.regulator);
    let path = world.config.path(&world.config.log.searches);
    for look in [
        "/v1/exchanges?user=a.serik&reason=complaint%2017",
        "/v1/exchanges/019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10",
        "/v1/exchanges/export?user=b.aigul",
        "/v1/log/entries/7/proof",
        "/v1/log/tile/entries/003",
    ] {
        regulator.get(look).await;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines.iter().all(|line| line["operator"] == "regulator" && line["viewer"] == "all"), "{text}");
    assert_eq!(lines[0]["reason"], "complaint 17");
    assert_eq!(lines[0]["query"]["words"][0][1], "a.serik");
    assert_eq!(lines[0]["via"], "api:token=program-of-regulator from 127.0.0.1");
    assert_eq!(lines[3]["query"]["first"], 7);
    assert_eq!((&lines[4]["query"]["first"], &lines[4]["query"]["count"]), (&768.into(), &256.into()));
    assert_eq!(Journal::at(&path).verify().unwrap(), 5);
    // What cannot be written down is not answered.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(regulator.get("/v1/exchanges").await.outcome(), "503 record-unavailable");
}
