//! The machine's clock is stepped an hour forward and back under the real binary, which sees it through a shim over
//! `clock_gettime` that the C compiler makes here.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gateway::exchange_log::{Evidence, Finding, Problem, Verification, verify_with};
use tests::world::sample::LOOKUP;
use tests::world::wait::until;
use tests::world::{Answer, Ask, Process, World, kelisim};

/// A8, D3: what is decided follows the clock, what is leased does not, and the record says where time ran backwards.
#[tokio::test]
async fn clock_that_steps_an_hour_forward_and_back_stalls_nothing_and_is_told_by_the_record() {
    let mut world = World::consumer_and_provider().agreement("address-lookup").found();
    let config = world.folder.config_path();
    let Some(clock) = SteppedClock::new(&config.with_file_name("stepped")) else {
        println!("NOT RUN: there is no C compiler (cc)");
        return;
    };
    let gateway = Process::start_with(&config, &clock.environment());
    world.moves_to(gateway.exchange, gateway.operations);
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

/// A clock that is stepped by writing seconds into a file.
struct SteppedClock {
    shim: PathBuf,
    offset: PathBuf,
}

impl SteppedClock {
    fn new(at: &Path) -> Option<Self> {
        let (source, shim, offset) =
            (at.with_extension("c"), at.with_extension("so"), at.with_extension("offset"));
        fs::write(&source, SHIM).unwrap();
        fs::write(&offset, 0_i64.to_ne_bytes()).unwrap();
        let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&shim, &source]).status();
        made.ok().map(|made| {
            assert!(made.success(), "the shim does not compile");
            Self { shim, offset }
        })
    }

    fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.shim), ("STEPPED_CLOCK", &self.offset)]
    }

    fn step(&self, hours: i64) {
        let file = fs::File::options().write(true).open(&self.offset).unwrap();
        file.write_all_at(&(hours * 3600).to_ne_bytes(), 0).unwrap();
    }
}

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none, *offset = &none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("STEPPED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *seen = file < 0 ? MAP_FAILED : mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (seen != MAP_FAILED) offset = seen;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += *offset;
    return failed;
}
"#;
