-- Changes to be told, in the order given.
INSERT INTO changes (key, value)
SELECT key, value FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS c (key, value, place)
ORDER BY place
