INSERT INTO requests (operator, key, request, first, last, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO NOTHING
