-- The leaves about a sender.
SELECT leaf FROM records WHERE message_id IN (
    SELECT message_id FROM records WHERE sender = $1 AND kind = 'received'
) UNION SELECT leaf FROM records WHERE sender = $1 ORDER BY leaf
