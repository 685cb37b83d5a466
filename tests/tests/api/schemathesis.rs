//! A tool that nobody here wrote asks the API, by its own document.

use std::path::Path;
use std::process::Command;

use tests::world::World;

/// No server error and no break of the schema, as somebody who supervises and as somebody who agrees.
#[tokio::test]
async fn schemathesis_finds_no_server_error_and_no_break_of_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let installed = root.join("target/schemathesis/bin/schemathesis");
    let tool = std::env::var_os("SCHEMATHESIS").map_or(installed, Into::into);
    if !tool.is_file() {
        eprintln!("NOT RUN, since schemathesis is not here: tests/run installs it where there is python3");
        return;
    }
    let world = World::consumer_and_provider()
        .agreement("address-lookup")
        .configure(|config| (config.api.logins_per_minute, config.api.max_connections) = (10_000, 8_192))
        .start()
        .await;
    let anchors = world.path().join("anchors.pem");
    std::fs::write(&anchors, world.authority.anchors_pem().unwrap()).unwrap();
    let api = format!("https://localhost:{}", world.clerk().address().port());
    for desk in [&world.regulator, &world.ministry] {
        let token = world.token(desk, "schemathesis", agreements::CommandName::all().collect(), 1);
        let mut asks = Command::new(root.join("tests/api/schemathesis"));
        asks.env("SCHEMATHESIS", &tool)
            .env("KELISIM_API", &api)
            .env("KELISIM_CA", &anchors)
            .env("KELISIM_TOKEN", token)
            .args(["--max-examples", "5", "--max-time", "60"]);
        let told = tokio::task::spawn_blocking(move || asks.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&told.stdout);
        assert!(told.status.success(), "{}\n{said}", desk.actor().id);
        assert!(!world.metrics().await.contains("kelisim_api_requests_total{status=\"5"), "{said}");
    }
}
