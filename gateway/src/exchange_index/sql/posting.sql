SELECT items FROM posting WHERE era = ?1 AND term = ?2 AND block = ?3
