SELECT at FROM item WHERE number = ?1
