SELECT granted, hash FROM passwords WHERE operator = ?1
