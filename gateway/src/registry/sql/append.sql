INSERT INTO events (sequence, body, hash) VALUES (?1, ?2, ?3)
