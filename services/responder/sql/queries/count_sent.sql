-- How many were handed over in a stretch of time.
SELECT count(*) FROM replies WHERE sending_at BETWEEN $1 AND $2
