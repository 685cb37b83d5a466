SELECT hash FROM events WHERE sequence = ?1
