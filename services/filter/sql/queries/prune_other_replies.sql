-- Replies whose window is over. $1: answered before, $2: how many at most.
DELETE FROM other_replies WHERE ctid IN (
    SELECT ctid FROM other_replies WHERE answered_at < $1 LIMIT $2)
