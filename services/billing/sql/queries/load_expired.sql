-- Who has waited too long. $1: entered before, $2: how many.
SELECT {columns} FROM replies WHERE state = 'waiting' AND entered < $1
ORDER BY entered LIMIT $2 FOR UPDATE SKIP LOCKED
