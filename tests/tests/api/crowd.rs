//! Connections that bring nothing and take nothing: others are answered meanwhile (promise 7).

use tests::world::World;
use tests::world::wait::{PAUSE, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn bodies_that_do_not_come_take_nobodys_place() {
    let plan = World::consumer_and_provider().configure(|config| config.api.max_requests = 2);
    let world = plan.start().await;
    let ministry = world.program(&world.ministry);
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut line = world.clerk().dial().await.unwrap();
        let head = "POST /v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                    Content-Length: 100\r\nExpect: 100-continue\r\n\r\n{";
        line.write_all(head.as_bytes()).await.unwrap();
        // It says so when it reads the body.
        let mut said = [0; 21];
        within("the body to be asked for", line.read_exact(&mut said)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 100 Continue");
        held.push(line);
    }
    assert_eq!(ministry.get("/v1/session").await.outcome(), "200");
}

#[tokio::test]
async fn answers_that_nobody_takes_end_their_connection() {
    let plan = World::consumer_and_provider().configure(|config| config.api.request_timeout_ms = 500);
    let world = plan.start().await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut line = world.clerk().dial().await.unwrap();
        // More than the machine takes in the reader's place.
        let ask = "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(64);
        line.write_all(ask.as_bytes()).await.unwrap();
        held.push(line);
    }
    within("the connections to be ended", async {
        while !world.metrics().await.contains("kelisim_api_connections 0\n") {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    drop(held);
}
