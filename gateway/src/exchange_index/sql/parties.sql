SELECT systems FROM parties WHERE era = ?1 AND term = ?2
