-- Costs of messages that never came. $1: kept before, $2: how many at most.
DELETE FROM costs WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM costs WHERE at < $1 ORDER BY at LIMIT $2))
