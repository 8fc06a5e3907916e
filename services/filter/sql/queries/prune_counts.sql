-- Counts that no verdict asks for any more.
-- $1: buckets before, $2: the same for details, $3: the first byte of their keys, $4: at most.
DELETE FROM counts WHERE ctid IN (
    SELECT ctid FROM counts
    WHERE bucket < $1 OR (bucket < $2 AND substr(key, 1, 1) = ANY ($3::bytea[])) LIMIT $4)
