SELECT items FROM posting WHERE term = ?1 AND block = ?2
