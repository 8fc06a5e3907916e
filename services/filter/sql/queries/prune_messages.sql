-- Messages so old that the log cannot bring them again. $1: judged before, $2: how many at most.
DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages WHERE judged_at < $1 AND emitted_at IS NOT NULL
    ORDER BY judged_at LIMIT $2))
