INSERT INTO block (number, first_at, last_at) VALUES (?1, ?2, ?3)
ON CONFLICT (number) DO UPDATE SET first_at = MIN(first_at, ?2), last_at = MAX(last_at, ?3)
