SELECT count(*) FROM requests WHERE operator = ?1 AND made >= ?2
