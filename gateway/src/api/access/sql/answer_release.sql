DELETE FROM answers WHERE operator = ?1 AND key = ?2 AND status IS NULL
