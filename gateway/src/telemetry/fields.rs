//! Fields of log lines: their names, once, as searches and alerts rely on them.

/// Every field that a log line may bear beside its message.
pub const FIELDS: [&str; 24] = [
    "api.address",
    "certificate",
    "consumer",
    "crl.index",
    "data_type",
    "error",
    "exchange",
    "exchange.address",
    "fault",
    "log.closed_as_unknown",
    "log.origin",
    "log.size",
    "log.torn_bytes",
    "operation",
    "operations.address",
    "peer.address",
    "problem.code",
    "provider",
    "reason",
    "refusal.code",
    "registry.remembering_ms",
    "registry.revision",
    "status",
    "trust.generation",
];
