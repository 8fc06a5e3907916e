-- How many were handed over in a stretch of time, by the index of it. $3: no more need be counted.
SELECT count(*) FROM (
    SELECT 1 FROM replies WHERE sending_at BETWEEN $1 AND $2 ORDER BY sending_at LIMIT $3) AS sent
