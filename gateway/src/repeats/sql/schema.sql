-- What became of requests that bore an idempotency key: kept for a time, so that none is carried out twice.
PRAGMA journal_mode = WAL;
-- What was promised to be kept is kept after a crash.
PRAGMA synchronous = FULL;
-- Answers that are over are not left behind in free pages.
PRAGMA secure_delete = ON;

CREATE TABLE IF NOT EXISTS repeat (
    -- Keyed hash of who asked whom for what under which key.
    id BLOB PRIMARY KEY,
    consumer TEXT NOT NULL,
    -- Keyed hash of what was asked; absent until a body that streams has passed.
    request BLOB,
    -- Agreement and versions on which it was permitted.
    terms TEXT NOT NULL,
    exchange BLOB NOT NULL,
    -- Until when it is kept, in microseconds.
    until INTEGER NOT NULL,
    -- 0 begun, 1 answered, 2 done, its answer not kept.
    state INTEGER NOT NULL,
    -- Sealed.
    answer BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS repeat_until ON repeat (until);
