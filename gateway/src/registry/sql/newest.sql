SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1
