BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS events_are_never_edited BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never edited');
END;
CREATE TRIGGER IF NOT EXISTS events_are_never_removed BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never removed');
END;
CREATE TABLE IF NOT EXISTS requests (
    operator TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    made INTEGER NOT NULL,
    PRIMARY KEY (operator, key)
) STRICT;
CREATE INDEX IF NOT EXISTS requests_by_age ON requests (made);
PRAGMA application_id = 0x4b454c49;
PRAGMA user_version = 2;
COMMIT;
