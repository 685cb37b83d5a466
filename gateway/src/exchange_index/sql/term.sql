SELECT id FROM term WHERE kind = ?1 AND word = ?2
