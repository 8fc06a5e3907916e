-- What waits for these senders, locked in the order of the ids. $1: senders.
SELECT {columns} FROM replies
WHERE sender = ANY ($1::uuid[]) AND state = 'waiting' ORDER BY reply_id FOR UPDATE
