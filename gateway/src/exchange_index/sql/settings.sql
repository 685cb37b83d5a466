PRAGMA journal_mode = WAL;
-- What a crash takes away is read from the log again.
PRAGMA synchronous = NORMAL;
PRAGMA temp_store = MEMORY;
-- What was written ahead is cut back to this once it is in the file.
PRAGMA journal_size_limit = 67108864;
