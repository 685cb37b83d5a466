SELECT number FROM item WHERE number BETWEEN ?1 AND ?2 AND at >= ?3 AND at < ?4
