-- Replies of the states given whose time to be looked at has come, in the order of the states; of
-- each state as many as are asked for at most, by its index. $1: states, $2: until, $3: how many.
SELECT due.* FROM unnest($1::text[]) WITH ORDINALITY AS s (state, place),
    LATERAL (SELECT {columns} FROM replies WHERE replies.state = s.state AND look_at <= $2
             ORDER BY look_at, reply_id LIMIT $3) AS due
ORDER BY place, look_at, reply_id LIMIT $3
