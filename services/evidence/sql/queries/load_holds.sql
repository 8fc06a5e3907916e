-- The cases that hold records of a sender now.
SELECT c.id, c.reason, c.hold_until, count(*) AS records
FROM records r CROSS JOIN LATERAL holding(r.message_id, $2) AS h (case_id)
JOIN cases c ON c.id = h.case_id
WHERE r.sender = $1 GROUP BY c.id ORDER BY c.id
