-- The answers of these senders. A statement of its own, after the senders are locked: joined to
-- the lock it would show what was there before we waited for it. $1: pseudonyms.
SELECT sender, message_id, answered_at FROM answers WHERE sender = ANY ($1::text[])
