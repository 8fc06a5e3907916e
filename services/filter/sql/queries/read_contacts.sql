-- First contacts by bucket. $1: their key.
SELECT bucket, sum(count)::int AS count FROM counts WHERE key = $1 GROUP BY bucket
