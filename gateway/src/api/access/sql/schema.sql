PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS passwords (
    operator TEXT PRIMARY KEY,
    granted INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    hash BLOB PRIMARY KEY,
    operator TEXT NOT NULL,
    granted INTEGER NOT NULL,
    began INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (operator, seen);
CREATE TABLE IF NOT EXISTS failures (
    subject TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS failures_by_age ON failures (last);
-- Answers stand in the registry now, with the events that they are of.
DROP TABLE IF EXISTS answers;
