-- Silences that are over. $1: silenced before, $2: how many at most.
UPDATE senders SET silenced = NULL, silenced_at = NULL WHERE sender IN (
    SELECT sender FROM senders WHERE silenced_at < $1
    ORDER BY sender LIMIT $2 FOR UPDATE SKIP LOCKED)
