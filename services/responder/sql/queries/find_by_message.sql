-- Replies by the provider's id.
SELECT message_id, reply_id FROM replies WHERE message_id = ANY($1::text[])
