UPDATE repeat SET state = 0, answer = NULL, until = ?2 WHERE id = ?1
