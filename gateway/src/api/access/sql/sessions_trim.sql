DELETE FROM sessions WHERE operator = ?1
AND hash NOT IN (SELECT hash FROM sessions WHERE operator = ?1 ORDER BY seen DESC LIMIT ?2)
