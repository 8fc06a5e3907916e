-- A sender's messages, calls and tests with their verdicts, the latest first.
-- $1: sender, $2: how many.
SELECT coalesce(c.message_id, p.reply_id) AS id, coalesce(c.kind, p.kind) AS kind,
       coalesce(c.received_at, p.received_at) AS received_at, c.cost_microeuros,
       v.decision, v.reason, v.basis, v.due_at
FROM (SELECT * FROM receipts WHERE sender = $1) AS c
FULL JOIN (SELECT * FROM replies WHERE sender = $1) AS p ON p.reply_id = c.message_id
LEFT JOIN verdicts v ON v.message_id = coalesce(c.message_id, p.reply_id)
ORDER BY coalesce(c.received_at, p.received_at) DESC LIMIT $2
