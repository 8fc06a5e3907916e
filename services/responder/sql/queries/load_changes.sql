-- Changes not told yet.
SELECT number, key, value FROM changes ORDER BY number LIMIT $1
