INSERT INTO term (kind, word) VALUES (?1, ?2) ON CONFLICT (kind, word) DO UPDATE SET kind = kind RETURNING id
