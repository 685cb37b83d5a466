INSERT OR REPLACE INTO posting (term, block, items) VALUES (?1, ?2, ?3)
