-- What the waiting clock showed when the one who waits longest began to.
SELECT min(entered) AS entered FROM replies WHERE state = 'waiting'
