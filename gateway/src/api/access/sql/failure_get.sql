SELECT count, last FROM failures WHERE subject = ?1
