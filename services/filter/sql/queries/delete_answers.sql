-- Replies that ended without an SMS: the sender may be answered again. $1: senders, $2: messages.
DELETE FROM answers a
USING unnest($1::text[], $2::text[]) AS u (sender, message_id)
WHERE a.sender = u.sender AND a.message_id = u.message_id
