SELECT request, status, type, body FROM answers WHERE operator = ?1 AND key = ?2
