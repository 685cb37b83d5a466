INSERT INTO item (number, at, entry, segment, "offset", closing_segment, closing_offset)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
