-- Authorisations told before $1 that nobody has answered. $2: how many.
SELECT {columns} FROM replies
WHERE state = 'authorized' AND sequence = 0 AND told_at < $1 ORDER BY told_at LIMIT $2
