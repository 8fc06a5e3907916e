-- Replies to these numbers, in these states, that no SMS is known of; locked in one order.
SELECT {columns} FROM replies
WHERE sender = ANY($1::text[]) AND state = ANY($2::text[]) AND message_id IS NULL
ORDER BY reply_id FOR UPDATE
