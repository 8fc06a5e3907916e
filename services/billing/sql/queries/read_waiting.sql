-- What waits to be paid for.
SELECT count(*) AS count, coalesce(sum(price_microeuros), 0)::bigint AS cost
FROM replies WHERE state = 'waiting'
