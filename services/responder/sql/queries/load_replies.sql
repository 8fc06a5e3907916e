-- Replies by id, locked in one order.
SELECT {columns} FROM replies WHERE reply_id = ANY($1::text[]) ORDER BY reply_id FOR UPDATE
