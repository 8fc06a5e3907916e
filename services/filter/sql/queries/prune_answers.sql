-- Answers whose window is over. $1: answered before, $2: how many at most.
DELETE FROM answers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM answers WHERE answered_at < $1 ORDER BY answered_at LIMIT $2))
