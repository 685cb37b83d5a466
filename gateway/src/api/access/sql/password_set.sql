INSERT INTO passwords (operator, granted, hash) VALUES (?1, ?2, ?3)
ON CONFLICT (operator) DO UPDATE SET granted = excluded.granted, hash = excluded.hash
WHERE excluded.granted > passwords.granted
