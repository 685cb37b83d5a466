DELETE FROM failures WHERE last < ?1
OR subject NOT IN (SELECT subject FROM failures ORDER BY last DESC LIMIT ?2)
