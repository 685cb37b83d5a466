UPDATE repeat SET request = ?2, state = ?3, answer = ?4 WHERE id = ?1
