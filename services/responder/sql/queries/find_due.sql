-- Replies of the states given whose time to be looked at has come, in the order of the states.
SELECT {columns} FROM replies WHERE state = ANY($1::text[]) AND look_at <= $2
ORDER BY array_position($1::text[], state), look_at, reply_id LIMIT $3
