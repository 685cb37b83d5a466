INSERT INTO answers (operator, key, request, made) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING
