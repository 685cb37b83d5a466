DELETE FROM repeat WHERE id = ?1
