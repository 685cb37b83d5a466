DELETE FROM requests WHERE made < ?1
