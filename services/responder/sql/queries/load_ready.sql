-- Authorised replies that may be tried, the longest due; none to a number with an open send.
SELECT {columns} FROM replies WHERE reply_id IN (
    SELECT reply_id FROM replies AS r
    WHERE state = 'authorized' AND look_at <= $1 AND (kind = 'test' OR NOT $3)
        AND NOT EXISTS (
            SELECT FROM replies AS o
            WHERE o.sender = r.sender AND o.state IN ('sending', 'uncertain')
        )
    ORDER BY due_at, reply_id LIMIT $2
) AND state = 'authorized'
ORDER BY reply_id
FOR UPDATE
