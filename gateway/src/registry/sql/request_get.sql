SELECT request, first, last FROM requests WHERE operator = ?1 AND key = ?2 AND made >= ?3
