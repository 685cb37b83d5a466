INSERT OR REPLACE INTO reach (only, entry, segment, "offset", leaf) VALUES (0, ?1, ?2, ?3, ?4)
