-- The answers of these senders, and what is known of other replies to them, in order. A statement of
-- its own, after the senders are locked: joined to the lock it would show what was there before we
-- waited for it. $1: pseudonyms.
SELECT sender, message_id, answered_at, sequence, proof, false AS other
FROM answers WHERE sender = ANY ($1::text[])
UNION ALL
SELECT sender, message_id, answered_at, sequence, proof, true
FROM other_replies WHERE sender = ANY ($1::text[])
ORDER BY answered_at, message_id
