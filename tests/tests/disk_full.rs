//! The disk of the exchange log fills up under the real binary: a small disk in memory, mounted for it alone.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gateway::exchange_log::{Evidence, verify_with};
use tests::world::sample::LOOKUP;
use tests::world::wait::{until, within};
use tests::world::{Ask, Process, World};

/// Promise 1, C8
#[tokio::test]
async fn gateway_on_a_full_disk_refuses_with_its_code_and_heals_without_a_restart() {
    let mut world = World::consumer_and_provider().agreement("address-lookup").found();
    let outside = world.log.dir().to_owned();
    fs::create_dir_all(&outside).unwrap();
    let config = world.folder.config_path();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[log]\n", "[log]\nsegment_mib = 1\n")).unwrap();
    let Some((gateway, log)) = Process::start_on_small_disk(&config, &outside, 32 << 20) else {
        println!(
            "NOT RUN: this machine does not let us mount a disk in memory (unshare --map-root-user --mount)"
        );
        return;
    };
    world.moves_to(gateway.exchange, gateway.operations);
    let ballast = log.join("ballast");
    for turn in 1..=3 {
        fill(&ballast);
        let (refused_within, answers) = until_refused(&world).await;
        assert!(world.operations("/ready").await.contains("no space left"));
        assert!(world.operations("/metrics").await.contains("kelisim_log_space 0"));
        // Nothing hangs: each call is answered with the code, and nothing is forwarded.
        let (mut slowest, forwarded) = (Duration::ZERO, world.provider.seen().len());
        for _ in 0..20 {
            let since = Instant::now();
            assert_eq!(world.consumer.asks(&ask()).await.refusal(), Some("log-full"));
            slowest = slowest.max(since.elapsed());
        }
        assert_eq!(world.provider.seen().len(), forwarded);

        fs::remove_file(&ballast).unwrap();
        let since = Instant::now();
        within("the gateway to heal", async { while world.consumer.asks(&ask()).await.status != 200 {} })
            .await;
        let healed = since.elapsed();
        assert!(world.operations("/ready").await.contains("200"));
        println!(
            "turn {turn}: {answers} answers, then refused within {refused_within:.0?}, each of 20 within {slowest:.0?}; healed {healed:.0?} after space came back"
        );
    }
    // The disk goes with the process, so the record is read before that.
    let whole = until("the record to be whole and sealed", || {
        let found = verify_with(&log, &Evidence::default()).unwrap();
        (found.open_at_end == 0 && found.sealed == found.entries).then_some(found)
    });
    let whole = whole.await;
    assert!(whole.is_whole(), "{:?}", whole.findings);
    println!("{} entries, {} exchanges, {} segments", whole.entries, whole.openings, whole.segments);
    assert!(gateway.terminate().success());
}

/// Leaves too little for another segment.
fn fill(ballast: &Path) {
    let file = fs::File::create(ballast).unwrap();
    // The gateway writes meanwhile: what was free a moment ago may not be.
    loop {
        let disk = rustix::fs::statvfs(ballast.parent().unwrap()).unwrap();
        let free = (disk.f_bavail * disk.f_frsize).saturating_sub(256 << 10);
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, free.max(1)) {
            Ok(()) => return,
            Err(error) => assert_eq!(error, rustix::io::Errno::NOSPC),
        }
    }
}

/// Calls until the first refusal: how long that one took, and how many were answered before.
async fn until_refused(world: &World) -> (Duration, usize) {
    let streams = world.consumer.connect_http2().await;
    within("the disk to be full", async {
        let mut answers = 0;
        loop {
            let calls: Vec<_> = (0..64)
                .map(|_| {
                    let streams = streams.clone();
                    tokio::spawn(async move {
                        let since = Instant::now();
                        (streams.ask(&ask()).await, since)
                    })
                })
                .collect();
            for call in calls {
                let (answer, since) = call.await.unwrap();
                match answer.refusal() {
                    None => answers += 1,
                    Some(code) => {
                        assert_eq!(code, "log-full");
                        return (since.elapsed(), answers);
                    }
                }
            }
        }
    })
    .await
}

fn ask() -> Ask {
    Ask::get(LOOKUP).header("Kelisim-Case", &"x".repeat(190))
}
