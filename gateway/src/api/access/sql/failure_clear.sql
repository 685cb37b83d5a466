DELETE FROM failures WHERE subject = ?1
