SELECT operator, granted, began, seen FROM sessions WHERE hash = ?1
