-- The senders of a batch, locked in canonical order. $1: pseudonyms.
SELECT s.*, a.message_id AS answer_id, a.answered_at
FROM senders s LEFT JOIN answers a USING (sender)
WHERE s.sender = ANY ($1::text[])
ORDER BY s.sender
FOR UPDATE OF s
