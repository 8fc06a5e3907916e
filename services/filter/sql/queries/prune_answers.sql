-- Answers whose window is over. $1: answered before, $2: how many at most.
DELETE FROM answers WHERE ctid IN (SELECT ctid FROM answers WHERE answered_at < $1 LIMIT $2)
