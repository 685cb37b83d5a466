INSERT OR REPLACE INTO posting (era, term, block, items) VALUES (?1, ?2, ?3, ?4)
