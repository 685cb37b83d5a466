//! Fields of log lines: their names, once, as searches and alerts rely on them.

/// Every field that a log line may bear beside its message.
pub const FIELDS: [&str; 13] = [
    "certificate",
    "crl.index",
    "error",
    "exchange",
    "exchange.address",
    "fault",
    "operations.address",
    "peer.address",
    "reason",
    "refusal.code",
    "registry.revision",
    "status",
    "trust.generation",
];
