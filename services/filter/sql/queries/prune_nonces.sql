-- As messages. $1: seen before, $2: how many at most.
DELETE FROM nonces WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM nonces WHERE seen_at < $1 ORDER BY seen_at LIMIT $2))
