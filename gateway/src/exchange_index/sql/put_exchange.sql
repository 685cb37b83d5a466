INSERT OR IGNORE INTO exchange (id, item) VALUES (?1, ?2)
