-- How often each key was counted from one bucket to another; a row where it was at all.
-- $1: keys, $2: first buckets, $3: last buckets.
SELECT q.number, found.count
FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS q (key, first, last, number),
     LATERAL (SELECT sum(count)::int AS count FROM counts c
              WHERE c.key = q.key AND c.bucket BETWEEN q.first AND q.last) AS found
WHERE found.count IS NOT NULL
