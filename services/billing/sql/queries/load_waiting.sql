-- Who is next in the waiting room: tests, then the best rank. What another has locked is left
-- out: he ends it. $1: how many, $2: tests only; as a bound of the index, or all who wait would be
-- read to find none.
SELECT {columns} FROM replies
WHERE state = 'waiting' AND (kind <> 'test') <= NOT $2::boolean
ORDER BY (kind <> 'test'), rank DESC, reply_id LIMIT $1 FOR UPDATE SKIP LOCKED
