SELECT block, items FROM posting WHERE era = ?1 AND term = ?2 AND block BETWEEN ?3 AND ?4
