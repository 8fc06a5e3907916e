-- Replies of which no word can change anything any more, or that are an answer now. $1: messages.
DELETE FROM other_replies WHERE message_id = ANY ($1::text[])
