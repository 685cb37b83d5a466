DELETE FROM answers WHERE made < ?1
