-- An era's words, which come in any order, are to be in memory while it grows: 32 MiB.
PRAGMA cache_size = -32768;
