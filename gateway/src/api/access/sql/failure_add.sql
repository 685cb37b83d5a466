INSERT INTO failures (subject, count, last) VALUES (?1, 1, ?2)
ON CONFLICT (subject) DO UPDATE SET count = min(count + 1, 1000), last = excluded.last
