-- Replies that have not ended, locked in one order.
SELECT {columns} FROM replies WHERE NOT final ORDER BY reply_id FOR UPDATE
