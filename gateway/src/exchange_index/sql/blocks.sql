SELECT number, first_at, last_at FROM block
WHERE number BETWEEN ?1 AND ?2 AND last_at >= ?3 AND first_at < ?4 ORDER BY number DESC
