SELECT COALESCE(MAX(number) + 1, 0) FROM item
