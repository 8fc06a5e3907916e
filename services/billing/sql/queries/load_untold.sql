-- Replies whose authorisation or end was not told yet. $1: how many.
SELECT {columns} FROM replies
WHERE told_at IS NULL AND state IN ('authorized', 'expired', 'refused')
ORDER BY changed_at LIMIT $1
