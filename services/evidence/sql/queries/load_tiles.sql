-- These tiles.
SELECT t.level, t.number, t.hashes
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, number)
JOIN tiles t USING (level, number)
