//! The loads, one a line of the issue.

/// One line of the benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// As `--only` and the table have it.
    pub name: &'static str,
    /// What the peer gets.
    pub load: Load,
}

/// A shape of load.
#[derive(Debug, Clone, Copy)]
pub enum Load {
    /// Each connection asks again as soon as it was answered.
    Closed {
        /// Connections.
        lines: usize,
        /// What they ask.
        operation: Operation,
    },
    /// GETs are due at fixed times, whatever the peer does; latency counts from when one was due.
    Open {
        /// Connections, used in turn.
        lines: usize,
        /// Requests a second.
        rate: u32,
    },
    /// A connection with a full handshake for every GET.
    Handshakes {
        /// How many at a time.
        at_once: usize,
    },
    /// Connections which asked once and then wait.
    Idle {
        /// Connections.
        lines: usize,
    },
}

/// What a connection asks.
#[derive(Debug, Clone, Copy)]
pub enum Operation {
    /// A record of 1 KiB.
    Get,
    /// A submission of 4 KiB.
    Post,
    /// A document of 60 MiB, fetched.
    Download,
    /// A document of 60 MiB, sent.
    Upload,
}

/// All cases, in the order in which they run.
pub const CASES: [Case; 10] = [
    Case { name: "one-1", load: Load::Closed { lines: 1, operation: Operation::Get } },
    Case { name: "get1k-32", load: Load::Closed { lines: 32, operation: Operation::Get } },
    Case { name: "get1k-256", load: Load::Closed { lines: 256, operation: Operation::Get } },
    Case { name: "post4k-32", load: Load::Closed { lines: 32, operation: Operation::Post } },
    Case { name: "document-down", load: Load::Closed { lines: 2, operation: Operation::Download } },
    Case { name: "document-up", load: Load::Closed { lines: 2, operation: Operation::Upload } },
    Case { name: "rate2000", load: Load::Open { lines: 32, rate: 2000 } },
    Case { name: "handshake", load: Load::Handshakes { at_once: 16 } },
    Case { name: "idle-1000", load: Load::Idle { lines: 1000 } },
    Case { name: "idle-10000", load: Load::Idle { lines: 10_000 } },
];
