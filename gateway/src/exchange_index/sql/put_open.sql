INSERT OR REPLACE INTO open (entry, item) VALUES (?1, ?2)
