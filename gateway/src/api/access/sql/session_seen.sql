UPDATE sessions SET seen = ?2 WHERE hash = ?1
