DELETE FROM sessions WHERE seen < ?1 OR began < ?2
