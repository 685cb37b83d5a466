-- The exchange index: made of the exchange log, and made again whenever it is lost.

-- Under what the numbers of words are made: of this index alone.
CREATE TABLE numbering (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    key BLOB NOT NULL
) STRICT;
INSERT INTO numbering (only, key) VALUES (0, randomblob(16));

-- How far it reaches: one row.
CREATE TABLE reach (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    -- The last entry that is in: where it stands, and its leaf hash.
    entry INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    leaf BLOB NOT NULL
) STRICT;

-- One row for each exchange and each refused call, in the log's order, numbered from 0.
CREATE TABLE item (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    closing_segment INTEGER,
    closing_offset INTEGER
) STRICT;

-- In which items of a block a word stands. An era is some blocks: within it the blocks of a word stand side by side, and
-- what is added goes to the newest.
CREATE TABLE posting (
    era INTEGER NOT NULL,
    term INTEGER NOT NULL,
    block INTEGER NOT NULL,
    items BLOB NOT NULL,
    PRIMARY KEY (era, term, block)
) STRICT, WITHOUT ROWID;

-- Which systems and organisations took part in the items of an era that bear a word: a part of their numbers, four bytes each;
-- nothing where they are too many to count. Of words said when an exchange begins, and not of those that stand in few items.
CREATE TABLE parties (
    era INTEGER NOT NULL,
    term INTEGER NOT NULL,
    systems BLOB NOT NULL,
    PRIMARY KEY (era, term)
) STRICT, WITHOUT ROWID;

-- Between which times the items of a block were received, in microseconds.
CREATE TABLE block (
    number INTEGER PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;

-- Exchanges, and openings whose closing is still to come.
CREATE TABLE exchange (
    id BLOB PRIMARY KEY,
    item INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE open (
    entry INTEGER PRIMARY KEY,
    item INTEGER NOT NULL
) STRICT;
