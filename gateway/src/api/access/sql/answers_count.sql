SELECT count(*) FROM answers WHERE operator = ?1
