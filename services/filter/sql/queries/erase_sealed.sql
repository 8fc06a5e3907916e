-- The replies to these messages have ended: their sealed numbers go. $1: ids.
UPDATE messages SET sender_sealed = NULL WHERE id = ANY ($1::text[]) AND sender_sealed IS NOT NULL
