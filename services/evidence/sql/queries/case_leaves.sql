-- The leaves of a selection below a size, and of the terms that held.
SELECT r.leaf FROM records r
WHERE r.leaf < $5 AND r.message_id IN (SELECT selected($1, $2, $3, $4))
UNION SELECT r.leaf FROM records r WHERE r.leaf < $5 AND r.kind = 'terms'
ORDER BY leaf
