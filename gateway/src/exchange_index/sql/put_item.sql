INSERT INTO item (number, at, entry, segment, "offset") VALUES (?1, ?2, ?3, ?4, ?5)
