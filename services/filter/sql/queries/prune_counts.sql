-- Counts that no verdict asks for any more. $1: the first byte of their keys, $2: for each the
-- bucket before which they go, $3: how many of each at most.
DELETE FROM counts WHERE ctid = ANY (ARRAY(
    SELECT old.ctid FROM unnest($1::bytea[], $2::bigint[]) AS k (kind, before),
         LATERAL (SELECT c.ctid FROM counts c
                  WHERE substr(c.key, 1, 1) = k.kind AND c.bucket < k.before
                  ORDER BY c.bucket LIMIT $3) AS old))
