INSERT OR REPLACE INTO parties (era, term, systems) VALUES (?1, ?2, ?3)
