-- These tiles, each by its key: the table is not read whole, however the server guesses.
SELECT t.level, t.number, t.hashes
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, number)
CROSS JOIN LATERAL (
    SELECT * FROM tiles WHERE tiles.level = wanted.level AND tiles.number = wanted.number LIMIT 1
) t
