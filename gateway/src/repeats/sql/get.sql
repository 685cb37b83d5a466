SELECT request, terms, exchange, state, answer FROM repeat WHERE id = ?1 AND until > ?2
