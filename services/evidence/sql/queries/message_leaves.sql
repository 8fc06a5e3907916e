-- The leaves about one message.
SELECT leaf FROM records WHERE message_id = $1 ORDER BY leaf
