//! A clock for the real binary, which sees it through a shim over `clock_gettime` that the C compiler makes here.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Process, World};

/// A clock that is stepped by writing seconds into a file.
#[derive(Debug)]
pub struct SteppedClock {
    shim: PathBuf,
    offset: PathBuf,
}

impl SteppedClock {
    /// A clock beside `at`, right until it is stepped. `None`: there is no C compiler.
    ///
    /// # Panics
    /// If the shim cannot be made.
    pub fn new(at: &Path) -> Option<Self> {
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

    /// What a process needs to see it.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.shim), ("STEPPED_CLOCK", &self.offset)]
    }

    /// Sets it so many hours ahead of the true time.
    ///
    /// # Panics
    /// If its file is gone.
    pub fn step(&self, hours: i64) {
        let file = fs::File::options().write(true).open(&self.offset).unwrap();
        file.write_all_at(&(hours * 3600).to_ne_bytes(), 0).unwrap();
    }
}

impl World {
    /// Starts the real binary under a clock that is stepped, and moves the world there. `None`, which is said: there is no C
    /// compiler.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn stepped(&mut self) -> Option<(SteppedClock, Process)> {
        let config = self.folder.config_path();
        let Some(clock) = SteppedClock::new(&config.with_file_name("stepped")) else {
            println!("NOT RUN: there is no C compiler (cc)");
            return None;
        };
        let gateway = Process::start_with(&config, &clock.environment());
        self.moves_to(gateway.exchange, gateway.operations);
        Some((clock, gateway))
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
