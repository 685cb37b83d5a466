SELECT hash FROM tokens WHERE id = ?1
