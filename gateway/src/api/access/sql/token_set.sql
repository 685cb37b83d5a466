INSERT INTO tokens (id, hash) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING
