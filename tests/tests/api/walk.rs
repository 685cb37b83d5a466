//! Every operation that the API's own document names.

use std::collections::BTreeSet;

use agreements::{Command, CommandName};
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use tests::world::{Clerk, World, sample};

/// E4: without credentials 401, with a role without rights 403, whatever else is right or wrong.
#[tokio::test]
async fn every_operation_asks_who_it_is_and_whether_they_may() {
    let world = World::consumer_and_provider().start().await;
    let desks = [&world.administrator, &world.integrator, &world.regulator, &world.ministry];
    let programs = desks.map(|desk| (role(desk.actor().role), world.program(desk)));
    let nobody = world.clerk();
    let (mut public, mut forbidden) = (Vec::new(), 0);
    for operation in operations(&nobody).await {
        let told = operation.ask(&nobody).await;
        if operation.systems {
            assert_eq!(told, "401 unauthenticated", "{}", operation.id);
            assert_eq!(operation.ask(&programs[0].1).await, "401 unauthenticated", "{}", operation.id);
            continue;
        }
        if operation.roles.is_empty() {
            public.push(operation.id.clone());
            assert!(!told.starts_with("401 unauthenticated"), "{}: {told}", operation.id);
            continue;
        }
        assert_eq!(told, "401 unauthenticated", "{}", operation.id);
        for (_, program) in programs.iter().filter(|(role, _)| !operation.roles.contains(role)) {
            assert_eq!(operation.ask(program).await, "403 not-in-role", "{}", operation.id);
            forbidden += 1;
        }
        for (_, program) in programs.iter().filter(|(role, _)| operation.roles.contains(role)) {
            let told = operation.ask(program).await;
            assert!(!told.starts_with("401") && !told.starts_with('5'), "{}: {told}", operation.id);
        }
    }
    public.sort();
    assert_eq!(public, ["log-in", "openapi", "public-agreements"]);
    assert!(forbidden > 50, "{forbidden} were forbidden");
}

/// Every command of the rules can be issued over the API, and is described there.
#[tokio::test]
async fn every_command_has_its_operation() {
    let world = World::consumer_and_provider().start().await;
    let document = world.clerk().get("/v1/openapi.json").await.json();
    for name in CommandName::all() {
        let operation = &document["paths"][format!("/v1/commands/{}", name.as_str())]["post"];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name:?}");
        assert_eq!(schema["properties"]["reason"]["type"], "string", "{name:?}");
        let facts = schema["properties"].get("signature");
        assert!(facts.is_none(), "{name:?}: name what is signed in api/signing.rs; facts are never taken");
        let roles: Vec<Value> =
            agreements::entitled(name).iter().map(|role| serde_json::to_value(role).unwrap()).collect();
        assert_eq!(operation["x-roles"].as_array().unwrap(), &roles, "{name:?}");
    }
}

/// E4: what is asked of a certificate stands in the document, and what the document names suffices.
#[tokio::test]
async fn what_a_certificate_needs_to_change_something_is_described() {
    let world = World::consumer_and_provider().start().await;
    let issued = world.person("Ministry");
    let certificate = sample::bound(&issued);
    let operator = world.ministry.actor().id.clone();
    world.administrator.issues(Command::BindOperatorCertificate { operator, certificate });
    let clerk = world.clerk_with(Some(&issued));
    let document = clerk.get("/v1/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let named =
                parameters.iter().any(|one| one["name"] == gateway::api::OURS && one["in"] == "header");
            let asked = method != "get" && operation["x-roles"].is_array();
            assert_eq!(named, asked, "{method} {path}");
        }
    }
    for scheme in ["certificate", "session"] {
        let told = document["components"]["securitySchemes"][scheme]["description"].as_str().unwrap();
        assert!(told.contains(gateway::api::OURS), "{scheme}: {told}");
    }
    let suspend = serde_json::json!({ "system": "portal" });
    assert_eq!(clerk.command("suspend-system", suspend.clone()).await.outcome(), "403 cross-site");
    let marked = clerk.saying(gateway::api::OURS, "1");
    assert_eq!(
        marked.command("suspend-system", suspend).await.outcome(),
        "403 not-in-role",
        "that is settled"
    );
}

/// RFC 9110 §15.5.6
#[tokio::test]
async fn a_method_that_is_not_allowed_is_told_which_are() {
    let world = World::consumer_and_provider().start().await;
    for (method, path, allowed) in [
        (Method::POST, "/v1/systems", &["GET", "HEAD"][..]),
        (Method::GET, "/v1/commands/suspend-system", &["POST"]),
        (Method::PATCH, "/v1/session", &["DELETE", "GET", "HEAD", "POST"]),
        (Method::DELETE, "/v1/openapi.json", &["GET", "HEAD"]),
    ] {
        let told = world.clerk().ask(method, path, None).await;
        assert_eq!(told.outcome(), "405 method-not-allowed", "{path}");
        let named: BTreeSet<&str> = told.header("allow").unwrap().split(',').map(str::trim).collect();
        assert_eq!(named.into_iter().collect::<Vec<_>>(), allowed, "{path}");
    }
}

/// OpenAPI 3.1 is JSON Schema: what is named is there, and every schema is one.
#[tokio::test]
async fn the_document_names_nothing_that_it_does_not_hold() {
    let world = World::consumer_and_provider().start().await;
    let document = world.clerk().get("/v1/openapi.json").await.json();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut named = BTreeSet::new();
    refs(&document, &mut named);
    for name in &named {
        let short = name.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(short), "{name}");
    }
    assert!(named.len() > 20, "{named:?}");
    for (name, schema) in schemas {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // Two types of one name would be taken for each other.
    let problem = &schemas["Problem"]["properties"];
    assert!(
        problem.get("clause").is_some() && schemas["ProblemDocument"]["properties"].get("title").is_some()
    );
    let ids: Vec<String> = operations(&world.clerk()).await.into_iter().map(|one| one.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each has a name of its own");
}

fn refs(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                named.insert(name.to_owned());
            }
            fields.values().for_each(|value| refs(value, named));
        }
        Value::Array(items) => items.iter().for_each(|value| refs(value, named)),
        _ => {}
    }
}

struct Operation {
    id: String,
    method: Method,
    path: String,
    roles: Vec<String>,
    /// Whether systems ask, and no operator may.
    systems: bool,
    body: Option<String>,
}

impl Operation {
    /// Asks with an empty body: whether one may is known before what is asked is read.
    async fn ask(&self, clerk: &Clerk) -> String {
        let body = self.body.as_deref().map(|media_type| (media_type, Bytes::from_static(b"{}")));
        clerk.ask(self.method.clone(), &self.path, body).await.outcome()
    }
}

async fn operations(clerk: &Clerk) -> Vec<Operation> {
    let document = clerk.get("/v1/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let words = |value: &Value| {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
            };
            found.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.replace("{number}", "n").replace("{version}", "1").replace(['{', '}'], ""),
                roles: words(&operation["x-roles"]),
                systems: operation["x-systems"].is_string(),
                body: operation["requestBody"]["content"]
                    .as_object()
                    .and_then(|types| types.keys().next().cloned()),
            });
        }
    }
    found
}

fn role(role: agreements::Role) -> String {
    serde_json::to_value(role).unwrap().as_str().unwrap().to_owned()
}
