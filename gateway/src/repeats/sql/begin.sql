INSERT INTO repeat (id, consumer, request, terms, exchange, until, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
