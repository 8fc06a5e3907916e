-- The senders of a batch, locked in canonical order. $1: pseudonyms.
SELECT sender, opted_out, blocked, blocked_at, silenced, silenced_at, message_id, kind, partition,
       first_at, last_at, due_at, texts, marks, tokens, blocks, backfilled, sender_sealed
FROM senders
WHERE sender = ANY ($1::text[])
ORDER BY sender
FOR UPDATE
