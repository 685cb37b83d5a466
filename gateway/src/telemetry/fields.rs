//! Fields of log lines: their names, once, as searches and alerts rely on them.

/// Every field that a log line may bear beside its message.
pub const FIELDS: [&str; 15] = [
    "certificate",
    "crl.index",
    "error",
    "exchange",
    "exchange.address",
    "fault",
    "log.origin",
    "log.size",
    "operations.address",
    "peer.address",
    "reason",
    "refusal.code",
    "registry.revision",
    "status",
    "trust.generation",
];
