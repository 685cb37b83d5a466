SELECT sequence, body, hash FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
