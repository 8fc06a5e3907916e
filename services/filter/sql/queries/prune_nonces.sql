-- As messages. $1: seen before, $2: how many at most.
DELETE FROM nonces WHERE ctid IN (SELECT ctid FROM nonces WHERE seen_at < $1 LIMIT $2)
