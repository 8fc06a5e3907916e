-- One message, call or test with its verdict. $1: id.
SELECT i.id, coalesce(c.kind, p.kind) AS kind, coalesce(c.received_at, p.received_at) AS received_at,
       c.cost_microeuros, v.decision, v.reason, v.basis, v.due_at
FROM (SELECT $1::text AS id) AS i
LEFT JOIN receipts c ON c.message_id = i.id
LEFT JOIN replies p ON p.reply_id = i.id
LEFT JOIN verdicts v ON v.message_id = i.id
WHERE num_nonnulls(c.message_id, p.reply_id) > 0
