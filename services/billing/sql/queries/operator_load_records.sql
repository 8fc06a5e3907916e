-- What was not told yet, in order; locked, so that one tells at a time.
SELECT number, topic, key, value FROM operator_records ORDER BY number LIMIT $1 FOR UPDATE
