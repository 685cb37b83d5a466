DELETE FROM repeat WHERE until <= ?1
