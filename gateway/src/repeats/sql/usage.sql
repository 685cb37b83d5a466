SELECT consumer, count(*), coalesce(sum(length(answer)), 0) FROM repeat GROUP BY consumer
