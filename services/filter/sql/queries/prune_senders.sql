-- Senders of whom nothing is left to remember. $1: how many at most.
DELETE FROM senders WHERE ctid IN (
    SELECT s.ctid FROM senders s
    WHERE NOT s.opted_out AND s.blocked_at IS NULL AND s.silenced_at IS NULL AND s.message_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.sender = s.sender)
      AND NOT EXISTS (SELECT 1 FROM other_replies o WHERE o.sender = s.sender)
    ORDER BY s.sender LIMIT $1
    FOR UPDATE OF s SKIP LOCKED)
