//! `kelisim`: the gateway and its command line.

use std::process::ExitCode;

/// Calls make many short-lived allocations on several threads; this one serves them without a common lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gateway::cli::main()
}
