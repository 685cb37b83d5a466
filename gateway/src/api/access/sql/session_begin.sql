INSERT INTO sessions (hash, operator, granted, began, seen) VALUES (?1, ?2, ?3, ?4, ?4)
