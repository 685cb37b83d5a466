//! The machine's clock is stepped an hour forward and back under the real binary.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use gateway::exchange_log::{Evidence, Finding, Problem, Verification, verify_with};
use tests::world::sample::LOOKUP;
use tests::world::wait::until;
use tests::world::{Answer, Ask, World, kelisim};

/// A8, D3: what is decided follows the clock, what is leased does not, and the record says where time ran backwards.
#[tokio::test]
async fn clock_that_steps_an_hour_forward_and_back_stalls_nothing_and_is_told_by_the_record() {
    let mut world = World::consumer_and_provider().agreement("address-lookup").found();
    let config = world.folder.config_path();
    let Some((clock, gateway)) = world.stepped() else { return };
    let mut told = Vec::new();
    for hours in [0, 1, 0, -1, 0, 1, -1, 0] {
        let mut open = world.consumer.connect().await;
        assert_eq!(said(open.try_ask(&Ask::get(LOOKUP)).await), "200", "before the step to {hours}");
        clock.step(hours);
        let there = said(open.try_ask(&Ask::get(LOOKUP)).await);
        let anew = match world.consumer.try_connect().await {
            Ok(mut line) => said(line.try_ask(&Ask::get(LOOKUP)).await),
            Err(_) => "no connection".into(),
        };
        told.push((hours, there, anew));
        assert!(world.operations("/ready").await.contains("200"), "the lease is no matter of the clock");
        if hours < 0 {
            // Nobody connects then.
            clock.step(0);
        }
    }
    // What is decided follows the clock: an hour ago the trial's certificates were not valid yet.
    let expected = |hours| if hours < 0 { ("certificate-untrusted", "no answer") } else { ("200", "200") };
    for (hours, there, anew) in &told {
        assert_eq!((there.as_str(), anew.as_str()), expected(*hours), "{told:?}");
    }
    let whole = until("the record to be sealed", || {
        let found = verify_with(world.log.dir(), &Evidence::default()).unwrap();
        (found.sealed == found.entries && found.open_at_end == 0).then_some(found)
    });
    let found = whole.await;
    assert!(found.is_whole(), "{:?}", found.findings);
    let back: Vec<&Finding> = backwards(&found);
    println!("{} entries, {} steps back: {}", found.entries, back.len(), back[0]);
    assert_eq!(back.len(), 3, "one for each step back: {back:?}");
    for finding in back {
        assert!(finding.line > 0 && finding.offset > 0, "it says where: {finding}");
    }
    assert!(gateway.terminate().success());
    let (status, text) = kelisim(&["log", "verify", "--config", config.to_str().unwrap()]);
    assert!(status.success() && text.contains("s earlier than an entry before it"), "{text}");
}

/// The status, or the code of the refusal, or that there was no answer.
fn said(answer: std::io::Result<Answer>) -> String {
    match answer {
        Ok(answer) => answer.refusal().map_or(answer.status.to_string(), str::to_owned),
        Err(_) => "no answer".into(),
    }
}

fn backwards(found: &Verification) -> Vec<&Finding> {
    let steps = |finding: &&Finding| match finding.problem {
        Problem::TimeBackwards { seconds } => (3_500..7_300).contains(&seconds),
        _ => false,
    };
    found.findings.iter().filter(steps).collect()
}
