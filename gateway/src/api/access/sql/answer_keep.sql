UPDATE answers SET status = ?3, type = ?4, body = ?5 WHERE operator = ?1 AND key = ?2
