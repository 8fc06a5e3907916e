-- Silences that are over. $1: silenced before, $2: how many at most.
UPDATE senders SET silenced = NULL, silenced_at = NULL WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM senders WHERE silenced_at < $1
    ORDER BY silenced_at LIMIT $2 FOR UPDATE SKIP LOCKED))
