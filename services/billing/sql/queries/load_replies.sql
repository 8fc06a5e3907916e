-- These replies, locked in the order of their ids. $1: ids.
SELECT {columns} FROM replies WHERE reply_id = ANY ($1::text[]) ORDER BY reply_id FOR UPDATE
