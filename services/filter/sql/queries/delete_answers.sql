-- Replies that are not their sender's answer any more: they ended without an SMS, or another holds
-- longer. $1: senders, $2: messages.
DELETE FROM answers a
USING unnest($1::text[], $2::text[]) AS u (sender, message_id)
WHERE a.sender = u.sender AND a.message_id = u.message_id
