-- The exchange index: made of the exchange log, and made again whenever it is lost.
PRAGMA journal_mode = WAL;
-- What a crash takes away is read from the log again.
PRAGMA synchronous = NORMAL;
PRAGMA temp_store = MEMORY;

-- How far it reaches: one row.
CREATE TABLE IF NOT EXISTS reach (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    version INTEGER NOT NULL,
    -- The last entry that is in: where it stands, and its leaf hash.
    entry INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    leaf BLOB NOT NULL
) STRICT;

-- One row for each exchange and each refused call, in the log's order, numbered from 0.
CREATE TABLE IF NOT EXISTS item (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    closing_segment INTEGER,
    closing_offset INTEGER
) STRICT;

-- Words that are looked for.
CREATE TABLE IF NOT EXISTS term (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    word TEXT NOT NULL,
    UNIQUE (kind, word)
) STRICT;

-- In which items of a block a word stands.
CREATE TABLE IF NOT EXISTS posting (
    term INTEGER NOT NULL,
    block INTEGER NOT NULL,
    items BLOB NOT NULL,
    PRIMARY KEY (term, block)
) STRICT, WITHOUT ROWID;

-- Between which times the items of a block were received, in microseconds.
CREATE TABLE IF NOT EXISTS block (
    number INTEGER PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;

-- Exchanges, and openings whose closing is still to come.
CREATE TABLE IF NOT EXISTS exchange (
    id BLOB PRIMARY KEY,
    item INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open (
    entry INTEGER PRIMARY KEY,
    item INTEGER NOT NULL
) STRICT;
