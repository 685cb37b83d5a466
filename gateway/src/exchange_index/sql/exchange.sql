SELECT item FROM exchange WHERE id = ?1
