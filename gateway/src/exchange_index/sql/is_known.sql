SELECT COUNT(*) = 7 FROM sqlite_schema
WHERE type = 'table' AND name IN ('reach', 'item', 'term', 'posting', 'block', 'exchange', 'open')
