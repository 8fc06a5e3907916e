-- First contacts by bucket. $1: their key, $2: from this bucket on.
SELECT bucket, sum(count)::int AS count FROM counts WHERE key = $1 AND bucket >= $2 GROUP BY bucket
