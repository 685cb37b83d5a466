SELECT number FROM block WHERE number <= ?1 AND last_at >= ?2 AND first_at < ?3 ORDER BY number DESC
