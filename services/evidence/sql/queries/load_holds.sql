-- The cases that hold records of a sender now.
SELECT c.id, c.reason, c.hold_until, count(*) AS records
FROM held($2) h JOIN cases c ON c.id = h.case_id
JOIN records r ON r.message_id = h.message_id
WHERE r.sender = $1 GROUP BY c.id ORDER BY c.id
